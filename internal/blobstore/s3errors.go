package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/searchpack/searchpack"
)

// failed turns what the SDK says about the blob store into an *Error. All of it may pass when the
// operator has seen to it, so all of it is ErrUnavailable: nobody has to repeat a request for it.
// The message goes to whoever asked for a package; bucket, key and the SDK's own text, with its
// request ids and host names, go to the log.
func (s *S3) failed(ctx context.Context, op, key string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause // the caller gave up; nothing is wrong with the store
	}
	if errors.As(err, new(*searchpack.Error)) {
		return err
	}
	return &searchpack.Error{
		Code: searchpack.ErrUnavailable, Message: "the server's blob store " + explain(err),
		Err: fmt.Errorf("%s s3://%s/%s: %w", op, s.bucket, key, err),
	}
}

// explain says what is wrong, to go on after "the blob store".
func explain(err error) string {
	code, status := answer(err)
	said := ""
	if code != "" {
		said = " (" + code + ")"
	}
	switch {
	case code == "NoSuchBucket":
		return "has no bucket: whoever runs the server must make it, or name another with --blobs"
	case status == http.StatusMovedPermanently, code == "PermanentRedirect", code == "AuthorizationHeaderMalformed", code == "IllegalLocationConstraintException":
		return "has its bucket in another region than the server was told with --blobs-region" + said
	case status == http.StatusForbidden, status == http.StatusUnauthorized, deniedCodes[code]:
		return "denies access" + said + ": its credentials need s3:ListBucket, s3:ListBucketMultipartUploads, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload"
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, code == "SlowDown", code == "RequestTimeout":
		return "cannot answer now" + said
	case status == http.StatusNotFound:
		return "has no such bucket or object" + said
	case status >= 400:
		return "refuses a request" + said
	case strings.Contains(err.Error(), "get identity: get credentials"): // the SDK has no type for it
		return "cannot be used: there are no credentials for it"
	}
	return "cannot be reached (" + reason(err) + ")"
}

// deniedCodes are refusals that some servers send with other statuses than 403.
var deniedCodes = map[string]bool{
	"AccessDenied": true, "InvalidAccessKeyId": true, "SignatureDoesNotMatch": true, "ExpiredToken": true,
	"InvalidToken": true, "RequestTimeTooSkewed": true, "AllAccessDisabled": true, "AccountProblem": true,
	"XAdminUserNotFound": true, // of versitygw
}

// maxCode is how many bytes of a server's error code are passed on.
const maxCode = 64

// answer returns S3's error code and the HTTP status; "" and 0 if there was no answer.
func answer(err error) (code string, status int) {
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	code = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, code[:min(len(code), maxCode)])
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		status = resp.HTTPStatusCode()
	}
	return code, status
}

// absentCodes say that the object or upload is not there. A 404 with another code is something
// else: a bucket that is not there, a key id that the server does not know, a proxy that knows no
// such path.
var absentCodes = map[string]bool{"NoSuchKey": true, "NotFound": true, "NoSuchUpload": true, "NoSuchVersion": true}

// absent reports that the object or upload is not there. A HEAD, whose answer has no code, cannot
// tell an object from its bucket.
func absent(err error) bool {
	code, status := answer(err)
	return status == http.StatusNotFound && absentCodes[code]
}

// reason names a network failure in a few words without addresses.
func reason(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return "its name cannot be resolved"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection broke"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return strings.ToValidUTF8(op.Err.Error(), "?")
	}
	return "the request failed"
}
