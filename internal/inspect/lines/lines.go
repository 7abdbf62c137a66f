// Package lines splits a stream into lines as Java's readers do, in bounded memory.
package lines

import (
	"bytes"
	"io"
	"unicode/utf8"
)

const (
	// Max is how many bytes of one line are looked at as a whole. A group of 5,000 synonyms
	// has 34 KB and already makes 25 million pairs, so no useful line comes near.
	Max = 1 << 20
	// readSize is the room kept for one read.
	readSize = 256 << 10
	// maxEmptyReads ends a reader that gives neither bytes nor an error.
	maxEmptyReads = 100
)

// Part is a line, or a part of one that is longer than Max. Its text is valid until the
// next part is read.
type Part struct {
	Number    int64 // of the physical line, 1-based
	Text      []byte
	Continued bool // not the beginning of its line
	Cut       bool // not the end of its line
}

// Reader splits a stream as Java's readers do: LF, CR or CRLF end a line, nothing else does,
// and after the last one no empty line follows. What it gives depends on the bytes only, not on how
// the stream chops them.
type Reader struct {
	r          io.Reader
	buf        []byte
	start, end int // what is not given out yet
	eof        bool
	lf, cr     finder
	skipLF     bool // the line before ended in CR: an LF belongs to it
	continued  bool
	number     int64
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, buf: make([]byte, 2*readSize), lf: finder{c: '\n', pos: -1}, cr: finder{c: '\r', pos: -1}}
}

// Next returns the next part, and false after the last.
func (l *Reader) Next() (Part, bool, error) {
	for {
		if l.skipLF && l.start < l.end {
			l.skipLF = false
			if l.buf[l.start] == '\n' {
				l.start++
			}
		}
		eol := l.eol()
		switch have := l.end - l.start; {
		case eol >= 0 && eol-l.start <= Max:
			p := l.part(eol, false)
			l.skipLF = l.buf[eol] == '\r'
			l.start = eol + 1
			return p, true, nil
		case have > Max:
			return l.part(l.start+wholeRunes(l.buf[l.start:l.start+Max]), true), true, nil
		case l.eof && have > 0:
			return l.part(l.end, false), true, nil
		case l.eof:
			return Part{}, false, nil
		}
		if err := l.fill(); err != nil {
			return Part{}, false, err
		}
	}
}

// part gives out the bytes up to end.
func (l *Reader) part(end int, cut bool) Part {
	if !l.continued {
		l.number++
	}
	p := Part{Number: l.number, Text: l.buf[l.start:end], Continued: l.continued, Cut: cut}
	l.start = end
	l.continued = cut
	return p
}

// eol returns where the line ends, -1 if that is not read yet.
func (l *Reader) eol() int {
	lf, cr := l.lf.find(l.buf, l.start, l.end), l.cr.find(l.buf, l.start, l.end)
	if lf < 0 || cr >= 0 && cr < lf {
		return cr
	}
	return lf
}

// fill reads more behind what is there, making room first.
func (l *Reader) fill() error {
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.lf.shift(l.start)
		l.cr.shift(l.start)
		l.end -= l.start
		l.start = 0
	}
	if len(l.buf)-l.end < readSize {
		l.buf = append(l.buf, make([]byte, min(len(l.buf), Max+2*readSize-len(l.buf)))...)
	}
	for range maxEmptyReads {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		if err == io.EOF {
			l.eof = true
			return nil
		}
		if n > 0 || err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// wholeRunes returns the length of b without a character cut off at its end.
func wholeRunes(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// finder remembers where the next c is, so that no byte is searched twice: a file without any LF
// would else be searched to the buffer's end for each of its lines.
type finder struct {
	c       byte
	pos     int // of a c; -1 = none before scanned
	scanned int
}

// find returns the place of the first c in buf[start:end], or -1.
func (f *finder) find(buf []byte, start, end int) int {
	if f.pos >= start {
		return f.pos
	}
	f.pos = -1
	from := max(start, f.scanned)
	if from >= end {
		return -1
	}
	f.scanned = end
	if i := bytes.IndexByte(buf[from:end], f.c); i >= 0 {
		f.pos = from + i
		f.scanned = f.pos + 1
	}
	return f.pos
}

// shift follows the bytes as they move to the front.
func (f *finder) shift(by int) {
	f.scanned = max(0, f.scanned-by)
	if f.pos >= 0 {
		f.pos -= by // below 0 it lay before start and counts as none
		f.pos = max(f.pos, -1)
	}
}
