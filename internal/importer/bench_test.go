package importer

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/blobstore"
	"github.com/searchpack/searchpack/internal/s3source"
)

const benchSize = 256 << 20

var benchRule = []byte("laptop, notebook, portable computer => mobile workstation\n")

// serveRules answers each GET with benchSize bytes of synonym rules.
func serveRules(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(benchSize))
	chunk := make([]byte, 0, 64<<10)
	for len(chunk)+len(benchRule) <= cap(chunk) {
		chunk = append(chunk, benchRule...)
	}
	for left := benchSize; left > 0; {
		n, err := w.Write(chunk[:min(left, len(chunk))])
		if left -= n; err != nil {
			return
		}
	}
}

// BenchmarkImport compares an import with a plain download of the same object to the same disk.
func BenchmarkImport(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(serveRules))
	defer srv.Close()
	b.Run("download", func(b *testing.B) {
		b.SetBytes(benchSize)
		name := filepath.Join(b.TempDir(), "object")
		for b.Loop() {
			if err := download(b.Context(), srv.URL, name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("copy and inspect", func(b *testing.B) {
		blobs, err := blobstore.NewDir(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer blobs.Close()
		source, err := s3source.New(s3source.Config{Endpoint: srv.URL, AccessKey: "a", SecretKey: "b", PathStyle: true})
		if err != nil {
			b.Fatal(err)
		}
		defer source.Close()
		// Time stands still: the importer never looks whether its package is still there.
		i := New(nil, blobs, source, Options{Now: func() time.Time { return start }})
		j := &job{pkg: &searchpack.Package{Type: searchpack.TypeDictionary}, version: &searchpack.Version{Source: searchpack.Source{Bucket: "bucket", Key: "key"}}}
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			if _, res, err := i.copy(b.Context(), j, searchpack.KindUnknown); err != nil || res.Failed() {
				b.Fatal(res, err)
			}
		}
	})
}

func download(ctx context.Context, url, name string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, resp.Body); err != nil {
		return err
	}
	return f.Sync()
}
