package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// byHand signs as the specification says, whatever headers it is given: SDKs leave some of them out.
func byHand(method, path, body string, headers map[string]string, day, date string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	var names []string
	for n := range headers {
		names = append(names, n)
	}
	slices.Sort(names)
	canonical := method + "\n" + path + "\n\n"
	for _, n := range names {
		canonical += n + ":" + headers[n] + "\n"
	}
	canonical += "\n" + strings.Join(names, ";") + "\n" + hash(body)
	scope := day + "/us-east-1/es/aws4_request"
	key := []byte("AWS4" + testSecret)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hash(canonical)))
	return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", testKey, scope, strings.Join(names, ";"), signature)
}

// listener serves Verify on a socket, as net/http hands requests on.
type listener struct {
	*httptest.Server
	caller chan searchpack.Caller
	err    chan error
}

func listen(t *testing.T, secure bool) *listener {
	t.Helper()
	l := &listener{caller: make(chan searchpack.Caller, 1), err: make(chan error, 1)}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		caller, err := Verify(r, body, testLookup, Options{Now: testNow})
		l.caller <- caller
		l.err <- err
	}))
	if secure {
		l.StartTLS()
	} else {
		l.Start()
	}
	t.Cleanup(l.Close)
	return l
}

// send writes a request byte for byte and returns what Verify said.
func (l *listener) send(t *testing.T, head, body string) (searchpack.Caller, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var conn net.Conn
	var err error
	if l.TLS != nil {
		conn, err = (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(ctx, "tcp", l.Listener.Addr().String())
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", l.Listener.Addr().String())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, head+"\r\n"+body); err != nil {
		t.Fatal(err)
	}
	select {
	case caller := <-l.caller:
		return caller, <-l.err
	case <-ctx.Done():
		t.Fatal("no request arrived")
	}
	return searchpack.Caller{}, nil
}

// Clients and proxies sign headers that SDKs leave alone and net/http keeps elsewhere. Each is
// verified as it was sent, and another value is refused.
func TestUnusualHeadersAreVerified(t *testing.T) {
	t.Parallel()
	const date = "20260807T120000Z"
	base := map[string]string{"host": "searchpack.example:9400", "x-amz-date": date}
	for name, tt := range map[string]struct {
		header, value string
		sent          string // "" = value
		body          string // as sent
		signed        string // body as signed
		refused       bool
	}{
		"user-agent":               {header: "user-agent", value: "aws-sdk-go/1.2 (linux; amd64)"},
		"user-agent changed":       {header: "user-agent", value: "aws-sdk-go/1.2", sent: "proxy/1", refused: true},
		"expect":                   {header: "expect", value: "100-continue"},
		"trace id":                 {header: "x-amzn-trace-id", value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"},
		"trace id replaced":        {header: "x-amzn-trace-id", value: "Root=1-a", sent: "Root=1-b", refused: true},
		"content-length":           {header: "content-length", value: "2", body: "{}", signed: "{}"},
		"content-length of none":   {header: "content-length", value: "0"},
		"transfer-encoding":        {header: "transfer-encoding", value: "chunked", body: "2\r\n{}\r\n0\r\n\r\n", signed: "{}"},
		"connection":               {header: "connection", value: "keep-alive"},
		"accept-encoding":          {header: "accept-encoding", value: "gzip"},
		"spaces":                   {header: "x-spaces", value: "a b c", sent: "  a   b  c  "},
		"empty":                    {header: "x-empty", value: "", sent: " "},
		"other bytes":              {header: "x-latin", value: "caf\xe9"},
		"the body of another size": {header: "content-length", value: "2", body: "{ ", signed: "{}", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, false)
			headers := map[string]string{tt.header: tt.value}
			for n, v := range base {
				headers[n] = v
			}
			sent := tt.sent
			if sent == "" {
				sent = tt.value
			}
			head := "POST /2021-01-01/packages HTTP/1.1\r\n"
			for n, v := range base {
				head += n + ": " + v + "\r\n"
			}
			head += tt.header + ": " + sent + "\r\nAuthorization: " + byHand("POST", "/2021-01-01/packages", tt.signed, headers, "20260807", date) + "\r\n"
			caller, err := l.send(t, head, tt.body)
			if (err != nil) != tt.refused || !tt.refused && caller.AccessKey != testKey {
				t.Errorf("%v, %v", caller, err)
			}
		})
	}
}

// A request without X-Amz-Date is signed with its Date, written either way.
func TestDateHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ date, says string }{
		{"Fri, 07 Aug 2026 12:00:00 GMT", ""},
		{"20260807T120000Z", ""},
		{"Fri, 07 Aug 2026 12:05:01 GMT", "Signature not yet current: 20260807T120501Z is still later than 20260807T120500Z (20260807T120000Z + 5 min.)"},
		{"yesterday", "The 'Date' header must be one date"},
	} {
		l := listen(t, false)
		headers := map[string]string{"host": "h", "date": tt.date}
		stamp := "20260807T120000Z"
		head := "GET /2021-01-01/domain HTTP/1.1\r\nHost: h\r\nDate: " + tt.date + "\r\nAuthorization: " +
			byHand("GET", "/2021-01-01/domain", "", headers, "20260807", stamp) + "\r\n"
		_, err := l.send(t, head, "")
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.date, err, tt.says)
		}
		unsigned := strings.Replace(head, "SignedHeaders=date;host", "SignedHeaders=host", 1)
		if _, err := l.send(t, unsigned, ""); err == nil {
			t.Errorf("%s: an unsigned date is accepted", tt.date)
		}
	}
}

func TestCallerKnowsTLS(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		l := listen(t, secure)
		headers := map[string]string{"host": "h", "x-amz-date": "20260807T120000Z"}
		caller, err := l.send(t, "GET / HTTP/1.1\r\nHost: h\r\nX-Amz-Date: 20260807T120000Z\r\nAuthorization: "+
			byHand("GET", "/", "", headers, "20260807", "20260807T120000Z")+"\r\n", "")
		if err != nil || caller.Secure != secure || caller.SourceIP != "127.0.0.1" {
			t.Errorf("TLS %v: %+v, %v", secure, caller, err)
		}
	}
}
