package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// raw is one request as it goes over the wire.
type raw struct {
	name   string
	method string
	path   string // with query, escaped as it is to be sent
	body   string
	sign   func(r *http.Request, body []byte) // nil: unsigned
	change func(r *http.Request)              // after signing

	status int
	kind   string // of the error: X-Amzn-Errortype; "": the extension API's code in the body, see code
	code   string
}

const api = "/2021-01-01"

// TestHostileHTTP sends what no client sends. Everything under the API's paths is answered with a
// JSON error in AWS's form and status: never a page, never a stack trace.
func TestHostileHTTP(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "1")
	d := u.document()
	signer := func(access, secret, service, region string, at time.Duration) func(*http.Request, []byte) {
		return func(r *http.Request, body []byte) {
			sum := sha256.Sum256(body)
			creds := aws.Credentials{AccessKeyID: access, SecretAccessKey: secret}
			if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), service, region, time.Now().Add(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
	good := signer(d.AccessKeyID, d.SecretAccessKey, "es", d.Region, 0)
	deep := strings.Repeat(`{"a":`, 100_000)
	for _, r := range []raw{
		{name: "unsigned", method: "POST", path: api + "/packages", body: `{}`, status: 403, kind: "MissingAuthenticationTokenException"},
		{name: "unsigned, no such route", method: "GET", path: api + "/nothing", status: 404, kind: "UnknownOperationException"},
		{name: "basic authentication", method: "POST", path: api + "/packages", body: `{}`, status: 403, kind: "IncompleteSignatureException",
			change: func(r *http.Request) { r.SetBasicAuth("test", "test") }},
		{name: "wrong secret", method: "POST", path: api + "/packages/describe", body: `{}`, status: 403, kind: "InvalidSignatureException",
			sign: signer(d.AccessKeyID, "wrong", "es", d.Region, 0)},
		{name: "unknown key", method: "POST", path: api + "/packages/describe", body: `{}`, status: 403, kind: "UnrecognizedClientException",
			sign: signer("nobody", "x", "es", d.Region, 0)},
		{name: "clock an hour late", method: "POST", path: api + "/packages/describe", body: `{}`, status: 403, kind: "InvalidSignatureException",
			sign: signer(d.AccessKeyID, d.SecretAccessKey, "es", d.Region, -time.Hour)},
		{name: "clock an hour early", method: "POST", path: api + "/packages/describe", body: `{}`, status: 403, kind: "InvalidSignatureException",
			sign: signer(d.AccessKeyID, d.SecretAccessKey, "es", d.Region, time.Hour)},
		{name: "body changed after signing", method: "POST", path: api + "/packages/describe", body: `{}`, sign: good, status: 403, kind: "InvalidSignatureException",
			change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`[]`)) }},
		{name: "two authorizations", method: "POST", path: api + "/packages/describe", body: `{}`, sign: good, status: 403, kind: "IncompleteSignatureException",
			change: func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }},
		{name: "garbled signature", method: "POST", path: api + "/packages/describe", body: `{}`, sign: good, status: 403, kind: "IncompleteSignatureException",
			change: func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")[:60]) }},
		{name: "a presigned URL", method: "GET", path: api + "/domain?X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fes%2Faws4_request&X-Amz-Signature=00",
			status: 403, kind: "IncompleteSignatureException"},

		{name: "no such route", method: "GET", path: api + "/nothing", sign: good, status: 404, kind: "UnknownOperationException"},
		{name: "no such method", method: "PATCH", path: api + "/packages", sign: good, status: 404, kind: "UnknownOperationException"},
		{name: "a method of its own", method: "EXPLODE", path: api + "/packages", sign: good, status: 404, kind: "UnknownOperationException"},
		{name: "not offered", method: "GET", path: api + "/opensearch/vpcEndpoints", sign: good, status: 400},
		{name: "dots", method: "GET", path: api + "/packages/../../../etc/passwd", sign: good, status: 404, kind: "UnknownOperationException"},
		{name: "escaped dots", method: "GET", path: api + "/packages/%2e%2e%2f%2e%2e%2fetc%2fpasswd/domains", sign: good, status: 400},
		{name: "zero byte", method: "GET", path: api + "/packages/F1%00/domains", sign: good, status: 400},
		{name: "no UTF-8", method: "GET", path: api + "/packages/%ff%fe/domains", sign: good, status: 400},
		{name: "empty segments", method: "GET", path: api + "//packages///domains", sign: good, status: 404, kind: "UnknownOperationException"},
		{name: "markup", method: "GET", path: api + "/opensearch/domain/%3Cscript%3Ealert(1)%3C%2Fscript%3E", sign: good, status: 400},
		{name: "a long path", method: "GET", path: api + "/packages/" + strings.Repeat("a", 20_000) + "/domains", sign: good, status: 404, kind: "UnknownOperationException"},
		{name: "a long query", method: "GET", path: api + "/domain?x=" + strings.Repeat("a", 20_000), sign: good, status: 400},
		{name: "many headers", method: "GET", path: api + "/domain", sign: good, status: 431,
			change: func(r *http.Request) {
				for i := range 500 {
					r.Header.Set(fmt.Sprintf("X-Many-%d", i), "x")
				}
			}},

		{name: "no JSON", method: "POST", path: api + "/packages", body: `{"PackageName":`, sign: good, status: 400, kind: "SerializationException"},
		{name: "another JSON", method: "POST", path: api + "/packages", body: `[1,2]`, sign: good, status: 400, kind: "SerializationException"},
		{name: "two JSONs", method: "POST", path: api + "/packages", body: `{}{}`, sign: good, status: 400, kind: "SerializationException"},
		{name: "wrong types", method: "POST", path: api + "/packages", body: `{"PackageName":{"a":1},"PackageType":7}`, sign: good, status: 400},
		{name: "no UTF-8 in JSON", method: "POST", path: api + "/packages", body: "{\"PackageName\":\"\xff\xfe\"}", sign: good, status: 400, kind: "SerializationException"},
		{name: "deep JSON", method: "POST", path: api + "/packages", body: deep, sign: good, status: 400, kind: "SerializationException"},
		{name: "markup in JSON", method: "POST", path: api + "/packages", body: `{"PackageName":"<img src=x>","PackageType":"TXT-DICTIONARY","PackageSource":{"S3BucketName":"b--","S3Key":"k"}}`, sign: good, status: 400},
		{name: "oversized", method: "POST", path: api + "/packages", body: `{"a":"` + strings.Repeat("a", 2<<20) + `"}`, sign: good, status: 413, kind: "RequestEntityTooLargeException"},
		{name: "oversized and unsigned", method: "POST", path: api + "/packages", body: strings.Repeat("a", 2<<20), status: 413, kind: "RequestEntityTooLargeException"},
		{name: "oversized, length not told", method: "POST", path: api + "/packages", body: strings.Repeat("a", 2<<20), sign: good, status: 413, kind: "RequestEntityTooLargeException",
			change: func(r *http.Request) { r.ContentLength, r.TransferEncoding = -1, []string{"chunked"} }},

		{name: "extension, unsigned", method: "GET", path: "/searchpack/v1/domains/demo/nodes", status: 403, kind: "MissingAuthenticationTokenException"},
		{name: "extension, no such route", method: "GET", path: "/searchpack/v1/nothing", sign: good, status: 404, code: "not_found"},
		{name: "extension, no such method", method: "PUT", path: "/searchpack/v1/events", sign: good, status: 405, code: "method_not_allowed"},
		{name: "extension, dots", method: "GET", path: "/searchpack/v1/../../etc/passwd", sign: good, status: 404, code: "not_found"},
		{name: "extension, escaped dots", method: "GET", path: "/searchpack/v1/domains/%2e%2e%2f%2e%2e/nodes", sign: good, status: 404, code: "not_found"},
		{name: "extension, no such domain", method: "GET", path: "/searchpack/v1/domains/%3Cb%3E/nodes", sign: good, status: 404, code: "not_found"},
		{name: "extension, no JSON", method: "POST", path: "/searchpack/v1/domains/demo/tokens", body: `{`, sign: good, status: 400, code: "invalid"},
		{name: "extension, oversized", method: "POST", path: "/searchpack/v1/domains/demo/tokens", body: strings.Repeat("a", 1<<20), sign: good, status: 413, code: "too_large"},
		{name: "extension, bad number", method: "GET", path: "/searchpack/v1/events?limit=-1", sign: good, status: 400, code: "invalid"},
	} {
		t.Run(r.name, func(t *testing.T) { r.run(t, d) })
	}
	if got := status(t, d.Endpoint+"/searchpack/v1/health"); got != http.StatusOK {
		t.Errorf("afterwards the health check answers %d", got)
	}
	if left := packages(t, u); len(left) != 0 {
		t.Errorf("hostile requests made packages: %v", left)
	}
}

