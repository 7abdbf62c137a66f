package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/searchpack/searchpack"
)

// Bounds of a request's head. SDKs send some ten headers; a session token may have a few KiB.
const (
	maxHeaders     = 100
	maxHeaderBytes = 32 << 10
	maxQuery       = 8 << 10
)

// bodyTime is how long a client may take to send a body, and answerTime to take an answer, so that
// nobody holds memory here by being slow. They are a socket's deadlines, hence of the real clock.
const (
	bodyTime   = 30 * time.Second
	answerTime = 60 * time.Second
)

// call is one request to an operation, decoded and checked.
type call struct {
	op     *operation
	caller searchpack.Caller
	input  json.RawMessage // a JSON object of the members the model knows, wherever they were sent
}

// endpoint is an operation that is served.
type endpoint struct {
	// run carries it out and returns what goes into the body.
	run func(ctx context.Context, h *handler, c *call) (any, error)
	// in and out are the types of its input and output, for docs/api.md.
	in, out reflect.Type
}

// exchange is what the access log says about a request. It holds no secret: no header, no query.
type exchange struct {
	id        string
	op        *operation // nil if there is none
	caller    searchpack.Caller
	subject   string // what a call that changes something is about
	status    int
	errorType string
}

func (x *exchange) operation() string {
	if x.op == nil {
		return ""
	}
	return x.op.Name
}

// ServeHTTP answers any request with JSON.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// net/http lifts it when the body has come, and waits for what nobody read until then.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.bodyTime)) // not every writer has one
	}
	x := &exchange{id: h.newID()}
	start := h.Now()
	w.Header().Set("X-Amzn-Requestid", x.id)
	// SDKs correct their clocks by it.
	w.Header().Set("Date", start.UTC().Format(http.TimeFormat))
	body, err := h.answer(w, r, x)
	if err == nil {
		x.status = http.StatusOK
	} else {
		body = h.fail(w, r, x, err)
	}
	write(w, x.status, body)
	if err != nil {
		h.refused(r, x, err)
	}
	h.Logger.LogAttrs(r.Context(), slog.LevelInfo, "aws request",
		slog.String("request_id", x.id), slog.String("operation", x.operation()), slog.String("method", clip(r.Method)),
		slog.Int("status", x.status), slog.String("error", x.errorType), slog.Duration("took", h.Now().Sub(start)),
		slog.String("account", x.caller.Account), slog.String("access_key", x.caller.AccessKey),
		slog.String("source_ip", x.caller.SourceIP))
}

// answer turns a panic into an error with its stack, for the log.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, x *exchange) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	op, params := h.router.find(r.Method, r.URL.EscapedPath())
	if x.op = op; op == nil {
		return nil, &apiError{typeUnknownOperation, http.StatusNotFound, "There is no operation of this method and path."}
	}
	if err := checkHead(r); err != nil {
		return nil, err
	}
	sent, err := h.readBody(w, r)
	if err != nil {
		return nil, err
	}
	if x.caller, err = h.Authenticate(r, sent); err != nil {
		return nil, err
	}
	x.caller.RequestID = x.id
	if h.Refused != nil && op.mutates() {
		x.subject = subjectOf(params, sent)
	}
	serve, served := h.served[op.Version][op.Name]
	if !served {
		return nil, notOffered(op)
	}
	input, err := h.model.decode(op, params, r.URL.RawQuery, sent)
	if err != nil {
		return nil, err
	}
	if err := h.authorize(x.caller, op, input); err != nil {
		return nil, err
	}
	out, err := serve.run(r.Context(), h, &call{op: op, caller: x.caller, input: input})
	if err != nil {
		return nil, err
	}
	return h.model.encode(op, out)
}

// fail sets the error's header and returns its body. What is wrong with the server is logged in
// full and told in general.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, x *exchange, err error) []byte {
	wire := toWire(x.op, x.id, err)
	if wire.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "aws request failed inside", slog.String("request_id", x.id),
			slog.String("operation", x.operation()), slog.String("cause", err.Error()))
	}
	x.status, x.errorType = wire.Status, wire.Type
	w.Header().Set("X-Amzn-Errortype", wire.Type)
	body, err := marshal(errorBody{wire.Message})
	if err != nil { // a string always marshals
		body = []byte("{}\n")
	}
	return body
}

func write(w http.ResponseWriter, status int, body []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // not every writer has one
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away is nobody's error
}

// checkHead bounds what later code walks through.
func checkHead(r *http.Request) error {
	count, size := 0, 0
	for name, values := range r.Header {
		for _, v := range values {
			count++
			size += len(name) + len(v)
		}
	}
	if count > maxHeaders || size > maxHeaderBytes {
		return &apiError{typeTooLarge, http.StatusRequestHeaderFieldsTooLarge, "The request has more headers than any client of this API needs."}
	}
	if len(r.URL.RawQuery) > maxQuery {
		return validation("The query string is longer than %d bytes.", maxQuery)
	}
	return nil
}

// overrun is how many times the limit is read of a body that is too large, and thrown away. Most
// clients read no answer before they have sent all: hung up on, they would never learn why.
const overrun = 8

// readBody reads the body before anything else is done with it. Of one that announces to be far too
// large nothing is read.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooLarge := &apiError{typeTooLarge, http.StatusRequestEntityTooLarge, fmt.Sprintf("The request body is larger than %d bytes.", h.MaxBody)}
	if r.ContentLength > overrun*h.MaxBody {
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	sent := http.MaxBytesReader(w, r.Body, overrun*h.MaxBody)
	var body []byte
	var err error
	if r.ContentLength <= h.MaxBody {
		body, err = io.ReadAll(io.LimitReader(sent, h.MaxBody+1))
	}
	switch {
	case err == nil && max(r.ContentLength, int64(len(body))) > h.MaxBody:
		_, _ = io.Copy(io.Discard, sent)
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, &apiError{typeSerialization, http.StatusRequestTimeout, fmt.Sprintf("The request body did not come within %s.", h.bodyTime)}
	case err != nil:
		return nil, serialization("The request body could not be read to its end.")
	}
	return body, nil
}
