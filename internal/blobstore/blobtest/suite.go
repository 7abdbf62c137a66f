// Package blobtest is the suite that every BlobStore must pass. It talks to the store through the
// interface only; what a store keeps where is tested beside the store.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// noLimit is more than any blob of the suite.
const noLimit = 1 << 30

// Options say what a store promises beyond the interface.
type Options struct {
	// OpenOutlivesDelete: whoever has a blob open reads all of it, even when it is deleted
	// meanwhile. Else he may get an error instead, but never fewer bytes as if whole.
	OpenOutlivesDelete bool
}

// Run runs the suite; newStore returns an empty store that the test cleans up.
func Run(t *testing.T, o Options, newStore func(t *testing.T) searchpack.BlobStore) {
	tests := map[string]func(*testing.T, searchpack.BlobStore){
		"write then read":     testRoundTrip,
		"write twice":         testTwice,
		"limit":               testLimit,
		"failing reader":      testFailingReader,
		"cancelled":           testCancelled,
		"equal bytes race":    o.testEqualRace,
		"different race":      testDifferentRace,
		"absent":              testAbsent,
		"names that are not":  testNotDigests,
		"delete":              testDelete,
		"delete while open":   o.testDeleteWhileOpen,
		"list":                testList,
		"list stops":          testListStops,
		"seek":                testSeek,
		"reader's contract":   testReader,
		"reading cancelled":   testReadCancelled,
		"replaced while read": testReplacedWhileRead,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newStore(t))
		})
	}
}

func testRoundTrip(t *testing.T, s searchpack.BlobStore) {
	// Around the sizes where buffers end, and the two smallest.
	for _, size := range []int{0, 1, 4095, 4096, 4097, 128<<10 - 1, 256 << 10, 256<<10 + 1, 1<<20 + 7} {
		content := randomBytes(size)
		digest, n, err := s.Write(t.Context(), bytes.NewReader(content), noLimit)
		if err != nil || digest != searchpack.DigestOf(content) || n != int64(size) {
			t.Fatalf("Write of %d bytes = %s, %d, %v; want %s", size, digest, n, err, searchpack.DigestOf(content))
		}
		check(t, s, content)
	}
	content := randomBytes(10_000)
	for name, r := range map[string]io.Reader{
		"one byte at a time": iotest.OneByteReader(bytes.NewReader(content)),
		"data with EOF":      iotest.DataErrReader(bytes.NewReader(content)),
		"half":               iotest.HalfReader(bytes.NewReader(content)),
	} {
		if digest, _, err := s.Write(t.Context(), r, noLimit); err != nil || digest != searchpack.DigestOf(content) {
			t.Errorf("Write from a reader giving %s = %s, %v", name, digest, err)
		}
	}
}

func testTwice(t *testing.T, s searchpack.BlobStore) {
	content := randomBytes(5000)
	for range 3 {
		mustWrite(t, s, content)
	}
	check(t, s, content)
	wantList(t, s, content)
}

func testLimit(t *testing.T, s searchpack.BlobStore) {
	for _, limit := range []int{0, 1, 1000, 256 << 10, 300_000} {
		exact := randomBytes(limit)
		if _, n, err := s.Write(t.Context(), bytes.NewReader(exact), int64(limit)); err != nil || n != int64(limit) {
			t.Errorf("exactly the limit of %d: %d, %v", limit, n, err)
		}
		over := randomBytes(limit + 1)
		_, _, err := s.Write(t.Context(), bytes.NewReader(over), int64(limit))
		if searchpack.ErrorCode(err) != searchpack.ErrTooLarge {
			t.Errorf("one byte over the limit of %d: %v, want ErrTooLarge", limit, err)
		}
		wantAbsent(t, s, searchpack.DigestOf(over))
		if limit > 0 { // for 0 that is the blob without bytes just stored
			wantAbsent(t, s, searchpack.DigestOf(over[:limit]))
		}
	}
	endless := &countingReader{r: endlessReader{}}
	if _, _, err := s.Write(t.Context(), endless, 1<<20); searchpack.ErrorCode(err) != searchpack.ErrTooLarge {
		t.Errorf("an endless stream: %v, want ErrTooLarge", err)
	}
	if endless.n > 8<<20 {
		t.Errorf("%d bytes of an endless stream were read for a limit of 1 MiB", endless.n)
	}
}

func testFailingReader(t *testing.T, s searchpack.BlobStore) {
	broken := errors.New("the line broke")
	content := randomBytes(600_000)
	for _, after := range []int{0, 1, 1000, 256 << 10, 599_999, 600_000} {
		r := io.MultiReader(bytes.NewReader(content[:after]), iotest.ErrReader(broken))
		if _, _, err := s.Write(t.Context(), r, noLimit); !errors.Is(err, broken) {
			t.Errorf("reader that fails after %d bytes: %v, want its error", after, err)
		}
		wantAbsent(t, s, searchpack.DigestOf(content[:after]))
	}
	wantList(t, s)
	unavailable := searchpack.Errorf(searchpack.ErrUnavailable, "S3 is away")
	if _, _, err := s.Write(t.Context(), iotest.ErrReader(unavailable), noLimit); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
		t.Errorf("the code of the reader's error is lost: %v", err)
	}
	mustWrite(t, s, content) // and the store still works
	check(t, s, content)
}

func testCancelled(t *testing.T, s searchpack.BlobStore) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &countingReader{r: endlessReader{}, at: 300_000, do: cancel}
	if _, _, err := s.Write(ctx, r, 1<<40); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while writing: %v", err)
	}
	if _, _, err := s.Write(ctx, bytes.NewReader([]byte("x")), noLimit); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before writing: %v", err)
	}
	wantList(t, s)
}

