package blobstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// DefaultRegion is taken when neither S3Config nor the environment names one: servers other than
	// AWS mostly do not care.
	DefaultRegion = "us-east-1"

	defaultConnectTimeout = 10 * time.Second
	// defaultIdleTimeout bounds the wait for an answer's head, and for each piece of its body.
	defaultIdleTimeout = 30 * time.Second
	// slowest is the rate, in bytes a second, below which sending a part is given up.
	slowest = 64 << 10

	// requestTries bounds how often one request is sent. Who asked for the whole tries again later.
	requestTries     = 4
	defaultRetryWait = 2 * time.Second

	// ioBuffer is what one system call may move: the default of 4 KiB costs a large blob time.
	ioBuffer = 256 << 10
	// maxErrorBody is far more than any S3 error document, which the SDK reads whole.
	maxErrorBody = 64 << 10
)

// loadConfig takes what is given, and only what is not from the SDK's default chain.
func loadConfig(cfg S3Config) (aws.Config, error) {
	region := cfg.Region
	if cfg.AccessKey != "" {
		if region == "" {
			region = DefaultRegion
		}
		return aws.Config{
			Region:      region,
			Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(cfg.AccessKey, cfg.SecretKey, "")),
		}, nil
	}
	// Instance roles are asked for only when a request needs them, so this does not wait.
	loaded, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(region))
	if err != nil {
		return aws.Config{}, fmt.Errorf("blob store credentials from the environment: %w", err)
	}
	if loaded.Region == "" {
		loaded.Region = DefaultRegion
	}
	return loaded, nil
}

func newClient(cfg S3Config, loaded aws.Config) (_ *s3.Client, closeIdle func()) {
	connect := cmp.Or(cfg.ConnectTimeout, defaultConnectTimeout)
	idle := cmp.Or(cfg.IdleTimeout, defaultIdleTimeout)
	backoff := cmp.Or(cfg.RetryWait, defaultRetryWait)
	base := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connect }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = connect
			t.MaxResponseHeaderBytes = 64 << 10
			t.ReadBufferSize, t.WriteBufferSize = ioBuffer, ioBuffer
			t.DisableCompression = true // what is stored is what is read
			if cfg.Dial != nil {
				t.DialContext = cfg.Dial
			}
		})
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = &cfg.Endpoint
			o.UsePathStyle = true
		}
		o.HTTPClient = &patientClient{base, idle}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff, r.RateLimiter = requestTries, backoff, ratelimit.None
		})
		// What is sent carries a SHA-256 of our own; what is read is checked by every hop that
		// keeps it, and servers differ in what they announce for objects of many parts.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return client, base.GetTransport().CloseIdleConnections
}

// errStalled is a network time-out: the SDK sends such a request again.
var errStalled error = &stalled{}

type stalled struct{}

// Error implements error.
func (*stalled) Error() string { return "no answer in time" }

// Timeout and Temporary make it a net.Error.
func (*stalled) Timeout() bool { return true }

// Temporary is part of net.Error.
func (*stalled) Temporary() bool { return true }

// patientClient bounds each try of a request by how long nothing may come, and not by how long all
// of it takes: a big blob over a slow line is no fault. Time that a body's reader spends elsewhere
// does not count.
type patientClient struct {
	base aws.HTTPClient
	idle time.Duration
}

var _ s3.HTTPClient = (*patientClient)(nil)

// Do sends the request.
func (c *patientClient) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	sending := time.Duration(max(req.ContentLength, 0)) * time.Second / slowest
	watch := time.AfterFunc(c.idle+sending, func() { cancel(errStalled) })
	resp, err := c.base.Do(req.WithContext(ctx))
	watch.Stop()
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			err = errStalled
		}
		cancel(nil)
		return nil, err
	}
	body := &patientBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, watch: watch, idle: c.idle}
	resp.Body = body
	if resp.StatusCode >= 300 {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(body, maxErrorBody), body}
	}
	return resp, nil
}

// patientBody is a body whose Read ends with errStalled when nothing comes.
type patientBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *time.Timer
	idle   time.Duration
}

// Read gives the body's bytes.
func (b *patientBody) Read(p []byte) (int, error) {
	b.watch.Reset(b.idle)
	n, err := b.ReadCloser.Read(p)
	b.watch.Stop()
	if err != nil && err != io.EOF && errors.Is(context.Cause(b.ctx), errStalled) {
		err = errStalled
	}
	return n, err
}

// Close ends the request; what was not read is not fetched.
func (b *patientBody) Close() error {
	b.watch.Stop()
	b.cancel(nil)
	return b.ReadCloser.Close()
}
