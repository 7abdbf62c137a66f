package searchpack

import (
	"fmt"
	"strings"
	"time"
)

// DomainKey names a domain.
type DomainKey struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
}

// String returns "account/region/name", which ParseDomainKey reads.
func (k DomainKey) String() string { return k.Account + "/" + k.Region + "/" + k.Name }

// ARN returns the domain's ARN as AWS writes it.
func (k DomainKey) ARN() string {
	return "arn:aws:es:" + k.Region + ":" + k.Account + ":domain/" + k.Name
}

// ParseDomainKey reads what DomainKey.String wrote.
func ParseDomainKey(s string) (DomainKey, error) {
	p := strings.Split(s, "/")
	if len(p) != 3 || p[0] == "" || p[1] == "" || p[2] == "" {
		return DomainKey{}, fmt.Errorf("%q is no account/region/name", s)
	}
	return DomainKey{Account: p[0], Region: p[1], Name: p[2]}, nil
}

// Level is what a proof proves.
type Level string

// The levels, each containing the one before. LevelLoaded comes with the witness.
const (
	LevelPlaced Level = "placed" // the right bytes lie under the final name
	LevelProbed Level = "probed" // and the node itself can build filters from them
)

// DomainPolicy is what the owner of a domain decided. The zero value is the default.
type DomainPolicy struct {
	// Level demanded for ACTIVE; "" = the highest the program offers for the node.
	Level Level `json:"level,omitempty"`
	// UnmanagedNodes "ignore": members without an agent do not block. "": they do.
	UnmanagedNodes string `json:"unmanaged_nodes,omitempty"`
	// AbsentNodes "wait": an enrolled node that is down blocks. "" ("owe"): its proof is owed.
	AbsentNodes string `json:"absent_nodes,omitempty"`
}

// Domain is one OpenSearch cluster that Searchpack serves.
type Domain struct {
	DomainKey
	ID            string // AWS's DomainId: account/name
	EngineVersion string // "OpenSearch_3.8"; "" until asked for or reported
	// Request is the JSON body of CreateDomain, so that the options a client sent come back;
	// "" for a domain made by its first join token.
	Request string
	// Nodes is how many nodes make the domain ready; 0: the first one does.
	Nodes int
	// FilesOnly: the nodes are agents without an OpenSearch (searchpack-dev --opensearch none).
	FilesOnly bool
	Policy    DomainPolicy
	CreatedAt time.Time
	// DeletedAt is set while a deleted domain is being taken down; zero else.
	DeletedAt time.Time
}

// AssociationStatus is AWS's DomainPackageStatus. A finished dissociation is an absent row.
type AssociationStatus string

// The association statuses.
const (
	Associating        AssociationStatus = "ASSOCIATING"
	AssociationFailed  AssociationStatus = "ASSOCIATION_FAILED"
	Active             AssociationStatus = "ACTIVE"
	Dissociating       AssociationStatus = "DISSOCIATING"
	DissociationFailed AssociationStatus = "DISSOCIATION_FAILED"
)

// Association is package x domain: the version that serves, the version wanted, its status.
type Association struct {
	Domain    DomainKey
	PackageID string
	Status    AssociationStatus
	// ServingID is the version that the nodes serve, "" if none does. A failed update does not
	// change it.
	ServingID string
	// WantedID is the version pinned by the last AssociatePackage.
	WantedID  string
	Error     *ErrorDetails // only with a *_FAILED status
	Note      string        // what an unfinished rollout waits for, in one sentence; "" if nothing
	Findings  []Finding     // for example "reopen needed: ..."
	CreatedAt time.Time
	UpdatedAt time.Time
}
