package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/smithy-go"
)

// maxAnswer bounds what a command reads from a server.
const maxAnswer = 64 << 20

// callTimeout bounds one call.
const callTimeout = time.Minute

// client talks to one server with the user's AWS credentials.
type client struct {
	cfg      aws.Config
	endpoint string
	// loaded is what the SDK found: of other services, it names their endpoints.
	loaded aws.Config
}

func (c *Context) client() (*client, error) {
	endpoint := strings.TrimRight(c.Globals.EndpointURL, "/")
	if endpoint == "" {
		return nil, usagef("no server named: set AWS_ENDPOINT_URL or give --endpoint-url http://HOST:PORT")
	}
	if u, err := url.Parse(endpoint); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, usagef("%q is no server's address: write http://HOST:PORT or https://HOST:PORT", endpoint)
	}
	opts := []func(*config.LoadOptions) error{
		// A machine's role at AWS is no key of Searchpack, and asking for it takes seconds elsewhere.
		config.WithEC2IMDSClientEnableState(imds.ClientDisabled),
		config.WithRegion(c.Globals.Region),
		config.WithHTTPClient(awshttp.NewBuildableClient()),
	}
	cfg, err := config.LoadDefaultConfig(c, opts...)
	if err != nil {
		return nil, usagef("AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if _, err := cfg.Credentials.Retrieve(c); c.Err() != nil {
		return nil, c.Err()
	} else if err != nil {
		return nil, usagef("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_SHARED_CREDENTIALS_FILE or AWS_PROFILE")
	}
	loaded := cfg
	cfg.BaseEndpoint = aws.String(endpoint)
	return &client{cfg: cfg, endpoint: endpoint, loaded: loaded}, nil
}

// aws returns the SDK's client for the AWS API.
func (c *client) aws() *opensearch.Client { return opensearch.NewFromConfig(c.cfg) }

// call sends a signed request to the extension API, decodes the answer into out (nil: not at all)
// and returns it as it came.
func (c *client) call(ctx context.Context, method, path string, in, out any) (json.RawMessage, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.endpoint+"/searchpack/v1"+path, bytes.NewReader(body))
	if err != nil {
		return nil, usagef("%s is no address: %w", c.endpoint, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	creds, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "es", c.cfg.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	resp, err := c.cfg.HTTPClient.Do(req) // the SDK's: it knows AWS_CA_BUNDLE
	if err != nil {
		return nil, c.plain(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the server's answer broke off: %w", err)
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("the server's answer is over %d bytes", maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return nil, refused(resp, answer)
	}
	var document json.RawMessage
	if json.Unmarshal(answer, &document) != nil || out != nil && json.Unmarshal(answer, out) != nil {
		return nil, fmt.Errorf("%s answers something that is not Searchpack's extension API", c.endpoint)
	}
	return document, nil
}

// refused turns an error answer into one line.
func refused(resp *http.Response, answer []byte) error {
	var e struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &e) != nil || e.Message == "" {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	return said(e.Code, e.Message)
}

// said is what a service answered. Of a key that is not taken AWS's text says no more than that.
func said(code, message string) error {
	if code == "UnrecognizedClientException" {
		message += " The server does not know this key or session token, or it is switched off: look at AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, AWS_PROFILE."
	}
	return fmt.Errorf("%s (%s)", message, code)
}

// plain turns an error of the SDK or of HTTP into what the service said, or why it said nothing.
func (c *client) plain(err error) error {
	var api smithy.APIError
	var sent *url.Error
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &api):
		return said(api.ErrorCode(), api.ErrorMessage())
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate of %s is from an authority that is not trusted here: name its PEM file with AWS_CA_BUNDLE", c.endpoint)
	case errors.As(err, &sent):
		return fmt.Errorf("the server at %s does not answer: %w", c.endpoint, sent.Err)
	}
	return err
}
