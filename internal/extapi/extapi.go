// Package extapi is the edge under /searchpack/v1: what AWS's API lacks, for the command line, the
// console and scripts. Same credentials as the AWS edge, snake_case JSON, described by openapi.json
// which it serves. It never changes what an AWS operation means, and holds no rules: it reads and
// asks the catalog.
package extapi

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/rollout"
)

// Prefix of every path of this edge.
const Prefix = "/searchpack/v1"

// maxBody bounds a request's body: the largest is a credential with ten policies of 6,144 characters.
const maxBody = 256 << 10

// actionPrefix begins the IAM actions of this edge's operations.
const actionPrefix = "searchpack:"

//go:embed openapi.json
var openAPI []byte

// Catalog is what this edge asks of the application.
type Catalog interface {
	Versions(ctx context.Context, who searchpack.Caller, id string) ([]*searchpack.Version, error)
	Findings(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Finding, error)
	Manifest(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.ManifestEntry, error)
	Checks(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Check, error)
	SBOM(ctx context.Context, who searchpack.Caller, id string, number int) ([]byte, error)
	Diff(ctx context.Context, who searchpack.Caller, id string, from, to int) (*catalog.Diff, error)
	ListPackagesForDomain(ctx context.Context, who searchpack.Caller, domain string, page catalog.Page) ([]*catalog.AssociationView, string, error)
	ChooseVersion(ctx context.Context, who searchpack.Caller, domain string, in catalog.ChooseInput) (*catalog.AssociationView, error)
	AdoptPackage(ctx context.Context, who searchpack.Caller, domain string, in catalog.AdoptInput) (*catalog.AssociationView, error)
	ControlRollout(ctx context.Context, who searchpack.Caller, domain, id string, o rollout.Command) (*searchpack.Rollout, error)
	Plan(ctx context.Context, who searchpack.Caller, domain, id string, number int, prerequisites []string) (*catalog.PlanView, error)
	Preview(ctx context.Context, who searchpack.Caller, domain string, in catalog.PreviewInput) (*catalog.PreviewView, error)
	Nodes(ctx context.Context, who searchpack.Caller, domain string) (*catalog.NodesView, error)
	DomainPolicy(ctx context.Context, who searchpack.Caller, domain string) (*searchpack.DomainPolicy, error)
	UpdateDomainPolicy(ctx context.Context, who searchpack.Caller, domain string, ch catalog.PolicyChange) (*searchpack.DomainPolicy, error)
	Proofs(ctx context.Context, who searchpack.Caller, domain, packageID string) ([]*searchpack.Proof, error)
	Rollouts(ctx context.Context, who searchpack.Caller, domain string, limit int) ([]*searchpack.Rollout, map[string]*searchpack.Version, error)
	Usage(ctx context.Context, who searchpack.Caller, domain, packageID string) (*searchpack.Usage, error)
	Events(ctx context.Context, who searchpack.Caller, q catalog.EventQuery) (*catalog.EventPage, error)
	CreateJoinToken(ctx context.Context, who searchpack.Caller, in catalog.JoinTokenInput) (*searchpack.JoinToken, error)
	JoinTokens(ctx context.Context, who searchpack.Caller, domain string) ([]*searchpack.JoinToken, error)
	DeleteJoinToken(ctx context.Context, who searchpack.Caller, domain, id string) error
	RetireNode(ctx context.Context, who searchpack.Caller, domain, node string) (*searchpack.Agent, error)
	CreateCredential(ctx context.Context, who searchpack.Caller, in catalog.CredentialInput) (*searchpack.Credential, error)
	Credentials(ctx context.Context, who searchpack.Caller, account string) ([]*searchpack.Credential, error)
	Credential(ctx context.Context, who searchpack.Caller, accessKey string) (*searchpack.Credential, error)
	UpdateCredential(ctx context.Context, who searchpack.Caller, accessKey string, ch catalog.CredentialChange) (*searchpack.Credential, error)
	RotateCredential(ctx context.Context, who searchpack.Caller, accessKey string, key catalog.SealedKey) (*searchpack.Credential, error)
	DeleteCredential(ctx context.Context, who searchpack.Caller, accessKey string) error
}

// Config of the edge. All fields but Authorize, Refused, Complaint and Logger are required.
type Config struct {
	Catalog      Catalog
	Authenticate func(r *http.Request, body []byte) (searchpack.Caller, error)
	// Authorize decides whether the caller may do it; nil: every authenticated caller may.
	Authorize searchpack.Authorizer
	// Refused is told of each mutating call of a known caller that fails, for the audit log: the
	// catalog notes those that succeed. The event's time is not set.
	Refused func(ctx context.Context, e searchpack.Event)
	// NewToken makes a join token: its id, the text the user gets, the hash that is stored.
	NewToken func() (id, text string, hash searchpack.Digest, err error)
	// NewKey makes a key, or a temporary one.
	NewKey func(temporary bool) Key
	// Healthy returns nil while the program can do its work.
	Healthy func(ctx context.Context) error
	// Complaint, if set, says what does not work while the program does; "" = all is well.
	Complaint func() string
	Version   string // of the program
	Logger    *slog.Logger
}

