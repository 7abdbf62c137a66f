package rollout

import (
	"fmt"
	"slices"
	"strings"
)

// identity is what a node calls itself.
type identity struct{ clusterUUID, nodeID string }

// noCluster is what OpenSearch reports before it has formed or joined a cluster.
const noCluster = "_na_"

func (id identity) known() bool {
	return id.nodeID != "" && id.clusterUUID != "" && id.clusterUUID != noCluster
}

// reported is the identity that a live node reports now.
func (n *node) reported() identity {
	if f := n.facts(); f != nil {
		return identity{f.ClusterUUID, f.NodeID}
	}
	return identity{}
}

// claim is the identity that an agent stands for: what it reports, else what it is bound to.
func (n *node) claim() identity {
	if id := n.reported(); id.known() {
		return id
	}
	return identity{n.ClusterUUID, n.NodeID}
}

// frozen says why nothing may move: nodes of more than one cluster report.
func frozen(nodes []*node) string {
	by := map[string][]string{}
	for _, n := range nodes {
		if id := n.reported(); id.known() {
			by[id.clusterUUID] = append(by[id.clusterUUID], n.called())
		}
	}
	if len(by) < 2 {
		return ""
	}
	var parts []string
	for uuid, names := range by {
		parts = append(parts, fmt.Sprintf("%s of cluster %s", list(names), uuid))
	}
	slices.Sort(parts)
	return freezeText + "its agents report nodes of different clusters: " + strings.Join(parts, ", ") +
		". Nothing moves until only one cluster reports: stop or retire the agents of the other"
}

// freezeText begins every text that says why a domain is frozen.
const freezeText = "the domain is frozen, because "

// findConflicts marks agents whose node is claimed twice: both when both are live; when the one
// that owns the identity is silent, the other, until the owner is retired.
func findConflicts(nodes []*node) {
	by := map[identity][]*node{}
	for _, n := range nodes {
		if id := n.claim(); id.known() {
			by[id] = append(by[id], n)
		}
	}
	for id, claimants := range by {
		if len(claimants) < 2 {
			continue
		}
		live := slices.DeleteFunc(slices.Clone(claimants), func(n *node) bool { return n.reported() != id })
		var names []string
		for _, n := range claimants {
			names = append(names, n.called()+" (agent "+n.ID+")")
		}
		slices.Sort(names)
		for _, n := range live {
			owner := identity{n.ClusterUUID, n.NodeID} == id
			if len(live) > 1 || !owner {
				n.conflict = fmt.Sprintf("node %s is claimed by %s; retire all but one", id.nodeID, strings.Join(names, " and "))
			}
		}
	}
}

// bind ties agents to what they report: the first time, and anew when a disk was replaced.
func bind(nodes []*node) {
	for _, n := range nodes {
		id := n.reported()
		if n.conflict != "" || !id.known() || id == (identity{n.ClusterUUID, n.NodeID}) {
			continue
		}
		n.ClusterUUID, n.NodeID, n.bound = id.clusterUUID, id.nodeID, true
	}
}
