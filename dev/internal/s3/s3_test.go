package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"os/exec"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/s3"
)

// The test binary is the S3 process too: the library allows one per process.
func TestMain(m *testing.M) {
	if dir := os.Getenv("S3_DIR"); dir != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := s3.Run(ctx, s3.Config{Dir: dir, AccessKey: "test", SecretKey: "secret", Region: "us-east-1"}); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start runs S3 over dir and returns a stop function and the transport to it.
func start(t *testing.T, k *child.Keeper, dir string) (*child.Process, *http.Transport) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "S3_DIR="+dir)
	cmd.Stderr = os.Stderr
	p, err := k.Start("s3", cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(context.Background(), 10*time.Second) })
	rt := s3.Transport(dir)
	t.Cleanup(rt.CloseIdleConnections)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err = s3.Ready(context.Background(), rt); err == nil {
			return p, rt
		}
		if !p.Running() || time.Now().After(end) {
			t.Fatalf("S3 does not answer: %v", err)
		}
	}
}

func client(rt http.RoundTripper, secret string) *awss3.Client {
	return awss3.New(awss3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", secret, ""),
		HTTPClient:  &http.Client{Transport: rt},
	})
}

func TestObjectsSurviveAKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-folder-", 8), "s3")
	k, err := child.Open(filepath.Join(t.TempDir(), "processes"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	p, rt := start(t, k, dir)
	ctx, c := t.Context(), client(rt, "secret")
	if _, err := c.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: aws.String("dictionaries")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutBucketVersioning(ctx, &awss3.PutBucketVersioningInput{Bucket: aws.String("dictionaries"),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	put, err := c.PutObject(ctx, &awss3.PutObjectInput{Bucket: aws.String("dictionaries"), Key: aws.String("a b/ü.txt"),
		Body: strings.NewReader("laptop, notebook\n"), Metadata: map[string]string{"searchpack-kind": "solr-synonyms"}})
	if err != nil {
		t.Fatal(err)
	}
	if put.VersionId == nil {
		t.Error("no version id on a versioned bucket")
	}

	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	_, rt = start(t, k, dir)
	got, err := client(rt, "secret").GetObject(ctx, &awss3.GetObjectInput{Bucket: aws.String("dictionaries"), Key: aws.String("a b/ü.txt")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	b, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(b, []byte("laptop, notebook\n")) || got.Metadata["searchpack-kind"] != "solr-synonyms" {
		t.Fatalf("%q, %v, %v", b, got.Metadata, err)
	}

	_, err = client(rt, "wrong").ListBuckets(ctx, &awss3.ListBucketsInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "SignatureDoesNotMatch" {
		t.Fatalf("with a wrong secret: %v", err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s3.Run(t.Context(), s3.Config{Dir: dir, AccessKey: "a", SecretKey: "b"}); err == nil {
		t.Fatal("no error")
	}
}