func (c *raw) run(t *testing.T, d *stack.Document) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), c.method, d.Endpoint, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(c.path, "?")
	req.URL.Opaque = "//" + req.URL.Host + path // sent as it stands
	req.URL.RawQuery = query
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.sign != nil {
		c.sign(req, []byte(c.body))
	}
	if c.change != nil {
		c.change(req)
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != c.status {
		t.Errorf("status %d, want %d: %.300s", resp.StatusCode, c.status, body)
	}
	if c.kind != "" && resp.Header.Get("X-Amzn-Errortype") != c.kind {
		t.Errorf("X-Amzn-Errortype %q, want %q: %.300s", resp.Header.Get("X-Amzn-Errortype"), c.kind, body)
	}
	wantJSONError(t, resp, body, c.code)
}

// wantJSONError checks what every refusal has in common.
func wantJSONError(t *testing.T, resp *http.Response, body []byte, code string) {
	t.Helper()
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("Content-Type %q", got)
	}
	var e struct{ Code, Message string }
	if err := json.Unmarshal(body, &e); err != nil || e.Message == "" {
		t.Errorf("no JSON error: %.300q (%v)", body, err)
	}
	if e.Code != code && (code != "" || resp.Header.Get("X-Amzn-Errortype") == "") {
		t.Errorf("code %q, want %q; X-Amzn-Errortype %q", e.Code, code, resp.Header.Get("X-Amzn-Errortype"))
	}
	if resp.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("no request id")
	}
	harmless(t, body)
}

