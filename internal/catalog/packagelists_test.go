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

func TestChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.imported(b.pkg("synonyms"))
	want := []searchpack.Check{{
		Name: "n", Index: "books", Analyze: &searchpack.AnalyzeCheck{Field: "title", Text: "x"}, Expect: searchpack.Expectation{Equals: []string{}},
	}}
	b.update(func(tx searchpack.Tx) error { return tx.PutChecks(t.Context(), p.ImportID, want) })
	for _, number := range []int{0, 1} {
		v, got, err := b.Checks(t.Context(), b.who, p.ID, number)
		if diff := cmp.Diff(want, got); diff != "" || err != nil || v.ID != p.ImportID {
			t.Errorf("of version %d: %+v, %v (-want +got):\n%s", number, v, err, diff)
		}
	}
	if _, _, err := b.Checks(t.Context(), b.who, p.ID, 2); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("of v2: %v", err)
	}
}

// Who asks for an import stands with the version, for what the importer learns only when it reads.
func TestWhoAsksForAnImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := func(id string) *searchpack.Caller {
		t.Helper()
		vs, err := b.Versions(t.Context(), b.who, id)
		if err != nil {
			t.Fatal(err)
		}
		return vs[len(vs)-1].AskedBy
	}
	p := b.pkg("synonyms")
	if diff := cmp.Diff(&b.who, asked(p.ID)); diff != "" {
		t.Errorf("CreatePackage (-want +got):\n%s", diff)
	}
	b.imported(p)
	if _, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&b.who, asked(p.ID)); diff != "" {
		t.Errorf("UpdatePackage (-want +got):\n%s", diff)
	}
}
