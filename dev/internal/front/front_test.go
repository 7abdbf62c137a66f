package front

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRoute(t *testing.T) {
	t.Parallel()
	const auth = "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/%s/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
	scope := func(service string) string { return fmt.Sprintf(auth, service) }
	presigned := func(path, service string) string {
		return path + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + url.QueryEscape("test/20261122/us-east-1/"+service+"/aws4_request") + "&X-Amz-Signature=00"
	}
	tests := []struct {
		name, method, url, auth string
		want                    target
	}{
		{"es by scope", "POST", "/2021-01-01/packages", scope("es"), toAPI},
		{"es by scope, unknown path", "GET", "/nonsense", scope("es"), toAPI},
		{"s3 by scope", "PUT", "/bucket/key", scope("s3"), toS3},
		{"a bucket with the name of an API path", "GET", "/searchpack/v1/health", scope("s3"), toS3},
		{"and another", "PUT", "/2021-01-01/packages", scope("s3"), toS3},
		{"sts by scope", "POST", "/", scope("sts"), toSTS},
		{"sts by presigned URL", "GET", presigned("/", "sts"), "", toSTS},
		{"another service", "POST", "/", scope("iam"), toNowhere},
		{"SigV4a without region", "PUT", "/b/k", "AWS4-ECDSA-P256-SHA256 Credential=test/20261122/s3/aws4_request,SignedHeaders=host,Signature=0", toS3},
		{"no spaces after commas", "PUT", "/b/k", "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=test/20261122/us-east-1/es/aws4_request,Signature=0", toAPI},
		{"a key with slashes", "GET", "/b/k", "AWS4-HMAC-SHA256 Credential=te/st/20261122/us-east-1/es/aws4_request, Signature=0", toAPI},
		{"s3 by presigned URL", "GET", presigned("/bucket/key", "s3"), "", toS3},
		{"es by presigned URL", "GET", presigned("/2021-01-01/domain", "es"), "", toAPI},
		{"presigned beside a broken pair", "GET", presigned("/x", "es") + "&%zz=%", "", toAPI},
		{"older presigned URL has no scope", "GET", "/bucket/key?AWSAccessKeyId=test&Signature=x&Expires=1", "", toS3},
		{"older signature", "GET", "/bucket/key", "AWS test:c2lnbmF0dXJl", toS3},
		{"unsigned API", "POST", "/2021-01-01/packages", "", toAPI},
		{"unsigned older API", "GET", "/2015-01-01/es/domain", "", toAPI},
		{"unsigned extension", "GET", "/searchpack/v1/nodes", "", toAPI},
		{"unsigned S3", "GET", "/bucket/key", "", toS3},
		{"the root", "GET", "/", "", toS3},
		{"a bucket that only begins like it", "GET", "/searchpackage/x", "", toS3},
		{"garbage header on API path", "GET", "/2021-01-01/domain", "AWS4-HMAC-SHA256 Credential=", toAPI},
		{"garbage header on S3 path", "GET", "/x", "AWS4-HMAC-SHA256 Credential=////aws4_request", toS3},
		{"scope without terminator", "GET", "/x", "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/es/aws5, Signature=0", toS3},
		{"an endless service", "GET", "/x", scope(strings.Repeat("e", 65)), toS3},
		{"bearer", "GET", "/2021-01-01/domain", "Bearer x", toAPI},
		{"health", "GET", "/searchpack/v1/health", "", toHealth},
		{"signed health", "GET", "/searchpack/v1/health", scope("es"), toHealth},
		{"health is read only", "POST", "/searchpack/v1/health", "", toAPI},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, "http://127.0.0.1:4566/", nil)
			u, err := url.ParseRequestURI(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = u
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			if got, _ := route(r); got != tt.want {
				t.Errorf("to %s, want %s", got, tt.want)
			}
		})
	}
}

// Whatever the request, routing ends and finds somebody.
func FuzzRoute(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/es/aws4_request", "X-Amz-Credential=%zz", "/2021-01-01/x")
	f.Add("AWS4-HMAC-SHA256", "&&=&X-Amz-Credential=", "//")
	f.Fuzz(func(t *testing.T, auth, query, path string) {
		r := &http.Request{Method: "GET", URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{"Authorization": {auth}}}
		to, s := route(r)
		if to == toNowhere && (s == "" || len(s) > 64) {
			t.Errorf("service %q", s)
		}
		if to == "" {
			t.Error("nobody answers")
		}
	})
}

