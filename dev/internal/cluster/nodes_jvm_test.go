package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/cluster"
	"github.com/searchpack/searchpack/dev/internal/distro"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// realCluster lays out and starts nodes of OpenSearch.
func realCluster(t *testing.T, version string, nodes int) *cluster.Cluster {
	t.Helper()
	if os.Getenv("SEARCHPACK_JVM") != "1" {
		t.Skip("starts OpenSearch: set SEARCHPACK_JVM=1")
	}
	dir, err := os.MkdirTemp("", "searchpack-nodes-") // t.TempDir is closed to the nodes' user
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755))
	o := cluster.Options{Name: "shop", Dir: filepath.Join(dir, "state")}
	for i := range nodes {
		home, err := distro.Layout(t.Context(), version, filepath.Join(dir, fmt.Sprintf("n%d", i+1)), distro.Options{})
		if errors.Is(err, distro.ErrNoJDK) {
			t.Fatal(err) // asked for by SEARCHPACK_JVM: a missing JDK is a failure
		}
		check(t, err)
		o.Homes = append(o.Homes, home)
	}
	c, err := cluster.Create(o)
	check(t, err)
	t.Cleanup(c.Close)
	return c
}

func timed(t *testing.T, what string, do func() error) {
	t.Helper()
	began := time.Now()
	check(t, do())
	t.Logf("%s: %.1fs", what, time.Since(began).Seconds())
}

func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	check(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	check(t, err)
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, url, resp.StatusCode, text)
	}
	return string(text)
}

// Three nodes meet; one is killed and comes back at its old address with its data; one is stopped
// and started; the two that stay serve all the time.
func TestThreeNodes(t *testing.T) {
	c := realCluster(t, "3.8.0", 3)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	timed(t, "three nodes started", func() error { return c.Start(ctx) })
	n1, n2, n3 := c.Node("n1"), c.Node("n2"), c.Node("n3")
	for _, n := range c.Nodes() {
		health := ask(t, "GET", n.URL()+"/_cluster/health", "")
		if !strings.Contains(health, `"number_of_nodes":3`) {
			t.Fatalf("%s sees %s", n.Name(), health)
		}
	}
	ask(t, "PUT", n1.URL()+"/shop", `{"settings":{"number_of_shards":1,"number_of_replicas":2}}`)
	ask(t, "PUT", n1.URL()+"/shop/_doc/1?refresh=true&wait_for_active_shards=all", `{"t":"notebook"}`)

	url, pid := n2.URL(), n2.Pid()
	n2.Kill()
	if n2.Running() || n2.Pid() == pid {
		t.Fatal("n2 runs after Kill")
	}
	if hits := ask(t, "GET", n1.URL()+"/shop/_count?q=t:notebook", ""); !strings.Contains(hits, `"count":1`) {
		t.Errorf("after the kill: %s", hits)
	}
	timed(t, "killed node back", func() error { return errors.Join(n2.Start(ctx), n2.WaitReady(ctx)) })
	if n2.URL() != url {
		t.Errorf("n2 moved from %s to %s", url, n2.URL())
	}
	timed(t, "green again", func() error { return c.WaitHealth(ctx, "green") })
	if hits := ask(t, "GET", n2.URL()+"/shop/_count?q=t:notebook&preference=_local", ""); !strings.Contains(hits, `"count":1`) {
		t.Errorf("on the node that was killed: %s", hits)
	}

	timed(t, "node stopped", func() error { n3.Stop(ctx); return nil })
	log, err := os.ReadFile(filepath.Join(n3.Logs(), "stdout.log"))
	check(t, err)
	if !strings.Contains(string(log), "closed") {
		t.Error("n3 was not stopped by SIGTERM: its log does not say closed")
	}
	timed(t, "stopped node back", func() error { return c.Start(ctx) })
	timed(t, "green again", func() error { return c.WaitHealth(ctx, "green") })
	timed(t, "all stopped", func() error { c.Stop(ctx); return nil })
}

// A node that OpenSearch refuses to start says why.
func TestRealStartFailure(t *testing.T) {
	c := realCluster(t, "2.19.0", 1)
	n := c.Node("n1")
	check(t, os.WriteFile(filepath.Join(n.Home().Dir, "plugins", "README"), []byte("stray"), 0o644))
	err := c.Start(t.Context())
	if err == nil || n.Running() {
		t.Fatalf("started with a stray file in plugins/: %v", err)
	}
	headline, _, _ := strings.Cut(err.Error(), "\n")
	if !strings.Contains(headline, "ended while starting (exit status 1)") || !strings.Contains(headline, "Could not load plugin descriptor for plugin directory [README]") {
		t.Errorf("headline: %s", headline)
	}
}
