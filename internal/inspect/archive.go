package inspect

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	// maxEntries bounds an archive. Plugins have some dozens of files, those with dictionaries some
	// hundreds.
	maxEntries = 10_000
	// maxDirectory bounds the bytes that are read of an archive to list it: 400 for each of
	// maxEntries, and its end. How many entries there are is a claim of the archive until they have
	// been read, and each costs memory.
	maxDirectory = maxEntries*400 + 256<<10
)

// Rules of archives.
const (
	ruleArchive        = "archive.unreadable"
	ruleArchiveEntries = "archive.entries"
	ruleArchiveSize    = "archive.size"
	ruleArchivePath    = "archive.path"
)

// archive is a zip whose directory was read, and nothing else of it.
type archive struct {
	from     *budgetReader
	files    []*zip.File
	unpacked int64 // bytes of all entries together, as the directory has it
}

// openArchive lists a zip and holds the list against the bounds. What is wrong with it goes to out;
// the archive is nil then. The error is the reader's.
func openArchive(r io.ReaderAt, size, maxUnpacked int64, out *rule.Tally) (*archive, error) {
	a := &archive{from: &budgetReader{r: r, size: size, left: maxDirectory}}
	var z *zip.Reader
	err := errBudget
	if claimedEntries(a.from, size) <= maxEntries {
		z, err = zip.NewReader(a.from, size)
	}
	switch {
	case a.from.err != nil:
		return nil, fmt.Errorf("read the archive: %w", a.from.err)
	case errors.Is(err, errBudget) || err == nil && len(z.File) > maxEntries:
		out.Add(failure(ruleArchiveEntries, fmt.Sprintf("the zip has more than %d entries", maxEntries), "leave out what the nodes do not need"))
		return nil, nil
	case err != nil:
		out.Add(failure(ruleArchive, "the file is not a zip that can be read ("+strings.TrimPrefix(err.Error(), "zip: ")+")", "make the zip again and compare it with the object in S3"))
		return nil, nil
	}
	a.files = z.File
	for _, f := range z.File {
		if name := strings.TrimSuffix(f.Name, "/"); !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\\x00") {
			out.Add(searchpack.Finding{
				Rule: ruleArchivePath, Severity: searchpack.SeverityError, Text: rule.Shown([]byte(f.Name)),
				Message: "an entry of the zip would lie outside of its folder", Remedy: "write relative paths with slashes and without ..",
			})
		}
		if left := maxUnpacked - a.unpacked; left < 0 || f.UncompressedSize64 > uint64(left) {
			out.Add(failure(ruleArchiveSize, fmt.Sprintf("the files in the zip have more than %d bytes together", maxUnpacked), "make it smaller, or have the limit of the server raised"))
			break
		}
		a.unpacked += int64(f.UncompressedSize64) //nolint:gosec // compared with a positive int64 above
	}
	if out.Errors() > 0 {
		return nil, nil
	}
	return a, nil
}

// claimedEntries is how many entries the end of a zip says there are. zip.NewReader takes memory for
// as many, if the file is large enough to have them, before it reads the first. It is 0 where that
// end is not found: zip.NewReader does not find it either, and says so.
func claimedEntries(r io.ReaderAt, size int64) uint64 {
	const (
		endLen, locatorLen, end64Len = 22, 20, 56
		searched                     = 65 << 10 // where zip.NewReader looks for the end
	)
	tail := make([]byte, min(size, locatorLen+searched))
	from := size - int64(len(tail))
	if _, err := r.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	at := bytes.LastIndex(tail[:max(len(tail)-endLen+4, 0)], []byte("PK\x05\x06"))
	if at < 0 {
		return 0
	}
	end := tail[at:]
	entries, directory, offset := binary.LittleEndian.Uint16(end[10:]), binary.LittleEndian.Uint32(end[12:]), binary.LittleEndian.Uint32(end[16:])
	if entries != 0xffff && directory != 0xffff && offset != 0xffffffff || at < locatorLen {
		return uint64(entries)
	}
	locator, end64 := tail[at-locatorLen:], make([]byte, end64Len)
	if string(locator[:4]) != "PK\x06\x07" {
		return uint64(entries)
	}
	if _, err := r.ReadAt(end64, int64(binary.LittleEndian.Uint64(locator[8:]))); err != nil { //nolint:gosec // budgetReader refuses negative ones
		return uint64(entries)
	}
	return binary.LittleEndian.Uint64(end64[32:])
}

// read returns the bytes of an entry, at most limit of them. An entry that cannot be read, or is
// larger, is the archive's fault; the error is the reader's.
func (a *archive) read(f *zip.File, limit int64) (b []byte, fault string, err error) {
	a.from.left += limit + maxDirectory // its local header may stand anywhere
	in, err := f.Open()
	if err == nil {
		b, err = io.ReadAll(io.LimitReader(in, limit+1))
		if closeErr := in.Close(); err == nil {
			err = closeErr
		}
	}
	switch {
	case a.from.err != nil:
		return nil, "", fmt.Errorf("read %s of the archive: %w", f.Name, a.from.err)
	case err != nil:
		return nil, fmt.Sprintf("%s cannot be unpacked (%s)", f.Name, strings.TrimPrefix(err.Error(), "zip: ")), nil
	case int64(len(b)) > limit:
		return nil, fmt.Sprintf("%s has more than %d bytes", f.Name, limit), nil
	}
	return b, "", nil
}

// Config inspects a PACKAGE-CONFIG: a zip that can be listed, within the bounds. The error is the
// reader's; a bad file is no error but findings.
func Config(r io.ReaderAt, size, maxUnpacked int64) (Result, error) {
	var out rule.Tally
	_, err := openArchive(r, size, maxUnpacked, &out)
	return Result{}.with(&out), err
}

var errBudget = errors.New("more is read of the archive than its list may need")

// budgetReader bounds what is read, and remembers the reader's own error: an archive that ends too
// early is a bad archive, a disk that fails is not.
type budgetReader struct {
	r    io.ReaderAt
	size int64
	left int64
	err  error
}

// ReadAt implements io.ReaderAt.
func (b *budgetReader) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case off < 0 || off > b.size: // an archive may say anything about where its parts are
		return 0, io.ErrUnexpectedEOF
	case int64(len(p)) > b.left:
		return 0, errBudget
	}
	b.left -= int64(len(p))
	n, err := b.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func failure(rule, message, remedy string) searchpack.Finding {
	return searchpack.Finding{Rule: rule, Severity: searchpack.SeverityError, Message: message, Remedy: remedy}
}
