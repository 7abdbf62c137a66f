package blobstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"github.com/searchpack/searchpack"
)

// chunkSize is how many bytes of a blob are in memory while it is written: large enough that
// system calls do not show, small enough that dozens of imports do not either.
const chunkSize = 256 << 10

// maxEmptyReads ends a reader that gives neither bytes nor an error.
const maxEmptyReads = 100

var chunks = sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }}

// Write stores what r gives. The bytes are on the disk before the blob has its name, and the name
// is on the disk before Write returns. ctx is looked at between chunks: a reader that may hang must
// watch it too. Bytes that are stored already are replaced by the same bytes, which heals a damaged
// blob and makes StoredUnix tell when they were last wanted.
func (d *Dir) Write(ctx context.Context, r io.Reader, limit int64) (searchpack.Digest, int64, error) {
	t, err := d.newTemp()
	if err != nil {
		return "", 0, d.writeError(err)
	}
	defer t.discard()
	digest, size, err := copyHashed(ctx, &early{file: t.file}, r, limit)
	if err != nil {
		return "", 0, d.writeError(err)
	}
	if err := t.file.Sync(); err != nil {
		return "", 0, d.writeError(err)
	}
	if err := d.name(t, digest); err != nil {
		return "", 0, d.writeError(err)
	}
	return digest, size, nil
}

// copyHashed copies r to w until it ends and returns the digest. It stops as soon as the limit is
// passed, having written no more than the limit.
func copyHashed(ctx context.Context, w io.Writer, r io.Reader, limit int64) (searchpack.Digest, int64, error) {
	bufp := chunks.Get().(*[]byte)
	defer chunks.Put(bufp)
	hash := sha256.New()
	var size int64
	for {
		if err := context.Cause(ctx); err != nil {
			return "", size, err
		}
		n, end, err := fill(r, *bufp)
		size += int64(n)
		if size > limit {
			return "", size, searchpack.Errorf(searchpack.ErrTooLarge, "more than the limit of %d bytes", limit)
		}
		if err != nil {
			return "", size, err
		}
		chunk := (*bufp)[:n]
		hash.Write(chunk)
		if _, err := w.Write(chunk); err != nil {
			return "", size, err
		}
		if end {
			return searchpack.Digest(hex.EncodeToString(hash.Sum(nil))), size, nil
		}
	}
}

// fill reads until buf is at least half full or r ends: network readers give a few KiB at a time,
// and a write each would cost more than the copying. end: r has no more.
func fill(r io.Reader, buf []byte) (n int, end bool, err error) {
	for empty := 0; n < len(buf)/2; {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
		if m > 0 {
			empty = 0
		} else if empty++; empty >= maxEmptyReads {
			return n, false, io.ErrNoProgress
		}
	}
	return n, false, nil
}

// earlyBytes is how much is written before the system is told to begin putting it on the disk:
// then the disk works while the rest still comes, and little is left for the sync at the end.
const earlyBytes = 8 << 20

// early writes to a file and has the disk begin early.
type early struct {
	file    *os.File
	written int64
	begun   int64 // how much of it was handed to the disk
}

// Write writes p.
func (e *early) Write(p []byte) (int, error) {
	n, err := e.file.Write(p)
	e.written += int64(n)
	if err == nil && e.written-e.begun >= earlyBytes {
		beginSync(e.file, e.begun, e.written-e.begun)
		e.begun = e.written
	}
	return n, err
}

// name gives the written file its final name.
func (d *Dir) name(t *temp, digest searchpack.Digest) error {
	fan := fanPath(digest)
	if err := d.root.Mkdir(fan, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	final, err := blobPath(digest)
	if err != nil {
		return err
	}
	if err := d.root.Rename(t.path, final); err != nil {
		return err
	}
	t.named = true
	// Both always: the folder may have been made by a process that died before its own sync.
	if err := d.syncDir(fan); err != nil {
		return err
	}
	return d.syncDir(blobsDir)
}

func (d *Dir) syncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// writeError keeps the reader's and the limit's errors as they are, and makes a full disk something
// that is tried again: an administrator can end it without anybody repeating the request.
func (d *Dir) writeError(err error) error {
	var own *searchpack.Error
	var pe *fs.PathError
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &searchpack.Error{
			Code:    searchpack.ErrUnavailable,
			Message: "the server has no space left for blobs; free some or enlarge it, then try again",
			Err:     fmt.Errorf("write blob in %s: %w", d.path, err),
		}
	case errors.As(err, &pe), errors.As(err, new(*os.LinkError)):
		return fmt.Errorf("write blob in %s: %w", d.path, err)
	}
	return err
}
