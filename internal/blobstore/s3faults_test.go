package blobstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// TestS3Unusable: whatever is wrong with the bucket at the start is one line that says what to do,
// and nothing has changed in it.
func TestS3Unusable(t *testing.T) {
	t.Parallel()
	type answers = func(w http.ResponseWriter, r *http.Request, what string) bool
	always := func(status int, code string) answers {
		return func(w http.ResponseWriter, _ *http.Request, _ string) bool { refuse(w, status, code); return true }
	}
	only := func(request string, status int, code string) answers {
		return func(w http.ResponseWriter, _ *http.Request, what string) bool {
			if what == request {
				refuse(w, status, code)
			}
			return what == request
		}
	}
	for name, c := range map[string]struct {
		change  func(*S3Config)
		instead answers
		says    string
	}{
		"no bucket":           {change: func(c *S3Config) { c.Bucket = "another" }, says: "s3://another/some/where has no bucket"},
		"no S3 at all":        {instead: always(404, ""), says: "has no bucket"},
		"other region":        {instead: always(400, "AuthorizationHeaderMalformed"), says: "--blobs-region (AuthorizationHeaderMalformed)"},
		"redirect":            {instead: always(301, "PermanentRedirect"), says: "another region"},
		"denied":              {instead: always(403, "AccessDenied"), says: "need s3:ListBucket, "},
		"wrong secret":        {instead: always(403, "SignatureDoesNotMatch"), says: "denies access (SignatureDoesNotMatch)"},
		"unknown key":         {instead: always(404, "InvalidAccessKeyId"), says: "denies access (InvalidAccessKeyId)"},
		"may not list":        {instead: only("list", 403, "AccessDenied"), says: "denies access"},
		"may not see uploads": {instead: only("uploads", 403, "AccessDenied"), says: "s3:ListBucketMultipartUploads"},
		"may not read":        {instead: only("get", 403, "AccessDenied"), says: "s3:GetObject"},
		"may not write":       {instead: only("begin", 403, "AccessDenied"), says: "s3:PutObject"},
		"may not abort":       {instead: only("abort", 403, "AccessDenied"), says: "s3:AbortMultipartUpload"},
		"busy":                {instead: always(503, "SlowDown"), says: "cannot answer now (SlowDown)"},
		"a code of its own":   {instead: always(409, "Not\u00e4Yet"), says: "refuses a request (Not?Yet)"},
		"nobody listens":      {change: func(c *S3Config) { c.Endpoint = "http://127.0.0.1:1" }, says: "cannot be reached (connect: connection refused)"},
		"stalled": {change: func(c *S3Config) { c.IdleTimeout = 20 * time.Millisecond }, instead: func(_ http.ResponseWriter, r *http.Request, _ string) bool {
			<-r.Context().Done()
			return true
		}, says: "cannot be reached (no answer in time)"},
		"hangs up": {instead: func(http.ResponseWriter, *http.Request, string) bool { panic(http.ErrAbortHandler) }, says: "the connection broke"},
		"no name": {change: func(c *S3Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Err: "no such host"}
			}
		}, says: "its name cannot be resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeS3(t)
			f.before(c.instead)
			s := f.open(t, c.change)
			err := s.Check(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %q", err, c.says)
			}
			if !strings.HasPrefix(err.Error(), "the blob store s3://") || strings.ContainsAny(err.Error(), "\n\x1b") || strings.Contains(err.Error(), "hush") {
				t.Errorf("not one clear line: %q", err)
			}
			if keys := f.keys(t); len(keys) > 0 {
				t.Errorf("Check left %v", keys)
			}
		})
	}
	f := newFakeS3(t)
	s := f.open(t, nil)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	nothingLeft(t, f, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop: %v", err)
	}
}

