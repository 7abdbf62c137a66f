package catalog

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// inState makes a domain "products" with an association in the state, of a package in version 2; the
// version that serves is serving (0: none). A rollout of it stands as open says.
func inState(t *testing.T, status searchpack.AssociationStatus, serving, wanted int, open searchpack.RolloutState) (*bench, *searchpack.Package) {
	t.Helper()
	b := setup(t)
	b.domain("products")
	p := b.ready("synonyms", searchpack.TypeDictionary)
	ids := []string{"", p.AvailableID}
	if _, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source}); err != nil {
		t.Fatal(err)
	}
	ids = append(ids, b.imported(p).AvailableID)
	if status == "" {
		return b, p
	}
	a := &searchpack.Association{Domain: b.who.Key("products"), PackageID: p.ID, Status: status, ServingID: ids[serving], WantedID: ids[wanted]}
	if strings.HasSuffix(string(status), "_FAILED") {
		a.Error = &searchpack.ErrorDetails{Type: "X", Message: "y"}
	}
	b.update(func(tx searchpack.Tx) error {
		if open != "" {
			r := &searchpack.Rollout{ID: "r", Domain: a.Domain, State: open, Steps: []searchpack.RolloutStep{{PackageID: p.ID, Action: searchpack.ActionAssociate, VersionID: a.WantedID}}}
			if status == searchpack.Dissociating {
				r.Steps[0] = searchpack.RolloutStep{PackageID: p.ID, Action: searchpack.ActionDissociate}
			}
			if err := tx.PutRollout(t.Context(), r); err != nil {
				return err
			}
		}
		return tx.PutAssociation(t.Context(), a)
	})
	return b, p
}

// TestStatesAndCalls is the table of docs/packages.md: what each call makes of each state.
func TestStatesAndCalls(t *testing.T) {
	t.Parallel()
	const desired = "Package is already in desired state"
	for name, c := range map[string]struct {
		status          searchpack.AssociationStatus
		serving, wanted int
		open            searchpack.RolloutState

		associate      searchpack.Code
		associateText  string
		dissociate     searchpack.Code
		dissociateText string
		dropped        bool // the open rollout, by either
	}{
		"none":                       {dissociate: searchpack.ErrInvalid, dissociateText: "Package is not associated to this domain"},
		"first, waits":               {status: searchpack.Associating, wanted: 2, open: searchpack.RolloutQueued, associate: searchpack.ErrConflict, associateText: desired, dropped: true},
		"an older one waits":         {status: searchpack.Associating, wanted: 1, open: searchpack.RolloutQueued, dropped: true},
		"an older one is rolled out": {status: searchpack.Associating, wanted: 1, open: searchpack.RolloutRunning, associate: searchpack.ErrConflict, associateText: "Another version"},
		"the newest is rolled out":   {status: searchpack.Associating, serving: 1, wanted: 2, open: searchpack.RolloutRunning, associate: searchpack.ErrConflict, associateText: desired},
		"active at the newest":       {status: searchpack.Active, serving: 2, wanted: 2, associate: searchpack.ErrConflict, associateText: desired},
		"active, a newer is there":   {status: searchpack.Active, serving: 1, wanted: 1},
		"failed":                     {status: searchpack.AssociationFailed, wanted: 2},
		"failed update":              {status: searchpack.AssociationFailed, serving: 1, wanted: 2},
		"on its way out":             {status: searchpack.Dissociating, serving: 2, wanted: 2, open: searchpack.RolloutRunning, associate: searchpack.ErrConflict, associateText: "being dissociated", dissociate: searchpack.ErrConflict, dissociateText: "already"},
		"stays in use":               {status: searchpack.DissociationFailed, serving: 2, wanted: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, p := inState(t, c.status, c.serving, c.wanted, c.open)
			_, err := b.DeletePackage(t.Context(), b.who, p.ID)
			if want := searchpack.ErrConflict; c.status != "" && searchpack.ErrorCode(err) != want {
				t.Errorf("DeletePackage: %v, want %s", err, want)
			}
			if c.status == "" {
				b, p = inState(t, c.status, c.serving, c.wanted, c.open)
			}
			v, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID})
			b.check(v, err, searchpack.Associating, c.associate, c.associateText, c.serving)
			if err == nil && v.WantedNumber != 2 {
				t.Errorf("v%d is wanted", v.WantedNumber)
			}
			b, p = inState(t, c.status, c.serving, c.wanted, c.open)
			v, err = b.DissociatePackage(t.Context(), b.who, "products", p.ID)
			b.check(v, err, searchpack.Dissociating, c.dissociate, c.dissociateText, c.serving)
			if c.open == "" {
				return
			}
			rs := b.rollouts("products")
			if old := rs[len(rs)-1]; (old.State == searchpack.RolloutAborted) != c.dropped {
				t.Errorf("the open rollout is %s", old.State)
			}
		})
	}
}

