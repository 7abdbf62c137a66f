package rollout

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

// well is the health of three nodes that vote, with nothing amiss.
func well() searchpack.ClusterHealth {
	ids := []string{"id-n1", "id-n2", "id-n3"}
	return searchpack.ClusterHealth{ClusterUUID: "C", Term: 3, Version: 7, Voting: ids, Present: ids}
}

func TestGate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		edit     func(*searchpack.ClusterHealth)
		baseline []string
		any      bool
		want     string // part of the refusal; "" = it may stop
	}{
		{"well", func(*searchpack.ClusterHealth) {}, nil, false, ""},
		{"yellow as before", func(h *searchpack.ClusterHealth) { h.Unassigned = []string{"a[0]", "b[1]"} }, []string{"a[0]", "b[1]", "c[0]"}, false, ""},
		{"one more copy is lost", func(h *searchpack.ClusterHealth) { h.Unassigned = []string{"a[0]", "b[1]"} }, []string{"a[0]"}, false, "not before: b[1]"},
		{"the same shard lost one more", func(h *searchpack.ClusterHealth) { h.Unassigned = []string{"a[0]", "a[0] (2)"} }, []string{"a[0]"}, false, "a[0] (2)"},
		{"many are lost", func(h *searchpack.ClusterHealth) {
			h.Unassigned = strings.Fields("a b c d e f g h i j k l")
		}, nil, false, "i, j and 2 more"},
		{"more than can be named", func(h *searchpack.ClusterHealth) { h.Unassigned, h.More = []string{"a[0]"}, 1 }, []string{"a[0]"}, false, "more than 10000 copies"},
		{"copies move", func(h *searchpack.ClusterHealth) { h.Moving = 2 }, nil, false, "initializing or relocating: 2"},
		{"copies move, any", func(h *searchpack.ClusterHealth) { h.Moving = 2 }, nil, true, "initializing or relocating"},
		{"lost, any", func(h *searchpack.ClusterHealth) { h.Unassigned = []string{"a[0]"} }, nil, true, "a[0]"},
		{"the last copy", func(h *searchpack.ClusterHealth) { h.Alone = []string{"shop"} }, nil, false, "only started copy of a shard of shop"},
		{"the last copy, any", func(h *searchpack.ClusterHealth) { h.Alone = []string{"shop"} }, nil, true, ""},
		{"another voter is away", func(h *searchpack.ClusterHealth) { h.Present = []string{"id-n1", "id-n2"} }, nil, false, "without it 1 of 3 voting nodes"},
		{"another voter is away, any", func(h *searchpack.ClusterHealth) { h.Present = []string{"id-n1", "id-n2"} }, nil, true, ""},
		{"two voters", func(h *searchpack.ClusterHealth) { h.Voting = h.Voting[:2] }, nil, false, "1 of 2 voting nodes"},
		{"one voter, and it is the node", func(h *searchpack.ClusterHealth) { h.Voting = h.Voting[1:2] }, nil, false, "0 of 1 voting nodes"},
		{"the node does not vote", func(h *searchpack.ClusterHealth) { h.Voting = h.Voting[:1] }, nil, false, ""},
		{"the node does not vote, and no majority does", func(h *searchpack.ClusterHealth) {
			h.Voting, h.Present = []string{"id-n1", "id-n3", "id-n4"}, []string{"id-n1", "id-n2"}
		}, nil, false, ""},
		{"who votes is not seen", func(h *searchpack.ClusterHealth) { h.Voting = nil }, nil, false, "cannot be seen which nodes elect"},
		{"who votes is not seen, any", func(h *searchpack.ClusterHealth) { h.Voting = nil }, nil, true, ""},
	}
	for _, tt := range tests {
		h := well()
		tt.edit(&h)
		got := Gate(h, tt.baseline, "id-n2", tt.any)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Whatever the health is: a node that may stop leaves a majority of those that vote, nothing is
// unassigned that was not, and nothing moves.
func TestGateHolds(t *testing.T) {
	t.Parallel()
	ids := []string{"id-n1", "id-n2", "id-n3", "id-n4", "id-n5"}
	some := rapid.Custom(func(t *rapid.T) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(string) bool { return rapid.Bool().Draw(t, "gone") })
	})
	copies := rapid.Custom(func(t *rapid.T) []string {
		return slices.DeleteFunc([]string{"a[0]", "a[0] (2)", "b[0]", "b[1]"}, func(string) bool { return rapid.Bool().Draw(t, "assigned") })
	})
	rapid.Check(t, func(t *rapid.T) {
		h := searchpack.ClusterHealth{
			Voting: some.Draw(t, "voting"), Present: some.Draw(t, "present"), Unassigned: copies.Draw(t, "unassigned"),
			Moving: rapid.IntRange(0, 1).Draw(t, "moving"), More: rapid.IntRange(0, 1).Draw(t, "more"),
		}
		baseline, node := copies.Draw(t, "baseline"), rapid.SampledFrom(ids).Draw(t, "node")
		if Gate(h, baseline, node, false) != "" {
			return
		}
		left := 0
		for _, id := range h.Voting {
			if id != node && slices.Contains(h.Present, id) {
				left++
			}
		}
		if slices.Contains(h.Voting, node) && 2*left <= len(h.Voting) {
			t.Errorf("%s may stop, %d of %v are left", node, left, h.Voting)
		}
		for _, u := range h.Unassigned {
			if !slices.Contains(baseline, u) {
				t.Errorf("may stop while %s is unassigned, before it was %v", u, baseline)
			}
		}
		if h.Moving+h.More > 0 {
			t.Error("may stop while copies move or cannot be named")
		}
	})
}
