// Package archive reads zips, and is the only thing in the product that does. Two tools may see
// different files in one zip: names in extra fields or in the local headers, a second directory in a
// comment, entries that no directory names, or two of one name. What another tool unpacks would then
// be something that no inspection saw. So a package's zip is read strictly: Open takes a zip only if
// there is one way to read it, and Manifest proves the rest of it, byte by byte, from the first local
// header to the directory. Where that is stricter than OpenSearch's installer, the finding says why.
//
// Jars in a plugin are read by Java alone, and old tools made some of them. OpenJar reads a jar as
// java.util.zip.ZipFile does.
//
// An archive in an archive is never unpacked but for the jars that the caller opens, one level deep,
// each within limits of its own: nesting bombs cost nothing. Bytes come from an io.ReaderAt; memory is
// bounded by the limits on the directory, whatever the bytes are.
package archive

import (
	"cmp"
	"io"
	"slices"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	// MaxEntries bounds an archive. Plugins have some dozens of files, those with dictionaries some
	// hundreds.
	MaxEntries = 10_000
	// MaxRatio is how many bytes may come of one: text gives 10, repetitive text 50; what gives more
	// over more than freeRatio bytes is made to fill disks. Deflate's own end is 1,032.
	MaxRatio = 200
	// freeRatio is how much an archive may unpack to whatever its ratio is, in bytes.
	freeRatio = 4 << 20
)

// Limits bound what an archive may hold.
type Limits struct {
	Unpacked int64 // bytes of all files together
	Entry    int64 // bytes of one file; 0 = Unpacked
	Entries  int   // files and folders; 0 = MaxEntries
	Ratio    int64 // unpacked bytes for each packed one; 0 = MaxRatio
}

func (l Limits) filled() Limits {
	l.Entry = min(cmp.Or(l.Entry, l.Unpacked), l.Unpacked)
	l.Entries = cmp.Or(l.Entries, MaxEntries)
	l.Ratio = cmp.Or(l.Ratio, MaxRatio)
	return l
}

// directory is how many bytes the directory of an archive may have: 400 for each entry, and some.
func (l Limits) directory() int64 { return int64(l.Entries)*400 + 256<<10 }

// Entry is a file or folder of an archive.
type Entry struct {
	Path string // relative, with slashes, clean, without one at its end
	Dir  bool
	Size int64  // bytes, unpacked; of a folder 0
	Mode uint32 // 0644 or 0755: whether the archive says that its owner may execute it

	at int // place in Archive.headers
}

// Archive is a zip whose directory was read and found to be unambiguous. Manifest, or Walk, proves
// the rest; Open proves the entry that it reads.
type Archive struct {
	r        io.ReaderAt
	end      end
	headers  []header // in the order of the file
	entries  []Entry  // of the headers
	unpacked int64
}

// Open lists a zip of a package, strictly. What is wrong with it goes to out, and the archive is nil
// then. The error is the reader's.
func Open(r io.ReaderAt, size int64, limits Limits, out *rule.Tally) (*Archive, error) {
	l := limits.filled()
	e, err := findEnd(r, size, l)
	if err != nil {
		return nil, Charge(err, out)
	}
	directory := make([]byte, e.size)
	if err := readAt(r, directory, e.offset); err != nil {
		return nil, err
	}
	a := &Archive{r: r, end: e}
	before := out.Errors()
	if err := a.list(directory, l, out); err != nil {
		return nil, Charge(err, out)
	}
	slices.SortStableFunc(a.headers, func(x, y header) int { return cmp.Compare(x.offset, y.offset) })
	a.checkNames(out)
	a.checkSizes(l, size, out)
	a.checkPlaces(out)
	if out.Errors() > before {
		return nil, nil
	}
	for i := range a.headers {
		a.entries = append(a.entries, a.headers[i].entry(i))
	}
	return a, nil
}

// Entries lists files and folders in the order of the file. A folder need not be an entry to have
// files in it.
func (a *Archive) Entries() []Entry { return a.entries }

// Find returns the entry of that path.
func (a *Archive) Find(path string) (Entry, bool) {
	i := slices.IndexFunc(a.entries, func(e Entry) bool { return e.Path == path })
	if i < 0 {
		return Entry{}, false
	}
	return a.entries[i], true
}

// Unpacked is how many bytes all files have together.
func (a *Archive) Unpacked() int64 { return a.unpacked }

// Open reads an entry of Entries. Its reader gives a *Fault if the bytes are not those that the
// archive says; only after io.EOF size and checksum are proven.
func (a *Archive) Open(e Entry) (io.ReadCloser, error) {
	h := &a.headers[e.at]
	s := &source{r: a.r, buf: make([]byte, min(entryBuffer, h.packed+headerRoom))}
	s.seek(h.offset, a.next(e.at))
	c := &content{}
	if err := c.begin(s, h); err != nil {
		return nil, err
	}
	return io.NopCloser(c), nil
}

// ReadFile returns the bytes of an entry, at most limit of them. The error is a *Fault or the
// reader's.
func (a *Archive) ReadFile(e Entry, limit int64) ([]byte, error) {
	if e.Size > limit {
		return nil, tooLarge.fault(e.Path, limit)
	}
	in, err := a.Open(e)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// next is where the entry must end: at the next one, or at the directory.
func (a *Archive) next(i int) int64 {
	if i+1 < len(a.headers) {
		return a.headers[i+1].offset
	}
	return a.end.offset
}
