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

// describe is a small request, signed with a token or without one.
func describe(t *testing.T, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", "http://localhost:4566/2021-01-01/domain", nil)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, r, nil, token)
}

// A temporary key comes with its token, signed; a lasting one with none. Everything else is one
// refusal, which tells nothing about the key.
func TestSessionTokens(t *testing.T) {
	t.Parallel()
	stored := func(change func(*Credential)) Lookup {
		return func(ctx context.Context, key string) (Credential, error) {
			c, err := testLookup(ctx, key)
			change(&c)
			return c, err
		}
	}
	as := func(hash searchpack.Digest, expires time.Time) Lookup {
		return stored(func(c *Credential) { c.SessionHash, c.ExpiresAt = hash, expires })
	}
	const invalidToken, expired = "The security token included in the request is invalid.", "The security token included in the request is expired"
	digest := searchpack.DigestOf([]byte(testToken))
	for name, tt := range map[string]struct {
		token      string
		lookup     Lookup
		code, text string
	}{
		"temporary":                {testToken, testLookup, "", ""},
		"lasting":                  {"", testLookup, "", ""},
		"temporary, no end":        {testToken, as(digest, time.Time{}), "", ""},
		"another token":            {"session/token+", testLookup, "UnrecognizedClientException", invalidToken},
		"the token's hash":         {string(digest), testLookup, "UnrecognizedClientException", invalidToken},
		"none for a temporary key": {"", as(digest, testNow.Add(time.Hour)), "UnrecognizedClientException", invalidToken},
		"one for a lasting key":    {testToken, as("", time.Time{}), "UnrecognizedClientException", invalidToken},
		"expired":                  {testToken, as(digest, testNow.Add(-time.Hour)), "ExpiredTokenException", expired},
		"expires now":              {testToken, as(digest, testNow), "ExpiredTokenException", expired},
		"expires soon":             {testToken, as(digest, testNow.Add(time.Nanosecond)), "", ""},
		"expired, another token":   {"other", as(digest, testNow.Add(-time.Hour)), "UnrecognizedClientException", invalidToken},
		"a lasting key's end":      {"", as("", testNow), "UnrecognizedClientException", invalidToken},
		"expired, wrong signature": {testToken, stored(func(c *Credential) { c.Secret, c.ExpiresAt = "other", testNow.Add(-time.Hour) }), "InvalidSignatureException", errMismatch.Message},
	} {
		caller, err := Verify(describe(t, tt.token), nil, tt.lookup, Options{Now: testNow})
		if tt.code == "" {
			if err != nil || caller.AccessKey != keyFor(tt.token) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Code != tt.code || e.Message != tt.text || e.Status != 403 {
			t.Errorf("%s: %v, want %s: %s", name, err, tt.code, tt.text)
		}
	}
}

// A token that came but was not signed may be anybody's.
func TestTokenMustBeSigned(t *testing.T) {
	t.Parallel()
	r := describe(t, "")
	r.Header.Set("X-Amz-Security-Token", testToken)
	var e *Error
	if _, err := verify(r, nil); !errors.As(err, &e) || e.Code != "InvalidSignatureException" || !strings.Contains(e.Message, "'X-Amz-Security-Token' must be a 'SignedHeader'") {
		t.Errorf("unsigned: %v", err)
	}
	r = describe(t, testToken)
	r.Header.Add("X-Amz-Security-Token", testToken)
	if _, err := verify(r, nil); !errors.Is(err, errMismatch) {
		t.Errorf("twice: %v", err)
	}
}
