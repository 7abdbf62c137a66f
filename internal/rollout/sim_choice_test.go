package rollout

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// someChoice is what people do beyond AWS's calls: they pause, resume and abort rollouts, choose
// versions, and say how a domain follows them.
func (s *sim) someChoice(pkg string) {
	switch s.rng.IntN(8) {
	case 0, 1, 2:
		s.pauseSome()
	case 3:
		s.control(CommandAbort)
	case 4, 5:
		s.choose(pkg)
	case 6:
		s.track(pkg, []searchpack.Track{searchpack.TrackLatest, searchpack.TrackPinned, searchpack.TrackCalls}[s.rng.IntN(3)])
	case 7:
		s.server.update(pkg, s.someBadness()) // nobody calls: those that follow get it
		s.server.dirty()
	}
}

// control tells a rollout, as the catalog does. It reports whether it was taken.
func (s *sim) control(o Command) (string, bool) {
	open := s.server.world().Rollouts
	if len(open) == 0 {
		return "", false
	}
	r := open[s.rng.IntN(len(open))]
	return r.ID, s.controlOne(r, o)
}

func (s *sim) controlOne(r searchpack.Rollout, o Command) bool {
	next, err := Control(r, o, "kim")
	s.log("%s %s: %v", o, r.ID, err)
	if err != nil {
		return false
	}
	s.server.put(next)
	s.server.fence++
	s.server.dirty()
	return true
}

// pauseSome pauses a rollout, soon, as it moves on in milliseconds; later it is resumed or aborted.
func (s *sim) pauseSome() {
	s.after(s.upTo(2*time.Second), func() {
		id, ok := s.control(CommandPause)
		if !ok {
			return
		}
		end := CommandResume
		if s.chance(0.3) {
			end = CommandAbort
		}
		s.after(s.upTo(time.Minute), func() {
			for _, r := range s.server.world().Rollouts {
				if r.ID == id {
					s.controlOne(r, end)
				}
			}
		})
	})
}

// choose associates a version by its number, also an older one, also of a pinned package.
func (s *sim) choose(pkg string) {
	v := s.server
	if _, there := v.associations[pkg]; !there {
		return
	}
	id := fmt.Sprintf("%s-v%d", pkg, 1+s.rng.IntN(v.packages[pkg].AvailableNumber))
	ch, err := Associate(v.call(), Ask{PackageID: pkg, VersionID: id})
	s.made("choose "+id, ch, err, searchpack.Associating, pkg)
}

func (s *sim) track(pkg string, t searchpack.Track) {
	v := s.server
	a, there := v.associations[pkg]
	if !there {
		return
	}
	s.log("%s is %q", pkg, t)
	a.Track = t
	v.associations[pkg] = a
	v.fence++
	v.dirty()
}

// follow does what the worker does before it decides.
func (v *simServer) follow() {
	rows := slices.Collect(maps.Values(v.associations))
	if !slices.ContainsFunc(rows, func(a searchpack.Association) bool { return a.Track == searchpack.TrackLatest }) {
		return
	}
	asks := Follow(v.call())
	slices.SortFunc(asks, func(a, b Ask) int {
		return compareKeys(proofKey{packageID: a.PackageID}, proofKey{packageID: b.PackageID})
	})
	for _, ask := range asks {
		if ch, err := Associate(v.call(), ask); err == nil {
			v.made("follow", ch, nil, searchpack.Associating, ask.PackageID)
		}
	}
}

// turnBack has a copy on this node go back to an older state by itself, where no rollout would
// have loaded it since it was asked.
func (n *simNode) turnBack() {
	names := slices.Sorted(maps.Keys(n.loaded))
	if len(names) == 0 || n.rest < WitnessEvery || len(n.server.world().Rollouts) > 0 {
		return
	}
	name := names[n.rng.IntN(len(names))]
	n.log("%s of %s turns back", name, n.name)
	n.loaded[name], n.turned[name] = searchpack.DigestOf([]byte("an older state")), true
}

