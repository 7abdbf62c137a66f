package catalog

import (
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// A node's plugin is shown with the numbers of its versions, what the node has loaded, its proof, who
// restarts it, and the permit that is open.
func TestNodesShowPlugins(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	one, two := searchpack.DigestOf([]byte("1")), searchpack.DigestOf([]byte("2"))
	a := searchpack.AgentState{
		Agent: searchpack.Agent{ID: "a1"},
		Report: &searchpack.Report{
			RestartMode: searchpack.RestartOwn,
			Node:        &searchpack.NodeFacts{Plugins: []searchpack.LoadedPlugin{{Name: "other", Version: "9"}, {Name: "lemmas", Version: "1.0"}}},
		},
	}
	w := rollout.World{Proofs: []searchpack.Proof{{AgentID: "a1", PackageID: "P1", Digest: two}, {AgentID: "a1", PackageID: "P1", Digest: one, Version: 1}}}
	s := rollout.RestartStanding{
		Plugins: []rollout.PluginStanding{{PackageID: "P1", Name: "lemmas", State: rollout.PluginWaits, Digest: one, Wanted: two, Staged: true, Why: "why", Do: "do"}},
		Permit:  &searchpack.Permit{ID: "r/1", RolloutID: "r", BegunAt: now}, Do: "start it",
	}
	numbers := versionNumbers{{"P1", one}: {1, ""}, {"P1", two}: {2, "P0"}}
	var n NodeView
	addPlugins(&n, a, w, s, numbers)
	p := n.Plugins[0]
	if p.Version != 1 || p.VersionOf != "" || p.Wanted != 2 || p.WantedOf != "P0" || p.Loaded != "1.0" || p.Proof == nil || p.Proof.Version != 1 || !p.Staged || p.Why != "why" || p.Do != "do" {
		t.Errorf("%+v", p)
	}
	if n.Restart != RestartsOwn || n.Permit == nil || *n.Permit != (NodePermit{"r/1", "r", now, "start it"}) {
		t.Errorf("%+v", n)
	}
	a.Report.RestartMode, n = searchpack.RestartExternal, NodeView{}
	if addPlugins(&n, a, w, s, numbers); n.Restart != RestartsExternal {
		t.Errorf("%+v", n)
	}
	n = NodeView{}
	if addPlugins(&n, a, w, rollout.RestartStanding{}, numbers); n.Restart != "" || n.Permit != nil || n.Plugins != nil {
		t.Errorf("a node without plugins: %+v", n)
	}
	n, w.Domain.FilesOnly = NodeView{}, true
	if addPlugins(&n, a, w, s, numbers); n.Restart != "" {
		t.Errorf("without OpenSearch: %+v", n)
	}
}

// Nobody is to do anything about a node that its agent is just restarting.
func TestNodeThatIsBeingRestarted(t *testing.T) {
	t.Parallel()
	for do, want := range map[string]string{"start it": "retire it", "": ""} {
		n := NodeView{Do: "retire it"}
		addPlugins(&n, searchpack.AgentState{}, rollout.World{}, rollout.RestartStanding{Permit: &searchpack.Permit{ID: "r/1"}, Do: do}, nil)
		if n.Do != want || n.Permit == nil || n.Permit.Do != do {
			t.Errorf("permit %q: %q, %+v", do, n.Do, n.Permit)
		}
	}
}
