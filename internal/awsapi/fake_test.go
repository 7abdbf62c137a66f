package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
	"github.com/searchpack/searchpack/internal/catalog"
)

// outcome is what the fake catalog answers to every call. Golden files hold it as JSON.
type outcome struct {
	Packages     []*searchpack.Package
	Associations []*catalog.AssociationView
	Domains      []*catalog.DomainView
	Versions     []*searchpack.Version
	Changes      []*searchpack.DomainChange
	Compatible   []catalog.CompatibleVersions
	Engines      []string
	Tagged       []searchpack.Tag
	Next         string
	Error        *searchpack.Error // for the client
	Internal     string            // any other error
	Panic        string
	Refused      *sigv4.Error // authentication fails
}

// fakeCatalog answers its outcome and notes what it was asked, in JSON.
type fakeCatalog struct {
	outcome
	asked []string
}

var testCaller = searchpack.Caller{Account: "000000000000", Region: "us-east-1", AccessKey: "test"}

func (f *fakeCatalog) authenticate(*http.Request, []byte) (searchpack.Caller, error) {
	if f.Refused != nil {
		return searchpack.Caller{}, f.Refused
	}
	return testCaller, nil
}

func (f *fakeCatalog) note(c searchpack.Caller, method string, args ...any) error {
	text, err := json.Marshal(append([]any{method}, args...))
	if err != nil || c.Account != testCaller.Account || c.Region != testCaller.Region {
		panic("bad call")
	}
	f.asked = append(f.asked, string(text))
	switch {
	case f.Panic != "":
		panic(f.Panic)
	case f.Error != nil:
		return f.Error
	case f.Internal != "":
		return errors.New(f.Internal)
	}
	return nil
}

