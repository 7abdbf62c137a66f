package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A fake node answers what config/answers.json says, by method and path without query: each call
// the next of the list, the last one for ever. An answer that begins with a number has that status.
// It writes down every call.
const (
	answersFile = "config/answers.json"
	callsFile   = "data/calls"
)

type script map[string][]string

var reciting struct {
	sync.Mutex
	told map[string]int
}

// recite is the node's side; its working directory is its home.
func recite(w http.ResponseWriter, r *http.Request) {
	reciting.Lock()
	defer reciting.Unlock()
	body, err := io.ReadAll(r.Body)
	exitOn(err)
	call := r.Method + " " + r.URL.RequestURI()
	if len(body) > 0 {
		call += " " + string(body)
	}
	f, err := os.OpenFile(callsFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	exitOn(err)
	_, err = fmt.Fprintln(f, call)
	exitOn(err)
	exitOn(f.Close())
	text, err := os.ReadFile(answersFile)
	if err != nil {
		return // every answer is 200 and empty
	}
	var s script
	exitOn(json.Unmarshal(text, &s))
	key := r.Method + " " + r.URL.Path
	answers := s[key]
	if len(answers) == 0 {
		http.Error(w, "no answer to "+key, http.StatusBadRequest)
		return
	}
	if reciting.told == nil {
		reciting.told = map[string]int{}
	}
	n := reciting.told[key]
	reciting.told[key]++
	answer := answers[min(n, len(answers)-1)]
	var status int
	if _, err := fmt.Sscanf(answer, "%d ", &status); err == nil && status >= 400 {
		http.Error(w, answer[4:], status)
		return
	}
	_, _ = io.WriteString(w, answer)
}

// scripted is a running cluster of n nodes whose n1 answers so.
func scripted(t *testing.T, n int, s script) *Cluster {
	t.Helper()
	how := make([]string, n)
	for i := range how {
		how[i] = "well"
	}
	c := fakeCluster(t, nil, how...)
	c.calm = 0
	s["GET /_cluster/health"] = append([]string{"{}"}, s["GET /_cluster/health"]...) // what Start asks
	for _, node := range c.Nodes() {
		text, err := json.Marshal(s)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(node.Home().Dir, answersFile), text, 0o644))
	}
	check(t, c.Start(t.Context()))
	forget(t, c)
	return c
}

// calls are those that a node got since forget, in their order.
func calls(t *testing.T, c *Cluster, node string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Node(node).Home().Dir, callsFile))
	if os.IsNotExist(err) {
		return nil
	}
	check(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func forget(t *testing.T, c *Cluster) {
	t.Helper()
	for _, n := range c.Nodes() {
		check(t, os.RemoveAll(filepath.Join(n.Home().Dir, callsFile)))
	}
}

// changesOf leaves out what only reads.
func changesOf(calls []string) []string {
	var out []string
	for _, c := range calls {
		if !strings.HasPrefix(c, "GET ") {
			out = append(out, c)
		}
	}
	return out
}
