package rollout

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

// check holds a decision against the rules of docs/architecture.md before it is written. It knows
// the truth (disks, bytes, users) and reads the reports by itself, not by Members.
func (v *simServer) check(w World, d Decision) {
	v.checked, v.list = w, nil
	for _, a := range d.Associations {
		v.checkStatus(w, d, a)
	}
	for _, id := range slices.Sorted(maps.Keys(d.Orders)) {
		for _, f := range d.Orders[id].Files {
			v.checkFile(w, d, id, f)
		}
		v.checkServing(w, d, id)
	}
	for _, id := range d.Dissociated {
		if !isPlugin(id) && v.associations[id].Path == "" { // nowhere to be removed from, or it stays
			v.checkLooks(w, id)
		}
	}
	v.checkPlugins(d)
	v.checkParked(w, d)
	v.checkTogether(w, d)
	v.checkPreviews(w, d)
	v.checkControl(w, d)
	v.checkProofs(w, d)
	v.checkRefusals(d)
}

func stepOf(r searchpack.Rollout, pkg string) int {
	return slices.IndexFunc(r.Steps, func(s searchpack.RolloutStep) bool { return s.PackageID == pkg })
}

// checkTogether: a rollout that ends does so for all its packages; no version comes to serve without
// what it needs, and nothing goes that another needs.
func (v *simServer) checkTogether(w World, d Decision) {
	rows := maps.Clone(v.associations)
	for _, a := range d.Associations {
		rows[a.PackageID] = a
	}
	for _, id := range d.Dissociated {
		delete(rows, id)
	}
	for _, r := range d.Rollouts {
		if r.State != searchpack.RolloutDone && r.State != searchpack.RolloutFailed {
			continue
		}
		for _, s := range r.Steps {
			if a, there := rows[s.PackageID]; !v.moved(d, s.PackageID) && !laterStep(w, d, r, s.PackageID) && !endedAs(r, s, a, there) {
				v.fail("%s is %s, but %s is %+v", r.ID, r.State, s.PackageID, a)
			}
		}
	}
	for _, a := range rows {
		for _, p := range a.Prerequisites {
			if a.ServingID != v.associations[a.PackageID].ServingID && rows[p].ServingID == "" || slices.Contains(d.Dissociated, p) {
				v.fail("%s serves without %s, which it needs", a.PackageID, p)
			}
		}
	}
}

// laterStep: a younger rollout has the last word on the package.
func laterStep(w World, d Decision, r searchpack.Rollout, pkg string) bool {
	after := false
	for _, other := range w.Rollouts {
		for _, x := range d.Rollouts {
			if x.ID == other.ID {
				other = x
			}
		}
		if after && stepOf(other, pkg) >= 0 {
			return true
		}
		after = after || other.ID == r.ID
	}
	return false
}

// endedAs: the association is what the end of the rollout says.
func endedAs(r searchpack.Rollout, s searchpack.RolloutStep, a searchpack.Association, there bool) bool {
	done := r.State == searchpack.RolloutDone
	switch {
	case s.Action == searchpack.ActionDissociate && done:
		return !there
	case s.Action == searchpack.ActionDissociate:
		return a.Status == searchpack.DissociationFailed
	case done:
		return a.Status == searchpack.Active && a.ServingID == s.VersionID
	}
	return a.Status == searchpack.AssociationFailed
}

// truth of one node that the server must know of.
type simMember struct {
	agent *simAgent
	state searchpack.AgentState
}

// must are the members of the world being checked; made once, when a rule asks.
func (v *simServer) must() []simMember {
	if v.list == nil {
		v.list, v.complete = v.members(v.checked)
	}
	return v.list
}

// members are the nodes that must prove, as docs/operations.md says; ok is false when somebody
// is in the way.
func (v *simServer) members(w World) (out []simMember, ok bool) {
	byName := map[string]*simAgent{}
	for _, a := range v.sim.agents {
		byName[a.node.name] = a
	}
	states := map[string]searchpack.AgentState{}
	for _, a := range w.Agents {
		states[a.ID] = a
	}
	fresh := func(a searchpack.AgentState) bool {
		return a.Report != nil && w.Now.Sub(a.ReportedAt) < 30*time.Second && a.ReportedAt.Sub(w.Now) <= 10*time.Minute
	}
	var best *searchpack.NodeFacts
	for _, a := range w.Agents {
		if !fresh(a) || a.Report.Node == nil || a.Report.Node.ManagerID == "" {
			continue
		}
		if f := a.Report.Node; best == nil || f.Term > best.Term || f.Term == best.Term && f.StateVersion > best.StateVersion {
			best = f
		}
	}
	if best == nil {
		return nil, false
	}
	ok = true
	for _, m := range best.Members {
		name, _, _ := strings.Cut(m.NodeID, "-")
		a := byName[name]
		st := states[a.id]
		ok = ok && fresh(st) && (st.Report.Node == nil || st.Report.Node.NodeID == m.NodeID)
		out = append(out, simMember{a, st})
	}
	return out, ok && len(out) > 0
}

