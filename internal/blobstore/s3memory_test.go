package blobstore

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/searchpack/searchpack"
)

// TestS3Memory: a blob of 256 MiB goes through in parts of the default size, and never more than a
// few of the buffers of connections are in memory. A part that were held whole would show.
func TestS3Memory(t *testing.T) {
	const size, bound = 256 << 20, 12 << 20
	var stored atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch whatIs(r) {
		case "head":
			if stored.Load() < size {
				w.WriteHeader(http.StatusNotFound)
			}
			w.Header().Set("Content-Length", strconv.Itoa(size))
		case "begin":
			_, _ = fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
		case "part":
			n, _ := io.Copy(io.Discard, r.Body)
			stored.Add(n)
			w.Header().Set("ETag", `"e"`)
		case "complete":
			_, _ = fmt.Fprint(w, "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
		}
	}))
	t.Cleanup(srv.Close)
	s, err := NewS3(S3Config{Bucket: testBucket, Endpoint: srv.URL, AccessKey: "a", SecretKey: "b", Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most := heap(), int64(0)
	ended := make(chan struct{})
	measured := make(chan struct{})
	go func() {
		defer close(measured)
		for {
			most = max(most, heap())
			select {
			case <-ended:
				return
			default:
				runtime.Gosched()
			}
		}
	}()
	_, n, err := s.Write(t.Context(), io.LimitReader(endless{}, size), size)
	close(ended)
	<-measured
	if err != nil || n != size {
		t.Fatalf("Write = %d, %v", n, err)
	}
	t.Logf("%d KiB more than before at most", (most-before)>>10)
	if most-before > bound {
		t.Errorf("%d bytes in memory while %d went through, want at most %d", most-before, size, bound)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

var _ searchpack.BlobStore = (*S3)(nil)
