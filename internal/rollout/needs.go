package rollout

import (
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// asksNeeds: it is to be found out who needs the plugins that the rollout takes away: before anything
// changes, and anew while no node has been stopped for it.
func (d *decider) asksNeeds(r *searchpack.Rollout) bool {
	if r == nil || len(r.Steps) == 0 || actionOf(r) != searchpack.ActionDissociate || d.Domain.FilesOnly || d.off.needs {
		return false
	}
	return r.Phase == searchpack.PhaseLook || r.Phase == searchpack.PhaseRestart && r.FirstNode == ""
}

// needsDuties are the questions to one node: every node that may have a plugin is asked whether its own
// configuration needs it, one of them who else in the cluster does.
func (d *decider) needsDuties(n *node) []searchpack.Duty {
	r := d.running()
	if n.standing != MustProve || !d.asksNeeds(r) || d.paused(r) {
		return nil
	}
	var out []searchpack.Duty
	for i, s := range d.going(r) {
		if !d.mayHave(n, s) {
			continue
		}
		out = append(out, d.needsDuty(r, i, s, false))
		if n == d.knower(s) {
			out = append(out, d.needsDuty(r, i, s, true))
		}
	}
	return out
}

// going are the plugins that a dissociation takes away. Of a license or configuration there is nobody to ask:
// indices need what the plugin supplies, and the call has looked whether that goes without them.
func (d *decider) going(r *searchpack.Rollout) []searchpack.RolloutStep {
	return slices.DeleteFunc(d.plugins(r), func(s searchpack.RolloutStep) bool { return d.part(s.PackageID) != searchpack.PartPlugin })
}

func (d *decider) needsDuty(r *searchpack.Rollout, i int, s searchpack.RolloutStep, cluster bool) searchpack.Duty {
	q := &searchpack.NeedsTask{Plugin: d.pluginName(s.PackageID, s.FormerID), Cluster: cluster}
	for _, x := range d.going(r) {
		q.Going = append(q.Going, d.pluginName(x.PackageID, x.FormerID))
	}
	id := d.dutyID(r, searchpack.DutyNeeds, i)
	if cluster {
		id += "-cluster"
	}
	return searchpack.Duty{ID: id, Kind: searchpack.DutyNeeds, Needs: q}
}

// mayHave: where a version serves every node is asked, whatever it has said so far: an agent that has
// just started has not looked yet.
func (d *decider) mayHave(n *node, s searchpack.RolloutStep) bool {
	return s.FormerID != "" || n.plugins[s.PackageID].Installed != ""
}

// knower is the node that is asked about the cluster: one that has the plugin's files, since the others
// cannot tell what it supplies, the speaker first; nil if none can be asked.
func (d *decider) knower(s searchpack.RolloutStep) *node {
	has := func(n *node) bool { return n != nil && canSpeak(n) && n.plugins[s.PackageID].Installed != "" }
	if has(d.speaker) {
		return d.speaker
	}
	if i := slices.IndexFunc(d.nodes, has); i >= 0 {
		return d.nodes[i]
	}
	return d.speaker
}

// unneeded reports whether it is known that nobody needs the plugins of a dissociation. If not, moved is
// what follows: a refusal, or a wait.
func (d *decider) unneeded(r *searchpack.Rollout, refuse func(r *searchpack.Rollout, errorType, reason string) bool) (ok, moved bool) {
	if !d.asksNeeds(r) {
		return true, false
	}
	var doubts []string
	for i, s := range d.going(r) {
		users, inDoubt := d.neededBy(r, i, s)
		if len(users) > 0 {
			return false, refuse(r, "InUse", fmt.Sprintf(
				"Package %s is in use by %s. Delete what uses the plugin or take it out there, then dissociate again.", d.packageText(s.PackageID), list(users)))
		}
		doubts = append(doubts, inDoubt...)
	}
	for i, s := range d.going(r) {
		if known, moved := d.needsKnown(r, i, s); !known {
			return false, moved
		}
	}
	if len(doubts) > 0 && r.Phase == searchpack.PhaseLook {
		d.event("plugin removal in doubt", d.subject(r), "Not seen as in use, but perhaps it is: "+list(doubts)+".")
	}
	return true, false
}

// needsKnown reports whether every answer about a step is there. If not, the rollout waits for it; moved is
// never true then.
func (d *decider) needsKnown(r *searchpack.Rollout, i int, s searchpack.RolloutStep) (known, moved bool) {
	name := d.packageText(s.PackageID)
	id := d.needsDuty(r, i, s, false).ID
	ok := d.everyone(r, "to say whether its configuration needs "+name, func(n *node) (bool, string) {
		return !d.mayHave(n, s) || n.needs(id, s) != nil, n.duties[id].Error
	})
	n := d.knower(s)
	switch {
	case !ok:
		return false, false
	case !slices.ContainsFunc(d.must(), func(n *node) bool { return d.mayHave(n, s) }):
		return true, false // it came to no node
	case n == nil:
		return false, d.wait(r, d.askText())
	}
	id = d.needsDuty(r, i, s, true).ID
	rep := n.needs(id, s)
	switch {
	case rep == nil && n.duties[id].Error != "":
		return false, d.wait(r, fmt.Sprintf("waiting for %s to say who needs %s (it says: %s)", n.called(), name, quote(n.duties[id].Error)))
	case rep == nil:
		return false, d.wait(r, fmt.Sprintf("waiting for %s to say who needs %s", n.called(), name))
	case rep.Term != 0 && rep.Term < d.who.Term: // by a manager that is not elected any more
		d.askAgain(r)
		return false, d.wait(r, fmt.Sprintf("waiting for %s to say who needs %s", n.called(), name))
	}
	return true, false
}

// needs is the node's answer; nil if there is none, or one that contradicts what it says of its disk.
func (n *node) needs(id string, s searchpack.RolloutStep) *searchpack.NeedsReport {
	res := n.duties[id]
	if !res.Done || res.Needs == nil || res.Needs.Absent && n.plugins[s.PackageID].Installed != "" {
		return nil
	}
	return res.Needs
}

// neededBy names who needs a plugin, and who perhaps does, as far as the answers to this round say.
func (d *decider) neededBy(r *searchpack.Rollout, i int, s searchpack.RolloutStep) (users, doubts []string) {
	config, cluster := d.needsDuty(r, i, s, false).ID, d.needsDuty(r, i, s, true).ID
	for _, n := range d.must() {
		for _, id := range []string{cluster, config} {
			rep := n.needs(id, s)
			if rep == nil {
				continue
			}
			at := ""
			if id == config {
				at = n.called() + ": "
			}
			users = append(users, needTexts(at, rep.Needs, rep.MoreNeeds)...)
			doubts = append(doubts, needTexts(at, rep.Doubts, rep.MoreDoubts)...)
			if rep.Truncated {
				users = append(users, "more indices and templates than can be looked at")
			}
		}
	}
	return users, doubts
}

// needTexts writes "index shop (token filter tag)". The words come from a node, so they are bounded.
func needTexts(at string, needs []searchpack.Need, more int) []string {
	var out []string
	for _, x := range needs {
		text := fmt.Sprintf("%s%s (%s %s", at, quote(x.User), quote(x.Kind), quote(x.Name))
		if x.Other != "" {
			text += ", which plugin " + quote(x.Other) + " may supply too"
		}
		out = append(out, text+")")
	}
	if more > 0 {
		out = append(out, count(more, "more use", "more uses"))
	}
	return out
}
