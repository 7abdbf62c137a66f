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

// LoadLine reads the AVAILABLE versions of a plugin's package and of its namesakes, unless that was done.
func LoadLine(ctx context.Context, tx searchpack.Tx, w *rollout.World, p searchpack.Package) error {
	if p.Type != searchpack.TypePlugin || w.Lines[p.ID] != nil {
		return nil
	}
	all, err := tx.Packages(ctx, searchpack.PackageQuery{
		Account: p.Account, Region: p.Region, Names: []string{p.Name}, Types: []searchpack.PackageType{searchpack.TypePlugin},
	})
	if err != nil {
		return err
	}
	ids := []string{}
	var packages []string
	for _, sibling := range all {
		if sibling.ID != p.ID && !sibling.VisibleTo(w.Domain.Account) {
			continue
		}
		versions, err := tx.Versions(ctx, sibling.ID)
		if err != nil {
			return err
		}
		packages = append(packages, sibling.ID)
		w.Packages[sibling.ID] = *sibling
		for _, v := range versions {
			if v.Status == searchpack.PackageAvailable && v.Digest != "" {
				w.Versions[v.ID] = *v
				ids = append(ids, v.ID)
			}
		}
	}
	for _, id := range packages {
		w.Lines[id] = ids
	}
	return nil
}
