package plugindir

import (
	"fmt"
	"os"
	"testing"
)

// moved is a node on which a file goes from the configuration to the license, one from the license's former
// path to the configuration, and one to the plugin's own configuration. Of the first there is one that
// somebody else had.
func moved(t *testing.T) (w world, set func(*Dir) Set, before, after map[string]string) {
	t.Helper()
	w = newWorld(t)
	w.write(t, "config/p/deep/l.json", "theirs")
	d := w.open(t)
	d.place(t, makePlugin(t, "p", "1"), makeConfig(t, "p", "deep/l.json=old", "own.yml=ours", "new/c.txt=c"), makeLicense("p", "lic.json", "{}"))
	must(t, d.Forget(t.Context(), "p", "p/config", "p/license"))
	before = w.conf(t)
	d.Close()
	after = map[string]string{
		"config/opensearch.yml": "", "config/p/deep/l.json": "{1}", "config/p/lic.json": "now of the configuration", "config/p/own.yml": "default", "config/p/new/c.txt": "c2",
	}
	return w, func(d *Dir) Set {
		return Set{Place: d.stageAll(t, makePlugin(t, "p", "2", "config/own.yml=default"), makeConfig(t, "p", "lic.json=now of the configuration", "new/c.txt=c2"), makeLicense("p", "deep/l.json", "{1}"))}
	}, before, after
}

func TestFilesMoveBetweenParts(t *testing.T) {
	t.Parallel()
	w, set, before, after := moved(t)
	d := w.open(t)
	res, err := d.Apply(t.Context(), set(d))
	if err != nil || len(res.NewConfig) != 0 {
		t.Fatal(res, err)
	}
	same(t, "moved", w.conf(t), after)
	for _, key := range []string{"p", "p/config", "p/license"} {
		if drift, err := d.Verify(t.Context(), key); err != nil || drift != nil {
			t.Errorf("%s: %v %v", key, drift, err)
		}
	}
	must(t, d.Restore(t.Context(), "p", "p/config", "p/license"))
	same(t, "restored", w.conf(t), before)
	must(t, os.Remove(w.path("config/p/own.yml"))) // somebody was there
	_, err = d.Apply(t.Context(), set(d))
	must(t, err)
	same(t, "moved again", w.conf(t), after)
	must(t, d.Forget(t.Context(), "p", "p/config", "p/license"))
	_, err = d.Apply(t.Context(), Set{Remove: []string{"p", "p/config", "p/license"}})
	must(t, err)
	must(t, d.Forget(t.Context(), "p", "p/config", "p/license"))
	same(t, "removed", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/deep/l.json": "theirs", "config/p/own.yml": "default"})
	if w.aside(t) != -1 {
		t.Errorf("%d files are kept aside", w.aside(t))
	}
	for _, dir := range []string{"config/p/new"} {
		if _, err := os.Stat(w.path(dir)); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}

// The folder that was made for the file goes with the part that has the file last.
func TestFolderMovesWithItsFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makeConfig(t, "p", "deep/l.json=old", "a=1"))
	must(t, d.Forget(t.Context(), "p/config"))
	d.place(t, makeConfig(t, "p", "a=2"), makeLicense("p", "deep/l.json", "{}"))
	must(t, d.Forget(t.Context(), "p/config", "p/license"))
	_, err := d.Apply(t.Context(), Set{Remove: []string{"p/config", "p/license"}})
	must(t, err)
	must(t, d.Forget(t.Context(), "p/config", "p/license"))
	same(t, "removed", w.conf(t), map[string]string{"config/opensearch.yml": ""})
}

// A part that does not change keeps its files, also from one that would come back.
func TestFileOfAPartThatStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makeConfig(t, "p", "x=1"))
	must(t, d.Forget(t.Context(), "p/config"))
	d.place(t, makeConfig(t, "p", "a=2"), makeLicense("p", "x", "{}"))
	before := w.conf(t)
	has(t, d.Restore(t.Context(), "p/config"), "config/p/x is the file of another package of this plugin (license)")
	same(t, "nothing changed", w.conf(t), before)
	must(t, d.Restore(t.Context(), "p/config", "p/license"))
	same(t, "restored", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/x": "1"})
}

// A move between parts is cut off, or fails, at every step: it is done as a whole, or not at all.
func TestMoveBetweenPartsFailsAtEveryStep(t *testing.T) {
	t.Parallel()
	for at, hit := 1, true; hit; at++ {
		w, set, before, after := moved(t)
		d := w.open(t)
		all := set(d)
		d.Close()
		n := 0
		hit = false
		c := w.config()
		c.before = func(o op) error {
			if n++; n >= at {
				hit = true
				return os.ErrClosed // as if the process had been killed
			}
			return nil
		}
		d = openOrNot(t, c)
		if d != nil {
			_, _ = d.Apply(t.Context(), all)
			d.Close()
		}
		d = w.open(t)
		if _, err := d.Recover(t.Context()); err != nil {
			t.Fatalf("step %d: %v", at, err)
		}
		got := w.files(t)
		if fmt.Sprint(got) != fmt.Sprint(before) && fmt.Sprint(got) != fmt.Sprint(after) {
			t.Errorf("step %d: a mixture: %v", at, got)
		}
		_, err := d.Apply(t.Context(), set(d))
		must(t, err)
		same(t, fmt.Sprintf("step %d, then applied", at), w.files(t), after)
		must(t, d.Restore(t.Context(), "p", "p/config", "p/license"))
		same(t, fmt.Sprintf("step %d, then restored", at), w.files(t), before)
		d.Close()
		_ = os.RemoveAll(w.dir)
		if !hit && at < 25 {
			t.Errorf("only %d steps", at)
		}
	}
}

func openOrNot(t *testing.T, c Config) *Dir {
	t.Helper()
	d, err := Open(c)
	if err != nil {
		return nil
	}
	return d
}

// files are those in config/, without empty folders and without what a cut-off copy may leave.
func (w world) files(t *testing.T) map[string]string {
	t.Helper()
	out := w.conf(t)
	for name := range out {
		if name[len(name)-1] == '/' {
			delete(out, name)
		}
	}
	return out
}

// Try says what would be refused, for files of configurations too, and changes nothing.
func TestTry(t *testing.T) {
	t.Parallel()
	w, set, before, _ := moved(t)
	d := w.open(t)
	all := set(d)
	must(t, d.Try(t.Context(), all))
	same(t, "tried", w.conf(t), before)
	must(t, os.RemoveAll(w.path("config/p/new")))
	w.write(t, "config/p/new", "a file")
	has(t, d.Try(t.Context(), all), "config/p/new is no folder: move it away")
	_, err := d.Apply(t.Context(), all)
	has(t, err, "config/p/new is no folder: move it away")
	other := makePlugin(t, "q", "1", "config/a.yml=a")
	must(t, os.Symlink("p", w.path("config/q")))
	has(t, d.Try(t.Context(), Set{Place: d.stageAll(t, other)}), "config/q is no folder: move it away")
	w.write(t, "plugins/q/q.jar", "by hand")
	has(t, d.Try(t.Context(), Set{Place: d.stageAll(t, other)}), "plugins/q was not placed by Searchpack")
}
