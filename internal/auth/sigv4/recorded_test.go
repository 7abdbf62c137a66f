package sigv4

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// Requests that botocore 1.43.11 signed: a second oracle beside the Go SDK, without Python.
func TestRecordedBotocore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 42, 16, 0, time.UTC)
	for _, tt := range []struct{ method, target, body, signed, token, signature string }{
		{
			"POST", "/2021-01-01/packages/describe", `{"Filters": [], "MaxResults": 0}`, "content-type;host;x-amz-date", "",
			"97fb78148735ff1330c3a19a463955934e08e78eddce51840a9c54bbacc0cb39",
		},
		{ // an empty PackageID: signed without the empty segment, sent with it
			"POST", "/2021-01-01/packages/associate//my-dom", "{}", "content-type;host;x-amz-date", "",
			"11e2fcfc299703d0d52bfc7060f7c3559b32c0d0633551e6a5238d34c156af01",
		},
		{
			"GET", "/2021-01-01/domain/my-dom/packages?nextToken=a%20b%2B%2F%3D&maxResults=2", "", "host;x-amz-date;x-amz-security-token", "session/token+=",
			"a3223b623f0ff323e59926f0ea9c7677aeff01550ee04fe5eeb8ca2d8e824638",
		},
		{
			"DELETE", "/2021-01-01/packages/a%2Fb%20c", "", "host;x-amz-date", "",
			"b27ce0b552a230e65cd344d36e1680e17b155a3f72e50e62b5a9aae6a39dd53b",
		},
	} {
		var b strings.Builder
		b.WriteString(tt.method + " " + tt.target + " HTTP/1.1\r\nHost: localhost:4566\r\nX-Amz-Date: 20261122T094216Z\r\n")
		if tt.body != "" {
			b.WriteString("Content-Type: application/json\r\n")
		}
		if tt.token != "" {
			b.WriteString("X-Amz-Security-Token: " + tt.token + "\r\n")
		}
		b.WriteString("Authorization: AWS4-HMAC-SHA256 Credential=" + testKey + "/20261122/us-east-1/es/aws4_request, SignedHeaders=" +
			tt.signed + ", Signature=" + tt.signature + "\r\n\r\n" + tt.body)
		r := readRequest(t, b.String())
		lookup := func(context.Context, string) (Credential, error) {
			c := Credential{Secret: testSecret}
			if tt.token != "" {
				c.SessionHash = searchpack.DigestOf([]byte(tt.token))
			}
			return c, nil
		}
		if caller, err := Verify(r, []byte(tt.body), lookup, Options{Now: now}); err != nil || caller.AccessKey != testKey {
			t.Errorf("%s %s: %v", tt.method, tt.target, err)
		}
	}
}

// JavaScript signs a hash of the body and its user agent too, and a path without empty segments.
func TestJavaScriptShape(t *testing.T) {
	t.Parallel()
	for clean, sent := range map[string]string{
		"/2021-01-01/packages/associate/my-dom": "/2021-01-01/packages/associate//my-dom",
		"/2021-01-01/packages/F1":               "/2021-01-01/packages/F1",
	} {
		r, err := http.NewRequest("POST", "http://localhost:4566"+clean, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 2
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
		r.Header.Set("X-Amz-User-Agent", "aws-sdk-js/3.1138.0")
		r.Header.Set("X-Amz-Content-Sha256", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
		r = sign(t, r, []byte("{}"), "")
		r.URL.Path = sent
		if _, err := verify(r, []byte("{}")); err != nil {
			t.Errorf("%s: %v", sent, err)
		}
		if _, err := verify(r, []byte("{ }")); err == nil {
			t.Errorf("%s: another body was accepted", sent)
		}
	}
}

// A header that was signed empty and did not arrive is not the same as an empty one.
func TestSignedEmptyHeaderMustArrive(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest("GET", "http://localhost:4566/2021-01-01/domain", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Empty", "")
	r = sign(t, r, nil, "")
	if _, err := verify(r, nil); err != nil {
		t.Fatal(err)
	}
	r.Header.Del("X-Empty")
	if _, err := verify(r, nil); !errors.Is(err, errMismatch) {
		t.Errorf("without the header: %v", err)
	}
}
