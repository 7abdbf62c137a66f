package rollout

import (
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// PluginState says how far a node is with one plugin.
type PluginState string

// The states of a plugin on a node, as its last report and its own list of plugins show them.
const (
	PluginRuns       PluginState = "runs"        // OpenSearch was started with what is ordered; without OpenSearch: it is placed
	PluginWaits      PluginState = "waits"       // for a start of its node
	PluginPrepares   PluginState = "prepares"    // fetched, checked, unpacked beside plugins/
	PluginChanged    PluginState = "changed"     // on the disk, by somebody else
	PluginRefused    PluginState = "refused"     // the node does not take it, or cannot be given it
	PluginNotStarted PluginState = "not started" // OpenSearch did not start with it; it got its former plugins back
)

// PluginStanding is one plugin on one node.
type PluginStanding struct {
	PackageID string
	Part      searchpack.PluginPart
	Name      string // of the folder; "" until it is known
	State     PluginState
	// Digest is of the zip that lies under plugins/; "" = none. Wanted is what shall lie there; "" = none.
	Digest, Wanted searchpack.Digest
	Staged         bool // Wanted lies ready beside plugins/
	Why            string
	Do             string // what a person does about it, with what to type
}

// RestartStanding is what can be said of a node's plugins and restarts.
type RestartStanding struct {
	Plugins []PluginStanding // by package id
	Permit  *searchpack.Permit
	Do      string // about the permit
}

// Restarts says of each agent in service what is with its plugins and its restart.
func Restarts(w World) map[string]RestartStanding {
	d := newDecider(w, guards{})
	d.takeStock()
	out := map[string]RestartStanding{}
	for _, n := range d.nodes {
		s := RestartStanding{}
		for _, id := range d.ids() {
			if p, has := d.pluginStanding(n, id); has {
				s.Plugins = append(s.Plugins, p)
			}
		}
		for _, o := range d.leftPlugins(n) {
			s.Plugins = append(s.Plugins, d.judge(n, o))
		}
		s.Permit, s.Do = d.openPermit(n)
		out[n.ID] = s
	}
	return out
}

// pluginStanding of an associated package. false: the node has nothing of it and is to have nothing.
func (d *decider) pluginStanding(n *node, id string) (PluginStanding, bool) {
	if !d.isPlugin(id) {
		return PluginStanding{}, false
	}
	r, s := d.step(id)
	switch {
	case r != nil && (r.ErrorType != "" || r.Phase == searchpack.PhaseReturnRestart): // on its way back
		return d.judge(n, d.former(s, d.starts(n))), true
	case r != nil && placed(r.Phase):
		return d.judge(n, d.target(s, d.starts(n))), true
	}
	if want, listed := d.servingPlugin(n, d.associations[id]); listed {
		return d.judge(n, want), true
	}
	if r == nil {
		return PluginStanding{}, false
	}
	return d.judge(n, d.target(s, d.starts(n))), true // candidates are tried
}

// judge holds what the node reports against what it is to have.
func (d *decider) judge(n *node, want searchpack.PluginOrder) PluginStanding {
	rep := n.plugins[want.PackageID]
	c := n.ready[want.Digest]
	s := PluginStanding{
		PackageID: want.PackageID, Part: want.Part, Name: want.Name, Digest: rep.Installed, Wanted: want.Digest,
		Staged: want.Digest != "" && (rep.Staged == want.Digest || c.Ready && rep.Installed != want.Digest),
	}
	external := n.Report != nil && n.Report.RestartMode == searchpack.RestartExternal && !d.Domain.FilesOnly
	why, do := d.noneFits(n, want)
	switch {
	case d.hasPlugin(n, want):
		s.State, s.Why, s.Do = PluginRuns, why, do // runs now: another OpenSearch lies there
	case why != "":
		s.State, s.Why, s.Do = PluginRefused, why, do
	case rep.Failed != "" && rep.Failed == want.Digest:
		s.State, s.Why = PluginNotStarted, rep.FailedWhy
		s.Do = "read there why, mend the plugin and push it again; the node runs with its former plugins"
	case rep.Error != "" && rep.Installed != "" && rep.Installed == want.Digest:
		s.State, s.Why = PluginChanged, rep.Error
		s.Do = "restart OpenSearch there (systemctl restart opensearch): the plugin is put back as it was before it starts"
	case c.Refused != "" || rep.Error != "":
		s.State, s.Why = PluginRefused, rep.Error
		if c.Refused != "" {
			s.Why = c.Refused
		}
		s.Do = "see on that machine: searchpack agent doctor (--home and --allow-plugins of the agent, and what stands in the allow file)"
	case s.Staged, rep.Installed != "":
		r, _ := d.step(want.PackageID)
		s.State, s.Why = d.waitsFor(n, r, rep, external)
		if s.State == PluginWaits && (external || r == nil) {
			s.Do = "restart OpenSearch there (systemctl restart opensearch; in Kubernetes: kubectl delete pod, one at a time): Searchpack does not"
		}
	default:
		s.State, s.Why = PluginPrepares, c.Error
	}
	return s
}

// waitsFor says for what a node waits that has all it needs for its next start; r is the rollout of the
// plugin, nil if none runs: then nobody restarts the node.
func (d *decider) waitsFor(n *node, r *searchpack.Rollout, rep searchpack.PluginReport, external bool) (PluginState, string) {
	switch {
	case r != nil && !placed(r.Phase):
		return PluginPrepares, ""
	case rep.Waits != "":
		return PluginWaits, rep.Waits
	case external:
		return PluginWaits, "somebody else restarts this node"
	case r == nil:
		return PluginWaits, "no rollout restarts it: it gets it at its next start"
	case d.paused(r):
		return PluginWaits, "the rollout is paused by " + r.Paused
	case r.Restart != nil && r.Restart.AgentID == n.ID:
		return PluginWaits, r.Waiting
	case r.Restart != nil:
		return PluginWaits, "its turn has not come: " + d.agentText(r.Restart.AgentID) + " is being restarted"
	}
	return PluginWaits, "its turn has not come"
}

// openPermit is the node's leave to stop that has not ended.
func (d *decider) openPermit(n *node) (*searchpack.Permit, string) {
	i := slices.IndexFunc(d.Permits, func(p searchpack.Permit) bool {
		return p.AgentID == n.ID && p.EndedAt.IsZero() && d.counts(n, p)
	})
	if i < 0 {
		return nil, ""
	}
	p := d.Permits[i]
	if d.Now.Sub(p.BegunAt) < BackPatience {
		return &p, ""
	}
	do := "start OpenSearch there and see its log (journalctl -u opensearch)"
	if slices.ContainsFunc(d.rollouts, func(r *searchpack.Rollout) bool { return r.ID == p.RolloutID && r.State.Open() }) {
		do += fmt.Sprintf("; or give the rollout up: searchpack rollout abort %s %s", d.Domain.Name, p.RolloutID)
	}
	return &p, do + "; if the node is gone for good: searchpack nodes retire " + d.Domain.Name + " " + n.ID
}

// counts: the node may be away by the permit. One of a rollout that has ended, whose answer the agent may
// never have had, means nothing of a node that answers once nobody stops it by that any more.
func (d *decider) counts(n *node, p searchpack.Permit) bool {
	return n.facts() == nil || d.Now.Before(lastStop(p)) || slices.ContainsFunc(d.rollouts, func(r *searchpack.Rollout) bool { return r.ID == p.RolloutID })
}
