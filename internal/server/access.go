package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
	"github.com/searchpack/searchpack/internal/auth/iam"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
	"github.com/searchpack/searchpack/internal/catalog"
)

// Handler serves the AWS API and /searchpack/v1.
func (s *Server) Handler() http.Handler { return s.handler }

// Addr is the API's address, "" if the caller serves Handler.
func (s *Server) Addr() string {
	if s.api == nil {
		return ""
	}
	return s.api.Addr().String()
}

// AgentAddr is the agents' address, host:port; "" if there is none.
func (s *Server) AgentAddr() string {
	if s.agentsL == nil {
		return ""
	}
	return s.agentsL.Addr().String()
}

// Store is the store, for the development stack, which makes clusters from domain rows.
func (s *Server) Store() searchpack.Store { return s.store }

// Catalog is the application, for the development stack, which makes domains by itself.
func (s *Server) Catalog() *catalog.Catalog { return s.catalog }

// Admin is the caller whom the development stack acts as. It may do everything.
func (s *Server) Admin() searchpack.Caller {
	c := searchpack.Credential{Account: s.cfg.Account, Name: adminUser}
	return searchpack.Caller{
		Account: c.Account, Region: s.cfg.Region, User: c.Name, ARN: c.ARN(),
		Policies: []string{iam.AdminPolicy}, Operator: true,
	}
}

// Identify checks the signature of a request for a service ("es", "sts") and says who sent it.
func (s *Server) Identify(r *http.Request, body []byte, service string) (searchpack.Caller, error) {
	return sigv4.Verify(r, body, s.credential, sigv4.Options{Services: []string{service}, Now: s.cfg.Now()})
}

// CreateJoinToken makes a token for one agent of a domain and returns its text. ErrNotFound: the
// domain is gone, and does not come back by a token for its nodes.
func (s *Server) CreateJoinToken(ctx context.Context, key searchpack.DomainKey) (string, error) {
	id, text, hash, err := s.newToken()
	if err != nil {
		return "", err
	}
	who := s.Admin()
	who.Account, who.Region = key.Account, key.Region
	_, err = s.catalog.CreateJoinToken(ctx, who, catalog.JoinTokenInput{Domain: key.Name, MustExist: true, ID: id, SecretHash: hash})
	return text, err
}

// newToken makes a join token that carries the hash of the authority's key.
func (s *Server) newToken() (id, text string, hash searchpack.Digest, err error) {
	t := enroll.NewToken(s.authority.KeyHash())
	return t.ID, t.String(), t.SecretHash(), nil
}

func (s *Server) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// allowed is the allow-list of sources: account -> "*", "bucket" (the whole of it) or
// "bucket/prefix", a prefix of the key in characters as everywhere in S3; the account "*" is every
// account.
type allowed map[string][]string

// Allowed reports whether the account may import from the place.
func (a allowed) Allowed(account string, src searchpack.Source) bool {
	return slices.ContainsFunc(slices.Concat(a[account], a["*"]), func(entry string) bool {
		if entry == "*" {
			return true
		}
		bucket, prefix, _ := strings.Cut(entry, "/")
		if bucket != src.Bucket || !strings.HasPrefix(src.Key, prefix) {
			return false
		}
		return prefix == "" || !climbs(src.Key)
	})
}

// sources says where packages may come from.
type sources struct {
	allowed
	own func(searchpack.Source) bool // the server's own blobs
}

// Allowed reports whether the account may import from the place.
func (s sources) Allowed(account string, src searchpack.Source) bool {
	return !s.own(src) && s.allowed.Allowed(account, src)
}

// Refused says why nobody may import from the place, whatever is allowed; "" = nothing stands
// against it.
func (s sources) Refused(src searchpack.Source) string {
	if s.own(src) {
		return "the server keeps its own blobs there, those of every account"
	}
	return ""
}

func (s *Server) sources() sources { return sources{s.cfg.AllowedSources, s.cfg.ownBlobs} }

// climbs reports "." and ".." between slashes. To S3 they are plain text, but a server that keeps
// objects as files might follow them out of the prefix.
func climbs(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}
