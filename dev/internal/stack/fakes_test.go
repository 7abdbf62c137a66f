package stack

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// fakeAgents run `sleep` where agents would run.
type fakeAgents struct {
	keeper *child.Keeper
	mu     sync.Mutex
	synced []string
	joined func(a AgentSpec) // called when an agent runs
}

func (f *fakeAgents) Run(_ context.Context, a AgentSpec) (Process, error) {
	if err := os.MkdirAll(a.State, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(a.State, "state"), nil, 0o600); err != nil {
		return nil, err
	}
	p, err := f.keeper.Start(a.Process, exec.Command("sleep", "300"))
	if err == nil && f.joined != nil {
		f.joined(a)
	}
	return p, err
}

func (f *fakeAgents) Sync(_ context.Context, a AgentSpec) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced = append(f.synced, a.Process)
	return nil
}

// rig is a provisioner over a real store, with fake clusters and agents.
type rig struct {
	t        *testing.T
	store    searchpack.Store
	clusters *fakeClusters
	agents   *fakeAgents
	catalog  *catalog.Catalog
	p        *provisioner
	keeper   *child.Keeper

	mu      sync.Mutex
	entries []DomainEntry
	waiting map[string]string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlstore.Open(context.Background(), "sqlite:"+filepath.Join(dir, "db"), sqlstore.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keeper, err := child.Open(filepath.Join(dir, "processes"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keeper.Close)
	r := &rig{t: t, store: store, clusters: newFakeClusters(), agents: &fakeAgents{keeper: keeper}, keeper: keeper}
	r.p = &provisioner{
		store: store, dir: filepath.Join(dir, "domains"), wake: make(chan struct{}, 1),
		home:    searchpack.DomainKey{Account: "000000000000", Region: "us-east-1"},
		domains: map[searchpack.DomainKey]*localDomain{},
		publish: func(e []DomainEntry, w map[string]string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.entries, r.waiting = e, w
		},
	}
	r.catalog = catalog.New(catalog.Options{
		Store: store, OnDomainsChanged: r.p.poke,
		Limits: catalog.Limits{LocalClusters: true, MaxNodes: 9, EngineVersions: []string{"OpenSearch_3.8", "OpenSearch_3.7"}},
	})
	r.p.deps = deps{
		store: store, catalog: r.catalog, patience: patience{drain: 20 * time.Second, join: 20 * time.Second, report: 20 * time.Second, settle: 20 * time.Second},
		keeper: keeper, clusters: r.clusters, agents: r.agents, server: "https://127.0.0.1:1", changed: r.p.poke,
		token: func(context.Context, searchpack.DomainKey) (string, error) { return "token", nil },
		retry: time.Millisecond, log: slog.New(slog.DiscardHandler),
	}
	if err := os.Mkdir(r.p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs the provisioner until the returned function is called.
func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.p.run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	r.t.Cleanup(stop)
	return stop
}

func key(name string) searchpack.DomainKey {
	return searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: name}
}

// put makes a domain row with that many nodes.
func (r *rig) put(name string, nodes int, at time.Time) {
	r.t.Helper()
	err := r.store.Update(context.Background(), func(tx searchpack.Tx) error {
		return tx.PutDomain(context.Background(), &searchpack.Domain{DomainKey: key(name), ID: name, EngineVersion: "OpenSearch_3.8", Nodes: nodes, CreatedAt: at})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.p.poke()
}

func (r *rig) remove(name string) {
	r.t.Helper()
	err := r.store.Update(context.Background(), func(tx searchpack.Tx) error { return tx.DeleteDomain(context.Background(), key(name)) })
	if err != nil {
		r.t.Fatal(err)
	}
	r.p.poke()
}

// report makes a node's agent known with a report that sees so many members.
func (r *rig) report(domain, node string, members int) {
	r.t.Helper()
	ctx := context.Background()
	id := domain + "-" + node
	err := r.store.Update(ctx, func(tx searchpack.Tx) error {
		if err := tx.PutAgent(ctx, &searchpack.Agent{ID: id, Domain: key(domain), Name: node, EnrolledAt: time.Unix(1, 0)}); err != nil {
			return err
		}
		return tx.PutReport(ctx, id, &searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Node: &searchpack.NodeFacts{
			NodeID: "id-" + id, Members: make([]searchpack.Member, members),
		}}, time.Now())
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.p.poke()
}

// await waits until the published state is as f wants it.
func (r *rig) await(what string, f func(entries map[string]DomainEntry, waiting map[string]string) bool) map[string]DomainEntry {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		r.mu.Lock()
		byName := map[string]DomainEntry{}
		for _, e := range r.entries {
			byName[e.Name] = e
		}
		ok := f(byName, r.waiting)
		waiting := r.waiting
		r.mu.Unlock()
		if ok {
			return byName
		}
		if time.Now().After(end) {
			r.t.Fatalf("never: %s\nentries %+v\nwaiting %v", what, byName, waiting)
		}
	}
}

func allUp(e DomainEntry, nodes int) bool {
	if len(e.Nodes) != nodes {
		return false
	}
	for _, n := range e.Nodes {
		if n.PID == 0 || n.AgentPID == 0 {
			return false
		}
	}
	return true
}
