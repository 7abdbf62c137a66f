package catalog

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// CreatePackage writes a package with its first version to be imported. ErrInvalid: the source is
// missing or not allowed, or the type is not served. ErrAlreadyExists: the caller has a package of
// that name (and, for plugins, engine version). ErrLimit: the quota is used up.
func (c *Catalog) CreatePackage(ctx context.Context, who searchpack.Caller, in CreatePackageInput) (*searchpack.Package, error) {
	if err := c.checkSource(who, in.Source); err != nil {
		return nil, err
	}
	if in.Type != searchpack.TypeDictionary {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "PackageType %s is not served by this version of Searchpack: only %s is", in.Type, searchpack.TypeDictionary)
	}
	var p *searchpack.Package
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		if err := c.checkRoomAndName(ctx, tx, who, in); err != nil {
			return err
		}
		id, err := freePackageID(ctx, tx)
		if err != nil {
			return err
		}
		now := c.clock()
		v := &searchpack.Version{ID: newID(), PackageID: id, Status: searchpack.PackageCopying, Source: in.Source, CreatedAt: now}
		p = &searchpack.Package{
			ID: id, Account: who.Account, Region: who.Region, Name: in.Name, Type: in.Type,
			Description: in.Description, Status: searchpack.PackageCopying,
			CreatedAt: now, UpdatedAt: now, ImportID: v.ID,
		}
		return c.putImport(ctx, tx, who, "CreatePackage", p, v)
	})
	return p, err
}

// checkRoomAndName enforces the quota and the name's uniqueness.
func (c *Catalog) checkRoomAndName(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, in CreatePackageInput) error {
	all, err := tx.Packages(ctx, searchpack.PackageQuery{Account: who.Account, Region: who.Region})
	if err != nil {
		return err
	}
	if limit := c.limits.PackagesPerRegion; limit > 0 && len(all) >= limit {
		return searchpack.Errorf(searchpack.ErrLimit, "You have reached the limit of %d packages in %s. Delete a package that no domain uses.", limit, who.Region)
	}
	for _, p := range all {
		if p.Name == in.Name {
			return searchpack.Errorf(searchpack.ErrAlreadyExists, "Package with name %s already exists: %s. Use UpdatePackage for a new version of it.", in.Name, p.ID)
		}
	}
	return nil
}

// freePackageID draws ids until one is free.
func freePackageID(ctx context.Context, tx searchpack.Tx) (string, error) {
	for {
		id := newPackageID()
		_, err := tx.Package(ctx, id)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			return id, nil
		}
		if err != nil {
			return "", err
		}
	}
}

// putImport writes a version to be imported, its package and the work, with the audit event.
func (c *Catalog) putImport(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, action string, p *searchpack.Package, v *searchpack.Version) error {
	if err := tx.PutPackage(ctx, p); err != nil {
		return err
	}
	if err := tx.PutVersion(ctx, v); err != nil {
		return err
	}
	if err := tx.Enqueue(ctx, searchpack.WorkImport, v.ID, c.clock()); err != nil {
		return err
	}
	return c.audit(ctx, tx, who, action, p.ID, "s3://"+v.Source.Bucket+"/"+v.Source.Key)
}

func (c *Catalog) checkSource(who searchpack.Caller, s searchpack.Source) error {
	if s.Bucket == "" || s.Key == "" {
		return searchpack.Errorf(searchpack.ErrInvalid, "PackageSource needs both S3BucketName and S3Key.")
	}
	if c.source == nil {
		return nil
	}
	if why := c.source.Refused(s); why != "" {
		return searchpack.Errorf(searchpack.ErrInvalid, "No package can be imported from s3://%s/%s: %s.", s.Bucket, s.Key, why)
	}
	if !c.source.Allowed(who.Account, s) {
		return searchpack.Errorf(searchpack.ErrInvalid, "Account %s may not import packages from s3://%s/%s: the place is not among the server's allowed sources.", who.Account, s.Bucket, s.Key)
	}
	return nil
}

// packageOf returns the caller's package. Another account's package looks like none at all.
func packageOf(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, id string) (*searchpack.Package, error) {
	p, err := tx.Package(ctx, id)
	if err == nil && (p.Account != who.Account || p.Region != who.Region) {
		err = searchpack.Errorf(searchpack.ErrNotFound, "Package not found: %s", id)
	}
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Package not found: %s", id)
	}
	return p, err
}

