package cli

import (
	"bytes"
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
	"github.com/searchpack/searchpack/internal/checks"
)

// pushFile is the file that is pushed. It is read twice: to name it, and to send it.
type pushFile struct {
	*os.File
	digest searchpack.Digest
	sum    []byte
	size   int64
}

func openPushFile(path string) (*pushFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("%w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = usagef("%s is a folder, and a package is made of one file: zip what is in it, and push the zip", path)
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

// key is where the file is uploaded to. It names the bytes and the checks that its metadata names, so
// that uploading them again changes nothing.
func (s *push) key() string {
	key := "searchpack/" + s.Name + "/" + string(s.file.digest)
	if s.checks != nil {
		key += "-" + s.checksDigest().Short()
	}
	if s.signature != "" {
		key += "-" + searchpack.DigestOf([]byte(s.signature)).Short()
	}
	if s.plugin {
		key += ".zip" // AWS takes plugins from no other
	}
	return key + s.suffix
}

// checksKey is where the checks are uploaded to.
func (s *push) checksKey() string {
	return "searchpack/" + s.Name + "/" + string(s.checksDigest()) + ".checks.json"
}

func (s *push) checksDigest() searchpack.Digest {
	if s.checks == nil {
		return ""
	}
	return searchpack.DigestOf(s.checks)
}

// readChecks reads the document of checks, and refuses what the server would refuse.
func (p *PushCmd) readChecks() ([]byte, error) {
	if p.Checks == "" {
		return nil, nil
	}
	f, err := os.Open(p.Checks)
	if err != nil {
		return nil, usagef("%w", err)
	}
	defer f.Close()
	doc, err := io.ReadAll(io.LimitReader(f, searchpack.MaxChecksBytes+1))
	if err != nil {
		return nil, usagef("%w", err)
	}
	if _, err := checks.Parse(doc); err != nil {
		return nil, usagef("%s: %s", p.Checks, searchpack.ErrorMessage(err))
	}
	return doc, nil
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
	place := "s3://" + s.Bucket + "/" + s.key()
	s.said.waits("uploading %d bytes to %s", s.file.size, place)
	in := &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: aws.String(s.key()), Body: s.file.File, ContentLength: &s.file.size,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(s.file.sum)),
	}
	if in.Metadata = map[string]string{}; s.Kind != "" {
		in.Metadata[searchpack.MetadataKind] = s.Kind
	}
	if s.signature != "" {
		in.Metadata[searchpack.MetadataSignature] = s.signature
	}
	if s.checks != nil {
		if err := s.uploadChecks(client); err != nil {
			return err
		}
		in.Metadata[searchpack.MetadataChecks] = s.checksKey()
	}
	if _, err := client.PutObject(s.c, in); err != nil {
		return fmt.Errorf("upload to %s: %w", place, s.plainS3(client, err))
	}
	s.said.step("uploaded to %s", place)
	if s.signer != "" {
		s.said.step("%s.sig goes along: it says that the key %s has signed the file (searchpack sign verify proves it; nodes do)", s.File, s.signer)
	}
	return nil
}

// uploadChecks puts the checks beside the file, first: what names them must not be there before.
func (s *push) uploadChecks(client *s3.Client) error {
	place := "s3://" + s.Bucket + "/" + s.checksKey()
	if _, err := client.PutObject(s.c, &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: aws.String(s.checksKey()), Body: bytes.NewReader(s.checks), ContentType: aws.String("application/json"),
	}); err != nil {
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
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied":
			if s.S3Profile == "" {
				return fmt.Errorf("%w. S3 was asked with the key for the server: --s3-profile names another", plain)
			}
		case "NoSuchBucket":
			return fmt.Errorf("%w. Make it (aws s3 mb s3://%s), or name another with --bucket", plain, s.Bucket)
		}
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return plain
}
