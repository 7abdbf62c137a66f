package rollout

import (
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// Gate says why the node must not stop now; "" if it may: nothing is worse than before, every shard
// that it has has another started copy elsewhere, and the other nodes can elect a manager. anyway: the
// domain's owner takes the last two.
func Gate(h searchpack.ClusterHealth, baseline []string, nodeID string, anyway bool) string {
	if why := h.Worse(baseline); why != "" || anyway {
		return why
	}
	if len(h.Alone) > 0 {
		return "it has the only started copy of a shard of " + list(h.Alone) +
			": give those indices a replica, or let the domain restart without it (policy restart: any)"
	}
	if len(h.Voting) == 0 {
		return "it cannot be seen which nodes elect the cluster manager"
	}
	left := 0
	for _, id := range h.Voting {
		if id != nodeID && slices.Contains(h.Present, id) {
			left++
		}
	}
	if slices.Contains(h.Voting, nodeID) && left <= len(h.Voting)/2 {
		return fmt.Sprintf("without it %d of %d voting nodes are left, which cannot elect a cluster manager: use three manager-eligible nodes, or let the domain restart without one for a while (policy restart: any)",
			left, len(h.Voting))
	}
	return ""
}

// restartAny reports whether a node may stop although it has the last copy or the last vote: with one
// node there is no other way. A node that is alone because the others are down is none such.
func (d *decider) restartAny() bool {
	return d.Domain.Policy.Restart == searchpack.RestartAny || len(d.nodes) == 1 && d.members() == 1
}

// members counts the nodes of the cluster, with and without agents.
func (d *decider) members() int {
	n := 0
	for _, s := range d.who.Nodes {
		if s.Member {
			n++
		}
	}
	return n
}
