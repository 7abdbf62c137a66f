package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// maxSharedWith is how many others a package is shared with, GLOBAL counted as one. Each change of the
// package writes all of them.
const maxSharedWith = 1000

// UpdatePackageScope changes who else sees a package, in its region, and may associate it; users are
// accounts and GLOBAL. Domains that have it keep it: an account that lost sight of a package goes on
// serving its version and may dissociate it, but associate it no more, not even for a newer version.
// ErrNotFound; ErrInvalid: it is only shared with the caller, or with too many; ErrDisabled: it was made without
// VendingEnabled.
func (c *Catalog) UpdatePackageScope(ctx context.Context, who searchpack.Caller, id string, op ScopeOperation, users []string) (*searchpack.Package, error) {
	var p *searchpack.Package
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		var err error
		if p, err = ownPackage(ctx, tx, who, id, "shared"); err != nil {
			return err
		}
		if p.Vending == nil || !*p.Vending {
			return searchpack.Errorf(searchpack.ErrDisabled, "Package %s cannot be shared: it was created without PackageVendingOptions VendingEnabled.", id)
		}
		before := *p
		p.SharedWith = scope(p.SharedWith, op, users)
		if n := len(p.SharedWith); n > maxSharedWith && op != ScopeRemove {
			return searchpack.Errorf(searchpack.ErrInvalid, "Package %s can be shared with at most %d users, with this call it would be %d. Remove some, or share it with %s.", id, maxSharedWith, n, searchpack.Global)
		}
		p.UpdatedAt = c.clock()
		if err := tx.PutPackage(ctx, p); err != nil {
			return err
		}
		// Domains may follow the package, or have a namesake: who sees it again gets what has come meanwhile.
		line, err := searchpack.Line(ctx, tx, p)
		if err != nil {
			return err
		}
		used, err := searchpack.AssociationsOfAll(ctx, tx, line)
		if err != nil {
			return err
		}
		used = slices.DeleteFunc(used, func(a *searchpack.Association) bool {
			return before.VisibleTo(a.Domain.Account) == p.VisibleTo(a.Domain.Account)
		})
		if err := searchpack.ReconcileAll(ctx, tx, used, c.clock()); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "UpdatePackageScope", id, string(op)+" "+strings.Join(users, ", "))
	})
	return p, err
}

// scope is the list after the operation: sorted, each user once.
func scope(have []string, op ScopeOperation, users []string) []string {
	switch op {
	case ScopeAdd:
		have = slices.Concat(have, users)
	case ScopeOverride:
		have = users
	case ScopeRemove:
		have = slices.DeleteFunc(slices.Clone(have), func(u string) bool { return slices.Contains(users, u) })
	}
	return slices.Compact(slices.Sorted(slices.Values(have)))
}
