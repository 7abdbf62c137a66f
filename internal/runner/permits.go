package runner

import (
	"context"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// Permits answers the calls by which agents begin and end permits, each in one transaction: what it
// finds decides, and what it writes wakes the domain's reconcile.
type Permits struct{ store searchpack.Store }

// NewPermits returns the answers on a store.
func NewPermits(store searchpack.Store) *Permits { return &Permits{store} }

// Begin is one compare-and-set. ErrConflict: the node must not stop, and why. ErrNotFound: the domain is
// gone. Times are by the database's clock, so that servers with other clocks agree.
func (p *Permits) Begin(ctx context.Context, a searchpack.Agent, ask searchpack.PermitAsk) (searchpack.PermitGrant, error) {
	var begun rollout.Begun
	err := p.in(ctx, a.Domain, func(tx searchpack.Tx, w rollout.World) error {
		begun = rollout.Begin(w, a.ID, ask)
		if begun.Revoked != "" {
			if err := tx.DeletePermit(ctx, begun.Revoked); err != nil {
				return err
			}
		}
		if begun.Permit == nil {
			return nil
		}
		return tx.PutPermit(ctx, begun.Permit)
	})
	switch {
	case err != nil:
		return searchpack.PermitGrant{}, err
	case begun.Permit == nil:
		return searchpack.PermitGrant{}, searchpack.Errorf(searchpack.ErrConflict, "%s", begun.Refused)
	}
	return searchpack.PermitGrant{PermitID: begun.Permit.ID, StopWithin: int(searchpack.StopWithin.Seconds())}, nil
}

// End notes that the node is back. ErrNotFound: the agent has no such permit, or not any more.
func (p *Permits) End(ctx context.Context, a searchpack.Agent, end searchpack.PermitEnd) error {
	return p.in(ctx, a.Domain, func(tx searchpack.Tx, w rollout.World) error {
		permit, err := rollout.End(w, a.ID, end)
		if err != nil {
			return err
		}
		return tx.PutPermit(ctx, &permit)
	})
}

// in runs f on the world of a domain and asks for a reconcile.
func (p *Permits) in(ctx context.Context, key searchpack.DomainKey, f func(searchpack.Tx, rollout.World) error) error {
	now, err := p.store.Now(ctx)
	if err != nil {
		return err
	}
	return p.store.Update(ctx, func(tx searchpack.Tx) error {
		w, err := load(ctx, tx, key, now)
		if err != nil {
			return err
		}
		if err := f(tx, w); err != nil {
			return err
		}
		return tx.Enqueue(ctx, searchpack.WorkReconcile, key.String(), now)
	})
}
