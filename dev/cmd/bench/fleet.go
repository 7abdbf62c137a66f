package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agentapi"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

const (
	// heartbeat, pollWait and afterFailure are those of a real agent.
	heartbeat    = 10 * time.Second
	pollWait     = 30 * time.Second
	afterFailure = time.Second
	// enrolments at a time: each is a transaction of the server's.
	enrolments = 16
)

// simulated is an agent without a disk: it speaks the protocol as a real one does, over connections
// and with a certificate of its own, and fetches and checks bytes, but keeps none.
type simulated struct {
	fleet  *fleet
	client *agentapi.Client
	node   searchpack.NodeFacts

	mu    sync.Mutex // one report after the other
	seq   int64
	order searchpack.Order
	has   map[searchpack.Digest]bool
}

// fleet is many of them.
type fleet struct {
	agents []*simulated

	mu      sync.Mutex
	ordered map[string]time.Time // by node: when the order with the awaited bytes came
	fetched map[string]time.Time // when they were there
	awaited searchpack.Digest
	failed  map[string]int // why calls failed, and how often
	news    chan struct{}
}

// enrolFleet makes n agents that enrol with the token.
func enrolFleet(ctx context.Context, server string, token enroll.Token, n int) (*fleet, error) {
	f := &fleet{agents: make([]*simulated, n), failed: map[string]int{}, news: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	errs := make([]error, enrolments)
	for worker := range enrolments {
		wg.Go(func() {
			for i := worker; i < n && errs[worker] == nil; i += enrolments {
				f.agents[i], errs[worker] = f.enrol(ctx, server, token, fmt.Sprintf("simulated-%d", i))
			}
		})
	}
	wg.Wait()
	return f, errors.Join(errs...)
}

func (f *fleet) enrol(ctx context.Context, server string, token enroll.Token, name string) (*simulated, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	csr, err := enroll.NewRequest(key)
	if err != nil {
		return nil, err
	}
	answer, err := agentapi.Enroll(ctx, server, token, csr, name, time.Now)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair([]byte(answer.Certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if err != nil {
		return nil, err
	}
	client, err := agentapi.NewClient(server, []byte(answer.Authority), cert, time.Now)
	id := "files-only-" + answer.AgentID
	return &simulated{fleet: f, client: client, has: map[searchpack.Digest]bool{}, node: searchpack.NodeFacts{
		ClusterUUID: "simulated", ClusterName: answer.Domain.Name, NodeID: id, EphemeralID: id, Name: name, ManagerID: id,
		Term: 1, StateVersion: 1, Members: []searchpack.Member{{NodeID: id, EphemeralID: id, Name: name}}, FilesOnly: true,
	}}, err
}

// run lives until ctx ends.
func (f *fleet) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, a := range f.agents {
		wg.Go(func() { a.beat(ctx) })
		wg.Go(func() { a.obey(ctx) })
	}
	wg.Wait()
	for _, a := range f.agents {
		a.client.Close()
	}
}

// await begins to watch for orders that name the bytes.
func (f *fleet) await(d searchpack.Digest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awaited, f.ordered, f.fetched = d, map[string]time.Time{}, map[string]time.Time{}
}

// until waits until every agent has been told of, and has, what is awaited: when the last one had.
func (f *fleet) until(ctx context.Context) (told, fetched time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		f.mu.Lock()
		done := len(f.fetched) == len(f.agents)
		told, fetched = latest(f.ordered), latest(f.fetched)
		state := fmt.Sprintf("%d of %d agents were told and %d have the file; failed calls: %v", len(f.ordered), len(f.agents), len(f.fetched), f.failed)
		f.mu.Unlock()
		if done {
			return told, fetched, nil
		}
		select {
		case <-f.news:
		case <-ctx.Done():
			return told, fetched, fmt.Errorf("%w: %s", ctx.Err(), state)
		}
	}
}

func latest(times map[string]time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// note writes down when what is awaited came, the first time.
func (f *fleet) note(times func() map[string]time.Time, name string, d searchpack.Digest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, had := times()[name]; had || f.awaited != d {
		return
	}
	times()[name] = time.Now()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// troubled counts a failed call and waits a little.
func (f *fleet) troubled(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	f.failed[searchpack.ErrorMessage(err)]++
	f.mu.Unlock()
	wait(ctx, afterFailure)
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// beat sends heartbeats, each agent at its own moment.
func (a *simulated) beat(ctx context.Context) {
	wait(ctx, mathrand.N(heartbeat)) //nolint:gosec // spreads load
	for ctx.Err() == nil {
		if err := a.report(ctx); err != nil {
			a.fleet.troubled(ctx, err)
			continue
		}
		wait(ctx, heartbeat)
	}
}

// obey waits for orders, does them and reports.
func (a *simulated) obey(ctx context.Context) {
	for ctx.Err() == nil {
		o, err := a.client.Order(ctx, a.order.Generation, pollWait)
		if err == nil && o != nil {
			if err = a.carryOut(ctx, o); err == nil {
				err = a.report(ctx)
			}
		}
		if err != nil {
			a.fleet.troubled(ctx, err)
		}
	}
}

func (a *simulated) carryOut(ctx context.Context, o *searchpack.Order) error {
	for _, c := range o.Candidates {
		a.fleet.note(func() map[string]time.Time { return a.fleet.ordered }, a.node.Name, c.Digest)
		if a.has[c.Digest] {
			continue
		}
		if err := a.fetch(ctx, c); err != nil {
			return err
		}
		a.mu.Lock()
		a.has[c.Digest] = true
		a.mu.Unlock()
		a.fleet.note(func() map[string]time.Time { return a.fleet.fetched }, a.node.Name, c.Digest)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.order = *o
	return nil
}

// fetch reads a blob whole and checks it.
func (a *simulated) fetch(ctx context.Context, c searchpack.Candidate) error {
	d, err := a.client.Blob(ctx, c.Digest, 0)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(d, c.Size+1)); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != string(c.Digest) {
		return fmt.Errorf("the blob %s came as %s", c.Digest, got)
	}
	return nil
}

// report says that everything is as ordered.
func (a *simulated) report(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seq++
	r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: a.seq, Generation: a.order.Generation, Version: "simulated", Node: &a.node}
	for _, f := range a.order.Files {
		r.Files = append(r.Files, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Digest: f.Digest, Size: f.Size})
	}
	for _, c := range a.order.Candidates {
		r.Candidates = append(r.Candidates, searchpack.CandidateReport{Digest: c.Digest, Ready: a.has[c.Digest], Fetched: c.Size})
	}
	_, err := a.client.Report(ctx, r)
	return err
}
