package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	readyBound   = 5 * time.Minute // a node takes 10 to 60 s, longer on a busy machine
	askEvery     = 100 * time.Millisecond
	askBound     = 10 * time.Second
	healthBound  = 30 * time.Second // of one call; repeated until ctx ends
	answerLimit  = 1 << 20          // bytes
	outputTail   = 64 << 10         // bytes of the log that are looked at
	outputTailed = 15               // lines shown
)

// WaitReady returns when the node answers. If its process ends, the error holds the last lines of
// what it printed.
func (n *Node) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyBound, errors.New("no answer within "+readyBound.String()))
	defer cancel()
	p, _ := n.current()
	if p == nil {
		return fmt.Errorf("%s of %s was not started", n.name, n.cluster.name)
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		ready, err := n.answers(ctx)
		if ready || err != nil {
			return err
		}
		select {
		case <-p.Done():
			return n.startFailure(fmt.Sprintf("ended while starting (%v)", p.Err()))
		case <-ctx.Done():
			return n.startFailure("does not answer: " + context.Cause(ctx).Error())
		case <-tick.C:
		}
	}
}

// answers asks the node for its name. An answer with another name is an error: somebody else has
// the port.
func (n *Node) answers(ctx context.Context) (bool, error) {
	status, body, err := n.get(ctx, "/", askBound)
	if err != nil || status != http.StatusOK {
		return false, nil
	}
	var who struct {
		Name    string `json:"name"`
		Cluster string `json:"cluster_name"`
	}
	if err := json.Unmarshal(body, &who); err != nil || who.Name != n.name || who.Cluster != n.cluster.name {
		return false, fmt.Errorf("%w: at %s answers something that is not %s of %s", errPortTaken, n.URL(), n.name, n.cluster.name)
	}
	return true, nil
}

// ask reads JSON off the node itself.
func (n *Node) ask(ctx context.Context, path string, answer any) error {
	status, text, err := n.get(ctx, path, askBound)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d: %.300s", status, text)
	}
	return json.Unmarshal(text, answer)
}

func (n *Node) get(ctx context.Context, path string, bound time.Duration) (int, []byte, error) {
	return n.send(ctx, bound, http.MethodGet, path, nil)
}

// WaitHealth returns when the nodes that run have met and the cluster's health is at least status:
// "green", "yellow", or "" for any.
func (c *Cluster) WaitHealth(ctx context.Context, status string) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	last := "no node runs"
	for {
		var running []*Node
		for _, n := range c.Nodes() {
			if n.Running() {
				running = append(running, n)
			}
		}
		if len(running) > 0 {
			path := "/_cluster/health?timeout=20s&wait_for_nodes=" + strconv.Itoa(len(running))
			if status != "" {
				path += "&wait_for_no_initializing_shards=true&wait_for_no_relocating_shards=true&wait_for_status=" + status
			}
			code, body, err := running[0].get(ctx, path, healthBound)
			if err == nil && code == http.StatusOK {
				return nil
			}
			last = fmt.Sprintf("status %d %.300s %v", code, body, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cluster %s is not healthy: %w (last answer: %s)", c.name, context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}

// telling are lines that say why a node did not start.
var telling = regexp.MustCompile(`StartupException: |Exception in thread|^ERROR: |BindHttpException|BindTransportException|does not meet this requirement|could not find java`)

var bindFailure = regexp.MustCompile(`BindHttpException|BindTransportException`)

// startFailure says what happened with what the node printed last.
func (n *Node) startFailure(what string) error {
	lines := n.lastOutput()
	cause := ""
	taken := false
	for _, line := range lines {
		if cause == "" && telling.MatchString(line) {
			cause = ": " + strings.TrimSpace(line)
		}
		taken = taken || bindFailure.MatchString(line)
	}
	if len(lines) > outputTailed {
		lines = lines[len(lines)-outputTailed:]
	}
	err := fmt.Errorf("%s of %s %s%s\nthe last lines of %s/stdout.log:\n%s",
		n.name, n.cluster.name, what, cause, n.Logs(), strings.Join(lines, "\n"))
	if taken {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// lastOutput returns the end of what the node printed, by lines.
func (n *Node) lastOutput() []string {
	home, err := os.OpenRoot(n.Home().Dir)
	if err != nil {
		return nil
	}
	defer func() { _ = home.Close() }()
	f, err := home.Open(outputFile)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > outputTail {
		if _, err := f.Seek(-outputTail, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, outputTail))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimRight(strings.ToValidUTF8(string(text), "?"), "\n"), "\n")
}
