package awsapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
)

// apiError is an error as it goes over the wire.
type apiError struct {
	Type    string // x-amzn-ErrorType, without any suffix
	Status  int
	Message string
}

// Error returns type and message.
func (e *apiError) Error() string { return e.Type + ": " + e.Message }

// Error types that are no operation's: AWS's front door answers them.
const (
	typeSerialization    = "SerializationException"
	typeUnknownOperation = "UnknownOperationException"
	typeTooLarge         = "RequestEntityTooLargeException"
	typeValidation       = "ValidationException"
	typeBase             = "BaseException"
	typeInternal         = "InternalException"
)

// wireError says how a code of the domain goes over the wire, and as which type if the operation
// does not declare the first: an undeclared type reaches a Go client untyped. Where the status
// says more than the type (may not, broken), the other type keeps it.
type wireError struct {
	Type   string
	Status int
	Else   string
	Keep   bool // Else goes out with this Status
}

// wireErrors is the one table from codes to the wire. A code that is missing here is internal.
var wireErrors = map[searchpack.Code]wireError{
	searchpack.ErrInvalid:       {typeValidation, http.StatusBadRequest, typeBase, false},
	searchpack.ErrUnsupported:   {typeValidation, http.StatusBadRequest, typeBase, false},
	searchpack.ErrTooLarge:      {typeValidation, http.StatusBadRequest, typeBase, false},
	searchpack.ErrNotFound:      {"ResourceNotFoundException", http.StatusConflict, typeValidation, false}, // 409, not 404
	searchpack.ErrAlreadyExists: {"ResourceAlreadyExistsException", http.StatusConflict, typeValidation, false},
	searchpack.ErrConflict:      {"ConflictException", http.StatusConflict, typeValidation, false},
	searchpack.ErrLimit:         {"LimitExceededException", http.StatusConflict, typeValidation, false},
	searchpack.ErrDisabled:      {"DisabledOperationException", http.StatusConflict, typeValidation, false},
	searchpack.ErrType:          {"InvalidTypeException", http.StatusConflict, typeValidation, false},
	searchpack.ErrDenied:        {"AccessDeniedException", http.StatusForbidden, typeBase, true},
	searchpack.ErrUnavailable:   {typeInternal, http.StatusInternalServerError, typeBase, true},
	searchpack.ErrInternal:      {typeInternal, http.StatusInternalServerError, typeBase, true},
}

// toWire turns any error into one for the client. op is nil before an operation is known.
func toWire(op *operation, requestID string, err error) *apiError {
	var ready *apiError
	if errors.As(err, &ready) {
		return ready
	}
	var refused *sigv4.Error
	if errors.As(err, &refused) {
		return &apiError{refused.Code, refused.Status, refused.Message}
	}
	code := searchpack.ErrorCode(err)
	wire, known := wireErrors[code]
	message := searchpack.ErrorMessage(err)
	if !known || code == searchpack.ErrInternal {
		wire = wireErrors[searchpack.ErrInternal]
		message = "An internal error occurred. The server's log has its cause under request id " + requestID + "."
	}
	out := &apiError{wire.Type, wire.Status, message}
	if op != nil && !op.declares(wire.Type) {
		out.Type = wire.Else
		if !wire.Keep {
			out.Status = http.StatusBadRequest
		}
	}
	return out
}

func validation(format string, args ...any) *apiError {
	return &apiError{typeValidation, http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func serialization(format string, args ...any) *apiError {
	return &apiError{typeSerialization, http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// notOffered names the operation.
func notOffered(op *operation) *apiError {
	return validation("%s is not offered by Searchpack", op.Name)
}
