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

func (f *fakeCatalog) AssociatePackage(_ context.Context, c searchpack.Caller, id, domain string) (*catalog.AssociationView, error) {
	return first(f.Associations, f.note(c, "AssociatePackage", id, domain))
}

func (f *fakeCatalog) DissociatePackage(_ context.Context, c searchpack.Caller, id, domain string) (*catalog.AssociationView, error) {
	return first(f.Associations, f.note(c, "DissociatePackage", id, domain))
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
		copied.Request = in.Request // as the catalog keeps it
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

// The real catalog is what the edge is made for.
var _ Catalog = (*catalog.Catalog)(nil)