// telltale is what only a page, a stack trace or a look behind the scenes holds.
var telltale = regexp.MustCompile(`(?i)<html|<!doctype|<body|goroutine \d|panic|runtime error|\.go:\d|/server/searchpack\.db|sqlite|SELECT |sql:`)

func harmless(t *testing.T, body []byte) {
	t.Helper()
	if found := telltale.Find(body); found != nil {
		t.Errorf("the answer holds %q: %.500s", found, body)
	}
}

// What is no HTTP at all, or never ends, is refused too, and never with a page.
func TestHostileConnections(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"))
	d := u.document()
	endpoint, err := url.Parse(d.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, sent string
		status     int // 0: no answer is fine
	}{
		{"no HTTP", "hello\r\n\r\n", 400},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"another version", "GET " + api + "/domain HTTP/9.9\r\nHost: x\r\n\r\n", 505},
		{"no host", "GET " + api + "/domain HTTP/1.1\r\n\r\n", 400},
		{"header without end", "GET " + api + "/domain HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 2<<20) + "\r\n\r\n", 431},
		{"two lengths", "POST " + api + "/packages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400},
		{"negative length", "POST " + api + "/packages HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
		{"a length of terabytes", "POST " + api + "/packages HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999\r\n\r\n{}", 413},
		{"bad chunks", "POST " + api + "/packages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 0},
		{"a proxy's request", "GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 0},
		{"a tunnel", "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := exchange(t, endpoint.Host, tt.sent)
			harmless(t, answer)
			if tt.status == 0 {
				return
			}
			resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
			if err != nil {
				t.Fatalf("%v: %.300q", err, answer)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d: %.300s", resp.StatusCode, tt.status, answer)
			}
		})
	}
	if got := status(t, d.Endpoint+"/searchpack/v1/health"); got != http.StatusOK {
		t.Errorf("afterwards the health check answers %d", got)
	}
}

// exchange sends bytes and reads what comes until the other side hangs up, or has been silent for
// two seconds after an answer.
func exchange(t *testing.T, host, sent string) []byte {
	t.Helper()
	conn, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.WriteString(conn, sent) }() // it may be hung up on before all is sent
	var answer []byte
	buf := make([]byte, 64<<10)
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for len(answer) < 1<<20 {
		n, err := conn.Read(buf)
		answer = append(answer, buf[:n]...)
		if err != nil {
			break
		}
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	}
	return answer
}
