package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/searchpack/searchpack"
)

// loaded: an update is ACTIVE once the analyzers that each node has loaded show the new version, and
// the way back to the former version is proven the same way.
func (c *cluster) loaded(t *testing.T) {
	former := c.version
	c.next(t)
	before := c.analyzed(t)
	c.p.askAssociate(t)
	c.p.active(t, c.version)
	builds := c.since(t, before)
	c.provenLoaded(t, c.version)
	searchable(t, c.p, "books", c.version)

	if code, out := cli(t, c.u, "rollback", c.p.id, "--domain", "demo"); code != 0 {
		t.Fatalf("rollback: %d\n%s", code, out)
	}
	c.p.active(t, former)
	c.provenLoaded(t, former)
	searchable(t, c.p, "books", former)

	before = c.analyzed(t)
	c.p.askAssociate(t) // the newest again
	c.p.active(t, c.version)
	builds = min(builds, c.since(t, before))
	c.provenLoaded(t, c.version)
	// The candidate, and the live file for probe and witness. A node that is busy may be asked once more,
	// hardly in both rollouts.
	if builds > 2 {
		t.Errorf("a node was asked to build the filter %d times", builds)
	}
}

// analyzed is how many inline _analyze each node has carried out since it started.
func (c *cluster) analyzed(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, n := range c.u.document().Domains[0].Nodes {
		var stats struct {
			Nodes map[string]struct {
				Pools map[string]struct{ Completed int } `json:"thread_pool"`
			}
		}
		must(t, ask(t.Context(), n, http.MethodGet, "/_nodes/_local/stats/thread_pool", nil, &stats))
		for _, s := range stats.Nodes {
			out[n.Name] = s.Pools["analyze"].Completed
		}
		if out[n.Name] == 0 {
			t.Fatalf("%s does not say what it has analyzed", n.Name)
		}
	}
	return out
}

// since is how many it were at the node that carried out the most since then.
func (c *cluster) since(t *testing.T, before map[string]int) int {
	t.Helper()
	most := 0
	for name, n := range c.analyzed(t) {
		most = max(most, n-before[name])
	}
	if most == 0 {
		t.Error("no node has analyzed anything")
	}
	return most
}

// provenLoaded: the proof of each node says that its one analyzer matched.
func (c *cluster) provenLoaded(t *testing.T, version int) {
	t.Helper()
	code, out := cli(t, c.u, "rollouts", "demo", "--limit", "1", "--output", "json")
	var answer struct{ Proofs []searchpack.Proof }
	if err := json.Unmarshal([]byte(out), &answer); code != 0 || err != nil {
		t.Fatalf("rollouts: %d %v\n%s", code, err, out)
	}
	nodes := 0
	for _, p := range answer.Proofs {
		if p.PackageID != c.p.id {
			continue
		}
		nodes++
		if p.Version != version || p.Level != searchpack.LevelLoaded || p.Witness != "1 analyzer matched" {
			t.Errorf("%s has proven v%d at level %s: %s", p.NodeName, p.Version, p.Level, p.Witness)
		}
	}
	if nodes != 3 {
		t.Errorf("%d nodes have proven: %s", nodes, out)
	}
}
