package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

var (
	neighbour = searchpack.Caller{Account: "999988887777", Region: "us-east-1", ARN: "arn:aws:iam::999988887777:user/lee"}
	stranger  = searchpack.Caller{Account: "555566667777", Region: "us-east-1", ARN: "arn:aws:iam::555566667777:user/max"}
)

// as is the bench of another caller on the same store.
func (b *bench) as(who searchpack.Caller) *bench {
	other := *b
	other.who = who
	return &other
}

// shared makes an available package that the neighbour may associate.
func (b *bench) shared(name string) *searchpack.Package {
	b.t.Helper()
	yes := true
	p := b.imported(b.create(CreatePackageInput{Name: name, Type: searchpack.TypeDictionary, Vending: &yes}))
	b.scope(p, ScopeAdd, neighbour.Account)
	return p
}

func (b *bench) scope(p *searchpack.Package, op ScopeOperation, users ...string) []string {
	b.t.Helper()
	got, err := b.UpdatePackageScope(b.t.Context(), b.who, p.ID, op, users)
	if err != nil {
		b.t.Fatal(err)
	}
	return got.SharedWith
}

// sees returns the ids that the bench's caller is shown.
func (b *bench) sees() []string {
	b.t.Helper()
	got, _, err := b.DescribePackages(b.t.Context(), b.who, PackageFilter{}, Page{})
	if err != nil {
		b.t.Fatal(err)
	}
	ids := []string{}
	for _, p := range got {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestScopeOperations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.shared("synonyms")
	n, s := neighbour.Account, stranger.Account
	for _, c := range []struct {
		op    ScopeOperation
		users []string
		want  []string
	}{
		{ScopeAdd, []string{s, s, n}, []string{s, n}},
		{ScopeRemove, []string{n, "111111111111"}, []string{s}},
		{ScopeOverride, []string{searchpack.Global, n}, []string{n, searchpack.Global}},
		{ScopeRemove, []string{searchpack.Global}, []string{n}},
		{ScopeOverride, nil, nil},
	} {
		if got := b.scope(p, c.op, c.users...); !slices.Equal(got, c.want) {
			t.Errorf("%s %v gives %v, want %v", c.op, c.users, got, c.want)
		}
	}
	_, err := b.UpdatePackageScope(t.Context(), b.who, b.pkg("private").ID, ScopeAdd, []string{n})
	wantCode(t, err, searchpack.ErrDisabled)
}

// Every change of a package writes all its users: without a bound one package could keep the
// database busy.
func TestUsersOfAPackageAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.shared("synonyms")
	users := make([]string, maxSharedWith)
	for i := range users {
		users[i] = fmt.Sprintf("%012d", i)
	}
	b.scope(p, ScopeOverride, users...)
	b.scope(p, ScopeOverride, users...) // no more than before
	for _, op := range []ScopeOperation{ScopeAdd, ScopeOverride} {
		_, err := b.UpdatePackageScope(t.Context(), b.who, p.ID, op, append([]string{searchpack.Global}, users...))
		wantCode(t, err, searchpack.ErrInvalid)
	}
	if got := b.scope(p, ScopeRemove, users[1:]...); !slices.Equal(got, users[:1]) {
		t.Errorf("left are %v", got)
	}
}

