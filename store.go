package searchpack

import (
	"context"
	"time"
)

// Store keeps everything durable but the blobs. Adapters: internal/sqlstore (SQLite, PostgreSQL).
//
// All methods of a Tx return an *Error with ErrNotFound when the thing asked for by its id does
// not exist, and plain errors for everything else. Lists come in the order stated, never nil-vs-empty
// significant. Put methods insert or replace by the primary key. Returned values are the caller's
// own.
type Store interface {
	// Update runs f in one serializable read-write transaction and commits if f returns nil. f may
	// be run again (after a serialization failure), so it must not have side effects outside tx.
	// After a commit that enqueued work, waiting claimers of this process are woken.
	Update(ctx context.Context, f func(tx Tx) error) error
	// View runs f in a read-only transaction with one snapshot.
	View(ctx context.Context, f func(tx Tx) error) error
	// Claim takes the lease of the work item of one of the kinds that is due longest, for ttl. It
	// returns nil, nil when nothing is due. Time is the dialect's clock: the database's on
	// PostgreSQL, now on SQLite.
	Claim(ctx context.Context, now time.Time, ttl time.Duration, owner string, kinds ...WorkKind) (*Work, error)
	// Renew extends the lease. ErrConflict: it is lost; stop working.
	Renew(ctx context.Context, now time.Time, ttl time.Duration, w *Work) error
	// Finish runs f (which writes the effects; may be nil) and ends the lease in one transaction:
	// another token -> ErrConflict and nothing is written; nothing asked meanwhile -> the row is
	// deleted, or due again at res.At if that is set; asked again -> due at once.
	Finish(ctx context.Context, now time.Time, w *Work, res WorkResult, f func(tx Tx) error) error
	// NextDue returns when the next item of the kinds is due (a lease's end counts), false if
	// there is none.
	NextDue(ctx context.Context, kinds ...WorkKind) (time.Time, bool, error)
	// Wake returns a channel that gets a value after commits that enqueued work, in this process.
	// It has room for one value; several wakes fold into one.
	Wake() <-chan struct{}
	// Now is the dialect's clock, for comparisons with due times: the database's on PostgreSQL.
	Now(ctx context.Context) (time.Time, error)
	// Close closes the handles.
	Close() error
}

// WorkKind is the kind of a work item.
type WorkKind string

// The kinds of work. The key is a version id, a DomainKey's String, a sweep's name.
const (
	WorkImport    WorkKind = "import"
	WorkReconcile WorkKind = "reconcile"
	WorkSweep     WorkKind = "sweep"
)

// Work is a claimed item.
type Work struct {
	Kind    WorkKind
	Key     string
	Asked   int64 // as seen at the claim
	Token   int64 // fences: grows with each claim
	Attempt int   // claims since the last success, 1 for the first
	Owner   string
}

// WorkResult says what becomes of a finished item.
type WorkResult struct {
	At    time.Time // due again at; zero = done
	Error string    // kept in the row when due again, for people; Attempt then keeps counting
}

// Tx is one transaction.
type Tx interface {
	PackageTx
	DomainTx
	RolloutTx
	PreviewTx
	PermitTx
	AgentTx
	AccessTx
	// Enqueue asks for work at due (zero = at once): an upsert that increments asked and never
	// makes an item due later than it was.
	Enqueue(ctx context.Context, kind WorkKind, key string, due time.Time) error
}

// PackageQuery selects packages of one account and region. Empty lists do not restrict; values in
// one list are alternatives; all lists together.
type PackageQuery struct {
	Account, Region string
	Shared          bool // also those that other accounts share with Account or with everybody
	IDs, Names      []string
	Statuses        []PackageStatus
	Types           []PackageType
	EngineVersions  []string
	Owners          []string // accounts
	AfterID         string   // only ids greater than this: packages come ordered by id
	Limit           int      // 0 = all
}

