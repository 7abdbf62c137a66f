package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// takeIncidents keeps what the decision found and ends what it says is healed: each incident begins
// once, with the proof withdrawn, and ends with a proof of what serves, or when nothing serves.
func (v *simServer) takeIncidents(w World, d Decision) {
	for _, i := range d.Incidents {
		at := slices.IndexFunc(v.incidents, func(x searchpack.NodeIncident) bool { return x.AgentID == i.AgentID && x.ID == i.ID })
		key := proofKey{i.AgentID, i.PackageID}
		withdrawn := slices.ContainsFunc(d.Unproven, func(p searchpack.Proof) bool { return proofKey{p.AgentID, p.PackageID} == key })
		_, proven := v.proofs[key]
		proven = proven && !withdrawn || slices.ContainsFunc(d.Proofs, func(p searchpack.Proof) bool { return proofKey{p.AgentID, p.PackageID} == key })
		switch {
		case !i.Healed && (at >= 0 || !withdrawn && !proven):
			v.fail("%s turned back, which was so before: %+v", i.AgentID, i)
		case !i.Healed:
			v.incidents = append(v.incidents, i)
		case at < 0:
			v.fail("an incident is healed that was none: %+v", i)
		case !proven && v.associations[i.PackageID].ServingID != "" && !slices.Contains(d.Dissociated, i.PackageID):
			v.fail("an incident is healed without a proof: %+v", i)
		default:
			v.incidents = slices.Delete(v.incidents, at, at+1)
		}
	}
	if d.Watch != nil {
		v.watched = *d.Watch
	}
}
