package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// viewsOf adds what clients see beside associations, in as many queries for many as for one.
func viewsOf(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, rows []*searchpack.Association) ([]*AssociationView, error) {
	var ids, versionIDs []string
	for _, a := range rows {
		ids = append(ids, a.PackageID)
		for _, id := range []string{a.ServingID, a.WantedID} {
			if id != "" && !slices.Contains(versionIDs, id) {
				versionIDs = append(versionIDs, id)
			}
		}
	}
	packages, err := tx.PackagesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	versions, err := tx.VersionsByID(ctx, versionIDs)
	if err != nil {
		return nil, err
	}
	number := func(id string) int {
		if v := versions[id]; v != nil {
			return v.Number
		}
		return 0
	}
	out := make([]*AssociationView, len(rows))
	for i, a := range rows {
		p := packages[a.PackageID]
		if p == nil {
			return nil, fmt.Errorf("package %s is associated with %s and has no row", a.PackageID, a.Domain)
		}
		out[i] = &AssociationView{
			Association: *a, Package: *shown(p, who), ServingNumber: number(a.ServingID), WantedNumber: number(a.WantedID),
		}
	}
	return out, nil
}

// views turns a page of associations into views.
func views(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, rows []*searchpack.Association, p Page, key func(*searchpack.Association) string) ([]*AssociationView, string, error) {
	rows, next := cut(rows, p, key)
	out, err := viewsOf(ctx, tx, who, rows)
	return out, next, err
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
