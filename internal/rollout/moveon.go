package rollout

import (
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// moveOn makes the versions that run the serving ones where the engine of all nodes is another by now. If
// they are of another package, the association becomes that one's, as at AWS the package id on a domain
// changes with an upgrade.
func (d *decider) moveOn() {
	if slices.ContainsFunc(d.rollouts, func(r *searchpack.Rollout) bool { return !r.State.Open() }) {
		d.takeStock() // who blocks depends on what runs, and one has ended just now
	}
	for _, id := range slices.Clone(d.ids()) {
		a := d.associations[id]
		if !d.isPlugin(id) || a.ServingID == "" || d.inRollout(id) || d.off.moveOn {
			continue
		}
		if to, moved := d.runsInstead(a); moved {
			d.follow(a, to)
		}
	}
}

// inRollout: an open rollout has a step for the package.
func (d *decider) inRollout(id string) bool {
	return slices.ContainsFunc(d.rollouts, func(r *searchpack.Rollout) bool { return r.State.Open() && hasStep(*r, id) })
}

// runsInstead is the version with which every member runs, if that is another than serves because that one
// is made for none of them.
func (d *decider) runsInstead(a *searchpack.Association) (searchpack.Version, bool) {
	serving, known := d.Versions[a.ServingID]
	nodes := d.must()
	if !known || len(nodes) == 0 || d.who.Hold != "" ||
		slices.ContainsFunc(d.who.Nodes, func(s NodeStanding) bool { return s.Standing == Blocks }) {
		return searchpack.Version{}, false
	}
	to := d.fitting(serving, d.runs(nodes[0]))
	for _, n := range nodes {
		if d.madeFor(serving, d.runs(n)) || d.fitting(serving, d.runs(n)).ID != to.ID || !d.proves(n, a) {
			return to, false
		}
	}
	taken := d.associations[to.PackageID]
	return to, to.ID != serving.ID && (taken == nil || taken == a)
}

// follow has the version serve that runs everywhere.
func (d *decider) follow(a *searchpack.Association, to searchpack.Version) {
	from, former := a.PackageID, d.Versions[a.ServingID]
	next := *a
	next.PackageID, next.ServingID, next.UpdatedAt = to.PackageID, to.ID, d.Now
	elsewhere := d.Versions[a.WantedID].PackageID != to.PackageID // what was called for is no version of this package
	if a.Status == searchpack.Active || a.WantedID == to.ID || elsewhere {
		next.WantedID = to.ID
		if a.Status == searchpack.AssociationFailed { // what was called for runs now, or is another package's
			next.Status, next.Error = searchpack.Active, nil
		}
	}
	d.event("plugin follows the engine", d.Domain.Name+" "+to.PackageID,
		fmt.Sprintf("v%d of %s, made for OpenSearch %s, runs on every node and serves now, instead of v%d of package %s for %s",
			to.Number, d.packageText(to.PackageID), d.madeForText(to), former.Number, from, d.madeForText(former)))
	*a = next
	d.forgetLines()
	if from == to.PackageID {
		return
	}
	delete(d.associations, from)
	d.associations[to.PackageID] = a
	d.sorted = nil
	for _, n := range d.nodes {
		old := proofKey{n.ID, from}
		if p, proven := d.proofs[old]; proven {
			delete(d.proofs, old)
			p.PackageID = to.PackageID
			d.proofs[proofKey{n.ID, to.PackageID}] = p
		}
	}
	for _, other := range d.associations {
		if i := slices.Index(other.Prerequisites, from); i >= 0 {
			other.Prerequisites = slices.Clone(other.Prerequisites)
			other.Prerequisites[i] = to.PackageID
		}
	}
}