// stack serves a front door whose S3 is the handler.
func stack(t *testing.T, s3 http.Handler, c Config) string {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	if c.API == nil {
		c.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "API "+r.URL.Path) })
	}
	if c.Ready == nil {
		c.Ready = func() (bool, string) { return true, "" }
	}
	if s3 != nil {
		back := httptest.NewServer(s3)
		t.Cleanup(back.Close)
		rt := &http.Transport{DisableCompression: true, ExpectContinueTimeout: time.Minute,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp", back.Listener.Addr().String())
			}}
		t.Cleanup(rt.CloseIdleConnections)
		c.S3 = rt
	}
	srv := httptest.NewServer(New(c))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// raw sends the bytes and returns the answer and the connection's reader.
func raw(t *testing.T, addr, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// answer reads one response whole.
func answer(t *testing.T, in *bufio.Reader) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestSignedPartsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	type seen struct {
		Method, URI, Host string
		Header            http.Header
		Length            int64
	}
	got := make(chan seen, 1)
	addr := stack(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got <- seen{r.Method, r.RequestURI, r.Host, r.Header, r.ContentLength}
	}), Config{})
	for _, uri := range []string{
		"/bucket/a%20b/%C3%BC.txt?x-id=PutObject", "/bucket/a%2Fb//c/../d", "//bucket/k?", "/b/k+1;v=2?a;b=c&d=%zz&x=%20+", "/b/~!*'()$@,:&=?versions&prefix=",
	} {
		c, in := raw(t, addr, "PUT "+uri+" HTTP/1.1\r\nHost: bucket.localhost:4566\r\nX-Forwarded-For: 10.0.0.1\r\nAccept-Encoding: identity\r\nX-Amz-Date: 20261122T000000Z\r\nContent-Length: 3\r\n\r\nabc")
		answer(t, in)
		_ = c.Close()
		want := seen{"PUT", uri, "bucket.localhost:4566", http.Header{"X-Forwarded-For": {"10.0.0.1"}, "Accept-Encoding": {"identity"}, "X-Amz-Date": {"20261122T000000Z"}, "Content-Length": {"3"}}, 3}
		if d := cmp.Diff(want, <-got); d != "" {
			t.Errorf("%s: %s", uri, d)
		}
	}
}

// The backend hears the first half before the client sends the second, and the client hears the
// first half of the answer before the backend writes the second: nothing waits for a whole body.
func TestStreamsBothWays(t *testing.T) {
	t.Parallel()
	half := bytes.Repeat([]byte("x"), 1<<20)
	heard, goOn := make(chan struct{}), make(chan struct{})
	addr := stack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadFull(r.Body, make([]byte, len(half))); err != nil {
			t.Error(err)
		}
		close(heard)
		if _, err := io.ReadFull(r.Body, make([]byte, len(half))); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-goOn
		_, _ = io.WriteString(w, "second")
	}), Config{})
	pr, pw := io.Pipe()
	go func() {
		_, _ = pw.Write(half)
		<-heard
		_, _ = pw.Write(half)
		_ = pw.Close()
	}()
	resp, err := http.Post("http://"+addr+"/bucket/key", "text/plain", pr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != "first" {
		t.Fatalf("%q, %v", b, err)
	}
	close(goOn)
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "second" {
		t.Fatalf("%q, %v", b, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestLargeBodyArrivesWhole(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	addr := stack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		_, _ = io.Copy(h, r.Body)
		_, _ = io.WriteString(w, hex.EncodeToString(h.Sum(nil)))
	}), Config{})
	h := sha256.New()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://"+addr+"/bucket/key", "", io.TeeReader(io.LimitReader(rand.Reader, size), h))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	if want := hex.EncodeToString(h.Sum(nil)); string(b) != want {
		t.Errorf("arrived as %s, sent %s", b, want)
	}
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	addr := stack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused/key" {
			w.WriteHeader(http.StatusForbidden) // without having read the body
			return
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	}), Config{})
	const head = "PUT %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	c, in := raw(t, addr, fmt.Sprintf(head, "/taken/key"))
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%q, %v; want 100 Continue", line, err)
	}
	_, _ = in.ReadString('\n')
	_, _ = io.WriteString(c, "hello")
	if status, body := answer(t, in); status != http.StatusOK || body != "hello" {
		t.Errorf("answer %d %q", status, body)
	}
	_, in = raw(t, addr, fmt.Sprintf(head, "/refused/key"))
	if status, _ := answer(t, in); status != http.StatusForbidden {
		t.Fatalf("%d; want 403 without 100", status)
	}
}

