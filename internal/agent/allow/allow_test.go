package allow

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/policy"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
	"github.com/searchpack/searchpack/internal/signature"
)

func key(t *testing.T, seed byte) signature.Private {
	t.Helper()
	k, err := signature.Generate(bytes.NewReader(bytes.Repeat([]byte{seed}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t *testing.T, k signature.Private, zip searchpack.Digest) string {
	t.Helper()
	s, err := signature.Sign(k, zip)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asks are the permissions of a policy, as the version explains them.
func asks(t *testing.T, version, permissions string) []policy.Permission {
	t.Helper()
	v, err := target.Parse(version)
	if err != nil {
		t.Fatal(err)
	}
	var out rule.Tally
	return policy.Policy([]byte("grant {\n"+permissions+"\n};"), policy.Config{OpenSearch: v}, &out)
}

var zip, otherZip = searchpack.DigestOf([]byte("zip")), searchpack.DigestOf([]byte("other"))

func TestDecide(t *testing.T) {
	t.Parallel()
	release, other := key(t, 1), key(t, 2)
	fill := strings.NewReplacer("$ZIP", string(zip), "$OTHER", string(otherZip), "$RELEASE", release.Public().String(), "$SECOND", other.Public().String())
	const keys = "keys:\n- {name: release, key: \"$RELEASE\"}\n- {name: second, key: \"$SECOND\"}\n"
	const (
		files   = `permission java.io.FilePermission "<<ALL FILES>>", "read";`
		connect = `permission java.net.SocketPermission "example.org", "connect";`
		exit    = `permission java.lang.RuntimePermission "exitVM";`
		odd     = `permission org.example.OddPermission "x";`
		reads   = `permission java.util.PropertyPermission "x", "read";`
	)
	for name, c := range map[string]struct {
		file        string
		plugin      Plugin
		permissions string // for 2.19.0
		allowed     bool
		words       string
	}{
		"nothing":        {"", Plugin{}, "", false, "accepts no plugins"},
		"no plugins":     {"schema: 1\n", Plugin{}, "", false, "accepts no plugins"},
		"another":        {"schema: 1\nplugins:\n- name: other\n", Plugin{}, "", false, "does not name the plugin lemmas"},
		"by name":        {"schema: 1\nplugins:\n- name: other\n- name: lemmas\n", Plugin{}, "", true, "line 4 of the node's allow file allows the plugin lemmas"},
		"by pattern":     {"schema: 1\nplugins:\n- name: lem*\n", Plugin{}, "", true, "line 3"},
		"every":          {"schema: 1\nplugins:\n- name: '*'\n", Plugin{}, "", true, "line 3"},
		"one character":  {"schema: 1\nplugins:\n- name: lemma?\n", Plugin{}, "", true, "line 3"},
		"longer":         {"schema: 1\nplugins:\n- name: lemma\n", Plugin{}, "", false, "does not name"},
		"the zip":        {"schema: 1\nplugins:\n- {name: lemmas, sha256: [$OTHER, $ZIP]}\n", Plugin{}, "", true, "line 3"},
		"another zip":    {"schema: 1\nplugins:\n- {name: lemmas, sha256: [$OTHER]}\n", Plugin{}, "", false, "not the zip with the SHA-256 " + string(zip)},
		"unsigned":       {"schema: 1\n" + keys + "plugins:\n- {name: lemmas, signed_by: [release]}\n", Plugin{}, "", false, "the package has no signature (sign it with searchpack sign"},
		"signed":         {"schema: 1\n" + keys + "plugins:\n- {name: lemmas, signed_by: [second, release]}\n", Plugin{Signature: sign(t, release, zip)}, "", true, "signed by release"},
		"by another":     {"schema: 1\n" + keys + "plugins:\n- {name: lemmas, signed_by: [second]}\n", Plugin{Signature: sign(t, release, zip)}, "", false, "is not theirs, or of another zip (it names the key 34750f98bd59fcfc)"},
		"of another zip": {"schema: 1\n" + keys + "plugins:\n- {name: lemmas, signed_by: [release]}\n", Plugin{Signature: sign(t, release, otherZip)}, "", false, "of another zip"},
		"damaged":        {"schema: 1\n" + keys + "plugins:\n- {name: lemmas, signed_by: [release]}\n", Plugin{Signature: "x"}, "", false, "cannot be read"},
		"not asked for":  {"schema: 1\nplugins:\n- name: lemmas\n", Plugin{Signature: "x"}, "", true, "line 3"},
		"the nearest":    {"schema: 1\n" + keys + "plugins:\n- {name: lemmas, sha256: [$OTHER]}\n- {name: lem*, signed_by: [release]}\n", Plugin{}, "", false, "line 7"},
		"minor":          {"schema: 1\nplugins:\n- name: lemmas\n", Plugin{}, reads, true, ""},
		"none":           {"schema: 1\npermissions: none\nplugins:\n- name: lemmas\n", Plugin{}, reads, false, `up to "none", and it may read the system property`},
		"notable":        {"schema: 1\nplugins:\n- name: lemmas\n", Plugin{}, connect, false, `up to "minor", and it may connect to "example.org" (java.net.SocketPermission "example.org", "connect" in line 2 of its policy, a permission that needs "notable")`},
		"its own":        {"schema: 1\npermissions: none\nplugins:\n- {name: lemmas, permissions: notable}\n", Plugin{}, connect, true, ""},
		"the file's":     {"schema: 1\npermissions: notable\nplugins:\n- {name: lemmas}\n", Plugin{}, connect + reads, true, ""},
		"dangerous":      {"schema: 1\npermissions: notable\nplugins:\n- {name: lemmas}\n", Plugin{}, connect + files, false, `needs "dangerous"`},
		"unknown":        {"schema: 1\npermissions: notable\nplugins:\n- {name: lemmas}\n", Plugin{}, odd, false, `needs "dangerous"`},
		"unknown may":    {"schema: 1\npermissions: dangerous\nplugins:\n- {name: lemmas}\n", Plugin{}, odd + files + exit, true, ""},
		"total":          {"schema: 1\npermissions: dangerous\nplugins:\n- {name: lemmas}\n", Plugin{}, `permission java.security.AllPermission;`, false, `needs "total"`},
		"total may":      {"schema: 1\nplugins:\n- {name: lemmas, permissions: total}\n", Plugin{Opaque: true}, `permission java.security.AllPermission;`, true, ""},
		"opaque":         {"schema: 1\npermissions: dangerous\nplugins:\n- {name: lemmas}\n", Plugin{Opaque: true}, "", false, "its policy cannot be looked into"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := Parse([]byte(fill.Replace(c.file)))
			if err != nil {
				t.Fatal(err)
			}
			p := c.plugin
			p.Name, p.Zip = "lemmas", zip
			if c.permissions != "" {
				p.Permissions = asks(t, "2.19.0", c.permissions)
			}
			got := f.Decide(p)
			if got.Allowed != c.allowed || !strings.Contains(got.Reason, c.words) {
				t.Errorf("%v: %s; want %v: %s", got.Allowed, got.Reason, c.allowed, c.words)
			}
		})
	}
}

// OpenSearch 3 does not look at every permission: those that it does not look at count for nothing.
func TestUnchecked(t *testing.T) {
	t.Parallel()
	f, err := Parse([]byte("schema: 1\npermissions: none\nplugins:\n- name: p\n"))
	if err != nil {
		t.Fatal(err)
	}
	const exit = `permission java.lang.RuntimePermission "exitVM";`
	for version, allowed := range map[string]bool{"3.8.0": true, "2.19.0": false} {
		if got := f.Decide(Plugin{Name: "p", Zip: zip, Permissions: asks(t, version, exit)}); got.Allowed != allowed {
			t.Errorf("%s: %+v", version, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	public := key(t, 1).Public().String()
	for words, text := range map[string]string{
		"schema: 1":                         "plugins: []\n",
		"the schema 2":                      "schema: 2\n",
		"field plugin not found":            "schema: 1\nplugin: []\n",
		"line 4: a plugin has no setting":   "schema: 1\nplugins:\n- name: p\n  sha: x\n",
		"line 3: a plugin is written":       "schema: 1\nplugins:\n- lemmas\n",
		"has no name":                       "schema: 1\nplugins:\n- {sha256: []}\n",
		"only * and ?":                      "schema: 1\nplugins:\n- name: '[a'\n",
		"only * and ? stand":                "schema: 1\nplugins:\n- name: 'a\\b'\n",
		"a digest has":                      "schema: 1\nplugins:\n- {name: p, sha256: [ABC]}\n",
		"which is not among keys":           "schema: 1\nplugins:\n- {name: p, signed_by: [nobody]}\n",
		"is none of none, minor":            "schema: 1\npermissions: some\n",
		"is none of none, minor, notable":   "schema: 1\nplugins:\n- {name: p, permissions: all}\n",
		"is no public key":                  "schema: 1\nkeys:\n- {name: k, key: x}\n",
		"is empty, or comes twice":          "schema: 1\nkeys:\n- {name: k, key: '" + public + "'}\n- {name: k, key: '" + public + "'}\n",
		"empty, or comes":                   "schema: 1\nkeys:\n- {key: '" + public + "'}\n",
		"a second document":                 "schema: 1\n---\nschema: 1\n",
		"cannot unmarshal":                  "schema: 1\nplugins: {}\n",
		"already defined":                   "schema: 1\nschema: 1\n",
		"cannot unmarshal !!map into strin": "schema: 1\nplugins:\n- {name: p, sha256: [{}]}\n",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v; want %s", text, err, words)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "allow.yml")
	f, err := Read(name)
	if err != nil || f.Decide(Plugin{Name: "p"}).Allowed {
		t.Errorf("%+v %v", f, err)
	}
	put := func(text string, mode os.FileMode) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	const good = "schema: 1\nplugins:\n- name: p\n"
	put(good, 0o644)
	if f, err := Read(name); err != nil || !f.Decide(Plugin{Name: "p"}).Allowed {
		t.Errorf("%+v %v", f, err)
	}
	refused := func(words string) {
		t.Helper()
		if f, err := Read(name); f != nil || searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v %v; want %s", f, err, words)
		}
	}
	put(good, 0o664)
	refused("can write it: chmod go-w")
	put("no", 0o600)
	refused("cannot unmarshal")
	put(good+strings.Repeat("#", maxFile), 0o600)
	refused("more than")
	put(good, 0o600)
	for mode, words := range map[os.FileMode]string{0o777: "can write its folder", 0o777 | os.ModeSticky: ""} {
		if err := os.Chmod(filepath.Dir(name), mode); err != nil {
			t.Fatal(err)
		}
		if words != "" {
			refused(words)
		} else if _, err := Read(name); err != nil {
			t.Error(err)
		}
	}
	if err := os.Chmod(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		put(good, 0o600)
		if err := os.Chown(name, 12345, 0); err != nil {
			t.Fatal(err)
		}
		refused("belongs to uid 12345")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("not a regular file")
}
