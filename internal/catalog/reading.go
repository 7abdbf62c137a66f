package catalog

import (
	"context"

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

// Rollouts returns the newest limit rollouts of a domain, newest first.
func (c *Catalog) Rollouts(ctx context.Context, who searchpack.Caller, domain string, limit int) ([]*searchpack.Rollout, map[string]*searchpack.Version, error) {
	var rollouts []*searchpack.Rollout
	versions := map[string]*searchpack.Version{}
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		var err error
		if rollouts, err = tx.Rollouts(ctx, key, limit); err != nil {
			return err
		}
		for _, r := range rollouts {
			for _, s := range r.Steps {
				if err := addVersions(ctx, tx, versions, s.VersionID, s.FormerID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return rollouts, versions, err
}

// addVersions looks up versions by id; those of packages that are gone are left out.
func addVersions(ctx context.Context, tx searchpack.Tx, versions map[string]*searchpack.Version, ids ...string) error {
	for _, id := range ids {
		if id == "" || versions[id] != nil {
			continue
		}
		v, err := tx.Version(ctx, id)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			continue
		}
		if err != nil {
			return err
		}
		versions[id] = v
	}
	return nil
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