func testAbsent(t *testing.T, s searchpack.BlobStore) {
	wantAbsent(t, s, searchpack.DigestOf([]byte("never written")))
	wantList(t, s)
}

// testNotDigests: whatever a caller takes for a digest, nothing outside the store is touched.
func testNotDigests(t *testing.T, s searchpack.BlobStore) {
	mustWrite(t, s, []byte("bystander"))
	for _, d := range []searchpack.Digest{"", "a", "..", "../..", "/etc/passwd", "ab/../../x",
		searchpack.DigestOf(nil)[:63], searchpack.DigestOf(nil) + "/", "ABCDEF"} {
		wantAbsent(t, s, d)
		if err := s.Delete(t.Context(), d); err != nil {
			t.Errorf("Delete(%q) = %v, want nil: nothing is there", d, err)
		}
	}
	wantList(t, s, []byte("bystander"))
}

func testDelete(t *testing.T, s searchpack.BlobStore) {
	a, b := randomBytes(100), randomBytes(200)
	mustWrite(t, s, a)
	mustWrite(t, s, b)
	for range 2 { // the second time there is nothing left to delete
		if err := s.Delete(t.Context(), searchpack.DigestOf(a)); err != nil {
			t.Fatal(err)
		}
	}
	wantAbsent(t, s, searchpack.DigestOf(a))
	wantList(t, s, b)
	mustWrite(t, s, a)
	check(t, s, a)
}

func testList(t *testing.T, s searchpack.BlobStore) {
	start := time.Now().Add(-time.Minute).Unix()
	var want [][]byte
	for i := range 300 {
		want = append(want, randomBytes(i+1))
		mustWrite(t, s, want[i])
	}
	wantList(t, s, want...)
	err := s.List(t.Context(), func(info searchpack.BlobInfo) error {
		if info.StoredUnix < start || info.StoredUnix > time.Now().Add(time.Minute).Unix() {
			t.Errorf("StoredUnix = %d, not about now", info.StoredUnix)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testListStops(t *testing.T, s searchpack.BlobStore) {
	mustWrite(t, s, []byte("1"))
	mustWrite(t, s, []byte("2"))
	stop := errors.New("enough")
	calls := 0
	err := s.List(t.Context(), func(searchpack.BlobInfo) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("List after f failed: %v after %d calls, want f's error after 1", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.List(ctx, func(searchpack.BlobInfo) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("List when cancelled: %v", err)
	}
}

func testSeek(t *testing.T, s searchpack.BlobStore) {
	content := randomBytes(100_000)
	mustWrite(t, s, content)
	b, err := s.Open(t.Context(), searchpack.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, at := range []struct{ offset, whence, want int64 }{
		{70_000, io.SeekStart, 70_000}, {0, io.SeekStart, 0}, {-10, io.SeekEnd, 99_990}, {0, io.SeekEnd, 100_000},
	} {
		if pos, err := b.Seek(at.offset, int(at.whence)); err != nil || pos != at.want {
			t.Fatalf("Seek(%d, %d) = %d, %v", at.offset, at.whence, pos, err)
		}
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content[at.want:]) {
			t.Errorf("after Seek to %d: %d bytes, %v; want the last %d", at.want, len(got), err, len(content)-int(at.want))
		}
	}
	if _, err := b.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek before the start succeeded")
	}
}

// testReader holds the reader against the standard library's idea of one.
func testReader(t *testing.T, s searchpack.BlobStore) {
	for _, size := range []int{0, 1, 70_000} {
		content := randomBytes(size)
		mustWrite(t, s, content)
		b, err := s.Open(t.Context(), searchpack.DigestOf(content))
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(b, content); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if n, err := b.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("Read after Close = %d, %v", n, err)
		}
	}
}

// testReadCancelled: the end of Open's context may end the reading, but never as if whole.
func testReadCancelled(t *testing.T, s searchpack.BlobStore) {
	content := randomBytes(3 << 20)
	mustWrite(t, s, content)
	ctx, cancel := context.WithCancel(t.Context())
	b, err := s.Open(ctx, searchpack.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := io.ReadFull(b, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if got, err := io.ReadAll(b); err == nil && len(got) != len(content)-1000 || err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("%d of %d bytes after the context's end, %v", len(got), len(content)-1000, err)
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func mustWrite(t *testing.T, s searchpack.BlobStore, content []byte) {
	t.Helper()
	if _, _, err := s.Write(t.Context(), bytes.NewReader(content), noLimit); err != nil {
		t.Fatal(err)
	}
}

// check reads the blob back.
func check(t *testing.T, s searchpack.BlobStore, content []byte) {
	t.Helper()
	b, err := s.Open(t.Context(), searchpack.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Size() != int64(len(content)) {
		t.Errorf("Size = %d, want %d", b.Size(), len(content))
	}
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read back %d bytes, %v; want %d", len(got), err, len(content))
	}
}

func wantAbsent(t *testing.T, s searchpack.BlobStore, d searchpack.Digest) {
	t.Helper()
	b, err := s.Open(t.Context(), d)
	if err == nil {
		_ = b.Close()
	}
	if searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("Open(%q) = %v, want ErrNotFound", d, err)
	}
}

// wantList checks that exactly these blobs are listed, each once.
func wantList(t *testing.T, s searchpack.BlobStore, contents ...[]byte) {
	t.Helper()
	want, got := map[searchpack.Digest]int64{}, map[searchpack.Digest]int64{}
	for _, c := range contents {
		want[searchpack.DigestOf(c)] = int64(len(c))
	}
	err := s.List(t.Context(), func(info searchpack.BlobInfo) error {
		if _, twice := got[info.Digest]; twice {
			t.Errorf("%s listed twice", info.Digest.Short())
		}
		got[info.Digest] = info.Size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}
