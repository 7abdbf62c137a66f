package catalog

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/searchpack/searchpack"
)

// DescribePackages lists the packages that the caller sees, by id: the account's own and those that
// others share with it. Unknown ids are simply not there.
func (c *Catalog) DescribePackages(ctx context.Context, who searchpack.Caller, f PackageFilter, page Page) ([]*searchpack.Package, string, error) {
	var rows []*searchpack.Package
	size := page.size()
	err := c.store.View(ctx, func(tx searchpack.Tx) (err error) {
		rows, err = tx.Packages(ctx, searchpack.PackageQuery{
			Account: who.Account, Region: who.Region, Shared: true, IDs: f.IDs, Names: f.Names,
			Statuses: f.Statuses, Types: f.Types, EngineVersions: f.EngineVersions, Owners: f.Owners,
			AfterID: page.After, Limit: size + 1,
		})
		return err
	})
	if err != nil {
		return nil, "", err
	}
	for _, p := range rows {
		shown(p, who)
	}
	rows, next := cut(rows, Page{Max: size}, func(p *searchpack.Package) string { return p.ID })
	return rows, next, nil
}

// Versions lists the versions and import attempts of the caller's package, oldest first. ErrNotFound;
// ErrInvalid if it is only shared with the caller: where it was read from is the owner's business.
func (c *Catalog) Versions(ctx context.Context, who searchpack.Caller, id string) ([]*searchpack.Version, error) {
	var vs []*searchpack.Version
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		if _, err := ownPackage(ctx, tx, who, id, "looked into"); err != nil {
			return err
		}
		var err error
		vs, err = tx.Versions(ctx, id)
		return err
	})
	return vs, err
}

// Findings lists the findings kept for a version of the caller's package: number 0 means the newest
// import. Errors as Versions: findings quote the file.
func (c *Catalog) Findings(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Finding, error) {
	var v *searchpack.Version
	var fs []searchpack.Finding
	err := c.store.View(ctx, func(tx searchpack.Tx) (err error) {
		if _, v, err = ownVersion(ctx, tx, who, id, number); err == nil {
			fs, err = tx.Findings(ctx, v.ID)
		}
		return err
	})
	return v, fs, err
}

// Manifest lists the files that a version of the caller's package unpacks to, in the order of its
// zip: number 0 means the newest import. It is nil if the version is no zip, or was refused as one.
// Errors as Versions.
func (c *Catalog) Manifest(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.ManifestEntry, error) {
	var v *searchpack.Version
	var m []searchpack.ManifestEntry
	err := c.store.View(ctx, func(tx searchpack.Tx) (err error) {
		if _, v, err = ownVersion(ctx, tx, who, id, number); err == nil {
			m, err = tx.Manifest(ctx, v.ID)
		}
		return err
	})
	return v, m, err
}

// Checks returns the verify checks of a version of the caller's package; number 0 means the newest
// import. Errors as Findings.
func (c *Catalog) Checks(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Check, error) {
	var v *searchpack.Version
	var all []searchpack.Check
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		var err error
		if _, v, err = ownVersion(ctx, tx, who, id, number); err != nil {
			return err
		}
		all, err = tx.Checks(ctx, v.ID)
		return err
	})
	return v, all, err
}

// SBOM returns the bill of materials of a version of the caller's package, a CycloneDX document;
// number 0 means the newest import. Errors as Findings; ErrNotFound also if the version has none.
func (c *Catalog) SBOM(ctx context.Context, who searchpack.Caller, id string, number int) ([]byte, error) {
	var doc []byte
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		p, v, err := ownVersion(ctx, tx, who, id, number)
		if err != nil {
			return err
		}
		doc, err = tx.SBOM(ctx, v.ID)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			return searchpack.Errorf(searchpack.ErrNotFound, "There is no bill of materials of this version of %s, a %s: plugins have one, once their import could read what is in the zip.", id, p.Type)
		}
		return err
	})
	return doc, err
}

// ownVersion returns a version of the caller's package; number 0 means the newest import.
func ownVersion(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, id string, number int) (*searchpack.Package, *searchpack.Version, error) {
	p, err := ownPackage(ctx, tx, who, id, "looked into")
	if err != nil {
		return nil, nil, err
	}
	vs, err := tx.Versions(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range vs {
		if (number == 0 && v.ID == p.ImportID) || (number > 0 && v.Number == number) {
			return p, v, nil
		}
	}
	return nil, nil, searchpack.Errorf(searchpack.ErrNotFound, "Package %s has no version v%d.", id, number)
}

// PackageVersionHistory lists the versions that became available of a package that the caller sees,
// newest first. ErrNotFound.
func (c *Catalog) PackageVersionHistory(ctx context.Context, who searchpack.Caller, id string, page Page) ([]*searchpack.Version, string, error) {
	var vs []*searchpack.Version
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		_, err := visiblePackage(ctx, tx, who, id)
		if err == nil {
			vs, err = tx.Versions(ctx, id)
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	vs = slices.DeleteFunc(vs, func(v *searchpack.Version) bool { return v.Number == 0 })
	slices.Reverse(vs)
	vs, next := cut(vs, page, func(v *searchpack.Version) string { return fmt.Sprintf("%010d", math.MaxInt32-v.Number) })
	return vs, next, nil
}
