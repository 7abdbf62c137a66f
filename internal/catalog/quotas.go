package catalog

import (
	"context"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// quota says how much an account may have of a type, in a region and on a domain (0: no limit), and
// what counts together: plugins apart from everything else, as AWS counts.
func (c *Catalog) quota(t searchpack.PackageType) (perRegion, perDomain int, name string) {
	if t == searchpack.TypePlugin {
		return c.limits.PluginsPerRegion, c.limits.PluginsPerDomain, "plugins"
	}
	return c.limits.PackagesPerRegion, c.limits.PackagesPerDomain, "packages"
}

// together reports whether two types count together.
func together(a, b searchpack.PackageType) bool {
	return (a == searchpack.TypePlugin) == (b == searchpack.TypePlugin)
}

// checkRoomInRegion enforces the quota of the account's own packages.
func (c *Catalog) checkRoomInRegion(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, t searchpack.PackageType) error {
	limit, _, name := c.quota(t)
	if limit == 0 {
		return nil
	}
	all, err := tx.Packages(ctx, searchpack.PackageQuery{Account: who.Account, Region: who.Region})
	if err != nil {
		return err
	}
	have := 0
	for _, p := range all {
		if together(p.Type, t) {
			have++
		}
	}
	if have >= limit {
		return searchpack.Errorf(searchpack.ErrLimit, "You have reached the limit of %d %s in %s. Delete one that no domain uses.", limit, name, who.Region)
	}
	return nil
}

// checkRoomInDomain enforces the quota for what a call adds. ErrInvalid, not ErrLimit: no operation
// that associates declares LimitExceededException.
func (c *Catalog) checkRoomInDomain(call rollout.Call, in []AssociateInput) error {
	for _, each := range in {
		t := call.Packages[each.PackageID].Type
		_, limit, name := c.quota(t)
		if limit == 0 {
			continue
		}
		all := map[string]bool{}
		for id := range call.Associations {
			all[id] = together(call.Packages[id].Type, t)
		}
		if _, there := all[each.PackageID]; there {
			continue
		}
		for _, other := range in {
			all[other.PackageID] = together(call.Packages[other.PackageID].Type, t)
		}
		have := 0
		for _, counts := range all {
			if counts {
				have++
			}
		}
		if have > limit {
			return searchpack.Errorf(searchpack.ErrInvalid, "Domain %s may have at most %d %s, with this call it would have %d. Dissociate what no index uses.", call.Domain.Name, limit, name, have)
		}
	}
	return nil
}
