package rollout

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// Decide returns what is to be written so that the domain comes one step nearer to what is wanted.
// It is deterministic, and it changes nothing when nothing was reported, asked or timed out since.
func Decide(w World) Decision { return decide(w, guards{}) }

// maxPasses bounds how often a decision is taken over again because its own orders changed what it
// rests on: a node that has just been told something else has not settled yet. Twice is enough
// unless a rule is wrong.
const maxPasses = 4

// decide is Decide as a list of steps.
func decide(w World, off guards) Decision {
	if !w.Domain.DeletedAt.IsZero() {
		return Decision{}
	}
	d := newDecider(w, off)
	d.takeStock()
	d.watch()
	d.takePreviews()
	for pass := 0; d.who.Frozen == ""; pass++ {
		if pass > 0 { // a node may have answered before what it has just been asked
			d.takeAnswers()
		}
		d.chooseSpeaker()
		d.advance()
		d.keepProofs()
		d.moveOn()
		if !d.writeOrders() {
			break
		}
		if pass == maxPasses {
			d.again = true
			break
		}
	}
	d.healIncidents()
	d.sayWhatIsWaitedFor()
	d.sayWhenToLookAgain()
	return d.decision()
}

// proofKey names a proof as the store does.
type proofKey struct{ agentID, packageID string }

// decider is a world being worked on. Rows are copies, changed freely; decision compares them with
// the world's at the end.
type decider struct {
	World
	off   guards
	nodes []*node // agents in service, by id
	byID  map[string]*node
	who   Membership
	// watched is Domain.Watch as it was.
	watched searchpack.DomainWatch

	speaker      *node // nil: nobody can speak for the domain
	associations map[string]*searchpack.Association
	rollouts     []*searchpack.Rollout
	proofs       map[proofKey]searchpack.Proof
	questions    map[string][]question         // by version id, made once
	sets         map[setKey][]searchpack.Probe // made once for all nodes
	seen         map[seenKey]seen
	checkHashes  map[string]string    // by version id, made once
	previews     []searchpack.Preview // that wait for an answer
	sorted       []string             // see ids
	free         bool                 // nobody needs the plugins that the running rollout takes away
	// Of plugins' lines, made once: see madeFor, fitting, lineOf, othersOf, lying, madeForSome.
	fits          map[[2]string]bool
	fitted        map[[2]string]searchpack.Version
	lines, beside map[string][]searchpack.Version
	lie           map[searchpack.Digest]bool
	engines       map[string]bool

	saved   *searchpack.SavedAllocation // of the domain, as it was
	permits []searchpack.Permit         // as they were
	orders  map[string]searchpack.Order
	events  []searchpack.Event
	// incidents found now, and those that are healed now.
	incidents []searchpack.NodeIncident
	// shown and forgotten are previews for which nothing is left to be asked.
	shown     []searchpack.Preview
	forgotten []string
	again     bool // the bound on moves was reached: decide again at once
	next      time.Time
}

func newDecider(w World, off guards) *decider {
	d := &decider{
		World: w, off: off, nodes: nodesOf(w), watched: w.Domain.Watch, saved: w.Domain.Saved, permits: w.Permits,
		associations: map[string]*searchpack.Association{},
		proofs:       map[proofKey]searchpack.Proof{},
		questions:    map[string][]question{},
		sets:         map[setKey][]searchpack.Probe{},
		seen:         map[seenKey]seen{},
		checkHashes:  map[string]string{},
		orders:       map[string]searchpack.Order{},
		byID:         map[string]*node{},
		fits:         map[[2]string]bool{},
		fitted:       map[[2]string]searchpack.Version{},
		lines:        map[string][]searchpack.Version{}, beside: map[string][]searchpack.Version{},
	}
	for _, n := range d.nodes {
		d.byID[n.ID] = n
	}
	for _, a := range w.Associations {
		d.associations[a.PackageID] = &a
	}
	for _, r := range w.Rollouts {
		r.Steps = slices.Clone(r.Steps)
		for _, began := range []*time.Time{&r.StartedAt, &r.PhaseAt} {
			if setBack(d.Now, *began) {
				*began = d.Now
			}
		}
		d.rollouts = append(d.rollouts, &r)
	}
	d.Permits = slices.Clone(w.Permits)
	for i := range d.Permits {
		p := &d.Permits[i]
		switch {
		case p.EndedAt.IsZero() && setBack(d.Now, p.BegunAt): // else the next permit would wait for that moment
			p.BegunAt = d.Now
		case setBack(d.Now, p.EndedAt): // else no report would be from after it
			p.EndedAt = d.Now
		}
	}
	for _, p := range w.Proofs {
		d.proofs[proofKey{p.AgentID, p.PackageID}] = p
	}
	return d
}

