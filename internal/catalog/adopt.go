package catalog

import (
	"context"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// AdoptPackage associates a dictionary with a domain whose nodes have its file already, at a path that
// indices name: AWS's API has no word for that. The answer shows ASSOCIATING; the rollout fails, and no
// node's file is touched, unless every node has exactly these bytes there and lets them be adopted. From
// then on the file is the package's, where it lies. ErrNotFound (package, domain, version), ErrInvalid
// (not available, no dictionary, a folder, a path at which nothing can be adopted, quota), ErrConflict (as
// wanted already, busy, associated with another path, or the path is another package's).
func (c *Catalog) AdoptPackage(ctx context.Context, who searchpack.Caller, domain string, in AdoptInput) (*AssociationView, error) {
	if in.Path == "" {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "Say at which path the nodes have the file.")
	}
	return first(c.change(ctx, who, "AdoptPackage", domain, []string{in.PackageID}, func(ctx context.Context, tx searchpack.Tx, call rollout.Call) (rollout.Change, error) {
		p, err := visiblePackage(ctx, tx, who, in.PackageID)
		if err != nil {
			return rollout.Change{}, err
		}
		call.Packages[p.ID] = *p
		if err := c.checkRoomInDomain(call, []AssociateInput{{PackageID: p.ID}}); err != nil {
			return rollout.Change{}, err
		}
		v, err := planned(ctx, tx, p, in.Number)
		if err != nil {
			return rollout.Change{}, err
		}
		ask := rollout.Ask{PackageID: p.ID, Path: in.Path}
		if v != nil && v.Tree {
			return rollout.Change{}, searchpack.Errorf(searchpack.ErrInvalid, "v%d of package %s is a folder: only files are adopted.", v.Number, p.ID)
		}
		if in.Number > 0 {
			ask.VersionID = v.ID
		}
		return rollout.Associate(call, ask)
	}))
}
