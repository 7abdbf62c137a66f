package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/distro"
)

// tagFilter is the plugin of testdata/tagplugin, and tags says how its versions tag tokens; "" = no
// node starts with the version.
const tagFilter = "searchpack-tags"

var (
	tags       = []string{"first", "second", ""}
	tagClasses = []string{"First", "Second", "Throws"}
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

// compiled returns the jar of testdata/tagplugin.
func compiled(t *testing.T, version string) []byte {
	t.Helper()
	home, err := distro.Layout(t.Context(), version, filepath.Join(t.TempDir(), "home"), distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	classes := t.TempDir()
	if err := home.Compile(t.Context(), []string{filepath.Join("testdata", "tagplugin", "Tags.java")}, []string{filepath.Join(home.Dir, "lib", "*")}, classes); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.AddFS(os.DirFS(classes)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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

// tagZip is a version of the plugin for "3.8.0". Its jar has a name of its own: were that of the version before
// left, no node would start. edits replace lines of the descriptor, or add some.
func tagZip(t *testing.T, target string, jar []byte, version int, edits ...string) []byte {
	t.Helper()
	java := "21"
	if strings.HasPrefix(target, "2.") {
		java = "11"
	}
	lines := []string{
		"name=" + tagFilter, "description=Tags tokens", fmt.Sprintf("version=%d.0.0", version), "opensearch.version=" + target,
		"java.version=" + java, "classname=searchpack.tags.Tags$" + tagClasses[version-1],
	}
	for _, e := range edits {
		key, _, _ := strings.Cut(e, "=")
		for i, l := range lines {
			if strings.HasPrefix(l, key+"=") {
				lines[i] = ""
			}
		}
		lines = append(lines, e)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range map[string][]byte{
		"plugin-descriptor.properties":      []byte(strings.Join(lines, "\n") + "\n"),
		fmt.Sprintf("tags-%d.jar", version): jar,
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
