package s3_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/s3"
	"github.com/searchpack/searchpack/internal/blobstore"
	"github.com/searchpack/searchpack/internal/blobstore/blobtest"
)

// TestBlobStore runs the suite of blob stores, and what the S3 in memory of its own tests cannot
// judge (it compares no checksums), against a real S3 server.
func TestBlobStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s3")
	k, err := child.Open(filepath.Join(t.TempDir(), "processes"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	_, rt := start(t, k, dir)
	c := client(rt, "secret")
	if _, err := c.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("blobs")}); err != nil {
		t.Fatal(err)
	}
	var stores atomic.Int32
	open := func(t *testing.T, change func(*blobstore.S3Config)) *blobstore.S3 {
		t.Helper()
		cfg := blobstore.S3Config{
			Bucket: "blobs", Prefix: "store/" + strconv.Itoa(int(stores.Add(1))), Endpoint: "http://127.0.0.1:1", Dial: s3.Dialer(dir),
			AccessKey: "test", SecretKey: "secret", Spool: t.TempDir(), PartSize: 5 << 20, RetryWait: 10 * time.Millisecond,
		}
		if change != nil {
			change(&cfg)
		}
		s, err := blobstore.NewS3(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	t.Run("suite", func(t *testing.T) {
		blobtest.Run(t, blobtest.Options{}, func(t *testing.T) searchpack.BlobStore { return open(t, nil) })
	})
	t.Run("parts", func(t *testing.T) { testParts(t, open(t, nil)) })
	t.Run("sums", func(t *testing.T) { testSums(t, c) })
	t.Run("claim", func(t *testing.T) { testClaim(t, open) })
	t.Run("uploads", func(t *testing.T) {
		s := open(t, func(c *blobstore.S3Config) { c.Prefix = "uploads" })
		digest := string(searchpack.DigestOf(nil))
		key := "uploads/" + digest[:2] + "/" + digest
		if _, err := c.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String("blobs"), Key: &key}); err != nil {
			t.Fatal(err)
		}
		for _, in := range []struct {
			before time.Duration
			want   int
		}{{-time.Hour, 0}, {time.Hour, 1}, {time.Hour, 0}} {
			if n, err := s.ClearPartial(t.Context(), time.Now().Add(in.before)); n != in.want || err != nil {
				t.Errorf("ClearPartial = %d, %v, want %d", n, err, in.want)
			}
		}
	})
}

// testParts sends a blob in parts and reads it from anywhere.
func testParts(t *testing.T, s *blobstore.S3) {
	content := bytes.Repeat([]byte("0123456789abcde\n"), 12<<20/16+3)
	for range 2 {
		digest, _, err := s.Write(t.Context(), bytes.NewReader(content), 1<<30)
		if err != nil || digest != searchpack.DigestOf(content) {
			t.Fatal(digest, err)
		}
	}
	b, err := s.Open(t.Context(), searchpack.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, from := range []int64{0, 5<<20 - 1, 12 << 20} {
		if _, err := b.Seek(from, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, content[from:]) {
			t.Errorf("from %d: %d bytes, %v", from, len(got), err)
		}
	}
}

// testSums: this S3 does compare what S3's writers send.
func testSums(t *testing.T, c *awss3.Client) {
	_, err := c.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("blobs"), Key: aws.String("spoilt"), Body: strings.NewReader("x"),
		ChecksumSHA256: aws.String("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")}) // of nothing
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("other bytes than their SHA-256 says: %v", err)
	}
}

func testClaim(t *testing.T, open func(*testing.T, func(*blobstore.S3Config)) *blobstore.S3) {
	in := func(c *blobstore.S3Config) { c.Prefix = "claimed" }
	s := open(t, in)
	if err := errors.Join(s.Check(t.Context()), s.Claim(t.Context(), "one"), s.Check(t.Context()), s.Claim(t.Context(), "one")); err != nil {
		t.Error(err)
	}
	if err := open(t, in).Claim(t.Context(), "two"); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("another database: %v", err)
	}
	for says, change := range map[string]func(*blobstore.S3Config){
		"has no bucket":                         func(c *blobstore.S3Config) { c.Bucket = "another" },
		"denies access (SignatureDoesNotMatch)": func(c *blobstore.S3Config) { c.SecretKey = "wrong" },
		"has its bucket in another region":      func(c *blobstore.S3Config) { c.Region = "eu-west-9" },
		"denies access (XAdminUserNotFound)":    func(c *blobstore.S3Config) { c.AccessKey = "wrong" },
	} {
		if err := open(t, change).Check(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}

}
