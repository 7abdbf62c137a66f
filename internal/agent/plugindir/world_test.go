package plugindir

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// world is a node's folders without a node.
type world struct{ dir string }

// newWorld makes them in memory where that is possible: what is tested does not depend on a disk.
func newWorld(t *testing.T) world {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "searchpack-test-") // t.TempDir is on the disk
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := world{dir}
	for _, name := range []string{"plugins", "bin", "config"} {
		if err := os.Mkdir(w.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.write(t, "bin/opensearch", "#!/bin/sh")
	w.write(t, "config/opensearch.yml", "")
	return w
}

func (w world) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

func (w world) config() Config { return Config{Home: w.dir, Conf: w.path("config")} }

func (w world) open(t *testing.T) *Dir {
	t.Helper()
	return openWith(t, w.config())
}

func openWith(t *testing.T, c Config) *Dir {
	t.Helper()
	d, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func (w world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// holds lists the files of some folders with what is in them, and folders without files with a slash.
func (w world) holds(t *testing.T, folders ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(w.path(folder), func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(w.dir, name)
			rel = filepath.ToSlash(rel)
			switch {
			case e.IsDir():
				if in, _ := os.ReadDir(name); len(in) == 0 {
					out[rel+"/"] = ""
				}
			case e.Type().IsRegular():
				b, err := os.ReadFile(name)
				out[rel] = string(b)
				return err
			default:
				out[rel] = e.Type().String()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// made is a plugin's zip.
type made struct {
	Plugin
	zip []byte
}

// makePlugin makes the zip of a plugin with some files besides its descriptor and jar: "path=text".
func makePlugin(t *testing.T, name, version string, files ...string) made {
	t.Helper()
	in := []inspecttest.File{
		{Name: "plugin-descriptor.properties", Data: fmt.Appendf(nil, "name=%s\nversion=%s\n", name, version)},
		{Name: name + ".jar", Data: []byte("jar of " + name + " " + version)},
	}
	zip, err := inspecttest.Zip(append(in, inspecttest.Texts(files...)...))
	if err != nil {
		t.Fatal(err)
	}
	return asMade(t, name, zip)
}

func asMade(t *testing.T, name string, zip []byte) made {
	t.Helper()
	var out rule.Tally
	a, err := archive.Open(bytes.NewReader(zip), int64(len(zip)), archive.Limits{Unpacked: 1 << 20}, &out)
	if err != nil || a == nil {
		t.Fatal(err, out.Findings())
	}
	manifest, err := a.Manifest(&out)
	if err != nil || manifest == nil {
		t.Fatal(err, out.Findings())
	}
	return made{Plugin{Name: name, Folder: name, Zip: searchpack.DigestOf(zip), Size: int64(len(zip)), Manifest: manifest}, zip}
}

// makeConfig makes a configuration for the plugin of some files: "path=text".
func makeConfig(t *testing.T, name string, files ...string) made {
	t.Helper()
	zip, err := inspecttest.Zip(inspecttest.Texts(files...))
	if err != nil {
		t.Fatal(err)
	}
	m := asMade(t, name, zip)
	m.Part = searchpack.PartConfig
	return m
}

// makeLicense makes a license for the plugin.
func makeLicense(name, path, text string) made {
	return made{Plugin{
		Name: name, Folder: name, Part: searchpack.PartLicense, Path: path, Zip: searchpack.DigestOf([]byte(text)), Size: int64(len(text)),
	}, []byte(text)}
}

func (m made) id() searchpack.Digest { return ID(m.Part, m.Folder, m.Path, m.Zip) }

func (d *Dir) stageAll(t *testing.T, all ...made) []searchpack.Digest {
	t.Helper()
	var zips []searchpack.Digest
	for _, m := range all {
		if err := d.Stage(t.Context(), m.Plugin, bytes.NewReader(m.zip)); err != nil {
			t.Fatal(err)
		}
		zips = append(zips, m.id())
	}
	return zips
}

func (d *Dir) place(t *testing.T, all ...made) Result {
	t.Helper()
	res, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, all...)})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

func has(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("there is no error; want %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

// The change that is cut off in every way: alpha is updated, beta removed, gamma installed; delta is
// somebody else's, and alpha's configuration was edited.
type scene struct {
	world
	alpha2, gamma made
	before, after map[string]string // of plugins/ and bin/, and of the parts' files in config/
	parts         []made            // what comes besides
}

// newPartScene is a scene in which alpha's configuration is updated, beta's goes, and gamma comes with a
// license. Two of the files that alpha's takes the place of are somebody's own.
func newPartScene(t *testing.T) scene {
	t.Helper()
	s := newScene(t)
	s.write(t, "config/alpha/words.txt", "mine")
	s.write(t, "config/alpha/extra.txt", "mine, too")
	d := s.open(t)
	d.place(t, makeConfig(t, "alpha", "words.txt=w1", "deep/er/more.txt=m1"), makeConfig(t, "beta", "b.txt=b1"))
	if err := d.Forget(t.Context(), "alpha/config", "beta/config"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	s.parts = []made{makeConfig(t, "alpha", "words.txt=w2", "extra.txt=e2"), makeLicense("gamma", "lic/gamma.json", "{}")}
	s.before = s.now(t)
	for name, text := range map[string]string{"config/alpha/words.txt": "w2", "config/alpha/extra.txt": "e2", "config/gamma/lic/gamma.json": "{}"} {
		s.after[name] = text
	}
	return s
}

// keys of all that the scene's change is about.
func (s scene) keys() []string {
	keys := []string{"alpha", "beta", "gamma"}
	if s.parts != nil {
		keys = append(keys, "alpha/config", "beta/config", "gamma/license")
	}
	return keys
}

func (s scene) removes() []string {
	if s.parts != nil {
		return []string{"beta", "beta/config"}
	}
	return []string{"beta"}
}

// now is what lies there: plugins/, bin/ and the files of the parts.
func (s scene) now(t *testing.T) map[string]string {
	t.Helper()
	out := s.holds(t, "plugins", "bin")
	if s.parts == nil {
		return out
	}
	own := []string{"config/opensearch.yml", "config/alpha/alpha.yml", "config/alpha/alpha.yml.new", "config/alpha/more.yml"}
	for name, text := range s.holds(t, "config") {
		if !slices.Contains(own, name) && !strings.HasPrefix(name, "config/"+keptName) && !strings.HasSuffix(name, "/") && !strings.HasSuffix(name, halfName) {
			out[name] = text
		}
	}
	return out
}

func newScene(t *testing.T) scene {
	t.Helper()
	s := scene{world: newWorld(t)}
	s.write(t, "plugins/delta/plugin-descriptor.properties", "name=delta\n")
	s.write(t, "plugins/delta/delta.jar", "by hand")
	d := s.open(t)
	d.place(t, makePlugin(t, "alpha", "1", "bin/run=one", "config/alpha.yml=a: 1", "doc/deep/x.txt=x"), makePlugin(t, "beta", "1", "bin/b=b"))
	if err := d.Forget(t.Context(), "alpha", "beta"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	s.write(t, "config/alpha/alpha.yml", "edited")
	s.before = s.holds(t, "plugins", "bin")
	s.alpha2 = makePlugin(t, "alpha", "2", "bin/run=two", "config/alpha.yml=a: 2", "config/more.yml=m: 2")
	s.gamma = makePlugin(t, "gamma", "1", "bin/g=g")
	s.after = map[string]string{
		"bin/opensearch": "#!/bin/sh", "bin/alpha/run": "two", "bin/gamma/g": "g",
		"plugins/delta/plugin-descriptor.properties": "name=delta\n", "plugins/delta/delta.jar": "by hand",
		"plugins/alpha/plugin-descriptor.properties": "name=alpha\nversion=2\n", "plugins/alpha/alpha.jar": "jar of alpha 2",
		"plugins/gamma/plugin-descriptor.properties": "name=gamma\nversion=1\n", "plugins/gamma/gamma.jar": "jar of gamma 1",
	}
	return s
}

// set stages what the change needs.
func (s scene) set(t *testing.T, d *Dir) Set {
	return Set{Place: d.stageAll(t, append([]made{s.alpha2, s.gamma}, s.parts...)...), Remove: s.removes()}
}

// whole checks that plugins/ and bin/ are one or the other, and that nobody's configuration is lost or
// half there.
func (s scene) whole(t *testing.T, what string) (changed bool) {
	t.Helper()
	got := s.now(t)
	changed = maps.Equal(got, s.after)
	if !changed && !maps.Equal(got, s.before) {
		t.Errorf("%s: a mixture: %q", what, got)
	}
	s.checkConfig(t, what)
	return changed
}

func (s scene) checkConfig(t *testing.T, what string) {
	t.Helper()
	conf := s.holds(t, "config")
	if s.parts != nil {
		maps.DeleteFunc(conf, func(name, text string) bool {
			return strings.HasPrefix(name, "config/"+keptName) || strings.HasSuffix(name, "/") || s.before[name] == text || s.after[name] == text
		})
	}
	allowed := map[string][]string{
		"config/opensearch.yml": {""}, "config/alpha/alpha.yml": {"edited"}, "config/alpha/alpha.yml.new": {"a: 2"}, "config/alpha/more.yml": {"m: 2"},
	}
	for name, text := range conf {
		if !slices.Contains(allowed[name], text) {
			t.Errorf("%s: %s holds %q", what, name, text)
		}
	}
	if conf["config/alpha/alpha.yml"] != "edited" {
		t.Errorf("%s: the edited configuration is lost", what)
	}
}

func (m made) reader() *bytes.Reader { return bytes.NewReader(m.zip) }

func zipOf(digest string) searchpack.Digest { return searchpack.Digest(digest) }
