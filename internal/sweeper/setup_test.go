package sweeper

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var begin = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a sweeper with a real store on SQLite and blobs in memory.
type world struct {
	testing.TB
	*sqlstore.Store
	clock *clock
	blobs *memory
	sweep *Sweeper
}

func newWorld(t testing.TB, dir string, o Options) *world {
	c := &clock{now: begin}
	store, err := sqlstore.Open(context.Background(), "sqlite:"+filepath.Join(dir, "test.db"), sqlstore.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, Store: store, clock: c, blobs: &memory{blobs: map[searchpack.Digest]stored{}, clock: c}}
	w.sweep = New(store, w.blobs, o)
	return w
}

func openWorld(t *testing.T, o Options) *world {
	w := newWorld(t, t.TempDir(), o)
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// memory is a blob store in memory. Like S3 it does not write what is there.
type memory struct {
	mu    sync.Mutex
	blobs map[searchpack.Digest]stored
	clock *clock
	// fail, if set, is asked before each call.
	fail    func(op string) error
	partial []time.Time
	bound   time.Duration // that the last Delete had
}

type stored struct {
	bytes []byte
	at    time.Time
}

func (m *memory) enter(op string) (leave func(), err error) {
	m.mu.Lock()
	if m.fail != nil {
		err = m.fail(op)
	}
	return m.mu.Unlock, err
}

func (m *memory) Write(_ context.Context, r io.Reader, _ int64) (searchpack.Digest, int64, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	leave, err := m.enter("write")
	defer leave()
	d := searchpack.DigestOf(content)
	if _, there := m.blobs[d]; !there && err == nil {
		m.blobs[d] = stored{content, m.clock.Now()}
	}
	return d, int64(len(content)), err
}

type open struct{ *bytes.Reader }

func (open) Close() error { return nil }

func (m *memory) Open(_ context.Context, d searchpack.Digest) (searchpack.Blob, error) {
	leave, err := m.enter("open")
	defer leave()
	b, there := m.blobs[d]
	if err == nil && !there {
		err = searchpack.Errorf(searchpack.ErrNotFound, "no blob %s", d.Short())
	}
	return open{bytes.NewReader(b.bytes)}, err
}

func (m *memory) Delete(ctx context.Context, d searchpack.Digest) error {
	leave, err := m.enter("delete")
	defer leave()
	if until, bounded := ctx.Deadline(); bounded {
		m.bound = time.Until(until)
	}
	if err == nil {
		delete(m.blobs, d)
	}
	return err
}

func (m *memory) List(_ context.Context, f func(searchpack.BlobInfo) error) error {
	leave, err := m.enter("list")
	var all []searchpack.BlobInfo
	for d, b := range m.blobs {
		all = append(all, searchpack.BlobInfo{Digest: d, Size: int64(len(b.bytes)), StoredUnix: b.at.Unix()})
	}
	leave()
	for _, info := range all {
		if err == nil {
			err = f(info)
		}
	}
	return err
}

func (m *memory) ClearPartial(_ context.Context, before time.Time) (int, error) {
	leave, err := m.enter("clear")
	defer leave()
	m.partial = append(m.partial, before)
	return 1, err
}

func (m *memory) has(content string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.blobs[searchpack.DigestOf([]byte(content))]
	return there
}

func (w *world) write(content string) searchpack.Digest {
	w.Helper()
	d, _, err := w.blobs.Write(context.Background(), bytes.NewReader([]byte(content)), 1<<20)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func (w *world) update(f func(ctx context.Context, tx searchpack.Tx) error) {
	w.Helper()
	if err := w.Update(context.Background(), func(tx searchpack.Tx) error { return f(context.Background(), tx) }); err != nil {
		w.Fatal(err)
	}
}

// names has a version of the package name the digest.
func (w *world) names(pkg string, d searchpack.Digest) error {
	ctx := context.Background()
	return w.Update(ctx, func(tx searchpack.Tx) error {
		if err := tx.PutPackage(ctx, &searchpack.Package{ID: pkg, Account: "000000000000", Region: "us-east-1", Name: pkg}); err != nil {
			return err
		}
		return tx.PutVersion(ctx, &searchpack.Version{ID: "v-" + pkg, PackageID: pkg, Status: searchpack.PackageAvailable, Digest: d})
	})
}

func (w *world) marks() (all []searchpack.Doom) {
	w.Helper()
	err := w.View(context.Background(), func(tx searchpack.Tx) (err error) {
		all, err = tx.Dooms(context.Background(), "", 0)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// run does the sweep at once and returns what becomes of its row.
func (w *world) run(key string) (searchpack.WorkResult, error) {
	w.Helper()
	res, effects, err := w.sweep.Handle(context.Background(), &searchpack.Work{Kind: searchpack.WorkSweep, Key: key})
	if effects != nil {
		w.Error("a sweep has effects of its own")
	}
	return res, err
}

// mustRun says in how long the sweep runs again.
func (w *world) mustRun(key string) time.Duration {
	w.Helper()
	res, err := w.run(key)
	if err != nil {
		w.Fatal(err)
	}
	return res.At.Sub(w.clock.Now())
}
