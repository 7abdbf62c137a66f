package agentapi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/searchpack/searchpack"
)

// wireError is an error with a status of its own.
type wireError struct {
	status  int
	code    string
	message string
}

func (e *wireError) Error() string { return e.message }

// statuses is this edge's table from code to HTTP.
var statuses = map[searchpack.Code]int{
	searchpack.ErrInvalid:     http.StatusBadRequest,
	searchpack.ErrNotFound:    http.StatusNotFound,
	searchpack.ErrDenied:      http.StatusForbidden,
	searchpack.ErrConflict:    http.StatusConflict,
	searchpack.ErrTooLarge:    http.StatusRequestEntityTooLarge,
	searchpack.ErrUnavailable: http.StatusServiceUnavailable,
}

// toWire returns status and body for an error. What is not for the caller is not in it.
func toWire(err error) (int, errorBody) {
	var w *wireError
	if errors.As(err, &w) {
		return w.status, errorBody{Code: w.code, Message: w.message}
	}
	code := searchpack.ErrorCode(err)
	status, ok := statuses[code]
	if !ok {
		return http.StatusInternalServerError, errorBody{
			Code: string(searchpack.ErrInternal), Message: searchpack.ErrorMessage(errors.New("")),
		}
	}
	return status, errorBody{Code: string(code), Message: searchpack.ErrorMessage(err)}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // only values of this package come here, and they all encode
		http.Error(w, `{"code":"internal","message":"The answer cannot be encoded."}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone asks again
}
