package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
	"github.com/searchpack/searchpack/internal/runner"
)

// AssociatePackage pins the newest available version for the domain and queues its rollout. The
// answer shows ASSOCIATING, and so does every list from now on. ErrNotFound (package, domain),
// ErrInvalid (not available, a prerequisite is missing, a license or configuration of no plugin, a plugin
// without what it demands, quota), ErrConflict (as wanted already, or
// busy), ErrDenied (the caller may not pass the role).
func (c *Catalog) AssociatePackage(ctx context.Context, who searchpack.Caller, domain string, in AssociateInput) (*AssociationView, error) {
	return first(c.associate(ctx, who, "AssociatePackage", domain, []AssociateInput{in}))
}

// AssociatePackages is AssociatePackage for several packages at once: one rollout, which puts
// prerequisites first and ends the same for all. The first error refuses the whole call.
func (c *Catalog) AssociatePackages(ctx context.Context, who searchpack.Caller, domain string, in []AssociateInput) ([]*AssociationView, error) {
	return c.associate(ctx, who, "AssociatePackages", domain, in)
}

// DissociatePackage queues the removal. Whether something uses the package is found out by the
// rollout, which then ends in DISSOCIATION_FAILED. ErrNotFound (package, domain), ErrInvalid (it is
// not associated), ErrConflict (on its way already, or another package needs it). A license or
// configuration that names a plugin as its prerequisite goes with it.
func (c *Catalog) DissociatePackage(ctx context.Context, who searchpack.Caller, domain, id string) (*AssociationView, error) {
	return first(c.dissociate(ctx, who, "DissociatePackage", domain, []string{id}))
}

// DissociatePackages is DissociatePackage for several packages at once, as one rollout. The list has
// those named, in their order, then those that go with them.
func (c *Catalog) DissociatePackages(ctx context.Context, who searchpack.Caller, domain string, ids []string) ([]*AssociationView, error) {
	return c.dissociate(ctx, who, "DissociatePackages", domain, ids)
}

// first is the answer to a call for one package.
func first(views []*AssociationView, err error) (*AssociationView, error) {
	if err != nil {
		return nil, err
	}
	return views[0], nil
}

func (c *Catalog) associate(ctx context.Context, who searchpack.Caller, action, domain string, in []AssociateInput) ([]*AssociationView, error) {
	if err := c.checkKeyStores(who, in); err != nil {
		return nil, err
	}
	asks := make([]rollout.Ask, len(in))
	ids := make([]string, len(in))
	for i, each := range in {
		asks[i] = rollout.Ask{PackageID: each.PackageID, Prerequisites: each.Prerequisites, KeyStore: each.KeyStore}
		ids[i] = each.PackageID
	}
	return c.change(ctx, who, action, domain, ids, func(ctx context.Context, tx searchpack.Tx, call rollout.Call) (rollout.Change, error) {
		for _, id := range ids {
			p, err := visiblePackage(ctx, tx, who, id)
			if err != nil {
				return rollout.Change{}, err
			}
			call.Packages[id] = *p
		}
		if err := c.checkRoomInDomain(call, in); err != nil {
			return rollout.Change{}, err
		}
		return rollout.Associate(call, asks...)
	})
}

// checkKeyStores refuses access to a key store without a role, and roles that the caller may not pass.
func (c *Catalog) checkKeyStores(who searchpack.Caller, in []AssociateInput) error {
	for _, each := range in {
		k := each.KeyStore
		if k == nil {
			continue
		}
		if k.Enabled && k.RoleARN == "" {
			return searchpack.Errorf(searchpack.ErrInvalid, "KeyStoreAccessOption of package %s needs a KeyAccessRoleArn when KeyStoreAccessEnabled is true.", each.PackageID)
		}
		if k.RoleARN == "" {
			continue
		}
		if err := c.authorize(who, "iam:PassRole", k.RoleARN, map[string]string{"iam:PassedToService": "es.amazonaws.com"}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Catalog) dissociate(ctx context.Context, who searchpack.Caller, action, domain string, ids []string) ([]*AssociationView, error) {
	return c.change(ctx, who, action, domain, ids, func(ctx context.Context, tx searchpack.Tx, call rollout.Call) (rollout.Change, error) {
		for _, id := range ids {
			if _, there := call.Associations[id]; there {
				continue // dissociating needs no sight of the package
			}
			if _, err := visiblePackage(ctx, tx, who, id); err != nil {
				return rollout.Change{}, err
			}
		}
		return rollout.Dissociate(call, ids...)
	})
}

// change carries out a call of the association table: reads what it needs, asks the rules, writes.
func (c *Catalog) change(ctx context.Context, who searchpack.Caller, action, domain string, ids []string, rules func(context.Context, searchpack.Tx, rollout.Call) (rollout.Change, error)) ([]*AssociationView, error) {
	var views []*AssociationView
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		call, err := c.call(ctx, tx, who, domain)
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
		if err := c.audit(ctx, tx, who, action, strings.Join(ids, " ")+" "+domain, ""); err != nil {
			return err
		}
		changed := make([]*searchpack.Association, len(ch.Associations))
		for i := range ch.Associations {
			changed[i] = &ch.Associations[i]
		}
		views, err = viewsOf(ctx, tx, who, changed)
		return err
	})
	return views, err
}

// call reads what the rules look at.
func (c *Catalog) call(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, domain string) (rollout.Call, error) {
	d, err := domainOf(ctx, tx, who, domain)
	if err != nil {
		return rollout.Call{}, err
	}
	call := rollout.Call{
		Domain: d.DomainKey, Associations: map[string]searchpack.Association{}, Packages: map[string]searchpack.Package{},
		Versions:  map[string]searchpack.Version{},
		RolloutID: newID(), Now: c.clock(),
	}
	rows, err := tx.Associations(ctx, d.DomainKey)
	if err != nil {
		return call, err
	}
	var plugins []string // versions
	for _, a := range rows {
		call.Associations[a.PackageID] = *a
		p, err := tx.Package(ctx, a.PackageID)
		if err != nil {
			return call, err
		}
		call.Packages[p.ID] = *p
		if p.Type == searchpack.TypePlugin {
			plugins = append(plugins, a.ServingID, a.WantedID)
		}
	}
	if err := readVersions(ctx, tx, call, plugins); err != nil {
		return call, err
	}
	open, err := tx.OpenRollouts(ctx, d.DomainKey)
	for _, r := range open {
		call.Open = append(call.Open, *r)
	}
	return call, err
}

// readVersions adds versions that rules look at. One that is gone demands nothing.
func readVersions(ctx context.Context, tx searchpack.Tx, call rollout.Call, ids []string) error {
	found, err := tx.VersionsByID(ctx, slices.DeleteFunc(ids, func(id string) bool { return id == "" }))
	for id, v := range found {
		call.Versions[id] = *v
	}
	return err
}

// putChange writes what the rules decided, and asks for a reconcile.
func putChange(ctx context.Context, tx searchpack.Tx, call rollout.Call, ch rollout.Change) error {
	if err := runner.PutChange(ctx, tx, ch); err != nil {
		return err
	}
	return tx.Enqueue(ctx, searchpack.WorkReconcile, call.Domain.String(), call.Now)
}