// UpdatePackage writes a new version to be imported. AvailableID stays until it has succeeded.
// ErrInvalid while an import runs: UpdatePackage declares no conflict.
func (c *Catalog) UpdatePackage(ctx context.Context, who searchpack.Caller, in UpdatePackageInput) (*searchpack.Package, error) {
	if err := c.checkSource(who, in.Source); err != nil {
		return nil, err
	}
	var p *searchpack.Package
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		var err error
		if p, err = packageOf(ctx, tx, who, in.ID); err != nil {
			return err
		}
		if p.Status == searchpack.PackageCopying || p.Status == searchpack.PackageValidating {
			return searchpack.Errorf(searchpack.ErrInvalid, "Package %s is %s: wait until its import has ended, then update it again.", p.ID, p.Status)
		}
		now := c.clock()
		v := &searchpack.Version{ID: newID(), PackageID: p.ID, Status: searchpack.PackageCopying, Source: in.Source, CommitMessage: in.CommitMessage, CreatedAt: now}
		p.Status, p.Error, p.ImportID, p.UpdatedAt = searchpack.PackageCopying, nil, v.ID, now
		if in.Description != nil {
			p.Description = *in.Description
		}
		return c.putImport(ctx, tx, who, "UpdatePackage", p, v)
	})
	return p, err
}

// DescribePackages lists the caller's packages by id. Unknown ids are simply not there.
func (c *Catalog) DescribePackages(ctx context.Context, who searchpack.Caller, f PackageFilter, page Page) ([]*searchpack.Package, string, error) {
	var rows []*searchpack.Package
	size := page.Max
	if size <= 0 || size > pageSize {
		size = pageSize
	}
	err := c.store.View(ctx, func(tx searchpack.Tx) (err error) {
		rows, err = tx.Packages(ctx, searchpack.PackageQuery{
			Account: who.Account, Region: who.Region, IDs: f.IDs, Names: f.Names,
			Statuses: f.Statuses, Types: f.Types, AfterID: page.After, Limit: size + 1,
		})
		return err
	})
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, Page{Max: size}, func(p *searchpack.Package) string { return p.ID })
	return rows, next, nil
}

// DeletePackage deletes a package that no domain has. ErrConflict: a domain has it. An import that
// runs is cancelled: its rows are gone when it wants to finish.
func (c *Catalog) DeletePackage(ctx context.Context, who searchpack.Caller, id string) (*searchpack.Package, error) {
	var p *searchpack.Package
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		var err error
		if p, err = packageOf(ctx, tx, who, id); err != nil {
			return err
		}
		used, err := tx.AssociationsOf(ctx, id)
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return searchpack.Errorf(searchpack.ErrConflict, "Package %s is associated with domain %s (%s). Dissociate it first.", id, used[0].Domain.Name, used[0].Status)
		}
		if err := tx.DeletePackage(ctx, id); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "DeletePackage", id, p.Name)
	})
	return p, err
}

// Versions lists the versions and import attempts of a package, oldest first.
func (c *Catalog) Versions(ctx context.Context, who searchpack.Caller, id string) ([]*searchpack.Version, error) {
	var vs []*searchpack.Version
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		if _, err := packageOf(ctx, tx, who, id); err != nil {
			return err
		}
		var err error
		vs, err = tx.Versions(ctx, id)
		return err
	})
	return vs, err
}

// Findings lists the findings kept for a version of a package: number 0 means the newest import.
func (c *Catalog) Findings(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Finding, error) {
	var v *searchpack.Version
	var fs []searchpack.Finding
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		p, err := packageOf(ctx, tx, who, id)
		if err != nil {
			return err
		}
		vs, err := tx.Versions(ctx, id)
		if err != nil {
			return err
		}
		for _, each := range vs {
			if (number == 0 && each.ID == p.ImportID) || (number > 0 && each.Number == number) {
				v = each
			}
		}
		if v == nil {
			return searchpack.Errorf(searchpack.ErrNotFound, "Package %s has no version v%d.", id, number)
		}
		fs, err = tx.Findings(ctx, v.ID)
		return err
	})
	return v, fs, err
}

// UpdatePackageScope changes who else sees a package and may associate it; users are accounts and
// GLOBAL. ErrNotFound: the caller owns no such package. ErrUnsupported: it was made without
// VendingEnabled.
func (c *Catalog) UpdatePackageScope(ctx context.Context, who searchpack.Caller, id string, op ScopeOperation, users []string) (*searchpack.Package, error) {
	var p *searchpack.Package
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		var err error
		if p, err = packageOf(ctx, tx, who, id); err != nil {
			return err
		}
		if p.Vending == nil || !*p.Vending {
			return searchpack.Errorf(searchpack.ErrUnsupported, "Package %s cannot be shared: it was created without PackageVendingOptions VendingEnabled.", id)
		}
		p.SharedWith = scope(p.SharedWith, op, users)
		p.UpdatedAt = c.clock()
		if err := tx.PutPackage(ctx, p); err != nil {
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

// PackageVersionHistory lists the versions of a package that became available, newest first.
func (c *Catalog) PackageVersionHistory(ctx context.Context, who searchpack.Caller, id string, page Page) ([]*searchpack.Version, string, error) {
	vs, err := c.Versions(ctx, who, id)
	if err != nil {
		return nil, "", err
	}
	vs = slices.DeleteFunc(vs, func(v *searchpack.Version) bool { return v.Number == 0 })
	slices.Reverse(vs)
	vs, next := cut(vs, page, func(v *searchpack.Version) string { return fmt.Sprintf("%010d", math.MaxInt32-v.Number) })
	return vs, next, nil
}
