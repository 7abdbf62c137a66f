package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

const (
	testKey    = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	// tempKey is one that comes with testToken. It has the same secret.
	tempKey   = "ASIAEXAMPLE"
	testToken = "session/token+="
)

var testNow = time.Date(2026, 8, 7, 12, 0, 0, 0, time.UTC)

func testLookup(_ context.Context, key string) (Credential, error) {
	c := Credential{
		Account: "000000000000", User: "admin", ARN: "arn:aws:iam::000000000000:user/admin", Secret: testSecret,
		Policies: []string{"{}"}, Operator: true,
	}
	switch key {
	case testKey:
	case tempKey:
		c.SessionHash, c.ExpiresAt = searchpack.DigestOf([]byte(testToken)), testNow.Add(time.Hour)
	default:
		return Credential{}, searchpack.Errorf(searchpack.ErrNotFound, "no such key")
	}
	return c, nil
}

func verify(r *http.Request, body []byte) (searchpack.Caller, error) {
	return Verify(r, body, testLookup, Options{Now: testNow})
}

// sign signs as the Go SDK does, with tempKey if there is a token, and returns the request as a server would read it.
func sign(t interface{ Fatal(...any) }, r *http.Request, body []byte, token string) *http.Request {
	sum := sha256.Sum256(body)
	cred := aws.Credentials{AccessKeyID: keyFor(token), SecretAccessKey: testSecret, SessionToken: token}
	if err := v4.NewSigner().SignHTTP(context.Background(), cred, r, hex.EncodeToString(sum[:]), "es", "us-east-1", testNow); err != nil {
		t.Fatal(err)
	}
	return overWire(t, r, body)
}

func keyFor(token string) string {
	if token == "" {
		return testKey
	}
	return tempKey
}

// overWire writes the request and reads it back, so that net/http's own changes take part.
func overWire(t interface{ Fatal(...any) }, r *http.Request, body []byte) *http.Request {
	r.Body = http.NoBody
	if len(body) > 0 {
		r.Body = readCloser{bytes.NewReader(body)}
	}
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	return readRequest(t, wire.String())
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func readRequest(t interface{ Fatal(...any) }, wire string) *http.Request {
	defer func() { // httptest.NewRequest panics where a server would answer 400
		if p := recover(); p != nil {
			t.Fatal(p)
		}
	}()
	line, rest, _ := strings.Cut(wire, "\r\n")
	f := strings.Fields(line)
	r := httptest.NewRequest(f[0], f[1], nil)
	head, body, _ := strings.Cut(rest, "\r\n\r\n")
	r.Body, r.ContentLength = http.NoBody, int64(len(body))
	for h := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(h, ":")
		if value = strings.Trim(value, " \t"); name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return r
}

var (
	word      = rapid.StringMatching(`[A-Za-z0-9._~-]{1,8}`)
	anyText   = rapid.StringMatching(`[ -~äß漢]{0,12}`)
	segments  = rapid.SliceOfN(rapid.OneOf(anyText, rapid.SampledFrom([]string{"", "a/b c", "%2F", "..", ".", "~", "%"})), 0, 5)
	headerVal = rapid.StringMatching(`[!-~]([ -~]{0,20}[!-~])?`)
)

// drawRequest makes a request with a hostile path, query, headers and body.
func drawRequest(t *rapid.T) (*http.Request, []byte) {
	path := "/2021-01-01"
	for _, s := range segments.Draw(t, "segments") {
		path += "/" + url.PathEscape(s)
	}
	query := url.Values{}
	for _, k := range rapid.SliceOfNDistinct(anyText.Filter(func(s string) bool { return s != "" }), 0, 4, rapid.ID).Draw(t, "keys") {
		query[k] = rapid.SliceOfN(anyText, 1, 3).Draw(t, "values")
	}
	body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
	target := "http://localhost:4566" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "DELETE", "PUT"}).Draw(t, "method"), target, nil)
	if err != nil {
		t.Skip(err)
	}
	r.ContentLength = int64(len(body))
	for _, k := range rapid.SliceOfNDistinct(word, 0, 3, strings.ToLower).Draw(t, "names") {
		for _, v := range rapid.SliceOfN(headerVal, 1, 3).Draw(t, "header") {
			r.Header.Add("X-"+k, v)
		}
	}
	return r, body
}

