package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// ReturnPatience bounds how long a rollout that has failed already tries to have the former state
// loaded again: others queue behind it.
const ReturnPatience = 10 * time.Minute

// undo begins the way back after something was placed.
func (d *decider) undo(r *searchpack.Rollout, errorType, reason string) bool {
	r.ErrorType, r.Reason = errorType, reason
	if d.off.giveBack {
		return d.fail(r, r.ErrorType, r.Reason)
	}
	if r.Phase == searchpack.PhaseRestart { // no file was touched
		r.Reason += d.whatServes(r)
		r.Restart = nil
		return d.enter(r, searchpack.PhaseReturnRestart)
	}
	return d.enter(r, searchpack.PhaseReturn)
}

// giveBack waits until the former version lies everywhere again. Where there was none the file
// stays as it is: nothing is removed but by look, hide, look.
func (d *decider) giveBack(r *searchpack.Rollout) bool {
	back := d.returning(r)
	if len(back) > 0 && !d.everyone(r, "to place the former version again", func(n *node) (bool, string) {
		for _, s := range back {
			if !d.isLive(n, s.PackageID, d.Versions[s.FormerID].Digest) {
				return false, n.files[s.PackageID].Error
			}
		}
		return true, ""
	}) {
		return false
	}
	return d.enter(r, searchpack.PhaseReturnReload)
}

// returning lists the steps whose file goes back to a former version.
func (d *decider) returning(r *searchpack.Rollout) []searchpack.RolloutStep {
	return slices.DeleteFunc(returning(r), func(s searchpack.RolloutStep) bool { return d.isPlugin(s.PackageID) })
}

// failBack ends a rollout whose files are as they were; plugins go back now.
func (d *decider) failBack(r *searchpack.Rollout, reason string) bool {
	if len(d.plugins(r)) == 0 {
		return d.fail(r, r.ErrorType, reason)
	}
	r.Reason = reason
	return d.enter(r, searchpack.PhaseReturnRestart)
}

// returning lists the steps that have a former version to return to.
func returning(r *searchpack.Rollout) []searchpack.RolloutStep {
	var out []searchpack.RolloutStep
	for _, s := range r.Steps {
		if s.FormerID != "" {
			out = append(out, s)
		}
	}
	return out
}

// reloadFormer has the former version loaded again and unassigned copies tried again, then ends the
// rollout. That a refresh fails does not stop it.
func (d *decider) reloadFormer(r *searchpack.Rollout) bool {
	reason := r.Reason + d.whatServes(r)
	if d.Domain.FilesOnly {
		return d.failBack(r, reason)
	}
	if d.Now.Sub(r.PhaseAt) >= ReturnPatience {
		return d.failBack(r, reason+fmt.Sprintf(
			" That every index loaded the former state again could not be confirmed within %d min.", int(ReturnPatience.Minutes())))
	}
	if d.cameBack(r) {
		return d.enter(r, searchpack.PhaseReturn)
	}
	if ok, why := d.lookedLongEnough(r); !ok {
		return d.wait(r, why)
	}
	res := d.refreshed(r)
	if !res.done {
		return d.wait(r, res.waiting)
	}
	if ok, why := d.rerouted(r); !ok {
		return d.wait(r, why)
	}
	if len(res.failed) > 0 {
		reason += " Loading the former version again failed: " + strings.Join(res.failed, "; ") + "."
	}
	return d.failBack(r, reason)
}

// cameBack: a node that was away while the others got the former version again still has the one that
// failed, and has loaded it.
func (d *decider) cameBack(r *searchpack.Rollout) bool {
	for _, n := range d.must() {
		for _, s := range d.returning(r) {
			if !d.shows(n, s.PackageID, d.Versions[s.FormerID].Digest) {
				return true
			}
		}
	}
	return false
}

// whatServes ends the reason of a failed rollout.
func (d *decider) whatServes(r *searchpack.Rollout) string {
	var parts []string
	for _, s := range returning(r) {
		parts = append(parts, fmt.Sprintf("v%d of %s", d.Versions[s.FormerID].Number, d.packageText(s.PackageID)))
	}
	if len(parts) == 0 {
		return ""
	}
	return " " + list(parts) + " still serves."
}

// nothingPlaced ends the reason of a rollout that failed before anything was placed.
func (d *decider) nothingPlaced(r *searchpack.Rollout) string {
	return "Nothing was placed." + d.whatServes(r)
}
