package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// end closes a rollout. It always reports a move.
func (d *decider) end(r *searchpack.Rollout, state searchpack.RolloutState, errorType, reason string) bool {
	r.State, r.EndedAt, r.Waiting = state, d.Now, ""
	r.Reason, r.ErrorType = reason, errorType
	d.forgetLines()
	d.event("rollout "+string(state), d.subject(r), reason)
	return true
}

// succeed makes the steps' versions the serving ones and writes the proofs of every node that had
// to prove.
func (d *decider) succeed(r *searchpack.Rollout) bool {
	for _, s := range r.Steps {
		a := d.associations[s.PackageID]
		if a == nil {
			continue // cannot be: an association goes only by a rollout
		}
		a.ServingID, a.UpdatedAt, a.Texts = s.VersionID, d.Now, s.Texts
		if !d.isPlugin(s.PackageID) {
			d.addFindings(a, ruleProbe, d.unprobed(s, func(n *node) []searchpack.Probe { return d.liveProbes(n, d.Versions[s.VersionID]) }))
			unverified := d.unverified(r, s)
			d.addFindings(a, ruleVerify, unverified)
			d.noteVerified(s, unverified)
		}
		for _, n := range d.must() {
			d.writeProof(n, s.PackageID, d.Versions[s.VersionID], d.stepWitness(r, s))
		}
		if d.laterCall(r, s.PackageID) == "" {
			a.Status, a.WantedID, a.Error = searchpack.Active, s.VersionID, nil
		}
	}
	return d.end(r, searchpack.RolloutDone, "", "")
}

// fail ends a rollout whose files are as they were before it.
func (d *decider) fail(r *searchpack.Rollout, errorType, reason string) bool {
	status := searchpack.AssociationFailed
	if len(r.Steps) > 0 && actionOf(r) == searchpack.ActionDissociate {
		status = searchpack.DissociationFailed
	}
	for i, s := range r.Steps {
		a := d.associations[s.PackageID]
		if a == nil || d.laterCall(r, s.PackageID) != "" || d.off.together && i > 0 {
			continue
		}
		a.Status, a.UpdatedAt = status, d.Now
		a.Error = &searchpack.ErrorDetails{Type: errorType, Message: reason}
		if d.off.latch && status == searchpack.AssociationFailed {
			a.ServingID = ""
		}
	}
	return d.end(r, searchpack.RolloutFailed, errorType, reason)
}

// dissociated ends a rollout whose files are gone everywhere.
func (d *decider) dissociated(r *searchpack.Rollout) bool {
	for _, s := range r.Steps {
		a := d.associations[s.PackageID]
		if a == nil {
			continue
		}
		if d.laterCall(r, s.PackageID) != "" { // a call has revived the row meanwhile
			a.ServingID, a.UpdatedAt = "", d.Now
			continue
		}
		delete(d.associations, s.PackageID)
	}
	return d.end(r, searchpack.RolloutDone, "", "")
}

// addFindings replaces the findings of one rule.
func (d *decider) addFindings(a *searchpack.Association, rule string, found []searchpack.Finding) {
	kept := slices.DeleteFunc(slices.Clone(a.Findings), func(f searchpack.Finding) bool { return f.Rule == rule })
	if next := append(kept, found...); !slices.Equal(next, a.Findings) {
		a.Findings = next
	}
}
