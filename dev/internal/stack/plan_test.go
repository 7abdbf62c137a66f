package stack

import (
	"testing"

	"github.com/searchpack/searchpack"
)

func TestNext(t *testing.T) {
	t.Parallel()
	const was, to = "OpenSearch_3.7", "OpenSearch_3.8"
	nodes := func(engines ...string) (all []has) {
		for i, e := range engines {
			all = append(all, has{"n" + string(rune('1'+i)), e})
		}
		return all
	}
	resize := func(from string) *searchpack.DomainChange {
		return &searchpack.DomainChange{Kind: searchpack.ChangeConfig, Properties: []searchpack.ChangedProperty{
			{Name: "ClusterConfig.DedicatedMasterEnabled", From: "false"}, {Name: "ClusterConfig.InstanceCount", From: from}}}
	}
	upgrade := func(step searchpack.UpgradeStep) *searchpack.DomainChange {
		return &searchpack.DomainChange{Kind: searchpack.ChangeUpgrade, FromVersion: was, ToVersion: to, Step: step}
	}
	for _, tt := range []struct {
		name string
		s    situation
		want action
	}{
		{"as asked", situation{nodes: 3, have: nodes(was, was, was)}, action{verb: toRest}},
		{"one too few", situation{nodes: 4, change: resize("3"), have: nodes(was, was, was)}, action{verb: toAdd, of: 1}},
		{"half of them there", situation{nodes: 5, change: resize("1"), have: nodes(was, was, was)}, action{verb: toAdd, done: 2, of: 4}},
		{"one too many", situation{nodes: 2, change: resize("3"), have: nodes(was, was, was)}, action{verb: toRemove, node: "n3", of: 1}},
		{"half of them gone", situation{nodes: 1, change: resize("3"), have: nodes(was, was)}, action{verb: toRemove, node: "n2", done: 1, of: 2}},
		{"all there", situation{nodes: 3, change: resize("1"), have: nodes(was, was, was)}, action{verb: toFinish, done: 2, of: 2}},
		{"the count before is not told", situation{nodes: 2, change: resize(""), have: nodes(was, was)}, action{verb: toFinish}},
		{"what a failed removal took comes back", situation{nodes: 3, have: nodes(was, was)}, action{verb: toAdd, of: 1}},
		{"what a failed addition left goes", situation{nodes: 1, have: nodes(was, was)}, action{verb: toRemove, node: "n2", of: 1}},

		{"an upgrade begins", situation{nodes: 2, change: upgrade(searchpack.UpgradeCheck), have: nodes(was, was)}, action{verb: toCheck}},
		{"no step yet", situation{nodes: 2, change: upgrade(""), have: nodes(was, was)}, action{verb: toCheck}},
		{"checked", situation{nodes: 2, change: upgrade(searchpack.UpgradeSnapshot), have: nodes(was, was)}, action{verb: toSnapshot}},
		{"the manager is first", situation{nodes: 3, change: upgrade(searchpack.UpgradeUpgrade), have: nodes(was, was, was), manager: "n1"}, action{verb: toUpgrade, node: "n2", of: 3}},
		{"the manager is in the middle", situation{nodes: 3, change: upgrade(searchpack.UpgradeUpgrade), have: nodes(to, was, was), manager: "n2"}, action{verb: toUpgrade, node: "n3", done: 1, of: 3}},
		{"only the manager is left", situation{nodes: 3, change: upgrade(searchpack.UpgradeUpgrade), have: nodes(to, was, to), manager: "n2"}, action{verb: toUpgrade, node: "n2", done: 2, of: 3}},
		{"no manager is known", situation{nodes: 2, change: upgrade(searchpack.UpgradeUpgrade), have: nodes(was, was)}, action{verb: toUpgrade, node: "n1", of: 2}},
		{"one node", situation{nodes: 1, change: upgrade(searchpack.UpgradeUpgrade), have: nodes(was), manager: "n1"}, action{verb: toUpgrade, node: "n1", of: 1}},
		{"upgraded", situation{nodes: 2, change: upgrade(searchpack.UpgradeUpgrade), have: nodes(to, to)}, action{verb: toFinish, done: 2, of: 2}},
		{"mixed after an upgrade that failed", situation{nodes: 2, have: nodes(to, was)}, action{verb: toRest}},
	} {
		if got := next(tt.s); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// Whatever there is and is asked for, a node at a time leads there.
func TestNextConverges(t *testing.T) {
	t.Parallel()
	for have := 1; have <= 9; have++ {
		for want := 1; want <= 9; want++ {
			s := situation{nodes: want}
			for range have {
				s.have = append(s.have, has{name: "n"})
			}
			steps := 0
			for a := next(s); a.verb != toRest; a = next(s) {
				if a.verb == toAdd {
					s.have = append(s.have, has{name: "n"})
				} else {
					s.have = s.have[:len(s.have)-1]
				}
				if steps++; steps > 8 {
					t.Fatalf("from %d to %d: no end", have, want)
				}
			}
			if len(s.have) != want || steps != apart(have, want) {
				t.Errorf("from %d to %d: %d nodes after %d steps", have, want, len(s.have), steps)
			}
		}
	}
}