// TestS3FailedWrite: a write that fails at any request leaves neither an object nor parts nor a
// spool file, and can be tried again.
func TestS3FailedWrite(t *testing.T) {
	t.Parallel()
	content := random(450_000)
	for _, request := range []string{"head", "begin", "part", "complete", "cancel"} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			f := newFakeS3(t)
			s := f.open(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var parts atomic.Int32
			f.before(func(w http.ResponseWriter, _ *http.Request, what string) bool {
				if what == "part" && parts.Add(1) < 3 { // some get through
					return false
				}
				if request == "cancel" && what == "part" {
					cancel()
				}
				if what == request {
					refuse(w, http.StatusForbidden, "AccessDenied")
				}
				return what == request
			})
			_, _, err := s.Write(ctx, bytes.NewReader(content), 1<<20)
			if request == "cancel" {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled: %v", err)
				}
			} else if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || strings.Contains(searchpack.ErrorMessage(err), testBucket) {
				t.Errorf("%v; the message %q", err, searchpack.ErrorMessage(err))
			}
			nothingLeft(t, f, s)
			if _, _, err := s.Write(t.Context(), bytes.NewReader(content), 1<<20); err != nil {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// TestS3LostAnswer: the upload was completed and the answer was lost; the second try is told that
// there is no such upload.
func TestS3LostAnswer(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	s := f.open(t, nil)
	content := random(250_000)
	f.before(func(w http.ResponseWriter, r *http.Request, what string) bool {
		if what != "complete" {
			return false
		}
		key, _ := s.key(searchpack.DigestOf(content))
		if err := f.put(key, string(content)); err != nil {
			t.Error(err)
		}
		if f.count("complete") == 1 {
			panic(http.ErrAbortHandler)
		}
		refuse(w, http.StatusNotFound, "NoSuchUpload")
		return true
	})
	if _, _, err := s.Write(t.Context(), bytes.NewReader(content), 1<<20); err != nil || f.count("complete") != 2 {
		t.Errorf("%v after %d tries", err, f.count("complete"))
	}
}

// TestS3Retries: a request that fails for a moment is sent again.
func TestS3Retries(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	s := f.open(t, func(c *S3Config) { c.IdleTimeout = time.Second })
	f.before(func(w http.ResponseWriter, r *http.Request, what string) bool {
		switch n := f.count(what); {
		case n > 2:
			return false
		case n == 2:
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return true
	})
	content := random(1000)
	digest, _, err := s.Write(t.Context(), bytes.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestS3LostBucket: a bucket that has gone is no blob that has gone.
func TestS3LostBucket(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	s := f.open(t, func(c *S3Config) { c.Bucket = "another" })
	digest := searchpack.DigestOf([]byte("x"))
	_, openErr := s.Open(t.Context(), digest)
	_, _, writeErr := s.Write(t.Context(), strings.NewReader("x"), 10)
	for op, err := range map[string]error{
		"Open": openErr, "Write": writeErr, "List": s.List(t.Context(), func(searchpack.BlobInfo) error { return nil }),
	} {
		if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(err.Error(), "has no bucket") {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// TestS3Reader: bytes that end early, stall or are others than asked for never look whole; a line
// that breaks now and then does not show.
func TestS3Reader(t *testing.T) {
	t.Parallel()
	content := random(300_000)
	digest := searchpack.DigestOf(content)
	from := func(r *http.Request) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"))
		return n
	}
	give := func(w http.ResponseWriter, r *http.Request, b []byte) {
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		if at := from(r); at > 0 {
			w.Header().Set("Content-Range", "bytes "+strconv.Itoa(at)+"-"+strconv.Itoa(at+len(b)-1)+"/300000")
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(b)
	}
	for name, c := range map[string]struct {
		get   func(w http.ResponseWriter, r *http.Request)
		whole bool
	}{
		"breaks now and then": {func(w http.ResponseWriter, r *http.Request) {
			rest := content[from(r):]
			w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
			give2(w, from(r), rest[:min(len(rest), 70_000)], len(rest) <= 70_000)
		}, true},
		"stalls once": {func(w http.ResponseWriter, r *http.Request) {
			rest := content[from(r):]
			w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
			if from(r) > 0 {
				give2(w, from(r), rest, true)
				return
			}
			_, _ = w.Write(rest[:1000])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, true},
		"ends early, and says so": {func(w http.ResponseWriter, r *http.Request) { give(w, r, content[from(r):max(from(r), 1000)]) }, false},
		"ends early each time":    {func(w http.ResponseWriter, r *http.Request) { give(w, r, content[min(from(r), 1000):1000]) }, false},
		"gives nothing":           {func(w http.ResponseWriter, r *http.Request) { give(w, r, nil) }, false},
		"stalls each time": {func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}, false},
		"ignores the range": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "300000")
			give2(w, 0, content[:1000], false)
		}, false},
		"gives more":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(append(bytes.Clone(content), "more"...)) }, true},
		"is gone":        {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "NoSuchKey") }, false},
		"was replaced":   {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 412, "PreconditionFailed") }, false},
		"knows no key":   {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "InvalidAccessKeyId") }, false},
		"denies":         {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, "AccessDenied") }, false},
		"has no range":   {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 416, "InvalidRange") }, false},
		"lost its parts": {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 400, "InvalidPart") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeS3(t)
			s := f.open(t, func(c *S3Config) { c.IdleTimeout = 100 * time.Millisecond })
			f.before(func(w http.ResponseWriter, r *http.Request, what string) bool {
				switch what {
				case "head":
					w.Header().Set("ETag", `"x"`)
					w.Header().Set("Content-Length", "300000")
				case "get":
					c.get(w, r)
				}
				return true
			})
			b, err := s.Open(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			got, err := io.ReadAll(b)
			switch {
			case c.whole && (err != nil || !bytes.Equal(got, content)):
				t.Errorf("%d bytes, %v, want all", len(got), err)
			case !c.whole && err == nil:
				t.Errorf("%d bytes and no error", len(got))
			case name == "knows no key" && searchpack.ErrorCode(err) != searchpack.ErrUnavailable,
				!c.whole && searchpack.ErrorCode(err) == searchpack.ErrInternal:
				t.Errorf("an error without a word for it: %v", err)
			}
		})
	}
}

// give2 sends bytes from an offset on, and then hangs up unless they are the last.
func give2(w http.ResponseWriter, at int, b []byte, last bool) {
	if at > 0 {
		w.Header().Set("Content-Range", "bytes "+strconv.Itoa(at)+"-299999/300000")
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write(b)
	if !last {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
