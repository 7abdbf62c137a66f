package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// maxBefore bounds the analyzers that nodes are to ask before a rollout's files move: each is a call, while
// the candidate is fetched and probed, and a line of every node's order. Where there are more, the witness
// takes so many calls that reading the former file once does not matter.
const maxBefore = 500

// before are the witnesses of the running rollout whose texts nodes may be asked for before its files move,
// by package. Not those of a step whose indices another step changes too: that they show something else
// than before might be due to that one.
func (d *decider) before() map[string]searchpack.Duty {
	r := d.running()
	if r == nil || len(r.Steps) == 0 || actionOf(r) != searchpack.ActionAssociate || r.Phase != searchpack.PhaseFetch && r.Phase != searchpack.PhaseProbe {
		return nil
	}
	out := map[string]searchpack.Duty{}
	changed := d.changed(r)
	for _, s := range changed {
		if s.FormerID == "" || len(s.Texts) == 0 {
			continue
		}
		asked := d.stepWitness(r, s)
		if len(asked.duty.Witnesses) > 0 && asked.points <= maxBefore && !d.shared(changed, s, asked) {
			out[s.PackageID] = asked.duty
		}
	}
	return out
}

// shared: an index of the witness reads the file of another step, too.
func (d *decider) shared(changed []searchpack.RolloutStep, s searchpack.RolloutStep, asked seen) bool {
	of := map[string]bool{}
	for _, w := range asked.duty.Witnesses {
		for _, p := range w.Points {
			of[p.Index] = true
		}
	}
	return slices.ContainsFunc(changed, func(other searchpack.RolloutStep) bool {
		return other.PackageID != s.PackageID && slices.ContainsFunc(d.uses(other.PackageID), func(u searchpack.Use) bool {
			return u.UserKind == searchpack.UserIndex && of[u.Name]
		})
	})
}

// beforeAt are those for a node that has proven the former version. One that may have something else
// loaded is to have the former file read when it comes to the witness.
func (d *decider) beforeAt(n *node, all map[string]searchpack.Duty) []searchpack.Duty {
	if len(all) == 0 {
		return nil
	}
	var out []searchpack.Duty
	for _, id := range d.ids() {
		duty, some := all[id]
		a := d.associations[id]
		if _, s := d.step(id); some && a.ServingID == s.FormerID && d.proves(n, a) {
			out = append(out, duty)
		}
	}
	return out
}
