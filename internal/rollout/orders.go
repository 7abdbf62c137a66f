package rollout

import (
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
)

// writeOrders tells every node what it should be like, if that is not what it was told last, and
// reports whether any was told something. Nodes whose identity is in doubt keep what they were told.
func (d *decider) writeOrders() bool {
	duties, candidates, before, told := slices.Concat(d.duties(), d.mends(), d.putBack()), d.candidates(), d.before(), false
	for _, n := range d.nodes {
		if n.conflict != "" {
			continue
		}
		o := searchpack.Order{
			Schema: 1, Speaker: n == d.speaker,
			Files: d.files(n), Candidates: d.candidatesFor(n, candidates), Probes: d.probesFor(n), Before: d.beforeAt(n, before), Plugins: d.pluginOrders(n), Restart: d.offerFor(n),
		}
		o.Alternatives = d.alternatives(o.Plugins)
		if n == d.speaker {
			o.Duties = duties
			d.addPreviews(&o)
		}
		o.Duties = append(o.Duties[:len(o.Duties):len(o.Duties)], d.witnessDuties(n)...)
		o.Duties = append(o.Duties, d.verifyDuties(n)...)
		o.Duties = append(o.Duties, d.needsDuties(n)...)
		if slices.ContainsFunc(o.Files, func(f searchpack.FileOrder) bool { return f.Path != "" }) {
			o.Schema = searchpack.OrderSchemaPaths
		}
		if hasParts(o) {
			o.Schema = searchpack.OrderSchemaParts
		}
		seen := int64(0)
		if n.Report != nil {
			seen = n.Report.Generation
		}
		if sameContent(o, n.Order) && seen <= n.Order.Generation {
			continue
		}
		o.Generation = n.Order.Generation
		if _, again := d.orders[n.ID]; !again {
			// An agent that has seen a higher generation has it from a server whose data was
			// restored since: it would take no lower one.
			o.Generation = max(n.Order.Generation, seen) + 1
		}
		d.orders[n.ID], n.Order, told = o, o, true
	}
	return told
}

// sameContent compares orders but for schema and generation.
func sameContent(a, b searchpack.Order) bool {
	return a.Speaker == b.Speaker && slices.Equal(a.Files, b.Files) &&
		slices.Equal(a.Plugins, b.Plugins) && slices.Equal(a.Alternatives, b.Alternatives) && sameOffer(a.Restart, b.Restart) &&
		slices.Equal(a.Candidates, b.Candidates) && slices.Equal(a.Probes, b.Probes) &&
		slices.EqualFunc(a.Before, b.Before, func(x, y searchpack.Duty) bool { return x.ID == y.ID }) &&
		slices.EqualFunc(a.Duties, b.Duties, func(x, y searchpack.Duty) bool {
			return x.ID == y.ID && x.Kind == y.Kind && x.CachedResources == y.CachedResources && slices.Equal(x.Indices, y.Indices) // the id of a witness, a preview or checks says all of it
		})
}

func sameOffer(a, b *searchpack.RestartOffer) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// files of all packages that the node should have or has, by package id.
func (d *decider) files(n *node) []searchpack.FileOrder {
	ids := d.ids()
	for id := range n.files {
		if d.associations[id] == nil {
			ids = append(ids[:len(ids):len(ids)], id)
		}
	}
	if len(ids) > len(d.associations) {
		slices.Sort(ids)
	}
	var out []searchpack.FileOrder
	for _, id := range ids {
		if f, listed := d.fileFor(n, id); listed {
			out = append(out, f)
		}
	}
	return out
}

// candidates of the rollouts that have begun, on every node in service, until they end, so that nodes that
// join are soon ready. They are fetched while the speaker looks.
func (d *decider) candidates() []searchpack.Candidate {
	var out []searchpack.Candidate
	for _, r := range d.rollouts {
		if r.State.Begun() {
			out = append(out, d.candidatesOf(r)...)
		}
	}
	return out
}

func (d *decider) candidatesOf(r *searchpack.Rollout) []searchpack.Candidate {
	if len(r.Steps) == 0 || actionOf(r) != searchpack.ActionAssociate {
		return nil
	}
	var out []searchpack.Candidate
	for _, s := range r.Steps {
		v := d.Versions[s.VersionID]
		out = append(out, d.candidate(s))
		// What the former bytes make of a text is asked where a node does not show what is expected.
		if f := d.Versions[s.FormerID]; f.Digest != "" && f.Digest != v.Digest && len(d.stepWitness(r, s).duty.Witnesses) > 0 {
			out = append(out, searchpack.Candidate{PackageID: s.PackageID, Digest: f.Digest, Size: f.Size, Kind: f.Kind, Tree: f.Tree, Later: true})
		}
	}
	return out
}

