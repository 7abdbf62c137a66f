package blobstore

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/searchpack/searchpack"
)

// spoolPattern is the name of a spool file, for the moment that it has one.
const spoolPattern = "blob-*"

// spool is a file without a name that holds a blob until it is sent. It is never synced: after a
// crash nobody wants it. Each part's SHA-256 is taken as the bytes come in, so what the disk
// spoils, S3 refuses.
type spool struct {
	file     *os.File
	named    bool // the system cannot unlink an open file
	partSize int64
	size     int64
	sums     [][sha256.Size]byte // of the whole parts, and of the rest once finish was called
	hash     hash.Hash           // of the part that is coming in
	filled   int64               // of it
}

func (s *S3) newSpool() (*spool, error) {
	f, err := os.CreateTemp(s.spoolDir, spoolPattern) // mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(s.spoolDir, dirMode); err == nil {
			f, err = os.CreateTemp(s.spoolDir, spoolPattern)
		}
	}
	if err != nil {
		return nil, err
	}
	sp := &spool{file: f, partSize: s.partSize, hash: sha256.New()}
	sp.named = os.Remove(f.Name()) != nil
	return sp, nil
}

// Write takes the next bytes. An empty one does nothing.
func (sp *spool) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n, err := sp.file.Write(p[:min(int64(len(p)), sp.partSize-sp.filled)])
		sp.hash.Write(p[:n])
		written, sp.size, sp.filled = written+n, sp.size+int64(n), sp.filled+int64(n)
		if err != nil {
			return written, err
		}
		if sp.filled == sp.partSize {
			sp.endPart()
		}
		p = p[n:]
	}
	return written, nil
}

func (sp *spool) endPart() {
	sp.sums = append(sp.sums, [sha256.Size]byte(sp.hash.Sum(nil)))
	sp.hash.Reset()
	sp.filled = 0
}

// finish ends the writing.
func (sp *spool) finish() {
	if sp.filled > 0 {
		sp.endPart()
	}
}

// part gives the bytes of a part, counted from 0.
func (sp *spool) part(i int) *io.SectionReader {
	from := int64(i) * sp.partSize
	return io.NewSectionReader(sp.file, from, min(sp.partSize, sp.size-from))
}

// discard gives the space back.
func (sp *spool) discard() {
	_ = sp.file.Close() // nobody wants it any more
	if sp.named {
		_ = os.Remove(sp.file.Name())
	}
}

// spoolError keeps the reader's and the limit's errors as they are, and makes a full disk something
// that is tried again.
func (s *S3) spoolError(err error) error {
	var own *searchpack.Error
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &searchpack.Error{
			Code:    searchpack.ErrUnavailable,
			Message: "the server has no space left for what is on its way to the blob store; free some in its data folder or enlarge it, then try again",
			Err:     fmt.Errorf("spool in %s: %w", s.spoolDir, err),
		}
	case errors.As(err, new(*fs.PathError)):
		return fmt.Errorf("spool in %s: %w", s.spoolDir, err)
	}
	return err
}