func stateOf(w World, id string) searchpack.AgentState {
	i, _ := slices.BinarySearchFunc(w.Agents, id, func(a searchpack.AgentState, id string) int { return strings.Compare(a.ID, id) })
	return w.Agents[i]
}

func running(w World, d Decision) (before, after searchpack.Rollout) {
	for _, r := range w.Rollouts {
		if r.State == searchpack.RolloutRunning {
			before, after = r, r
		}
	}
	for _, r := range d.Rollouts {
		if r.ID == before.ID || r.State == searchpack.RolloutRunning {
			after = r
		}
	}
	return before, after
}

// checkStatus is rules 1 and 10.
func (v *simServer) checkStatus(w World, d Decision, a searchpack.Association) {
	old := v.associations[a.PackageID]
	open := searchpack.Action("")
	for _, r := range w.Rollouts {
		for _, x := range d.Rollouts {
			if x.ID == r.ID {
				r = x
			}
		}
		if i := stepOf(r, a.PackageID); r.State.Open() && i >= 0 {
			open = r.Steps[i].Action
		}
	}
	switch {
	case open == searchpack.ActionAssociate && a.Status != searchpack.Associating:
		v.fail("rule 10: %s is %s while an association is open", a.PackageID, a.Status)
	case open == searchpack.ActionDissociate && a.Status != searchpack.Dissociating:
		v.fail("rule 10: %s is %s while a dissociation is open", a.PackageID, a.Status)
	case open == "" && (a.Status == searchpack.Associating || a.Status == searchpack.Dissociating):
		v.fail("%s is %s with nothing open", a.PackageID, a.Status)
	}
	if (a.Error != nil) != strings.HasSuffix(string(a.Status), "_FAILED") {
		v.fail("%s is %s with error %v", a.PackageID, a.Status, a.Error)
	}
	if a.ServingID != old.ServingID {
		v.checkProven(w, a)
		v.checkFirst(a, old)
	}
	if a.Status == searchpack.AssociationFailed && old.Status == searchpack.Associating && !v.moved(d, a.PackageID) {
		v.checkFailed(w, a, old)
	}
}

// checkProven is rule 1: a version serves only after every member has it, took it and loaded it.
func (v *simServer) checkProven(w World, a searchpack.Association) {
	if a.ServingID == "" {
		v.fail("rule 10: %s lost the version that served", a.PackageID)
		return
	}
	ver := v.versions[a.ServingID]
	v.checkVerified(w, ver)
	if v.must(); !v.complete {
		v.fail("rule 1: %s serves although a member is silent", ver.ID)
	}
	if isPlugin(a.PackageID) {
		v.checkPluginProven(ver)
		return
	}
	for _, m := range v.must() {
		f := slices.IndexFunc(m.state.Report.Files, func(f searchpack.FileReport) bool {
			return f.PackageID == a.PackageID && lies(f.State) && f.Digest == ver.Digest && f.Path == a.Path
		})
		if f < 0 {
			v.fail("rule 1: %s serves, but %s has not reported it", ver.ID, m.agent.node.name)
		}
		good := 0
		for _, p := range m.state.Report.Probes {
			if p.Digest == ver.Digest && (p.Verdict == searchpack.VerdictGood || p.Verdict == searchpack.VerdictNone) {
				good++
			}
		}
		if good == 0 {
			v.fail("rule 1: %s serves, but %s has not proven it", ver.ID, m.agent.node.name)
		}
		v.checkLoaded(w, m.agent, a.PackageID, ver)
	}
}

