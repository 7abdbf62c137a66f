package runner

import (
	"context"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// Load returns the world of a domain as it stands in tx, for readers that show what Decide sees.
func Load(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, now time.Time) (rollout.World, error) {
	return load(ctx, tx, key, now)
}

// load collects everything Decide looks at. ErrNotFound: the domain is gone.
func load(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, now time.Time) (rollout.World, error) {
	w := rollout.World{Now: now}
	d, err := tx.Domain(ctx, key)
	if err != nil {
		return w, err
	}
	w.Domain = *d
	if err := loadRows(ctx, tx, key, &w); err != nil {
		return w, err
	}
	return w, loadVersions(ctx, tx, &w)
}

func loadRows(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, w *rollout.World) error {
	agents, err := tx.Agents(ctx, key)
	if err != nil {
		return err
	}
	associations, err := tx.Associations(ctx, key)
	if err != nil {
		return err
	}
	rollouts, err := tx.OpenRollouts(ctx, key)
	if err != nil {
		return err
	}
	proofs, err := tx.Proofs(ctx, key)
	if err != nil {
		return err
	}
	previews, err := tx.Previews(ctx, key)
	if err != nil {
		return err
	}
	permits, err := tx.Permits(ctx, key)
	if err != nil {
		return err
	}
	incidents, err := tx.OpenIncidents(ctx, key, searchpack.IncidentTurnedBack)
	if err != nil {
		return err
	}
	w.Previews, w.Permits, w.Incidents = values(previews), values(permits), values(incidents)
	w.Agents, w.Associations = values(agents), values(associations)
	w.Rollouts, w.Proofs = values(rollouts), values(proofs)
	w.Usage, err = tx.Usage(ctx, key)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		w.Usage, err = nil, nil
	}
	return err
}

// loadVersions reads every package and version that associations, rollouts and previews name, and the
// findings of those that a rollout may have to explain.
func loadVersions(ctx context.Context, tx searchpack.Tx, w *rollout.World) error {
	packages, versions, explain := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range w.Associations {
		packages[a.PackageID], versions[a.ServingID], versions[a.WantedID] = true, true, true
	}
	for _, r := range w.Rollouts {
		for _, s := range r.Steps {
			packages[s.PackageID], versions[s.VersionID], versions[s.FormerID] = true, true, true
			explain[s.VersionID] = true
		}
	}
	for _, p := range w.Previews {
		packages[p.PackageID], versions[p.VersionID] = true, true
	}
	var err error
	if w.Packages, err = byID(ctx, packages, tx.Package); err != nil {
		return err
	}
	if w.Versions, err = byID(ctx, versions, tx.Version); err != nil {
		return err
	}
	if err := loadLines(ctx, tx, w); err != nil {
		return err
	}
	found, err := byID(ctx, explain, func(ctx context.Context, id string) (*[]searchpack.Finding, error) {
		fs, err := tx.Findings(ctx, id)
		return &fs, err
	})
	if w.Findings = found; err != nil {
		return err
	}
	return loadChecks(ctx, tx, w, explain)
}

// loadChecks reads the checks of the versions that rollouts bring.
func loadChecks(ctx context.Context, tx searchpack.Tx, w *rollout.World, versions map[string]bool) error {
	w.Checks = map[string][]searchpack.Check{}
	for id := range versions {
		if w.Versions[id].CheckCount == 0 {
			continue
		}
		all, err := tx.Checks(ctx, id)
		if err != nil {
			return err
		}
		w.Checks[id] = all
	}
	return nil
}

// byID reads the rows of a set of ids; "" and rows that are gone are left out.
func byID[T any](ctx context.Context, ids map[string]bool, get func(context.Context, string) (*T, error)) (map[string]T, error) {
	rows := make(map[string]T, len(ids))
	for id := range ids {
		if id == "" {
			continue
		}
		row, err := get(ctx, id)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows[id] = *row
	}
	return rows, nil
}

func values[T any](ps []*T) []T {
	vs := make([]T, len(ps))
	for i, p := range ps {
		vs[i] = *p
	}
	return vs
}
