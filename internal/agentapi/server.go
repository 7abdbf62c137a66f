package agentapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// ServerConfig is what the server side needs.
type ServerConfig struct {
	Store     searchpack.Store
	Blobs     searchpack.BlobStore
	Authority *enroll.Authority
	Now       func() time.Time // nil: time.Now
	Logger    *slog.Logger     // nil: nothing is logged
	// Usage turns a report into who uses what (usage.Parse); adopted has the paths of adopted files by
	// package id. Errors are the sender's fault.
	Usage func(r searchpack.UsageReport, adopted map[string]string, at time.Time) (searchpack.Usage, error)
	// Permits answers calls for permits.
	Permits Permits
}

// Server answers agents. Make one with NewServer, serve Handler over TLSConfig, and run Run beside.
type Server struct {
	cfg     ServerConfig
	waiters waiters
	heard   heartbeats
	reports reportKeeper

	bodyTime time.Duration

	underWay, usageUnderWay, parsing gate
	reportParsers, usageParsers      slots

	mu     sync.Mutex // guards cert
	cert   *tls.Certificate
	certAt time.Time

	ending  chan struct{} // closed when Run ends: long polls are answered
	endOnce sync.Once
}

// NewServer makes a Server.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, bodyTime: bodyTime, ending: make(chan struct{})}
	s.reportParsers, s.usageParsers = make(slots, reportParsers), make(slots, usageParsers)
	s.waiters.init()
	s.heard.init()
	return s
}

// now is the clock in UTC and microseconds, as times are stored.
func (s *Server) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// Run writes heartbeats and wakes waiting agents until ctx ends; then it answers those that wait
// and writes the last heartbeats. It returns nil.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.watchGenerations(ctx) })
	wg.Go(func() { s.flushHeartbeats(ctx) })
	<-ctx.Done()
	s.endOnce.Do(func() { close(s.ending) })
	wg.Wait()
	return nil
}

// Wake makes the server look for changed orders at once, instead of within a second. Called after
// a reconcile of this process.
func (s *Server) Wake() { s.waiters.wake() }

// TLSConfig is for the agents' listener: a certificate of the authority, renewed by itself, and
// client certificates, which Handler verifies (enrolment comes without one, renewal perhaps with
// one whose time is over).
func (s *Server) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequestClientCert,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.certificate()
		},
		// A resumed session would bring the certificate of its first handshake.
		SessionTicketsDisabled: true,
	}
}

// certificate returns the listener's certificate, a new one after half the old one's life.
func (s *Server) certificate() (*tls.Certificate, error) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cert != nil && now.Sub(s.certAt) < enroll.ServerCertificateLife/2 && !now.Before(s.certAt) {
		return s.cert, nil
	}
	cert, err := s.cfg.Authority.ServerCertificate(now)
	if err != nil {
		return nil, err
	}
	s.cert, s.certAt = cert, now
	return cert, nil
}

// Handler serves the paths of this protocol. Everything else is a JSON 404.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+PathEnroll, s.answer(s.enroll))
	mux.HandleFunc("POST "+PathRenew, s.answer(s.asAgent(true, s.renew)))
	mux.HandleFunc("GET "+PathOrder, s.answer(s.asAgent(false, s.order)))
	mux.HandleFunc("POST "+PathReport, s.answer(s.asAgent(false, s.report)))
	mux.HandleFunc("POST "+PathUsage, s.answer(s.asAgent(false, limited(&s.usageUnderWay, maxUsageUnderWay, s.usage))))
	mux.HandleFunc("POST "+PathPermitBegin, s.answer(s.asAgent(false, s.beginPermit)))
	mux.HandleFunc("POST "+PathPermitEnd, s.answer(s.asAgent(false, s.endPermit)))
	mux.HandleFunc("GET "+PathBlobs+"{digest}", s.answer(s.asAgent(false, s.blob)))
	mux.HandleFunc("/", s.answer(func(_ http.ResponseWriter, r *http.Request) error {
		return searchpack.Errorf(searchpack.ErrNotFound, "This listener is for Searchpack agents; it has no %s %.100q.", r.Method, r.URL.Path)
	}))
	return mux
}

