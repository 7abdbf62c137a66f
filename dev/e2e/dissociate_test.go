package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/internal/opensearch"
	"github.com/searchpack/searchpack/internal/usage"
)

// dissociated: a file that an index, a closed index or a template names stays, and is told why; also when
// they come to be in the midst of the dissociation. After all that the whole cluster restarts with it.
func (c *cluster) dissociated(t *testing.T) {
	defer explainFailure(t, c.u)
	p := newPack(t, c.u, "doomed", 100)
	p.askAssociate(t)
	p.active(t, 1)
	makeIndex(t, p, "doomed")
	c.refusesToGo(t, p, "index doomed.")
	c.do(t, http.MethodPost, "/doomed/_close", nil)
	c.refusesToGo(t, p, "index doomed (closed).")
	c.do(t, http.MethodDelete, "/doomed", nil)
	c.do(t, http.MethodPut, "/_index_template/doomed", object{"index_patterns": []string{"doomed-*"}, "template": object{"settings": reads(p)}})
	c.refusesToGo(t, p, "index template doomed.")
	c.do(t, http.MethodDelete, "/_index_template/doomed", nil)

	t.Run("an index comes between the first look and the hiding", func(t *testing.T) { c.comesBeforeHiding(t, p) })
	t.Run("an index comes between the hiding and the second look", func(t *testing.T) { c.comesWhileHidden(t, p) })
	t.Run("the whole cluster restarts", func(t *testing.T) { c.restartsWhole(t, p) })
	t.Run("indices are made all the time", func(t *testing.T) { c.comesAnyTime(t, p) })
}

// do calls the first node.
func (c *cluster) do(t *testing.T, method, path string, body any) {
	t.Helper()
	require(t, c.node(t, "n1"), method, path, body)
}

// reads are settings with an analyzer that reads the package's file.
func reads(p *pack) object { return object{"analysis": readsFile("analyzers/" + p.id)} }

// refusesToGo asks for the dissociation, which fails naming who uses the file, and the file stays.
func (c *cluster) refusesToGo(t *testing.T, p *pack, user string) {
	t.Helper()
	p.askDissociate(t)
	c.stays(t, p, user)
}

// stays: the dissociation that is under way fails naming the user, and every node has the file.
func (c *cluster) stays(t *testing.T, p *pack, user string) {
	t.Helper()
	message := p.failed(t, "DISSOCIATION_FAILED")
	if !strings.Contains(message, "is in use by "+user) {
		t.Errorf("the refusal does not name %s: %s", user, message)
	}
	if why := p.onDisk(1); why != "" {
		t.Errorf("after the refusal: %s", why)
	}
}

// suspended stops an agent without its knowing, so that a step that waits for it stands still.
func (c *cluster) suspended(t *testing.T, name string) (resume func()) {
	t.Helper()
	pid := c.node(t, name).AgentPID
	send := func(sig syscall.Signal) {
		t.Helper()
		args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !bytes.Contains(args, []byte(c.u.data)) {
			t.Fatalf("process %d is none of %s: %.200s (%v)", pid, c.u.data, args, err)
		}
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	send(syscall.SIGSTOP)
	resume = sync.OnceFunc(func() { send(syscall.SIGCONT) })
	t.Cleanup(resume)
	return resume
}

// comesBeforeHiding: the manager's agent stands still, so the file is not hidden when somebody makes an
// index that reads it. The second look sees the index.
func (c *cluster) comesBeforeHiding(t *testing.T, p *pack) {
	name := manager(t, c.u)
	resume := c.suspended(t, name)
	p.askDissociate(t)
	eventually(t, func() string { // past the first look, which another node gives at the latest after its silence
		r := rollouts(t, c.u, 1)[0]
		if !strings.Contains(r.Waiting, name) || strings.Contains(r.Waiting, "to read the cluster state") {
			return "the first look does not pass: " + r.Waiting
		}
		return ""
	})
	makeIndex(t, p, "late")
	resume()
	c.stays(t, p, "index late.")
	c.green(t, "late")
	searchable(t, p, "late", 1)
	c.do(t, http.MethodDelete, "/late", nil)
}

// comesWhileHidden: another node's agent stands still when the manager has hidden the file. OpenSearch
// refuses an index that would read it; it takes one with a filter that no analyzer uses, and with it the
// name of the file.
func (c *cluster) comesWhileHidden(t *testing.T, p *pack) {
	m := c.node(t, manager(t, c.u))
	other := ""
	for name, n := range c.nodes(t) {
		if name != m.Name && !n.Speaker {
			other = name
		}
	}
	resume := c.suspended(t, other)
	p.askDissociate(t)
	eventually(t, func() string {
		if _, err := os.Lstat(p.path(m.Config)); !os.IsNotExist(err) {
			return fmt.Sprintf("%s does not hide the file (%v): %s", m.Name, err, rollouts(t, c.u, 1)[0].Waiting)
		}
		return ""
	})
	if err := ask(t.Context(), c.node(t, "n1"), http.MethodPut, "/refused", object{"settings": reads(p)}, nil); err == nil {
		t.Error("an index is made that reads a hidden file")
	}
	c.do(t, http.MethodPut, "/idle", object{"settings": object{"analysis": object{"filter": object{
		"synonyms": object{"type": "synonym_graph", "synonyms_path": "analyzers/" + p.id}}}}})
	resume()
	c.stays(t, p, "index idle.")
	c.do(t, http.MethodDelete, "/idle", nil)
}

// restartsWhole: every node stops, then all start. Indices that read the file are as they were.
func (c *cluster) restartsWhole(t *testing.T, p *pack) {
	makeIndex(t, p, "doomed")
	makeIndex(t, p, "doomed-closed")
	c.do(t, http.MethodPost, "/doomed-closed/_close", nil)
	c.refusesToGo(t, p, "index doomed, index doomed-closed (closed).")
	nodes := c.u.document().Domains[0].Nodes
	all := func(action string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), jvmPatience)
		defer cancel()
		var wg sync.WaitGroup
		for _, n := range nodes {
			wg.Go(func() {
				if out, err := exec.CommandContext(ctx, program, "node", action, "demo/"+n.Name, "--data", c.u.data).CombinedOutput(); err != nil {
					t.Errorf("node %s %s: %v %s", action, n.Name, err, out)
				}
			})
		}
		wg.Wait()
	}
	began := time.Now()
	all("stop")
	all("start")
	eventuallyWithin(t, jvmPatience, func() string {
		if err := ask(t.Context(), c.node(t, "n1"), http.MethodGet, "/_cluster/health/doomed,books?wait_for_status=green&timeout=20s", nil, nil); err != nil {
			return err.Error()
		}
		return ""
	})
	t.Logf("all nodes stopped and green again after %.1f s", time.Since(began).Seconds())
	searchable(t, p, "doomed", 1)
	searchable(t, c.p, "books", c.version)
	c.do(t, http.MethodPost, "/doomed-closed/_open", nil)
	c.green(t, "doomed-closed")
	searchable(t, p, "doomed-closed", 1)
	p.askAssociate(t) // the refusal is taken back
	p.active(t, 1)
	c.do(t, http.MethodDelete, "/doomed*", nil)
}

