package s3source

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack"
)

// mapError turns what the SDK says into an *Error for the package's owner. The SDK's own text goes
// to the log only: it holds request ids and host names.
func mapError(ctx context.Context, err error, src searchpack.Source) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause // the caller gave up; nothing is wrong with the source
	}
	code, said := apiError(err)
	status := statusOf(err)
	switch {
	case code == "NoSuchBucket":
		return because(err, searchpack.ErrNotFound, "the bucket "+src.Bucket+" does not exist")
	case code == "NoSuchKey":
		return because(err, searchpack.ErrNotFound, "the bucket "+src.Bucket+" has no object "+src.Key)
	case status == http.StatusNotFound && !deniedCodes[code]: // some servers say 404 for a key id they do not know
		return because(err, searchpack.ErrNotFound, show(src)+" does not exist (the server does not say whether bucket or key is missing)")
	case code == "InvalidObjectState":
		return because(err, searchpack.ErrInvalid, show(src)+" is archived; restore it first")
	case status == http.StatusForbidden, status == http.StatusUnauthorized, deniedCodes[code]:
		return because(err, searchpack.ErrDenied, "S3 denies reading "+show(src)+said+"; the credentials of Searchpack need s3:GetObject on it")
	case status == http.StatusMovedPermanently, code == "PermanentRedirect", code == "AuthorizationHeaderMalformed", code == "IllegalLocationConstraintException":
		return because(err, searchpack.ErrInvalid, "the bucket "+src.Bucket+" is in another region than Searchpack reads from"+said)
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, code == "SlowDown", code == "RequestTimeout":
		return because(err, searchpack.ErrUnavailable, "S3 cannot answer now"+said)
	case status >= 400:
		return because(err, searchpack.ErrInvalid, "S3 refuses to give "+show(src)+said)
	case isCredentials(err):
		return because(err, searchpack.ErrDenied, "Searchpack has no credentials to read "+show(src)+" with")
	}
	return because(err, searchpack.ErrUnavailable, "S3 cannot be reached ("+reason(err)+")")
}

// deniedCodes are refusals that some servers send with other statuses than 403.
var deniedCodes = map[string]bool{
	"AccessDenied": true, "InvalidAccessKeyId": true, "SignatureDoesNotMatch": true, "ExpiredToken": true,
	"InvalidToken": true, "RequestTimeTooSkewed": true, "AllAccessDisabled": true, "AccountProblem": true,
	"XAdminUserNotFound": true, // of versitygw
}

func because(err error, code searchpack.Code, message string) error {
	return &searchpack.Error{Code: code, Message: message, Err: err}
}

// apiError returns S3's error code, and what it said as " (code: message)".
func apiError(err error) (code, said string) {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() == "" {
		return "", ""
	}
	said = api.ErrorCode()
	if m := api.ErrorMessage(); m != "" {
		said += ": " + m
	}
	return api.ErrorCode(), " (" + clean(said) + ")"
}

// maxSaid is how many bytes of another server's words are passed on.
const maxSaid = 200

// clean cuts text of another server and takes control characters out.
func clean(s string) string {
	if len(s) > maxSaid {
		s = s[:maxSaid]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

func statusOf(err error) int {
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		return resp.HTTPStatusCode()
	}
	return 0
}

// isCredentials reports that the default chain found no credentials, which no retry mends.
func isCredentials(err error) bool {
	// The SDK has no type for it; the words are those of its signing middleware.
	return strings.Contains(err.Error(), "get identity: get credentials")
}

// reason names a network failure in a few words without addresses.
func reason(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return "its name cannot be resolved"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection broke"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return clean(op.Err.Error())
	}
	return "the request failed"
}

// boundedErrors cuts the bodies of error answers, which the SDK reads whole.
type boundedErrors struct{ base aws.HTTPClient }

var _ s3.HTTPClient = (*boundedErrors)(nil)

// maxErrorBody is far more than any S3 error document.
const maxErrorBody = 64 << 10

// Do sends the request.
func (b *boundedErrors) Do(req *http.Request) (*http.Response, error) {
	resp, err := b.base.Do(req)
	if err == nil && resp.StatusCode >= 300 {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxErrorBody), resp.Body}
	}
	return resp, err
}