func TestSTS(t *testing.T) {
	t.Parallel()
	var fail error
	addr := stack(t, nil, Config{Identify: func(_ *http.Request, body []byte) (searchpack.Caller, error) {
		if bytes.Contains(body, []byte("bad")) {
			return searchpack.Caller{}, fail
		}
		return searchpack.Caller{Account: "000000000000", AccessKey: "test", ARN: "arn:aws:iam::000000000000:user/admin"}, nil
	}})
	ask := func(body string) (int, string) {
		t.Helper()
		c, in := raw(t, addr, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/sts/aws4_request, Signature=0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		defer func() { _ = c.Close() }()
		status, text := answer(t, in)
		if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil {
			t.Errorf("%s: no XML: %v", text, err)
		}
		return status, text
	}
	for _, tt := range []struct {
		body   string
		fail   error
		status int
		want   []string
	}{
		{"Action=GetCallerIdentity&Version=2011-06-15", nil, 200, []string{"<Arn>arn:aws:iam::000000000000:user/admin</Arn>", "<Account>000000000000</Account>", "<UserId>test</UserId>", `xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`, "<ResponseMetadata><RequestId>"}},
		{"Action=AssumeRole%3Cx%3E", nil, 400, []string{"<Code>InvalidAction</Code>", "AssumeRole&lt;x&gt;"}},
		{"", nil, 400, []string{"<Code>MissingAction</Code>"}},
		{"%zz", nil, 400, []string{"<Code>MissingAction</Code>"}},
		{"bad", &sigv4.Error{Code: "InvalidSignatureException", Status: 403, Message: "does not match"}, 403, []string{"<Code>SignatureDoesNotMatch</Code>", "does not match"}},
		{"bad", fmt.Errorf("wrapped: %w", &sigv4.Error{Code: "UnrecognizedClientException", Status: 403}), 403, []string{"<Code>InvalidClientTokenId</Code>"}},
		{"bad", errors.New("secret detail"), 500, []string{"<Code>InternalFailure</Code>"}},
		{strings.Repeat("x", stsBodyLimit+1), nil, 413, []string{"<Code>RequestEntityTooLarge</Code>"}},
	} {
		fail = tt.fail
		status, body := ask(tt.body)
		if status != tt.status || strings.Contains(body, "secret detail") {
			t.Errorf("%.40s: %d %s", tt.body, status, body)
		}
		for _, w := range tt.want {
			if !strings.Contains(body, w) {
				t.Errorf("%.40s: %s lacks %s", tt.body, body, w)
			}
		}
	}
}

func TestHealthAndRefusals(t *testing.T) {
	t.Parallel()
	var ready atomic.Bool
	addr := stack(t, nil, Config{Ready: func() (bool, string) { return ready.Load(), "domain demo: n2 is starting" }, S3: down{}})
	get := func(path, auth, contentType string) (int, string) {
		t.Helper()
		c, in := raw(t, addr, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: "+auth+"\r\nContent-Type: "+contentType+"\r\n\r\n")
		defer func() { _ = c.Close() }()
		return answer(t, in)
	}
	if status, body := get(healthPath, "", ""); status != 503 || !strings.Contains(body, "n2 is starting") {
		t.Errorf("not ready: %d %s", status, body)
	}
	ready.Store(true)
	if status, body := get(healthPath, "", ""); status != 200 || body != "API "+healthPath {
		t.Errorf("ready: %d %s", status, body)
	}
	const iam = "AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/iam/aws4_request, Signature=0"
	if status, body := get("/", iam, "application/x-www-form-urlencoded"); status != 501 || !strings.Contains(body, "<Message>The service iam is not offered here") {
		t.Errorf("iam: %d %s", status, body)
	}
	if status, body := get("/", iam, "application/x-amz-json-1.0"); status != 501 || !strings.Contains(body, `"__type"`) {
		t.Errorf("iam in JSON: %d %s", status, body)
	}
	if status, body := get("/bucket/key", "", ""); status != 503 || !strings.Contains(body, "<Code>ServiceUnavailable</Code>") {
		t.Errorf("S3 down: %d %s", status, body)
	}
}

type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}
