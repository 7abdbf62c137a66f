package s3source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "000000000000"

// newSource makes a Source on the handler.
func newSource(t *testing.T, h http.Handler, change func(*Config)) *Source {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg := Config{Endpoint: srv.URL, AccessKey: "AKIDTEST", SecretKey: "hush", PathStyle: true}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// fakeS3 holds bucket "dicts" with the objects.
func fakeS3(t *testing.T, objects map[string]string, meta map[string]string) http.Handler {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("dicts"); err != nil {
		t.Fatal(err)
	}
	for key, content := range objects {
		if _, err := backend.PutObject("dicts", key, meta, strings.NewReader(content), int64(len(content)), nil); err != nil {
			t.Fatal(err)
		}
	}
	return gofakes3.New(backend).Server()
}

func TestOpen(t *testing.T) {
	t.Parallel()
	objects := map[string]string{
		"synonyms.txt": "a, b\n", "empty": "", "a b/ü+%.txt": "odd key", "big": strings.Repeat("0123456789", 100_000),
	}
	s := newSource(t, fakeS3(t, objects, map[string]string{"X-Amz-Meta-Searchpack-Kind": "solr-synonyms", "X-Amz-Meta-Searchpack-Checks": "a/checks.json", "X-Amz-Meta-Searchpack-Signature": "signed"}), nil)
	for key, want := range objects {
		obj, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: key})
		if err != nil {
			t.Errorf("Open(%s): %v", key, err)
			continue
		}
		got, err := io.ReadAll(obj)
		if err != nil || string(got) != want || obj.Size != int64(len(want)) {
			t.Errorf("%s: %d bytes, size %d, %v; want %d", key, len(got), obj.Size, err, len(want))
		}
		if obj.Kind != "solr-synonyms" || obj.Checks != "a/checks.json" || obj.Signature != "signed" || obj.ETag == "" {
			t.Errorf("%s: kind %q, ETag %q", key, obj.Kind, obj.ETag)
		}
		if err := obj.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	s := newSource(t, fakeS3(t, nil, nil), nil)
	for _, c := range []struct{ bucket, key, says string }{
		{"dicts", "no.txt", "bucket dicts has no object no.txt"},
		{"no-such-bucket", "x", "bucket no-such-bucket does not exist"},
	} {
		_, err := s.Open(t.Context(), account, searchpack.Source{Bucket: c.bucket, Key: c.key})
		if searchpack.ErrorCode(err) != searchpack.ErrNotFound || !strings.Contains(searchpack.ErrorMessage(err), c.says) {
			t.Errorf("%s/%s: %v", c.bucket, c.key, err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const secret = "request-id-that-is-for-the-log"
	for _, c := range []struct {
		status     int
		code       string
		want       searchpack.Code
		wantInText string
	}{
		{403, "AccessDenied", searchpack.ErrDenied, "s3:GetObject"},
		{403, "InvalidAccessKeyId", searchpack.ErrDenied, "InvalidAccessKeyId"},
		{404, "InvalidAccessKeyId", searchpack.ErrDenied, "denies"},
		{403, "SignatureDoesNotMatch", searchpack.ErrDenied, "denies"},
		{403, "", searchpack.ErrDenied, "denies"},
		{401, "", searchpack.ErrDenied, "denies"},
		{400, "ExpiredToken", searchpack.ErrDenied, "ExpiredToken"},
		{403, "InvalidObjectState", searchpack.ErrInvalid, "archived"},
		{404, "", searchpack.ErrNotFound, "does not exist"},
		{404, "NoSuchKey", searchpack.ErrNotFound, "no object"},
		{404, "NoSuchBucket", searchpack.ErrNotFound, "bucket"},
		{301, "PermanentRedirect", searchpack.ErrInvalid, "region"},
		{400, "AuthorizationHeaderMalformed", searchpack.ErrInvalid, "region"},
		{400, "InvalidRequest", searchpack.ErrInvalid, "InvalidRequest"},
		{400, "RequestTimeout", searchpack.ErrUnavailable, "now"},
		{429, "", searchpack.ErrUnavailable, "now"},
		{500, "InternalError", searchpack.ErrUnavailable, "now"},
		{503, "SlowDown", searchpack.ErrUnavailable, "now"},
		{502, "", searchpack.ErrUnavailable, "now"},
	} {
		calls := 0
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.Header().Set("x-amz-request-id", secret)
			w.WriteHeader(c.status)
			if c.code != "" {
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>the \x7freason</Message><RequestId>%s</RequestId></Error>", c.code, secret)
			} else {
				fmt.Fprint(w, "<html>a proxy speaks</html>")
			}
		}), nil)
		_, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
		msg := searchpack.ErrorMessage(err)
		if searchpack.ErrorCode(err) != c.want || !strings.Contains(msg, c.wantInText) {
			t.Errorf("%d %s: %s %q, want %s naming %q", c.status, c.code, searchpack.ErrorCode(err), msg, c.want, c.wantInText)
		}
		if strings.Contains(msg, secret) || strings.ContainsAny(msg, "\x7f<\n") {
			t.Errorf("%d %s: the message holds what is for the log: %q", c.status, c.code, msg)
		}
		if calls != 1 {
			t.Errorf("%d %s: %d requests; the importer is who tries again", c.status, c.code, calls)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	for _, endpoint := range []string{srv.URL, "http://no-such-host.invalid"} {
		s, err := New(Config{Endpoint: endpoint, AccessKey: "a", SecretKey: "b", PathStyle: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, err = s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
		if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || strings.Contains(searchpack.ErrorMessage(err), "127.0.0.1") {
			t.Errorf("%s: %v", endpoint, searchpack.ErrorMessage(err))
		}
	}
}

func TestNoHeaders(t *testing.T) {
	t.Parallel()
	s := newSource(t, hang(nil), func(c *Config) { c.HeaderTimeout = 50 * time.Millisecond })
	_, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
	if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("a server that never answers: %v", err)
	}
}

// hang sends what is given and then waits for the client to go.
func hang(send []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if send != nil {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(send)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

func TestStall(t *testing.T) {
	t.Parallel()
	s := newSource(t, hang([]byte("half")), func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
	obj, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	got, err := io.ReadAll(obj)
	if string(got) != "half" || searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(err.Error(), "stalled after 4 bytes") {
		t.Errorf("a stream that stalls: %q, %v", got, err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	s := newSource(t, hang([]byte("half")), nil)
	why := errors.New("the lease is lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	obj, err := s.Open(ctx, account, searchpack.Source{Bucket: "dicts", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	if _, err := io.ReadFull(obj, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	cancel(why)
	if _, err := io.ReadAll(obj); !errors.Is(err, why) {
		t.Errorf("reading after the end of the import: %v, want its cause", err)
	}
	if _, err := s.Open(ctx, account, searchpack.Source{Bucket: "dicts", Key: "k"}); !errors.Is(err, why) {
		t.Errorf("opening after the end of the import: %v, want its cause", err)
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write(bytes.Repeat([]byte("x"), 60))
	}), nil)
	obj, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	got, err := io.ReadAll(obj)
	if len(got) != 60 || searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
		t.Errorf("a stream cut off: %d bytes, %v", len(got), err)
	}
}

// TestForeignChecksum: a checksum that Searchpack cannot compare (of a multipart object, or wrong)
// must not keep the bytes from being read.
func TestForeignChecksum(t *testing.T) {
	t.Parallel()
	var sent http.Header
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		w.Header().Set("x-amz-checksum-crc32", "AAAAAA==-3")
		w.Header().Set("x-amz-checksum-type", "COMPOSITE")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "not really gzip")
	}), nil)
	obj, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	if got, err := io.ReadAll(obj); err != nil || string(got) != "not really gzip" {
		t.Errorf("got %q, %v", got, err)
	}
	if sent.Get("X-Amz-Checksum-Mode") != "" || sent.Get("Range") != "" {
		t.Errorf("asked for checksums or ranges: %v", sent)
	}
}

func TestErrorBodyIsBounded(t *testing.T) {
	t.Parallel()
	done := make(chan int, 1)
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		n := 0
		for n < 1<<30 {
			m, err := w.Write(bytes.Repeat([]byte("<Error>"), 10_000))
			if n += m; err != nil {
				break
			}
		}
		done <- n
	}), nil)
	_, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
	if searchpack.ErrorCode(err) != searchpack.ErrDenied {
		t.Errorf("endless error document: %v", err)
	}
	if n := <-done; n >= 1<<30 {
		t.Errorf("%d bytes of an error document were taken", n)
	}
}