// checkLoaded: the node has the bytes on disk and in every index of the cluster state that was read,
// also if it has joined meanwhile. What turned back by itself since is seen when it is asked again.
func (v *simServer) checkLoaded(w World, a *simAgent, pkg string, ver searchpack.Version) {
	if isPlugin(pkg) {
		return // checkPluginProven
	}
	n := a.node
	if f := stateOf(w, a.id).Report; !n.up || f == nil || f.Node == nil || f.Node.NodeID != n.id {
		return // went away, or has an empty disk now
	}
	if n.lies(pkg, v.associations[pkg].Path) != ver.Digest {
		v.fail("rule 1: %s is proven, but %s has other bytes", ver.ID, n.name)
	}
	for _, u := range v.cluster.usedBy(pkg) {
		if d, ok := n.loaded[u.name]; ok && w.Usage != nil && u.version <= w.Usage.Version && !n.turned[u.name] && d != ver.Digest {
			v.fail("rule 1: %s is proven, but %s of index %s has not loaded it", ver.ID, n.name, u.name)
		}
	}
}

// checkFailed is rule 10: a failed update left what served, on every member.
func (v *simServer) checkFailed(w World, a, old searchpack.Association) {
	if a.ServingID != old.ServingID {
		v.fail("rule 10: the failed update of %s changed what serves", a.PackageID)
	}
	if a.ServingID == "" {
		return
	}
	failed, serving := v.versions[a.WantedID].Digest, v.versions[a.ServingID]
	if failed == v.versions[a.ServingID].Digest {
		return
	}
	for _, m := range v.must() {
		if isPlugin(a.PackageID) {
			if !m.agent.node.takes(serving) || m.agent.node.home != m.agent.node.engine {
				continue // it has another of the line
			}
			told := slices.ContainsFunc(m.agent.order.Plugins, func(o searchpack.PluginOrder) bool { return o.Digest == failed })
			if n := m.agent.node; n.up && n.since.Before(w.Now.Add(-time.Minute)) && (n.plugins.runs[slot(a.PackageID)] == failed || told) {
				v.fail("rule 10: the update of %s failed, but %s runs with it or may still (%v)", a.PackageID, n.name, told)
			}
			continue
		}
		inHand := slices.ContainsFunc(m.agent.order.Files, func(f searchpack.FileOrder) bool { return f.Digest == failed })
		if m.agent.node.lies(a.PackageID, a.Path) == failed || inHand {
			v.fail("rule 10: the update of %s failed, but %s has its bytes or may still place them", a.PackageID, m.agent.node.name)
		}
	}
}

// checkFile is rules 2 and 11 for one line of a new order.
func (v *simServer) checkFile(w World, d Decision, id string, f searchpack.FileOrder) {
	_, after := running(w, d)
	v.checkAdopted(d, id, f)
	if isPlugin(f.PackageID) {
		v.fail("%s is told of %s as of a file", id, f.PackageID)
	}
	step := stepOf(after, f.PackageID)
	if step < 0 {
		return
	}
	s := after.Steps[step]
	told := stateOf(w, id).Order
	for _, o := range told.Files {
		if o.PackageID == f.PackageID && o.State == f.State && o.Digest == f.Digest {
			return // said before
		}
	}
	switch {
	case f.State == searchpack.FileAdopt || f.State == searchpack.FileReleased:
	case f.State == searchpack.FileHidden || f.State == searchpack.FileRemoved:
		v.checkLookBefore(w, after, f)
	case s.Action == searchpack.ActionAssociate && f.VersionID == s.VersionID && s.VersionID != s.FormerID:
		v.checkPlacing(w, d, id, v.versions[s.VersionID])
	}
}

// checkPlacing is rule 2: whoever is told to place a new version can build filters from it, and
// when the first are told, so can every member.
func (v *simServer) checkPlacing(w World, d Decision, id string, ver searchpack.Version) {
	for _, a := range d.Associations {
		if a.PackageID == ver.PackageID && a.ServingID == ver.ID {
			return // it serves now: late nodes get it too
		}
	}
	asked := []*simAgent{}
	before, _ := running(w, Decision{})
	if before.Phase == searchpack.PhaseProbe && v.placing != ver.ID+before.ID {
		v.placing = ver.ID + before.ID // once for the first order is enough
		for _, m := range v.must() {
			asked = append(asked, m.agent)
		}
	}
	asked = append(asked, v.agentOf(id))
	strict := false
	if w.Usage != nil {
		for _, u := range w.Usage.Uses {
			strict = strict || u.PackageID == ver.PackageID && u.Chains[0].Body == chainBody(true)
		}
	}
	former := v.associations[ver.PackageID].ServingID
	for _, a := range asked {
		if former != "" && a.node.refuses(v.versions[former].Digest, strict) {
			continue // its control fails too: nothing can be said here
		}
		if a.node.refuses(ver.Digest, strict) {
			v.fail("rule 2: %s is placed although %s refuses it", ver.ID, a.node.name)
		}
	}
}

