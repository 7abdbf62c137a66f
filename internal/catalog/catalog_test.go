package catalog

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

// bench is a catalog on a store of its own, with a clock that the test turns.
type bench struct {
	*Catalog
	t     *testing.T
	store *sqlstore.Store
	now   time.Time
	who   searchpack.Caller
}

func setup(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	b := &bench{
		t: t, store: store, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		who: searchpack.Caller{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/kim"},
	}
	o := Options{Store: store, Now: func() time.Time { return b.now }}
	for _, f := range change {
		f(&o)
	}
	b.Catalog = New(o)
	return b
}

var source = searchpack.Source{Bucket: "dictionaries", Key: "synonyms.txt"}

// pkg makes a package, as CreatePackage leaves it.
func (b *bench) pkg(name string) *searchpack.Package {
	b.t.Helper()
	p, err := b.CreatePackage(b.t.Context(), b.who, CreatePackageInput{Name: name, Type: searchpack.TypeDictionary, Source: source})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// imported does what a successful import does to the rows.
func (b *bench) imported(p *searchpack.Package) *searchpack.Package {
	b.t.Helper()
	ctx := b.t.Context()
	b.update(func(tx searchpack.Tx) error {
		got, err := tx.Package(ctx, p.ID)
		if err != nil {
			return err
		}
		v, err := tx.Version(ctx, got.ImportID)
		if err != nil {
			return err
		}
		v.Number, v.Status, v.Digest = got.AvailableNumber+1, searchpack.PackageAvailable, searchpack.DigestOf([]byte(v.ID))
		got.Status, got.AvailableID, got.AvailableNumber = searchpack.PackageAvailable, v.ID, v.Number
		if err := tx.PutVersion(ctx, v); err != nil {
			return err
		}
		*p = *got
		return tx.PutPackage(ctx, got)
	})
	return p
}

func (b *bench) domain(name string) {
	b.t.Helper()
	if _, err := b.CreateDomain(b.t.Context(), b.who, CreateDomainInput{Name: name, EngineVersion: "OpenSearch_3.8"}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) update(f func(tx searchpack.Tx) error) {
	b.t.Helper()
	if err := b.store.Update(b.t.Context(), f); err != nil {
		b.t.Fatal(err)
	}
}

// work claims everything that is due and returns its names.
func (b *bench) work() []string {
	b.t.Helper()
	var names []string
	for {
		w, err := b.store.Claim(b.t.Context(), b.now.Add(time.Second), time.Minute, "test", searchpack.WorkImport, searchpack.WorkReconcile)
		if err != nil {
			b.t.Fatal(err)
		}
		if w == nil {
			return names
		}
		names = append(names, string(w.Kind)+"/"+w.Key)
		if err := b.store.Finish(b.t.Context(), b.now.Add(time.Second), w, searchpack.WorkResult{}, nil); err != nil {
			b.t.Fatal(err)
		}
	}
}

func wantCode(t *testing.T, err error, want searchpack.Code) {
	t.Helper()
	if got := searchpack.ErrorCode(err); got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}

func TestCreatePackageAnswersAndQueuesTheImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.pkg("synonyms")
	if p.Status != searchpack.PackageCopying || p.AvailableID != "" || p.ID[0] != 'F' {
		t.Errorf("made %+v", p)
	}
	if got := b.work(); len(got) != 1 || got[0] != "import/"+p.ImportID {
		t.Errorf("queued %q, want the import of %s", got, p.ImportID)
	}
	got, _, err := b.DescribePackages(t.Context(), b.who, PackageFilter{Names: []string{"synonyms"}}, Page{})
	if err != nil || len(got) != 1 || got[0].ID != p.ID {
		t.Errorf("described %v, %v", got, err)
	}
	if got, err := b.Events(t.Context(), b.who, EventQuery{Limit: 10}); err != nil || len(got.Events) != 1 || got.Events[0].Action != "CreatePackage" || got.Events[0].Actor != b.who.ARN {
		t.Errorf("audited %+v, %v", got, err)
	}
}

func TestCreatePackageRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) {
		o.Limits.PackagesPerRegion = 2
		o.Source = onlyBucket("dictionaries")
	})
	b.pkg("taken")
	for name, c := range map[string]struct {
		in   CreatePackageInput
		want searchpack.Code
	}{
		"no key":              {CreatePackageInput{Name: "a-name", Type: searchpack.TypeDictionary, Source: searchpack.Source{Bucket: "dictionaries"}}, searchpack.ErrInvalid},
		"foreign bucket":      {CreatePackageInput{Name: "a-name", Type: searchpack.TypeDictionary, Source: searchpack.Source{Bucket: "secrets", Key: "k"}}, searchpack.ErrInvalid},
		"plugin of no engine": {CreatePackageInput{Name: "a-name", Type: searchpack.TypePlugin, Source: source}, searchpack.ErrInvalid},
		"name taken":          {CreatePackageInput{Name: "taken", Type: searchpack.TypeDictionary, Source: source}, searchpack.ErrAlreadyExists},
	} {
		_, err := b.CreatePackage(t.Context(), b.who, c.in)
		if searchpack.ErrorCode(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	b.pkg("second")
	_, err := b.CreatePackage(t.Context(), b.who, CreatePackageInput{Name: "third", Type: searchpack.TypeDictionary, Source: source})
	wantCode(t, err, searchpack.ErrLimit)
}

type onlyBucket string

func (o onlyBucket) Allowed(_ string, s searchpack.Source) bool { return s.Bucket == string(o) }
func (o onlyBucket) Refused(searchpack.Source) string           { return "" }

// Another account, or region, sees nothing and can change nothing.
func TestPackagesOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.imported(b.pkg("synonyms"))
	b.domain("products")
	for _, other := range []searchpack.Caller{
		{Account: "999988887777", Region: "us-east-1"}, {Account: b.who.Account, Region: "eu-west-1"},
	} {
		if got, _, err := b.DescribePackages(t.Context(), other, PackageFilter{IDs: []string{p.ID}}, Page{}); err != nil || len(got) != 0 {
			t.Errorf("%+v sees %v, %v", other, got, err)
		}
		_, err := b.DeletePackage(t.Context(), other, p.ID)
		wantCode(t, err, searchpack.ErrNotFound)
		_, err = b.UpdatePackage(t.Context(), other, UpdatePackageInput{ID: p.ID, Source: source})
		wantCode(t, err, searchpack.ErrNotFound)
		_, err = b.AssociatePackage(t.Context(), other, "products", AssociateInput{PackageID: p.ID})
		wantCode(t, err, searchpack.ErrNotFound)
		_, err = b.DescribeDomain(t.Context(), other, "products")
		wantCode(t, err, searchpack.ErrNotFound)
		_, err = b.Versions(t.Context(), other, p.ID)
		wantCode(t, err, searchpack.ErrNotFound)
	}
}

