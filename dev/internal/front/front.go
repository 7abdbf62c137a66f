// Package front is the one endpoint of the development stack: it looks at each request once and
// gives it to the API, to S3, to the STS of the stack, or answers the health check.
//
// It must not change what it passes on (requests are signed) and never holds a body: both ways are
// streams. Checking signatures is the business of whoever answers.
package front

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"

	"github.com/searchpack/searchpack"
)

// Config is what the front door connects.
type Config struct {
	API http.Handler      // AWS's OpenSearch Service operations and /searchpack/v1
	S3  http.RoundTripper // reaches the S3 process, whatever the URL's host
	// Identify checks the signature of a request to STS and says who sent it; body is the request's
	// body, read whole. Refusals are *sigv4.Error.
	Identify func(r *http.Request, body []byte) (searchpack.Caller, error)
	// Ready says whether the stack is ready, else what it waits for. Until then the health check
	// answers 503; then the API answers it.
	Ready func() (bool, string)
	Log   *slog.Logger
}

// New returns the front door.
func New(c Config) http.Handler {
	s3, sts := newS3Proxy(c.S3, c.Log), &sts{identify: c.Identify, log: c.Log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch to, service := route(r); to {
		case toAPI:
			c.API.ServeHTTP(w, r)
		case toSTS:
			sts.ServeHTTP(w, r)
		case toHealth:
			health(w, r, c)
		case toNowhere:
			refuseService(w, r, service)
		default:
			s3.ServeHTTP(w, r)
		}
	})
}

// health answers 503 while the stack is not ready, then what the API answers.
func health(w http.ResponseWriter, r *http.Request, c Config) {
	ready, waiting := c.Ready()
	if ready {
		c.API.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "starting", "waiting_for": waiting})
	}
}

// refuseService answers a request that is signed for a service the stack does not have, in the form
// its client will most likely understand.
func refuseService(w http.ResponseWriter, r *http.Request, service string) {
	text := "The service " + service + " is not offered here. searchpack-dev offers es, s3 and sts."
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-ErrorType", "UnknownOperationException")
		w.WriteHeader(http.StatusNotImplemented)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "UnknownOperationException", "message": text})
		return
	}
	writeXMLError(w, http.StatusNotImplemented, "", "Sender", "NotImplemented", text)
}

// newS3Proxy passes requests on byte for byte in what is signed: method, path, query, Host, headers.
func newS3Proxy(rt http.RoundTripper, log *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Transport:     rt,
		FlushInterval: -1,
		BufferPool:    &buffers{},
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", "s3"
			p.Out.URL.RawQuery = p.In.URL.RawQuery // with its broken pairs, if any
			p.Out.Host = p.In.Host
			for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if v, ok := p.In.Header[h]; ok {
					p.Out.Header[h] = v
				}
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the client has gone
			}
			var limit *http.MaxBytesError
			if !errors.As(err, &limit) {
				log.Warn("S3 does not answer", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = xml.NewEncoder(w).Encode(struct {
				XMLName  xml.Name `xml:"Error"`
				Code     string
				Message  string
				Resource string
			}{Code: "ServiceUnavailable", Message: "The S3 process of searchpack-dev does not answer. Its log is s3.log in the data folder.", Resource: r.URL.Path})
		},
	}
}

// buffers lends the proxy its copy buffers.
type buffers struct{ pool sync.Pool }

const bufferSize = 256 << 10 // bytes; fewer would cost a large object more system calls

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, bufferSize)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// writeXMLError writes an error of AWS's query protocol.
func writeXMLError(w http.ResponseWriter, status int, requestID, kind, code, message string) {
	type detail struct{ Type, Code, Message string }
	var b bytes.Buffer
	b.WriteString(xml.Header)
	_ = xml.NewEncoder(&b).Encode(struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Error     detail
		RequestID string `xml:"RequestId"`
	}{Error: detail{kind, code, message}, RequestID: requestID})
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
