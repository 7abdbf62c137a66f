package rollout

import (
	"fmt"

	"github.com/searchpack/searchpack"
)

// aborted is the ErrorDetails type of a rollout that somebody ended.
const aborted = "Aborted"

// abort carries out what somebody asked for: before anything changed on nodes the rollout just ends,
// later what was changed goes back first. ends: it is aborted now, moved is the move.
func (d *decider) abort(r *searchpack.Rollout) (ends, moved bool) {
	if r.Abort == "" || d.off.abort {
		return false, false
	}
	reason := "Aborted by " + r.Abort + "."
	switch r.Phase {
	case searchpack.PhaseLook, searchpack.PhaseFetch, searchpack.PhaseProbe:
		if actionOf(r) == searchpack.ActionAssociate {
			reason += " " + d.nothingPlaced(r)
		}
		return true, d.fail(r, aborted, reason)
	case searchpack.PhaseRestart, searchpack.PhasePlace, searchpack.PhaseReload, searchpack.PhaseProve, searchpack.PhaseVerify:
		return true, d.undo(r, aborted, reason)
	case searchpack.PhaseHide, searchpack.PhaseLookAgain:
		r.ErrorType, r.Reason = aborted, reason
		return true, d.enter(r, searchpack.PhaseUnhide)
	}
	return false, false // on its way back already, or files are being deleted
}

// pausable: on the way back, and while files are deleted, standing still would help nobody.
func pausable(p searchpack.Phase) bool {
	switch p {
	case searchpack.PhaseReturn, searchpack.PhaseReturnReload, searchpack.PhaseReturnRestart, searchpack.PhaseUnhide, searchpack.PhaseRemove:
		return false
	}
	return true
}

// paused: somebody holds the rollout where it is. No node is told anything new for it then.
func (d *decider) paused(r *searchpack.Rollout) bool {
	return r.Paused != "" && r.Abort == "" && pausable(r.Phase) && !d.off.pause
}

// Command to a rollout by a person.
type Command string

// What can be told to an open rollout.
const (
	CommandPause  Command = "pause"
	CommandResume Command = "resume"
	CommandAbort  Command = "abort"
)

// Control is the table of pause, resume and abort: who is the caller's name. ErrConflict: the rollout
// has ended, or is so far that the command has no meaning. The same command again changes nothing.
func Control(r searchpack.Rollout, o Command, who string) (searchpack.Rollout, error) {
	if !r.State.Open() {
		return r, searchpack.Errorf(searchpack.ErrConflict, "The rollout has ended (%s): nothing is left to %s.", r.State, o)
	}
	back := r.State.Begun() && !pausable(r.Phase)
	switch {
	case o == CommandResume:
		r.Paused = ""
	case r.Abort != "" && o == CommandPause:
		return r, searchpack.Errorf(searchpack.ErrConflict, "The rollout is being aborted: it cannot be paused.")
	case back && r.Phase == searchpack.PhaseRemove:
		return r, searchpack.Errorf(searchpack.ErrConflict, "The files are being removed from the nodes: it is too late to %s.", o)
	case back:
		return r, searchpack.Errorf(searchpack.ErrConflict, "The rollout is on its way back to what was there before: it cannot be told to %s.", o)
	case o == CommandPause && r.Paused == "":
		r.Paused = who
	case o == CommandAbort && r.Abort == "":
		r.Abort = who
	case o != CommandPause && o != CommandAbort:
		return r, searchpack.Errorf(searchpack.ErrInvalid, "%q is nothing to tell a rollout.", o)
	}
	return r, nil
}

// Follow returns the packages of the domain that follow the latest version and are to get one: they
// are associated, nothing is under way for them, and the newest version was not tried yet.
func Follow(c Call) []Ask {
	var out []Ask
	for id, a := range c.Associations {
		p := c.Packages[id]
		settled := a.Status == searchpack.Active || a.Status == searchpack.AssociationFailed
		if a.Track == searchpack.TrackLatest && settled && p.AvailableID != "" && p.AvailableID != a.WantedID {
			out = append(out, Ask{PackageID: id})
		}
	}
	return out
}

// pinned refuses a call that names no version for a package that is pinned to one.
func pinned(a searchpack.Association, ask Ask) error {
	if a.Track != searchpack.TrackPinned || ask.VersionID != "" {
		return nil
	}
	return searchpack.Errorf(searchpack.ErrConflict,
		"Package %s is pinned in domain %s. Choose a version by its number, or unpin it: %s.",
		a.PackageID, a.Domain.Name, fmt.Sprintf("searchpack pin %s --domain %s --off", a.PackageID, a.Domain.Name))
}
