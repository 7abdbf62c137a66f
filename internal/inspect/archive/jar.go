package archive

import (
	"bytes"
	"cmp"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Jar is a zip as java.util.zip.ZipFile, and so Java's class loaders, see it: the directory alone says
// what there is. Entries may have one name, comments, zip64, data descriptors, other local headers and
// anything between and before them: none of that is seen by Java. Nothing is said about what other
// tools see.
type Jar struct {
	open    func() (io.ReadCloser, error)
	limits  Limits
	headers []header // in the order of the file
	entries []JarEntry
}

// JarEntry is an entry of a jar.
type JarEntry struct {
	Name  string // as it stands there; a folder's ends with a slash
	Size  int64  // bytes, unpacked
	Place int    // in the directory, from 0; of two with one name Java reads the last
}

// maxJarDirectory bounds what is kept of a jar to list it, in bytes: some 40,000 classes.
const maxJarDirectory = 8 << 20

// MaxJarEntries bounds a jar. The largest that plugins ship have some 30,000 classes.
const MaxJarEntries = 100_000

// Jar lists the jar that is the entry; limits.Entries 0 = MaxJarEntries. It unpacks the jar once, and
// Walk once more, without keeping it: memory is bounded whatever its size. A *Fault says that Java
// cannot read the jar, or that it breaks the limits; ChargeIn reports it under the jar's path.
func (a *Archive) Jar(e Entry, limits Limits) (*Jar, error) {
	return OpenJar(func() (io.ReadCloser, error) { return a.Open(e) }, limits)
}

// OpenJar is Archive.Jar for a jar that open opens, at its first byte each time.
func OpenJar(open func() (io.ReadCloser, error), limits Limits) (*Jar, error) {
	limits.Entries = cmp.Or(limits.Entries, MaxJarEntries)
	j := &Jar{open: open, limits: limits.filled()}
	in, err := open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	tail, size, err := lastBytes(in, maxJarDirectory+endLen+maxComment)
	if err != nil {
		return nil, err
	}
	if err := j.list(tail, size); err != nil {
		return nil, err
	}
	return j, nil
}

// lastBytes reads to the end and returns at most n of the last bytes, and how many there were. It
// keeps no more of them.
func lastBytes(r io.Reader, n int) (tail []byte, size int64, err error) {
	buf := make([]byte, min(64<<10, n))
	at := 0 // where the next byte goes: once n were read, over the oldest
	for {
		if at == len(buf) {
			if len(buf) < n {
				buf = append(make([]byte, 0, min(4*len(buf), n)), buf...) // what is left behind is a third
				buf = buf[:cap(buf)]
			} else {
				at = 0
			}
		}
		k, err := r.Read(buf[at:])
		at, size = at+k, size+int64(k)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if size <= int64(len(buf)) {
		return buf[:size], size, nil
	}
	// The oldest is at at: turn the bytes round.
	slices.Reverse(buf[:at])
	slices.Reverse(buf[at:])
	slices.Reverse(buf)
	return buf, size, nil
}

// list reads the directory as ZipFile.Source.initCEN does.
func (j *Jar) list(tail []byte, size int64) error {
	start := size - int64(len(tail)) // of the tail in the jar
	at := jarEnd(tail, start)
	if at < 0 {
		return badJar.fault("", "it has no end record")
	}
	b := tail[at:]
	total, length, offset := uint64(le.Uint16(b[10:])), uint64(le.Uint32(b[12:])), uint64(le.Uint32(b[16:]))
	end := start + int64(at)
	if at >= locatorLen && (total == 0xffff || length == math.MaxUint32 || offset == math.MaxUint32) && string(tail[at-locatorLen:at-locatorLen+4]) == locatorMark {
		if big := le.Uint64(tail[at-locatorLen+8:]); big >= uint64(start) && big+56 <= uint64(end) {
			if b := tail[big-uint64(start):]; string(b[:4]) == "PK\x06\x06" {
				total, length, offset, end = le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:]), int64(big)
			}
		}
	}
	switch {
	case total > uint64(j.limits.Entries) || length > maxJarDirectory:
		return badJar.fault("", fmt.Sprintf("it has more than %d entries, or a directory that is too large for as many", j.limits.Entries))
	case length > uint64(end) || offset > uint64(end)-length || end-int64(length) < start:
		return badJar.fault("", "its directory lies outside of it")
	}
	// What stands before the jar moves all places in it.
	moved := end - int64(length) - int64(offset)
	if err := j.directory(tail[end-int64(length)-start:end-start], moved, end-int64(length)); err != nil {
		return err
	}
	if len(j.headers) != int(total) {
		return badJar.fault("", "its directory has another number of entries than its end record says")
	}
	return nil
}

// jarEnd finds the end record as Java does: from behind, the first whose comment ends with the file or
// that is followed backwards by a directory and a local header.
func jarEnd(tail []byte, start int64) int {
	least := max(len(tail)-endLen-maxComment, 0)
	for at := bytes.LastIndex(tail, []byte(endMark)); at >= least; at = bytes.LastIndex(tail[:at+3], []byte(endMark)) {
		if at+endLen > len(tail) {
			continue
		}
		b := tail[at:]
		if at+endLen+int(le.Uint16(b[20:])) == len(tail) {
			return at
		}
		if dir := start + int64(at) - int64(le.Uint32(b[12:])); dir >= start && bytes.HasPrefix(tail[dir-start:], []byte(centralMark)) {
			return at
		}
	}
	return -1
}

