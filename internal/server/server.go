// Package server puts the control plane together: store, blobs, workers, the API edges and the
// agents' edge, as one program with New, Run and Close. searchpack's main and the development
// stack both run it. It holds wiring only.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
	"github.com/searchpack/searchpack/internal/auth/enroll"
	"github.com/searchpack/searchpack/internal/auth/iam"
	"github.com/searchpack/searchpack/internal/auth/seal"
	"github.com/searchpack/searchpack/internal/awsapi"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/extapi"
	"github.com/searchpack/searchpack/internal/importer"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
	"github.com/searchpack/searchpack/internal/runner"
	"github.com/searchpack/searchpack/internal/s3source"
	"github.com/searchpack/searchpack/internal/sqlstore"
	"github.com/searchpack/searchpack/internal/sweeper"
	"github.com/searchpack/searchpack/internal/usage"
	"github.com/searchpack/searchpack/internal/work"
)

// Server is a control plane.
type Server struct {
	cfg       Config
	log       *slog.Logger
	store     *sqlstore.Store
	blobs     *watchedBlobs
	source    *s3source.Source
	key       *seal.Key
	authority *enroll.Authority
	authorize searchpack.Authorizer
	agents    *agentapi.Server
	catalog   *catalog.Catalog
	sweeps    *sweeper.Sweeper
	loop      *work.Loop
	clock     *clock // nil: this process's
	// vulnerabilities is nil if the operator supplies none.
	vulnerabilities *vuln.Database
	handler         http.Handler
	api             net.Listener // nil when the caller serves Handler
	agentsL         net.Listener
}

// New opens everything and listens, but serves nothing before Run. Whatever fails leaves nothing
// open and nothing changed. Errors are one line each; those wrapped in ErrConfig are usage errors.
func New(ctx context.Context, cfg Config) (_ *Server, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger, authorize: iam.NewAuthorizer()}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	// First what changes nothing.
	if s.source, err = s3source.New(s3source.Config{
		Endpoint: cfg.SourceEndpoint, Region: cfg.SourceRegion, PathStyle: cfg.SourceEndpoint != "",
		AccessKey: cfg.SourceAccessKey, SecretKey: cfg.SourceSecretKey, Dial: cfg.SourceDial,
		Allowed: s.sources().Allowed,
	}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if s.vulnerabilities, err = loadVulnerabilities(cfg.Vulnerabilities); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	if cfg.Blobs != "" {
		if err := s.openS3(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.openStores(ctx); err != nil {
		return nil, err
	}
	s.agents = agentapi.NewServer(agentapi.ServerConfig{
		Store: s.store, Blobs: s.blobs, Authority: s.authority, Now: s.cfg.Now, Logger: s.log, Usage: usage.Parse,
		Permits: runner.NewPermits(s.store),
	})
	s.catalog = catalog.New(catalog.Options{
		Store: s.store, Blobs: s.blobs, Now: s.cfg.Now, Limits: cfg.Limits, Source: s.sources(),
		OnDomainsChanged: cfg.OnDomainsChanged, Authorize: s.authorize, Logger: s.log,
	})
	s.makeLoop()
	if err := s.sweeps.Arm(ctx); err != nil {
		return nil, err
	}
	s.makeHandler()
	return s, nil
}

// openStores opens folder, database, key, blobs and authority, and sees to the first key.
func (s *Server) openStores(ctx context.Context) error {
	// A key that cannot be used is found out before anything is made.
	if err := s.existingKey(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	var err error
	if s.store, err = sqlstore.Open(ctx, s.cfg.databaseDSN(), sqlstore.Options{Logger: s.log, Now: s.cfg.Now}); err != nil {
		return err
	}
	if s.cfg.Database != "" { // shared by several servers; SQLite's clock is this process's
		if s.clock, err = openClock(ctx, s.store, s.log); err != nil {
			return err
		}
		s.cfg.Now = s.clock.Now
	}
	if err = s.makeMasterKey(ctx); err != nil {
		return err
	}
	if s.authority, err = loadAuthority(ctx, s.store, s.key, s.now()); err != nil {
		return err
	}
	if err := s.openBlobs(ctx); err != nil {
		return err
	}
	return s.firstKey(ctx)
}

func (s *Server) makeLoop() {
	imports := importer.New(s.store, s.blobs, s.source, importer.Options{
		MaxDictionary: s.cfg.MaxDictionary, MaxPlugin: s.cfg.MaxPlugin, MaxLicense: s.cfg.MaxLicense,
		PluginRulesAWS:  s.cfg.PluginRules == PluginRulesAWS,
		Vulnerabilities: s.vulnerabilities, WarnVulnerable: s.cfg.VulnerablePlugins == VulnerableWarn,
		Authorize: s.authorize, Now: s.cfg.Now, Logger: s.log,
	})
	reconciles := runner.New(s.store, s.catalog.Texts, s.cfg.Now, s.log)
	s.sweeps = sweeper.New(s.store, s.blobs, sweeper.Options{Events: s.catalog, KeepEvents: s.cfg.KeepEvents, Logger: s.log})
	host, _ := os.Hostname()
	s.loop = &work.Loop{
		Store: s.store,
		Handlers: map[searchpack.WorkKind]work.Handler{
			searchpack.WorkImport:    imports.Handle,
			searchpack.WorkReconcile: reconciles.Handle,
			searchpack.WorkSweep:     s.sweeps.Handle,
		},
		Owner: fmt.Sprintf("%s/%d", host, os.Getpid()), TTL: cmp.Or(s.cfg.LeaseTTL, leaseTTL), Now: s.cfg.Now, Logger: s.log,
		AfterFinish: func(*searchpack.Work) { s.agents.Wake() },
	}
}

// leaseTTL is how long a killed server's work stays untouched: long enough that a busy process
// renews in time, short enough that nobody waits long.
const leaseTTL = 15 * time.Second

func (s *Server) makeHandler() {
	aws := awsapi.New(awsapi.Config{
		Catalog: s.catalog, Authenticate: s.authenticate, Authorize: s.authorize, Refused: s.noteRefused,
		Logger: s.log, Now: s.cfg.Now,
	})
	ext := extapi.New(extapi.Config{
		Catalog: s.catalog, Authenticate: s.authenticate, Authorize: s.authorize, Refused: s.noteRefused,
		NewToken: s.newToken, NewKey: s.newKey, Healthy: s.healthy, Complaint: s.blobs.Complaint, Version: s.cfg.Version, Logger: s.log,
	})
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.EscapedPath(), extapi.Prefix+"/") {
			ext.ServeHTTP(w, r)
			return
		}
		aws.ServeHTTP(w, r)
	})
}

