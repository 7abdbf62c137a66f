package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/searchpack/searchpack"
)

// testByID: those that exist come back, however many are asked for, whole and each by its own id.
func testByID(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	const many = 300
	var ids, versions []string
	update(t, s, func(tx searchpack.Tx) error {
		ids, versions = nil, nil
		for i := range many {
			p := fullPackage(fmt.Sprintf("F%03d", i))
			ids = append(ids, p.ID)
			if err := tx.PutPackage(ctx, p); err != nil {
				return err
			}
			v := fullVersion("v-"+p.ID, p.ID)
			versions = append(versions, v.ID)
			if err := tx.PutVersion(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
	for _, n := range []int{0, 1, 2, 3, 64, 127, 128, 129, many} {
		packages := read(t, s, func(ctx context.Context, tx searchpack.Tx) (map[string]*searchpack.Package, error) {
			return tx.PackagesByID(ctx, append([]string{"none"}, ids[:n]...))
		})
		same(t, fmt.Sprint(n, " packages"), ids[:n:n], slices.AppendSeq([]string{}, sortedKeys(packages)))
		got := read(t, s, func(ctx context.Context, tx searchpack.Tx) (map[string]*searchpack.Version, error) {
			return tx.VersionsByID(ctx, append(slices.Clone(versions[:n]), "none"))
		})
		same(t, fmt.Sprint(n, " versions"), versions[:n:n], slices.AppendSeq([]string{}, sortedKeys(got)))
		if n > 0 {
			same(t, "a package", fullPackage("F000"), packages["F000"])
			same(t, "a version", fullVersion("v-F000", "F000"), got["v-F000"])
		}
	}
}

func sortedKeys[V any](m map[string]V) func(yield func(string) bool) {
	return slices.Values(slices.Sorted(maps.Keys(m)))
}