// checkLookBefore is rule 11 for hiding (look) and removing (hide, look).
func (v *simServer) checkLookBefore(w World, r searchpack.Rollout, f searchpack.FileOrder) {
	if f.State == searchpack.FileRemoved {
		v.checkLooks(w, f.PackageID)
		return
	}
	if w.Usage == nil || !strings.HasPrefix(w.Usage.DutyID, r.ID+"/") {
		v.fail("rule 11: %s is hidden without a look", f.PackageID)
		return
	}
	if names(w.Usage, f.PackageID) {
		v.fail("rule 11: %s is hidden although somebody names it", f.PackageID)
	}
}

// checkLooks is rule 11 for removing: the last look saw no user and was read when no node that had
// long been there had the file in sight, and no index names it now.
func (v *simServer) checkLooks(w World, pkg string) {
	before, _ := running(w, Decision{})
	if before.Phase == searchpack.PhaseRemove {
		return // checked when it began
	}
	if w.Usage == nil || !strings.HasPrefix(w.Usage.DutyID, before.ID+"/") || before.Phase != searchpack.PhaseLookAgain {
		v.fail("rule 11: %s is removed without a second look", pkg)
		return
	}
	if names(w.Usage, pkg) {
		v.fail("rule 11: %s is removed although somebody named it at the second look", pkg)
	}
	for name, since := range v.looks[w.Usage.DutyID][pkg] {
		if since.Before(v.rounds[before.ID].Add(-30 * time.Second)) {
			v.fail("rule 11: %s is removed on a look that was read while %s had it in sight", pkg, name)
		}
	}
	for _, u := range v.cluster.usedBy(pkg) {
		if u.version <= w.Usage.Version || u.kind == searchpack.UserIndex && u.created.Before(v.rounds[before.ID]) {
			v.fail("rule 11: %s is removed although %s names it", pkg, u.name)
		}
	}
}

func names(u *searchpack.Usage, pkg string) bool {
	return slices.ContainsFunc(u.Uses, func(x searchpack.Use) bool { return x.PackageID == pkg })
}

// checkServing is rule 6: an order always has what the node must serve after a restart.
func (v *simServer) checkServing(w World, d Decision, id string) {
	_, after := running(w, d)
	for _, a := range v.associations {
		for _, x := range d.Associations {
			if x.PackageID == a.PackageID {
				a = x
			}
		}
		if a.ServingID == "" || slices.Contains(d.Dissociated, a.PackageID) {
			continue
		}
		if isPlugin(a.PackageID) {
			if !slices.ContainsFunc(d.Orders[id].Plugins, func(o searchpack.PluginOrder) bool { return o.PackageID == a.PackageID }) {
				v.fail("rule 6: the order of %s does not list the plugin %s", id, a.PackageID)
			}
			continue
		}
		i := slices.IndexFunc(d.Orders[id].Files, func(f searchpack.FileOrder) bool { return f.PackageID == a.PackageID })
		if i < 0 {
			v.fail("rule 6: the order of %s does not list %s", id, a.PackageID)
			continue
		}
		f := d.Orders[id].Files[i]
		ok := f.State == searchpack.FileLive && f.VersionID == a.ServingID
		for _, s := range after.Steps {
			if s.PackageID == a.PackageID && after.State == searchpack.RolloutRunning {
				ok = ok || s.Action == searchpack.ActionDissociate && f.State != searchpack.FileLive || f.VersionID == s.VersionID && f.Path == a.Path
			}
		}
		if !ok {
			v.fail("rule 6: the order of %s has %s %s of %s, serving is %s", id, f.State, f.VersionID, a.PackageID, a.ServingID)
		}
	}
}

// checkParked: while others run in between, nodes go on being told what a parked rollout has told them,
// and nothing of it is under way.
func (v *simServer) checkParked(w World, d Decision) {
	for _, r := range w.Rollouts {
		was := r.Phase
		for _, x := range d.Rollouts {
			if x.ID == r.ID {
				r = x
			}
		}
		if r.State != searchpack.RolloutParked || r.Phase != was { // it went on, was aborted, and is parked on its way back
			continue
		}
		if r.Restart != nil || w.Domain.Saved != nil && d.Settings == nil {
			v.fail("rule 4: %s is parked while a node may be stopped for it", r.ID)
		}
		if r.Phase == searchpack.PhaseReturnRestart {
			continue // what it has told nodes is taken back, which may be by this decision
		}
		for _, a := range w.Agents {
			o, changed := d.Orders[a.ID]
			if !changed {
				continue
			}
			for _, told := range a.Order.Plugins {
				if a.Report != nil && told.OpenSearch != "" && !plugin.Fits(told.OpenSearch, a.Report.OpenSearch) {
					continue // its OpenSearch is another by now
				}
				if hasStep(r, told.PackageID) && r.Steps[0].VersionID == told.VersionID && !slices.Contains(o.Plugins, told) {
					v.fail("rule 6: %s is parked, and the order of %s no longer says %s of %s", r.ID, a.ID, told.VersionID, told.PackageID)
				}
			}
		}
	}
}

