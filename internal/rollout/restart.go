package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// pluginRefused is the ErrorDetails type of a plugin that a node would not take.
const pluginRefused = "PluginRefused"

// restartFailed is the ErrorDetails type of a plugin with which a node did not come back.
const restartFailed = "RestartFailed"

// BackPatience is after how long a node that has stopped is called missing. Nothing follows from it but
// words: a begun permit never ends by itself.
const BackPatience = 5 * time.Minute

// SettlePatience is how long copies may stay unassigned after a restart, with nothing moving, before that
// is taken for what the plugin did.
const SettlePatience = 3 * time.Minute

// OfferPatience is how long allocation is held for a node that does not stop.
const OfferPatience = time.Minute

// restarts reports whether nodes are restarted in the phase.
func restarts(p searchpack.Phase) bool {
	return p == searchpack.PhaseRestart || p == searchpack.PhaseReturnRestart
}

// restart gives one node after the other what the rollout brings, and goes on when all have it.
func (d *decider) restart(r *searchpack.Rollout) bool {
	next := searchpack.PhasePlace
	if actionOf(r) == searchpack.ActionDissociate {
		next = searchpack.PhaseHide
		// Between two nodes only: one that may have stopped comes back before anything is undone.
		if errorType, reason := d.inUse(r); reason != "" && r.Restart == nil {
			return d.undo(r, errorType, reason)
		}
	}
	var moved bool
	if d.free, moved = d.unneeded(r, d.undo); !d.free {
		return moved
	}
	if refused := d.refusedPlugin(r); refused != "" && r.Restart == nil { // by a node that was away before
		return d.undo(r, pluginRefused, refused)
	}
	done, moved := d.restartNext(r)
	if !done {
		return moved
	}
	return d.enter(r, next)
}

// returnRestart gives the former plugins back to every node that has others, then ends the rollout.
func (d *decider) returnRestart(r *searchpack.Rollout) bool {
	if done, moved := d.restartNext(r); !done {
		return moved
	}
	return d.fail(r, r.ErrorType, r.Reason)
}

// restartNext moves the restarts on. done: every node that must prove has what it is to have, and the
// cluster's settings are as they were.
func (d *decider) restartNext(r *searchpack.Rollout) (done, moved bool) {
	if r.Restart != nil {
		return false, stages[r.Restart.Stage](d, r, d.byID[r.Restart.AgentID])
	}
	late := d.late(r)
	if n, why := d.notStarted(r, late); n != nil {
		return false, d.cameBackWithout(r, n, why)
	}
	if len(late) == 0 {
		if !d.everyone(r, "to confirm what is to lie there at their next start", func(n *node) (bool, string) {
			return r.Phase != searchpack.PhaseReturnRestart || d.toldBack(r, n), ""
		}) {
			return false, false
		}
		if d.Domain.Saved != nil {
			return false, d.wait(r, "waiting for the cluster's settings to be put back")
		}
		return true, false
	}
	next := d.nextRestart(r, late)
	if next == nil {
		return false, d.waitForOthers(r, late)
	}
	if ok, why := d.health(r); !ok {
		return false, d.wait(r, why)
	}
	if r.FirstNode == "" || r.Phase == searchpack.PhaseReturnRestart {
		r.FirstNode = next.ID
	}
	r.Round++
	r.PhaseAt = d.Now
	r.Restart = &searchpack.Restart{AgentID: next.ID, Stage: searchpack.StageHold}
	// The name is new each time, so that having put the settings back before counts for nothing.
	d.Domain.Saved = &searchpack.SavedAllocation{ID: fmt.Sprintf("%s/%d", r.ID, r.Round), Former: d.Domain.Saved.Former}
	return false, true
}