const (
	// dissociations are asked for while indices are made; the first of each at a later moment.
	dissociations = 6
	laterBy       = 20 * time.Millisecond // a dissociation takes some 100 to 200
)

// comesAnyTime: whenever in a dissociation somebody begins to make indices that read the file, either
// there is none in the end and the file is gone, or the dissociation fails naming one, and they work.
func (c *cluster) comesAnyTime(t *testing.T, p *pack) {
	went := 0
	for round := range dissociations {
		ctx, cancel := context.WithCancel(t.Context())
		made := make(chan []string, 1)
		n := c.u.document().Domains[0].Nodes[round%3]
		go func() { made <- makeAllTheTime(ctx, n, p, time.Duration(round)*laterBy) }()
		p.askDissociate(t)
		state := ""
		eventually(t, func() string {
			if state = p.state(t); strings.HasPrefix(state, "DISSOCIATING") {
				return "the dissociation does not end: " + rollouts(t, c.u, 1)[0].Waiting
			}
			return ""
		})
		cancel()
		indices := <-made
		t.Logf("indices made from %v on: %d, then %.80s", time.Duration(round)*laterBy, len(indices), state)
		if state == "none" {
			went++
			p.gone(t)
			if uses := c.uses(t, p); len(uses) > 0 {
				t.Errorf("the file is gone, and %v names it", uses)
			}
			if err := ask(t.Context(), c.node(t, "n1"), http.MethodPut, "/race-after", object{"settings": reads(p)}, nil); err == nil {
				t.Error("an index is made that reads a removed file")
			}
			p.askAssociate(t)
			p.active(t, 1)
			continue
		}
		c.stays(t, p, "index race-")
		for _, name := range indices {
			c.green(t, name)
			searchable(t, p, name, 1)
		}
		c.do(t, http.MethodDelete, "/race-*", nil)
		p.askAssociate(t)
		p.active(t, 1)
	}
	t.Logf("of %d dissociations %d went through", dissociations, went)
	p.askDissociate(t)
	p.gone(t)
}

// makeAllTheTime makes small indices, at most a handful, after a while, until one is refused or ctx ends.
// It returns those that were made.
func makeAllTheTime(ctx context.Context, n stack.NodeEntry, p *pack, after time.Duration) (made []string) {
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return nil
	}
	body := object{"settings": reads(p), "mappings": object{"properties": object{
		"title": object{"type": "text", "analyzer": "standard", "search_analyzer": "with_synonyms"}}}}
	body["settings"].(object)["index"] = object{"number_of_shards": 1, "number_of_replicas": 2}
	for i := 0; i < 5 && ctx.Err() == nil; i++ {
		name := fmt.Sprintf("race-%d", i)
		// Not ended with ctx: whether an index was made must be known.
		if err := ask(context.WithoutCancel(ctx), n, http.MethodPut, "/"+name, body, nil); err != nil {
			return made
		}
		made = append(made, name)
		_ = ask(context.WithoutCancel(ctx), n, http.MethodPut, "/"+name+"/_doc/1?refresh=true", object{"title": "notebook"}, nil)
	}
	return made
}

// uses is who names the package's file by the cluster's own state now.
func (c *cluster) uses(t *testing.T, p *pack) []searchpack.Use {
	t.Helper()
	client, err := opensearch.New(opensearch.Config{URL: c.node(t, "n1").HTTP})
	if err != nil {
		t.Fatal(err)
	}
	report := searchpack.UsageReport{Schema: 1}
	if report.State, report.ClusterUUID, report.Term, report.Version, report.Truncated, err = client.State(t.Context()); err != nil {
		t.Fatal(err)
	}
	u, err := usage.Parse(report, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return usage.Users(&u, p.id)
}
