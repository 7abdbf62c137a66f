// Package awsapi is the AWS edge: the OpenSearch Service API (restJson1, signing name es) as boto3,
// the AWS CLI, the SDKs and Terraform speak it, in its versions 2021-01-01 and 2015-01-01.
//
// A request goes through route, size limit, authentication, decoding, constraints, permission, and
// then one method of the catalog; the answer comes back in AWS's shapes. Which operations there are,
// what their members must look like and which errors they declare comes from one table,
// model/api.json. Each operation is written once, in the words of 2021-01-01; the older version is
// translated by its shapes on the way in and out.
//
// This package decides nothing about packages and domains, reads no database and knows no other
// edge. Every answer is JSON with a request id; nothing is ever redirected.
package awsapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// Catalog is what this edge asks of the catalog; *catalog.Catalog is one. Errors are
// *searchpack.Error if they are for the client, and any other error is internal. Lists come with
// the key to continue after, "" at the end.
type Catalog interface {
	CreatePackage(ctx context.Context, c searchpack.Caller, in catalog.CreatePackageInput) (*searchpack.Package, error)
	UpdatePackage(ctx context.Context, c searchpack.Caller, in catalog.UpdatePackageInput) (*searchpack.Package, error)
	DeletePackage(ctx context.Context, c searchpack.Caller, id string) (*searchpack.Package, error)
	DescribePackages(ctx context.Context, c searchpack.Caller, f catalog.PackageFilter, p catalog.Page) ([]*searchpack.Package, string, error)
	UpdatePackageScope(ctx context.Context, c searchpack.Caller, id string, op catalog.ScopeOperation, users []string) (*searchpack.Package, error)
	PackageVersionHistory(ctx context.Context, c searchpack.Caller, id string, p catalog.Page) ([]*searchpack.Version, string, error)

	AssociatePackage(ctx context.Context, c searchpack.Caller, domain string, in catalog.AssociateInput) (*catalog.AssociationView, error)
	AssociatePackages(ctx context.Context, c searchpack.Caller, domain string, in []catalog.AssociateInput) ([]*catalog.AssociationView, error)
	DissociatePackage(ctx context.Context, c searchpack.Caller, domain, id string) (*catalog.AssociationView, error)
	DissociatePackages(ctx context.Context, c searchpack.Caller, domain string, ids []string) ([]*catalog.AssociationView, error)
	ListPackagesForDomain(ctx context.Context, c searchpack.Caller, domain string, p catalog.Page) ([]*catalog.AssociationView, string, error)
	ListDomainsForPackage(ctx context.Context, c searchpack.Caller, id string, p catalog.Page) ([]*catalog.AssociationView, string, error)

	CreateDomain(ctx context.Context, c searchpack.Caller, in catalog.CreateDomainInput) (*catalog.DomainView, error)
	DescribeDomain(ctx context.Context, c searchpack.Caller, name string) (*catalog.DomainView, error)
	DescribeDomains(ctx context.Context, c searchpack.Caller, names []string) ([]*catalog.DomainView, error)
	ListDomainNames(ctx context.Context, c searchpack.Caller) ([]*catalog.DomainView, error)
	DeleteDomain(ctx context.Context, c searchpack.Caller, name string) (*catalog.DomainView, error)
	UpdateDomainConfig(ctx context.Context, c searchpack.Caller, in catalog.UpdateDomainInput) (*catalog.DomainView, *searchpack.DomainChange, error)
	DomainChanges(ctx context.Context, c searchpack.Caller, domain string, kind searchpack.ChangeKind) ([]*searchpack.DomainChange, error)
	UpgradeDomain(ctx context.Context, c searchpack.Caller, in catalog.UpgradeInput) (*searchpack.DomainChange, error)
	EngineVersions() []string
	CompatibleVersions(ctx context.Context, c searchpack.Caller, domain string) ([]catalog.CompatibleVersions, error)

	Tags(ctx context.Context, c searchpack.Caller, arn string) ([]searchpack.Tag, error)
	AddTags(ctx context.Context, c searchpack.Caller, arn string, tags []searchpack.Tag) error
	RemoveTags(ctx context.Context, c searchpack.Caller, arn string, keys []string) error
}

// Config is what the edge needs. Catalog and Authenticate must be set.
type Config struct {
	Catalog Catalog
	// Authenticate says who sent the request with that body. A *sigv4.Error goes to the client as
	// it is, a *searchpack.Error by its code; any other error is internal.
	Authenticate func(r *http.Request, body []byte) (searchpack.Caller, error)
	// Authorize decides whether the caller may do it; nil: every authenticated caller may.
	Authorize searchpack.Authorizer
	// Refused notes an authenticated call that would have changed something and failed, after it was
	// answered; nil: nobody does. Calls that succeed are noted by the catalog, with what they did.
	Refused func(ctx context.Context, e searchpack.Event)
	Logger  *slog.Logger     // nil: slog.Default()
	Now     func() time.Time // nil: time.Now
	MaxBody int64            // bytes; 0: 1 MiB
}

// defaultMaxBody: AWS's largest legal request is CreateDomain with a 100 KiB access policy.
const defaultMaxBody = 1 << 20

type handler struct {
	Config
	model    *model
	router   *router
	served   map[string]map[string]endpoint // by version and name of the operation
	defaults *defaults
	newID    func() string // of requests and dry runs
	bodyTime time.Duration
}

// The versions of the API. Both work on the same packages and domains.
const (
	version = "2021-01-01"
	legacy  = "2015-01-01" // aws es: fewer operations, narrower shapes
)

// New returns the edge as a handler for the whole host: it answers every path, also unknown ones.
func New(cfg Config) http.Handler {
	h, err := newHandler(cfg)
	if err != nil {
		panic(err) // the embedded tables are part of the program
	}
	return h
}

func newHandler(cfg Config) (*handler, error) {
	m, err := loadModel()
	if err != nil {
		return nil, err
	}
	defaults, err := loadDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
	}
	return &handler{
		Config: cfg, model: m, router: newRouter(m.Operations), served: operations(), defaults: defaults,
		newID: uuid.NewString, bodyTime: bodyTime,
	}, nil
}
