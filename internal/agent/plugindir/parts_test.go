package plugindir

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// conf is what lies in config/ but for the folder for what is kept.
func (w world) conf(t *testing.T) map[string]string {
	t.Helper()
	out := w.holds(t, "config")
	for name := range out {
		if strings.HasPrefix(name, "config/"+keptName) {
			delete(out, name)
		}
	}
	return out
}

// aside counts the files in the folder for what is kept; -1: there is none.
func (w world) aside(t *testing.T) int {
	t.Helper()
	in, err := os.ReadDir(w.path("config/" + keptName))
	if err != nil {
		return -1
	}
	return len(in)
}

// A plugin comes with its configuration and its license, the configuration is updated, and all of it goes:
// what was there before is there again, the plugin's own default too.
func TestPartsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(t, "config/p/theirs.yml", "by hand")
	d := w.open(t)
	plug := makePlugin(t, "p", "1", "config/words.txt=default", "config/rest.txt=rest")
	res := d.place(t, makeConfig(t, "p", "words.txt=w1", "theirs.yml=ours", "deep/er/x.txt=x"), makeLicense("p", "lic/p.json", "{}"), plug)
	if diff := cmp.Diff([]string{"p", "p/config", "p/license"}, res.Placed); diff != "" {
		t.Error(diff)
	}
	after := map[string]string{
		"config/opensearch.yml": "", "config/p/words.txt": "w1", "config/p/theirs.yml": "ours", "config/p/deep/er/x.txt": "x",
		"config/p/rest.txt": "rest", "config/p/lic/p.json": "{}",
	}
	same(t, "placed", w.conf(t), after)
	for name, mode := range map[string]fs.FileMode{"config/p/words.txt": configMode, "config/p/deep": configDirMode, "config/p/lic/p.json": configMode, "config/" + keptName: configDirMode} {
		if info, err := os.Stat(w.path(name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	placed, err := d.Placed()
	if err != nil || len(placed) != 3 {
		t.Fatalf("%v, %v", placed, err)
	}
	for _, x := range placed {
		if drift, err := d.Verify(t.Context(), x.Key()); err != nil || drift != nil {
			t.Errorf("%s: %v %v", x.Key(), drift, err)
		}
	}

	res = d.place(t, makeConfig(t, "p", "words.txt=w2", "y.txt=y"))
	delete(after, "config/p/deep/er/x.txt")
	after["config/p/words.txt"], after["config/p/theirs.yml"], after["config/p/y.txt"] = "w2", "by hand", "y"
	same(t, "updated", w.conf(t), after)
	if len(res.NewConfig) != 0 {
		t.Errorf("beside: %v", res.NewConfig)
	}

	if _, err := d.Apply(t.Context(), Set{Remove: []string{"p/config", "p", "p/license"}}); err != nil {
		t.Fatal(err)
	}
	same(t, "removed", w.conf(t), map[string]string{
		"config/opensearch.yml": "", "config/p/words.txt": "default", "config/p/rest.txt": "rest", "config/p/theirs.yml": "by hand",
	})
	if err := d.Forget(t.Context(), "p", "p/config", "p/license"); err != nil || w.aside(t) != -1 {
		t.Errorf("%v; %d files are kept aside", err, w.aside(t))
	}
}

// A configuration for a folder that nobody had leaves none behind.
func TestPartsLeaveNoFolders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makeConfig(t, "p", "a/b/c.txt=c"))
	if err := d.Forget(t.Context(), "p/config"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), Set{Remove: []string{"p/config"}}); err != nil {
		t.Fatal(err)
	}
	same(t, "removed", w.conf(t), map[string]string{"config/opensearch.yml": ""})
	if err := d.Restore(t.Context(), "p/config"); err != nil {
		t.Fatal(err)
	}
	same(t, "restored", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/a/b/c.txt": "c"})
	if _, err := d.Apply(t.Context(), Set{Remove: []string{"p/config", "nobody/license"}}); err != nil {
		t.Fatal(err)
	}
	same(t, "removed again", w.conf(t), map[string]string{"config/opensearch.yml": ""})
}