// toldBack: the node has taken in that it is not to start with what the rollout had brought.
func (d *decider) toldBack(r *searchpack.Rollout, n *node) bool {
	for _, s := range d.plugins(r) {
		target := d.target(s, d.starts(n))
		told, listed := n.orderedPlugin(s.PackageID)
		told.Path = "" // which its plugin says
		if listed && told.State == target.State && told.Digest == target.Digest && told != d.former(s, d.starts(n)) {
			return false
		}
	}
	return d.settled(n)
}

// given is what nodes of that OpenSearch are to have of a step in this phase.
func (d *decider) given(r *searchpack.Rollout, s searchpack.RolloutStep, openSearch string) searchpack.PluginOrder {
	if r.Phase == searchpack.PhaseReturnRestart {
		return d.former(s, openSearch)
	}
	return d.target(s, openSearch)
}

// pluginTrouble is what the agent says of the plugins of these steps.
func (n *node) pluginTrouble(steps []searchpack.RolloutStep) string {
	for _, s := range steps {
		if why := cmp.Or(n.plugins[s.PackageID].Error, n.plugins[s.PackageID].Waits); why != "" {
			return why
		}
	}
	return n.trouble()
}

// health has the cluster's health and settings read before the first restart, and again after the
// settings were put back.
func (d *decider) health(r *searchpack.Rollout) (bool, string) {
	if r.Baseline != nil && d.Domain.Saved != nil {
		return true, ""
	}
	id := d.dutyID(r, searchpack.DutyHealth, 0)
	res, by := d.result(id)
	switch {
	case res.Done && res.Health != nil:
		if r.Baseline == nil {
			r.Baseline = res.Health
		}
		if d.Domain.Saved == nil {
			d.Domain.Saved = &searchpack.SavedAllocation{ID: id, Former: res.Health.Allocation}
		}
		return true, ""
	case by != nil && res.Error != "":
		return false, fmt.Sprintf("waiting for the cluster's health (%s says: %s)", by.called(), quote(res.Error))
	}
	return false, "waiting for the cluster's health"
}

// stages is what is done in each stage of a node's restart.
var stages = map[searchpack.RestartStage]func(*decider, *searchpack.Rollout, *node) bool{
	searchpack.StageHold:    (*decider).hold,
	searchpack.StageOffer:   (*decider).offer,
	searchpack.StageRecover: (*decider).recover,
}

// hold waits until no copies are moved off a node that stops.
func (d *decider) hold(r *searchpack.Rollout, n *node) bool {
	if n == nil || n.standing != MustProve {
		return d.nextNode(r)
	}
	if ok, why := d.done(d.holdDuty(r), "the allocation of copies to be held before "+n.called()+" stops"); !ok {
		return d.wait(r, why)
	}
	r.Restart = &searchpack.Restart{AgentID: n.ID, Stage: searchpack.StageOffer, OfferID: fmt.Sprintf("%s/%d", r.ID, r.Round)}
	r.PhaseAt = d.Now
	return true
}

// offer waits until the node has stopped and come back by its permit.
func (d *decider) offer(r *searchpack.Rollout, n *node) bool {
	p := d.permit(r.Restart.OfferID)
	switch {
	case n == nil: // retired: the next permit waits until this one cannot stop the node any more
		return d.nextNode(r)
	case p == nil && n.standing != MustProve: // it cannot have stopped, and cannot now: the offer goes
		return d.nextNode(r)
	case p == nil && d.hasAll(r, n):
		return d.stage(r, searchpack.StageRecover)
	case p == nil && d.Now.Sub(r.PhaseAt) >= OfferPatience && !d.off.offers:
		// Copies that it waits for cannot come back while their allocation is held.
		return d.stage(r, searchpack.StageRecover)
	case p == nil:
		d.lookAgainAt(r.PhaseAt.Add(OfferPatience))
		return d.wait(r, "waiting for "+n.called()+" to stop"+d.says(n, r))
	case p.EndedAt.IsZero():
		return d.wait(r, d.awayText(n, p))
	case p.Failed != "":
		return d.cameBackWithout(r, n, p.Failed)
	case d.startedWithout(r, n, p) != "":
		return d.cameBackWithout(r, n, d.startedWithout(r, n, p))
	case !d.hasAll(r, n) && n.facts() != nil && d.settled(n) && n.ReportedAt.After(p.EndedAt):
		return d.stage(r, searchpack.StageRecover) // it was not stopped after all: its turn comes again
	case !d.hasAll(r, n):
		return d.wait(r, "waiting for "+n.called()+" to show its plugins"+d.says(n, r))
	}
	return d.stage(r, searchpack.StageRecover)
}

