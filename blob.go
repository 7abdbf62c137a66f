package searchpack

import (
	"context"
	"io"
	"time"
)

// BlobStore keeps immutable bytes named by their SHA-256. Adapters: internal/blobstore.
type BlobStore interface {
	// Write stores what r gives in one streaming pass and returns its digest and size. More than
	// limit bytes: an *Error with ErrTooLarge. Whatever goes wrong, nothing that looks whole stays
	// behind. Writing bytes that are there already is fine.
	Write(ctx context.Context, r io.Reader, limit int64) (Digest, int64, error)
	// Open returns the blob for reading and its size. ErrNotFound if there is none. The reader does
	// not verify: every hop that keeps the bytes does.
	Open(ctx context.Context, d Digest) (Blob, error)
	// Delete removes the blob. Deleting what is not there is fine.
	Delete(ctx context.Context, d Digest) error
	// List calls f for every blob, in any order.
	List(ctx context.Context, f func(BlobInfo) error) error
}

// Blob is an open blob.
type Blob interface {
	io.ReadSeekCloser
	Size() int64
}

// BlobInfo describes a stored blob.
type BlobInfo struct {
	Digest Digest
	Size   int64
	// StoredUnix is when it was last written, in seconds of the store's clock.
	StoredUnix int64
}

// The names of an object's metadata (x-amz-meta-…) that Searchpack reads.
const (
	MetadataKind      = "searchpack-kind"      // what a dictionary holds
	MetadataChecks    = "searchpack-checks"    // the key of the object with the verify checks, in the same bucket
	MetadataSignature = "searchpack-signature" // a plugin's
)

// Object is an open S3 object.
type Object struct {
	io.ReadCloser
	Size      int64 // as announced; -1 if unknown
	VersionID string
	ETag      string
	Kind      string // MetadataKind, as it stands there; "" if absent
	Checks    string // MetadataChecks; "" if absent
	Signature string // MetadataSignature; "" if absent
}

// ObjectSource reads the customer's S3. Adapter: internal/s3source.
type ObjectSource interface {
	// Open starts one GetObject. Errors: ErrNotFound (bucket or key, the message says which),
	// ErrDenied, ErrInvalid (bucket not among the allowed sources), ErrUnavailable (try again).
	Open(ctx context.Context, account string, s Source) (*Object, error)
}

// Doom marks a blob for deletion (internal/sweeper says how marks and versions keep out of each
// other's way).
type Doom struct {
	Digest Digest
	Since  time.Time // when no version named it
	// Condemned: since then somebody may be deleting it; zero = nobody.
	Condemned time.Time
}
