package importer

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
)

// errGone ends an import whose package was deleted, or which another worker has ended.
var errGone = errors.New("the import is no longer wanted")

// lookEvery is how often a copy checks whether its package is still there.
const lookEvery = 2 * time.Second

// copied is what was read.
type copied struct {
	digest    searchpack.Digest
	size      int64
	versionID string // of S3
	etag      string
	kind      searchpack.Kind // as declared, which may be no kind at all
	checks    string          // key of the object with the checks; "" = none
	signature string          // of a plugin, or what belongs to one; "" = none
}

// describe puts into the version what was read.
func (c copied) describe(v *searchpack.Version) {
	v.Digest, v.Size = c.digest, c.size
	v.Source.VersionID, v.Source.ETag, v.Source.Signature = c.versionID, c.etag, c.signature
}

// copy streams the object into the blob store, a dictionary past the inspection on its way: the
// bytes are read once. learnt is what those who use the package take it for. The result counts only if the copy succeeded.
func (i *Importer) copy(ctx context.Context, j *job, learnt searchpack.Kind) (copied, inspect.Result, error) {
	obj, err := i.source.Open(ctx, j.pkg.Account, j.version.Source)
	if err != nil {
		return copied{}, inspect.Result{}, copyError(err)
	}
	defer obj.Close()
	most := i.limits[j.pkg.Type]
	if obj.Size > most.bytes {
		return copied{}, inspect.Result{}, copyError(tooLarge(obj.Size, most))
	}
	c := copied{
		versionID: firstBytes(obj.VersionID), etag: firstBytes(obj.ETag),
		kind: searchpack.Kind(strings.TrimSpace(obj.Kind)), checks: strings.TrimSpace(obj.Checks),
	}
	if s := strings.TrimSpace(obj.Signature); j.pkg.Type != searchpack.TypeDictionary && len(s) <= searchpack.MaxSignature {
		c.signature = s // what it is worth only a node can say
	}
	var r io.Reader = &objectReader{i: i, ctx: ctx, versionID: j.version.ID, from: obj, size: obj.Size, looked: i.now()}
	end := func(error) (inspect.Result, error) { return inspect.Result{}, nil }
	if j.pkg.Type == searchpack.TypeDictionary {
		passing := i.inspectPassing(inspect.Options{Declared: c.kind, Learnt: learnt})
		defer passing.CloseWithError(errGone) // ends it also if the copy panics; else it has ended already
		r, end = io.TeeReader(r, passing), passing.end
	}
	c.digest, c.size, err = i.blobs.Write(ctx, r, most.bytes)
	res, inspectErr := end(err)
	if searchpack.ErrorCode(err) == searchpack.ErrTooLarge {
		err = tooLarge(-1, most)
	}
	if err != nil {
		return copied{}, inspect.Result{}, copyError(err)
	}
	if inspectErr != nil {
		return copied{}, inspect.Result{}, &phaseError{searchpack.PackageValidationFailed, inspectErr}
	}
	return c, res, nil
}

func copyError(err error) error { return &phaseError{searchpack.PackageCopyFailed, err} }

// maxHeader is how many bytes of a header of S3 are stored.
const maxHeader = 1024

// firstBytes makes a header fit for every database: cut, UTF-8, and without NUL.
func firstBytes(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxHeader)], "\uFFFD")
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// objectReader reads the object for the blob store. It ends when the import is no longer wanted,
// and takes an object that has other than the announced number of bytes for a broken stream, so
// that no part of one is ever stored as if whole.
type objectReader struct {
	i         *Importer
	ctx       context.Context
	versionID string
	from      io.Reader
	size      int64 // announced; -1 = unknown
	read      int64
	looked    time.Time
}

// Read gives the object's bytes.
func (r *objectReader) Read(p []byte) (int, error) {
	if now := r.i.now(); now.Sub(r.looked) >= lookEvery {
		r.looked = now
		if r.gone() {
			return 0, errGone
		}
	}
	n, err := r.from.Read(p)
	r.read += int64(n)
	if err == io.EOF && r.size >= 0 && r.read != r.size {
		return n, searchpack.Errorf(searchpack.ErrUnavailable, "S3 announced %d bytes and sent %d", r.size, r.read)
	}
	return n, err
}

// gone reports that the version is no longer to be imported. A store that does not answer says
// nothing about that.
func (r *objectReader) gone() bool {
	j, err := r.i.load(r.ctx, r.versionID)
	return err == nil && j == nil
}
