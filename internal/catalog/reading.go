package catalog

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
)

// inDomain runs f on a snapshot, for a domain of the caller's.
func (c *Catalog) inDomain(ctx context.Context, who searchpack.Caller, domain string, f func(tx searchpack.Tx, key searchpack.DomainKey) error) error {
	return c.store.View(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, domain)
		if err != nil {
			return err
		}
		return f(tx, d.DomainKey)
	})
}

// Proofs returns the proofs of a domain, of one package if packageID is not "".
func (c *Catalog) Proofs(ctx context.Context, who searchpack.Caller, domain, packageID string) ([]*searchpack.Proof, error) {
	proofs := []*searchpack.Proof{}
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		all, err := tx.Proofs(ctx, key)
		for _, p := range all {
			if packageID == "" || p.PackageID == packageID {
				proofs = append(proofs, p)
			}
		}
		return err
	})
	return proofs, err
}

// Rollouts returns the newest limit rollouts of a domain, newest first, and the versions that they
// name, by id; those of packages that are gone are left out.
func (c *Catalog) Rollouts(ctx context.Context, who searchpack.Caller, domain string, limit int) ([]*searchpack.Rollout, map[string]*searchpack.Version, error) {
	var rollouts []*searchpack.Rollout
	var versions map[string]*searchpack.Version
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		var err error
		if rollouts, err = tx.Rollouts(ctx, key, limit); err != nil {
			return err
		}
		versions, err = tx.VersionsByID(ctx, versionsOf(rollouts))
		return err
	})
	return rollouts, versions, err
}

// versionsOf are the versions that rollouts name, each once.
func versionsOf(rollouts []*searchpack.Rollout) []string {
	var ids []string
	for _, r := range rollouts {
		for _, s := range r.Steps {
			for _, id := range []string{s.VersionID, s.FormerID} {
				if id != "" && !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
}

// needsOf is who needs the package's plugin, by the newest report that says so; nil = none does.
func needsOf(agents []*searchpack.AgentState, packageID string) *searchpack.NeedsReport {
	var newest *searchpack.AgentState
	var found *searchpack.NeedsReport
	for _, a := range agents {
		if a.Report == nil || !a.RetiredAt.IsZero() || newest != nil && !a.ReportedAt.After(newest.ReportedAt) {
			continue
		}
		for _, p := range a.Report.Plugins {
			if p.PackageID == packageID && p.Needs != nil && !p.Needs.Absent {
				newest, found = a, p.Needs
			}
		}
	}
	return found
}

// Usage returns who uses the packages of a domain, of one package if packageID is not "". It is
// nil while no node has told yet.
func (c *Catalog) Usage(ctx context.Context, who searchpack.Caller, domain, packageID string) (*searchpack.Usage, error) {
	var u *searchpack.Usage
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		var err error
		u, err = tx.Usage(ctx, key)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			u, err = nil, nil
		}
		if err != nil || u == nil || packageID == "" {
			return err
		}
		agents, err := tx.Agents(ctx, key)
		u.Needs = needsOf(agents, packageID)
		return err
	})
	if u == nil || packageID == "" {
		return u, err
	}
	kept := []searchpack.Use{}
	for _, use := range u.Uses {
		if use.PackageID == packageID {
			kept = append(kept, use)
		}
	}
	u.Uses = kept
	return u, err
}
