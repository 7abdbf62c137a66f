package searchpack

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of failure an Error is. Each protocol edge has one table from code to wire.
type Code string

// The codes. Everything that is not an *Error counts as ErrInternal: it is logged and its text is
// never sent to a client.
const (
	ErrInternal      Code = "internal"
	ErrInvalid       Code = "invalid"        // the caller must change the request
	ErrNotFound      Code = "not_found"      // the thing named does not exist (for this caller)
	ErrAlreadyExists Code = "already_exists" // a thing of that name exists
	ErrConflict      Code = "conflict"       // not in the state it has now
	ErrDenied        Code = "denied"         // the caller may not
	ErrLimit         Code = "limit"          // a quota is used up
	ErrUnsupported   Code = "unsupported"    // Searchpack does not offer this
	ErrDisabled      Code = "disabled"       // the thing named was made without that ability
	ErrType          Code = "type"           // wrong kind of resource
	ErrTooLarge      Code = "too_large"      // over a stated size limit
	ErrUnavailable   Code = "unavailable"    // try again later
)

// Error is a failure whose Message may be shown to whoever asked. It says what happened, where,
// and what to do next, and never carries a secret. Err, if set, is for the log only.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Error returns the message, and the cause if there is one that the message does not hold already.
func (e *Error) Error() string {
	if e.Err != nil && !strings.Contains(e.Message, e.Err.Error()) {
		return fmt.Sprintf("%s: %v", e.Message, e.Err)
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an *Error with a message for the caller. A %w operand becomes Err.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// ErrorCode returns the code of the first *Error in err's chain, ErrInternal for any other error
// and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ErrInternal
}

// ErrorMessage returns the text that may be shown for err.
func ErrorMessage(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "An internal error has occurred. The server's log says more."
}
