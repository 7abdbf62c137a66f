package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

var day = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func TestDomainComesAndGoes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put("demo", 2, day)
	r.put("foreign", 0, day) // made by a join token: somebody else's cluster
	stop := r.run()
	e := r.await("both nodes up", func(e map[string]DomainEntry, w map[string]string) bool {
		return allUp(e["demo"], 2) && w["demo"] == "the agent of n1 has not joined yet"
	})
	if _, ok := e["foreign"]; ok {
		t.Error("a domain of somebody else's nodes was provisioned")
	}
	if e["demo"].Endpoint != "127.0.0.1:19201" {
		t.Errorf("endpoint %q, want the first node's", e["demo"].Endpoint)
	}
	r.report("demo", "n1", 2)
	r.report("demo", "n2", 1)
	r.await("n2 sees too few", func(_ map[string]DomainEntry, w map[string]string) bool { return w["demo"] == "n2 sees 1 of 2 nodes" })
	r.report("demo", "n2", 2)
	e = r.await("done", func(_ map[string]DomainEntry, w map[string]string) bool { return w["demo"] == "" })
	if id := e["demo"].Nodes[1].NodeID; id != "id-demo-n2" {
		t.Errorf("node id %q", id)
	}
	pids := []int{e["demo"].Nodes[0].PID, e["demo"].Nodes[1].AgentPID}

	r.remove("demo")
	r.await("gone", func(e map[string]DomainEntry, _ map[string]string) bool { return len(e) == 0 })
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(r.p.dir, "demo")); os.IsNotExist(err) {
			break
		} else if time.Now().After(end) {
			t.Fatal("the folder stays")
		}
	}
	for _, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d still runs", pid)
		}
	}
	stop()
}

// A domain deleted and made again at once is another one: it inherits no file and no process.
func TestRecreatedDomainStartsAfresh(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put("demo", 1, day)
	r.run()
	e := r.await("up", func(e map[string]DomainEntry, _ map[string]string) bool { return allUp(e["demo"], 1) })
	first := e["demo"].Nodes[0].PID
	left := filepath.Join(r.p.dir, "demo", "n1", "left")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.remove("demo")
	r.put("demo", 2, day.Add(time.Second))
	e = r.await("up again", func(e map[string]DomainEntry, _ map[string]string) bool { return allUp(e["demo"], 2) })
	if e["demo"].Nodes[0].PID == first {
		t.Error("a process of the deleted domain serves the new one")
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the new domain has a file of the deleted one: %v", err)
	}
}

func TestKilledChildrenStayDownUntilStarted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put("demo", 2, day)
	r.run()
	e := r.await("up", func(e map[string]DomainEntry, _ map[string]string) bool { return allUp(e["demo"], 2) })
	for _, pid := range []int{e["demo"].Nodes[0].PID, e["demo"].Nodes[0].AgentPID} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	e = r.await("n1 down", func(e map[string]DomainEntry, _ map[string]string) bool {
		return e["demo"].Nodes[0].PID == 0 && e["demo"].Nodes[0].AgentPID == 0
	})
	if e["demo"].Endpoint != "127.0.0.1:19202" {
		t.Errorf("endpoint %q, want that of the node that runs", e["demo"].Endpoint)
	}
	n, err := r.p.find("demo", "n1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds it running
		if err := n.startNode(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := n.startAgent(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	r.await("n1 up", func(e map[string]DomainEntry, _ map[string]string) bool { return allUp(e["demo"], 2) })
	if got := strings.Join(r.agents.synced, " "); got != "demo.n1.agent" {
		t.Errorf("synced before a start: %q, want only the restarted node", got)
	}
	n.stopNode(context.Background())
	n.stopAgent(context.Background())
	r.await("n1 down again", func(e map[string]DomainEntry, _ map[string]string) bool {
		return e["demo"].Nodes[0].PID == 0 && e["demo"].Nodes[0].AgentPID == 0 && e["demo"].Nodes[1].PID != 0
	})
	for _, name := range []string{"demo/n3", "nope/n1"} {
		domain, node, _ := strings.Cut(name, "/")
		if _, err := r.p.find(domain, node); err == nil {
			t.Errorf("found %s", name)
		}
	}
}

func TestFailedStartIsSaidAndTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.clusters.setFail(errors.New("no space left on device"))
	r.put("demo", 1, day)
	r.run()
	r.await("the reason", func(e map[string]DomainEntry, w map[string]string) bool {
		return e["demo"].Error == "no space left on device" && w["demo"] != ""
	})
	r.clusters.setFail(nil)
	r.await("up", func(e map[string]DomainEntry, _ map[string]string) bool {
		return allUp(e["demo"], 1) && e["demo"].Error == ""
	})
}

func TestStopEndsEveryProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put("a-domain", 2, day)
	r.put("b-domain", 1, day)
	stop := r.run()
	e := r.await("up", func(e map[string]DomainEntry, _ map[string]string) bool {
		return allUp(e["a-domain"], 2) && allUp(e["b-domain"], 1)
	})
	stop()
	for _, d := range e {
		for _, n := range d.Nodes {
			for _, pid := range []int{n.PID, n.AgentPID} {
				if syscall.Kill(pid, 0) == nil {
					t.Errorf("process %d of %s/%s still runs", pid, d.Name, n.Name)
				}
			}
		}
	}
	if _, err := os.Stat(filepath.Join(r.p.dir, "a-domain", "n1")); err != nil {
		t.Errorf("a stop must keep the data: %v", err)
	}
}

