package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/front"
	"github.com/searchpack/searchpack/dev/internal/s3"
	"github.com/searchpack/searchpack/dev/internal/sock"
)

// serve runs everything that runs as long as the stack does. The order of the end matters: first
// the domains' processes, while the server still answers agents, then the listeners, then the rest.
func (s *Stack) serve(ctx context.Context, server ControlPlane, p *provisioner, s3Process Process) error {
	s3Transport := s3.Transport(s.data.join(s3Name))
	defer s3Transport.CloseIdleConnections()
	control, err := sock.Listen(s.data.path, controlName)
	if err != nil {
		return err
	}
	handler := front.New(front.Config{
		API: server.Handler(), S3: s3Transport, Log: s.log,
		Identify: func(r *http.Request, body []byte) (searchpack.Caller, error) { return server.Identify(r, body, "sts") },
		Ready:    func() (bool, string) { st := s.status(); return st.Ready, st.Waiting },
	})

	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	s.mu.Lock()
	s.fail = fail
	s.mu.Unlock()
	backstage, closeBackstage := context.WithCancel(context.WithoutCancel(ctx))
	defer closeBackstage()

	var g errgroup.Group
	g.Go(func() error { return failWith(fail, server.Run(backstage)) })
	g.Go(func() error { return failWith(fail, serveHTTP(backstage, s.listener, handler, s.log)) })
	g.Go(func() error { return failWith(fail, serveHTTP(backstage, control, s.controlHandler(), s.log)) })
	g.Go(func() error { s.watchS3(backstage, s3Process); return nil })
	g.Go(func() error { s.makeDomains(running, fail); return nil })
	s.provisioner.Store(p)
	_ = p.run(running) // ends when running does, after every process of every domain
	closeBackstage()
	err = g.Wait()
	if cause := context.Cause(running); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// failWith ends the stack when a part that should run for ever ends with an error.
func failWith(fail context.CancelCauseFunc, err error) error {
	if err != nil {
		fail(err)
	}
	return err
}

// watchS3 says so when S3 ends: its child stays down, as every child does.
func (s *Stack) watchS3(ctx context.Context, p Process) {
	select {
	case <-p.Done():
		s.log.Error("S3 has ended; stop and start searchpack-dev to have it back")
		s.out.Progress("S3 has ended; see " + s.data.join(s3LogName) + ". Stop and start searchpack-dev to have it back.")
	case <-ctx.Done():
	}
}

// makeDomains asks for the domains of --domain as any client would, after a look at whether clients
// will be let in at all.
func (s *Stack) makeDomains(ctx context.Context, fail context.CancelCauseFunc) {
	if err := s.parts.CheckKey(ctx, s.endpoint, s.opts); err != nil && ctx.Err() == nil {
		fail(err)
		return
	}
	for _, name := range s.opts.Domains {
		if err := s.parts.MakeDomain(ctx, s.endpoint, name, s.opts); err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("domain %s cannot be made: %w", name, err))
			return
		}
	}
}

// serveHTTP serves until ctx ends. Bodies may take as long as they like; only headers may not.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if srv.Shutdown(stop) != nil {
		_ = srv.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
