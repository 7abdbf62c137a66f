package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// UpgradeDomain checks whether the domain can be upgraded and, unless only that was asked for,
// begins the upgrade, which whoever runs the cluster carries out. A version to which no upgrade leads
// is ErrInvalid. A check that fails (nodes are missing) is a change that has FAILED at its first step,
// as AWS shows it, and nothing is begun. ErrNotFound, ErrInvalid (a change is open), ErrUnsupported
// (the cluster is not local).
func (c *Catalog) UpgradeDomain(ctx context.Context, who searchpack.Caller, in UpgradeInput) (*searchpack.DomainChange, error) {
	var ch *searchpack.DomainChange
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, in.Name)
		if err != nil {
			return err
		}
		if !c.local(d) {
			return searchpack.Errorf(searchpack.ErrUnsupported,
				"UpgradeDomain is not offered for domain %s: Searchpack does not run this cluster, only its owner can upgrade it. Its version follows what its nodes report.", in.Name)
		}
		v, err := c.idle(ctx, tx, d)
		if err != nil {
			return err
		}
		if ch, err = c.planUpgrade(v, in); err != nil {
			return err
		}
		if ch.Status != searchpack.ChangeFailed {
			why, err := lacksPlugin(ctx, tx, d, in.TargetVersion)
			if err != nil {
				return err
			}
			if why != "" {
				endChange(ch, ch.StartedAt, why)
			}
		}
		if err := tx.PutChange(ctx, ch); err != nil {
			return err
		}
		detail := ch.FromVersion + " to " + ch.ToVersion
		if in.CheckOnly {
			detail += ", check only"
		}
		return c.audit(ctx, tx, who, "UpgradeDomain", in.Name, detail)
	})
	if err != nil {
		return nil, err
	}
	if ch.Status.Open() {
		c.changed()
	}
	return ch, nil
}

// planUpgrade makes the change, with the check done.
func (c *Catalog) planUpgrade(v *DomainView, in UpgradeInput) (*searchpack.DomainChange, error) {
	if !slices.Contains(c.targets(v.EngineVersion), in.TargetVersion) {
		to := "none"
		if targets := c.targets(v.EngineVersion); len(targets) > 0 {
			to = strings.Join(targets, ", ")
		}
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "Upgrade from %s to %s not supported. Domain %s can be upgraded to: %s.",
			v.EngineVersion, in.TargetVersion, v.Name, to)
	}
	ch := newChange(v.DomainKey, searchpack.ChangeUpgrade, c.clock())
	ch.FromVersion, ch.ToVersion, ch.CheckOnly, ch.Step = v.EngineVersion, in.TargetVersion, in.CheckOnly, searchpack.UpgradeCheck
	if !in.CheckOnly {
		ch.Properties = []searchpack.ChangedProperty{{Name: "EngineVersion", From: jsonText(ch.FromVersion), To: jsonText(ch.ToVersion)}}
	}
	if want := max(v.Domain.Nodes, 1); v.Nodes < want {
		endChange(ch, ch.StartedAt, fmt.Sprintf("%d of %d nodes of domain %s report. Start the others, then ask again.", v.Nodes, want, v.Name))
	} else if in.CheckOnly {
		endChange(ch, ch.StartedAt, "")
	}
	return ch, nil
}

// lacksPlugin says which plugin of the domain has no version for the engine: without it nodes of that
// engine would not be started. "" = each has one.
func lacksPlugin(ctx context.Context, tx searchpack.Tx, d *searchpack.Domain, engine string) (string, error) {
	associations, err := tx.Associations(ctx, d.DomainKey)
	if err != nil {
		return "", err
	}
	for _, a := range associations {
		p, err := tx.Package(ctx, a.PackageID)
		if err != nil {
			return "", err
		}
		if p.Type != searchpack.TypePlugin {
			continue
		}
		has, err := hasVersionFor(ctx, tx, d, p, engine)
		if err != nil {
			return "", err
		}
		if !has {
			return fmt.Sprintf("Package %s (%s), which is associated with domain %s, has no available version for %s. "+
				"Create a package of the same name with EngineVersion %s, or dissociate %s, then ask again.", p.Name, p.ID, d.Name, engine, engine, p.ID), nil
		}
	}
	return "", nil
}

// hasVersionFor reports whether the package, or a namesake that the domain may use, has a version for some
// patch of the engine.
func hasVersionFor(ctx context.Context, tx searchpack.Tx, d *searchpack.Domain, p *searchpack.Package, engine string) (bool, error) {
	all, err := searchpack.Line(ctx, tx, p)
	if err != nil {
		return false, err
	}
	for _, sibling := range all {
		if sibling.ID != p.ID && !sibling.VisibleTo(d.Account) {
			continue
		}
		versions, err := tx.Versions(ctx, sibling.ID)
		if err != nil {
			return false, err
		}
		for _, v := range versions {
			if v.Status == searchpack.PackageAvailable && v.Plugin != nil && rollout.MadeForEngine(*sibling, *v, engine) {
				return true, nil
			}
		}
	}
	return false, nil
}