// Who is shared with sees the package, in its region, and nothing that is the owner's.
func TestSharedPackageIsSeen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.shared("synonyms")
	if got := b.as(neighbour).sees(); !slices.Equal(got, []string{p.ID}) {
		t.Errorf("the neighbour sees %v", got)
	}
	elsewhere := neighbour
	elsewhere.Region = "eu-west-1"
	for _, who := range []searchpack.Caller{stranger, elsewhere} {
		if got := b.as(who).sees(); len(got) != 0 {
			t.Errorf("%+v sees %v", who, got)
		}
		_, _, err := b.PackageVersionHistory(t.Context(), who, p.ID, Page{})
		wantCode(t, err, searchpack.ErrNotFound)
	}
	b.scope(p, ScopeAdd, searchpack.Global)
	if got := b.as(stranger).sees(); !slices.Equal(got, []string{p.ID}) {
		t.Errorf("everybody sees %v", got)
	}
	mine := b.as(neighbour).pkg("synonyms") // names are apart, too
	for owner, want := range map[string]string{neighbour.Account: mine.ID, b.who.Account: p.ID} {
		got, _, err := b.DescribePackages(t.Context(), neighbour, PackageFilter{Owners: []string{owner}}, Page{})
		if err != nil || len(got) != 1 || got[0].ID != want {
			t.Errorf("of owner %s: %v, %v", owner, got, err)
		}
	}
	b.update(func(tx searchpack.Tx) error {
		p.Error, p.SharedWith = &searchpack.ErrorDetails{Type: "CopyFailed", Message: "s3://secret/place"}, []string{neighbour.Account}
		return tx.PutPackage(t.Context(), p)
	})
	got, _, err := b.DescribePackages(t.Context(), neighbour, PackageFilter{IDs: []string{p.ID}}, Page{})
	if err != nil || got[0].SharedWith != nil || got[0].Error.Type != "CopyFailed" || strings.Contains(got[0].Error.Message, "secret") {
		t.Errorf("the neighbour is shown %+v, %v", got[0], err)
	}
	if vs, _, err := b.PackageVersionHistory(t.Context(), neighbour, p.ID, Page{}); err != nil || len(vs) != 1 {
		t.Errorf("history %v, %v", vs, err)
	}
}

func TestOnlyTheOwnerChangesAPackage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.shared("synonyms")
	for name, call := range map[string]func(who searchpack.Caller) error{
		"update": func(who searchpack.Caller) error {
			_, err := b.UpdatePackage(t.Context(), who, UpdatePackageInput{ID: p.ID, Source: source})
			return err
		},
		"delete": func(who searchpack.Caller) error { _, err := b.DeletePackage(t.Context(), who, p.ID); return err },
		"scope": func(who searchpack.Caller) error {
			_, err := b.UpdatePackageScope(t.Context(), who, p.ID, ScopeAdd, []string{who.Account})
			return err
		},
		"versions": func(who searchpack.Caller) error { _, err := b.Versions(t.Context(), who, p.ID); return err },
		"manifest": func(who searchpack.Caller) error { _, _, err := b.Manifest(t.Context(), who, p.ID, 0); return err },
		"checks":   func(who searchpack.Caller) error { _, _, err := b.Checks(t.Context(), who, p.ID, 0); return err },
		"sbom":     func(who searchpack.Caller) error { _, err := b.SBOM(t.Context(), who, p.ID, 0); return err },
		"diff":     func(who searchpack.Caller) error { _, err := b.Diff(t.Context(), who, p.ID, 1, 1); return err },
		"findings": func(who searchpack.Caller) error { _, _, err := b.Findings(t.Context(), who, p.ID, 0); return err },
	} {
		err := call(neighbour)
		if searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(err.Error(), "Operation not allowed. This package cannot be") {
			t.Errorf("%s by the neighbour: %v", name, err)
		}
		if err := call(stranger); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			t.Errorf("%s by a stranger: %v", name, err)
		}
	}
}