func TestSweepKeepsWhatHasARow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put("kept", 1, day)
	for _, d := range []string{"kept", "gone", "eu-west-1.000000000000.kept"} {
		if err := os.Mkdir(filepath.Join(r.p.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.p.sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(r.p.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "kept" {
		t.Errorf("left: %v, %v; want kept", entries, err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := searchpack.DomainKey{Account: "111111111111", Region: "eu-west-1", Name: "demo"}
	if a, b := r.p.folder(key("demo")), r.p.folder(other); a != "demo" || b != "eu-west-1.111111111111.demo" {
		t.Errorf("%s, %s", a, b)
	}
}

func TestUnreported(t *testing.T) {
	t.Parallel()
	agent := func(name string, r *searchpack.Report) *searchpack.AgentState {
		return &searchpack.AgentState{Agent: searchpack.Agent{Name: name}, Report: r, ReportedAt: day}
	}
	node := func(members int) *searchpack.Report {
		return &searchpack.Report{Node: &searchpack.NodeFacts{Members: make([]searchpack.Member, members)}}
	}
	retired := agent("n1", node(1))
	retired.RetiredAt = day
	stale := agent("n1", node(1))
	stale.ReportedAt = day.Add(-time.Microsecond)
	for _, tt := range []struct {
		name   string
		d      searchpack.Domain
		agents []*searchpack.AgentState
		want   string
	}{
		{"nobody", searchpack.Domain{Nodes: 1}, nil, "the agent of n1 has not joined yet"},
		{"only a retired one", searchpack.Domain{Nodes: 1}, []*searchpack.AgentState{retired}, "the agent of n1 has not joined yet"},
		{"joined", searchpack.Domain{Nodes: 1}, []*searchpack.AgentState{agent("n1", nil)}, "the agent of n1 has not reported yet"},
		{"reported to an earlier run", searchpack.Domain{Nodes: 1}, []*searchpack.AgentState{stale}, "the agent of n1 has not reported yet"},
		{"node away", searchpack.Domain{Nodes: 1}, []*searchpack.AgentState{agent("n1", &searchpack.Report{NodeError: "connection refused"})}, "n1 does not answer its agent: connection refused"},
		{"alone", searchpack.Domain{Nodes: 2}, []*searchpack.AgentState{agent("n1", node(1)), agent("n2", node(2))}, "n1 sees 1 of 2 nodes"},
		{"done", searchpack.Domain{Nodes: 2}, []*searchpack.AgentState{retired, agent("n1", node(2)), agent("n2", node(2))}, ""},
		{"files only", searchpack.Domain{Nodes: 2, FilesOnly: true}, []*searchpack.AgentState{agent("n1", node(0)), agent("n2", node(0))}, ""},
	} {
		if got := unreported(&tt.d, tt.agents, day); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