func TestWhatTheSDKSignsVerifies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, body := drawRequest(t)
		token := rapid.SampledFrom([]string{"", testToken}).Draw(t, "token")
		r = sign(t, r, body, token)
		r.RemoteAddr = "192.0.2.7:1234"
		got, err := verify(r, body)
		want := searchpack.Caller{
			Account: "000000000000", Region: "us-east-1", AccessKey: keyFor(token), User: "admin",
			ARN: "arn:aws:iam::000000000000:user/admin", SourceIP: "192.0.2.7", Policies: []string{"{}"}, Operator: true,
		}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Fatalf("%s %s: %v %s", r.Method, r.URL, err, d)
		}
	})
}

// Every single change to what was signed is refused.
func TestTamperingIsRefused(t *testing.T) {
	t.Parallel()
	tampers := map[string]func(t *rapid.T, r *http.Request, body *[]byte){
		"method": func(_ *rapid.T, r *http.Request, _ *[]byte) { r.Method = "PATCH" },
		"path": func(_ *rapid.T, r *http.Request, _ *[]byte) {
			r.URL.Path, r.URL.RawPath = r.URL.Path+"x", r.URL.EscapedPath()+"x"
		},
		"query": func(_ *rapid.T, r *http.Request, _ *[]byte) { r.URL.RawQuery += "&x" },
		"host":  func(_ *rapid.T, r *http.Request, _ *[]byte) { r.Host = "elsewhere" },
		"body":  func(_ *rapid.T, _ *http.Request, body *[]byte) { *body = append(*body, '!') },
		"length": func(_ *rapid.T, r *http.Request, body *[]byte) {
			r.ContentLength++
			*body = append(*body, ' ')
		},
		"date": func(_ *rapid.T, r *http.Request, _ *[]byte) {
			r.Header.Set("X-Amz-Date", testNow.Add(time.Second).Format(dateFormat))
		},
		"second value": func(_ *rapid.T, r *http.Request, _ *[]byte) { r.Header.Add("X-Amz-Security-Token", "other") },
		"signed header gone": func(_ *rapid.T, r *http.Request, _ *[]byte) {
			r.Header.Del("X-Amz-Security-Token")
		},
		"region": func(_ *rapid.T, r *http.Request, _ *[]byte) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "us-east-2", 1))
		},
		"signed headers": func(_ *rapid.T, r *http.Request, _ *[]byte) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";x-amz-security-token", "", 1))
		},
		"signature": func(t *rapid.T, r *http.Request, _ *[]byte) {
			auth := []byte(r.Header.Get("Authorization"))
			i := len(auth) - 1 - rapid.IntRange(0, 63).Draw(t, "digit")
			auth[i] = map[bool]byte{true: '1', false: '0'}[auth[i] == '0']
			r.Header.Set("Authorization", string(auth))
		},
	}
	for name, tamper := range tampers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				r, body := drawRequest(t)
				r = sign(t, r, body, testToken)
				if _, err := verify(r, body); err != nil {
					t.Fatalf("before: %v", err)
				}
				tamper(t, r, &body)
				_, err := verify(r, body)
				var e *Error
				if !errors.As(err, &e) || e.Code != "InvalidSignatureException" || e.Status != 403 {
					t.Fatalf("after %s: %v", name, err)
				}
			})
		})
	}
}

func setSignature(r *http.Request, sig []byte) {
	auth := r.Header.Get("Authorization")
	r.Header.Set("Authorization", auth[:len(auth)-64]+hex.EncodeToString(sig))
}
