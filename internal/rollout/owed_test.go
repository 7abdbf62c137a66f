package rollout

import (
	"slices"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// TestBehind: a node is away while a version is rolled out. Its proof is owed, which is said; it is
// behind from when its OpenSearch is seen again until its agent is heard, and not before or after.
func TestBehind(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.leave(2)
	b.later(3*time.Minute, "n3")
	b.ask(searchpack.ActionAssociate, "v2")
	for range 20 {
		b.step()
		b.obey("n1", "n2")
	}
	says := func(when, note string) {
		t.Helper()
		if got := b.association().Note; got != note {
			t.Errorf("%s the note is %q, want %q", when, got, note)
		}
	}
	if s := b.association().Status; s != searchpack.Active {
		t.Fatalf("it is %s, waiting %q", s, b.waiting())
	}
	says("while it is away", "proven 2/3, owed n3")
	b.later(time.Hour, "n3")
	if d := b.step(); len(d.Associations) > 0 {
		t.Errorf("an hour later something else is said: %s", brief(d))
	}

	for i := range b.w.Agents[:2] {
		b.report(i, b.facts(i)) // they see n3 in the cluster
	}
	b.step()
	says("before its agent is heard", "proven 2/3, owed n3; behind, with another version: n3")

	b.report(2, b.facts(2))
	for range 3 {
		b.obey()
		b.step()
	}
	says("when it is back", "")
}

// A file that was changed behind the agent's back is an incident, and the node not behind: its agent
// knows what is to lie there.
func TestDamagedIsNotBehind(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	a := &b.w.Agents[1]
	a.Report.Files = slices.Clone(a.Report.Files)
	a.Report.Files[0].Digest = searchpack.DigestOf([]byte("nobody's"))
	b.step()
	if note := b.association().Note; note != "proven 1/2, owed n2" {
		t.Errorf("the note is %q", note)
	}
}
