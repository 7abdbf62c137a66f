package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// maxMoves bounds how many steps one decision takes. A rollout has a dozen phases at most; more than
// this happens only when many rollouts end at once, and then the next decision goes on.
const maxMoves = 64

// advance starts, moves and ends rollouts until the running one waits for something.
func (d *decider) advance() {
	d.dropSuperseded()
	d.dropAborted()
	for range maxMoves {
		r := d.running()
		if r == nil {
			r = d.start()
		}
		if r == nil || !d.move(r) && !d.park(r) {
			return
		}
	}
	d.again = true
}

func (d *decider) running() *searchpack.Rollout { return d.inState(searchpack.RolloutRunning) }

// inState returns the oldest rollout in that state, nil if there is none.
func (d *decider) inState(s searchpack.RolloutState) *searchpack.Rollout {
	for _, r := range d.rollouts {
		if r.State == s {
			return r
		}
	}
	return nil
}

// start begins the oldest queued rollout, or goes on with the parked one; nil if there is none.
func (d *decider) start() *searchpack.Rollout {
	r := d.inState(searchpack.RolloutQueued)
	if parked := d.inState(searchpack.RolloutParked); parked != nil {
		if r = d.inBetween(parked); r == nil {
			parked.State = searchpack.RolloutRunning
			d.takeStock()
			return parked
		}
	}
	if r == nil {
		return nil
	}
	r.State, r.StartedAt = searchpack.RolloutRunning, d.Now
	d.takeStock()
	d.noteFormer(r)
	for i, s := range r.Steps {
		r.Steps[i].Line = d.lineNow(s)
	}
	d.forgetLines()
	d.enter(r, searchpack.PhaseLook)
	d.event("rollout started", d.subject(r), string(actionOf(r)))
	return r
}

// noteFormer keeps what serves before a rollout.
func (d *decider) noteFormer(r *searchpack.Rollout) {
	for i, s := range r.Steps {
		if a := d.associations[s.PackageID]; a != nil {
			r.Steps[i].FormerID = a.ServingID
		}
	}
}

// enter begins a phase. The round makes the ids of its duties new.
func (d *decider) enter(r *searchpack.Rollout, p searchpack.Phase) bool {
	r.Phase, r.PhaseAt, r.Waiting = p, d.Now, ""
	r.Round++
	if p == searchpack.PhasePlace && r.Steps[0].Stale != "" {
		r.Steps[0].Stale = "" // from here everything is reloaded for another reason
	}
	return true
}

// wait says what the rollout waits for. A reload that is repeated says because of whom.
func (d *decider) wait(r *searchpack.Rollout, text string) bool {
	if again := repeatedFor(r); again != "" && !strings.Contains(text, again) {
		text = staleText(again) + ": " + strings.TrimPrefix(text, "waiting for ")
	}
	r.Waiting = text
	return false
}

// move takes one step. false: the rollout waits, and says for what.
func (d *decider) move(r *searchpack.Rollout) bool {
	if over, moved := d.cutShort(r); over {
		return moved
	}
	step, known := phases[r.Phase]
	if !known {
		return d.fail(r, "UnknownPhase", fmt.Sprintf("phase %q is not known to this version of Searchpack", r.Phase))
	}
	return step(d, r)
}

// phases is what is done in each.
var phases = map[searchpack.Phase]func(*decider, *searchpack.Rollout) bool{
	searchpack.PhaseLook:          (*decider).firstLook,
	searchpack.PhaseFetch:         (*decider).fetch,
	searchpack.PhaseProbe:         (*decider).probe,
	searchpack.PhaseRestart:       (*decider).restart,
	searchpack.PhaseReturnRestart: (*decider).returnRestart,
	searchpack.PhasePlace:         (*decider).place,
	searchpack.PhaseReload:        (*decider).reload,
	searchpack.PhaseProve:         (*decider).prove,
	searchpack.PhaseVerify:        (*decider).verify,
	searchpack.PhaseReturn:        (*decider).giveBack,
	searchpack.PhaseReturnReload:  (*decider).reloadFormer,
	searchpack.PhaseHide:          (*decider).hide,
	searchpack.PhaseLookAgain:     (*decider).lookAgain,
	searchpack.PhaseRemove:        (*decider).remove,
	searchpack.PhaseUnhide:        (*decider).unhide,
}

func (d *decider) firstLook(r *searchpack.Rollout) bool {
	if actionOf(r) == searchpack.ActionDissociate {
		return d.lookForUsers(r)
	}
	return d.look(r)
}

// cutShort looks for what ends or holds a rollout whatever its phase is. over: that is so, moved is
// the move.
func (d *decider) cutShort(r *searchpack.Rollout) (over, moved bool) {
	if len(r.Steps) == 0 {
		return true, d.end(r, searchpack.RolloutAborted, "", "nothing is left to do")
	}
	if errorType, reason := d.hopeless(r); reason != "" {
		return true, d.fail(r, errorType, reason)
	}
	if actionOf(r) == searchpack.ActionDissociate && (len(d.nodes) == 0 || !d.anyOnNodes(r)) {
		return true, d.dissociated(r) // no node was ever told about a file, or all are retired
	}
	if ends, moved := d.abort(r); ends {
		return true, moved
	}
	switch {
	case d.who.Hold != "":
		return true, d.wait(r, d.who.Hold)
	case d.paused(r):
		d.letGo(r)
		return true, d.wait(r, "paused by "+r.Paused+": nothing moves until it is resumed or aborted")
	}
	return false, false
}

