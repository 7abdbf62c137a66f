package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// before are the witnesses of the running rollout, on nodes that have proven the former version and may
// remember now what it makes of their texts. A node that may have something else loaded is to have the
// former file read when it comes to that, and so is one whose indices other steps of the rollout change
// too: that it shows something else than before may be due to them.
func (d *decider) before(n *node) []searchpack.Duty {
	r := d.running()
	if r == nil || len(r.Steps) == 0 || actionOf(r) != searchpack.ActionAssociate || r.Phase != searchpack.PhaseFetch && r.Phase != searchpack.PhaseProbe {
		return nil
	}
	var out []searchpack.Duty
	for _, s := range d.changed(r) {
		a := d.associations[s.PackageID]
		if s.FormerID == "" || len(s.Texts) == 0 || a == nil || a.ServingID != s.FormerID || !d.proves(n, a) {
			continue
		}
		if asked := d.stepWitness(r, s); !d.readsOthers(r, s, asked) {
			out = appendDuty(out, asked)
		}
	}
	return out
}

// readsOthers: an index of the witness reads the file of another step, too.
func (d *decider) readsOthers(r *searchpack.Rollout, s searchpack.RolloutStep, asked seen) bool {
	of := map[string]bool{}
	for _, w := range asked.duty.Witnesses {
		for _, p := range w.Points {
			of[p.Index] = true
		}
	}
	for _, other := range d.changed(r) {
		if other.PackageID != s.PackageID && slices.ContainsFunc(d.uses(other.PackageID), func(u searchpack.Use) bool {
			return u.UserKind == searchpack.UserIndex && of[u.Name]
		}) {
			return true
		}
	}
	return false
}