// A domain of another account serves a shared package, and goes on when it is shared no more.
func TestSharedPackageIsAssociated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.shared("synonyms")
	b.domain("products")
	other := b.as(neighbour)
	other.domain("their-secret")
	if _, err := b.AssociatePackage(t.Context(), neighbour, "their-secret", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	list, _, err := b.ListDomainsForPackage(t.Context(), b.who, p.ID, Page{})
	if err != nil || len(list) != 0 {
		t.Errorf("the owner sees %+v, %v", list, err)
	}
	_, err = b.DeletePackage(t.Context(), b.who, p.ID)
	if searchpack.ErrorCode(err) != searchpack.ErrConflict || strings.Contains(err.Error(), "their-secret") || strings.Contains(err.Error(), neighbour.Account) {
		t.Errorf("deleting it: %v", err)
	}
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	_, err = b.DeletePackage(t.Context(), b.who, p.ID)
	if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), "domain products") {
		t.Errorf("deleting it: %v", err)
	}

	b.scope(p, ScopeRemove, neighbour.Account)
	_, err = b.AssociatePackage(t.Context(), neighbour, "their-secret", AssociateInput{PackageID: p.ID})
	wantCode(t, err, searchpack.ErrNotFound)
	for name, list := range map[string]func() ([]*AssociationView, string, error){
		"packages": func() ([]*AssociationView, string, error) {
			return b.ListPackagesForDomain(t.Context(), neighbour, "their-secret", Page{})
		},
		"domains": func() ([]*AssociationView, string, error) {
			return b.ListDomainsForPackage(t.Context(), neighbour, p.ID, Page{})
		},
	} {
		if got, _, err := list(); err != nil || len(got) != 1 || got[0].Domain.Name != "their-secret" || got[0].Package.Name != "synonyms" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if v, err := b.DissociatePackage(t.Context(), neighbour, "their-secret", p.ID); err != nil || v.Status != searchpack.Dissociating {
		t.Errorf("dissociated %+v, %v", v, err)
	}
	b.update(func(tx searchpack.Tx) error {
		return tx.DeleteAssociation(t.Context(), neighbour.Key("their-secret"), p.ID)
	})
	_, err = b.DissociatePackage(t.Context(), neighbour, "their-secret", p.ID)
	wantCode(t, err, searchpack.ErrNotFound)
	_, _, err = b.ListDomainsForPackage(t.Context(), neighbour, p.ID, Page{})
	wantCode(t, err, searchpack.ErrNotFound)
}

// A domain of an account that sees a package again is looked at: it may follow the package, or have one of the
// same name.
func TestSharingWakesDomains(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.shared("synonyms")
	n := b.as(neighbour)
	n.domain("shop")
	n.domain("other")
	if _, err := n.AssociatePackage(t.Context(), n.who, "shop", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	b.work()
	for _, c := range []struct {
		op    ScopeOperation
		users []string
		woken bool
	}{
		{ScopeAdd, []string{stranger.Account}, false},
		{ScopeAdd, []string{searchpack.Global}, false}, // it saw it already
		{ScopeOverride, nil, true},
		{ScopeAdd, []string{searchpack.Global}, true},
	} {
		b.scope(p, c.op, c.users...)
		var want []string
		if c.woken {
			want = []string{"reconcile/" + n.who.Key("shop").String()}
		}
		if got := b.work(); !slices.Equal(got, want) {
			t.Errorf("%s %v: to be looked at are %v, want %v", c.op, c.users, got, want)
		}
	}
}

// The same of a plugin whose namesake serves there.
func TestSharingWakesDomainsOfALine(t *testing.T) {
	t.Parallel()
	b := local(t)
	own := b.who
	b.who = neighbour
	p, next := b.plugin("OpenSearch_3.7", "3.7.0"), b.plugin("OpenSearch_3.8", "3.8.0")
	b.update(func(tx searchpack.Tx) error {
		for _, x := range []*searchpack.Package{p, next} {
			yes := true
			row, err := tx.Package(t.Context(), x.ID)
			if err != nil {
				return err
			}
			if row.Vending = &yes; x == p {
				row.SharedWith = []string{own.Account}
			}
			if err := tx.PutPackage(t.Context(), row); err != nil {
				return err
			}
		}
		return nil
	})
	b.who = own
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	b.work()
	b.who = neighbour
	b.scope(next, ScopeAdd, own.Account)
	if got, want := b.work(), []string{"reconcile/" + own.Key("products").String()}; !slices.Equal(got, want) {
		t.Errorf("to be looked at are %v, want %v", got, want)
	}
}