// actionOf a rollout: all its steps have the same, because AssociatePackages and
// DissociatePackages make rollouts of their own.
func actionOf(r *searchpack.Rollout) searchpack.Action { return r.Steps[0].Action }

// placed reports whether the running rollout may have changed files on nodes.
func placed(p searchpack.Phase) bool {
	switch p {
	case "", searchpack.PhaseLook, searchpack.PhaseFetch, searchpack.PhaseProbe:
		return false
	}
	return true
}

// hopeless says why an association that has changed nothing yet cannot be carried out at all; ""
// if it can.
func (d *decider) hopeless(r *searchpack.Rollout) (errorType, reason string) {
	if actionOf(r) != searchpack.ActionAssociate || placed(r.Phase) {
		return "", ""
	}
	if reason := d.hostless(r); reason != "" {
		return noPlugin, reason
	}
	if reason := d.folderAtPath(r); reason != "" {
		return adoptionRefused, reason
	}
	return "PackageGone", d.gone(r)
}

// gone names what is not there any more.
func (d *decider) gone(r *searchpack.Rollout) string {
	for _, s := range r.Steps {
		if d.associations[s.PackageID] == nil {
			return fmt.Sprintf("package %s is not associated any more", d.packageText(s.PackageID))
		}
		if d.Versions[s.VersionID].Digest == "" {
			return fmt.Sprintf("version %s of package %s is gone", s.VersionID, d.packageText(s.PackageID))
		}
	}
	return ""
}

// dropSuperseded takes out associate steps that a later DissociatePackage made pointless, as long
// as nothing was placed for them.
func (d *decider) dropSuperseded() {
	for i, q := range d.rollouts {
		if q.State != searchpack.RolloutQueued {
			continue
		}
		for _, s := range q.Steps {
			if s.Action != searchpack.ActionDissociate {
				continue
			}
			for _, older := range d.rollouts[:i] {
				if older.State == searchpack.RolloutQueued || older.State.Begun() && !placed(older.Phase) {
					d.dropStep(older, s.PackageID)
				}
			}
		}
	}
}

// dropAborted ends what waits and was aborted, whatever it waits for. Where a rollout that has begun is about the
// same package, the abort is carried out behind that one, which says what is on the nodes.
func (d *decider) dropAborted() {
	begun := func(s searchpack.RolloutStep) bool { return d.begunFor(s.PackageID) }
	for _, q := range d.rollouts {
		if q.State != searchpack.RolloutQueued || q.Abort == "" || d.off.abort || slices.ContainsFunc(q.Steps, begun) {
			continue
		}
		d.noteFormer(q)
		q.Phase = searchpack.PhaseLook
		d.abort(q)
	}
}

// begunFor: a rollout that has begun has a step for the package.
func (d *decider) begunFor(packageID string) bool {
	return slices.ContainsFunc(d.rollouts, func(r *searchpack.Rollout) bool { return r.State.Begun() && hasStep(*r, packageID) })
}

// dropStep takes a package out of an associate rollout; without steps it is aborted.
func (d *decider) dropStep(r *searchpack.Rollout, packageID string) {
	next, dropped := without(*r, packageID, d.Now, "the package is being dissociated")
	if !dropped {
		return
	}
	*r = next
	if r.State == searchpack.RolloutAborted {
		d.event("rollout aborted", d.subject(r), r.Reason)
	}
}

// laterCall returns the action that a younger open rollout has in store for the package, "" if
// none: then this rollout has the last word on its status.
func (d *decider) laterCall(r *searchpack.Rollout, packageID string) searchpack.Action {
	var found searchpack.Action
	after := false
	for _, other := range d.rollouts {
		if other == r {
			after = true
			continue
		}
		if !after || !other.State.Open() || d.off.laterCall {
			continue
		}
		for _, s := range other.Steps {
			if s.PackageID == packageID {
				found = s.Action
			}
		}
	}
	return found
}

// step returns the rollout that has begun with the package, and its step; nil if there is none. A parked
// one counts: what it has told nodes stays as it is.
func (d *decider) step(packageID string) (*searchpack.Rollout, searchpack.RolloutStep) {
	for _, r := range d.rollouts {
		if !r.State.Begun() || d.off.parked && r.State == searchpack.RolloutParked {
			continue
		}
		for _, s := range r.Steps {
			if s.PackageID == packageID {
				return r, s
			}
		}
	}
	return nil, searchpack.RolloutStep{}
}

// subject of an event: the domain and the packages.
func (d *decider) subject(r *searchpack.Rollout) string {
	text := d.Domain.Name
	for _, s := range r.Steps {
		text += " " + s.PackageID
	}
	return text
}
