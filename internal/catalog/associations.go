package catalog

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
)

// viewOf adds what clients see beside an association.
func viewOf(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, a *searchpack.Association) (*AssociationView, error) {
	p, err := tx.Package(ctx, a.PackageID)
	if err != nil {
		return nil, err
	}
	v := &AssociationView{Association: *a, Package: *shown(p, who)}
	versions := map[string]*searchpack.Version{}
	if err := addVersions(ctx, tx, versions, a.ServingID, a.WantedID); err != nil {
		return nil, err
	}
	if s := versions[a.ServingID]; s != nil {
		v.ServingNumber = s.Number
	}
	if w := versions[a.WantedID]; w != nil {
		v.WantedNumber = w.Number
	}
	return v, nil
}

// views turns a page of associations into views.
func views(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, rows []*searchpack.Association, p Page, key func(*searchpack.Association) string) ([]*AssociationView, string, error) {
	rows, next := cut(rows, p, key)
	out := make([]*AssociationView, len(rows))
	for i, a := range rows {
		var err error
		if out[i], err = viewOf(ctx, tx, who, a); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}

// ListPackagesForDomain lists a domain's associations by package id. ErrNotFound: no such domain.
func (c *Catalog) ListPackagesForDomain(ctx context.Context, who searchpack.Caller, domain string, p Page) ([]*AssociationView, string, error) {
	var out []*AssociationView
	var next string
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		rows, err := tx.Associations(ctx, key)
		if err != nil {
			return err
		}
		out, next, err = views(ctx, tx, who, rows, p, func(a *searchpack.Association) string { return a.PackageID })
		return err
	})
	return out, next, err
}

// ListDomainsForPackage lists the caller's own domains that have a package, by name; the owner of a
// shared one does not see those of others either. ErrNotFound: the caller sees no such package, and
// no domain of the caller's has it.
func (c *Catalog) ListDomainsForPackage(ctx context.Context, who searchpack.Caller, id string, p Page) ([]*AssociationView, string, error) {
	var out []*AssociationView
	var next string
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		rows, err := tx.AssociationsOf(ctx, id)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(a *searchpack.Association) bool { return a.Domain != who.Key(a.Domain.Name) })
		if len(rows) == 0 {
			if _, err := visiblePackage(ctx, tx, who, id); err != nil {
				return err
			}
		}
		out, next, err = views(ctx, tx, who, rows, p, func(a *searchpack.Association) string { return a.Domain.Name })
		return err
	})
	return out, next, err
}
