package catalog

import (
	"context"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// AssociatePackage pins the newest available version for the domain and queues its rollout. The
// answer shows ASSOCIATING, and so does every list from now on. ErrNotFound (package, domain),
// ErrInvalid (not available, quota), ErrConflict (as wanted already, or busy).
func (c *Catalog) AssociatePackage(ctx context.Context, who searchpack.Caller, domain string, in AssociateInput) (*AssociationView, error) {
	return c.change(ctx, who, "AssociatePackage", in.PackageID, domain, func(ctx context.Context, tx searchpack.Tx, call rollout.Call) (rollout.Change, error) {
		if call.Association == nil {
			if err := c.checkRoomInDomain(ctx, tx, call.Domain); err != nil {
				return rollout.Change{}, err
			}
		}
		return rollout.Associate(call)
	})
}

// DissociatePackage queues the removal. Whether something uses the package is found out by the
// rollout, which then ends in DISSOCIATION_FAILED. ErrInvalid: it is not associated.
func (c *Catalog) DissociatePackage(ctx context.Context, who searchpack.Caller, domain, id string) (*AssociationView, error) {
	return c.change(ctx, who, "DissociatePackage", id, domain, func(_ context.Context, _ searchpack.Tx, call rollout.Call) (rollout.Change, error) {
		return rollout.Dissociate(call)
	})
}

// AssociatePackages is AssociatePackage for several packages.
func (c *Catalog) AssociatePackages(ctx context.Context, who searchpack.Caller, domain string, in []AssociateInput) ([]*AssociationView, error) {
	out := []*AssociationView{}
	for _, each := range in {
		v, err := c.AssociatePackage(ctx, who, domain, each)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// DissociatePackages is DissociatePackage for several packages.
func (c *Catalog) DissociatePackages(ctx context.Context, who searchpack.Caller, domain string, ids []string) ([]*AssociationView, error) {
	out := []*AssociationView{}
	for _, id := range ids {
		v, err := c.DissociatePackage(ctx, who, domain, id)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// checkRoomInDomain enforces the quota. AssociatePackage declares no LimitExceededException.
func (c *Catalog) checkRoomInDomain(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey) error {
	limit := c.limits.PackagesPerDomain
	if limit == 0 {
		return nil
	}
	have, err := tx.Associations(ctx, key)
	if err != nil {
		return err
	}
	if len(have) >= limit {
		return searchpack.Errorf(searchpack.ErrInvalid, "Domain %s has the limit of %d packages. Dissociate one that no index uses.", key.Name, limit)
	}
	return nil
}

// change carries out a call of the association table: reads what it needs, asks the rules, writes.
func (c *Catalog) change(ctx context.Context, who searchpack.Caller, action, id, domain string, rules func(context.Context, searchpack.Tx, rollout.Call) (rollout.Change, error)) (*AssociationView, error) {
	var view *AssociationView
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		call, err := c.call(ctx, tx, who, id, domain)
		if err != nil {
			return err
		}
		ch, err := rules(ctx, tx, call)
		if err != nil {
			return err
		}
		if err := putChange(ctx, tx, call, ch); err != nil {
			return err
		}
		if err := c.audit(ctx, tx, who, action, id+" "+domain, ""); err != nil {
			return err
		}
		view, err = viewOf(ctx, tx, &ch.Association)
		return err
	})
	return view, err
}

// call reads what the rules look at.
func (c *Catalog) call(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, id, domain string) (rollout.Call, error) {
	p, err := packageOf(ctx, tx, who, id)
	if err != nil {
		return rollout.Call{}, err
	}
	d, err := domainOf(ctx, tx, who, domain)
	if err != nil {
		return rollout.Call{}, err
	}
	call := rollout.Call{Domain: d.DomainKey, Package: *p, RolloutID: newID(), Now: c.clock()}
	call.Association, err = tx.Association(ctx, d.DomainKey, id)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		call.Association, err = nil, nil
	}
	if err != nil {
		return call, err
	}
	open, err := tx.OpenRollouts(ctx, d.DomainKey)
	for _, r := range open {
		call.Open = append(call.Open, *r)
	}
	return call, err
}

// putChange writes what the rules decided, and asks for a reconcile.
func putChange(ctx context.Context, tx searchpack.Tx, call rollout.Call, ch rollout.Change) error {
	if err := tx.PutAssociation(ctx, &ch.Association); err != nil {
		return err
	}
	for i := range ch.Replaced {
		if err := tx.PutRollout(ctx, &ch.Replaced[i]); err != nil {
			return err
		}
	}
	if err := tx.PutRollout(ctx, &ch.Rollout); err != nil {
		return err
	}
	return tx.Enqueue(ctx, searchpack.WorkReconcile, call.Domain.String(), call.Now)
}