// PackageTx keeps packages, versions and findings.
type PackageTx interface {
	PutPackage(ctx context.Context, p *Package) error
	Package(ctx context.Context, id string) (*Package, error)
	Packages(ctx context.Context, q PackageQuery) ([]*Package, error)
	// PackagesByID returns those of the packages that exist, by id.
	PackagesByID(ctx context.Context, ids []string) (map[string]*Package, error)
	// DeletePackage deletes the package with its versions and all that was found in them.
	DeletePackage(ctx context.Context, id string) error
	PutVersion(ctx context.Context, v *Version) error
	Version(ctx context.Context, id string) (*Version, error)
	// VersionsByID returns those of the versions that exist, by id.
	VersionsByID(ctx context.Context, ids []string) (map[string]*Version, error)
	// Versions returns all versions of a package, oldest first.
	Versions(ctx context.Context, packageID string) ([]*Version, error)
	// DigestInUse reports whether any version names the blob.
	DigestInUse(ctx context.Context, d Digest) (bool, error)
	PutFindings(ctx context.Context, versionID string, f []Finding) error
	Findings(ctx context.Context, versionID string) ([]Finding, error)
	// PutManifest keeps what the version unpacks to, which replaces the manifest before; Manifest
	// returns it in the same order, nil if there is none.
	PutManifest(ctx context.Context, versionID string, m []ManifestEntry) error
	Manifest(ctx context.Context, versionID string) ([]ManifestEntry, error)
	// PutSBOM keeps the version's bill of materials, a CycloneDX document in JSON. SBOM: ErrNotFound
	// if there is none.
	PutSBOM(ctx context.Context, versionID string, doc []byte) error
	SBOM(ctx context.Context, versionID string) ([]byte, error)
	// PutChecks keeps the version's verify checks, which replace those before; Checks returns them in the
	// same order, nil if there are none.
	PutChecks(ctx context.Context, versionID string, checks []Check) error
	Checks(ctx context.Context, versionID string) ([]Check, error)
}

// DomainTx keeps domains, their changes, associations and usage.
type DomainTx interface {
	PutDomain(ctx context.Context, d *Domain) error
	Domain(ctx context.Context, k DomainKey) (*Domain, error)
	// Domains returns the domains of an account and region by name; both "" = every domain.
	Domains(ctx context.Context, account, region string) ([]*Domain, error)
	// PutChange keeps a domain change. Of each domain the newest 100 that have ended are kept.
	PutChange(ctx context.Context, c *DomainChange) error
	// Changes of a domain, the newest limit (0 = all), newest first.
	Changes(ctx context.Context, k DomainKey, limit int) ([]*DomainChange, error)
	// DeleteDomain deletes the domain with all that hangs on it: associations, rollouts, agents,
	// proofs, incidents, usage, join tokens, changes, previews, permits.
	DeleteDomain(ctx context.Context, k DomainKey) error
	PutAssociation(ctx context.Context, a *Association) error
	Association(ctx context.Context, k DomainKey, packageID string) (*Association, error)
	// Associations of a domain, by package id.
	Associations(ctx context.Context, k DomainKey) ([]*Association, error)
	// AssociationsOf a package, by domain name.
	AssociationsOf(ctx context.Context, packageID string) ([]*Association, error)
	DeleteAssociation(ctx context.Context, k DomainKey, packageID string) error
	PutUsage(ctx context.Context, k DomainKey, u *Usage) error
	Usage(ctx context.Context, k DomainKey) (*Usage, error)
}

// RolloutTx keeps rollouts and proofs.
type RolloutTx interface {
	PutRollout(ctx context.Context, r *Rollout) error
	Rollout(ctx context.Context, id string) (*Rollout, error)
	// OpenRollouts returns the domain's queued and running rollouts, oldest first.
	OpenRollouts(ctx context.Context, k DomainKey) ([]*Rollout, error)
	// Rollouts returns the newest limit rollouts of the domain, newest first.
	Rollouts(ctx context.Context, k DomainKey, limit int) ([]*Rollout, error)
	// PutProof keys by agent and package.
	PutProof(ctx context.Context, p *Proof) error
	DeleteProof(ctx context.Context, agentID, packageID string) error
	// Proofs of a domain, by package id, then node name.
	Proofs(ctx context.Context, k DomainKey) ([]*Proof, error)
}

