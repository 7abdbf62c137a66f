package catalog

import (
	"cmp"
	"context"
	"fmt"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// ChooseInput says which version of a package a domain is to have, which AWS's API cannot say.
type ChooseInput struct {
	PackageID string
	// Number of the version, 1 for v1; 0 = as it is. Former: the one that served before the version
	// that serves now.
	Number int
	Former bool
	// Track, if given, says how the domain follows versions from now on.
	Track *searchpack.Track
}

// ChooseVersion has a version of an associated package rolled out, older ones too, and says how the
// domain follows versions from now on. A version that serves already is no error: then only the
// track is written. ErrNotFound (package, domain, version), ErrInvalid (not associated, nothing to do
// asked for, no former version), ErrConflict (something is under way).
func (c *Catalog) ChooseVersion(ctx context.Context, who searchpack.Caller, domain string, in ChooseInput) (*AssociationView, error) {
	if in.Number == 0 && !in.Former && in.Track == nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "Say which version the domain is to have, or how it is to follow versions.")
	}
	var view *AssociationView
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		call, err := c.call(ctx, tx, who, domain)
		if err != nil {
			return err
		}
		p, err := visiblePackage(ctx, tx, who, in.PackageID)
		if err != nil {
			return err
		}
		a, there := call.Associations[p.ID]
		if !there {
			return searchpack.Errorf(searchpack.ErrInvalid, "Package is not associated to this domain")
		}
		if in.Track != nil {
			a.Track, a.UpdatedAt = *in.Track, call.Now
			call.Associations[p.ID] = a
		}
		call.Packages[p.ID] = *p
		wanted, err := chosen(ctx, tx, call, in)
		if err != nil {
			return err
		}
		if a, err = c.roll(ctx, tx, call, a, wanted); err != nil {
			return err
		}
		if err := c.audit(ctx, tx, who, "ChooseVersion", p.ID+" "+domain, chosenText(in, wanted)); err != nil {
			return err
		}
		views, err := viewsOf(ctx, tx, who, []*searchpack.Association{&a})
		if err == nil {
			view = views[0]
		}
		return err
	})
	return view, err
}

// roll writes the association, with a rollout of the wanted version if it is another than serves. The
// newest version of a package that follows the latest is rolled out by the reconcile.
func (c *Catalog) roll(ctx context.Context, tx searchpack.Tx, call rollout.Call, a searchpack.Association, wanted *searchpack.Version) (searchpack.Association, error) {
	if wanted == nil || a.Status == searchpack.Active && a.ServingID == wanted.ID {
		if err := tx.PutAssociation(ctx, &a); err != nil {
			return a, err
		}
		return a, tx.Enqueue(ctx, searchpack.WorkReconcile, call.Domain.String(), call.Now)
	}
	call.Versions[wanted.ID] = *wanted
	ch, err := rollout.Associate(call, rollout.Ask{PackageID: a.PackageID, VersionID: wanted.ID})
	if err != nil {
		return a, err
	}
	return ch.Associations[0], putChange(ctx, tx, call, ch)
}

// chosen is the version asked for; nil if none was.
func chosen(ctx context.Context, tx searchpack.Tx, call rollout.Call, in ChooseInput) (*searchpack.Version, error) {
	if in.Former {
		id, err := formerVersion(ctx, tx, call, in.PackageID)
		if err != nil {
			return nil, err
		}
		return tx.Version(ctx, id)
	}
	if in.Number == 0 {
		return nil, nil
	}
	return numbered(ctx, tx, in.PackageID, in.Number)
}

// numbered is the version of that number. ErrNotFound.
func numbered(ctx context.Context, tx searchpack.Tx, packageID string, number int) (*searchpack.Version, error) {
	vs, err := tx.Versions(ctx, packageID)
	if err != nil {
		return nil, err
	}
	for _, v := range vs {
		if v.Number == number && v.Status == searchpack.PackageAvailable {
			return v, nil
		}
	}
	return nil, searchpack.Errorf(searchpack.ErrNotFound, "Package %s has no version v%d.", packageID, number)
}

// formerVersion is what served before the version that serves: the newest rollout that brought that
// one knows.
func formerVersion(ctx context.Context, tx searchpack.Tx, call rollout.Call, packageID string) (string, error) {
	serving := call.Associations[packageID].ServingID
	all, err := tx.Rollouts(ctx, call.Domain, 0)
	if err != nil {
		return "", err
	}
	for _, r := range all {
		for _, s := range r.Steps {
			if s.PackageID == packageID && r.State == searchpack.RolloutDone && s.VersionID == serving && s.FormerID != "" && s.FormerID != serving {
				return s.FormerID, nil
			}
		}
	}
	return "", searchpack.Errorf(searchpack.ErrInvalid, "No other version of package %s served in domain %s before this one: choose a version by its number.", packageID, call.Domain.Name)
}

func chosenText(in ChooseInput, wanted *searchpack.Version) string {
	text := ""
	if wanted != nil {
		text = fmt.Sprintf("v%d", wanted.Number)
	}
	if in.Track != nil {
		text += map[searchpack.Track]string{
			searchpack.TrackCalls: " follows calls", searchpack.TrackPinned: " pinned", searchpack.TrackLatest: " follows the latest",
		}[*in.Track]
	}
	return text
}

// ControlRollout pauses, resumes or aborts an open rollout of the domain. ErrNotFound, ErrConflict
// (it has ended, or is on its way back).
func (c *Catalog) ControlRollout(ctx context.Context, who searchpack.Caller, domain, id string, o rollout.Command) (*searchpack.Rollout, error) {
	var out *searchpack.Rollout
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, domain)
		if err != nil {
			return err
		}
		r, err := tx.Rollout(ctx, id)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound || err == nil && r.Domain != d.DomainKey {
			return searchpack.Errorf(searchpack.ErrNotFound, "Domain %s has no rollout %s. searchpack rollouts %s lists them.", domain, id, domain)
		}
		if err != nil {
			return err
		}
		next, err := rollout.Control(*r, o, cmp.Or(who.User, who.ARN))
		if err != nil {
			return err
		}
		out = &next
		if err := tx.PutRollout(ctx, out); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, searchpack.WorkReconcile, d.DomainKey.String(), c.clock()); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "ControlRollout", id+" "+domain, string(o))
	})
	return out, err
}
