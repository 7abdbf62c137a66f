package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/dev/internal/tagplugin"
)

// tagFilter is the plugin of internal/tagplugin, and tags says how its versions tag tokens; "" = no
// node starts with the version.
const tagFilter = tagplugin.Name

var (
	tags       = []string{"first", "second", "", ""}
	tagClasses = []string{"First", "Second", "Throws", "Uses"}
)

// newPlug makes a package of plugins for the engine, whose versions have this content, and waits until
// the first is AVAILABLE.
func newPlug(t *testing.T, u *up, name, engine string, content func(version int) []byte) *pack {
	t.Helper()
	p := &pack{u: u, name: name, suffix: ".zip", content: content, released: map[searchpack.Digest]int{}}
	p.put(t, 1)
	p.id = createPlugin(t, u, name, name+p.suffix, engine)
	p.available(t, 1)
	return p
}

// becomes waits until the association is in that state, which it must not miss by a failure.
func (p *pack) becomes(t *testing.T, patience time.Duration, want string) {
	t.Helper()
	defer explainFailure(t, p.u)
	last, began, looked := "", time.Now(), time.Time{}
	eventuallyWithin(t, patience, func() string {
		state := p.state(t)
		if isState(state, want) {
			return ""
		}
		if time.Since(looked) > time.Second {
			looked = time.Now()
			if r := rollouts(t, p.u, 1)[0]; r.Waiting != last {
				last = r.Waiting
				t.Logf("%5.1f s: %s", time.Since(began).Seconds(), last)
			}
		}
		if strings.Contains(state, "_FAILED") {
			t.Fatalf("%s is %s, want %s", p.name, state, want)
		}
		return fmt.Sprintf("%s is %s, want %s", p.name, state, want)
	})
	t.Logf("%s is %s after %.1f s", p.name, want, time.Since(began).Seconds())
}

// compiled returns the jar of the tag plugin.
func compiled(t *testing.T, version string) []byte {
	t.Helper()
	home, err := distro.Layout(t.Context(), version, filepath.Join(t.TempDir(), "home"), distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := tagplugin.Jar(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

// lacksClass is the version of the plugin of which a class is missing.
const lacksClass = 4

// withoutClass is the jar without one of its entries.
func withoutClass(t *testing.T, jar []byte, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	left := false
	for _, f := range unzipped(t, jar) {
		if f.Name == name {
			left = true
		} else if err := out.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil || !left {
		t.Fatalf("%s: %v", name, err)
	}
	return b.Bytes()
}

// tagZip is a version of the plugin for "3.8.0"; edits: see tagplugin.Zip.
func tagZip(t *testing.T, target string, jar []byte, version int, edits ...string) []byte {
	t.Helper()
	b, err := tagplugin.Zip(target, jar, version, tagClasses[version-1], edits...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tagged checks that the node has the plugin loaded, by what its filter makes of "fox".
func tagged(t *testing.T, n stack.NodeEntry, by string) {
	t.Helper()
	tagsFox(t, n, "/_analyze", object{"tokenizer": "whitespace", "filter": []string{"tag"}, "text": "fox"}, by)
}

// tagsFox checks what a call of _analyze makes of "fox".
func tagsFox(t *testing.T, n stack.NodeEntry, path string, body object, by string) {
	t.Helper()
	var a struct{ Tokens []struct{ Token string } }
	err := ask(t.Context(), n, http.MethodPost, path, body, &a)
	if want := "fox@" + by; err != nil || len(a.Tokens) != 1 || a.Tokens[0].Token != want {
		t.Errorf("%s: %s answers %v, %v, want %s", n.Name, path, a.Tokens, err, want)
	}
}