// answer checks the protocol version, runs h and turns its error into an answer. An h that returns
// nil has answered.
func (s *Server) answer(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// net/http lifts it when the body has come, and waits for what nobody read until then.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTime)) // not every writer has one
		}
		w.Header().Set(ProtocolHeader, Protocol)
		err := checkProtocol(r.Header.Get(ProtocolHeader))
		if err == nil {
			err = h(w, r)
		}
		if err == nil {
			return
		}
		status, body := toWire(err)
		if r.Context().Err() != nil {
			// The client has gone, or its body broke off: its error, but never to be taken for a success.
			s.cfg.Logger.Debug("agent request broke off", "method", r.Method, "path", r.URL.Path, "remote", r.RemoteAddr, "error", err)
		} else if status >= 500 {
			s.cfg.Logger.Error("agent request failed", "method", r.Method, "path", r.URL.Path, "remote", r.RemoteAddr, "error", err)
		} else {
			s.cfg.Logger.Info("agent request refused", "method", r.Method, "path", r.URL.Path, "remote", r.RemoteAddr, "error", err)
		}
		writeJSON(w, status, body)
	}
}

// checkProtocol refuses other versions, with a text that says who must be upgraded.
func checkProtocol(got string) error {
	if got == Protocol {
		return nil
	}
	who := fmt.Sprintf("The request has no %s header; this listener is for Searchpack agents.", ProtocolHeader)
	if got != "" {
		who = fmt.Sprintf("The agent speaks protocol %.20q, this server %s. Upgrade whichever is older: the server first, then the agents.", got, Protocol)
	}
	return &wireError{status: http.StatusUpgradeRequired, code: codeProtocol, message: who}
}

// agentHandler is a handler that knows which agent asks.
type agentHandler func(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error

// asAgent lets in agents that are in service, and with allowExpired those too whose certificate may
// still be renewed.
func (s *Server) asAgent(allowExpired bool, h agentHandler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return searchpack.Errorf(searchpack.ErrDenied, "The request came without an agent's certificate. Enrol first.")
		}
		id, expired, err := s.cfg.Authority.Verify(r.TLS.PeerCertificates[0], s.now())
		if err != nil {
			return err
		}
		if expired && !allowExpired {
			return &wireError{http.StatusUnauthorized, codeExpired, "The agent's certificate has ended. Renew it."}
		}
		a, err := s.inService(r.Context(), id)
		if err != nil {
			return err
		}
		return limited(&s.underWay, maxUnderWay, h)(w, r, a)
	}
}

// inService reads the agent and refuses what is no longer there.
func (s *Server) inService(ctx context.Context, id enroll.Identity) (*searchpack.AgentState, error) {
	var a *searchpack.AgentState
	err := s.cfg.Store.View(ctx, func(tx searchpack.Tx) error {
		var err error
		if a, err = tx.Agent(ctx, id.AgentID); err != nil {
			return gone(err, fmt.Sprintf("The agent %s is not known to this server (its domain was deleted, or the server's data is another).", id.AgentID))
		}
		d, err := tx.Domain(ctx, id.Domain)
		if err != nil {
			return gone(err, fmt.Sprintf("The domain %s was deleted.", id.Domain.Name))
		}
		if !d.DeletedAt.IsZero() {
			return &wireError{http.StatusGone, codeRetired, fmt.Sprintf("The domain %s was deleted.", id.Domain.Name)}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if a.Domain != id.Domain {
		return nil, searchpack.Errorf(searchpack.ErrDenied, "The agent's certificate is for another domain.")
	}
	if !a.RetiredAt.IsZero() {
		return nil, retired(a.Name)
	}
	return a, nil
}

// gone turns a missing row into the answer that tells an agent to stop asking.
func gone(err error, text string) error {
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return &wireError{http.StatusGone, codeRetired, text}
	}
	return err
}

func retired(name string) error {
	return &wireError{http.StatusGone, codeRetired, fmt.Sprintf(
		"The node %q was retired. To take it into service again, stop the agent, empty its state folder and start it with a new join token.", name)}
}

var errEnding = &wireError{http.StatusServiceUnavailable, string(searchpack.ErrUnavailable), "The server is stopping. Try again."}

// isGone reports whether the error is the 410 of this edge.
func isGone(err error) bool {
	var w *wireError
	return errors.As(err, &w) && w.status == http.StatusGone
}
