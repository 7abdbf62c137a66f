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
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack"
)

const (
	// ownerName is the file, or the key, that says whose blobs these are.
	ownerName = "owner"
	// maxOwner bounds what is read of it.
	maxOwner = 1024
	// claimTime bounds the first contact with S3.
	claimTime = 30 * time.Second
)

// Claim makes the folder the owner's, a text of one line that stays the same for one database.
// ErrConflict: it is another's. Two databases on one blob store would delete each other's blobs,
// because each sees that none of its versions names them.
func (d *Dir) Claim(ctx context.Context, owner string) error {
	has, err := d.owner()
	if err == nil && has == "" {
		err = d.setOwner(ctx, owner)
	}
	if err == nil {
		has, err = d.owner()
	}
	if err != nil {
		return folderError(d.path, err)
	}
	return sameOwner(d.path, has, owner)
}

// owner returns "" if there is none.
func (d *Dir) owner() (string, error) {
	f, err := d.root.Open(ownerName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readOwner(f)
}

// setOwner writes the file unless there is one by now.
func (d *Dir) setOwner(ctx context.Context, owner string) error {
	t, err := d.newTemp()
	if err != nil {
		return err
	}
	defer t.discard()
	if _, _, err := copyHashed(ctx, t.file, strings.NewReader(owner+"\n"), maxOwner); err != nil {
		return err
	}
	if err := t.file.Sync(); err != nil {
		return err
	}
	if err := d.root.Link(t.path, ownerName); err != nil && !errors.Is(err, fs.ErrExist) {
		// A file system without links: then the last of two who claim at the same moment wins, and
		// only who reads his own name goes on.
		if err := d.root.Rename(t.path, ownerName); err != nil {
			return err
		}
		t.named = true
	}
	return d.syncDir(".")
}

// Check is the first contact with the bucket. It lists, reads, and begins an upload that it takes
// back, so that whatever is wrong is said at the start, in one line, and nothing has changed.
func (s *S3) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, claimTime, errStalled)
	defer cancel()
	if err := s.check(ctx); err != nil {
		return s.unusable(ctx, err)
	}
	return nil
}

func (s *S3) check(ctx context.Context) error {
	one, key := aws.Int32(1), s.prefix+ownerName
	if _, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix, MaxKeys: one}); err != nil {
		return bucketError(err)
	}
	if _, err := s.owner(ctx); err != nil {
		return err
	}
	up, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return err
	}
	_, listErr := s.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &s.prefix, MaxUploads: one})
	_, err = s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: up.UploadId})
	return errors.Join(listErr, err)
}

// Claim makes the prefix the owner's as Dir.Claim does, and the spool folder ready, so that one that
// cannot be written is refused at the start.
func (s *S3) Claim(ctx context.Context, owner string) error {
	probe, err := s.newSpool()
	if err != nil {
		return folderError(s.spoolDir, err)
	}
	probe.discard()
	s.clearSpool(time.Now().Add(-leftOverAge))
	ctx, cancel := context.WithTimeoutCause(ctx, claimTime, errStalled)
	defer cancel()
	has, err := s.owner(ctx)
	if err == nil && has == "" {
		if err = s.setOwner(ctx, owner); err == nil {
			has, err = s.owner(ctx)
		}
	}
	if err != nil {
		return s.unusable(ctx, err)
	}
	return sameOwner(s.String(), has, owner)
}

// setOwner writes the object unless there is one by now. A server that knows no conditions takes
// the last of two who claim at the same moment; only who then reads his own name goes on.
func (s *S3) setOwner(ctx context.Context, owner string) error {
	key := s.prefix + ownerName
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader(owner + "\n"), IfNoneMatch: aws.String("*")}
	_, err := s.client.PutObject(ctx, in)
	switch _, status := answer(err); status {
	case http.StatusPreconditionFailed, http.StatusConflict: // somebody was first: who, is read next
		return nil
	case http.StatusNotImplemented:
		in.Body, in.IfNoneMatch = strings.NewReader(owner+"\n"), nil
		_, err = s.client.PutObject(ctx, in)
	}
	return err
}

func (s *S3) owner(ctx context.Context) (string, error) {
	key := s.prefix + ownerName
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if absent(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	return readOwner(out.Body)
}

func (s *S3) unusable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errStalled) {
		return cause
	}
	var own *searchpack.Error
	if errors.As(err, &own) && own.Err != nil {
		err = own.Err
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "the blob store %s %s", s, explain(err))
}

// bucketError gives the answer to a request for the bucket itself its name: what is not found is
// the bucket, unless the server says that it is something else.
func bucketError(err error) error {
	if code, status := answer(err); status == http.StatusNotFound && !deniedCodes[code] {
		return fmt.Errorf("%w (%w)", &smithy.GenericAPIError{Code: "NoSuchBucket"}, err)
	}
	return err
}

func readOwner(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxOwner))
	return strings.TrimSpace(string(b)), err
}

func sameOwner(where, has, owner string) error {
	if has == owner {
		return nil
	}
	return searchpack.Errorf(searchpack.ErrConflict, "the blobs in %s belong to another database: each would delete what it does not know; "+
		"name another place, or, if that database is gone for good, remove %q there", where, ownerName)
}
