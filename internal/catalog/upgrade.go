package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
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
