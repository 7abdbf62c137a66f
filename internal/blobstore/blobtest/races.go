package blobtest

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"github.com/searchpack/searchpack"
)

// testEqualRace: many write the same bytes while others read and one deletes them. Whoever can
// open the blob sees all of it, or, where a delete may end the reading, an error.
func (o Options) testEqualRace(t *testing.T, s searchpack.BlobStore) {
	content := randomBytes(400_000)
	digest := searchpack.DigestOf(content)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if got, _, err := s.Write(t.Context(), bytes.NewReader(content), noLimit); err != nil || got != digest {
				t.Errorf("Write = %s, %v", got, err)
			}
		})
		wg.Go(func() { o.readWholeOrNothing(t, s, digest, len(content)) })
	}
	wg.Go(func() {
		if err := s.Delete(t.Context(), digest); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	mustWrite(t, s, content)
	check(t, s, content)
	wantList(t, s, content)
}

func (o Options) readWholeOrNothing(t *testing.T, s searchpack.BlobStore, digest searchpack.Digest, size int) {
	for range 20 {
		b, err := s.Open(t.Context(), digest)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			continue
		}
		if err != nil {
			t.Error(err)
			return
		}
		got, err := io.ReadAll(b)
		_ = b.Close()
		if !o.OpenOutlivesDelete && searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			continue // deleted before its first byte was asked for
		}
		if err != nil || len(got) != size || searchpack.DigestOf(got) != digest {
			t.Errorf("a reader saw %d of %d bytes, %v", len(got), size, err)
		}
	}
}

func testDifferentRace(t *testing.T, s searchpack.BlobStore) {
	var contents [][]byte
	for i := range 8 {
		contents = append(contents, randomBytes(50_000+i))
	}
	var wg sync.WaitGroup
	for _, content := range contents {
		wg.Go(func() {
			if _, _, err := s.Write(t.Context(), bytes.NewReader(content), noLimit); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, content := range contents {
		check(t, s, content)
	}
	wantList(t, s, contents...)
}

// testDeleteWhileOpen: a reader either gets everything or an error, never fewer bytes as if whole.
func (o Options) testDeleteWhileOpen(t *testing.T, s searchpack.BlobStore) {
	content := randomBytes(300_000)
	mustWrite(t, s, content)
	b, err := s.Open(t.Context(), searchpack.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := s.Delete(t.Context(), searchpack.DigestOf(content)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(b)
	if err == nil && !bytes.Equal(got, content) {
		t.Errorf("%d of %d bytes and no error from a blob deleted while open", len(got), len(content))
	}
	if err != nil && o.OpenOutlivesDelete {
		t.Errorf("a blob deleted while open: %v", err)
	}
}

func testReplacedWhileRead(t *testing.T, s searchpack.BlobStore) {
	content := randomBytes(300_000)
	mustWrite(t, s, content)
	b, err := s.Open(t.Context(), searchpack.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(b, head); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, content)
	rest, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(append(head, rest...), content) {
		t.Errorf("the same bytes written while a reader was half through: %d bytes, %v", len(head)+len(rest), err)
	}
}

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) { return len(p), nil }

// countingReader counts, and calls do once when more than at bytes were read.
type countingReader struct {
	r  io.Reader
	n  int64
	at int64
	do func()
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.do != nil && c.n > c.at {
		c.do()
		c.do = nil
	}
	return n, err
}
