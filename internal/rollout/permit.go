package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// Begun is what comes of an agent's call for a permit, to be written in the transaction that read the
// world, also when it is refused.
type Begun struct {
	Permit *searchpack.Permit // to be written; nil = none
	// Revoked is a permit to be deleted: it was given to an earlier attempt, whose answer the agent has
	// never had, as it says by asking again. "" = none.
	Revoked string
	// Refused says why there is no permit now: the agent stops nothing, and asks again while it is
	// offered. "" = there is.
	Refused string
}

// Begin is the answer to an agent that asks for the permit that it was offered. It is the only leave to
// stop a node.
func Begin(w World, agentID string, ask searchpack.PermitAsk) Begun {
	return begin(w, agentID, ask, guards{})
}

func begin(w World, agentID string, ask searchpack.PermitAsk, off guards) Begun {
	i := slices.IndexFunc(w.Permits, func(p searchpack.Permit) bool { return p.AgentID == agentID && p.EndedAt.IsZero() })
	if i >= 0 {
		switch old := w.Permits[i]; {
		case old.Attempt.After(ask.Attempt):
			return Begun{Refused: "The node must not stop: this call is older than another of its agent."}
		case old.Attempt == ask.Attempt: // the same call once more
			return Begun{Permit: &old}
		}
	}
	p, why := given(w, agentID, ask, off)
	switch {
	case why != "" && i >= 0:
		return Begun{Revoked: w.Permits[i].ID, Refused: why}
	case why != "":
		return Begun{Refused: why}
	case i >= 0 && w.Permits[i].ID != p.ID:
		return Begun{Permit: &p, Revoked: w.Permits[i].ID}
	}
	return Begun{Permit: &p}
}

// given is a permit, or why there is none.
func given(w World, agentID string, ask searchpack.PermitAsk, off guards) (searchpack.Permit, string) {
	d := newDecider(w, off)
	d.takeStock()
	n, r := d.byID[agentID], d.running()
	not := func(format string, args ...any) (searchpack.Permit, string) {
		return searchpack.Permit{}, fmt.Sprintf("The node must not stop: "+format+".", args...)
	}
	if n == nil {
		return not("its agent was retired")
	}
	if n.conflict != "" {
		return not("%s", n.conflict)
	}
	if why := d.who.Frozen + d.who.Hold; why != "" {
		return not("%s", why)
	}
	if !offered(r, agentID, ask.OfferID) {
		return not("the offer was withdrawn")
	}
	if d.paused(r) {
		return not("the rollout is paused by %s", r.Paused)
	}
	if why := d.inTheWay(r, agentID, ask.OfferID); why != "" {
		return not("%s", why)
	}
	if n.NodeID == "" || ask.Health.ClusterUUID != n.ClusterUUID {
		return not("its health is of another cluster")
	}
	if !slices.Contains(ask.Health.Present, n.NodeID) { // its node is another than the one that is known
		return not("its health does not name it among the nodes of the cluster")
	}
	before := baseline(r)
	if r.Phase == searchpack.PhaseReturnRestart {
		// What is unassigned is what the way back is for. No more is lost: see Alone.
		before = ask.Health.Unassigned
	}
	if why := Gate(ask.Health, before, n.NodeID, d.restartAny()); why != "" && !off.gate {
		return not("%s", why)
	}
	return searchpack.Permit{
		ID: ask.OfferID, Domain: w.Domain.DomainKey, RolloutID: r.ID, AgentID: agentID, Attempt: ask.Attempt, BegunAt: w.Now,
	}, ""
}

// inTheWay says which permit, this one or another, is in the way of one for the offer.
func (d *decider) inTheWay(r *searchpack.Rollout, agentID, offerID string) string {
	for _, p := range d.Permits {
		if p.ID == offerID && !p.EndedAt.IsZero() {
			return "this permit has ended"
		}
		if d.off.oneStops || !p.EndedAt.IsZero() || p.AgentID == agentID {
			continue
		}
		if d.byID[p.AgentID] != nil && p.RolloutID == r.ID && r.Abort == "" {
			return d.agentText(p.AgentID) + " has not come back by its permit"
		}
		if d.Now.Before(lastStop(p)) {
			return fmt.Sprintf("the permit of %s has not ended; it counts until %s", d.agentText(p.AgentID), lastStop(p).Format(time.TimeOnly))
		}
	}
	return ""
}

// offered reports whether the offer is the one that the rollout makes to the agent now.
func offered(r *searchpack.Rollout, agentID, offerID string) bool {
	if r == nil || !restarts(r.Phase) || r.Restart == nil || r.Abort != "" && r.Phase == searchpack.PhaseRestart {
		return false
	}
	return *r.Restart == (searchpack.Restart{AgentID: agentID, Stage: searchpack.StageOffer, OfferID: offerID})
}

// lastStop is when nobody stops a node by this permit any more.
func lastStop(p searchpack.Permit) time.Time {
	return p.BegunAt.Add(searchpack.StopWithin + searchpack.StopSlack)
}

// End is the end of a permit as its agent tells it. ErrNotFound: it has no such permit. One that has
// ended stays as it ended.
func End(w World, agentID string, end searchpack.PermitEnd) (searchpack.Permit, error) {
	i := slices.IndexFunc(w.Permits, func(p searchpack.Permit) bool { return p.ID == end.PermitID && p.AgentID == agentID })
	if i < 0 {
		return searchpack.Permit{}, searchpack.Errorf(searchpack.ErrNotFound, "There is no permit %.100q of this agent.", end.PermitID)
	}
	p := w.Permits[i]
	if p.EndedAt.IsZero() {
		p.EndedAt, p.Failed = w.Now, end.Failed
	}
	return p, nil
}

// baseline is what was unassigned before the rollout.
func baseline(r *searchpack.Rollout) []string {
	if r.Baseline == nil {
		return nil
	}
	return r.Baseline.Unassigned
}

// permit of an offer; nil if it was not begun.
func (d *decider) permit(offerID string) *searchpack.Permit {
	for i := range d.Permits {
		if d.Permits[i].ID == offerID {
			return &d.Permits[i]
		}
	}
	return nil
}

func (d *decider) agentText(id string) string {
	if n := d.byID[id]; n != nil {
		return n.called()
	}
	return fmt.Sprintf("the retired agent %s", id)
}