// startedWithout says why a node that was started with what was ordered still does not show it; "" if
// it was not, or shows it. Restarting it once more would change nothing.
func (d *decider) startedWithout(r *searchpack.Rollout, n *node, p *searchpack.Permit) string {
	if n.facts() == nil || !d.settled(n) || !n.ReportedAt.After(p.EndedAt) {
		return ""
	}
	for _, s := range d.plugins(r) {
		want, rep := d.given(r, s, d.runs(n)), n.plugins[s.PackageID]
		switch {
		case d.hasPlugin(n, want) || want.State != searchpack.PluginInstalled || rep.Installed != want.Digest || !rep.Started:
		case rep.Error != "":
			return rep.Error
		default:
			return fmt.Sprintf("it runs, but its own list of plugins does not have %s as it was inspected", want.Name)
		}
	}
	return ""
}

// notStarted is a node that somebody else has restarted, and that did not start with its plugins.
func (d *decider) notStarted(r *searchpack.Rollout, late []*node) (*node, string) {
	for _, n := range late {
		for _, s := range d.plugins(r) {
			if p := n.plugins[s.PackageID]; p.Failed != "" && p.Failed == d.given(r, s, d.starts(n)).Digest {
				return n, p.FailedWhy
			}
		}
	}
	return nil, ""
}

func (d *decider) says(n *node, r *searchpack.Rollout) string {
	if why := n.pluginTrouble(d.plugins(r)); why != "" {
		return " (it says: " + quote(why) + ")"
	}
	return ""
}

func (d *decider) awayText(n *node, p *searchpack.Permit) string {
	text := "waiting for " + n.called() + " to come back with its plugins"
	if since := d.Now.Sub(p.BegunAt); since >= BackPatience {
		text += fmt.Sprintf(": it was stopped %d min ago. See its log and start it, or abort the rollout, or retire the node", int(since.Minutes()))
	} else {
		d.lookAgainAt(p.BegunAt.Add(BackPatience))
	}
	return text
}

// cameBackWithout: the node did not start with what it was given, and runs with what it had.
func (d *decider) cameBackWithout(r *searchpack.Rollout, n *node, why string) bool {
	reason := fmt.Sprintf("%s did not start with %s: %s", n.called(), d.stepsText(r), quoteLog(why))
	if r.Phase == searchpack.PhaseReturnRestart {
		r.Restart = nil
		return d.fail(r, r.ErrorType, r.Reason+fmt.Sprintf(" %s could not be given its former plugins back: %s", n.called(), quoteLog(why)))
	}
	own := r.Restart != nil
	moved := d.undo(r, restartFailed, reason)
	if own {
		r.Restart = &searchpack.Restart{AgentID: n.ID, Stage: searchpack.StageRecover}
	}
	return moved
}

// recover waits until the cluster is as well as before.
func (d *decider) recover(r *searchpack.Rollout, n *node) bool {
	for _, duty := range d.recoverDuties(r) {
		if ok, why := d.done(duty, "the copies of "+d.agentText(r.Restart.AgentID)+" to be as they were"); !ok {
			lost := d.lost(r, duty)
			if lost != "" && r.Phase == searchpack.PhaseRestart {
				return d.cannotDoWithout(r, n, lost)
			}
			if r.Phase == searchpack.PhaseReturnRestart && (lost != "" || d.Now.Sub(r.PhaseAt) >= ReturnPatience) {
				break // others queue behind it, and what is still lost may be lost for another reason
			}
			return d.wait(r, why)
		}
	}
	return d.nextNode(r)
}

