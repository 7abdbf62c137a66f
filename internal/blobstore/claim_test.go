package blobstore

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/searchpack/searchpack"
)

// claimer is what a server asks before it relies on a blob store.
type claimer interface {
	searchpack.BlobStore
	Claim(ctx context.Context, owner string) error
}

// TestClaim: the first database has the blobs, another is refused, whatever the blobs lie in.
func TestClaim(t *testing.T) {
	t.Parallel()
	folder := newDir(t).path
	f := newFakeS3(t)
	unconditional := newFakeS3(t)
	unconditional.before(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if r.Header.Get("If-None-Match") != "" {
			refuse(w, http.StatusNotImplemented, "NotImplemented")
			return true
		}
		return false
	})
	for name, open := range map[string]func(t *testing.T) claimer{
		"folder": func(t *testing.T) claimer {
			d, err := NewDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			return d
		},
		"S3":                    func(t *testing.T) claimer { return f.open(t, nil) },
		"S3 without conditions": func(t *testing.T) claimer { return unconditional.open(t, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, owner := range []string{"database one", "database one"} {
				if err := open(t).Claim(t.Context(), owner); err != nil {
					t.Fatal(err)
				}
			}
			err := open(t).Claim(t.Context(), "database two")
			if searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), "belong to another database") || strings.Contains(err.Error(), "\n") {
				t.Errorf("another database: %v", err)
			}
			if err := open(t).Claim(t.Context(), "database one"); err != nil {
				t.Errorf("after another was refused: %v", err)
			}
			err = open(t).List(t.Context(), func(i searchpack.BlobInfo) error { t.Errorf("a blob is listed: %v", i); return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := f.open(t, func(c *S3Config) { c.Prefix = "elsewhere" }).Claim(t.Context(), "database two"); err != nil {
		t.Errorf("another database, another prefix: %v", err)
	}
}

// TestClaimRace: of two databases that claim at the same moment one goes on.
func TestClaimRace(t *testing.T) {
	t.Parallel()
	for range 5 {
		d, f := newDir(t), newFakeS3(t)
		for _, one := range []func() claimer{func() claimer { return d }, func() claimer { return f.open(t, nil) }} {
			stores := []claimer{one(), one(), one(), one()}
			errs := make([]error, len(stores))
			var wg sync.WaitGroup
			for i, s := range stores {
				wg.Go(func() { errs[i] = s.Claim(context.WithoutCancel(t.Context()), "database "+string(rune('0'+i))) })
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if searchpack.ErrorCode(err) != searchpack.ErrConflict {
					t.Error(err)
				}
			}
			if won != 1 {
				t.Errorf("%d of %d databases have the blobs of %T", won, len(stores), stores[0])
			}
		}
	}
}

// TestClaimFails: what cannot be read or written is said, and nothing is claimed.
func TestClaimFails(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	if err := os.Mkdir(filepath.Join(d.path, ownerName), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Claim(t.Context(), "me"); err == nil || !strings.Contains(err.Error(), d.path) {
		t.Errorf("owner is a folder: %v", err)
	}
	f := newFakeS3(t)
	f.before(func(w http.ResponseWriter, _ *http.Request, what string) bool {
		if what == "put" {
			refuse(w, http.StatusForbidden, "AccessDenied")
		}
		return what == "put"
	})
	if err := f.open(t, nil).Claim(t.Context(), "me"); err == nil || !strings.Contains(err.Error(), "s3:PutObject") {
		t.Errorf("S3 that may not be written: %v", err)
	}
	if keys := f.keys(t); len(keys) > 0 {
		t.Errorf("left: %v", keys)
	}
}
