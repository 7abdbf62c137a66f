package extapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
)

// serve answers everything in JSON: the mux's own pages and redirects are text or HTML.
func (e *edge) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	w.Header().Set("Cache-Control", "no-store")
	defer func() {
		p := recover()
		switch {
		case p == http.ErrAbortHandler: //nolint:errorlint // compared as net/http does
			panic(p)
		case p != nil: // nothing is sent before an answer is whole, so the error still can be
			e.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	path := r.URL.EscapedPath()
	// The mux would clean such paths and redirect; no name has such characters, and databases
	// refuse some of them.
	if strings.Contains(path, "//") || strings.Contains(path, "/.") || !sound(r.URL.Path) {
		e.fail(w, r, notThere(r.Method, path))
		return
	}
	if h, pattern := e.mux.Handler(r); pattern == "" {
		e.refuse(h, w, r)
		return
	}
	e.mux.ServeHTTP(w, r)
}

// sound reports whether the text holds no control characters and is UTF-8.
func sound(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

func notThere(method, path string) error {
	const most = 200 // of a path, in a message
	if len(path) > most {
		path = path[:most] + "…"
	}
	return searchpack.Errorf(searchpack.ErrNotFound, "There is no %s %s. GET %s/openapi.json lists what there is.", method, path, Prefix)
}

// refuse says in JSON what the mux's own handler would have said: no such path, or no such method.
func (e *edge) refuse(h http.Handler, w http.ResponseWriter, r *http.Request) {
	said := &statusOnly{header: http.Header{}}
	h.ServeHTTP(said, r)
	if said.status != http.StatusMethodNotAllowed {
		e.fail(w, r, notThere(r.Method, r.URL.EscapedPath()))
		return
	}
	allow := said.header.Get("Allow")
	w.Header().Set("Allow", allow)
	e.write(w, said.status, map[string]string{"code": "method_not_allowed", "message": "This path takes " + allow + "."})
}

// statusOnly is a ResponseWriter that keeps head and status.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// call is one request to an operation, authenticated and allowed when the operation sees it.
type call struct {
	*http.Request
	who   searchpack.Caller
	query url.Values
	body  []byte
	// subject is what the event of a failed call says it was about. It begins as the domain or the
	// key in the path.
	subject *string
}

// open registers what needs no credentials, or looks at them itself.
func (e *edge) open(operation, action string, f http.HandlerFunc) {
	method, path, _ := strings.Cut(operation, " ")
	e.operations[operation] = action
	e.mux.HandleFunc(method+" "+Prefix+path, f)
}

// handle registers an operation by the name that IAM and the audit log know it by, whose function
// returns the document to answer with, and the query parameters that it takes.
func (e *edge) handle(operation, name string, f func(call) (any, error), parameters ...string) {
	e.open(operation, actionPrefix+name, func(w http.ResponseWriter, r *http.Request) {
		subject := cmp.Or(r.PathValue("domain"), r.PathValue("key"))
		c := call{Request: r, subject: &subject}
		answer, err := e.answer(w, &c, name, f, parameters)
		if err != nil {
			e.note(c, name, err)
			e.fail(w, r, err)
			return
		}
		e.write(w, http.StatusOK, answer)
	})
}

// bodyTime is how long a client may take to send a body and answerTime to take an answer, so that
// nobody holds a connection by being slow.
const (
	bodyTime   = 30 * time.Second
	answerTime = time.Minute
)

// answer turns a panic into an error with its stack, for the log.
func (e *edge) answer(w http.ResponseWriter, c *call, name string, f func(call) (any, error), parameters []string) (answer any, err error) {
	defer func() {
		p := recover()
		switch {
		case p == http.ErrAbortHandler: //nolint:errorlint // compared as net/http does
			panic(p)
		case p != nil:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if c.body, err = readBody(w, c.Request); err != nil {
		return nil, err
	}
	if c.who, err = e.Authenticate(c.Request, c.body); err != nil {
		return nil, err
	}
	c.who.RequestID = w.Header().Get("x-amzn-RequestId")
	if err := e.authorize(c, name); err != nil {
		return nil, err
	}
	if c.query, err = parameter(c.Request, parameters); err != nil {
		return nil, err
	}
	return f(*c)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	slow := http.NewResponseController(w)
	_ = slow.SetReadDeadline(time.Now().Add(bodyTime)) // not every writer has one
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = slow.SetReadDeadline(time.Time{})
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, searchpack.Errorf(searchpack.ErrTooLarge, "The request body is over %d bytes.", maxBody)
	case err != nil:
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body could not be read to its end.")
	}
	return body, nil
}

// parameter reads the query. A parameter that the operation does not take is refused: a misspelt
// limit would else be no limit. Those of presigned requests belong to the signature.
func parameter(r *http.Request, known []string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The query string is malformed.")
	}
	for name, values := range query {
		switch {
		case strings.HasPrefix(name, "X-Amz-"):
		case !slices.Contains(known, name):
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "There is no query parameter %.50q here. GET %s/openapi.json lists them.", name, Prefix)
		case len(values) > 1 || !sound(values[0]):
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "The query parameter %s has no sound value.", name)
		}
	}
	return query, nil
}

// write sends an answer, whole or not at all.
func (e *edge) write(w http.ResponseWriter, status int, answer any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		panic(err) // a document of ours always encodes; serve says what is left to say
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that went away is nobody's error
}

// statuses is the one table from code to HTTP status of this edge.
var statuses = map[searchpack.Code]int{
	searchpack.ErrInvalid:       http.StatusBadRequest,
	searchpack.ErrDisabled:      http.StatusConflict,
	searchpack.ErrUnsupported:   http.StatusBadRequest,
	searchpack.ErrType:          http.StatusBadRequest,
	searchpack.ErrNotFound:      http.StatusNotFound,
	searchpack.ErrDenied:        http.StatusForbidden,
	searchpack.ErrConflict:      http.StatusConflict,
	searchpack.ErrAlreadyExists: http.StatusConflict,
	searchpack.ErrLimit:         http.StatusConflict,
	searchpack.ErrTooLarge:      http.StatusRequestEntityTooLarge,
	searchpack.ErrUnavailable:   http.StatusServiceUnavailable,
}

func (e *edge) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *sigv4.Error
	if errors.As(err, &refused) {
		w.Header().Set("x-amzn-ErrorType", refused.Code)
		e.write(w, refused.Status, map[string]string{"code": refused.Code, "message": refused.Message})
		return
	}
	code := searchpack.ErrorCode(err)
	status, known := statuses[code]
	if !known {
		e.Logger.Error("extension API", "method", r.Method, "path", r.URL.Path, "error", err, "request_id", w.Header().Get("x-amzn-RequestId"))
		code, status = searchpack.ErrInternal, http.StatusInternalServerError
		err = errors.New("internal")
	}
	e.write(w, status, map[string]string{"code": string(code), "message": searchpack.ErrorMessage(err)})
}

// number reads a query parameter between low and high; absent is the default.
func (c call) number(name string, low, high, absent int64) (int64, error) {
	s := c.query.Get(name)
	if s == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < low || n > high {
		return 0, searchpack.Errorf(searchpack.ErrInvalid, "%s is a number from %d to %d.", name, low, high)
	}
	return n, nil
}
