package rollout

import (
	"maps"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// simPlugin is a package for which nodes restart.
const simPlugin = "pkg-2"

// simLicense is a package that belongs to the plugin: no node starts with it and without that.
const simLicense = "pkg-1"

// isPlugin reports whether the package is one for which nodes restart.
func isPlugin(pkg string) bool { return pkg == simPlugin || pkg == simSibling || pkg == simLicense }

// simPlugins are the plugins of one node: on its disk, what a swap put aside, and what the running
// OpenSearch was started with.
type simPlugins struct {
	disk   map[string]searchpack.Digest
	former map[string]searchpack.Digest
	runs   map[string]searchpack.Digest
	bad    map[searchpack.Digest]string // why the node did not start with it
	down   string                       // permit by which it was stopped and has not come back
}

func (p *simPlugins) clear() {
	*p = simPlugins{
		disk: map[string]searchpack.Digest{}, former: map[string]searchpack.Digest{},
		runs: map[string]searchpack.Digest{}, bad: map[searchpack.Digest]string{},
	}
}

// external: somebody else restarts the nodes of this run.
func (s *sim) external() bool { return s.seed%5 == 4 }

// sync makes the plugins on the node's disk what its agent was told last, which happens only while
// OpenSearch does not run.
func (n *simNode) sync() {
	n.plugins.former = maps.Clone(n.plugins.disk)
	for _, o := range n.agent.order.Plugins {
		d, _ := n.chosen(o)
		switch {
		case o.State == searchpack.PluginRemoved && !n.agent.taken(o):
			delete(n.plugins.disk, slot(o.PackageID))
		case o.State == searchpack.PluginInstalled && n.plugins.bad[d] == "" && !(o.PackageID == simLicense && n.badPlugin()):
			n.plugins.disk[slot(o.PackageID)] = d
		}
	}
}

// badPlugin: the node did not start with the plugin that is ordered, so that it gets no license for it.
func (n *simNode) badPlugin() bool {
	return slices.ContainsFunc(n.agent.order.Plugins, func(o searchpack.PluginOrder) bool {
		d, _ := n.chosen(o)
		return o.PackageID != simLicense && o.State == searchpack.PluginInstalled && n.plugins.bad[d] != ""
	})
}

// taken: another package brings the plugin that is to go.
func (a *simAgent) taken(removed searchpack.PluginOrder) bool {
	return slices.ContainsFunc(a.order.Plugins, func(o searchpack.PluginOrder) bool {
		return o.State == searchpack.PluginInstalled && slot(o.PackageID) == slot(removed.PackageID)
	})
}

// boot starts OpenSearch with what is on the disk; if it does not start, with what was there before.
func (n *simNode) boot() {
	if d := n.plugins.disk[simPlugin]; n.truth[d] == "start" || n.truth[d] == "start "+n.name {
		n.log("node %s does not start with %s", n.name, d.Short())
		for pkg, came := range n.plugins.disk {
			if n.plugins.former[pkg] != came { // all that the swap has brought
				n.plugins.bad[came] = "constructor throws"
			}
		}
		n.plugins.bad[d] = "constructor throws"
		n.plugins.disk = maps.Clone(n.plugins.former)
		if n.plugins.disk[simPlugin] == d {
			delete(n.plugins.disk, simPlugin)
			delete(n.plugins.disk, simLicense)
		}
	}
	n.checkBoot()
	n.plugins.runs = maps.Clone(n.plugins.disk)
	if n.plugins.runs[simLicense] != "" && n.plugins.runs[simPlugin] == "" {
		n.fail("node %s starts with the license of a plugin that it does not have", n.name)
	}
}

func (n *simNode) refusedPlugin(c searchpack.Candidate) string {
	if !c.Plugin {
		return ""
	}
	return n.refusal(c.Digest)
}

// refusal is what the preflight of a node says to a plugin.
func (n *simNode) refusal(d searchpack.Digest) string {
	if f := n.truth[d]; f == "all" || f == n.name {
		return "jar hell!"
	}
	if !n.takes(n.server.version(d)) {
		return "it was built for another OpenSearch"
	}
	return ""
}

// effective is the allocation that counts.
func (c *simCluster) effective() string {
	for _, v := range []*string{c.alloc.Transient, c.alloc.Persistent} {
		if v != nil {
			return *v
		}
	}
	return "all"
}

func (c *simCluster) setAllocation(a searchpack.Allocation) {
	c.alloc = a
	c.version++
	c.log("allocation %s", allocationText(a))
	for _, n := range c.upNodes() {
		n.reroute()
	}
}

func allocationText(a searchpack.Allocation) string {
	text := func(v *string) string {
		if v == nil {
			return "-"
		}
		return *v
	}
	return text(a.Persistent) + "/" + text(a.Transient)
}

// health is what this node says of the cluster.
func (n *simNode) health() searchpack.ClusterHealth {
	h := searchpack.ClusterHealth{ClusterUUID: "C", Term: n.term, Version: n.version, Allocation: n.alloc}
	for _, name := range n.names() {
		if n.users[name].kind != searchpack.UserIndex {
			continue
		}
		others := 0
		for _, other := range n.simCluster.nodes {
			_, has := other.loaded[name]
			switch {
			case !other.up || !has:
				h.Unassigned = append(h.Unassigned, name+" on "+other.name)
			case other != n:
				others++
			}
		}
		if _, has := n.loaded[name]; has && others == 0 {
			h.Alone = append(h.Alone, name)
		}
	}
	slices.Sort(h.Unassigned)
	for _, other := range n.simCluster.nodes {
		h.Voting = append(h.Voting, other.id)
		if other.up {
			h.Present = append(h.Present, other.id)
		}
	}
	return h
}

// settings has somebody else change the allocation, when no rollout needs it.
func (s *sim) settings() {
	if s.server.saved != nil || len(s.server.world().Rollouts) > 0 {
		return
	}
	none := "none"
	if s.cluster.alloc.Transient == nil && s.chance(0.5) {
		s.cluster.setAllocation(searchpack.Allocation{Transient: &none})
	} else {
		s.cluster.setAllocation(searchpack.Allocation{})
	}
	s.wanted = s.cluster.alloc
}

// simRestart is what an agent keeps on disk of a permit: a restart that was begun is finished.
type simRestart struct {
	permit string
	failed string
	back   bool
}

// askPermit asks for the permit that the order offers. The answer may come late, or never.
func (a *simAgent) askPermit() {
	o := a.order.Restart
	if o == nil || a.restart.permit != "" || !a.node.up || a.asking || a.ended[o.ID] {
		return
	}
	a.asking = true
	a.attempt++
	life, asked, ask := a.life, a.now, searchpack.PermitAsk{OfferID: o.ID, Attempt: searchpack.Attempt{Epoch: a.epoch, Seq: a.attempt}, Health: a.node.health()}
	a.later(20*time.Second, func() { a.asking = false })
	a.net(func() {
		p := a.server.begin(a, ask)
		a.net(func() {
			if !a.running || a.life != life || a.restart.permit != "" || a.ended[o.ID] || a.attempt != ask.Attempt.Seq {
				return
			}
			a.asking = false
			if p == nil || a.now.Sub(asked) >= searchpack.StopWithin {
				return
			}
			a.restart = simRestart{permit: p.ID}
			a.later(a.upTo(time.Second), a.stopNode)
		})
	})
}

// confirm asks whether the order in hand is still the latest.
func (a *simAgent) confirm() {
	life, asked := a.life, a.now
	a.net(func() {
		latest := a.server.agents[a.id].Order.Generation
		a.net(func() {
			if a.running && a.life == life && a.order.Generation == latest {
				a.confirmed = asked
				a.work()
			}
		})
	})
}

// stopNode stops the node by its permit, starts it with what is ordered, and ends the permit.
func (a *simAgent) stopNode() {
	n := a.node
	if n.up {
		a.server.checkStop(a, a.restart.permit)
		n.plugins.down = a.restart.permit
		n.stop()
	}
	a.later(time.Second+a.upTo(20*time.Second), a.startNode)
}

func (a *simAgent) startNode() {
	n := a.node
	if !n.up {
		n.start() // syncs
	}
	if !n.up { // it may not start now
		a.later(10*time.Second, a.startNode)
		return
	}
	a.restart.back, a.restart.failed = true, ""
	for _, o := range a.order.Plugins {
		if d, _ := n.chosen(o); n.plugins.bad[d] == "" {
			continue
		} else if why := n.plugins.bad[d]; why != "" && o.State == searchpack.PluginInstalled {
			a.restart.failed = why
		}
	}
	a.endPermit()
}

// endPermit tells the end until it was heard.
func (a *simAgent) endPermit() {
	if !a.restart.back || a.restart.permit == "" {
		return
	}
	end := searchpack.PermitEnd{PermitID: a.restart.permit, Failed: a.restart.failed}
	life := a.life
	a.net(func() {
		a.server.end(a, end)
		a.net(func() {
			if a.running && a.life == life && a.restart.permit == end.PermitID {
				a.ended[end.PermitID] = true
				a.restart = simRestart{}
				a.report()
			}
		})
	})
	a.later(5*time.Second, a.endPermit)
}

// resume finishes after a start of the agent what an earlier process had begun.
func (a *simAgent) resume() {
	if a.restart.permit == "" {
		return
	}
	if a.restart.back || a.node.up && a.node.plugins.down == "" && a.chance(0.5) {
		a.restart.back = true // it was stopped and is back, or was not stopped at all
		a.endPermit()
		return
	}
	if a.node.up { // it may not stop it any more: the permit's time may be over
		a.restart.back = true
		a.endPermit()
		return
	}
	a.later(a.upTo(5*time.Second), a.startNode)
}

// pluginReports is what a report says of plugins.
func (a *simAgent) pluginReports() []searchpack.PluginReport {
	n := a.node
	ids, listed := map[string]bool{}, map[string]bool{}
	for _, o := range a.order.Plugins {
		ids[o.PackageID], listed[slot(o.PackageID)] = true, true
	}
	for pkg := range n.plugins.disk {
		if !listed[pkg] {
			ids[pkg] = true
		}
	}
	var out []searchpack.PluginReport
	for _, pkg := range slices.Sorted(maps.Keys(ids)) {
		d := n.plugins.disk[slot(pkg)]
		if a.taken(searchpack.PluginOrder{PackageID: pkg}) && !slices.ContainsFunc(a.order.Plugins, func(o searchpack.PluginOrder) bool {
			return o.PackageID == pkg && o.State == searchpack.PluginInstalled
		}) {
			d = ""
		}
		p := searchpack.PluginReport{PackageID: pkg, Part: partOf(pkg), Name: "plug", Installed: d, Started: n.up && n.plugins.runs[slot(pkg)] == d}
		for _, d := range slices.Sorted(maps.Keys(n.plugins.bad)) { // in order: a run is the same again
			p.Failed, p.FailedWhy = d, n.plugins.bad[d]
		}
		out = append(out, p)
	}
	return out
}

// loadedPlugins is the node's own list.
func (n *simNode) loadedPlugins() []searchpack.LoadedPlugin {
	var out []searchpack.LoadedPlugin
	for _, pkg := range slices.Sorted(maps.Keys(n.plugins.runs)) {
		for _, v := range n.server.versions {
			if slot(v.PackageID) == pkg && v.Plugin != nil && v.Digest == n.plugins.runs[pkg] {
				out = append(out, searchpack.LoadedPlugin{Name: v.Plugin.Name, Version: v.Plugin.Version, ClassName: v.Plugin.ClassName})
			}
		}
	}
	return out
}

// restartExternal is the owner of nodes that Searchpack does not restart, and of those that came back
// with other plugins than are theirs now: one that waits for a restart gets one, sometime.
func (s *sim) restartExternal() {
	s.after(20*time.Second+s.upTo(time.Minute), func() {
		s.restartExternal()
		if s.calm && s.server.mustNotStop() && s.server.policy.Restart == "" {
			s.log("policy restart: any")
			s.server.policy.Restart = "any"
			s.server.dirty()
		}
		if s.calm && s.server.saved == nil && s.cluster.alloc.Transient != nil { // nobody leaves it so for ever
			s.cluster.setAllocation(searchpack.Allocation{})
			s.wanted = s.cluster.alloc
		}
		if !s.external() && len(s.server.world().Rollouts) > 0 || len(s.cluster.upNodes()) < s.nodes {
			return
		}
		for _, a := range s.agents {
			n := a.node
			if slices.ContainsFunc(a.order.Plugins, func(o searchpack.PluginOrder) bool {
				d, _ := n.chosen(o)
				return o.State == searchpack.PluginInstalled && n.plugins.runs[slot(o.PackageID)] != d && n.plugins.bad[d] == "" ||
					o.State == searchpack.PluginRemoved && n.plugins.runs[slot(o.PackageID)] != "" && !a.taken(o)
			}) {
				n.stop()
				s.after(s.upTo(20*time.Second), n.start)
				return
			}
		}
	})
}

// mustNotStop: a rollout says for long that a node must not stop.
func (v *simServer) mustNotStop() bool {
	return slices.ContainsFunc(v.rollouts, func(r searchpack.Rollout) bool {
		return r.State == searchpack.RolloutRunning && restarts(r.Phase) && v.now.Sub(r.StartedAt) > 20*time.Minute
	})
}

// begin is the call for a permit, in one transaction.
func (v *simServer) begin(a *simAgent, ask searchpack.PermitAsk) *searchpack.Permit {
	b := begin(v.world(), a.id, ask, v.off)
	v.log("begin %s by %s: revoked %q, refused %q", ask.OfferID, a.node.name, b.Revoked, b.Refused)
	v.permits = slices.DeleteFunc(v.permits, func(p searchpack.Permit) bool { return p.ID == b.Revoked })
	if b.Permit != nil {
		v.checkGate(a.node)
		v.putPermit(*b.Permit)
	}
	v.fence++
	v.dirty()
	return b.Permit
}

func (v *simServer) end(a *simAgent, end searchpack.PermitEnd) {
	p, err := End(v.world(), a.id, end)
	v.log("end %s by %s: %q %v", end.PermitID, a.node.name, end.Failed, err)
	if err == nil {
		v.putPermit(p)
	}
}

func (v *simServer) putPermit(p searchpack.Permit) {
	v.keepPermit(p)
	v.fence++
	v.dirty()
}

func (v *simServer) keepPermit(p searchpack.Permit) {
	i := slices.IndexFunc(v.permits, func(x searchpack.Permit) bool { return x.ID == p.ID })
	if i < 0 {
		v.permits = append(v.permits, p)
	} else {
		v.permits[i] = p
	}
}

// worldPermits are those that have not ended, and those of open rollouts.
func (v *simServer) worldPermits() []searchpack.Permit {
	var out []searchpack.Permit
	for _, p := range v.permits {
		open := slices.ContainsFunc(v.rollouts, func(r searchpack.Rollout) bool { return r.ID == p.RolloutID && r.State.Open() })
		if p.EndedAt.IsZero() || open {
			out = append(out, p)
		}
	}
	return out
}

// checkStop is rule 4 at the moment at which a node is stopped: no other is away by a permit, unless
// that one's time is long over and its rollout was aborted; and the node is not the last of anything,
// as its agent saw it when it asked.
func (v *simServer) checkStop(a *simAgent, permit string) {
	for _, n := range v.cluster.nodes {
		if n == a.node || n.plugins.down == "" {
			continue
		}
		i := slices.IndexFunc(v.permits, func(p searchpack.Permit) bool { return p.ID == n.plugins.down })
		p := v.permits[i]
		r := v.rollouts[slices.IndexFunc(v.rollouts, func(r searchpack.Rollout) bool { return r.ID == p.RolloutID })]
		if r.Abort == "" || v.now.Before(p.BegunAt.Add(time.Minute)) {
			v.fail("rule 4: %s is stopped by %s while %s is away by %s", a.node.name, permit, n.name, n.plugins.down)
		}
	}
	v.checkUnneeded(a, permit)
	if v.cluster.effective() == "all" {
		v.fail("%s is stopped while copies are allocated elsewhere", a.node.name)
	}
}

// checkGate: a node that gets a permit is not the last vote, and has no index's last copy, as far as
// could be known half a minute before; unless the domain's owner takes that.
func (v *simServer) checkGate(n *simNode) {
	if len(v.cluster.nodes) == 1 || v.policy.Restart == searchpack.RestartAny {
		return
	}
	known := v.now.Add(-30 * time.Second)
	there := func(other *simNode) bool { return other.up || other.downAt.After(known) }
	left := 0
	for _, other := range v.cluster.nodes {
		if other != n && there(other) {
			left++
		}
	}
	if all := len(v.cluster.nodes); left <= all/2 {
		v.fail("%s may stop although %d of %d voting nodes are left then", n.name, left, all)
	}
	for _, name := range v.cluster.names() {
		u := v.cluster.users[name]
		if _, has := n.loaded[name]; !has || u.kind != searchpack.UserIndex || !u.created.Before(known) {
			continue
		}
		if !slices.ContainsFunc(v.cluster.nodes, func(other *simNode) bool {
			_, has := other.loaded[name]
			return other != n && has && there(other)
		}) {
			v.fail("%s may stop although it has the last copy of %s", n.name, name)
		}
	}
}

// checkUnneeded: the first node that is stopped to lose a plugin is not stopped while an index that was
// there before, and whose need is to be seen, needs the plugin.
func (v *simServer) checkUnneeded(a *simAgent, permit string) {
	i := slices.IndexFunc(v.permits, func(p searchpack.Permit) bool { return p.ID == permit })
	if i < 0 {
		return
	}
	r := v.rollouts[slices.IndexFunc(v.rollouts, func(r searchpack.Rollout) bool { return r.ID == v.permits[i].RolloutID })]
	first := !slices.ContainsFunc(v.permits, func(p searchpack.Permit) bool { return p.RolloutID == r.ID && p.ID != permit })
	if !first || actionOf(&r) != searchpack.ActionDissociate || r.Phase != searchpack.PhaseRestart {
		return
	}
	for _, name := range v.cluster.names() {
		if u := v.cluster.users[name]; u.plug && !u.unseen && u.created.Before(r.StartedAt) {
			v.fail("%s is stopped to lose the plugin, which index %s needs", a.node.name, name)
		}
	}
}

// needs says who needs the plugin, as this node sees it.
func (a *simAgent) needs(q *searchpack.NeedsTask) *searchpack.NeedsReport {
	if a.node.plugins.disk[simPlugin] == "" {
		return &searchpack.NeedsReport{Absent: true}
	}
	out := &searchpack.NeedsReport{}
	if !q.Cluster {
		return out
	}
	out.Term, out.Version = a.cluster.term, a.cluster.version
	for _, name := range a.cluster.names() {
		if u := a.cluster.users[name]; u.plug && !u.unseen {
			out.Needs = append(out.Needs, searchpack.Need{User: string(u.kind) + " " + name, Kind: "token filter", Name: "plug"})
		}
	}
	return out
}

// checkPlugins is rule 2 for plugins: none is told to install what it refuses.
func (v *simServer) checkPlugins(d Decision) {
	for _, id := range slices.Sorted(maps.Keys(d.Orders)) {
		for _, o := range d.Orders[id].Plugins {
			v.checkRemoved(d, o)
			if o.State != searchpack.PluginInstalled || v.associations[o.PackageID].ServingID == o.VersionID ||
				slices.ContainsFunc(d.Associations, func(a searchpack.Association) bool { return a.PackageID == o.PackageID && a.ServingID == o.VersionID }) {
				continue // late nodes get what serves too, and do not start with what they refuse
			}
			if n := v.agentOf(id).node; n.refusal(o.Digest) != "" && n.takes(v.versions[o.VersionID]) {
				v.fail("rule 2: %s is told to install %s, which it refuses", n.name, o.VersionID)
			}
		}
	}
}

// checkPluginProven is rule 1 for a plugin.
func (v *simServer) checkPluginProven(ver searchpack.Version) {
	for _, m := range v.must() {
		n := m.agent.node
		st := stateOf(v.checked, m.agent.id)
		if !n.up || st.Report == nil || st.Report.Node == nil || st.Report.Node.NodeID != n.id || n.since.After(st.ReportedAt) {
			continue // went away since
		}
		if n.home != n.engine {
			continue // its owner has been here, and it was not started since
		}
		if !n.right(n.plugins.runs[slot(ver.PackageID)], ver) {
			v.fail("rule 1: %s serves, but %s does not run with it", ver.ID, n.name)
		}
	}
}

// checkPluginEnd: in the end every node runs with the plugins that serve, no other, and the cluster's
// settings are what somebody else left them at.
func (s *sim) checkPluginEnd() {
	want, serving := searchpack.Digest(""), searchpack.Version{}
	if a, there := s.server.associations[s.plug()]; there && a.ServingID != "" {
		serving = s.server.versions[a.ServingID]
		want = serving.Digest
	}
	license := searchpack.Digest("")
	if a, there := s.server.associations[simLicense]; there && a.ServingID != "" {
		license = s.server.versions[a.ServingID].Digest
	}
	s.checkMoved()
	for _, a := range s.agents {
		n := a.node
		if n.plugins.runs[simLicense] != license && n.plugins.bad[license] == "" {
			s.fail("rule 8: %s runs with the license %q, serving is %q", n.name, n.plugins.runs[simLicense].Short(), license.Short())
		}
		if ok := n.plugins.runs[simPlugin] == want || want != "" && n.right(n.plugins.runs[simPlugin], serving); !ok && n.plugins.bad[want] == "" {
			s.fail("rule 8: %s runs with plugin %q, serving is %q", n.name, n.plugins.runs[simPlugin].Short(), want.Short())
		}
		if a.restart.permit != "" || n.plugins.down != "" {
			s.fail("rule 8: the restart of %s has not ended", n.name)
		}
	}
	s.checkPlugIndices(want)
	s.checkSettingsEnd()
}

// checkSettingsEnd: in the end the cluster's settings are as they were, and no permit is open.
func (s *sim) checkSettingsEnd() {
	if got, want := allocationText(s.cluster.alloc), allocationText(s.wanted); got != want || s.server.saved != nil {
		s.fail("the cluster's settings are %s, before they were %s (saved %v)", got, want, s.server.saved)
	}
	for _, p := range s.server.permits {
		r := s.server.rollouts[slices.IndexFunc(s.server.rollouts, func(r searchpack.Rollout) bool { return r.ID == p.RolloutID })]
		if p.EndedAt.IsZero() && r.Abort == "" { // else the agent may never have had it, and never asks again
			s.fail("permit %s has not ended", p.ID)
		}
	}
}

// checkPlugIndices: every copy of an index that needs the plugin is there where the plugin serves.
func (s *sim) checkPlugIndices(want searchpack.Digest) {
	for _, u := range s.cluster.users {
		for _, a := range s.agents {
			if _, has := a.node.loaded[u.name]; u.plug && want != "" && !has && a.node.plugins.bad[want] == "" && s.cluster.effective() == "all" {
				s.fail("rule 10: %s of index %s needs the plugin, which serves, and is not there", a.node.name, u.name)
			}
		}
	}
}

// partOf is what of the plugin a package brings.
func partOf(pkg string) searchpack.PluginPart {
	if pkg == simLicense {
		return searchpack.PartLicense
	}
	return searchpack.PartPlugin
}
