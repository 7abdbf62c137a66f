package blobstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/blobstore/blobtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testBucket = "blobs"

// fakeS3 is an S3 in memory with one empty bucket. It counts requests, and a test may stand before
// it.
type fakeS3 struct {
	*s3mem.Backend
	url string

	mu     sync.Mutex
	counts map[string]int
	// instead, if set, answers a request itself and returns true, or leaves it to S3.
	instead func(w http.ResponseWriter, r *http.Request, what string) bool
}

func newFakeS3(t testing.TB) *fakeS3 {
	t.Helper()
	f := &fakeS3{Backend: s3mem.New(), counts: map[string]int{}}
	if err := f.CreateBucket(testBucket); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(f.Backend).Server()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := whatIs(r)
		f.mu.Lock()
		f.counts[what]++
		instead := f.instead
		f.mu.Unlock()
		if instead == nil || !instead(w, r, what) {
			h.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

// whatIs names a request: "put", "begin", "part", "complete", "abort", "uploads", "list", "get", …
func whatIs(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "begin"
	case r.Method == http.MethodPost:
		return "complete"
	case r.Method == http.MethodPut && q.Has("partNumber"):
		return "part"
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		return "abort"
	case q.Has("uploads"):
		return "uploads"
	case q.Has("list-type"):
		return "list"
	}
	return strings.ToLower(r.Method)
}

func (f *fakeS3) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[what]
}

