package awsapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// neverEnding is a body without end.
type neverEnding struct{ read int }

func (n *neverEnding) Read(p []byte) (int, error) {
	n.read += len(p)
	return copy(p, bytes.Repeat([]byte{' '}, len(p))), nil
}

func TestBodyLimitComesBeforeAuthentication(t *testing.T) {
	t.Parallel()
	h := New(Config{
		Catalog: new(fakeCatalog), Logger: slog.New(slog.DiscardHandler), MaxBody: 100,
		Authenticate: func(*http.Request, []byte) (searchpack.Caller, error) {
			t.Error("an oversized body was authenticated, so hashed")
			return testCaller, nil
		},
	})
	endless, announced := new(neverEnding), new(neverEnding)
	withLength := httptest.NewRequest("POST", "/2021-01-01/packages", announced)
	withLength.ContentLength = overrun*100 + 1
	for name, r := range map[string]*http.Request{
		"announced": withLength,
		"chunked":   httptest.NewRequest("POST", "/2021-01-01/packages", endless),
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("x-amzn-ErrorType") != typeTooLarge || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
	if announced.read > 0 {
		t.Errorf("read %d bytes of a body that announced to be far too large", announced.read)
	}
	if endless.read > 64<<10 {
		t.Errorf("read %d bytes of a body limited to 100", endless.read)
	}
}

// A client that reads nothing before it has sent everything, as most do, learns why.
func TestBodyOverTheLimitIsAnswered(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	srv := httptest.NewServer(New(Config{Catalog: new(fakeCatalog), Logger: slog.New(slog.DiscardHandler), MaxBody: limit,
		Authenticate: func(*http.Request, []byte) (searchpack.Caller, error) { return testCaller, nil }}))
	t.Cleanup(srv.Close)
	body := strings.Repeat(" ", (overrun-1)*limit)
	for name, head := range map[string]string{
		"announced": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		"chunked":   fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "POST /2021-01-01/packages HTTP/1.1\r\nHost: x\r\n"+head); err != nil {
			t.Errorf("%s: hung up on: %v", name, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if resp.StatusCode != http.StatusRequestEntityTooLarge || resp.Header.Get("x-amzn-ErrorType") != typeTooLarge {
			t.Errorf("%s: %s %v", name, resp.Status, resp.Header)
		}
		_ = resp.Body.Close()
		_ = conn.Close()
	}
}

func TestBodyAtTheLimitIsServed(t *testing.T) {
	t.Parallel()
	fake := new(fakeCatalog)
	h := New(Config{Catalog: fake, Authenticate: fake.authenticate, Logger: slog.New(slog.DiscardHandler), MaxBody: 100})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/2021-01-01/packages/describe", strings.NewReader("{}"+strings.Repeat(" ", 98))))
	if w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	body := io.MultiReader(strings.NewReader("{"), iotestErr{})
	testHandler(t, new(fakeCatalog)).ServeHTTP(w, httptest.NewRequest("POST", "/2021-01-01/packages", body))
	if w.Code != 400 || w.Header().Get("x-amzn-ErrorType") != typeSerialization {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Who sends half a body and then nothing is answered and hung up on, whatever was asked; who sends a
// whole one keeps the connection.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	fake := new(fakeCatalog)
	h, err := newHandler(Config{Catalog: fake, Authenticate: fake.authenticate, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h.bodyTime = 100 * time.Millisecond
	server := httptest.NewServer(h)
	defer server.Close()
	for slow, want := range map[string]int{"POST /2021-01-01/packages/describe": 408, "POST /no/such": 404} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		in := bufio.NewReader(conn)
		send := func(line, body string, want int) {
			fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n%s", line, body)
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != want || !json.Valid(got) {
				t.Fatalf("%s %q: %d %s, %v", line, body, res.StatusCode, got, err)
			}
		}
		send("POST /2021-01-01/packages/describe", "{}", 200)
		send(slow, "{", want)
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection goes on: %v", slow, err)
		}
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// The log has what an operator needs, and nothing that must not be in it.
func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	fake := &fakeCatalog{outcome: outcome{Panic: "boom"}}
	h := New(Config{Catalog: fake, Authenticate: fake.authenticate, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	r := httptest.NewRequest("GET", "/2021-01-01/domain?engineType=OpenSearch", nil)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Signature=abcdef")
	r.Header.Set("X-Amz-Security-Token", "hush-hush")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text := log.String()
	for _, want := range []string{`"operation":"ListDomainNames"`, `"status":500`, w.Header().Get("x-amzn-RequestId"), "boom", "serve.go", `"access_key":"test"`, `"error":"BaseException"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	for _, secret := range []string{"hush-hush", "abcdef", "engineType"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %s", secret)
		}
	}
	if body := w.Body.String(); strings.Contains(body, "boom") || strings.Contains(body, ".go") {
		t.Errorf("the client sees %s", body)
	}
}

// Whatever arrives, the answer is JSON with a request id, never a redirect and never a 500.
func FuzzServe(f *testing.F) {
	f.Add("POST", "/2021-01-01/packages", "", `{"PackageName":"abc","PackageType":"TXT-DICTIONARY","PackageSource":{"S3BucketName":"abc","S3Key":"k"}}`)
	f.Add("POST", "/2021-01-01/packages/describe", "", `{"Filters":[{"Name":"PackageID","Value":["F1"]}],"MaxResults":1e2,"NextToken":"AQ"}`)
	f.Add("POST", "/2021-01-01/opensearch/domain", "", `{"DomainName":"abc","AdvancedOptions":{"":null},"AutoTuneOptions":{"MaintenanceSchedules":[{"StartAt":1.5}]}}`)
	f.Add("DELETE", "/2021-01-01/packages/%2e%2e", "a=%zz;b", "")
	f.Add("GET", "/2021-01-01/domain/a%2Fb/packages", "maxResults=1&nextToken=AQECAwQFBgcIRjE", "[[[[")
	f.Add("POST", "/2015-01-01/es/domain", "", `{"DomainName":"abc","ElasticsearchVersion":"7.10","ElasticsearchClusterConfig":{"InstanceType":"m5.large.elasticsearch","InstanceCount":1e0}}`)
	f.Add("GET", "/2015-01-01/packages/a%2Fb/history", "maxResults=1&nextToken=AQECAwQFBgcIRjE", "")
	f.Add("GET", "//2021-01-01/../tags/", "", "null")
	fake := allOutcomes()
	h := New(Config{Catalog: fake, Authenticate: fake.authenticate, Logger: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = method, path, path, query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code >= 300 && w.Code < 400 || !json.Valid(w.Body.Bytes()) || w.Header().Get("x-amzn-RequestId") == "" {
			t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if (w.Code == 200) != (w.Header().Get("x-amzn-ErrorType") == "") {
			t.Fatalf("%d with error type %q", w.Code, w.Header().Get("x-amzn-ErrorType"))
		}
		if w.Code != 200 && w.Body.Len() > 64<<10 {
			t.Fatalf("an error of %d bytes", w.Body.Len())
		}
	})
}
