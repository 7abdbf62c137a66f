package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// late are the nodes that do not have yet what the phase is to give them, in the order of their turns:
// a plugin that comes is last on the elected manager, which until then refuses indices that need it; one
// that goes is first there.
func (d *decider) late(r *searchpack.Rollout) []*node {
	var out []*node
	for _, n := range d.must() {
		if !d.hasAll(r, n) {
			out = append(out, n)
		}
	}
	manager := -1
	if managerLast(r) {
		manager = 1
	}
	slices.SortStableFunc(out, func(a, b *node) int {
		switch d.who.ManagerAgent {
		case a.ID:
			return manager
		case b.ID:
			return -manager
		}
		return 0
	})
	return out
}

// managerLast: in this phase the plugin comes to nodes, be it back. Else it goes.
func managerLast(r *searchpack.Rollout) bool {
	return (actionOf(r) == searchpack.ActionAssociate) == (r.Phase == searchpack.PhaseRestart)
}

// nextRestart is the first node that Searchpack may restart now; nil if there is none. Whoever restarts the
// nodes before it in the order, it waits for them where the order matters: see late.
func (d *decider) nextRestart(r *searchpack.Rollout, late []*node) *node {
	blocked := slices.ContainsFunc(d.nodes, func(n *node) bool { return n.standing == Blocks })
	for i, n := range late {
		manager := n.ID == d.who.ManagerAgent
		switch {
		case d.restartsItself(n) && d.prepared(r, n) && !(manager && managerLast(r) && (i > 0 || blocked)):
			return n
		case manager && !managerLast(r):
			return nil
		}
	}
	return nil
}

// restartsItself: the node's agent stops and starts it.
func (d *decider) restartsItself(n *node) bool {
	return !d.Domain.FilesOnly && n.Report != nil && n.Report.RestartMode == searchpack.RestartOwn
}

// prepared: a restart gives the node what the phase is to give it. One that has joined meanwhile has
// to fetch that first.
func (d *decider) prepared(r *searchpack.Rollout, n *node) bool {
	return r.Phase != searchpack.PhaseRestart || d.told(n, r) || d.couldStart(n, r)
}

// waitForOthers names the nodes that somebody else has to restart, and those for which nobody can do anything
// yet.
func (d *decider) waitForOthers(r *searchpack.Rollout, late []*node) bool {
	if d.Domain.FilesOnly {
		return d.everyone(r, "to place "+d.stepsText(r), func(n *node) (bool, string) {
			return !slices.Contains(late, n), n.pluginTrouble(d.plugins(r))
		})
	}
	var parts []string
	fetch, restart := "", ""
	var fetching, restarting []string
	for _, n := range late {
		switch {
		case !d.prepared(r, n):
			fetching = append(fetching, n.called())
			fetch = firstTrouble(fetch, n, d.unfetched(r, n))
		case !d.restartsItself(n):
			restarting = append(restarting, n.called())
			restart = firstTrouble(restart, n, n.pluginTrouble(d.plugins(r)))
		}
	}
	if len(fetching) > 0 {
		slices.Sort(fetching)
		parts = append(parts, list(fetching)+" to fetch "+d.stepsText(r)+fetch)
	}
	if len(restarting) > 0 {
		slices.Sort(restarting)
		parts = append(parts, "a restart of "+list(restarting)+restart)
	}
	return d.waitForAll(r, append(parts, d.blockers()...))
}

// unfetched is what the agent says of the candidates that it does not have ready.
func (d *decider) unfetched(r *searchpack.Rollout, n *node) string {
	for _, s := range d.plugins(r) {
		if c := n.ready[d.brings(s, d.starts(n)).Digest]; !c.Ready && c.Error != "" {
			return c.Error
		}
	}
	return ""
}