// before has every request go through do first.
func (f *fakeS3) before(do func(w http.ResponseWriter, r *http.Request, what string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instead = do
}

// open makes a store in the bucket, below a prefix, with small parts and pages.
func (f *fakeS3) open(t testing.TB, change func(*S3Config)) *S3 {
	t.Helper()
	cfg := S3Config{
		Bucket: testBucket, Prefix: "some/where", Endpoint: f.url, AccessKey: "AKIDTEST", SecretKey: "hush-hush", Spool: t.TempDir(),
		PartSize: 100_000, ConnectTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second, RetryWait: 10 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := NewS3(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.listPage = 7
	return s
}

// put makes an object without asking the test that stands before S3.
func (f *fakeS3) put(key, text string) error {
	_, err := f.PutObject(testBucket, key, map[string]string{}, strings.NewReader(text), int64(len(text)), nil)
	return err
}

// keys are all of the bucket.
func (f *fakeS3) keys(t *testing.T) []string {
	t.Helper()
	list, err := f.ListBucket(testBucket, &gofakes3.Prefix{}, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}

// nothingLeft: no object, no upload under way, no spool file.
func nothingLeft(t *testing.T, f *fakeS3, s *S3) {
	t.Helper()
	if keys := f.keys(t); len(keys) > 0 {
		t.Errorf("objects: %v", keys)
	}
	f.before(nil)
	out, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(testBucket)})
	if err == nil && len(out.Uploads) > 0 || err != nil && !absent(err) { // this S3 says so when there are none
		t.Errorf("uploads under way: %+v, %v", out, err)
	}
	if left, err := os.ReadDir(s.spoolDir); err != nil || len(left) > 0 {
		t.Errorf("in the spool folder: %v, %v", left, err)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func TestS3(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, blobtest.Options{}, func(t *testing.T) searchpack.BlobStore { return newFakeS3(t).open(t, nil) })
}

// TestS3Parts: what is larger than a part goes in parts, what S3 has is not sent again, and what it
// has in another size is.
func TestS3Parts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ size, parts int }{{99_999, 0}, {100_000, 0}, {100_001, 2}, {300_000, 3}, {950_000, 10}} {
		f := newFakeS3(t)
		s := f.open(t, nil)
		content := random(c.size)
		for range 2 {
			if _, _, err := s.Write(t.Context(), bytes.NewReader(content), 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		puts := 0
		if c.parts == 0 {
			puts = 1
		}
		if got := [3]int{f.count("put"), f.count("part"), f.count("complete")}; got != [3]int{puts, c.parts, 1 - puts} {
			t.Errorf("%d bytes: %v objects, parts and completions were sent", c.size, got)
		}
		digest := searchpack.DigestOf(content)
		key, _ := s.key(digest)
		if err := f.put(key, "cut"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Write(t.Context(), bytes.NewReader(content), 1<<20); err != nil {
			t.Fatal(err)
		}
		b, err := s.Open(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content) {
			t.Errorf("after a damaged object was written anew: %d of %d bytes, %v", len(got), c.size, err)
		}
		_ = b.Close()
	}
}

// TestS3ClearsUploads: what a killed writer left in S3 is found, when it is old enough and ours.
func TestS3ClearsUploads(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	s := f.open(t, nil)
	key, _ := s.key(searchpack.DigestOf([]byte("x")))
	for _, k := range []string{key, "some/where/owner", "some/where/other", "elsewhere"} {
		if _, err := s.client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(testBucket), Key: &k}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		before time.Duration
		want   int
	}{{-time.Hour, 0}, {time.Hour, 2}, {time.Hour, 0}} {
		if n, err := s.ClearPartial(t.Context(), time.Now().Add(c.before)); n != c.want || err != nil {
			t.Errorf("ClearPartial of what began before now%+v: %d, %v; want %d", c.before, n, err, c.want)
		}
	}
}

// TestS3ForeignKeys: what is no blob, or is another prefix's, is neither listed nor opened.
func TestS3ForeignKeys(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	s := f.open(t, nil)
	mine, other := searchpack.DigestOf([]byte("mine")), searchpack.DigestOf([]byte("other"))
	if _, _, err := s.Write(t.Context(), strings.NewReader("mine"), 10); err != nil {
		t.Fatal(err)
	}
	fan := string(other[:2]) + "/" + string(other)
	for _, key := range []string{
		fan, "some/wherever/" + fan, "some/where/zz/" + string(other), "some/where/" + string(other), "some/where/" + fan + "/x",
		"some/where/" + string(other[:2]) + "/README", "some/where/owner", "some/where/" + strings.ToUpper(fan),
	} {
		if err := f.put(key, "other"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), other); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("Open of what lies elsewhere: %v", err)
	}
	var got []searchpack.Digest
	if err := s.List(t.Context(), func(i searchpack.BlobInfo) error { got = append(got, i.Digest); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != mine {
		t.Errorf("listed %v, want only %s", got, mine)
	}
	whole := f.open(t, func(c *S3Config) { c.Prefix = "" })
	if b, err := whole.Open(t.Context(), other); err != nil || b.Size() != 5 {
		t.Errorf("a store without a prefix: %v", err)
	}
}

func TestParseS3(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ location, bucket, prefix string }{
		{"s3://bucket", "bucket", ""}, {"s3://bucket/", "bucket", ""}, {"s3://my.bucket-1/a/b_c=d/", "my.bucket-1", "a/b_c=d"},
		{"http://bucket", "", ""}, {"bucket", "", ""}, {"s3://", "", ""}, {"s3:///prefix", "", ""}, {"s3://b", "", ""}, {"s3://a..b/x", "", ""},
		{"s3://bucket/a//b", "", ""}, {"s3://bucket/a/../b", "", ""}, {"s3://bucket/.", "", ""}, {"s3://bucket/a b", "", ""},
		{"s3://bucket/ä", "", ""}, {"s3://bucket/x?y", "", ""}, {"s3://user:pass@bucket/x", "", ""},
	} {
		bucket, prefix, err := ParseS3(c.location)
		if bucket != c.bucket || prefix != c.prefix || (err != nil) != (c.bucket == "") {
			t.Errorf("%s: %q, %q, %v", c.location, bucket, prefix, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q is not one line", c.location, err)
		}
	}
}

func TestS3Config(t *testing.T) {
	t.Parallel()
	for _, c := range []S3Config{{Bucket: "b", AccessKey: "a"}, {Bucket: "b", SecretKey: "hush-hush"}} {
		if _, err := NewS3(c); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("half a credential: %v", err)
		}
	}
	f := newFakeS3(t)
	if got := fmt.Sprint(f.open(t, nil), f.open(t, func(c *S3Config) { c.Prefix = "" })); got != "s3://blobs/some/where s3://blobs/" {
		t.Errorf("printed as %s", got)
	}
}

// sums has S3 compare the SHA-256 that comes with an object or a part, which the one in memory does
// not.
func (f *fakeS3) sums(w http.ResponseWriter, r *http.Request, what string) bool {
	if what != "put" && what != "part" {
		return false
	}
	body, err := io.ReadAll(r.Body)
	sum := sha256.Sum256(body)
	if got := r.Header.Get("X-Amz-Checksum-Sha256"); err != nil || got != base64.StdEncoding.EncodeToString(sum[:]) {
		refuse(w, http.StatusBadRequest, "BadDigest")
		return true
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return false
}

// TestS3Sums: each object and each part is sent with the SHA-256 of the bytes that came in, so that
// what the spool's disk or the line spoils is refused.
func TestS3Sums(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1000, 250_000} {
		f := newFakeS3(t)
		f.before(f.sums)
		s := f.open(t, nil)
		content := random(size)
		digest, _, err := s.Write(t.Context(), bytes.NewReader(content), 1<<20)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if size == 0 {
			continue
		}
		if err := s.Delete(t.Context(), digest); err != nil {
			t.Fatal(err)
		}
		sp, err := s.newSpool()
		if err != nil {
			t.Fatal(err)
		}
		defer sp.discard()
		_, _ = sp.Write(content)
		sp.finish()
		if _, err := sp.file.WriteAt([]byte{content[size-1] + 1}, int64(size-1)); err != nil {
			t.Fatal(err)
		}
		key, _ := s.key(digest)
		if err := s.upload(t.Context(), key, digest, sp); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
			t.Errorf("%d bytes, spoilt in the spool: %v", size, err)
		}
		nothingLeft(t, f, s)
	}
}

// TestSpoolOnAFullDisk: a spool that cannot be written is something to be tried again.
func TestSpoolOnAFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this system has no /dev/full: ", err)
	}
	f := newFakeS3(t)
	s := f.open(t, nil)
	sp := &spool{file: full, partSize: 1000, hash: sha256.New()}
	defer sp.discard()
	_, _, err = copyHashed(t.Context(), sp, bytes.NewReader(random(5000)), 1<<20)
	err = s.spoolError(err)
	if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(searchpack.ErrorMessage(err), "no space left") ||
		strings.Contains(searchpack.ErrorMessage(err), s.spoolDir) {
		t.Errorf("a full disk: %v", err)
	}
	if !strings.Contains(err.Error(), s.spoolDir) {
		t.Errorf("the log does not learn which folder: %v", err)
	}
}

