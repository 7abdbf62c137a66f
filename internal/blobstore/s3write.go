package blobstore

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/searchpack/searchpack"
)

const (
	contentType = "application/octet-stream"
	// partsAtOnce is how many parts of one blob are sent beside each other.
	partsAtOnce = 4
	// abortTime bounds the taking back of an upload, also when its caller has gone.
	abortTime = 10 * time.Second
)

// Write stores what r gives. The name of a blob is its digest, which is known at the end only, so
// the bytes first go to a file without a name on the server's disk, then to S3 with the SHA-256
// that S3 compares. Bytes that are stored already are not sent again. ctx is looked at between
// chunks: a reader that may hang must watch it too.
func (s *S3) Write(ctx context.Context, r io.Reader, limit int64) (searchpack.Digest, int64, error) {
	sp, err := s.newSpool()
	if err != nil {
		return "", 0, s.spoolError(err)
	}
	defer sp.discard()
	digest, size, err := copyHashed(ctx, sp, r, limit)
	if err != nil {
		return "", 0, s.spoolError(err)
	}
	sp.finish()
	key, err := s.key(digest)
	if err != nil {
		return "", 0, err
	}
	if there, err := s.has(ctx, key, digest, size); err != nil || there {
		return digest, size, err
	}
	if err := s.upload(ctx, key, digest, sp); err != nil {
		return "", 0, err
	}
	return digest, size, nil
}

// has reports whether the object is there with this size and, where S3 tells it for the whole
// object, this digest.
func (s *S3) has(ctx context.Context, key string, digest searchpack.Digest, size int64) (bool, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, s.failed(ctx, "look for", key, err)
	}
	sum, err := base64.StdEncoding.DecodeString(aws.ToString(out.ChecksumSHA256)) // "…-3" of parts is no base64
	other := err == nil && len(sum) > 0 && hex.EncodeToString(sum) != string(digest)
	return aws.ToInt64(out.ContentLength) == size && !other, nil
}

// upload sends the spooled bytes. S3 shows the object only when all of it is there.
func (s *S3) upload(ctx context.Context, key string, digest searchpack.Digest, sp *spool) error {
	if len(sp.sums) > maxParts {
		return searchpack.Errorf(searchpack.ErrTooLarge, "more than the %d bytes that the server's blob store takes", maxParts*s.partSize)
	}
	if len(sp.sums) <= 1 {
		return s.put(ctx, key, sp.part(0), digest)
	}
	return s.putParts(ctx, key, digest, sp)
}

// put sends an object in one request.
func (s *S3) put(ctx context.Context, key string, body *io.SectionReader, digest searchpack.Digest) error {
	sum, err := hex.DecodeString(string(digest))
	if err != nil {
		return err
	}
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: body, ContentLength: aws.Int64(body.Size()), ContentType: aws.String(contentType),
		ChecksumSHA256: base64Of(sum),
	})
	if err != nil {
		return s.failed(ctx, "write", key, err)
	}
	return nil
}

// putParts sends an object in parts. What fails is taken back; what a crash leaves, ClearPartial
// finds.
func (s *S3) putParts(ctx context.Context, key string, digest searchpack.Digest, sp *spool) (err error) {
	up, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, ContentType: aws.String(contentType), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		return s.failed(ctx, "begin", key, err)
	}
	defer func() {
		if err != nil {
			s.abort(ctx, key, up.UploadId)
		}
	}()
	parts := make([]types.CompletedPart, len(sp.sums))
	g, sending := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for i, sum := range sp.sums {
		g.Go(func() error {
			body, number := sp.part(i), aws.Int32(int32(i+1))
			out, err := s.client.UploadPart(sending, &s3.UploadPartInput{
				Bucket: &s.bucket, Key: &key, UploadId: up.UploadId, PartNumber: number,
				Body: body, ContentLength: aws.Int64(body.Size()), ChecksumSHA256: base64Of(sum[:]),
			})
			if err != nil {
				return s.failed(sending, "write a part of", key, err)
			}
			parts[i] = types.CompletedPart{ETag: out.ETag, PartNumber: number, ChecksumSHA256: base64Of(sum[:])}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	// An answer that was lost makes the second try fail, although the first has done it; and one
	// that came says nothing certain about the object with every server.
	there, headErr := s.has(ctx, key, digest, sp.size)
	switch {
	case there:
		return nil
	case err != nil:
		return s.failed(ctx, "complete", key, err)
	case headErr != nil:
		return headErr
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "the server's blob store took %d bytes and does not show them", sp.size)
}

func (s *S3) abort(ctx context.Context, key string, id *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	// What cannot be taken back now, ClearPartial does later.
	_, _ = s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: id})
}

func base64Of(sum []byte) *string { return aws.String(base64.StdEncoding.EncodeToString(sum)) }