// Key is a key as it is made: to be told once, and to be stored sealed.
type Key struct {
	Secret       string
	SessionToken string // of a temporary key
	catalog.SealedKey
}

type edge struct {
	Config
	mux *http.ServeMux
	// operations are what handle was given, "GET /events", with the IAM action of each, "" for one
	// that needs no credentials; openapi.json describes the same.
	operations map[string]string
}

// New returns the handler of every path under Prefix.
func New(c Config) http.Handler { return http.HandlerFunc(newEdge(c).serve) }

func newEdge(c Config) *edge {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	e := &edge{Config: c, mux: http.NewServeMux(), operations: map[string]string{}}
	e.open("GET /health", "", e.health)
	e.open("GET /openapi.json", "", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI)
	})
	e.handle("GET /packages/{package}/versions", "ListVersions", e.versions)
	e.handle("GET /packages/{package}/findings", "ListFindings", e.findings, "version")
	e.handle("GET /packages/{package}/manifest", "GetManifest", e.manifest, "version")
	e.handle("GET /packages/{package}/checks", "GetChecks", e.checks, "version")
	e.handle("GET /packages/{package}/sbom", "GetSBOM", e.sbom, "version")
	e.handle("GET /packages/{package}/diff", "GetDiff", e.diff, "from", "to")
	e.handle("GET /domains/{domain}/associations", "ListAssociations", e.associations)
	e.handle("PUT /domains/{domain}/associations/{package}/version", "ChooseVersion", e.choose)
	e.handle("POST /domains/{domain}/packages/{package}/adopt", "AdoptPackage", e.adopt)
	e.handle("GET /domains/{domain}/packages/{package}/plan", "GetPlan", e.plan, "version", "prerequisite")
	e.handle("POST /domains/{domain}/packages/{package}/preview", "PreviewPackage", e.preview)
	e.handle("GET /domains/{domain}/nodes", "ListNodes", e.nodes)
	e.handle("POST /domains/{domain}/nodes/{node}/retire", "RetireNode", e.retire)
	e.handle("GET /domains/{domain}/policy", "GetDomainPolicy", e.policy)
	e.handle("PATCH /domains/{domain}/policy", "UpdateDomainPolicy", e.updatePolicy)
	e.handle("GET /domains/{domain}/proofs", "ListProofs", e.proofs, "package_id")
	e.handle("GET /domains/{domain}/rollouts", "ListRollouts", e.rollouts, "limit")
	e.handle("POST /domains/{domain}/rollouts/{rollout}/pause", "PauseRollout", e.control(rollout.CommandPause))
	e.handle("POST /domains/{domain}/rollouts/{rollout}/resume", "ResumeRollout", e.control(rollout.CommandResume))
	e.handle("POST /domains/{domain}/rollouts/{rollout}/abort", "AbortRollout", e.control(rollout.CommandAbort))
	e.handle("GET /domains/{domain}/usage", "GetUsage", e.usage, "package_id")
	e.handle("GET /domains/{domain}/tokens", "ListJoinTokens", e.tokens)
	e.handle("POST /domains/{domain}/tokens", "CreateJoinToken", e.createToken)
	e.handle("DELETE /domains/{domain}/tokens/{token}", "DeleteJoinToken", e.deleteToken)
	e.handle("GET /events", "ListEvents", e.events, "limit", "before", "after", "since", "action", "subject")
	e.handle("GET /credentials", "ListCredentials", e.credentials, "account")
	e.handle("POST /credentials", "CreateCredential", e.createCredential)
	e.handle("GET /credentials/{key}", "GetCredential", e.credential)
	e.handle("PATCH /credentials/{key}", "UpdateCredential", e.updateCredential)
	e.handle("POST /credentials/{key}/rotate", "RotateCredential", e.rotateCredential)
	e.handle("DELETE /credentials/{key}", "DeleteCredential", e.deleteCredential)
	return e
}

func (e *edge) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := e.Healthy(ctx); err != nil {
		e.Logger.Warn("not healthy", "error", err)
		e.write(w, http.StatusServiceUnavailable, map[string]any{"status": "starting", "version": e.Config.Version, "message": searchpack.ErrorMessage(err)})
		return
	}
	doc := map[string]any{"status": "ok", "version": e.Config.Version, "protocol": 1}
	if e.Complaint != nil {
		if message := e.Complaint(); message != "" {
			doc["message"] = message
		}
	}
	e.write(w, http.StatusOK, doc)
}
