package rollout

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// RestartOutlook is what a plugin's rollout would do with the nodes.
type RestartOutlook struct {
	// Nodes that do not have the version, in the order of their turns: those that their agents restart, those
	// that somebody else does, in any order, then the elected manager, if its agent restarts it.
	Nodes []NodeRestart
	// Any: a node is restarted although it has the only started copy of a shard, or no cluster manager
	// can be elected without it: by the domain's policy, or because it has one node.
	Any bool
	// OneNode: every index is away while the node starts.
	OneNode bool
	// FilesOnly: there is no OpenSearch, so that nothing is restarted.
	FilesOnly bool
}

// NodeRestart is one node's turn.
type NodeRestart struct {
	AgentID, Name string
	Manager       bool
	Own           bool // its agent restarts it; else somebody else does
	// Note says that it gets another version than the others, made for its own OpenSearch, or that it would
	// refuse the version because none is.
	Note string
}

// foreseeRestarts asks the rules by which a rollout would go on.
func (d *decider) foreseeRestarts(out *Outlook, v, former searchpack.Version) {
	r := &searchpack.Rollout{
		Phase: searchpack.PhaseRestart,
		Steps: []searchpack.RolloutStep{{PackageID: v.PackageID, Action: searchpack.ActionAssociate, VersionID: v.ID, FormerID: former.ID}},
	}
	x := &RestartOutlook{FilesOnly: d.Domain.FilesOnly, Any: d.restartAny(), OneNode: d.members() == 1}
	for _, n := range d.late(r) {
		x.Nodes = append(x.Nodes, NodeRestart{
			AgentID: n.ID, Name: n.called(), Manager: n.ID == d.who.ManagerAgent,
			Own: d.restartsItself(n), Note: d.versionNote(n, r.Steps[0]),
		})
	}
	turn := func(n NodeRestart) int {
		switch {
		case !n.Own:
			return 1
		case n.Manager: // after those that somebody else restarts, too
			return 2
		}
		return 0
	}
	slices.SortStableFunc(x.Nodes, func(a, b NodeRestart) int { return cmp.Compare(turn(a), turn(b)) })
	out.Restarts = x
}

// versionNote says what is different about the version that a step brings to a node; "" if nothing is.
func (d *decider) versionNote(n *node, s searchpack.RolloutStep) string {
	o := d.target(s, d.starts(n))
	if why, _ := d.noneFits(n, o); why != "" {
		return why
	}
	if o.VersionID == s.VersionID {
		return ""
	}
	v := d.Versions[o.VersionID]
	return fmt.Sprintf("it gets v%d of package %s, which is made for its OpenSearch %s", v.Number, v.PackageID, quote(d.starts(n)))
}
