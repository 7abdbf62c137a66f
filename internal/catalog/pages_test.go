package catalog

import (
	"fmt"
	"slices"
	"testing"

	"github.com/searchpack/searchpack"
)

// pages reads a list two at a time, and has something happen after the first page.
func pages[T any](t *testing.T, list func(Page) ([]T, string, error), name func(T) string, meanwhile func()) []string {
	t.Helper()
	var seen []string
	for page := (Page{Max: 2}); ; {
		rows, next, err := list(page)
		if err != nil || len(rows) > 2 || next != "" && len(rows) != 2 {
			t.Fatalf("%d rows, next %q, %v", len(rows), next, err)
		}
		for _, r := range rows {
			seen = append(seen, name(r))
		}
		if next == "" {
			return seen
		}
		if page.After == "" {
			meanwhile()
		}
		page.After = next
	}
}

// Rows that come and go between two pages neither repeat nor hide others.
func TestPagesAreStable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.ready("main", searchpack.TypeDictionary)
	ids := []string{p.ID}
	for i := range 4 {
		ids = append(ids, b.ready(fmt.Sprintf("other-%d", i), searchpack.TypeDictionary).ID)
	}
	slices.Sort(ids)
	for _, d := range []string{"aaa", "bbb", "ccc", "ddd", "eee"} {
		b.domain(d)
		if _, err := b.AssociatePackage(t.Context(), b.who, d, AssociateInput{PackageID: p.ID}); err != nil {
			t.Fatal(err)
		}
	}
	domainOf := func(v *AssociationView) string { return v.Domain.Name }
	got := pages(t, func(pg Page) ([]*AssociationView, string, error) {
		return b.ListDomainsForPackage(t.Context(), b.who, p.ID, pg)
	}, domainOf, func() {
		for _, d := range []string{"aaa", "bbb", "ddd"} { // the row of the last key is gone, too
			if _, err := b.DeleteDomain(t.Context(), b.who, d); err != nil {
				t.Fatal(err)
			}
		}
	})
	if !slices.Equal(got, []string{"aaa", "bbb", "ccc", "eee"}) {
		t.Errorf("domains %v", got)
	}

	b.domain("full")
	for _, id := range ids {
		if _, err := b.AssociatePackage(t.Context(), b.who, "full", AssociateInput{PackageID: id}); err != nil {
			t.Fatal(err)
		}
	}
	got = pages(t, func(pg Page) ([]*AssociationView, string, error) {
		return b.ListPackagesForDomain(t.Context(), b.who, "full", pg)
	}, func(v *AssociationView) string { return v.PackageID }, func() {
		b.update(func(tx searchpack.Tx) error { return tx.DeleteAssociation(t.Context(), b.who.Key("full"), ids[1]) })
	})
	if !slices.Equal(got, ids) {
		t.Errorf("packages %v, want %v", got, ids)
	}
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.ready("main", searchpack.TypeDictionary)
	next := func(message string) {
		if _, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source, CommitMessage: message}); err != nil {
			t.Fatal(err)
		}
		b.imported(p)
	}
	for i := 2; i <= 12; i++ {
		next(fmt.Sprintf("message %d", i))
	}
	got := pages(t, func(pg Page) ([]*searchpack.Version, string, error) {
		return b.PackageVersionHistory(t.Context(), b.who, p.ID, pg)
	}, func(v *searchpack.Version) string { return v.CommitMessage }, func() { next("meanwhile") })
	want := []string{}
	for i := 12; i >= 2; i-- {
		want = append(want, fmt.Sprintf("message %d", i))
	}
	if want = append(want, ""); !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
}