// lost are copies that do not come back after a restart, although nothing moves and OpenSearch was told
// to try them again; "" if there are none, or not for long.
func (d *decider) lost(r *searchpack.Rollout, settle searchpack.Duty) string {
	over := r.PhaseAt.Add(SettlePatience)
	if settle.Kind != searchpack.DutySettle || d.off.lost {
		return ""
	}
	if d.Now.Before(over) {
		d.lookAgainAt(over)
		return ""
	}
	for _, n := range d.nodes { // the speaker, which has not done it yet
		if h := n.duties[settle.ID].Health; n.fresh && h != nil {
			if h.Moving > 0 {
				return ""
			}
			return h.Worse(settle.Baseline)
		}
	}
	return ""
}

// cannotDoWithout ends what a restart has begun: indices need a plugin that goes, or do not build with the
// one that came.
func (d *decider) cannotDoWithout(r *searchpack.Rollout, n *node, lost string) bool {
	name := d.agentText(r.Restart.AgentID)
	if n != nil {
		name = n.called()
	}
	if actionOf(r) == searchpack.ActionDissociate {
		return d.undo(r, "InUse", fmt.Sprintf("%s is in use: after %s was started without it, %s. Delete the indices that need it, then dissociate again.", d.stepsText(r), name, lost))
	}
	return d.undo(r, restartFailed, fmt.Sprintf("After %s was started with %s, %s.", name, d.stepsText(r), lost))
}

func (d *decider) stage(r *searchpack.Rollout, s searchpack.RestartStage) bool {
	at := *r.Restart
	at.Stage, at.OfferID = s, ""
	r.Restart, r.Waiting, r.PhaseAt = &at, "", d.Now
	return true
}

func (d *decider) nextNode(r *searchpack.Rollout) bool {
	r.Restart = nil
	r.Round++
	r.Waiting = ""
	return true
}

func (d *decider) hasAll(r *searchpack.Rollout, n *node) bool {
	return !slices.ContainsFunc(d.plugins(r), func(s searchpack.RolloutStep) bool { return !d.hasPlugin(n, d.given(r, s, d.runs(n))) })
}

// done waits for a duty.
func (d *decider) done(duty searchpack.Duty, what string) (bool, string) {
	res, by := d.result(duty.ID)
	switch {
	case res.Done:
		return true, ""
	case by != nil:
		return false, fmt.Sprintf("waiting for %s (%s says: %s)", what, by.called(), quote(res.Error))
	}
	return false, "waiting for " + what
}

var (
	primaries = "primaries"
	all       = "all"
)

func (d *decider) holdDuty(r *searchpack.Rollout) searchpack.Duty {
	return searchpack.Duty{
		ID: d.dutyID(r, searchpack.DutyAllocation, 0), Kind: searchpack.DutyAllocation,
		Allocation: &searchpack.Allocation{Persistent: &primaries}, Flush: true,
	}
}

func (d *decider) recoverDuties(r *searchpack.Rollout) []searchpack.Duty {
	return []searchpack.Duty{
		{ID: d.dutyID(r, searchpack.DutyAllocation, 1), Kind: searchpack.DutyAllocation, Allocation: &searchpack.Allocation{Persistent: &all}},
		{ID: d.dutyID(r, searchpack.DutySettle, 0), Kind: searchpack.DutySettle, Baseline: baseline(r)},
	}
}

// restartDuties is what the speaker is to do while nodes are restarted.
func (d *decider) restartDuties(r *searchpack.Rollout) []searchpack.Duty {
	switch {
	case r.Restart == nil && (r.Baseline == nil || d.Domain.Saved == nil) && d.nextRestart(r, d.late(r)) != nil:
		return []searchpack.Duty{{ID: d.dutyID(r, searchpack.DutyHealth, 0), Kind: searchpack.DutyHealth}}
	case r.Restart == nil:
		return nil
	case r.Restart.Stage == searchpack.StageHold:
		return []searchpack.Duty{d.holdDuty(r)}
	case r.Restart.Stage == searchpack.StageRecover:
		return d.recoverDuties(r)
	}
	return nil
}

