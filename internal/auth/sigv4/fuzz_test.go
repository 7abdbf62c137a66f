package sigv4

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// SDKs differ over the path of ListTags: boto3 ends it with a slash, the others do not. Both
// verify, with an ARN that holds what a query may hold.
func TestTagPaths(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:es:us-east-1:000000000000:domain/a b+c~ä"
	for _, path := range []string{"/2021-01-01/tags", "/2021-01-01/tags/", "/2015-01-01/tags", "/2015-01-01/tags/"} {
		for _, query := range []string{"arn=" + url.QueryEscape(arn), "arn=" + url.PathEscape(arn), "arn=" + strings.ReplaceAll(url.QueryEscape(arn), "+", "%20")} {
			r, err := http.NewRequest("GET", "http://localhost:4566"+path+"?"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			r = sign(t, r, nil, "")
			if _, err := verify(r, nil); err != nil {
				t.Errorf("%s?%s: %v", path, query, err)
			}
			other := path + "/"
			if strings.HasSuffix(path, "/") {
				other = strings.TrimSuffix(path, "/")
			}
			r.URL.Path = other
			if _, err := verify(r, nil); !errors.Is(err, errMismatch) {
				t.Errorf("signed for %s, sent to %s: %v", path, other, err)
			}
		}
	}
}

// FuzzSigned: whatever path, query, header and body the SDK signs, it verifies; with another body,
// another path or another header it does not.
func FuzzSigned(f *testing.F) {
	f.Add("/2021-01-01/packages/associate//my-dom", "", "", []byte("{}"))
	f.Add("/2021-01-01/packages/a%2Fb%20c", "nextToken=a%20b%2B%2F%3D&maxResults=2", "a  b", []byte(nil))
	f.Add("/2021-01-01/tags/", "arn=arn:aws:es:us-east-1:000000000000:domain/a+b", " x ", []byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, path, query, header string, body []byte) {
		u, err := url.ParseRequestURI("/" + strings.TrimPrefix(path, "/") + "?" + query)
		if err != nil || strings.Contains(path, "?") || strings.ContainsFunc(query, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Skip()
		}
		if _, err := url.ParseQuery(query); err != nil { // not even signers agree on a broken query
			t.Skip()
		}
		r, err := http.NewRequest("POST", "http://localhost:4566/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.ContentLength = u.Path, u.RawPath, u.RawQuery, int64(len(body))
		r.Header.Set("X-Fuzz", "f"+strings.Map(func(c rune) rune {
			if c < ' ' || c > '~' {
				return '?'
			}
			return c
		}, header))
		r = sign(t, r, body, testToken)
		if _, err := verify(r, body); err != nil {
			t.Fatalf("%s %s: %v", r.Method, r.URL, err)
		}
		if _, err := verify(r, append(body[:len(body):len(body)], 'x')); err == nil {
			t.Fatal("another body verifies")
		}
		fuzz := r.Header.Get("X-Fuzz")
		r.Header.Set("X-Fuzz", fuzz+"x")
		if _, err := verify(r, body); !errors.Is(err, errMismatch) {
			t.Fatalf("another header: %v", err)
		}
		r.Header.Set("X-Fuzz", fuzz)
		r.URL.Path, r.URL.RawPath = r.URL.Path+"x", r.URL.EscapedPath()+"x"
		if _, err := verify(r, body); !errors.Is(err, errMismatch) {
			t.Fatalf("another path: %v", err)
		}
	})
}