func (j *Jar) directory(b []byte, moved, end int64) error {
	unpacked := int64(0)
	for place := 0; len(b) > 0; place++ {
		h, extra, _, rest, err := central(b)
		switch {
		case err != nil || place == j.limits.Entries:
			return badJar.fault("", "its directory is damaged")
		case h.flags&flagEncrypted != 0:
			return badJar.fault(h.name, "it is encrypted")
		case h.method != stored && h.method != deflated:
			return badJar.fault(h.name, "it is packed in a way that Java does not know")
		case !utf8.ValidString(h.name):
			return badJar.fault(h.name, "its name is not UTF-8")
		}
		b = rest
		if err := h.widen(extra); err != nil {
			return err
		}
		if h.offset += moved; h.offset < 0 || h.offset > end || h.packed > end-h.offset {
			return badJar.fault(h.name, "it lies outside of the jar")
		}
		if h.size > j.limits.Entry || h.size > j.limits.Unpacked-unpacked {
			return badJar.fault(h.name, fmt.Sprintf("it has more than %d bytes unpacked", j.limits.Unpacked))
		}
		unpacked += h.size
		j.headers = append(j.headers, *h)
		j.entries = append(j.entries, JarEntry{h.name, h.size, place})
	}
	return nil
}

// widen puts in what zip64's extra field says, where the plain fields say nothing.
func (h *header) widen(extra []byte) error {
	for len(extra) >= 4 {
		n := int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return badJar.fault(h.name, "its extra fields are damaged")
		}
		if le.Uint16(extra) == extraZip64 {
			b := extra[4 : 4+n]
			for _, field := range []*int64{&h.size, &h.packed, &h.offset} {
				if *field != math.MaxUint32 {
					continue
				}
				if len(b) < 8 || le.Uint64(b) > math.MaxInt64/4 {
					return badJar.fault(h.name, "its zip64 field is damaged")
				}
				*field, b = int64(le.Uint64(b)), b[8:] //nolint:gosec // compared above
			}
		}
		extra = extra[4+n:]
	}
	return nil
}

// Entries lists files and folders in the order of the directory.
func (j *Jar) Entries() []JarEntry { return j.entries }

// Walk calls visit for each file that want wants, in the order of the jar's bytes. visit need not read
// to the end. The error is a *Fault, the reader's, or visit's.
func (j *Jar) Walk(want func(JarEntry) bool, visit func(JarEntry, io.Reader) error) error {
	in, err := j.open()
	if err != nil {
		return err
	}
	defer in.Close()
	order := make([]int, 0, len(j.headers))
	for i := range j.headers {
		if !strings.HasSuffix(j.headers[i].name, "/") && want(j.entries[i]) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(j.headers[x].offset, j.headers[y].offset) })
	w := &jarReader{in: in, buf: make([]byte, entryBuffer)}
	for _, i := range order {
		if err := w.visit(&j.headers[i], func(r io.Reader) error { return visit(j.entries[i], r) }); err != nil {
			return err
		}
	}
	return nil
}

// jarReader reads a jar from its beginning to its end.
type jarReader struct {
	in     io.Reader
	at     int64 // of in
	buf    []byte
	packed io.ReadCloser
}

// Read implements io.Reader.
func (w *jarReader) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	w.at += int64(n)
	return n, err
}

func (w *jarReader) visit(h *header, f func(io.Reader) error) error {
	if h.offset < w.at {
		return badJar.fault(h.name, "it overlaps the entry before")
	}
	if _, err := io.CopyN(io.Discard, w, h.offset-w.at); err != nil {
		return w.failed(h, err)
	}
	if _, err := io.ReadFull(w, w.buf[:localLen]); err != nil {
		return w.failed(h, err)
	}
	if string(w.buf[:4]) != localMark {
		return badJar.fault(h.name, "it is not where the directory says")
	}
	if _, err := io.CopyN(io.Discard, w, int64(le.Uint16(w.buf[26:]))+int64(le.Uint16(w.buf[28:]))); err != nil {
		return w.failed(h, err)
	}
	packed := &io.LimitedReader{R: w, N: h.packed}
	var r io.Reader = packed
	if h.method == deflated {
		if w.packed == nil {
			w.packed = flate.NewReader(packed)
		} else if err := w.packed.(flate.Resetter).Reset(packed, nil); err != nil {
			return err
		}
		r = w.packed
	}
	c := &jarContent{w: w, h: h, from: r}
	if err := f(c); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, packed)
	return err
}

// failed says whose fault an error is: a jar that ends too early is a bad jar.
func (w *jarReader) failed(h *header, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return badJar.fault(h.name, "it ends too early")
	}
	return err
}

// jarContent is the content of one entry.
type jarContent struct {
	w    *jarReader
	h    *header
	from io.Reader
	size int64
	crc  uint32
}

// Read implements io.Reader.
func (c *jarContent) Read(p []byte) (int, error) {
	if most := c.h.size - c.size + 1; int64(len(p)) > most {
		p = p[:most]
	}
	n, err := c.from.Read(p)
	c.size += int64(n)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, p[:n])
	var corrupt flate.CorruptInputError
	switch {
	case c.size > c.h.size, err == io.EOF && (c.size != c.h.size || c.crc != c.h.crc):
		return 0, badJar.fault(c.h.name, "its content has not the size or the checksum that the directory says")
	case errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF):
		return n, badJar.fault(c.h.name, "it cannot be unpacked")
	}
	return n, err
}
