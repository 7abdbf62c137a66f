package catalog

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
)

// CreatePackage writes a package with its first version to be imported. ErrInvalid: the source is
// missing, not allowed or of another type, or a plugin names no engine version that is offered.
// ErrDenied: the caller may not read the source. ErrAlreadyExists: the account has a package of that
// name (of plugins: for that engine version) in the region. ErrLimit: the quota is used up.
func (c *Catalog) CreatePackage(ctx context.Context, who searchpack.Caller, in CreatePackageInput) (*searchpack.Package, error) {
	var err error
	if in.EngineVersion, err = c.pluginEngine(in.Type, in.EngineVersion); err != nil {
		return nil, err
	}
	if err := c.checkSource(who, in.Type, in.Source); err != nil {
		return nil, err
	}
	if err := c.mayRead(who, in.Source); err != nil {
		return nil, err
	}
	var p *searchpack.Package
	err = c.store.Update(ctx, func(tx searchpack.Tx) error {
		if err := c.checkRoomInRegion(ctx, tx, who, in.Type); err != nil {
			return err
		}
		if err := checkName(ctx, tx, who, in); err != nil {
			return err
		}
		id, err := freePackageID(ctx, tx, in.Type)
		if err != nil {
			return err
		}
		now := c.clock()
		v := &searchpack.Version{
			ID: newID(), PackageID: id, Status: searchpack.PackageCopying, Source: in.Source,
			Configuration: in.Configuration, AskedBy: &who, CreatedAt: now,
		}
		p = &searchpack.Package{
			ID: id, Account: who.Account, Region: who.Region, Name: in.Name, Type: in.Type,
			Description: in.Description, EngineVersion: in.EngineVersion, Status: searchpack.PackageCopying,
			Vending: in.Vending, Encryption: in.Encryption, CreatedAt: now, UpdatedAt: now, ImportID: v.ID,
		}
		return c.putImport(ctx, tx, who, "CreatePackage", p, v)
	})
	return p, err
}

// pluginEngine checks the engine version of a plugin, which must have one. Of every other type AWS
// takes one and forgets it: what is then not returned is what Terraform did not set.
func (c *Catalog) pluginEngine(t searchpack.PackageType, asked string) (string, error) {
	if t != searchpack.TypePlugin {
		return "", nil
	}
	if asked == "" { // AWS's words
		return "", searchpack.Errorf(searchpack.ErrInvalid, "Operation not allowed. EngineVersion is a required parameter for this operation.")
	}
	return c.chooseEngine(asked)
}

// checkName enforces that name and engine version together are the account's only ones in the
// region. Plugins of one name for several engine versions are a line: an upgrade goes along it.
func checkName(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, in CreatePackageInput) error {
	same, err := tx.Packages(ctx, searchpack.PackageQuery{Account: who.Account, Region: who.Region, Names: []string{in.Name}})
	if err != nil {
		return err
	}
	for _, p := range same {
		if p.EngineVersion != in.EngineVersion {
			continue
		}
		name := in.Name
		if in.EngineVersion != "" {
			name += " and EngineVersion " + in.EngineVersion
		}
		return searchpack.Errorf(searchpack.ErrAlreadyExists, "Package with name %s already exists: %s. Use UpdatePackage for a new version of it.", name, p.ID)
	}
	return nil
}

// freePackageID draws ids until one is free.
func freePackageID(ctx context.Context, tx searchpack.Tx, t searchpack.PackageType) (string, error) {
	for {
		id := newPackageID(t)
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

// UpdatePackage writes a new version to be imported. AvailableID stays until it has succeeded.
// ErrInvalid while an import runs, since UpdatePackage declares no conflict, and for a package that
// is only shared with the caller. Else as CreatePackage, and ErrNotFound.
func (c *Catalog) UpdatePackage(ctx context.Context, who searchpack.Caller, in UpdatePackageInput) (*searchpack.Package, error) {
	if err := c.mayRead(who, in.Source); err != nil {
		return nil, err
	}
	var p *searchpack.Package
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		var err error
		if p, err = ownPackage(ctx, tx, who, in.ID, "updated"); err != nil {
			return err
		}
		if err := c.checkSource(who, p.Type, in.Source); err != nil {
			return err
		}
		if p.Status == searchpack.PackageCopying || p.Status == searchpack.PackageValidating {
			return searchpack.Errorf(searchpack.ErrInvalid, "Package %s is %s: wait until its import has ended, then update it again.", p.ID, p.Status)
		}
		if in.Configuration == nil {
			last, err := tx.Version(ctx, p.ImportID)
			if err != nil {
				return err
			}
			in.Configuration = last.Configuration
		}
		now := c.clock()
		v := &searchpack.Version{
			ID: newID(), PackageID: p.ID, Status: searchpack.PackageCopying, Source: in.Source,
			CommitMessage: in.CommitMessage, Configuration: in.Configuration, AskedBy: &who, CreatedAt: now,
		}
		p.Status, p.Error, p.ImportID, p.UpdatedAt = searchpack.PackageCopying, nil, v.ID, now
		if in.Description != nil {
			p.Description = *in.Description
		}
		return c.putImport(ctx, tx, who, "UpdatePackage", p, v)
	})
	return p, err
}

// DeletePackage deletes a package that no domain has. ErrConflict: a domain has it, of whatever
// account and status, or nodes have a version of it because a namesake is associated. ErrInvalid: it is only
// shared with the caller. An import that runs is cancelled: its rows are gone when it wants to finish.
func (c *Catalog) DeletePackage(ctx context.Context, who searchpack.Caller, id string) (*searchpack.Package, error) {
	var p *searchpack.Package
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		var err error
		if p, err = ownPackage(ctx, tx, who, id, "deleted"); err != nil {
			return err
		}
		used, err := tx.AssociationsOf(ctx, id)
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return inUse(who, id, used)
		}
		line, err := searchpack.Line(ctx, tx, p)
		if err != nil {
			return err
		}
		ofLine, err := searchpack.AssociationsOfAll(ctx, tx, line)
		if err != nil {
			return err
		}
		if err := runsOnNodes(ctx, tx, p, line, ofLine); err != nil {
			return err
		}
		if err := tx.DeletePackage(ctx, id); err != nil {
			return err
		}
		// Orders may name it as an alternative: nodes are told that it is none any more.
		if err := searchpack.ReconcileAll(ctx, tx, ofLine, c.clock()); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "DeletePackage", id, p.Name)
	})
	return p, err
}

// inUse names a domain of the caller's, and never one of another account.
func inUse(who searchpack.Caller, id string, used []*searchpack.Association) error {
	i := slices.IndexFunc(used, func(a *searchpack.Association) bool { return a.Domain == who.Key(a.Domain.Name) })
	if i < 0 {
		return searchpack.Errorf(searchpack.ErrConflict, "Package %s is associated with a domain of another account. It can be deleted once that account has dissociated it.", id)
	}
	return searchpack.Errorf(searchpack.ErrConflict, "Package %s is associated with domain %s (%s). Dissociate it first.", id, used[i].Domain.Name, used[i].Status)
}
