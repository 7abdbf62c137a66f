package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// look waits until the speaker has read who uses the packages now.
func (d *decider) look(r *searchpack.Rollout) bool {
	if ok, why := d.looked(r); !ok {
		return d.wait(r, why)
	}
	return d.enter(r, searchpack.PhaseFetch)
}

// fetch waits until the candidates lie verified on every node.
func (d *decider) fetch(r *searchpack.Rollout) bool {
	if refused := d.refusedPlugin(r); refused != "" {
		return d.fail(r, pluginRefused, refused+" "+d.nothingPlaced(r))
	}
	if why := d.notAdopted(r); why != "" {
		return d.fail(r, adoptionRefused, why)
	}
	if why := d.unseen(r); why != "" {
		return d.wait(r, why)
	}
	ok := d.everyone(r, "to fetch "+d.stepsText(r), func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if c := n.ready[d.brings(s, d.starts(n)).Digest]; !c.Ready {
				return false, c.Error
			}
			if f := n.files[s.PackageID]; d.adopting(s) && !d.isLive(n, s.PackageID, d.Versions[s.VersionID].Digest) {
				return false, f.Error
			}
		}
		return true, ""
	})
	if !ok {
		return false
	}
	return d.enter(r, searchpack.PhaseProbe)
}

// probe asks one node first, so that a bad file meets one node, then all. Nothing was placed yet,
// so a bad verdict just ends it.
func (d *decider) probe(r *searchpack.Rollout) bool {
	if why := d.notAdopted(r); why != "" {
		return d.fail(r, adoptionRefused, why)
	}
	if bad := d.badVerdict(r); bad != "" {
		return d.fail(r, probeFailed, bad+" "+d.nothingPlaced(r))
	}
	if n := d.lostWhileAsked(r); n != nil {
		return d.wait(r, fmt.Sprintf("waiting for %s, which went away while it was asked to build filters from %s. "+
			"That may have cost it its memory, so no other node is asked: see its log, then start it, retire it, or dissociate the package",
			n.called(), d.stepsText(r)))
	}
	d.chooseFirst(r)
	ok := d.everyone(r, "to probe "+d.stepsText(r), func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if !d.passed(n, d.candidateProbes(n, s)) {
				return false, n.trouble()
			}
		}
		return true, ""
	})
	if !ok {
		return false
	}
	for _, s := range r.Steps { // said before anything moves: it may be why the reload fails
		if a := d.associations[s.PackageID]; a != nil && !d.isPlugin(s.PackageID) {
			d.addFindings(a, ruleProbe, d.unprobed(s, func(n *node) []searchpack.Probe { return d.candidateProbes(n, s) }))
		}
	}
	if len(d.plugins(r)) > 0 {
		r.FirstNode = ""
		return d.enter(r, searchpack.PhaseRestart)
	}
	return d.enter(r, searchpack.PhasePlace)
}

// refusedPlugin is the first node that would not take a plugin, and why; "" if there is none.
func (d *decider) refusedPlugin(r *searchpack.Rollout) string {
	for _, n := range d.must() {
		for _, s := range d.plugins(r) {
			v := d.brings(s, d.starts(n))
			c := n.ready[v.Digest]
			if c.Refused != "" {
				return fmt.Sprintf("%s refuses v%d of %s: %s.%s", n.called(), v.Number, d.packageText(v.PackageID),
					strings.TrimSuffix(quote(c.Refused), "."), d.instead(n, v))
			}
			if why := d.instead(n, v); c.Ready && why != "" {
				return d.misfit(n, v) + why
			}
		}
	}
	return ""
}

// misfit is said of a version of a plugin that a node takes although another of its line is for its OpenSearch:
// without OpenSearch none refuses it, and the engine may change on the way.
func (d *decider) misfit(n *node, v searchpack.Version) string {
	return fmt.Sprintf("v%d of %s is made for OpenSearch %s, and %s has %s.",
		v.Number, d.packageText(v.PackageID), quote(d.madeForText(v)), n.called(), quote(d.starts(n)))
}

// lostWhileAsked is the node that probes first, if it is down and had been asked: a file that a node
// does not survive must not go on to the next.
func (d *decider) lostWhileAsked(r *searchpack.Rollout) *node {
	if n := d.byID[r.FirstNode]; n != nil && n.standing == Owed {
		for _, s := range r.Steps {
			if probes(n.Order, s.PackageID, searchpack.CandidatePath(d.Versions[s.VersionID].Digest)) && !d.passed(n, d.candidateProbes(n, s)) {
				return n
			}
		}
	}
	return nil
}

// chooseFirst picks the node that probes first, anew when it went away before it was through.
func (d *decider) chooseFirst(r *searchpack.Rollout) {
	nodes := d.must()
	if len(nodes) == 0 || slices.ContainsFunc(nodes, func(n *node) bool { return n.ID == r.FirstNode }) {
		return
	}
	r.FirstNode = nodes[0].ID
	if d.speaker != nil && d.speaker.standing == MustProve {
		r.FirstNode = d.speaker.ID
	}
}