// checkControl: a rollout that is paused tells no node anything new, and one that is aborted has
// failed when it ends, with what was there before.
func (v *simServer) checkControl(w World, d Decision) {
	before, after := running(w, d)
	if before.ID == after.ID && before.Paused != "" && before.Abort == "" {
		v.checkPaused(d, before, after)
	}
	for _, r := range d.Rollouts {
		if r.Abort == "" || r.State.Open() || r.ErrorType == "PackageGone" {
			continue
		}
		if r.State != searchpack.RolloutAborted && (r.State != searchpack.RolloutFailed || r.ErrorType != aborted) {
			v.fail("%s was aborted and ends as %s %q", r.ID, r.State, r.ErrorType)
		}
		for _, s := range r.Steps {
			v.checkBack(r, s)
		}
	}
}

// checkPaused: in the phases in which a rollout can stand still nothing is placed or hidden for it.
func (v *simServer) checkPaused(d Decision, before, after searchpack.Rollout) {
	if !pausable(before.Phase) || after.State == searchpack.RolloutFailed || after.State == searchpack.RolloutAborted {
		return
	}
	if after.Phase != before.Phase || after.State != before.State {
		v.fail("%s is paused, but went from %s to %s %s", before.ID, before.Phase, after.State, after.Phase)
		return
	}
	for id, o := range d.Orders {
		for _, f := range o.Files {
			i := stepOf(before, f.PackageID)
			if i < 0 || slices.Contains(v.agents[id].Order.Files, f) {
				continue
			}
			s := before.Steps[i]
			if f.State == searchpack.FileHidden || s.Action == searchpack.ActionAssociate && f.VersionID == s.VersionID && s.VersionID != s.FormerID {
				v.fail("%s is paused, but %s is told %s %s", before.ID, id, f.State, f.PackageID)
			}
		}
	}
}

// checkBack: the former version lies on every member that was there while the rollout went back.
func (v *simServer) checkBack(r searchpack.Rollout, s searchpack.RolloutStep) {
	if s.FormerID == "" || s.Action != searchpack.ActionAssociate || !placed(r.Phase) {
		return
	}
	for _, m := range v.must() {
		n := m.agent.node
		if isPlugin(s.PackageID) {
			if n.up && n.since.Before(v.rounds[r.ID]) && !n.right(n.plugins.runs[slot(s.PackageID)], v.versions[s.FormerID]) && n.home == n.engine && r.ErrorType == aborted {
				v.fail("%s was aborted, but %s does not run with %s", r.ID, n.name, s.FormerID)
			}
			continue
		}
		if n.up && n.since.Before(v.rounds[r.ID]) && n.lies(s.PackageID, v.associations[s.PackageID].Path) != v.versions[s.FormerID].Digest {
			v.fail("%s was aborted, but %s does not have %s", r.ID, n.name, s.FormerID)
		}
	}
}

// checkProofs: who proves a version has it loaded.
func (v *simServer) checkProofs(w World, d Decision) {
	for _, p := range d.Proofs {
		if p.Level == searchpack.LevelLoaded {
			v.checkLoaded(w, v.agentOf(p.AgentID), p.PackageID, v.versions[p.VersionID])
		}
	}
}

func (v *simServer) agentOf(id string) *simAgent {
	return v.byID[id]
}

// checkChoice: in the end who follows the latest has it or tried it, and no node has an older state
// loaded.
func (s *sim) checkChoice() {
	v := s.server
	for _, ask := range Follow(v.call()) {
		if _, err := Associate(v.call(), ask); err == nil {
			s.fail("%s follows the latest version and does not get it", ask.PackageID)
		}
	}
	for _, a := range s.agents {
		for _, name := range slices.Sorted(maps.Keys(a.node.turned)) {
			u := s.cluster.users[name]
			if u == nil || s.truth[v.versions[v.associations[u.pkg].ServingID].Digest] == "load" {
				continue // gone, or what serves cannot be loaded again
			}
			if a.node.turned[name] && v.associations[u.pkg].ServingID != "" && v.associations[u.pkg].Path == u.path {
				s.fail("%s of %s turned back and was not reloaded", name, a.node.name)
			}
		}
	}
}
