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
	Name          string
	Type          searchpack.PackageType
	Description   string
	EngineVersion string
	Source        searchpack.Source
}

// UpdatePackageInput is what UpdatePackage is asked.
type UpdatePackageInput struct {
	ID            string
	Source        searchpack.Source
	Description   *string // nil: stays
	CommitMessage string
}

// PackageFilter selects packages. Values of one list are alternatives, the lists go together.
type PackageFilter struct {
	IDs, Names []string
	Statuses   []searchpack.PackageStatus
	Types      []searchpack.PackageType
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
	Request       string // the JSON body, kept to be returned
}

// DomainView is a domain with what its nodes report.
type DomainView struct {
	searchpack.Domain
	Processing bool
	Endpoint   string // host:port of the first node that reports; "" while Processing
	Nodes      int    // agents in service that reported within the last 30 s
	Deleted    bool
}

// Limits are what operators may change.
type Limits struct {
	// EngineVersions that CreateDomain takes, the default first; empty = any well-formed one.
	EngineVersions []string
	// DefaultEngine is taken when CreateDomain names no version and EngineVersions is empty.
	DefaultEngine string
	// MaxNodes of all domains together that CreateDomain may ask for; 0 = no limit.
	MaxNodes int
	// PackagesPerRegion and PackagesPerDomain are AWS's quotas (25 and 20); 0 = off.
	PackagesPerRegion, PackagesPerDomain int
	// FilesOnly: domains made by CreateDomain have files-only nodes.
	FilesOnly bool
}

// freshFor is how long a node counts as reporting after it was last heard (rollout.md section 2).
const freshFor = 30 * time.Second
