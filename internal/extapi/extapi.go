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
)

// Prefix of every path of this edge.
const Prefix = "/searchpack/v1"

// maxBody bounds a request's body: the largest is a join token's few fields.
const maxBody = 64 << 10

//go:embed openapi.json
var openAPI []byte

// Catalog is what this edge asks of the application.
type Catalog interface {
	Versions(ctx context.Context, who searchpack.Caller, id string) ([]*searchpack.Version, error)
	Findings(ctx context.Context, who searchpack.Caller, id string, number int) (*searchpack.Version, []searchpack.Finding, error)
	ListPackagesForDomain(ctx context.Context, who searchpack.Caller, domain string, page catalog.Page) ([]*catalog.AssociationView, string, error)
	Nodes(ctx context.Context, who searchpack.Caller, domain string) (*catalog.NodesView, error)
	Proofs(ctx context.Context, who searchpack.Caller, domain, packageID string) ([]*searchpack.Proof, error)
	Rollouts(ctx context.Context, who searchpack.Caller, domain string, limit int) ([]*searchpack.Rollout, map[string]*searchpack.Version, error)
	Usage(ctx context.Context, who searchpack.Caller, domain, packageID string) (*searchpack.Usage, error)
	Events(ctx context.Context, who searchpack.Caller, before int64, limit int) ([]*searchpack.Event, error)
	CreateJoinToken(ctx context.Context, who searchpack.Caller, in catalog.JoinTokenInput) (*searchpack.JoinToken, error)
	JoinTokens(ctx context.Context, who searchpack.Caller, domain string) ([]*searchpack.JoinToken, error)
	DeleteJoinToken(ctx context.Context, who searchpack.Caller, domain, id string) error
	RetireNode(ctx context.Context, who searchpack.Caller, domain, node string) (*searchpack.Agent, error)
}

// Config of the edge. All fields but Complaint and Logger are required.
type Config struct {
	Catalog      Catalog
	Authenticate func(r *http.Request, body []byte) (searchpack.Caller, error)
	// NewToken makes a join token: its id, the text the user gets, the hash that is stored.
	NewToken func() (id, text string, hash searchpack.Digest, err error)
	// Healthy returns nil while the program can do its work.
	Healthy func(ctx context.Context) error
	// Complaint, if set, says what does not work while the program does; "" = all is well.
	Complaint func() string
	Version   string // of the program
	Logger    *slog.Logger
}

type edge struct {
	Config
	mux *http.ServeMux
	// operations are what handle was given, "GET /events"; openapi.json describes the same.
	operations []string
}

// New returns the handler of every path under Prefix.
func New(c Config) http.Handler { return http.HandlerFunc(newEdge(c).serve) }

func newEdge(c Config) *edge {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	e := &edge{Config: c, mux: http.NewServeMux()}
	e.open("GET /health", e.health)
	e.open("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI)
	})
	e.handle("GET /packages/{package}/versions", e.versions)
	e.handle("GET /packages/{package}/findings", e.findings, "version")
	e.handle("GET /domains/{domain}/associations", e.associations)
	e.handle("GET /domains/{domain}/nodes", e.nodes)
	e.handle("POST /domains/{domain}/nodes/{node}/retire", e.retire)
	e.handle("GET /domains/{domain}/proofs", e.proofs, "package_id")
	e.handle("GET /domains/{domain}/rollouts", e.rollouts, "limit")
	e.handle("GET /domains/{domain}/usage", e.usage, "package_id")
	e.handle("GET /domains/{domain}/tokens", e.tokens)
	e.handle("POST /domains/{domain}/tokens", e.createToken)
	e.handle("DELETE /domains/{domain}/tokens/{token}", e.deleteToken)
	e.handle("GET /events", e.events, "limit", "before")
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
