// Package catalog carries out what callers ask for: packages, domains, associations. It checks
// what can be checked at once, writes rows and work in one transaction, and answers; importing and
// rolling out happen in the workers. Both API edges and the tests call it; it knows no wire format.
package catalog

import (
	"time"

	"github.com/searchpack/searchpack"
)

// CreatePackageInput is what CreatePackage is asked. Shapes have been checked by the edge.
type CreatePackageInput struct {
	Name        string
	Type        searchpack.PackageType
	Description string
	// EngineVersion is a plugin's; what is given for another type counts for nothing.
	EngineVersion string
	Source        searchpack.Source
	Configuration *searchpack.PackageConfiguration // nil: not given
	Vending       *bool                            // PackageVendingOptions.VendingEnabled; nil: not given
	Encryption    *bool                            // PackageEncryptionOptions.EncryptionEnabled; nil: not given
}

// UpdatePackageInput is what UpdatePackage is asked.
type UpdatePackageInput struct {
	ID            string
	Source        searchpack.Source
	Description   *string // nil: stays
	CommitMessage string
	Configuration *searchpack.PackageConfiguration // nil: stays
}

// ScopeOperation is AWS's PackageScopeOperationEnum.
type ScopeOperation string

// The scope operations.
const (
	ScopeAdd      ScopeOperation = "ADD"
	ScopeOverride ScopeOperation = "OVERRIDE" // the list given is the list from now on
	ScopeRemove   ScopeOperation = "REMOVE"
)

// AssociateInput is what AssociatePackage is asked, and AssociatePackages for each package.
type AssociateInput struct {
	PackageID     string
	Prerequisites []string                   // ids; nil: as before, empty: none from now on
	KeyStore      *searchpack.KeyStoreAccess // nil: as before
}

// AdoptInput is what AdoptPackage is asked.
type AdoptInput struct {
	PackageID string
	Path      string // of the file, relative to the nodes' configuration folder
	Number    int    // of the version whose bytes lie there; 0 = the newest
}

// PackageFilter selects packages. Values of one list are alternatives, the lists go together.
type PackageFilter struct {
	IDs, Names []string
	Statuses   []searchpack.PackageStatus
	Types      []searchpack.PackageType
	// EngineVersions and Owners (accounts) are alternatives as well.
	EngineVersions, Owners []string
}

// Page is a place in a list: After is the last key seen ("" = start), Max how many (0 = the
// default of 100).
type Page struct {
	After string
	Max   int
}

// AssociationView is an association with what clients see beside it.
type AssociationView struct {
	searchpack.Association
	Package searchpack.Package
	// ServingNumber and WantedNumber are version numbers, 0 if there is none.
	ServingNumber, WantedNumber int
}

// CreateDomainInput is what CreateDomain is asked.
type CreateDomainInput struct {
	Name          string
	EngineVersion string
	InstanceCount int
	Options       string // a JSON object of the options asked for, kept to be returned
	Tags          []searchpack.Tag
}

// UpdateDomainInput is what UpdateDomainConfig is asked.
type UpdateDomainInput struct {
	Name    string
	Options string // a JSON object of the options asked for; members of an object are merged
	// Defaults is a JSON object of what the options are that nobody asked for: what is the same as
	// that is no change.
	Defaults string
	DryRun   bool // say what would change, change nothing
}

// UpgradeInput is what UpgradeDomain is asked.
type UpgradeInput struct {
	Name          string
	TargetVersion string // "OpenSearch_3.8"
	CheckOnly     bool
}

// CompatibleVersions says to which versions a domain of a version may be upgraded.
type CompatibleVersions struct {
	Source  string
	Targets []string // ascending
}

// DomainView is a domain with what its nodes report.
type DomainView struct {
	searchpack.Domain
	Processing bool
	Endpoint   string // host:port of the first node that reports; "" until the domain is ready
	Nodes      int    // agents in service that reported within the last 30 s
	Deleted    bool
	// Change is the open change, else the newest; nil if there never was one.
	Change *searchpack.DomainChange
}

// Limits are what operators may change.
type Limits struct {
	// EngineVersions that CreateDomain takes, the default first; empty = any well-formed one.
	EngineVersions []string
	// DefaultEngine is taken when CreateDomain names no version and EngineVersions is empty.
	DefaultEngine string
	// MaxNodes of all domains together that CreateDomain may ask for; 0 = no limit.
	MaxNodes int
	// AWS counts plugins apart from all other packages. Per region means: of one account. 0 = off.
	PackagesPerRegion, PackagesPerDomain int
	PluginsPerRegion, PluginsPerDomain   int
	// LocalClusters: whoever runs this catalog makes the clusters and changes them when a domain row
	// changes (searchpack-dev). Else a cluster belongs to somebody who alone can resize or upgrade it,
	// and a call that asks for it is refused by name.
	LocalClusters bool
	// FilesOnly: domains made by CreateDomain have files-only nodes.
	FilesOnly bool
}

// WithAWSQuotas switches AWS's quotas of packages on.
func (l Limits) WithAWSQuotas() Limits {
	l.PackagesPerRegion, l.PackagesPerDomain = 25, 20
	l.PluginsPerRegion, l.PluginsPerDomain = 25, 20
	return l
}

// freshFor is how long a node counts as reporting after it was last heard.
const freshFor = 30 * time.Second