// The version that was proven last comes back, with what was there before it, after updates that were not.
func TestPartsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.write(t, "config/p/"+name, "theirs "+name)
	}
	d := w.open(t)
	d.place(t, makeConfig(t, "p", "a=1", "b=1"))
	if err := d.Forget(t.Context(), "p/config"); err != nil {
		t.Fatal(err)
	}
	before := w.conf(t)
	d.place(t, makeConfig(t, "p", "b=2", "c=2"))
	d.place(t, makeConfig(t, "p", "a=3", "c=3"))
	same(t, "after two", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/a": "3", "config/p/b": "theirs b", "config/p/c": "3"})
	if err := d.Restore(t.Context(), "p/config"); err != nil {
		t.Fatal(err)
	}
	same(t, "restored", w.conf(t), before)
	if w.aside(t) != 2 {
		t.Errorf("%d files are kept aside, of which two are theirs", w.aside(t))
	}
	if _, err := d.Apply(t.Context(), Set{Remove: []string{"p/config"}}); err != nil {
		t.Fatal(err)
	}
	same(t, "removed", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/a": "theirs a", "config/p/b": "theirs b", "config/p/c": "theirs c"})
}

// What somebody has done to the files is said, and mended by placing them again.
func TestPartsChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	conf := makeConfig(t, "p", "a=1", "b=1", "c=1", "d/e=1")
	d.place(t, conf)
	w.write(t, "config/p/a", "2")
	for _, name := range []string{"b", "c", "d"} {
		if err := os.RemoveAll(w.path("config/p/" + name)); err != nil {
			t.Fatal(err)
		}
	}
	w.write(t, "config/p/d", "no folder any more")
	if err := os.Symlink("/etc/passwd", w.path("config/p/c")); err != nil {
		t.Fatal(err)
	}
	drift, err := d.Verify(t.Context(), "p/config")
	want := []Drift{{"config/p/a", DriftChanged}, {"config/p/b", DriftMissing}, {"config/p/c", DriftForeign}, {"config/p/d/e", DriftMissing}}
	if diff := cmp.Diff(want, drift); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	set := Set{Place: d.stageAll(t, conf)}
	_, err = d.Apply(t.Context(), set)
	has(t, err, "config/p/d")
	if err := os.Remove(w.path("config/p/d")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	same(t, "mended", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/a": "1", "config/p/b": "1", "config/p/c": "1", "config/p/d/e": "1"})
	res, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, conf)})
	if diff := cmp.Diff(Result{Unchanged: []string{"p/config"}}, res); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// A license that is for another path lies there alone.
func TestLicenseMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makeLicense("p", "old/l.json", "{}"))
	d.place(t, makeLicense("p", "l.json", "{}"))
	same(t, "moved", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/l.json": "{}"})
}

// Nothing is touched when it cannot be done, and nobody's folder or link is written through.
func TestPartsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	w.write(t, "config/other/x", "x")
	w.write(t, "config/p/folder/x", "x")
	if err := os.Symlink("other", w.path("config/linked")); err != nil {
		t.Fatal(err)
	}
	before := w.conf(t)
	for name, c := range map[string]struct {
		all  []made
		want string
	}{
		"a folder in its place": {[]made{makeConfig(t, "p", "folder=f")}, "is a folder"},
		"a link":                {[]made{makeConfig(t, "linked", "x=y")}, "config/linked is no folder"},
		"one file twice":        {[]made{makeConfig(t, "q", "license.json=1"), makeLicense("q", "license.json", "2")}, "of the license and of the configuration"},
		"one key twice":         {[]made{makeConfig(t, "q", "a=1"), makeConfig(t, "q", "a=2")}, "at once"},
	} {
		_, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, c.all...)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.Unstage(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, name, w.conf(t), before)
	}
	d.place(t, makeConfig(t, "q", "license.json=1"))
	_, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, makeLicense("q", "license.json", "2"))})
	has(t, err, "another package of this plugin (config)")
	_, err = d.Apply(t.Context(), Set{Remove: []string{"q/other"}})
	has(t, err, "no part of a plugin")
}

func TestPartsNotStaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	license := makeLicense("p", "l.json", "{}")
	license.zip = []byte("[]")
	has(t, d.Stage(t.Context(), license.Plugin, license.reader()), "has the digest")
	for _, path := range []string{"", ".", "../l.json", "/l.json", "a//b", "a/..b", "a/./b", "ä"} {
		m := makeLicense("p", path, "{}")
		if err := d.Stage(t.Context(), m.Plugin, m.reader()); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%q: %v", path, err)
		}
	}
	conf := makeConfig(t, "p", halfName+"=1")
	has(t, d.Stage(t.Context(), conf.Plugin, conf.reader()), "one of Searchpack's own")
	conf = makeConfig(t, "p", "a=1")
	conf.Manifest = nil
	has(t, d.Stage(t.Context(), conf.Plugin, conf.reader()), "0 files")
	conf = makeConfig(t, "p", "a=1")
	conf.Manifest[0].Path = "../a"
	has(t, d.Stage(t.Context(), conf.Plugin, conf.reader()), "no configuration has")
	conf.Folder = "jvm.options.d"
	has(t, d.Stage(t.Context(), conf.Plugin, conf.reader()), "belongs to no plugin")
	conf.Folder, conf.Part = "p", "other"
	has(t, d.Stage(t.Context(), conf.Plugin, conf.reader()), "no part of a plugin")
	if staged, err := d.Staged(); err != nil || len(staged) != 0 {
		t.Errorf("%v, %v", staged, err)
	}
	// The same bytes for two plugins are two things.
	a, b := makeConfig(t, "p", "a=1"), makeConfig(t, "q", "a=1")
	if a.Zip != b.Zip || a.id() == b.id() {
		t.Error(a.Zip, b.Zip, a.id(), b.id())
	}
	d.place(t, a, b)
	same(t, "placed", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/a": "1", "config/q/a": "1"})
}

// A state folder that was lost says nothing about what lies aside: it may be somebody's, and stays.
func TestKeptFilesOfALostRecordStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(t, "config/p/a", "theirs")
	d := w.open(t)
	d.place(t, makeConfig(t, "p", "a=1"))
	d.Close()
	if err := os.RemoveAll(w.path(StateName)); err != nil {
		t.Fatal(err)
	}
	d = w.open(t)
	d.place(t, makeConfig(t, "p", "a=2"))
	if _, err := d.Apply(t.Context(), Set{Remove: []string{"p/config"}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Forget(t.Context(), "p/config"); err != nil {
		t.Fatal(err)
	}
	same(t, "what was there", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/a": "1"})
	found := false
	for _, text := range w.holds(t, "config/"+keptName) {
		found = found || text == "theirs"
	}
	if !found {
		t.Error("their file is lost")
	}
}

// A record that would have files moved elsewhere is not believed.
func TestPartsOfADamagedRecord(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a key":           `{"schema":1,"placed":{"p/config":{"name":"p","folder":"q","part":"config"}}}`,
		"a part":          `{"schema":1,"placed":{"p/other":{"name":"p","folder":"p","part":"other"}}}`,
		"out of config":   `{"schema":1,"change":{"moves":[{"at":{"in":"config","name":"p/../../x"}}]}}`,
		"opensearch.yml":  `{"schema":1,"change":{"moves":[{"at":{"in":"config","name":"opensearch.yml"}}]}}`,
		"from elsewhere":  `{"schema":1,"change":{"moves":[{"at":{"in":"config","name":"p/x"},"in":{"in":"state","name":"x"}}]}}`,
		"into config":     `{"schema":1,"change":{"moves":[{"at":{"in":"config","name":"p/x"},"out":{"in":"config","name":"q/x"}}]}}`,
		"out of the kept": `{"schema":1,"change":{"moves":[{"at":{"in":"config","name":"p/x"},"out":{"in":"config","name":".searchpack-plugins/../x"}}]}}`,
	} {
		w := newWorld(t)
		d := w.open(t)
		w.write(t, StateName+"/"+recordName, text)
		if _, err := d.Recover(t.Context()); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
