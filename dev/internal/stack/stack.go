// Package stack is `searchpack-dev up`: a Searchpack server, S3 and local clusters with an agent
// beside each node, behind one endpoint, for one data folder.
//
// The API and the front door live in this process; S3, agents and OpenSearch nodes are children,
// which are recorded in the data folder and ended with it. Domains are rows of the server's store:
// a loop makes local clusters be what the rows say. The package reaches the server, the clusters
// and the agents through the interfaces of contracts.go.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/s3"
)

// Parts are what a stack is made of. Functions are called once, in the order of the fields, after
// the data folder is locked and left-over processes are gone.
type Parts struct {
	// Clusters checks what was asked for (a JDK that fits, for instance), before anything changes.
	Clusters func(ctx context.Context, o Options, log func(string)) (Clusters, error)
	// StartS3 starts the S3 process over dir.
	StartS3 func(k *child.Keeper, dir, log string, o Options) (Process, error)
	// OpenServer opens the control plane.
	OpenServer func(ctx context.Context, c ServerConfig) (ControlPlane, error)
	// Agents makes what starts agents.
	Agents func(k *child.Keeper) Agents
	// CheckKey asks the API at the endpoint for something, with the stack's key.
	CheckKey func(ctx context.Context, endpoint string, o Options) error
	// MakeDomain asks the API at the endpoint for a domain; one that is there already is fine.
	MakeDomain func(ctx context.Context, endpoint, name string, o Options) error
}

// ServerConfig is what the control plane is opened with.
type ServerConfig struct {
	Options
	Dir      string // database and blobs
	Endpoint string // S3's, as clients are told
	// SourceDial connects the server to S3 without the front door between.
	SourceDial       func(ctx context.Context, network, address string) (net.Conn, error)
	Engines          []string
	OnDomainsChanged func()
	Log              *slog.Logger
}

// Output is where a stack tells how it is.
type Output struct {
	// Progress gets one line per thing that happens.
	Progress func(line string)
	// Ready gets the document when the stack is ready, and again at every change after that.
	Ready func(d *Document, line []byte)
}

// Stack is a running stack.
type Stack struct {
	opts        Options
	parts       Parts
	out         Output
	data        *dataDir
	keeper      *child.Keeper
	listener    net.Listener
	endpoint    string
	log         *slog.Logger
	stop        context.CancelFunc
	provisioner atomic.Pointer[provisioner]

	mu       sync.Mutex
	ready    bool
	waiting  string
	document *Document
	line     string // of the document last written
	required map[string]bool
	fail     context.CancelCauseFunc
}

// Up runs a stack until ctx ends, somebody calls `searchpack-dev down`, or it fails; then nothing of
// it runs any more. Errors are one line each and nil means that it was asked to stop.
func Up(ctx context.Context, o Options, parts Parts, out Output) (err error) {
	if err := o.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &Stack{opts: o, parts: parts, out: out, stop: cancel, waiting: "the server is starting", required: map[string]bool{}}
	for _, d := range o.Domains {
		s.required[d] = true
	}
	clusters, err := parts.Clusters(ctx, o, out.Progress)
	if err != nil {
		return err
	}
	if s.listener, err = listen(o.Port); err != nil {
		return err
	}
	defer func() { _ = s.listener.Close() }()
	s.endpoint = "http://" + s.listener.Addr().String()
	if err := mayBeEphemeral(o); err != nil {
		return err
	}
	if s.data, err = openData(o.Data); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.release()) }()
	return s.run(ctx, clusters)
}

func listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("port %d cannot be used: %w; choose another with --port, or 0 for a free one", port, lastCause(err))
	}
	return l, nil
}

// lastCause drops the addresses that net puts before the cause.
func lastCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// mayBeEphemeral refuses to make somebody's full folder one that is deleted at the stop.
func mayBeEphemeral(o Options) error {
	if !o.Ephemeral {
		return nil
	}
	entries, err := os.ReadDir(o.Data)
	if err != nil {
		return nil // not there: openData says what else may be wrong
	}
	for _, e := range entries {
		if e.Name() == lockName {
			return nil
		}
	}
	if len(entries) > 0 {
		return fmt.Errorf("--ephemeral deletes the data folder at the stop, and %s holds something else: name an empty one", o.Data)
	}
	return nil
}

// release gives the data folder back, without the document, or without anything.
func (s *Stack) release() error {
	defer s.data.close()
	if s.opts.Ephemeral {
		return s.data.destroy()
	}
	err := os.Remove(s.data.join(DocumentName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// leftOverGrace is how long processes of a killed stack may take to end.
const leftOverGrace = 20 * time.Second

func endLeftOver(ctx context.Context, d *dataDir) (int, error) {
	k, err := child.Open(d.join(processesName))
	if err != nil {
		return 0, err
	}
	defer k.Close()
	left, err := k.EndLeftOver(ctx, leftOverGrace)
	return len(left), err
}

// run starts the parts and works until the first of them ends.
func (s *Stack) run(ctx context.Context, clusters Clusters) error {
	n, err := endLeftOver(ctx, s.data)
	if err != nil {
		return err
	}
	if n > 0 {
		s.out.Progress(fmt.Sprintf("ended %d processes that an earlier searchpack-dev left", n))
	}
	if s.keeper, err = child.Open(s.data.join(processesName)); err != nil {
		return err
	}
	defer s.keeper.Close()
	logFile, err := OpenLog(s.data.join(serverLogName))
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()
	s.log = slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelInfo}))

	s3Process, err := s.startS3(ctx)
	if err != nil {
		return err
	}
	defer s3Process.Stop(context.Background(), agentGrace)

	domains, err := s.data.domainsDir(os.Geteuid() == 0 && !s.opts.FilesOnly(), outsideBase)
	if err != nil {
		return err
	}
	p := &provisioner{
		dir: domains, wake: make(chan struct{}, 1), publish: s.publish,
		home:    searchpack.DomainKey{Account: s.opts.Account, Region: s.opts.Region},
		domains: map[searchpack.DomainKey]*localDomain{},
	}
	server, err := s.parts.OpenServer(ctx, ServerConfig{
		Options: s.opts, Dir: s.data.join(serverName), Endpoint: s.endpoint, Engines: clusters.Engines(),
		SourceDial: s3.Dialer(s.data.join(s3Name)), OnDomainsChanged: p.poke, Log: s.log,
	})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	p.store = server.Store()
	p.deps = deps{
		keeper: s.keeper, clusters: clusters, agents: s.parts.Agents(s.keeper), server: "https://" + server.AgentAddr(),
		store: server.Store(), catalog: server.Catalog(), token: server.CreateJoinToken,
		changed: p.poke, retry: firstRetry, patience: defaultPatience, log: s.log,
	}
	if err := p.sweep(ctx); err != nil {
		return err
	}
	return s.serve(ctx, server, p, s3Process)
}

// startS3 starts S3 and waits until it answers.
func (s *Stack) startS3(ctx context.Context) (Process, error) {
	dir, log := s.data.join(s3Name), s.data.join(s3LogName)
	process, err := s.parts.StartS3(s.keeper, dir, log, s.opts)
	if err != nil {
		return nil, err
	}
	rt := s3.Transport(dir)
	defer rt.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s3.Ready(ctx, rt)
		if err == nil {
			return process, nil
		}
		select {
		case <-tick.C:
		case <-process.Done():
			return nil, fmt.Errorf("S3 ended while it started; see %s", log)
		case <-ctx.Done():
			process.Stop(context.Background(), agentGrace)
			return nil, fmt.Errorf("S3 does not answer: %w; see %s", err, log)
		}
	}
}
