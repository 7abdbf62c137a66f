package runner

import (
	"context"
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// loadLines adds the versions of plugins that are of a line with those that the world names, and their
// packages. A domain that names no plugin costs nothing.
func loadLines(ctx context.Context, tx searchpack.Tx, w *rollout.World) error {
	w.Lines = map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(w.Packages)) {
		if err := LoadLine(ctx, tx, w, w.Packages[id]); err != nil {
			return err
		}
	}
	return nil
}

// LoadLine reads the AVAILABLE versions of a plugin's package and of its namesakes, unless that was done. Of a
// package that is not shared with the domain (any more) those that it has, or that its nodes were told of.
func LoadLine(ctx context.Context, tx searchpack.Tx, w *rollout.World, p searchpack.Package) error {
	if p.Type != searchpack.TypePlugin || w.Lines[p.ID] != nil {
		return nil
	}
	all, err := searchpack.Line(ctx, tx, &p)
	if err != nil {
		return err
	}
	ids := []string{}
	var packages []string
	had := has(w)
	for _, sibling := range all {
		versions, err := tx.Versions(ctx, sibling.ID)
		if err != nil {
			return err
		}
		known := len(ids)
		for _, v := range versions {
			if v.Status == searchpack.PackageAvailable && v.Digest != "" && (sibling.VisibleTo(w.Domain.Account) || had[v.ID]) {
				w.Versions[v.ID] = *v
				ids = append(ids, v.ID)
			}
		}
		if sibling.ID == p.ID || sibling.VisibleTo(w.Domain.Account) || len(ids) > known {
			packages = append(packages, sibling.ID)
			w.Packages[sibling.ID] = *sibling
		}
	}
	for _, id := range packages {
		w.Lines[id] = ids
	}
	return nil
}

// has are the versions that the domain's associations and rollouts name, and those that its nodes were told
// of: with these they start, whatever becomes of the sharing.
func has(w *rollout.World) map[string]bool {
	ids := map[string]bool{}
	for _, a := range w.Associations {
		ids[a.ServingID], ids[a.WantedID] = true, true
	}
	for _, r := range w.Rollouts {
		for _, s := range r.Steps {
			ids[s.VersionID], ids[s.FormerID] = true, true
		}
	}
	for _, a := range w.Agents {
		if !a.RetiredAt.IsZero() {
			continue
		}
		for _, o := range slices.Concat(a.Order.Plugins, a.Order.Alternatives) {
			ids[o.VersionID] = true
		}
	}
	return ids
}
