package cli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack"
)

// pushFile is the file that is pushed. It is read twice: to name it, and to send it.
type pushFile struct {
	*os.File
	digest searchpack.Digest
	sum    []byte
	size   int64
}

// metadataKind is the object metadata that declares what a dictionary holds.
const metadataKind = "searchpack-kind"

func openPushFile(path string) (*pushFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("%w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = usagef("%s is no file that can be pushed: a package is made of one regular file", path)
	}
	h := sha256.New()
	size := int64(0)
	if err == nil {
		size, err = io.Copy(h, f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	sum := h.Sum(nil)
	digest, err := searchpack.ParseDigest(hex.EncodeToString(sum))
	return &pushFile{File: f, digest: digest, sum: sum, size: size}, err
}

// key is where the file is uploaded to. It names the bytes, so that uploading them again changes
// nothing.
func (p *PushCmd) key(d searchpack.Digest) string {
	key := "searchpack/" + p.Name + "/" + string(d)
	if p.plugin {
		key += ".zip" // AWS takes plugins from no other
	}
	return key
}

// s3 returns the SDK's client for S3. A server other than AWS mostly needs the bucket in the path.
func (s *push) s3() (*s3.Client, error) {
	cfg := s.cl.loaded
	if s.S3Profile != "" {
		var err error
		cfg, err = config.LoadDefaultConfig(s.c, config.WithSharedConfigProfile(s.S3Profile), config.WithRegion(cfg.Region),
			config.WithEC2IMDSClientEnableState(imds.ClientDisabled), config.WithHTTPClient(awshttp.NewBuildableClient()))
		if err != nil {
			return nil, usagef("AWS configuration of --s3-profile: %w", err)
		}
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired // others know no trailers
	}), nil
}

// upload puts the file into the bucket. S3 checks the digest: a file that is written to meanwhile does
// not get there.
func (s *push) upload() error {
	client, err := s.s3()
	if err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	place := "s3://" + s.Bucket + "/" + s.key(s.file.digest)
	s.said.waits("uploading %d bytes to %s", s.file.size, place)
	in := &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: aws.String(s.key(s.file.digest)), Body: s.file.File, ContentLength: &s.file.size,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(s.file.sum)),
	}
	if s.Kind != "" {
		in.Metadata = map[string]string{metadataKind: s.Kind}
	}
	if _, err := client.PutObject(s.c, in); err != nil {
		return fmt.Errorf("upload to %s: %w", place, s.plainS3(client, err))
	}
	s.said.step("uploaded to %s", place)
	return nil
}

// plainS3 turns an error of S3 into what it said, or why it said nothing.
func (s *push) plainS3(asked *s3.Client, err error) error {
	where := asked.Options().BaseEndpoint
	if where == nil {
		where = aws.String("AWS (region " + asked.Options().Region + "; AWS_ENDPOINT_URL_S3 names another server)")
	}
	plain := (&client{endpoint: *where}).plain(err)
	var api smithy.APIError
	if errors.As(err, &api) && s.S3Profile == "" {
		switch api.ErrorCode() {
		case "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied":
			return fmt.Errorf("%w. S3 was asked with the key for the server: --s3-profile names another", plain)
		}
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return plain
}