func TestUpdatePackageKeepsWhatIsAvailable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.pkg("synonyms")
	_, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source})
	wantCode(t, err, searchpack.ErrInvalid) // the first import has not ended
	b.imported(p)
	text := "better words"
	next, err := b.UpdatePackage(t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source, Description: &text, CommitMessage: "tuned"})
	if err != nil {
		t.Fatal(err)
	}
	if next.AvailableID != p.AvailableID || next.AvailableNumber != 1 || next.Status != searchpack.PackageCopying || next.Description != text {
		t.Errorf("after UpdatePackage: %+v", next)
	}
	vs, err := b.Versions(t.Context(), b.who, p.ID)
	if err != nil || len(vs) != 2 || vs[1].Number != 0 || vs[1].CommitMessage != "tuned" {
		t.Errorf("versions %+v, %v", vs, err)
	}
}

func TestDeletePackageRefusesWhileAssociated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.imported(b.pkg("synonyms"))
	b.domain("products")
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID}); err != nil {
		t.Fatal(err)
	}
	_, err := b.DeletePackage(t.Context(), b.who, p.ID)
	wantCode(t, err, searchpack.ErrConflict)
	b.update(func(tx searchpack.Tx) error {
		return tx.DeleteAssociation(context.Background(), b.who.Key("products"), p.ID)
	})
	if _, err := b.DeletePackage(t.Context(), b.who, p.ID); err != nil {
		t.Fatal(err)
	}
	got, _, err := b.DescribePackages(t.Context(), b.who, PackageFilter{}, Page{})
	if err != nil || len(got) != 0 {
		t.Errorf("after DeletePackage: %v, %v", got, err)
	}
}

func TestDescribePackagesPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"aaa", "bbb", "ccc", "ddd", "eee"} {
		b.pkg(name)
	}
	seen := map[string]bool{}
	for page := (Page{Max: 2}); ; {
		got, next, err := b.DescribePackages(t.Context(), b.who, PackageFilter{}, page)
		if err != nil || len(got) > 2 {
			t.Fatalf("%d packages, %v", len(got), err)
		}
		for _, p := range got {
			if seen[p.ID] {
				t.Errorf("%s twice", p.ID)
			}
			seen[p.ID] = true
		}
		if next == "" {
			break
		}
		page.After = next
	}
	if len(seen) != 5 {
		t.Errorf("saw %d of 5", len(seen))
	}
}