// check compares the answer to a call, and that every list shows what the answer does.
func (b *bench) check(v *AssociationView, err error, status searchpack.AssociationStatus, code searchpack.Code, text string, serving int) {
	b.t.Helper()
	if searchpack.ErrorCode(err) != code || code != "" && !strings.Contains(err.Error(), text) {
		b.t.Errorf("to be %s: %v, want %q %q", status, err, code, text)
		return
	}
	if err != nil {
		return
	}
	if v.Status != status || v.ServingNumber != serving || v.Error != nil {
		b.t.Errorf("answered %+v", v)
	}
	list, _, err := b.ListPackagesForDomain(b.t.Context(), b.who, "products", Page{})
	if err != nil || len(list) != 1 || list[0].Status != status || list[0].ServingNumber != serving {
		b.t.Errorf("listed %+v, %v", list, err)
	}
}

// A new version of the package is nothing to an association that has pinned one.
func TestUpdatePackageLeavesAssociations(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Associating, 1, 2, searchpack.RolloutRunning)
	if _, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source}); err != nil {
		t.Fatal(err)
	}
	b.imported(p)
	list, _, err := b.ListPackagesForDomain(t.Context(), b.who, "products", Page{})
	if err != nil || list[0].WantedNumber != 2 || list[0].ServingNumber != 1 || list[0].Package.AvailableNumber != 3 || len(b.rollouts("products")) != 1 {
		t.Errorf("%+v, %v", list[0], err)
	}
}

func TestUpdatePackageWaitsForTheImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, kind := range []searchpack.PackageType{searchpack.TypeDictionary, searchpack.TypePlugin, searchpack.TypeLicense, searchpack.TypeConfig} {
		p := b.create(CreatePackageInput{Name: "is-" + strings.ToLower(string(kind)), Type: kind})
		again := UpdatePackageInput{ID: p.ID, Source: fitting(CreatePackageInput{Type: kind}).Source}
		for _, status := range []searchpack.PackageStatus{searchpack.PackageCopying, searchpack.PackageValidating} {
			b.update(func(tx searchpack.Tx) error { p.Status = status; return tx.PutPackage(t.Context(), p) })
			_, err := b.UpdatePackage(t.Context(), b.who, again)
			wantCode(t, err, searchpack.ErrInvalid)
		}
		for _, status := range []searchpack.PackageStatus{searchpack.PackageCopyFailed, searchpack.PackageValidationFailed, searchpack.PackageAvailable} {
			b.update(func(tx searchpack.Tx) error { p.Status = status; return tx.PutPackage(t.Context(), p) })
			if _, err := b.UpdatePackage(t.Context(), b.who, again); err != nil {
				t.Errorf("%s %s: %v", kind, status, err)
			}
		}
		if _, err := b.DeletePackage(t.Context(), b.who, p.ID); err != nil { // while it is imported
			t.Errorf("%s: %v", kind, err)
		}
	}
}