func first[T any](list []*T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func (f *fakeCatalog) CreatePackage(_ context.Context, c searchpack.Caller, in catalog.CreatePackageInput) (*searchpack.Package, error) {
	return first(f.Packages, f.note(c, "CreatePackage", in))
}

func (f *fakeCatalog) UpdatePackage(_ context.Context, c searchpack.Caller, in catalog.UpdatePackageInput) (*searchpack.Package, error) {
	return first(f.Packages, f.note(c, "UpdatePackage", in))
}

func (f *fakeCatalog) DeletePackage(_ context.Context, c searchpack.Caller, id string) (*searchpack.Package, error) {
	return first(f.Packages, f.note(c, "DeletePackage", id))
}

func (f *fakeCatalog) DescribePackages(_ context.Context, c searchpack.Caller, in catalog.PackageFilter, p catalog.Page) ([]*searchpack.Package, string, error) {
	return f.Packages, f.Next, f.note(c, "DescribePackages", in, p)
}

func (f *fakeCatalog) UpdatePackageScope(_ context.Context, c searchpack.Caller, id string, op catalog.ScopeOperation, users []string) (*searchpack.Package, error) {
	return first(f.Packages, f.note(c, "UpdatePackageScope", id, op, users))
}

func (f *fakeCatalog) PackageVersionHistory(_ context.Context, c searchpack.Caller, id string, p catalog.Page) ([]*searchpack.Version, string, error) {
	return f.Versions, f.Next, f.note(c, "PackageVersionHistory", id, p)
}

func (f *fakeCatalog) AssociatePackage(_ context.Context, c searchpack.Caller, domain string, in catalog.AssociateInput) (*catalog.AssociationView, error) {
	return first(f.Associations, f.note(c, "AssociatePackage", domain, in))
}

func (f *fakeCatalog) AssociatePackages(_ context.Context, c searchpack.Caller, domain string, in []catalog.AssociateInput) ([]*catalog.AssociationView, error) {
	return f.Associations, f.note(c, "AssociatePackages", domain, in)
}

func (f *fakeCatalog) DissociatePackage(_ context.Context, c searchpack.Caller, domain, id string) (*catalog.AssociationView, error) {
	return first(f.Associations, f.note(c, "DissociatePackage", domain, id))
}

func (f *fakeCatalog) DissociatePackages(_ context.Context, c searchpack.Caller, domain string, ids []string) ([]*catalog.AssociationView, error) {
	return f.Associations, f.note(c, "DissociatePackages", domain, ids)
}

func (f *fakeCatalog) ListPackagesForDomain(_ context.Context, c searchpack.Caller, domain string, p catalog.Page) ([]*catalog.AssociationView, string, error) {
	return f.Associations, f.Next, f.note(c, "ListPackagesForDomain", domain, p)
}

func (f *fakeCatalog) ListDomainsForPackage(_ context.Context, c searchpack.Caller, id string, p catalog.Page) ([]*catalog.AssociationView, string, error) {
	return f.Associations, f.Next, f.note(c, "ListDomainsForPackage", id, p)
}

func (f *fakeCatalog) CreateDomain(_ context.Context, c searchpack.Caller, in catalog.CreateDomainInput) (*catalog.DomainView, error) {
	d, err := first(f.Domains, f.note(c, "CreateDomain", in))
	if d != nil {
		copied := *d
		copied.Options = in.Options // as the catalog keeps it
		d = &copied
	}
	return d, err
}

func (f *fakeCatalog) DescribeDomain(_ context.Context, c searchpack.Caller, name string) (*catalog.DomainView, error) {
	return first(f.Domains, f.note(c, "DescribeDomain", name))
}

func (f *fakeCatalog) DescribeDomains(_ context.Context, c searchpack.Caller, names []string) ([]*catalog.DomainView, error) {
	return f.Domains, f.note(c, "DescribeDomains", names)
}

func (f *fakeCatalog) ListDomainNames(_ context.Context, c searchpack.Caller) ([]*catalog.DomainView, error) {
	return f.Domains, f.note(c, "ListDomainNames")
}

func (f *fakeCatalog) DeleteDomain(_ context.Context, c searchpack.Caller, name string) (*catalog.DomainView, error) {
	return first(f.Domains, f.note(c, "DeleteDomain", name))
}

func (f *fakeCatalog) UpdateDomainConfig(_ context.Context, c searchpack.Caller, in catalog.UpdateDomainInput) (*catalog.DomainView, *searchpack.DomainChange, error) {
	d, err := first(f.Domains, f.note(c, "UpdateDomainConfig", in))
	if err != nil || len(f.Changes) == 0 {
		return d, nil, err
	}
	return d, f.Changes[0], nil
}

func (f *fakeCatalog) DomainChanges(_ context.Context, c searchpack.Caller, domain string, kind searchpack.ChangeKind) ([]*searchpack.DomainChange, error) {
	return f.Changes, f.note(c, "DomainChanges", domain, kind)
}

func (f *fakeCatalog) UpgradeDomain(_ context.Context, c searchpack.Caller, in catalog.UpgradeInput) (*searchpack.DomainChange, error) {
	return first(f.Changes, f.note(c, "UpgradeDomain", in))
}

func (f *fakeCatalog) EngineVersions() []string { return f.Engines }

func (f *fakeCatalog) CompatibleVersions(_ context.Context, c searchpack.Caller, domain string) ([]catalog.CompatibleVersions, error) {
	return f.Compatible, f.note(c, "CompatibleVersions", domain)
}

func (f *fakeCatalog) Tags(_ context.Context, c searchpack.Caller, arn string) ([]searchpack.Tag, error) {
	return f.Tagged, f.note(c, "Tags", arn)
}

func (f *fakeCatalog) AddTags(_ context.Context, c searchpack.Caller, arn string, tags []searchpack.Tag) error {
	return f.note(c, "AddTags", arn, tags)
}

func (f *fakeCatalog) RemoveTags(_ context.Context, c searchpack.Caller, arn string, keys []string) error {
	return f.note(c, "RemoveTags", arn, keys)
}

// The real catalog is what the edge is made for.
var _ Catalog = (*catalog.Catalog)(nil)
