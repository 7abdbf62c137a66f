package e2e

import (
	"encoding/json"
	"testing"

	"github.com/searchpack/searchpack"
)

// loaded: an update is ACTIVE once the analyzers that each node has loaded show the new version, and
// the way back to the former version is proven the same way.
func (c *cluster) loaded(t *testing.T) {
	former := c.version
	c.next(t)
	c.p.askAssociate(t)
	c.p.active(t, c.version)
	c.provenLoaded(t, c.version)
	searchable(t, c.p, "books", c.version)

	if code, out := cli(t, c.u, "rollback", c.p.id, "--domain", "demo"); code != 0 {
		t.Fatalf("rollback: %d\n%s", code, out)
	}
	c.p.active(t, former)
	c.provenLoaded(t, former)
	searchable(t, c.p, "books", former)

	c.p.askAssociate(t) // the newest again
	c.p.active(t, c.version)
	c.provenLoaded(t, c.version)
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