// TestSpoolFolder: one that cannot be used is refused by Claim, one that has vanished is made again.
func TestSpoolFolder(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	file := put(t, "in the way")
	s := f.open(t, func(c *S3Config) { c.Spool = file + "/spool" })
	if err := s.Claim(t.Context(), "me"); err == nil || !strings.Contains(err.Error(), file) || len(f.keys(t)) > 0 {
		t.Errorf("Claim with a spool folder that cannot be: %v, %v", err, f.keys(t))
	}
	s = f.open(t, nil)
	if err := os.Remove(s.spoolDir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Write(t.Context(), strings.NewReader("x"), 10); err != nil {
		t.Error(err)
	}
}

// TestClearsSpool: on a system that cannot unlink open files, a killed writer leaves one.
func TestClearsSpool(t *testing.T) {
	t.Parallel()
	s := newFakeS3(t).open(t, nil)
	for name, age := range map[string]time.Duration{"blob-old": 48 * time.Hour, "blob-young": 0, "notes-old": 48 * time.Hour} {
		path := s.spoolDir + "/" + name
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Claim(t.Context(), "me"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(s.spoolDir)
	if err != nil || len(left) != 2 || left[0].Name() != "blob-young" || left[1].Name() != "notes-old" {
		t.Errorf("left: %v, %v", left, err)
	}
}

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>says S3\non two lines</Message></Error>", code)
}

// put makes a file.
func put(t *testing.T, text string) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "file")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}
