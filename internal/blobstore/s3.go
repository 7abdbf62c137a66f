package blobstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
)

const (
	// partSize is what one request carries: a connection that breaks costs no more than this, and
	// 10,000 parts, the most that S3 takes, are more than any limit of Searchpack.
	partSize int64 = 16 << 20
	maxParts       = 10_000
	// listPage is how many keys one request lists, S3's maximum.
	listPage = 1000
)

// S3Config says where the blobs lie.
type S3Config struct {
	Bucket string
	Prefix string // of the keys, without slashes at its ends; "" = the whole bucket
	// Endpoint is the server's URL, its buckets in the path; "" = AWS.
	Endpoint string
	Region   string // "" = of the environment, else DefaultRegion
	// AccessKey and SecretKey; both "" = the AWS SDK's default chain (environment, shared files,
	// instance role).
	AccessKey, SecretKey string
	// Dial connects to the server; nil = over the network, as Endpoint says.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Spool is a folder for what is on its way; made if absent. A blob is there while it is
	// written, without a name, so a crash leaves nothing.
	Spool string
	// PartSize is what one request carries, in bytes (S3 wants at least 5 MiB); ConnectTimeout and
	// IdleTimeout are how long nothing may come, RetryWait how long is waited at most before a
	// request is sent again. 0 = the defaults.
	PartSize                               int64
	ConnectTimeout, IdleTimeout, RetryWait time.Duration
}

// S3 is a BlobStore in a bucket, or below a prefix of one. Several processes may use one at the
// same time. A reader's requests end with the context that it was opened with.
//
//	PREFIX/ab/abcdef…  a whole blob; S3 itself shows no other
//	PREFIX/owner       whose blobs these are (Claim)
type S3 struct {
	client   *s3.Client
	bucket   string
	prefix   string // "" or ending with a slash
	spoolDir string
	partSize int64
	listPage int32
	close    func()
}

var _ searchpack.BlobStore = (*S3)(nil)

var (
	// bucketName is wider than AWS's rule, but holds nothing that could change the request.
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$`)
	// keyPrefix holds only what every server and every URL takes as it is.
	keyPrefix = regexp.MustCompile(`^[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*$`)
)

// ParseS3 reads s3://BUCKET/PREFIX. The error is one line.
func ParseS3(location string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(location, "s3://")
	if !ok {
		return "", "", fmt.Errorf("%q does not begin with s3://", location)
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	prefix = strings.Trim(prefix, "/")
	if !bucketName.MatchString(bucket) || strings.Contains(bucket, "..") {
		return "", "", fmt.Errorf("%q names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX", location)
	}
	if prefix != "" && (!keyPrefix.MatchString(prefix) || path.Clean("/"+prefix) != "/"+prefix) {
		return "", "", fmt.Errorf("%q: a prefix has letters, digits and . _ = - between single slashes", location)
	}
	return bucket, prefix, nil
}

// NewS3 makes an S3. It connects to nothing and touches nothing yet: Check and Claim do.
func NewS3(cfg S3Config) (*S3, error) {
	if (cfg.AccessKey == "") != (cfg.SecretKey == "") {
		return nil, errors.New("blob store credentials: access key and secret key go together; give both or neither")
	}
	loaded, err := loadConfig(cfg)
	if err != nil {
		return nil, err
	}
	client, closeIdle := newClient(cfg, loaded)
	s := &S3{
		client: client, bucket: cfg.Bucket, spoolDir: cfg.Spool, partSize: cfg.PartSize, listPage: listPage, close: closeIdle,
	}
	if s.partSize == 0 {
		s.partSize = partSize
	}
	if cfg.Prefix != "" {
		s.prefix = cfg.Prefix + "/"
	}
	return s, nil
}

// Close closes idle connections. Open blobs stay readable.
func (s *S3) Close() error { s.close(); return nil }

// String is the store's address.
func (s *S3) String() string { return "s3://" + s.bucket + "/" + strings.TrimSuffix(s.prefix, "/") }

// key is where the blob lies. It refuses what is no digest.
func (s *S3) key(digest searchpack.Digest) (string, error) {
	if _, err := searchpack.ParseDigest(string(digest)); err != nil {
		return "", err
	}
	return s.prefix + string(digest[:2]) + "/" + string(digest), nil
}

// digest is the blob that lies at the key, false if none does.
func (s *S3) digest(key string) (searchpack.Digest, bool) {
	rest, ok := strings.CutPrefix(key, s.prefix)
	fan, name, _ := strings.Cut(rest, "/")
	digest, err := searchpack.ParseDigest(name)
	return digest, ok && err == nil && string(digest[:2]) == fan
}

// Delete removes the blob. A reader that has it open ends with an error, never with fewer bytes as
// if whole. The request is sent once: of two, the first may still be on its way when the second is
// answered, and would take away what was written since.
func (s *S3) Delete(ctx context.Context, digest searchpack.Digest) error {
	key, err := s.key(digest)
	if err != nil {
		return nil // nothing is ever stored under such a name
	}
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key}, func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil && !absent(err) {
		return s.failed(ctx, "delete", key, err)
	}
	return nil
}

// List calls f for every blob. Blobs written or deleted meanwhile may or may not show. Any other
// key is passed over.
func (s *S3) List(ctx context.Context, f func(searchpack.BlobInfo) error) error {
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
		Bucket: &s.bucket, Prefix: &s.prefix, MaxKeys: aws.Int32(s.listPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.failed(ctx, "list", s.prefix, err)
		}
		for _, o := range page.Contents {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			digest, ok := s.digest(aws.ToString(o.Key))
			if !ok {
				continue
			}
			err := f(searchpack.BlobInfo{
				Digest: digest, Size: aws.ToInt64(o.Size), StoredUnix: aws.ToTime(o.LastModified).Unix(),
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// ClearPartial ends uploads that were begun before the given time and never completed: S3 keeps
// (and AWS charges for) their parts. It returns how many.
func (s *S3) ClearPartial(ctx context.Context, before time.Time) (int, error) {
	s.clearSpool(before)
	cleared := 0
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &s.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if absent(err) { // some servers say so when there are no uploads
			return cleared, nil
		}
		if err != nil {
			return cleared, s.failed(ctx, "list the uploads of", s.prefix, err)
		}
		for _, u := range page.Uploads {
			if _, ours := s.digest(aws.ToString(u.Key)); !ours && aws.ToString(u.Key) != s.prefix+ownerName || !aws.ToTime(u.Initiated).Before(before) {
				continue
			}
			_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: u.Key, UploadId: u.UploadId})
			if err != nil && !absent(err) {
				return cleared, s.failed(ctx, "abort an upload of", aws.ToString(u.Key), err)
			}
			cleared++
		}
	}
	return cleared, nil
}

// clearSpool removes what a process left that was killed between making a file and unlinking it.
func (s *S3) clearSpool(before time.Time) {
	names, _ := filepath.Glob(filepath.Join(s.spoolDir, spoolPattern)) // the pattern is well-formed
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			_ = os.Remove(name) // housekeeping: what stays is left for another time
		}
	}
}