// held: a rollout has the cluster's settings as it needs them.
func (d *decider) held() bool {
	r := d.running()
	return r != nil && restarts(r.Phase) && r.Restart != nil
}

// putBack restores the cluster's settings that a rollout has changed, whatever became of it: one duty,
// once no agent can still carry out a change from before.
func (d *decider) putBack() []searchpack.Duty {
	s := d.Domain.Saved
	if s == nil || d.held() || d.off.putBack || d.aboutToHold() {
		return nil
	}
	for _, p := range d.Permits { // its rollout was aborted, and the node may stop all the same
		if last := lastStop(p); p.EndedAt.IsZero() && d.byID[p.AgentID] != nil && d.Now.Before(last) {
			d.lookAgainAt(last)
			return nil
		}
	}
	if s.ReleasedAt.IsZero() || setBack(d.Now, s.ReleasedAt) {
		released := *s
		released.ReleasedAt = d.Now
		s, d.Domain.Saved = &released, &released
	}
	id := "put-back/" + s.ID
	if res, _ := d.result(id); res.Done {
		d.Domain.Saved = nil
		return nil
	}
	former := s.Former
	duty := []searchpack.Duty{{ID: id, Kind: searchpack.DutyAllocation, Allocation: &former}}
	for _, n := range d.nodes {
		if n.orderedDuty(id).ID == id {
			return duty
		}
	}
	over := s.ReleasedAt.Add(searchpack.ConfirmWithin + searchpack.ConfirmSlack)
	for _, n := range d.nodes {
		if d.Now.Before(over) && (n.orderedDutyOf(searchpack.DutyAllocation) || !d.settled(n)) {
			d.lookAgainAt(over)
			return nil
		}
	}
	return duty
}

func (n *node) orderedDutyOf(kind searchpack.DutyKind) bool {
	return slices.ContainsFunc(n.Order.Duties, func(x searchpack.Duty) bool { return x.Kind == kind })
}

// aboutToHold: the settings were read for a restart that comes at once.
func (d *decider) aboutToHold() bool {
	r := d.running()
	return r != nil && restarts(r.Phase) && !d.paused(r) && d.nextRestart(r, d.late(r)) != nil
}

// offerFor is the offer to a node, if it is its turn.
func (d *decider) offerFor(n *node) *searchpack.RestartOffer {
	r := d.running()
	if r == nil || !restarts(r.Phase) || r.Restart == nil || r.Restart.AgentID != n.ID || r.Restart.Stage != searchpack.StageOffer || d.paused(r) {
		return nil
	}
	if p := d.permit(r.Restart.OfferID); p != nil && !p.EndedAt.IsZero() || p == nil && !d.prepared(r, n) {
		return nil
	}
	return &searchpack.RestartOffer{ID: r.Restart.OfferID}
}

// recovers: the copies of a node that was restarted come back now.
func (d *decider) recovers(r *searchpack.Rollout) bool {
	return restarts(r.Phase) && r.Restart != nil && r.Restart.Stage == searchpack.StageRecover
}

// letGo ends the turn of a node in a rollout that somebody holds, so that the cluster's settings are put
// back: at once if the node cannot have stopped or was retired, else when it and its copies are back.
func (d *decider) letGo(r *searchpack.Rollout) {
	if !restarts(r.Phase) || r.Restart == nil {
		return
	}
	if p := d.permit(r.Restart.OfferID); p != nil && p.EndedAt.IsZero() && d.byID[r.Restart.AgentID] != nil {
		return
	}
	if d.recovers(r) {
		for _, duty := range d.recoverDuties(r) {
			if ok, _ := d.done(duty, ""); !ok {
				return
			}
		}
	}
	d.nextNode(r)
}
