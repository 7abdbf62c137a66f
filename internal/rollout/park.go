package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// park sets a rollout of plugins that waits for somebody aside when another one can run meanwhile.
func (d *decider) park(r *searchpack.Rollout) bool {
	if r.State != searchpack.RolloutRunning || d.inBetween(r) == nil {
		return false
	}
	r.State = searchpack.RolloutParked
	d.event("rollout parked", d.subject(r), r.Waiting)
	return true
}

// inBetween is the oldest queued rollout that may run while a rollout of plugins waits for somebody; nil
// if there is none. It changes dictionaries alone, and needs nothing that another rollout is to bring or
// to take.
func (d *decider) inBetween(r *searchpack.Rollout) *searchpack.Rollout {
	if !d.waitsForSomebody(r) {
		return nil
	}
	for i, q := range d.rollouts {
		if q.State == searchpack.RolloutQueued && d.dictionariesOnly(q) && !d.needsEarlier(i) {
			return q
		}
	}
	return nil
}

// waitsForSomebody: the rollout is of plugins alone, no node of it may be stopped, the cluster's settings
// are as they were, and a person moves it on: it is paused, or has come to nodes that somebody else restarts.
func (d *decider) waitsForSomebody(r *searchpack.Rollout) bool {
	if r.Restart != nil || d.Domain.Saved != nil || d.who.Hold != "" || d.Domain.FilesOnly || len(d.plugins(r)) != len(r.Steps) {
		return false
	}
	if r.Phase != searchpack.PhaseReturnRestart && r.Phase != searchpack.PhaseRestart {
		return d.paused(r) && !placed(r.Phase)
	}
	if d.paused(r) {
		return true
	}
	if d.turnsBack(r) {
		return false
	}
	late := d.late(r)
	failed, _ := d.notStarted(r, late)
	return failed == nil && d.nextRestart(r, late) == nil &&
		slices.ContainsFunc(late, func(n *node) bool { return !d.restartsItself(n) && d.prepared(r, n) })
}

// turnsBack: something came up for which the next move goes back.
func (d *decider) turnsBack(r *searchpack.Rollout) bool {
	if r.Phase != searchpack.PhaseRestart {
		return false
	}
	if r.Abort != "" && !d.off.abort {
		return true
	}
	users := ""
	if actionOf(r) == searchpack.ActionDissociate {
		_, users = d.inUse(r)
	}
	return users != "" || d.refusedPlugin(r) != ""
}

func (d *decider) dictionariesOnly(r *searchpack.Rollout) bool {
	return !slices.ContainsFunc(r.Steps, func(s searchpack.RolloutStep) bool { return !d.onNodes(s.PackageID) })
}

// needsEarlier: the rollout at this place has a package in common with an open one before it, or a
// prerequisite there.
func (d *decider) needsEarlier(place int) bool {
	for _, s := range d.rollouts[place].Steps {
		needs := []string{s.PackageID}
		if a := d.associations[s.PackageID]; a != nil {
			needs = append(needs, a.Prerequisites...)
		}
		for _, older := range d.rollouts[:place] {
			if older.State.Open() && slices.ContainsFunc(needs, func(id string) bool { return hasStep(*older, id) }) {
				return true
			}
		}
	}
	return false
}
