package e2e

import (
	"cmp"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// gated is what the parts of TestPluginGates share.
type gated struct {
	u                *up
	p                *pack
	first, elected   string // the node that is restarted first, and the elected manager
	firstPID, eldest int    // of the two nodes before anything happens
}

// single is an index whose only copy is on the first node.
const single = "single"

// TestPluginGates is about what keeps a node of a cluster of two from being stopped for a plugin: an index
// without a replica, the last vote, a pause, an abort while the agent sleeps. make test has it on 2.19.0,
// whose nodes start in half the time.
func TestPluginGates(t *testing.T) {
	needsJVM(t)
	version := cmp.Or(os.Getenv("SEARCHPACK_E2E_OPENSEARCH"), oldVersion)
	jar := compiled(t, version)
	g := &gated{u: startOn(t, filepath.Join(openDir(t), "data"), version, jvmPatience, "--domain", "demo", "--nodes", "2", "--plugin-rules", "cluster")}
	engine := g.u.document().Domains[0].EngineVersion
	g.elected, g.first = manager(t, g.u), "n1"
	if g.elected == "n1" {
		g.first = "n2"
	}
	g.firstPID, g.eldest = nodeOf(t, g.u, g.first).PID, nodeOf(t, g.u, g.elected).PID
	fillIndex(t, nodeOf(t, g.u, "n1"), single, object{"settings": object{"index": object{
		"number_of_shards": 1, "number_of_replicas": 0, "routing.allocation.require._name": g.first,
	}}})
	g.p = newPlug(t, g.u, tagFilter, engine, func(v int) []byte { return tagZip(t, version, jar, v) })
	for _, part := range []struct {
		name string
		run  func(*gated, *testing.T)
	}{
		{"an agent that slept does not stop its node", (*gated).late},
		{"an index without a replica", (*gated).withoutReplica},
		{"dictionaries go through while it is paused", (*gated).paused},
		{"the last vote", (*gated).lastVote},
	} {
		if !t.Run(part.name, func(t *testing.T) { defer explainFailure(t, g.u); part.run(g, t) }) {
			return
		}
	}
}

// waits until the newest rollout of the plugin waits and says so.
func (g *gated) waits(t *testing.T, texts ...string) {
	t.Helper()
	eventually(t, func() string {
		for _, r := range rollouts(t, g.u, 5) {
			if !r.State.Open() {
				continue
			}
			for _, text := range texts {
				if !strings.Contains(r.Waiting, text) {
					return r.Waiting + " does not say " + text
				}
			}
			return ""
		}
		return "no rollout is open"
	})
}

// unstopped checks that no node was stopped.
func (g *gated) unstopped(t *testing.T) {
	t.Helper()
	for name, pid := range map[string]int{g.first: g.firstPID, g.elected: g.eldest} {
		if now := nodeOf(t, g.u, name).PID; now != pid || !alive(pid) {
			t.Errorf("%s was stopped: process %d, now %d", name, pid, now)
		}
	}
}

func (g *gated) settings(t *testing.T, index object) {
	t.Helper()
	require(t, nodeOf(t, g.u, "n1"), http.MethodPut, "/"+single+"/_settings", index)
}

// open gives the index a replica.
func (g *gated) open(t *testing.T) {
	t.Helper()
	g.settings(t, object{"index": object{"routing.allocation.require._name": nil, "number_of_replicas": 1}})
	require(t, nodeOf(t, g.u, "n1"), http.MethodGet, "/_cluster/health/"+single+"?wait_for_status=green&timeout=120s", nil)
}

// late: the agent of the first node asks for leave to stop it again and again, and falls asleep. The rollout
// is aborted, what kept the node from being stopped is gone, and somebody else restarts the other node. When
// the agent wakes, it stops nothing.
func (g *gated) late(t *testing.T) {
	g.p.askAssociate(t)
	g.waits(t, g.first, single, "replica")
	g.unstopped(t)
	resume := (&cluster{u: g.u}).suspended(t, g.first)
	if code, out := cli(t, g.u, "rollout", "abort", "demo", rollouts(t, g.u, 1)[0].ID); code != 0 {
		t.Fatal(out)
	}
	g.open(t) // once an agent has put the allocation back: another one half a minute later, if the one that sleeps spoke for the cluster
	for _, verb := range []string{"stop", "start"} {
		if code, out := executeWithin(t, jvmPatience, program, "node", verb, "demo/"+g.elected, "--data", g.u.data); code != 0 {
			t.Fatal(out)
		}
	}
	g.eldest = nodeOf(t, g.u, g.elected).PID
	resume()
	g.p.becomes(t, 2*patience, "ASSOCIATION_FAILED v1")
	if why := g.p.state(t); !strings.Contains(why, "Aborted") {
		t.Error(why)
	}
	g.unstopped(t)
	g.elected, g.first = manager(t, g.u), "n1"
	if g.elected == "n1" {
		g.first = "n2"
	}
	g.firstPID, g.eldest = nodeOf(t, g.u, g.first).PID, nodeOf(t, g.u, g.elected).PID
}

// withoutReplica: the node that has the only copy of an index is not stopped, and the index is named.
func (g *gated) withoutReplica(t *testing.T) {
	g.settings(t, object{"index": object{"number_of_replicas": 0, "routing.allocation.require._name": g.first}})
	require(t, nodeOf(t, g.u, "n1"), http.MethodGet, "/_cluster/health/"+single+"?wait_for_status=green&wait_for_no_relocating_shards=true&timeout=120s", nil)
	g.p.askAssociate(t)
	g.waits(t, g.first, single, "replica")
	g.unstopped(t)
	says(t, g.u, []string{"nodes", "demo"}, g.first)
}

// paused: the cluster's settings are put back, and a dictionary becomes ACTIVE while the plugin waits.
func (g *gated) paused(t *testing.T) {
	id := rollouts(t, g.u, 1)[0].ID
	if code, out := cli(t, g.u, "rollout", "pause", "demo", id); code != 0 {
		t.Fatal(out)
	}
	words := newPack(t, g.u, "words", 100)
	words.askAssociate(t)
	words.active(t, 1)
	for _, r := range rollouts(t, g.u, 5) {
		if r.ID == id && !r.State.Begun() {
			t.Errorf("the plugin's rollout is %s", r.State)
		}
	}
	g.unstopped(t)
	g.open(t)
	if code, out := cli(t, g.u, "rollout", "resume", "demo", id); code != 0 {
		t.Fatal(out)
	}
}

// lastVote: the first node gets the plugin; the other has the only vote, so it is not stopped until the
// domain's owner says so.
func (g *gated) lastVote(t *testing.T) {
	g.waits(t, g.elected, "voting nodes", "three manager-eligible nodes", "policy restart: any")
	if now := nodeOf(t, g.u, g.elected).PID; now != g.eldest || !alive(now) {
		t.Errorf("the elected manager was stopped: %d, now %d", g.eldest, now)
	}
	if nodeOf(t, g.u, g.first).PID == g.firstPID {
		t.Errorf("%s was not restarted", g.first)
	}
	if code, out := cli(t, g.u, "domains", "policy", "demo", "--restart", string(searchpack.RestartAny)); code != 0 {
		t.Fatal(out)
	}
	g.p.becomes(t, rolloutPatience, "ACTIVE v1")
}