// place waits until the new version lies under its final name on every node.
func (d *decider) place(r *searchpack.Rollout) bool {
	if why := d.notAdopted(r); why != "" {
		return d.undo(r, adoptionRefused, why)
	}
	if bad := d.badVerdict(r); bad != "" {
		return d.undo(r, probeFailed, bad)
	}
	ok := d.everyone(r, "to place "+d.stepsText(r), func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if !d.isPlugin(s.PackageID) && !d.isLive(n, s.PackageID, d.Versions[s.VersionID].Digest) {
				return false, n.files[s.PackageID].Error
			}
		}
		return true, ""
	})
	switch {
	case !ok:
		return false
	case d.nothingToReload(r):
		return d.enter(r, searchpack.PhaseProve)
	}
	return d.enter(r, searchpack.PhaseReload)
}

// nothingToReload: no OpenSearch, or every version has the bytes that were loaded before.
func (d *decider) nothingToReload(r *searchpack.Rollout) bool {
	return d.Domain.FilesOnly || d.off.reload || len(d.changed(r)) == 0
}

// changed lists the steps that bring other bytes.
func (d *decider) changed(r *searchpack.Rollout) []searchpack.RolloutStep {
	var out []searchpack.RolloutStep
	for _, s := range r.Steps {
		if d.isPlugin(s.PackageID) {
			continue
		}
		if s.FormerID == "" || d.Versions[s.FormerID].Digest != d.Versions[s.VersionID].Digest {
			out = append(out, s)
		}
	}
	return out
}

// reload reads who uses the files now that they lie everywhere, and has their search analyzers
// refreshed.
func (d *decider) reload(r *searchpack.Rollout) bool {
	if moved, done := d.stillPlaced(r); done {
		return moved
	}
	if ok, why := d.looked(r); !ok {
		return d.wait(r, why)
	}
	res := d.refreshed(r)
	if len(res.failed) > 0 {
		return d.undo(r, "ReloadFailed", fmt.Sprintf("%s cannot be loaded: %s.%s", d.stepsText(r), strings.Join(res.failed, "; "), d.brokenBefore(r)))
	}
	if !res.done {
		return d.wait(r, res.waiting)
	}
	for _, s := range d.changed(r) {
		if a := d.associations[s.PackageID]; a != nil {
			d.addFindings(a, ruleReload, d.notReloaded(s, res.noAPI))
			d.addFindings(a, ruleUsage, d.truncated())
		}
	}
	return d.enter(r, searchpack.PhaseProve)
}

// prove waits until every node has proven the file in place, and has shown that it is loaded. Where
// it is not, copies arrived with the former version while others reloaded: all reload again.
func (d *decider) prove(r *searchpack.Rollout) bool {
	switch ok, moved := d.proven(r, "to prove "+d.stepsText(r)); {
	case !ok:
		return moved
	case d.toVerify(r):
		return d.beginVerify(r)
	}
	return d.succeed(r)
}

// proven reports whether every node has shown what it must. If not, moved is what to do; to is what
// nodes are waited for.
func (d *decider) proven(r *searchpack.Rollout, to string) (ok, moved bool) {
	if moved, done := d.stillPlaced(r); done {
		return false, moved
	}
	for _, s := range r.Steps {
		if !s.TextsMade && !d.off.texts && d.witnessLevel() && !d.isPlugin(s.PackageID) { // also without an index: there will be one
			return false, d.wait(r, "waiting for texts that tell "+d.versionText(s)+" from the former version")
		}
	}
	if stale := d.stale(r); stale != "" {
		if again := r.PhaseAt.Add(ReloadPause); d.Now.Before(again) {
			d.lookAgainAt(again)
			return false, d.wait(r, staleText(stale))
		}
		return false, d.repeat(r, stale)
	}
	ok = d.everyone(r, to, func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if !d.provable(n, s.PackageID, d.Versions[s.VersionID]) {
				return false, n.trouble()
			}
			if ok, _, why := d.witnessed(n, d.stepWitness(r, s)); !ok {
				return false, cmp.Or(why, n.trouble())
			}
		}
		return true, ""
	})
	return ok, false
}

// stillPlaced looks after what may change once the files lie everywhere: a verdict turns bad, or a
// node joins (or lost its file) and must get the new version first; what it loaded before must then
// be loaded again, hence back to place. done: the phase is over, moved is its result.
func (d *decider) stillPlaced(r *searchpack.Rollout) (moved, done bool) {
	if why := d.notAdopted(r); why != "" {
		return d.undo(r, adoptionRefused, why), true
	}
	if bad := d.badVerdict(r); bad != "" {
		return d.undo(r, probeFailed, bad), true
	}
	for _, n := range d.must() {
		for _, s := range r.Steps {
			if d.has(n, s.PackageID, d.Versions[s.VersionID]) {
				continue
			}
			if o := d.target(s, d.runs(n)); d.isPlugin(s.PackageID) && d.hasPlugin(n, o) { // another start brings it nothing else
				v := d.Versions[o.VersionID]
				return d.undo(r, pluginRefused, d.misfit(n, v)+d.instead(n, v)), true
			}
			if d.isPlugin(s.PackageID) {
				return d.enter(r, searchpack.PhaseRestart), true
			}
			return d.enter(r, searchpack.PhasePlace), true
		}
	}
	return false, false
}
