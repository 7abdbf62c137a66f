package catalog

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/blobstore"
	"github.com/searchpack/searchpack/internal/inspect/diff"
)

// versions makes a package with one version of each text.
func (b *bench) versions(kind searchpack.Kind, texts ...string) *searchpack.Package {
	b.t.Helper()
	p := b.pkg("words")
	for i, text := range texts {
		if i > 0 {
			var err error
			if p, err = b.UpdatePackage(b.t.Context(), b.who, UpdatePackageInput{ID: p.ID, Source: source}); err != nil {
				b.t.Fatal(err)
			}
		}
		p = b.imported(p)
		digest, _, err := b.blobs.Write(b.t.Context(), strings.NewReader(text), 1<<20)
		if err != nil {
			b.t.Fatal(err)
		}
		b.update(func(tx searchpack.Tx) error {
			v, err := tx.Version(b.t.Context(), p.AvailableID)
			if err != nil {
				return err
			}
			v.Digest, v.Kind = digest, kind
			return tx.PutVersion(b.t.Context(), v)
		})
	}
	return p
}

func withBlobs(t *testing.T) *bench {
	t.Helper()
	blobs, err := blobstore.NewDir(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	return setup(t, func(o *Options) { o.Blobs = blobs })
}

func TestDiff(t *testing.T) {
	t.Parallel()
	b := withBlobs(t)
	p := b.versions(searchpack.KindUnknown, "a\nb\n", "b\nc\n", "a\nb\n")
	d, err := b.Diff(t.Context(), b.who, p.ID, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []diff.Change{{Sort: diff.Removed, Key: "a", OldLine: 1}, {Sort: diff.Added, Key: "c", NewLine: 2}}
	if diff := cmp.Diff(want, d.Changes); diff != "" || d.From.Number != 1 || d.To.Number != 2 || d.Added != 1 || d.Removed != 1 || d.Same != 1 {
		t.Errorf("%+v\n%s", d, diff)
	}
	if d, err := b.Diff(t.Context(), b.who, p.ID, 1, 3); err != nil || !strings.Contains(d.Note, "the same bytes") {
		t.Errorf("identical: %+v, %v", d, err)
	}
	if d, err := b.Diff(t.Context(), b.who, p.ID, 0, 0); err != nil || d.From.Number != 2 || d.To.Number != 3 {
		t.Errorf("the newest: %+v, %v", d, err)
	}
	if _, err := b.Diff(t.Context(), b.who, p.ID, 0, 1); searchpack.ErrorCode(err) != searchpack.ErrNotFound || !strings.Contains(err.Error(), "no two versions") {
		t.Errorf("before the first: %v", err)
	}
	_, err = b.Diff(t.Context(), b.who, p.ID, 1, 4)
	wantCode(t, err, searchpack.ErrNotFound)
}

// Of what is unpacked, and of plugins, it is the files.
func TestDiffOfFiles(t *testing.T) {
	t.Parallel()
	b := withBlobs(t)
	p := b.versions(searchpack.KindHunspell, "zip 1", "zip 2")
	vs, err := b.Versions(t.Context(), b.who, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.update(func(tx searchpack.Tx) error {
		p.Type = searchpack.TypePlugin
		vs[0].Plugin, vs[1].Plugin = &searchpack.PluginProperties{Version: "1"}, &searchpack.PluginProperties{Version: "2"}
		return errors.Join(tx.PutPackage(t.Context(), p), tx.PutVersion(t.Context(), vs[0]), tx.PutVersion(t.Context(), vs[1]))
	})
	d, err := b.Diff(t.Context(), b.who, p.ID, 1, 2)
	if err != nil || d.Way != diff.ByBytes || !strings.Contains(d.Note, "was not kept") || len(d.Descriptor) != 1 {
		t.Errorf("without a list of files: %+v, %v", d, err)
	}
	b.update(func(tx searchpack.Tx) error {
		return errors.Join(
			tx.PutManifest(t.Context(), vs[0].ID, []searchpack.ManifestEntry{{Path: "a.jar", Digest: vs[0].Digest, Mode: 0o644}}),
			tx.PutManifest(t.Context(), vs[1].ID, []searchpack.ManifestEntry{{Path: "a.jar", Digest: vs[1].Digest, Mode: 0o644}}),
		)
	})
	if d, err = b.Diff(t.Context(), b.who, p.ID, 1, 2); err != nil || d.Way != diff.ByFile || d.Changed != 1 || len(d.Descriptor) != 1 {
		t.Errorf("with one: %+v, %v", d, err)
	}
}

func TestDiffFails(t *testing.T) {
	t.Parallel()
	b := withBlobs(t)
	p := b.versions(searchpack.KindUnknown, "a", "b")
	good := b.blobs
	for name, c := range map[string]struct {
		blobs searchpack.BlobStore
		code  searchpack.Code
		says  string
	}{
		"none": {nil, searchpack.ErrUnavailable, "cannot be read here"},
		"gone": {emptyBlobs{good}, searchpack.ErrUnavailable, "bytes of v1 are not in the blob store"},
		"away": {brokenBlobs{good}, searchpack.ErrUnavailable, "the bucket is away"},
	} {
		b.blobs = c.blobs
		if _, err := b.Diff(t.Context(), b.who, p.ID, 1, 2); searchpack.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// No more than so many at once: the next one waits, and ends with its caller.
	b.blobs = good
	for range comparisons {
		b.comparing <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := b.compare(ctx, &searchpack.Version{}, &searchpack.Version{})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type emptyBlobs struct{ searchpack.BlobStore }

func (emptyBlobs) Open(context.Context, searchpack.Digest) (searchpack.Blob, error) {
	return nil, searchpack.Errorf(searchpack.ErrNotFound, "no such blob")
}

// brokenBlobs opens blobs that cannot be read.
type brokenBlobs struct{ searchpack.BlobStore }

func (b brokenBlobs) Open(ctx context.Context, d searchpack.Digest) (searchpack.Blob, error) {
	blob, err := b.BlobStore.Open(ctx, d)
	return brokenBlob{blob}, err
}

type brokenBlob struct{ searchpack.Blob }

func (brokenBlob) Read([]byte) (int, error) {
	return 0, searchpack.Errorf(searchpack.ErrUnavailable, "the bucket is away")
}

var _ io.Reader = brokenBlob{}
