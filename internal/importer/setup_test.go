package importer

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/blobstore"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "000000000000"
	region  = "us-east-1"
	ttl     = time.Minute
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// world is an importer with a real store on SQLite, a blob folder and a pretended S3.
type world struct {
	t     *testing.T
	store searchpack.Store
	blobs *blobstore.Dir
	s3    *fakeS3
	imp   *Importer
	clock *clock
	// as is what a new package is, key where it comes from, and configuration what is given with a
	// version.
	as            searchpack.Package
	key           string
	configuration *searchpack.PackageConfiguration
	askedBy       *searchpack.Caller
}

func newWorld(t *testing.T, opts Options) *world {
	t.Helper()
	dir := t.TempDir()
	c := &clock{now: start}
	store, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(dir, "test.db"), sqlstore.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	blobs, err := blobstore.NewDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	w := &world{t: t, store: store, blobs: blobs, s3: &fakeS3{}, clock: c, key: "synonyms.txt"}
	w.as.Type = searchpack.TypeDictionary
	opts.Now = c.Now
	w.imp = New(store, blobs, w.s3, opts)
	return w
}

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

// fakeS3 answers with one object or an error.
type fakeS3 struct {
	content   string
	kind      string
	signature string
	checks    string            // key that the metadata names
	others    map[string]string // by key
	failing   map[string]error  // by key
	err       error
	size      *int64 // announced, if not the true one
	opened    int
	reading   func() // called before the first byte is given
}

func (f *fakeS3) Open(_ context.Context, acc string, s searchpack.Source) (*searchpack.Object, error) {
	f.opened++
	if err := cmp.Or(f.failing[s.Key], f.err); err != nil {
		return nil, err
	}
	if text, there := f.others[s.Key]; there && acc == account && s.Bucket == "bucket" {
		return &searchpack.Object{ReadCloser: io.NopCloser(strings.NewReader(text)), Size: int64(len(text))}, nil
	}
	if s.Key == f.checks {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "the bucket %s has no object %s", s.Bucket, s.Key)
	}
	size := int64(len(f.content))
	if f.size != nil {
		size = *f.size
	}
	if acc != account || s.Bucket != "bucket" {
		return nil, searchpack.Errorf(searchpack.ErrInternal, "asked for %s of %s", s.Bucket, acc)
	}
	r := &hookReader{Reader: strings.NewReader(f.content), hook: f.reading}
	return &searchpack.Object{ReadCloser: io.NopCloser(r), Size: size, VersionID: "s3v1", ETag: `"etag"`, Kind: f.kind, Checks: f.checks, Signature: f.signature}, nil
}

type hookReader struct {
	io.Reader
	hook func()
}

func (h *hookReader) Read(p []byte) (int, error) {
	if h.hook != nil {
		hook := h.hook
		h.hook = nil
		hook()
	}
	return h.Reader.Read(p)
}

const packageID = "F1"

// ask writes package, version and work as CreatePackage and UpdatePackage do.
func (w *world) ask(versionID string) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx searchpack.Tx) error {
		now := w.clock.Now()
		p, err := tx.Package(ctx, packageID)
		if err != nil {
			p = &searchpack.Package{
				ID: packageID, Account: account, Region: region, Name: "synonyms", CreatedAt: now,
				Type: w.as.Type, EngineVersion: w.as.EngineVersion,
			}
		}
		p.Status, p.Error, p.ImportID, p.UpdatedAt = searchpack.PackageCopying, nil, versionID, now
		if err := tx.PutPackage(ctx, p); err != nil {
			return err
		}
		err = tx.PutVersion(ctx, &searchpack.Version{
			ID: versionID, PackageID: packageID, Status: searchpack.PackageCopying, CreatedAt: now,
			Source: searchpack.Source{Bucket: "bucket", Key: w.key}, Configuration: w.configuration, AskedBy: w.askedBy,
		})
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, searchpack.WorkImport, versionID, now)
	})
}

func (w *world) update(f func(ctx context.Context, tx searchpack.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), func(tx searchpack.Tx) error { return f(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) claim() *searchpack.Work {
	w.t.Helper()
	item, err := w.store.Claim(w.t.Context(), w.clock.Now(), ttl, "test", searchpack.WorkImport)
	if err != nil {
		w.t.Fatal(err)
	}
	return item
}

// once claims and handles one item and finishes it; false if nothing was due.
func (w *world) once() bool {
	w.t.Helper()
	item := w.claim()
	if item == nil {
		return false
	}
	res, effects, err := w.imp.Handle(w.t.Context(), item)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Finish(w.t.Context(), w.clock.Now(), item, res, effects); err != nil {
		w.t.Fatal(err)
	}
	return true
}

// importOne asks for a version with the content and imports it.
func (w *world) importOne(versionID, content string) (*searchpack.Package, *searchpack.Version) {
	w.t.Helper()
	w.s3.content = content
	w.clock.add(time.Second)
	w.ask(versionID)
	if !w.once() {
		w.t.Fatal("no work is due")
	}
	return w.pkg(), w.version(versionID)
}

func (w *world) pkg() *searchpack.Package {
	w.t.Helper()
	var p *searchpack.Package
	w.view(func(ctx context.Context, tx searchpack.Tx) (err error) {
		p, err = tx.Package(ctx, packageID)
		return err
	})
	return p
}

func (w *world) version(id string) *searchpack.Version {
	w.t.Helper()
	var v *searchpack.Version
	w.view(func(ctx context.Context, tx searchpack.Tx) (err error) { v, err = tx.Version(ctx, id); return err })
	return v
}

func (w *world) findings(id string) []searchpack.Finding {
	w.t.Helper()
	var f []searchpack.Finding
	w.view(func(ctx context.Context, tx searchpack.Tx) (err error) { f, err = tx.Findings(ctx, id); return err })
	return f
}

func (w *world) manifest(id string) []searchpack.ManifestEntry {
	w.t.Helper()
	var m []searchpack.ManifestEntry
	w.view(func(ctx context.Context, tx searchpack.Tx) (err error) { m, err = tx.Manifest(ctx, id); return err })
	return m
}

func (w *world) view(f func(ctx context.Context, tx searchpack.Tx) error) {
	w.t.Helper()
	if err := w.store.View(w.t.Context(), func(tx searchpack.Tx) error { return f(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// stored counts the blobs.
func (w *world) stored() int {
	w.t.Helper()
	n := 0
	if err := w.blobs.List(w.t.Context(), func(searchpack.BlobInfo) error { n++; return nil }); err != nil {
		w.t.Fatal(err)
	}
	return n
}
