package runner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// The checks of what an open rollout brings are loaded, and only those.
func TestChecksAreLoaded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.untilActive(1)
	all := []searchpack.Check{{Name: "n", Index: "i", Analyze: &searchpack.AnalyzeCheck{Field: "f", Text: "x"}, Expect: searchpack.Expectation{Equals: []string{}}}}
	b.update(func(tx searchpack.Tx) error {
		if err := tx.PutVersion(t.Context(), &searchpack.Version{ID: "checked", PackageID: "F1", Number: 9, CheckCount: 1}); err != nil {
			return err
		}
		return tx.PutChecks(t.Context(), "checked", all)
	})
	load := func() map[string][]searchpack.Check {
		t.Helper()
		var got map[string][]searchpack.Check
		if err := b.store.View(t.Context(), func(tx searchpack.Tx) error {
			w, err := Load(t.Context(), tx, key, b.now)
			got = w.Checks
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := load(); len(got) > 0 {
		t.Errorf("without a rollout %v", got)
	}
	b.update(func(tx searchpack.Tx) error {
		return tx.PutRollout(t.Context(), &searchpack.Rollout{ID: "r9", Domain: key, State: searchpack.RolloutQueued, CreatedAt: b.now,
			Steps: []searchpack.RolloutStep{{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: "checked"}}})
	})
	if d := cmp.Diff(map[string][]searchpack.Check{"checked": all}, load()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
