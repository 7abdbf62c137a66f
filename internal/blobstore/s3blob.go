package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
)

const (
	// maxResumes is how often in a row a stream may break without a byte in between.
	maxResumes = 4
	resumeWait = 100 * time.Millisecond // before the second of them, doubled each time
)

// Open returns the blob for reading. Nothing of it is asked for before the first Read.
func (s *S3) Open(ctx context.Context, digest searchpack.Digest) (searchpack.Blob, error) {
	key, err := s.key(digest)
	if err != nil {
		return nil, notStored(digest)
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if absent(err) {
		// The answer to a HEAD has no body, so it does not say whether the bucket is there.
		if _, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket}); err != nil {
			return nil, s.failed(ctx, "look for", "", bucketError(err))
		}
		return nil, notStored(digest)
	}
	if err != nil {
		return nil, s.failed(ctx, "open", key, err)
	}
	return &s3Blob{
		s: s, ctx: ctx, digest: digest, key: key, etag: aws.ToString(out.ETag), size: aws.ToInt64(out.ContentLength),
	}, nil
}

// s3Blob reads an object from any offset on, and goes on where it was when a connection breaks. The
// ETag binds all its requests to the same object.
type s3Blob struct {
	s         *S3
	ctx       context.Context // of Open: it ends the requests
	digest    searchpack.Digest
	key, etag string
	size      int64
	offset    int64
	body      io.ReadCloser // nil, or gives the bytes from offset on
	broken    int           // streams in a row that gave nothing
	closed    bool
}

// Size returns the blob's size in bytes.
func (b *s3Blob) Size() int64 { return b.size }

// Read gives the next bytes. Errors: ErrNotFound, the blob was deleted meanwhile; ErrUnavailable,
// try again.
func (b *s3Blob) Read(p []byte) (int, error) {
	if b.closed {
		return 0, fs.ErrClosed
	}
	for empty := 0; ; {
		if b.offset >= b.size {
			return 0, io.EOF
		}
		if len(p) == 0 {
			return 0, nil
		}
		if err := b.request(); err != nil {
			return 0, err
		}
		n, err := b.body.Read(p[:min(int64(len(p)), b.size-b.offset)])
		b.offset += int64(n)
		if err != nil {
			b.drop()
		}
		if n > 0 {
			b.broken = 0
			return n, nil
		}
		if err == nil {
			if empty++; empty >= maxEmptyReads {
				return 0, io.ErrNoProgress
			}
			continue
		}
		if err := b.resume(err); err != nil {
			return 0, err
		}
	}
}

// resume decides whether to ask again after a stream that gave nothing.
func (b *s3Blob) resume(cause error) error {
	if err := context.Cause(b.ctx); err != nil {
		return err
	}
	if b.broken++; b.broken > maxResumes {
		if errors.Is(cause, io.EOF) {
			cause = io.ErrUnexpectedEOF
		}
		return b.s.failed(b.ctx, fmt.Sprintf("read from byte %d on", b.offset), b.key, cause)
	}
	if b.broken == 1 {
		return nil
	}
	wait := time.NewTimer(resumeWait << (b.broken - 2))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-b.ctx.Done():
		return context.Cause(b.ctx)
	}
}

// request asks for the bytes from the offset on, unless they are coming already.
func (b *s3Blob) request() error {
	if b.body != nil {
		return nil
	}
	in := &s3.GetObjectInput{Bucket: &b.s.bucket, Key: &b.key}
	if b.etag != "" {
		in.IfMatch = &b.etag
	}
	if b.offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", b.offset))
	}
	out, err := b.s.client.GetObject(b.ctx, in)
	if err != nil {
		return b.failed(err)
	}
	b.body = out.Body
	if b.offset > 0 && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", b.offset)) {
		b.drop()
		return searchpack.Errorf(searchpack.ErrUnavailable, "the server's blob store gives other bytes of %s than asked for", b.digest.Short())
	}
	return nil
}

func (b *s3Blob) failed(err error) error {
	if _, status := answer(err); status == http.StatusPreconditionFailed {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the blob %s was written anew while it was read; read it again", b.digest.Short())
	}
	if absent(err) && context.Cause(b.ctx) == nil {
		return notStored(b.digest)
	}
	return b.s.failed(b.ctx, "read", b.key, err)
}

// Seek sets where the next Read begins. It asks for nothing.
func (b *s3Blob) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += b.offset
	case io.SeekEnd:
		offset += b.size
	default:
		return 0, errors.New("seek from nowhere")
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a blob")
	}
	if offset != b.offset {
		b.drop()
		b.offset, b.broken = offset, 0
	}
	return offset, nil
}

// Close ends the request; what was not read is not fetched.
func (b *s3Blob) Close() error {
	b.closed = true
	b.drop()
	return nil
}

func (b *s3Blob) drop() {
	if b.body != nil {
		_ = b.body.Close() // its bytes were taken or are not wanted
		b.body = nil
	}
}
