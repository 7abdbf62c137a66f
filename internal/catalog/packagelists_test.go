package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func TestManifest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.imported(b.pkg("lemmas"))
	want := []searchpack.ManifestEntry{{Path: "z", Size: 1, Digest: searchpack.DigestOf(nil), Mode: 0o644}, {Path: "a", Mode: 0o755}}
	b.update(func(tx searchpack.Tx) error { return tx.PutManifest(t.Context(), p.ImportID, want) })
	for _, number := range []int{0, 1} {
		v, got, err := b.Manifest(t.Context(), b.who, p.ID, number)
		if diff := cmp.Diff(want, got); diff != "" || err != nil || v.ID != p.ImportID {
			t.Errorf("of version %d: %+v, %v (-want +got):\n%s", number, v, err, diff)
		}
	}
	for name, ask := range map[string]func() error{
		"manifest of v2": func() error { _, _, err := b.Manifest(t.Context(), b.who, p.ID, 2); return err },
		"findings of v2": func() error { _, _, err := b.Findings(t.Context(), b.who, p.ID, 2); return err },
		"no package":     func() error { _, _, err := b.Manifest(t.Context(), b.who, "F000000000", 0); return err },
	} {
		if err := ask(); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