// PreviewTx keeps previews.
type PreviewTx interface {
	PutPreview(ctx context.Context, p *Preview) error
	Preview(ctx context.Context, id string) (*Preview, error)
	// Previews of a domain, oldest first.
	Previews(ctx context.Context, k DomainKey) ([]*Preview, error)
	DeletePreview(ctx context.Context, id string) error
}

// PermitTx keeps permits.
type PermitTx interface {
	PutPermit(ctx context.Context, p *Permit) error
	DeletePermit(ctx context.Context, id string) error
	// Permits of a domain that have not ended, and those of its open rollouts, by begin.
	Permits(ctx context.Context, k DomainKey) ([]*Permit, error)
	// EndedPermits of a domain by begin: at most n, the newest ones.
	EndedPermits(ctx context.Context, k DomainKey, n int) ([]*Permit, error)
}

// AgentTx keeps agents, their reports and orders, incidents and join tokens.
type AgentTx interface {
	PutAgent(ctx context.Context, a *Agent) error
	Agent(ctx context.Context, id string) (*AgentState, error)
	// Agents of a domain, retired ones too, by name, then id.
	Agents(ctx context.Context, k DomainKey) ([]*AgentState, error)
	PutReport(ctx context.Context, agentID string, r *Report, at time.Time) error
	// Heard writes heartbeats in one batch: agent id -> when. As with PutReport, the later time stays,
	// unless it is more than ClockStep ahead: then the clock was put back.
	Heard(ctx context.Context, at map[string]time.Time) error
	PutOrder(ctx context.Context, agentID string, o *Order) error
	// OrderGenerations returns the generation of every order of agents in service.
	OrderGenerations(ctx context.Context) (map[string]int64, error)
	// PutIncident keeps an incident once: by agent and id. A later Healed replaces. Of each agent the
	// newest 1,000 are kept.
	PutIncident(ctx context.Context, i *NodeIncident) error
	// Incidents of a domain, the newest limit, newest first.
	Incidents(ctx context.Context, k DomainKey, limit int) ([]*NodeIncident, error)
	// OpenIncidents of a domain and kind are those that are not healed, oldest first.
	OpenIncidents(ctx context.Context, k DomainKey, kind IncidentKind) ([]*NodeIncident, error)
	PutJoinToken(ctx context.Context, t *JoinToken) error
	JoinToken(ctx context.Context, id string) (*JoinToken, error)
	JoinTokens(ctx context.Context, k DomainKey) ([]*JoinToken, error)
	DeleteJoinToken(ctx context.Context, id string) error
}

// AccessTx keeps credentials, the authority's sealed keys and the audit log.
type AccessTx interface {
	PutCredential(ctx context.Context, c *Credential) error
	Credential(ctx context.Context, accessKey string) (*Credential, error)
	// Credentials by account, name, access key.
	Credentials(ctx context.Context) ([]*Credential, error)
	DeleteCredential(ctx context.Context, accessKey string) error
	// PutSecret keeps a sealed document by name ("ca").
	PutSecret(ctx context.Context, name string, sealed []byte) error
	Secret(ctx context.Context, name string) ([]byte, error)
	AddEvent(ctx context.Context, e *Event) error
	// Events returns the newest limit events of the account and region with an id below before
	// (0 = from the newest), newest first.
	Events(ctx context.Context, account, region string, before int64, limit int) ([]*Event, error)
	// DeleteEvents deletes up to limit events older than before, oldest first, and says how many.
	DeleteEvents(ctx context.Context, before time.Time, limit int) (int, error)
	// Doom returns the mark of the blob, with a zero Since if there is none.
	Doom(ctx context.Context, d Digest) (Doom, error)
	// PutDoom keeps the mark; one with a zero Since takes it off. PutVersion takes it off for the
	// digest of the version, in its transaction, and refuses with ErrUnavailable a digest whose
	// mark is Condemned: its bytes may vanish at any moment until that mark is off.
	PutDoom(ctx context.Context, m Doom) error
	// Dooms returns the marks of digests greater than after, by digest, up to limit.
	Dooms(ctx context.Context, after Digest, limit int) ([]Doom, error)
}