// witnessDuties of a node: for the running rollout once its files lie everywhere; for what serves
// while the node owes the proof, and now and then when it has proven it.
func (d *decider) witnessDuties(n *node) []searchpack.Duty {
	var own, owed, again []searchpack.Duty
	for _, id := range d.inTurn(n) {
		a := d.associations[id]
		r, s := d.step(id)
		switch {
		case r != nil && proving(r.Phase) && s.Action == searchpack.ActionAssociate:
			own = appendDuty(own, d.stepWitness(r, s))
			continue
		case r != nil && placed(r.Phase), a.ServingID == "":
			continue
		}
		v, ok := d.Versions[a.ServingID]
		switch {
		case !ok || !d.shows(n, id, v.Digest):
		case d.proves(n, a):
			again = appendDuty(again, d.repeated(n, a, v))
		default:
			owed = appendDuty(owed, d.servingWitness(n, a, v))
		}
	}
	serving := append(owed, again...)
	return append(own, serving[:min(len(serving), maxServingWitnesses)]...)
}

func appendDuty(duties []searchpack.Duty, s seen) []searchpack.Duty {
	if len(s.duty.Witnesses) == 0 {
		return duties
	}
	return append(duties, s.duty)
}

// inTurn lists the packages associated; if they are more than a turn asks about, the node's turns
// begin with ever other ones.
func (d *decider) inTurn(n *node) []string {
	ids := d.ids()
	if len(ids) <= maxServingWitnesses {
		return ids
	}
	number, _ := d.turn(n)
	from := int(number * maxServingWitnesses % int64(len(ids)))
	return slices.Concat(ids[from:], ids[:from])
}

// ids of the packages associated, sorted. Rows only go while a decision is made.
func (d *decider) ids() []string {
	if len(d.sorted) != len(d.associations) {
		d.sorted = slices.Sorted(maps.Keys(d.associations))
	}
	return d.sorted
}

// probesFor the node: of the running rollout's files, and of serving files whose proof it owes.
func (d *decider) probesFor(n *node) []searchpack.Probe {
	var out []searchpack.Probe
	for _, id := range d.ids() {
		a := d.associations[id]
		r, s := d.step(id)
		switch {
		case r != nil && r.Phase == searchpack.PhaseProbe:
			if d.mayProbe(r, n, s) {
				out = append(out, d.candidateProbes(n, s)...)
			}
		case r != nil && placed(r.Phase):
			if f, listed := d.fileFor(n, id); listed && f.Digest == d.Versions[s.VersionID].Digest {
				if proving(r.Phase) {
					out = append(out, d.liveProbes(n, d.Versions[s.VersionID])...)
				}
			} else if s.Action == searchpack.ActionAssociate && placing(r.Phase) {
				out = append(out, d.candidateProbes(n, s)...)
			}
		case a.ServingID != "" && !d.proves(n, a):
			if v, ok := d.Versions[a.ServingID]; ok {
				out = append(out, d.liveProbes(n, v)...)
			}
		}
	}
	return out
}

// placing: new files go, or have gone, to nodes that have passed their probes.
func placing(p searchpack.Phase) bool {
	return p == searchpack.PhasePlace || p == searchpack.PhaseReload || proving(p)
}

// proving: nodes show what lies there and what they have loaded, and go on showing it while they run
// checks.
func proving(p searchpack.Phase) bool {
	return p == searchpack.PhaseProve || p == searchpack.PhaseVerify
}

// mayProbe: the first node, then, once it has passed, all. A node that was asked stays asked.
func (d *decider) mayProbe(r *searchpack.Rollout, n *node, s searchpack.RolloutStep) bool {
	if n.ID == r.FirstNode {
		return true
	}
	if first := d.byID[r.FirstNode]; first != nil && d.passed(first, d.candidateProbes(first, s)) {
		return true
	}
	return probes(n.Order, s.PackageID, searchpack.CandidatePath(d.Versions[s.VersionID].Digest))
}

// probes reports whether the order asks about the package's file at that path.
func probes(o searchpack.Order, packageID, path string) bool {
	return slices.ContainsFunc(o.Probes, func(p searchpack.Probe) bool {
		return p.PackageID == packageID && p.Path == path
	})
}
