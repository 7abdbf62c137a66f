package sigv4

import "net/http"

// Error is a refusal in AWS's words. Message goes to the client as it is: it holds nothing secret,
// and of the request only parts whose characters and length were checked.
type Error struct {
	Code    string // AWS's name, for example "InvalidSignatureException"
	Status  int    // HTTP status, 403
	Message string
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

var (
	errMissing      = refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
	errUnrecognized = refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
	errExpired      = refusal("ExpiredTokenException", "The security token included in the request is expired")
	// AWS adds the canonical string here. We do not: it would help only who probes.
	errMismatch = refusal("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
)

func refusal(code, message string) *Error {
	return &Error{Code: code, Status: http.StatusForbidden, Message: message}
}

// incomplete: the header cannot be read.
func incomplete(message string) *Error { return refusal("IncompleteSignatureException", message) }

// invalid: the header can be read, and is not acceptable.
func invalid(message string) *Error { return refusal("InvalidSignatureException", message) }
