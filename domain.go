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

// The levels, each containing the one before.
const (
	LevelPlaced Level = "placed" // the right bytes lie under the final name
	LevelProbed Level = "probed" // and the node itself can build filters from them
	LevelLoaded Level = "loaded" // and its analyzers that use the file have it loaded
)

// DomainPolicy is what the owner of a domain decided. The zero value is the default.
type DomainPolicy struct {
	// Level demanded for ACTIVE; "" = the highest the program offers for the node.
	Level Level `json:"level,omitempty"`
	// UnmanagedNodes "ignore": members without an agent do not block. "": they do.
	UnmanagedNodes string `json:"unmanaged_nodes,omitempty"`
	// AbsentNodes "wait": an enrolled node that is down blocks. "" ("owe"): its proof is owed.
	AbsentNodes string `json:"absent_nodes,omitempty"`
	// Restart "any": a node is restarted for a plugin although it has the only copy of a shard, or
	// others could not elect a manager meanwhile. "": only a domain of one node.
	Restart string `json:"restart,omitempty"`
}

// The policies for nodes, other than the defaults.
const (
	UnmanagedIgnore = "ignore"
	AbsentWait      = "wait"
	RestartAny      = "any"
)

// DomainWatch is since when a domain's cluster is not as one cluster should be, by the server's clock.
type DomainWatch struct {
	// DifferSince: the agents name different elected cluster managers. Zero: they do not.
	DifferSince time.Time `json:"differ_since,omitzero"`
	// FrozenSince: nothing moves in the domain. Zero: it does.
	FrozenSince time.Time `json:"frozen_since,omitzero"`
}

// Domain is one OpenSearch cluster that Searchpack serves.
type Domain struct {
	DomainKey
	ID            string // AWS's DomainId: account/name
	EngineVersion string // "OpenSearch_3.8"; "" until asked for or reported
	// Options are the options as they are now: a JSON object with AWS's member names, of what
	// CreateDomain and UpdateDomainConfig asked for; "" for a domain made by its first join token.
	Options string
	// Stamps say of each option when it was set and changed; one that is missing is as old as the
	// domain.
	Stamps map[string]OptionStamp
	Tags   []Tag // by key
	// Nodes is how many nodes make the domain ready; 0: the first one does.
	Nodes int
	// FilesOnly: the nodes are agents without an OpenSearch (searchpack-dev --opensearch none).
	FilesOnly bool
	Policy    DomainPolicy
	// Saved are cluster settings that a rollout has changed; nil = all are as they were.
	Saved *SavedAllocation
	// Watch is what the reconcile remembers of the cluster from one decision to the next.
	Watch     DomainWatch
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

// Track says how a domain follows a package's versions.
type Track string

// The tracks.
const (
	TrackCalls  Track = ""       // as AWS: a new version when AssociatePackage is called
	TrackPinned Track = "pinned" // the version stays until somebody chooses another by its number
	TrackLatest Track = "latest" // a new version is rolled out as soon as it is available
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
	WantedID string
	Track    Track
	// Path is where the file lies on the nodes if it was adopted, relative to the configuration folder;
	// "" = at ReferencePath.
	Path string
	// Prerequisites are the packages that the caller said must be associated before this one.
	Prerequisites []string
	// KeyStore is AWS's KeyStoreAccessOption as the caller gave it; nil: not given.
	KeyStore *KeyStoreAccess
	Error    *ErrorDetails // only with a *_FAILED status
	Note     string        // what an unfinished rollout waits for, else which nodes owe the proof, in one sentence; "" if nothing
	Findings []Finding     // for example "reopen needed: ..."
	// Texts by which a node shows that it has loaded the version that serves.
	Texts     []string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// KeyStoreAccess is AWS's KeyStoreAccessOption.
type KeyStoreAccess struct {
	Enabled bool   `json:"enabled"`
	RoleARN string `json:"role_arn,omitempty"`
}

// OptionStamp is what AWS says about each option of a domain's configuration.
type OptionStamp struct {
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Version   int       `json:"version"` // UpdateVersion: grows with each change
}

// Tag of a domain.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ChangeKind is what a domain change is about.
type ChangeKind string

// The kinds of domain changes.
const (
	ChangeConfig  ChangeKind = "config"  // UpdateDomainConfig
	ChangeUpgrade ChangeKind = "upgrade" // UpgradeDomain
)

// ChangeStatus is AWS's OverallChangeStatus.
type ChangeStatus string

// The statuses of a domain change.
const (
	ChangePending    ChangeStatus = "PENDING"
	ChangeProcessing ChangeStatus = "PROCESSING"
	ChangeCompleted  ChangeStatus = "COMPLETED"
	ChangeFailed     ChangeStatus = "FAILED"
)

// Open reports whether the change has not ended.
func (s ChangeStatus) Open() bool { return s == ChangePending || s == ChangeProcessing }

// UpgradeStep is AWS's UpgradeStep.
type UpgradeStep string

// The steps of an upgrade, in their order.
const (
	UpgradeCheck    UpgradeStep = "PRE_UPGRADE_CHECK"
	UpgradeSnapshot UpgradeStep = "SNAPSHOT"
	UpgradeUpgrade  UpgradeStep = "UPGRADE"
)

// DomainChange is a change of a domain's configuration or engine version. At most one of a domain
// is open.
type DomainChange struct {
	ID     string // a UUID: AWS's ChangeId
	Domain DomainKey
	Kind   ChangeKind
	Status ChangeStatus
	// Properties are what changes, for clients to read.
	Properties []ChangedProperty
	// FromVersion and ToVersion of an upgrade, "OpenSearch_3.7"; "" else.
	FromVersion, ToVersion string
	CheckOnly              bool        // of an upgrade: nothing is to be changed
	Step                   UpgradeStep // of an upgrade
	Progress               float64     // of Step, in percent
	Note                   string      // what it is doing or waiting for, in one sentence
	Error                  string      // why it FAILED
	StartedAt              time.Time
	UpdatedAt              time.Time
	EndedAt                time.Time // zero while open
}

// ChangedProperty is one option that a change touches, values as JSON text.
type ChangedProperty struct {
	Name string `json:"name"` // "ClusterConfig.InstanceCount"
	From string `json:"from"`
	To   string `json:"to"`
}
