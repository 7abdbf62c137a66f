// Package s3source reads the objects that packages are made of, from the customer's S3 or any
// server that speaks its protocol. It only ever sends GetObject.
//
// It is apart from blobstore on purpose: other credentials, other trust. What comes from here is
// hostile until the importer has hashed, bounded and inspected it. Nothing is retried here: an
// error says by its code whether trying again makes sense, and the importer begins anew.
package s3source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/searchpack/searchpack"
)

// The defaults of Config.
const (
	// DefaultRegion is taken when neither Config nor the environment names one: servers other than
	// AWS mostly do not care, and AWS answers which region it should have been.
	DefaultRegion = "us-east-1"

	DefaultConnectTimeout = 10 * time.Second
	// DefaultHeaderTimeout leaves a slow server time to find the object.
	DefaultHeaderTimeout = 30 * time.Second
	// DefaultIdleTimeout ends a stream that gives no byte for so long.
	DefaultIdleTimeout = 30 * time.Second
)

// readBuffer is what one system call may read: the default of 4 KiB costs a large object time.
const readBuffer = 256 << 10

// Config says which S3 to read from, and what of it.
type Config struct {
	// Endpoint is the server's URL; "" = AWS.
	Endpoint string
	Region   string // "" = of the environment, else DefaultRegion
	// AccessKey and SecretKey; both "" = the AWS SDK's default chain (environment, shared files,
	// instance role).
	AccessKey, SecretKey string
	// PathStyle: the bucket stands in the path and not in the host name. Most servers but AWS need it.
	PathStyle bool
	// Dial connects to the server; nil = over the network, as Endpoint says.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Allowed reports whether an account may read an object; asked at each read, so that a list
	// that was tightened counts for imports under way too. nil allows everything to everybody.
	Allowed func(account string, s searchpack.Source) bool
	// 0 = the defaults.
	ConnectTimeout, HeaderTimeout, IdleTimeout time.Duration
}

// Source is an ObjectSource on S3.
type Source struct {
	client  *s3.Client
	allowed func(account string, s searchpack.Source) bool
	idle    time.Duration
	close   func()
}

var _ searchpack.ObjectSource = (*Source)(nil)

// New makes a Source. It connects to nothing yet.
func New(cfg Config) (*Source, error) {
	if (cfg.AccessKey == "") != (cfg.SecretKey == "") {
		return nil, errors.New("source credentials: access key and secret key go together; give both or neither")
	}
	if cfg.Endpoint != "" && !strings.HasPrefix(cfg.Endpoint, "http://") && !strings.HasPrefix(cfg.Endpoint, "https://") {
		return nil, fmt.Errorf("source endpoint %q is no URL; write for example https://s3.example.com", cfg.Endpoint)
	}
	loaded, err := loadConfig(cfg)
	if err != nil {
		return nil, err
	}
	base := httpClient(cfg)
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
		o.UsePathStyle = cfg.PathStyle
		o.HTTPClient = &boundedErrors{base}
		o.Retryer = aws.NopRetryer{}
		// Checksums are compared only where the protocol demands it: servers differ in what they
		// send for multipart objects, and the bytes get a SHA-256 of their own anyway.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &Source{
		client: client, allowed: cfg.Allowed, idle: orDefault(cfg.IdleTimeout, DefaultIdleTimeout),
		close: func() { base.GetTransport().CloseIdleConnections() },
	}, nil
}

// Close closes idle connections.
func (s *Source) Close() { s.close() }

// loadConfig takes what is given, and only what is not from the SDK's default chain.
func loadConfig(cfg Config) (aws.Config, error) {
	if cfg.AccessKey != "" {
		return aws.Config{
			Region:      orDefault(cfg.Region, DefaultRegion),
			Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(cfg.AccessKey, cfg.SecretKey, "")),
		}, nil
	}
	// Instance roles are asked for only when a request needs them, so this does not wait.
	loaded, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(cfg.Region))
	if err != nil {
		return aws.Config{}, fmt.Errorf("source credentials from the environment: %w", err)
	}
	loaded.Region = orDefault(loaded.Region, DefaultRegion)
	return loaded, nil
}

func httpClient(cfg Config) *awshttp.BuildableClient {
	connect := orDefault(cfg.ConnectTimeout, DefaultConnectTimeout)
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connect }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = connect
			t.ResponseHeaderTimeout = orDefault(cfg.HeaderTimeout, DefaultHeaderTimeout)
			t.MaxResponseHeaderBytes = 64 << 10
			t.ReadBufferSize = readBuffer
			if cfg.Dial != nil {
				t.DialContext = cfg.Dial
			}
			t.DisableCompression = true // what is stored is what is hashed
		})
}

// Open starts one GetObject. The object's reader ends with ErrUnavailable when the stream stalls,
// breaks or ends before the announced size.
func (s *Source) Open(ctx context.Context, account string, src searchpack.Source) (*searchpack.Object, error) {
	if err := s.check(account, src); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &src.Bucket, Key: &src.Key})
	if err != nil {
		err = mapError(ctx, err, src)
		cancel(nil)
		return nil, err
	}
	size := int64(-1)
	if out.ContentLength != nil {
		size = *out.ContentLength
	}
	return &searchpack.Object{
		ReadCloser: newStream(ctx, cancel, out.Body, src, size, s.idle),
		Size:       size,
		VersionID:  aws.ToString(out.VersionId),
		ETag:       aws.ToString(out.ETag),
		Kind:       metadata(out.Metadata, searchpack.MetadataKind),
		Checks:     metadata(out.Metadata, searchpack.MetadataChecks),
		Signature:  metadata(out.Metadata, searchpack.MetadataSignature),
	}, nil
}

// metadata finds a value by its name: servers differ in how they write those.
func metadata(all map[string]string, wanted string) string {
	for name, value := range all {
		if strings.EqualFold(name, wanted) {
			return value
		}
	}
	return ""
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