// checkEnd: once faults and calls are over everything ends, and every node is as wanted.
func (s *sim) checkEnd() {
	v := s.server
	s.checkChoice()
	s.checkPluginEnd()
	for _, r := range v.world().Rollouts {
		s.fail("rule 8: rollout %s has not ended: %s in phase %s: %s", r.ID, r.State, r.Phase, r.Waiting)
	}
	if len(v.previews) > 0 {
		s.fail("%d previews are kept", len(v.previews))
	}
	// What serves and cannot be loaded again leaves its node as it turned back.
	open := slices.DeleteFunc(slices.Clone(v.incidents), func(i searchpack.NodeIncident) bool {
		strict := slices.ContainsFunc(s.cluster.usedBy(i.PackageID), func(u *simUser) bool { return u.strict })
		d := v.versions[v.associations[i.PackageID].ServingID].Digest
		return s.truth[d] == "load" || v.byID[i.AgentID].node.refuses(d, strict)
	})
	if len(open) > 0 || !v.watched.DifferSince.IsZero() || !v.watched.FrozenSince.IsZero() {
		s.fail("at the end %d incidents are open, and the domain is watched: %+v", len(open), v.watched)
	}
	for _, a := range s.agents {
		for pkg, as := range v.associations {
			s.checkNodeEnd(a, pkg, as)
		}
		for pkg, path := range a.node.kept {
			if v.associations[pkg].Path != path {
				s.fail("rule 8: %s still keeps %s for %s, which is released", a.node.name, path, pkg)
			}
		}
		for pkg := range a.node.files {
			if _, ok := v.associations[pkg]; !ok && len(s.cluster.usedBy(pkg)) == 0 {
				s.fail("rule 8: %s still has %s, which is dissociated", a.node.name, pkg)
			}
		}
		if len(a.node.cands) > 0 {
			s.fail("rule 8: %s still has candidates", a.node.name)
		}
		if a.order.Generation != v.agents[a.id].Order.Generation {
			s.fail("rule 8: %s has an old order", a.node.name)
		}
	}
}

func (s *sim) checkNodeEnd(a *simAgent, pkg string, as searchpack.Association) {
	switch as.Status {
	case searchpack.Associating, searchpack.Dissociating:
		s.fail("rule 8: %s is still %s", pkg, as.Status)
	}
	if as.ServingID == "" {
		return
	}
	ver := s.server.versions[as.ServingID]
	if isPlugin(pkg) {
		p := s.server.proofs[proofKey{a.id, pkg}]
		if !a.node.right(p.Digest, ver) && a.node.plugins.bad[ver.Digest] == "" {
			s.fail("rule 8: the proof of plugin %s on %s is still owed", ver.ID, a.node.name)
		}
		return
	}
	if a.node.lies(pkg, as.Path) != ver.Digest {
		s.fail("rule 8: %s does not have %s, which serves", a.node.name, ver.ID)
	}
	strict := false
	for _, u := range s.cluster.usedBy(pkg) {
		strict = strict || u.strict
	}
	// What came to serve before any index read it, and then cannot be loaded, stays unproven where an
	// index had another version loaded meanwhile.
	if p := s.server.proofs[proofKey{a.id, pkg}]; p.VersionID != as.ServingID && !a.node.refuses(ver.Digest, strict) && s.truth[ver.Digest] != "load" {
		s.fail("rule 8: the proof of %s on %s is still owed", ver.ID, a.node.name)
	}
}

// checkFlapping: orders change because something happened, not for ever.
func (v *simServer) checkFlapping(a *simAgent, o searchpack.Order) {
	const most, within = 100, 20 * time.Second
	a.orders = append(a.orders, v.now)
	if i := len(a.orders) - most; i >= 0 && v.now.Sub(a.orders[i]) < within {
		v.fail("the orders of %s flap: generation %d", a.node.name, o.Generation)
	}
}
