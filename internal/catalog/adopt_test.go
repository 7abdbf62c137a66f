package catalog

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func TestAdoptPackage(t *testing.T) {
	t.Parallel()
	const path = "analysis/synonyms.txt"
	for name, c := range map[string]struct {
		status  searchpack.AssociationStatus
		serving int
		prepare func(*bench, *searchpack.Package)
		in      AdoptInput
		code    searchpack.Code
		says    string
		number  int
	}{
		"new":          {in: AdoptInput{Path: path}, number: 2},
		"by number":    {in: AdoptInput{Path: path, Number: 1}, number: 1},
		"no path":      {in: AdoptInput{}, code: searchpack.ErrInvalid, says: "at which path"},
		"a key":        {in: AdoptInput{Path: "certs/node.pem"}, code: searchpack.ErrInvalid, says: "only dictionaries"},
		"no version":   {in: AdoptInput{Path: path, Number: 7}, code: searchpack.ErrNotFound, says: "no version v7"},
		"placed":       {status: searchpack.Active, serving: 2, in: AdoptInput{Path: path}, code: searchpack.ErrConflict, says: "Dissociate it first"},
		"another's":    {prepare: (*bench).adoptedByAnother, in: AdoptInput{Path: path}, code: searchpack.ErrConflict, says: "is the file of package"},
		"no such pack": {in: AdoptInput{PackageID: "F999999999", Path: path}, code: searchpack.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, p := inState(t, c.status, c.serving, c.serving, "")
			if c.prepare != nil {
				c.prepare(b, p)
			}
			b.work()
			if c.in.PackageID == "" {
				c.in.PackageID = p.ID
			}
			v, err := b.AdoptPackage(t.Context(), b.who, "products", c.in)
			wantCode(t, err, c.code)
			if c.code != "" {
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("refused with %q, want %q", err, c.says)
				}
				if len(b.work()) > 0 {
					t.Error("refused, and yet queued")
				}
				return
			}
			if v.Status != searchpack.Associating || v.WantedNumber != c.number || v.Path != path || b.association(p).Path != path {
				t.Errorf("%+v", v)
			}
			if got := b.work(); len(got) != 1 || !strings.HasPrefix(got[0], "reconcile/") {
				t.Errorf("queued %v", got)
			}
			events, err := b.Events(t.Context(), b.who, EventQuery{Limit: 1})
			if err != nil || events.Events[0].Action != "AdoptPackage" || events.Events[0].Subject != p.ID+" products" {
				t.Errorf("audited %+v, %v", events, err)
			}
		})
	}
}

// adoptedByAnother has another package of the domain at the path.
func (b *bench) adoptedByAnother(*searchpack.Package) {
	b.t.Helper()
	other := b.ready("other-words", searchpack.TypeDictionary)
	if _, err := b.AdoptPackage(b.t.Context(), b.who, "products", AdoptInput{PackageID: other.ID, Path: "analysis/synonyms.txt"}); err != nil {
		b.t.Fatal(err)
	}
}

// What AWS's call does to an adopted package keeps its path.
func TestAssociateKeepsThePath(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Active, 1, 1, "")
	b.update(func(tx searchpack.Tx) error {
		a, err := tx.Association(t.Context(), b.who.Key("products"), p.ID)
		if err != nil {
			return err
		}
		a.Path = "analysis/synonyms.txt"
		return tx.PutAssociation(t.Context(), a)
	})
	v, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID})
	if err != nil || v.Path != "analysis/synonyms.txt" || v.WantedNumber != 2 {
		t.Errorf("%+v, %v", v, err)
	}
	plan := b.plan(p, 0)
	if plan.Adopted != "analysis/synonyms.txt" {
		t.Errorf("planned at %q", plan.Adopted)
	}
}