// takeStock finds out who is who and who must prove, which depends on when the running rollout began.
func (d *decider) takeStock() {
	w := d.World
	w.Rollouts = make([]searchpack.Rollout, len(d.rollouts))
	for i, r := range d.rollouts {
		w.Rollouts[i] = *r
	}
	d.who = membersOf(w, d.nodes)
}

// must lists the nodes whose proof counts, by agent id.
func (d *decider) must() []*node {
	var out []*node
	for _, n := range d.nodes {
		if n.standing == MustProve {
			out = append(out, n)
		}
	}
	return out
}

// decision compares the rows with the world's.
func (d *decider) decision() Decision {
	out := Decision{Orders: d.orders, Events: d.events, Incidents: d.incidents, Next: d.next, Previews: d.shown, Forgotten: d.forgotten}
	if d.Domain.Watch != d.watched {
		out.Watch = &d.Domain.Watch
	}
	if !reflect.DeepEqual(d.Domain.Saved, d.saved) {
		out.Settings = &Settings{d.Domain.Saved}
	}
	for _, n := range d.nodes {
		if n.bound {
			out.Bound = append(out.Bound, n.Agent)
		}
	}
	for i, p := range d.Permits {
		if p != d.permits[i] {
			out.Permits = append(out.Permits, p)
		}
	}
	for i, r := range d.rollouts {
		if !reflect.DeepEqual(*r, d.World.Rollouts[i]) {
			out.Rollouts = append(out.Rollouts, *r)
		}
	}
	for _, old := range d.World.Associations {
		switch a := d.associations[old.PackageID]; {
		case a == nil:
			out.Dissociated = append(out.Dissociated, old.PackageID)
		case !reflect.DeepEqual(*a, old):
			out.Associations = append(out.Associations, *a)
		}
	}
	for _, id := range d.ids() { // that have moved on to another package
		if !slices.ContainsFunc(d.World.Associations, func(a searchpack.Association) bool { return a.PackageID == id }) {
			out.Associations = append(out.Associations, *d.associations[id])
		}
	}
	slices.Sort(out.Dissociated)
	slices.SortFunc(out.Associations, func(a, b searchpack.Association) int { return cmp.Compare(a.PackageID, b.PackageID) })
	d.proofChanges(&out)
	return out
}

func (d *decider) proofChanges(out *Decision) {
	old := map[proofKey]searchpack.Proof{}
	for _, p := range d.World.Proofs {
		k := proofKey{p.AgentID, p.PackageID}
		old[k] = p
		if _, kept := d.proofs[k]; !kept {
			out.Unproven = append(out.Unproven, p)
		}
	}
	for _, k := range sortedKeys(d.proofs) {
		if p := d.proofs[k]; old[k] != p {
			out.Proofs = append(out.Proofs, p)
		}
	}
	slices.SortFunc(out.Unproven, func(a, b searchpack.Proof) int {
		return compareKeys(proofKey{a.AgentID, a.PackageID}, proofKey{b.AgentID, b.PackageID})
	})
}

func sortedKeys(m map[proofKey]searchpack.Proof) []proofKey {
	return slices.SortedFunc(maps.Keys(m), compareKeys)
}

func compareKeys(a, b proofKey) int {
	return cmp.Or(cmp.Compare(a.packageID, b.packageID), cmp.Compare(a.agentID, b.agentID))
}

// event notes something for the audit log.
func (d *decider) event(action, subject, detail string) {
	d.events = append(d.events, searchpack.Event{
		At: d.Now, Actor: "searchpack", Action: action, Subject: subject, Detail: detail,
	})
}
