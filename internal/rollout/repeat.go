package rollout

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	// WitnessEvery is how often a node that has proven a version shows again that it has it loaded. A
	// copy that comes from elsewhere, or was restored, can bring an older state along.
	WitnessEvery = 30 * time.Minute
	// witnessTick: nodes take turns within WitnessEvery, all whose turn it is in one tick together, so
	// that of thousands of nodes some dozens are asked at a time, and one decision serves them all.
	witnessTick = time.Minute
	// maxRepeated bounds the analyzers of one package that a turn asks about: each takes a node up to
	// maxTexts calls. The next turn goes on with the others.
	maxRepeated = 100
	// maxServingWitnesses bounds the duties of one order about what serves: agents take 100 in all.
	maxServingWitnesses = 50
)

// turn is the turn that the node has now: its number, and when it began.
func (d *decider) turn(n *node) (number int64, began time.Time) {
	const ticks, tick = int64(WitnessEvery / witnessTick), int64(witnessTick / time.Second)
	h := fnv.New32a()
	h.Write([]byte(n.ID))
	share := int64(h.Sum32()) % ticks
	number = (d.Now.Unix()/tick + share) / ticks
	return number, time.Unix((number*ticks-share)*tick, 0)
}

// repeated is what a node is to show again that has proven the version: nothing in the turn in which
// it did. Of a node that is away nothing new is asked.
func (d *decider) repeated(n *node, a *searchpack.Association, v searchpack.Version) seen {
	if d.off.turned || !d.witnessLevel() {
		return seen{}
	}
	id := "again/" + v.ID + "/"
	if n.standing != MustProve {
		return seen{duty: n.orderedDuty(id)}
	}
	number, began := d.turn(n)
	s := d.asks(fmt.Sprintf("%s%d", id, number), v, searchpack.Version{}, a.Texts, number)
	if len(s.duty.Witnesses) == 0 {
		return seen{}
	}
	d.lookAgainAt(began.Add(WitnessEvery))
	if !d.proofs[proofKey{n.ID, a.PackageID}].At.Before(began) {
		return seen{}
	}
	return s
}

// turnedBack withdraws the proof of a node that shows something else than what serves: it owes it
// again. The association stays as it is.
func (d *decider) turnedBack(n *node, a *searchpack.Association, v searchpack.Version) {
	shown := d.repeated(n, a, v)
	if len(shown.duty.Witnesses) == 0 {
		return
	}
	open := d.otherwise(n, shown)
	if len(open) == 0 {
		return
	}
	delete(d.proofs, proofKey{n.ID, a.PackageID})
	f := open[0]
	text := fmt.Sprintf("%s does not have v%d of %s loaded any more: index %s, analyzer %s answers otherwise to the text %q",
		n.called(), v.Number, d.packageText(a.PackageID), quote(f.Index), quote(f.Analyzer), quote(f.Text))
	if more := len(open) - 1; more > 0 {
		text += ", and " + count(more, "more", "more")
	}
	d.event("node turned back", d.Domain.Name+" "+a.PackageID, text+". The index is reloaded, and the node proves it anew")
	d.incidents = append(d.incidents, searchpack.NodeIncident{
		Domain: d.Domain.DomainKey, AgentID: n.ID,
		Incident: searchpack.Incident{
			// One of a node and a package at a moment: after it the proof is gone, and without it none is found.
			ID: fmt.Sprintf("%s%s-%d", searchpack.TurnedBackID, a.PackageID, d.Now.UnixMicro()), Kind: searchpack.IncidentTurnedBack,
			PackageID: a.PackageID, Wanted: v.Digest, At: d.Now, Index: f.Index, Analyzer: f.Analyzer, Text: f.Text,
		},
	})
}

