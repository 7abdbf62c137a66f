package s3source

import (
	"net/http"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// What is not allowed never reaches the network; the rule sees account and object.
func TestAllowed(t *testing.T) {
	t.Parallel()
	asked := 0
	s := newSource(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }), func(c *Config) {
		c.Allowed = func(of string, src searchpack.Source) bool {
			return of == account && src.Bucket == "dicts" && strings.HasPrefix(src.Key, "ok/")
		}
	})
	for _, c := range []struct {
		account, bucket, key string
		want                 bool
	}{
		{account, "dicts", "ok/a.txt", true}, {account, "dicts", "other.txt", false},
		{account, "wholesale", "ok/a.txt", false}, {"333333333333", "dicts", "ok/a.txt", false},
	} {
		before := asked
		obj, err := s.Open(t.Context(), c.account, searchpack.Source{Bucket: c.bucket, Key: c.key})
		if err == nil {
			_ = obj.Close()
		}
		if (err == nil) != c.want || (asked > before) != c.want {
			t.Errorf("%s %s/%s: %v, %d requests; want allowed %v", c.account, c.bucket, c.key, err, asked-before, c.want)
		}
		if err != nil && searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%s %s/%s: code %s, want ErrInvalid", c.account, c.bucket, c.key, searchpack.ErrorCode(err))
		}
	}
}

// TestNames: what is no bucket or key never reaches the network, even where all is allowed.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newSource(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("request for %s", r.URL)
	}), nil)
	for _, src := range []searchpack.Source{
		{Bucket: "", Key: "k"}, {Bucket: "x", Key: "k"}, {Bucket: "a/b", Key: "k"}, {Bucket: "..", Key: "k"}, {Bucket: "a..b", Key: "k"},
		{Bucket: "arn:aws:s3:us-east-1:123456789012:accesspoint/ap", Key: "k"}, {Bucket: "evil.example.com#", Key: "k"},
		{Bucket: "good", Key: ""}, {Bucket: "good", Key: strings.Repeat("k", maxKey+1)},
	} {
		if _, err := s.Open(t.Context(), account, src); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%.60q: %v, want ErrInvalid", src, err)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"half a credential": {Endpoint: "http://127.0.0.1:1", AccessKey: "a"},
		"other half":        {Endpoint: "http://127.0.0.1:1", SecretKey: "b"},
		"no URL":            {Endpoint: "s3.example.com", AccessKey: "a", SecretKey: "b"},
	} {
		if s, err := New(cfg); err == nil {
			s.Close()
			t.Errorf("%s was accepted", name)
		}
	}
}

// TestDefaultChain: without keys those of the environment sign the request.
func TestDefaultChain(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDFROMENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hush")
	t.Setenv("AWS_REGION", "eu-west-9")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	var authorization string
	s := newSource(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
	}), func(c *Config) { c.AccessKey, c.SecretKey = "", "" })
	obj, err := s.Open(t.Context(), account, searchpack.Source{Bucket: "dicts", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	_ = obj.Close()
	if !strings.Contains(authorization, "AKIDFROMENV/") || !strings.Contains(authorization, "/eu-west-9/s3/") {
		t.Errorf("signed with %q", authorization)
	}
}
