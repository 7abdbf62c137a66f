package archive

import (
	"io"
)

const (
	// passBuffer is how much one pass over an archive reads at once, in bytes.
	passBuffer = 256 << 10
	// entryBuffer is how much is read at once of a single entry; headerRoom what its header may need.
	entryBuffer = 32 << 10
	headerRoom  = 4 << 10
)

// source reads an archive from one place to another through a buffer, and no byte further than what
// is asked for: what stands behind an entry belongs to the next one. Its errors are the reader's.
type source struct {
	r    io.ReaderAt
	buf  []byte
	base int64 // of buf in the archive
	lo   int   // read so far of buf
	hi   int   // of buf that may be read
	full int   // of buf that is filled
	stop int64 // where reading ends
	err  error // of r
}

// seek puts the source to [at, stop). What is in the buffer is kept.
func (s *source) seek(at, stop int64) {
	if at < s.base || at > s.base+int64(s.full) {
		s.base, s.lo, s.full = at, 0, 0
	} else {
		s.lo = int(at - s.base)
	}
	s.limit(stop)
}

// limit changes where reading ends.
func (s *source) limit(stop int64) {
	s.stop = stop
	s.hi = s.lo + int(min(int64(s.full-s.lo), max(stop-s.at(), 0)))
}

// at is the place of the next byte.
func (s *source) at() int64 { return s.base + int64(s.lo) }

// fill reads on. io.EOF: the source is at its stop.
func (s *source) fill() error {
	if s.err != nil {
		return s.err
	}
	at := s.at()
	if at >= s.stop {
		return io.EOF
	}
	if s.lo == s.full {
		n := int(min(int64(len(s.buf)), s.stop-at))
		s.base, s.lo, s.full, s.hi = at, 0, 0, 0
		if s.err = readAt(s.r, s.buf[:n], at); s.err != nil {
			return s.err
		}
		s.full = n
	}
	s.limit(s.stop)
	return nil
}

// ReadByte implements io.ByteReader: flate reads no byte more than it needs of one.
func (s *source) ReadByte() (byte, error) {
	if s.lo == s.hi {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	b := s.buf[s.lo]
	s.lo++
	return b, nil
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.lo == s.hi {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.lo:s.hi])
	s.lo += n
	return n, nil
}

// take reads n bytes, which are valid until the next read; nil if there are not as many.
func (s *source) take(n int) ([]byte, error) {
	if int64(n) > s.stop-s.at() {
		return nil, nil
	}
	if s.lo+n <= s.hi {
		s.lo += n
		return s.buf[s.lo-n : s.lo], nil
	}
	b := make([]byte, n)
	_, err := io.ReadFull(s, b)
	return b, err
}