// healthy: the database answers.
func (s *Server) healthy(ctx context.Context) error {
	if _, err := s.store.Now(ctx); err != nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "The database does not answer.")
	}
	return nil
}

// listen opens the listeners; who connects waits until Run.
func (s *Server) listen() error {
	var cert tls.Certificate
	var err error
	if s.cfg.TLSCert != "" {
		if cert, err = tls.LoadX509KeyPair(s.cfg.TLSCert, s.cfg.TLSKey); err != nil {
			return fmt.Errorf("%w: --tls-cert, --tls-key: %w", ErrConfig, err)
		}
	}
	if s.cfg.AgentListen != "" {
		if s.agentsL, err = net.Listen("tcp", s.cfg.AgentListen); err != nil {
			return fmt.Errorf("the agents' listener: %w", err)
		}
	}
	if s.cfg.Listen == "" {
		return nil
	}
	if s.api, err = net.Listen("tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("the API's listener: %w", err)
	}
	if s.cfg.TLSCert != "" {
		s.api = tls.NewListener(s.api, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	}
	return nil
}

// Run serves until ctx ends, then stops everything in order and returns nil.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.loop.Run(ctx) })
	g.Go(func() error { return s.agents.Run(ctx) })
	if s.clock != nil {
		g.Go(func() error { return s.clock.keep(ctx) })
	}
	if s.agentsL != nil {
		serve(ctx, g, s.agents.Handler(), tls.NewListener(s.agentsL, s.agents.TLSConfig()), s.log)
	}
	if s.api != nil {
		serve(ctx, g, s.handler, s.api, s.log)
	}
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Bounds of HTTP connections. There is no write timeout: long polls and blobs take their time, and
// a reader that stalls is ended by the idle bound of its own protocol.
const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 5 * time.Second
	maxHeader       = 64 << 10
)

// serve runs an HTTP server on l until ctx ends.
func serve(ctx context.Context, g *errgroup.Group, h http.Handler, l net.Listener, log *slog.Logger) {
	hs := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	g.Go(func() error {
		if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err := hs.Shutdown(stop); err != nil {
			return hs.Close()
		}
		return nil
	})
}

// Close closes what New opened. Call it after Run has returned.
func (s *Server) Close() error {
	var errs []error
	for _, l := range []net.Listener{s.api, s.agentsL} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.source != nil {
		s.source.Close()
	}
	if s.blobs != nil {
		errs = append(errs, s.blobs.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
