package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// However a configuration is printed, no secret shows.
func TestConfigHidesSecrets(t *testing.T) {
	t.Parallel()
	c := Default("/data")
	c.AdminAccessKey, c.AdminSecretKey, c.SourceSecretKey = "VISIBLE", "hush-1", "hush-2"
	c.BlobsSecretKey, c.BlobsEndpoint = "hush-7", "https://user:hush-8@s3.example"
	for _, dsn := range []string{
		"postgres://u:hush-3@db/x", "postgres://u@db/x?password=hush-4&sslmode=require", "host=db password=hush-5", "postgres://u:hush-6@[db",
	} {
		c.Database = dsn
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "pointer", &c)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "pointer", &c)
		document, err := json.Marshal(map[string]any{"config": c, "pointer": &c})
		if err != nil {
			t.Fatal(err)
		}
		all := fmt.Sprint(c, &c) + fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c, c) + log.String() + string(document)
		if strings.Contains(all, "hush") {
			t.Errorf("%s: a secret shows in %s", dsn, all)
		}
		if !strings.Contains(all, "VISIBLE") {
			t.Error("the access key is no secret and helps")
		}
	}
}

func TestAllowedSources(t *testing.T) {
	t.Parallel()
	const account = "000000000000"
	for _, c := range []struct {
		entry, bucket, key string
		want               bool
	}{
		{"*", "any", "key", true},
		{"bucket", "bucket", "key", true},
		{"bucket", "bucket", "deep/er/key", true},
		{"bucket", "bucket2", "key", false},
		{"bucket", "buck", "et/key", false},
		{"bucket/", "bucket", "key", true},
		{"bucket/pre", "bucket", "pre/key", true},
		{"bucket/pre", "bucket", "prefix-too", true}, // a prefix in characters, as in S3
		{"bucket/pre/", "bucket", "prefix-too", false},
		{"bucket/pre/", "bucket", "pre/key", true},
		{"bucket/pre", "bucket", "other/pre", false},
		{"bucket/pre", "bucket2", "pre/key", false},
		{"bucket/pre", "bucket/pre", "key", false},
		{"bucket/pre/", "bucket", "pre/../secret", false},
		{"bucket/pre/", "bucket", "pre/./x", false},
		{"bucket", "bucket", "a/../b", true},
		{"", "", "key", true}, // no such bucket exists
		{"", "bucket", "key", false},
	} {
		a := allowed{account: {"nothing-else", c.entry}}
		if got := a.Allowed(account, searchpack.Source{Bucket: c.bucket, Key: c.key}); got != c.want {
			t.Errorf("%q and %s/%s: %v, want %v", c.entry, c.bucket, c.key, got, c.want)
		}
	}
	src := searchpack.Source{Bucket: "b", Key: "k"}
	if (allowed{}).Allowed(account, src) {
		t.Error("nothing listed allows something")
	}
	if (allowed{"111122223333": {"*"}}).Allowed(account, src) {
		t.Error("another account's entry counts")
	}
	if !(allowed{"*": {"b/"}}).Allowed(account, src) {
		t.Error("the entry of every account does not count")
	}
}

func TestReadCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, access, secret string }{
		"default":       {"[default]\naws_access_key_id = A\naws_secret_access_key = S=x\n", "A", "S=x"},
		"no profile":    {"aws_access_key_id=A\r\naws_secret_access_key=S\r\n", "A", "S"},
		"default first": {"[default]\naws_access_key_id=A\naws_secret_access_key=S\n[other]\naws_access_key_id=B\naws_secret_access_key=T\n", "A", "S"},
		"default last":  {"[other]\naws_access_key_id=B\naws_secret_access_key=T\n[default]\naws_access_key_id=A\naws_secret_access_key=S\n", "A", "S"},
		"other only":    {"[other]\naws_access_key_id=B\naws_secret_access_key=T\n", "", ""},
		"half":          {"[default]\naws_access_key_id = A\n", "", ""},
		"empty":         {"", "", ""},
	} {
		access, secret, err := ReadCredentials(put(t, filepath.Join(t.TempDir(), "c"), c.text))
		if access != c.access || secret != c.secret || (err != nil) != (c.access == "") {
			t.Errorf("%s: %q %q %v", name, access, secret, err)
		}
	}
}
