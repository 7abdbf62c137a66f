package awsapi

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

// world is the edge over a real catalog on SQLite. What importer, rollouts and nodes would do to the
// rows, the test does by its methods.
type world struct {
	http.Handler
	t     testing.TB
	store *sqlstore.Store
	mu    sync.Mutex
	now   time.Time
}

// clock may be turned while requests are served.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond) // no two things happen at once
	return w.now
}

func newWorld(t testing.TB, local bool, change ...func(*Config)) *world {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &world{t: t, store: store, now: testNow}
	cat := catalog.New(catalog.Options{Store: store, Now: w.clock, Limits: catalog.Limits{
		LocalClusters: local, DefaultEngine: "OpenSearch_2.19", PackagesPerRegion: 25, PackagesPerDomain: 20,
	}})
	cfg := Config{
		Catalog: cat, Now: w.clock, Logger: slog.New(slog.DiscardHandler),
		Authenticate: func(*http.Request, []byte) (searchpack.Caller, error) { return testCaller, nil },
	}
	for _, f := range change {
		f(&cfg)
	}
	w.Handler = New(cfg)
	return w
}

// serve starts a server for SDK clients.
func (w *world) serve() string {
	srv := httptest.NewServer(w)
	w.t.Cleanup(srv.Close)
	return srv.URL
}

func (w *world) update(f func(tx searchpack.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

// importAll ends every import that is due with success.
func (w *world) importAll() {
	w.t.Helper()
	ctx := w.t.Context()
	w.update(func(tx searchpack.Tx) error {
		all, err := tx.Packages(ctx, searchpack.PackageQuery{Account: testCaller.Account, Region: testCaller.Region})
		if err != nil {
			return err
		}
		for _, p := range all {
			if p.Status != searchpack.PackageCopying {
				continue
			}
			v, err := tx.Version(ctx, p.ImportID)
			if err != nil {
				return err
			}
			v.Number, v.Status, v.Digest = p.AvailableNumber+1, searchpack.PackageAvailable, searchpack.DigestOf([]byte(v.ID))
			p.Status, p.AvailableID, p.AvailableNumber = searchpack.PackageAvailable, v.ID, v.Number
			if err := tx.PutVersion(ctx, v); err != nil {
				return err
			}
			if err := tx.PutPackage(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// rollOut ends every rollout of the domain with success.
func (w *world) rollOut(domain string) {
	w.t.Helper()
	ctx := w.t.Context()
	key := testCaller.Key(domain)
	w.update(func(tx searchpack.Tx) error {
		open, err := tx.OpenRollouts(ctx, key)
		if err != nil {
			return err
		}
		for _, r := range open {
			r.State = searchpack.RolloutDone
			if err := tx.PutRollout(ctx, r); err != nil {
				return err
			}
		}
		all, err := tx.Associations(ctx, key)
		if err != nil {
			return err
		}
		for _, a := range all {
			switch a.Status {
			case searchpack.Associating:
				a.Status, a.ServingID = searchpack.Active, a.WantedID
				err = tx.PutAssociation(ctx, a)
			case searchpack.Dissociating:
				err = tx.DeleteAssociation(ctx, key, a.PackageID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// report makes a node of the domain report, so that it is ready.
func (w *world) report(domain, node string) {
	w.t.Helper()
	ctx := w.t.Context()
	w.update(func(tx searchpack.Tx) error {
		id := domain + "/" + node
		if err := tx.PutAgent(ctx, &searchpack.Agent{ID: id, Domain: testCaller.Key(domain), Name: node, EnrolledAt: w.clock()}); err != nil {
			return err
		}
		r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: w.clock().UnixNano(), Node: &searchpack.NodeFacts{HTTPAddress: "127.0.0.1:9200", Version: "2.19.0"}}
		return tx.PutReport(ctx, id, r, w.clock())
	})
}

// endChange ends the open change of the domain.
func (w *world) endChange(cat *catalog.Catalog, domain, failure string) {
	w.t.Helper()
	changes, err := cat.DomainChanges(w.t.Context(), testCaller, domain, "")
	if err != nil || len(changes) == 0 {
		w.t.Fatalf("%v, %v", changes, err)
	}
	if err := cat.EndChange(w.t.Context(), testCaller.Key(domain), changes[0].ID, failure); err != nil {
		w.t.Fatal(err)
	}
}
