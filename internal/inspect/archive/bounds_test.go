package archive_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// endOnly is a large file of zeros with an end.
type endOnly struct {
	size int64
	end  []byte
}

func (e endOnly) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	n := min(int64(len(p)), e.size-off)
	if from := e.size - int64(len(e.end)); off+n > from {
		skip := max(off-from, 0)
		copy(p[max(from-off, 0):n], e.end[skip:])
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// TestClaimedEntriesCostNoMemory: a zip whose end claims as many entries as a file of its size can
// have, and has none.
func TestClaimedEntriesCostNoMemory(t *testing.T) {
	const size, claimed = 1 << 30, 30_000_000
	le := binary.LittleEndian
	end := []byte("PK\x06\x06")
	end = le.AppendUint64(end, 44)
	end = append(end, make([]byte, 12)...)
	for _, v := range []uint64{claimed, claimed, 1000, 0} {
		end = le.AppendUint64(end, v)
	}
	end = append(end, "PK\x06\x07\x00\x00\x00\x00"...)
	end = le.AppendUint64(end, 0) // where the first part is: below
	end = append(end, "\x01\x00\x00\x00PK\x05\x06\x00\x00\x00\x00"...)
	end = append(end, bytes.Repeat([]byte{0xff}, 12)...)
	end = append(end, 0, 0)
	for behind, want := range map[int]string{0: "archive.zip64", 66_000: "archive.unreadable"} { // bytes after the end, which need not be a comment
		end64 := uint64(size - 56 - 20 - 22 - behind)
		le.PutUint64(end[64:], end64)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var out rule.Tally
		a, err := archive.Open(endOnly{size, append(slices.Clone(end), make([]byte, behind)...)}, size, archive.Limits{Unpacked: size}, &out)
		runtime.ReadMemStats(&after)
		if a != nil || err != nil || out.Count() != 1 || out.Findings()[0].Rule != want {
			t.Errorf("%d bytes behind: found %+v, %v", behind, out.Findings(), err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%d bytes behind: %d bytes were allocated", behind, used)
		}
	}
}

// A directory that is larger than any honest one is not read to its end, whatever it claims.
func TestDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	var files []inspecttest.File
	for i := range 90 {
		files = append(files, inspecttest.File{Name: fmt.Sprint(i, strings.Repeat("n", 60_000))})
	}
	b := inspecttest.NewRaw(files).Bytes()
	r := &countingReader{Reader: bytes.NewReader(b)}
	var out rule.Tally
	a, err := archive.Open(r, int64(len(b)), archive.Limits{Unpacked: 1 << 20}, &out)
	if a != nil || err != nil || out.Findings()[0].Rule != "archive.entries" || r.read > 4<<20 {
		t.Errorf("%+v, %v after %d bytes", out.Findings(), err, r.read)
	}
}

// countingReader counts what is read.
type countingReader struct {
	*bytes.Reader
	read int64
}

// ReadAt implements io.ReaderAt.
func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	c.read += int64(n)
	return n, err
}
