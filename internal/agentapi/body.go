package agentapi

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/searchpack/searchpack"
)

// bodyTime is how long a client may take to send a body, and answerTime to take an answer, or a
// piece of a long one. They are a socket's deadlines, hence of the real clock.
const (
	bodyTime   = 60 * time.Second
	answerTime = 30 * time.Second
)

// readJSON decodes a body of at most limit bytes. Unknown members are ignored: an agent may be one
// version ahead of its server.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	b, err := readBody(w, r, limit)
	if err != nil {
		return err
	}
	return decodeJSON(b, v)
}

func decodeJSON(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "The body is not the JSON that is expected here.")
	}
	return nil
}

// readBody reads a body of at most limit bytes, both as sent and unpacked.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, limit)
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, badBody(err, limit)
		}
		defer func() { _ = z.Close() }() // nothing of its own is open
		body = z
	default:
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "Content-Encoding %.20q is not offered: gzip or none.", enc)
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, badBody(err, limit)
	}
	if int64(len(b)) > limit {
		return nil, badBody(&http.MaxBytesError{Limit: limit}, limit)
	}
	return b, nil
}

func badBody(err error, limit int64) error {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return searchpack.Errorf(searchpack.ErrTooLarge, "The body has more than %d bytes.", limit)
	}
	return &searchpack.Error{Code: searchpack.ErrInvalid, Message: "The body cannot be read.", Err: err}
}