// healIncidents ends those of nodes that show again what serves, or that have nothing to show any more.
func (d *decider) healIncidents() {
	if d.off.heal {
		return
	}
	for _, i := range d.World.Incidents {
		n, a := d.byID[i.AgentID], d.associations[i.PackageID]
		switch {
		case n == nil: // retired: nobody knows
			continue
		case a == nil || a.ServingID == "":
		case !d.proves(n, a):
			continue
		default:
			d.event("node shows it again", d.Domain.Name+" "+i.PackageID, fmt.Sprintf("%s has %s loaded again, which it had turned back from at %s",
				n.called(), d.packageText(i.PackageID), i.At.UTC().Format(time.RFC3339)))
		}
		i.Healed, i.HealedAt = true, later(d.Now, i.At)
		d.incidents = append(d.incidents, i)
	}
}

// otherwise lists what the node was seen to have loaded that is not the version asked about. A node
// that gave no answer did not turn back.
func (d *decider) otherwise(n *node, s seen) []searchpack.WitnessFinding {
	_, open, _ := d.witnessed(n, s)
	return slices.DeleteFunc(open, func(f searchpack.WitnessFinding) bool {
		return f.State != searchpack.WitnessFormer && f.State != searchpack.WitnessOther
	})
}

// servingWitness is what a node is to show that owes the proof of a version that serves. While it
// shows something else it is asked again, ever more rarely; what was ordered says when it was asked.
func (d *decider) servingWitness(n *node, a *searchpack.Association, v searchpack.Version) seen {
	ask := func(minute int64, attempt int) seen {
		return d.asks(fmt.Sprintf("serving/%s/%d.%d", v.ID, minute, attempt), v, searchpack.Version{}, a.Texts, noTurn)
	}
	const tick = int64(witnessTick / time.Second)
	now := d.Now.Unix() / tick
	minute, attempt, asked := n.askedAt(v.ID)
	if !asked {
		return ask(now, 0)
	}
	s := ask(minute, attempt)
	if ok, _, _ := d.witnessed(n, s); ok || n.standing != MustProve || !n.duties[s.duty.ID].Done {
		return s
	}
	again := time.Unix(minute*tick, 0).Add(min(witnessTick<<min(attempt, 10), WitnessEvery))
	if d.Now.Before(again) {
		d.lookAgainAt(again)
		return s
	}
	return ask(now, attempt+1)
}

// askedAt reads out of the stored order when the node was asked what it has loaded of the version
// that serves, and for which time.
func (n *node) askedAt(versionID string) (minute int64, attempt int, asked bool) {
	prefix := "serving/" + versionID + "/"
	rest := strings.TrimPrefix(n.orderedDuty(prefix).ID, prefix)
	_, err := fmt.Sscanf(rest, "%d.%d-", &minute, &attempt)
	return minute, attempt, err == nil
}

// orderedDuty is the first duty of the stored order whose id begins so; the zero value if there is
// none.
func (n *node) orderedDuty(prefix string) searchpack.Duty {
	for _, x := range n.Order.Duties {
		if strings.HasPrefix(x.ID, prefix) {
			return x
		}
	}
	return searchpack.Duty{}
}

// mends are refreshes of indices in which a node that owes a proof was seen to have something else
// loaded than what serves. None while a rollout has changed files: a refresh reads whatever lies
// there.
func (d *decider) mends() []searchpack.Duty {
	if r := d.running(); r != nil && placed(r.Phase) || d.off.mend {
		return nil
	}
	var out []searchpack.Duty
	for _, id := range d.ids() {
		a := d.associations[id]
		v, ok := d.Versions[a.ServingID]
		if !ok {
			continue
		}
		names, last := map[string]bool{}, int64(0)
		for _, n := range d.nodes {
			if n.standing != MustProve || d.proves(n, a) || !d.shows(n, id, v.Digest) {
				continue
			}
			minute, _, _ := n.askedAt(v.ID)
			for _, f := range d.otherwise(n, seen{duty: n.orderedDuty("serving/" + v.ID + "/")}) {
				names[f.Index], last = true, max(last, minute)
			}
		}
		uses := slices.DeleteFunc(slices.Clone(d.uses(id)), func(u searchpack.Use) bool { return !names[u.Name] })
		out = append(out, d.refreshes(fmt.Sprintf("mend/%s/%d", v.ID, last), uses)...)
	}
	return out
}
