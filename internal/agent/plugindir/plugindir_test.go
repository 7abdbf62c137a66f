package plugindir

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func TestApply(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	d := s.open(t)
	set := s.set(t, d)
	same(t, "staging changes nothing", s.holds(t, "plugins", "bin"), s.before)
	res, err := d.Apply(t.Context(), set)
	want := Result{Placed: []string{"alpha", "gamma"}, Removed: []string{"beta"}, NewConfig: []string{"config/alpha/alpha.yml.new"}}
	if diff := cmp.Diff(want, res); diff != "" || err != nil {
		t.Fatalf("%v\n%s", err, diff)
	}
	same(t, "plugins/ and bin/", s.holds(t, "plugins", "bin"), s.after)
	same(t, "config/", s.holds(t, "config"), map[string]string{
		"config/opensearch.yml": "", "config/alpha/alpha.yml": "edited", "config/alpha/alpha.yml.new": "a: 2", "config/alpha/more.yml": "m: 2",
	})
	for name, mode := range map[string]fs.FileMode{
		"plugins/alpha": 0o755, "plugins/alpha/alpha.jar": 0o644, "bin/alpha": 0o755, "bin/alpha/run": 0o755,
		"config/alpha": 0o750, "config/alpha/more.yml": 0o660, StateName: 0o700,
	} {
		if info, err := os.Stat(s.path(name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
	for _, folder := range []string{"alpha", "gamma"} {
		if drift, err := d.Verify(t.Context(), folder); err != nil || drift != nil {
			t.Errorf("%s: %v %v", folder, drift, err)
		}
	}
}

func TestAgainAndBack(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	d := s.open(t)
	if _, err := d.Apply(t.Context(), s.set(t, d)); err != nil {
		t.Fatal(err)
	}
	formers, err := d.Formers()
	if err != nil || len(formers) != 3 || formers["alpha"].Plugin == nil || formers["gamma"].Plugin != nil || !formers["beta"].Bin {
		t.Errorf("%+v, %v", formers, err)
	}
	placed, err := d.Placed()
	if err != nil || len(placed) != 2 || placed[0].Zip != s.alpha2.Zip || placed[1].Name != "gamma" || placed[1].Adopted {
		t.Errorf("%+v, %v", placed, err)
	}
	// Again: nothing to do, and the former plugins stay.
	res, err := d.Apply(t.Context(), s.set(t, d))
	if diff := cmp.Diff(Result{Unchanged: []string{"alpha", "gamma"}}, res); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if err := d.Restore(t.Context(), "alpha", "beta", "gamma"); err != nil {
		t.Fatal(err)
	}
	same(t, "restored", s.holds(t, "plugins", "bin"), s.before)
	has(t, d.Restore(t.Context(), "alpha"), "no former plugin")
	for name := range s.holds(t, StateName) {
		if name != StateName+"/lock" && name != StateName+"/record.json" && !strings.HasSuffix(name, "/") {
			t.Errorf("left over: %s", name)
		}
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	d := s.open(t)
	if _, err := d.Apply(t.Context(), s.set(t, d)); err != nil {
		t.Fatal(err)
	}
	if err := d.Forget(t.Context(), "alpha", "nobody"); err != nil {
		t.Fatal(err)
	}
	has(t, d.Restore(t.Context(), "beta", "alpha"), `no former plugin is kept for the folder "alpha"`)
	same(t, "all or none", s.holds(t, "plugins", "bin"), s.after)
	if err := d.Restore(t.Context(), "beta"); err != nil {
		t.Fatal(err)
	}
	s.after["plugins/beta/plugin-descriptor.properties"], s.after["plugins/beta/beta.jar"], s.after["bin/beta/b"] = "name=beta\nversion=1\n", "jar of beta 1", "b"
	same(t, "beta is back", s.holds(t, "plugins", "bin"), s.after)
	if _, err := os.Stat(s.path(StateName + "/former/alpha")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the forgotten plugin is still there: %v", err)
	}
}

// What was never proven is no former plugin: after two updates the proven one comes back.
func TestUnproven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makePlugin(t, "p", "1", "bin/x=1"))
	if err := d.Forget(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	before := w.holds(t, "plugins", "bin")
	d.place(t, makePlugin(t, "p", "2"))
	d.place(t, makePlugin(t, "p", "3", "bin/y=3"))
	if err := d.Restore(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	same(t, "restored", w.holds(t, "plugins", "bin"), before)
}

func TestForeign(t *testing.T) {
	t.Parallel()
	v1, v2 := makePlugin(t, "p", "1", "bin/x=1", "lib/bin/tool=t"), makePlugin(t, "p", "2", "bin/x=2")
	byHand := func(t *testing.T, w world) {
		w.write(t, "plugins/p/plugin-descriptor.properties", "name=p\nversion=1\n")
		w.write(t, "plugins/p/p.jar", "jar of p 1")
		w.write(t, "plugins/p/lib/bin/tool", "t")
		w.write(t, "bin/p/x", "1")
		if err := errors.Join(os.Chmod(w.path("bin/p/x"), 0o755), os.Chmod(w.path("plugins/p/lib/bin/tool"), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("adopted", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		byHand(t, w)
		if err := os.Mkdir(w.path("plugins/p/empty"), 0o755); err != nil {
			t.Fatal(err)
		}
		before := w.holds(t, "plugins", "bin")
		d := w.open(t)
		if res := d.place(t, v1); !slices.Equal(res.Adopted, []string{"p"}) || len(res.Placed) > 0 {
			t.Errorf("%+v", res)
		}
		same(t, "adopted", w.holds(t, "plugins", "bin"), before)
		if placed, err := d.Placed(); err != nil || len(placed) != 1 || !placed[0].Adopted {
			t.Errorf("%+v %v", placed, err)
		}
		d.place(t, v2)
		if err := d.Restore(t.Context(), "p"); err != nil {
			t.Fatal(err)
		}
		same(t, "updated and restored", w.holds(t, "plugins", "bin"), before)
	})
	for name, c := range map[string]struct {
		change func(*testing.T, world)
		words  []string
	}{
		"another jar":     {func(t *testing.T, w world) { w.write(t, "plugins/p/p.jar", "jar of p X") }, []string{"plugins/p was not placed", "by hand"}},
		"another version": {func(t *testing.T, w world) { w.write(t, "plugins/p/plugin-descriptor.properties", "name=q\n") }, []string{"plugins/p was not placed"}},
		"one file more":   {func(t *testing.T, w world) { w.write(t, "plugins/p/more.jar", "m") }, []string{"plugins/p was not placed"}},
		"other scripts":   {func(t *testing.T, w world) { w.write(t, "bin/p/x", "2") }, []string{"plugins/p was not placed"}},
		"a link": {func(t *testing.T, w world) {
			if err := errors.Join(os.Rename(w.path("plugins/p"), w.path("elsewhere")), os.Symlink("../elsewhere", w.path("plugins/p"))); err != nil {
				t.Fatal(err)
			}
		}, []string{"plugins/p was not placed"}},
		"a file": {func(t *testing.T, w world) {
			if err := os.RemoveAll(w.path("plugins/p")); err != nil {
				t.Fatal(err)
			}
			w.write(t, "plugins/p", "")
		}, []string{"plugins/p was not placed"}},
		"scripts only": {func(t *testing.T, w world) {
			if err := os.RemoveAll(w.path("plugins/p")); err != nil {
				t.Fatal(err)
			}
		}, []string{"bin/p was not placed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			byHand(t, w)
			c.change(t, w)
			before := w.holds(t, "plugins", "bin", "config")
			d := w.open(t)
			other := makePlugin(t, "other", "1")
			_, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, other, v1)})
			has(t, err, c.words...)
			same(t, "nothing is touched", w.holds(t, "plugins", "bin", "config"), before)
		})
	}
	t.Run("removed by hand and installed anew", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		d := w.open(t)
		d.place(t, v2)
		if err := os.RemoveAll(w.path("plugins/p")); err != nil {
			t.Fatal(err)
		}
		w.write(t, "plugins/p/plugin-descriptor.properties", "name=p\nversion=9\n")
		before := w.holds(t, "plugins", "bin")
		_, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, v1)})
		has(t, err, "plugins/p was not placed")
		_, err = d.Apply(t.Context(), Set{Remove: []string{"p"}})
		has(t, err, "plugins/p was not placed")
		has(t, d.Restore(t.Context(), "p"), "plugins/p was not placed")
		same(t, "nothing is touched", w.holds(t, "plugins", "bin"), before)
	})
	t.Run("removing what Searchpack did not place", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		byHand(t, w)
		_, err := w.open(t).Apply(t.Context(), Set{Remove: []string{"p"}})
		has(t, err, "plugins/p was not placed")
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makePlugin(t, "p", "1", "doc/a.txt=a", "bin/x=1"))
	if err := errors.Join(
		os.Remove(w.path("plugins/p/doc/a.txt")), os.Chmod(w.path("plugins/p"), 0o700),
		os.Symlink("p.jar", w.path("plugins/p/q.jar")), os.Mkdir(w.path("plugins/p/dir.jar"), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	w.write(t, "plugins/p/p.jar", "jar of p X")
	w.write(t, "bin/p/y", "")
	got, err := d.Verify(t.Context(), "p")
	want := []Drift{
		{"plugins/p", DriftRights}, {"plugins/p/dir.jar", DriftForeign}, {"plugins/p/doc/a.txt", DriftMissing}, {"plugins/p/p.jar", DriftChanged}, {"plugins/p/q.jar", DriftForeign},
		{"bin/p/y", DriftForeign},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if s := want[3].String(); s != "plugins/p/p.jar has other bytes" {
		t.Error(s)
	}
	// What drifted is mended by placing it anew, and kept until that is proven.
	if res := d.place(t, makePlugin(t, "p", "1", "doc/a.txt=a", "bin/x=1")); !slices.Equal(res.Placed, []string{"p"}) {
		t.Errorf("%+v", res)
	}
	if got, err := d.Verify(t.Context(), "p"); err != nil || got != nil {
		t.Errorf("%v %v", got, err)
	}
	if err := os.Chmod(w.path("plugins/p/p.jar"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Verify(t.Context(), "p"); err != nil || len(got) != 1 || got[0].What != DriftRights {
		t.Errorf("%v %v", got, err)
	}
	if err := os.RemoveAll(w.path("plugins/p")); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Verify(t.Context(), "p"); err != nil || len(got) != 1 || got[0] != (Drift{"plugins/p", DriftMissing}) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := d.Verify(t.Context(), "q"); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Error(err)
	}
}

func TestStageRefuses(t *testing.T) {
	t.Parallel()
	good := makePlugin(t, "p", "1", "bin/x=1")
	change := func(f func(*made)) made {
		m := good
		m.Manifest = slices.Clone(good.Manifest)
		f(&m)
		return m
	}
	for name, c := range map[string]struct {
		m     made
		words string
	}{
		"other bytes":     {change(func(m *made) { m.zip = append(slices.Clone(m.zip[:len(m.zip)-1]), 'x') }), "has the digest"},
		"too short":       {change(func(m *made) { m.zip = m.zip[:10] }), "has the digest"},
		"no zip":          {change(func(m *made) { m.zip, m.Zip, m.Size = []byte("no"), searchpack.DigestOf([]byte("no")), 2 }), "is not taken"},
		"a file less":     {change(func(m *made) { m.Manifest = m.Manifest[:len(m.Manifest)-1] }), "not in the manifest"},
		"a file more":     {change(func(m *made) { m.Manifest = append(m.Manifest, searchpack.ManifestEntry{Path: "y", Digest: m.Zip}) }), "lacks 1 files"},
		"another size":    {change(func(m *made) { m.Manifest[1].Size++ }), "another size"},
		"another digest":  {change(func(m *made) { m.Manifest[1].Digest = m.Zip }), "has other bytes"},
		"no descriptor":   {change(func(m *made) { m.Manifest = m.Manifest[1:] }), "no plugin-descriptor.properties"},
		"a way out":       {change(func(m *made) { m.Manifest[1].Path = "../x" }), "no zip of a plugin has"},
		"bin is a file":   {change(func(m *made) { m.Manifest[2].Path = "bin" }), "has to be a folder"},
		"bin has folders": {change(func(m *made) { m.Manifest[2].Path = "bin/a/b" }), "has a folder in it"},
		"no manifest":     {change(func(m *made) { m.Manifest = nil }), "0 files"},
		"a hidden folder": {change(func(m *made) { m.Folder = ".p" }), "no folder of a plugin"},
		"two folders":     {change(func(m *made) { m.Folder = "a/b" }), "no folder of a plugin"},
		"up":              {change(func(m *made) { m.Folder = ".." }), "no folder of a plugin"},
		"no folder":       {change(func(m *made) { m.Folder = "" }), "no folder of a plugin"},
		"no digest":       {change(func(m *made) { m.Zip = "../../x" }), "a digest has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.open(t)
			has(t, d.Stage(t.Context(), c.m.Plugin, bytes.NewReader(c.m.zip)), c.words)
			same(t, "nothing is left", w.holds(t, StateName+"/staged"), map[string]string{StateName + "/staged/": ""})
		})
	}
}

func TestSets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	p, q := makePlugin(t, "p", "1"), makePlugin(t, "p", "2")
	zips := d.stageAll(t, p, q)
	for words, set := range map[string]Set{
		"two plugins for plugins/p": {Place: zips},
		"at once":                   {Place: zips[:1], Remove: []string{"p"}},
		"is not staged":             {Place: []searchpack.Digest{searchpack.DigestOf(nil)}},
		"a digest has":              {Place: []searchpack.Digest{"x"}},
		"no folder of a plugin":     {Remove: []string{"../config"}},
	} {
		_, err := d.Apply(t.Context(), set)
		has(t, err, words)
	}
	if res, err := d.Apply(t.Context(), Set{Remove: []string{"nobody"}}); err != nil || len(res.Removed) > 0 {
		t.Errorf("%+v %v", res, err)
	}
	// A staged plugin that was damaged is not placed, and staged anew.
	w.write(t, StateName+"/staged/"+string(p.Zip)+"/tree/p.jar", "JAR of p 1")
	_, err := d.Apply(t.Context(), Set{Place: zips[:1]})
	has(t, err, "is damaged", "stage it anew")
	if res := d.place(t, p); !slices.Equal(res.Placed, []string{"p"}) {
		t.Errorf("%+v", res)
	}
	if err := d.Unstage(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = d.Apply(t.Context(), Set{Place: zips[1:]})
	has(t, err, "is not staged")
}

func TestNotWhileTheNodeRuns(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	running := true
	c := s.config()
	c.Stopped = func() error {
		if running {
			return errors.New("the process 7 runs")
		}
		return nil
	}
	d := openWith(t, c)
	set := s.set(t, d)
	_, err := d.Apply(t.Context(), set)
	has(t, err, "only while the node is stopped", "the process 7 runs")
	same(t, "nothing is touched", s.holds(t, "plugins", "bin"), s.before)
	running = false
	if _, err := d.Apply(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	running = true
	has(t, d.Restore(t.Context(), "alpha"), "only while the node is stopped")
	if err := d.Forget(t.Context(), "alpha"); err != nil {
		t.Error(err)
	}
}

// A version with another custom.foldername: a node does not start with a plugin that lies there twice.
func TestAnotherFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makePlugin(t, "p", "1", "bin/run=1"))
	must(t, d.Forget(t.Context(), "p"))
	before := w.holds(t, "plugins", "bin")
	moved := makePlugin(t, "p", "2", "bin/run=2")
	moved.Folder = "q"
	res := d.place(t, moved)
	after := map[string]string{
		"bin/opensearch": "#!/bin/sh", "bin/q/run": "2", "plugins/q/plugin-descriptor.properties": "name=p\nversion=2\n", "plugins/q/p.jar": "jar of p 2",
	}
	same(t, "moved", w.holds(t, "plugins", "bin"), after)
	if !slices.Equal(res.Placed, []string{"q"}) || !slices.Equal(res.Removed, []string{"p"}) {
		t.Errorf("%+v", res)
	}
	must(t, d.Restore(t.Context(), "p", "q"))
	same(t, "restored", w.holds(t, "plugins", "bin"), before)
	// Somebody else's plugin of that name is not touched: whoever looks before refuses.
	w.write(t, "plugins/r/plugin-descriptor.properties", "name=p\n")
	moved.Folder = "s"
	_, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, moved), Replaced: []string{"p", "s"}})
	must(t, err)
	if got := w.holds(t, "plugins"); got["plugins/r/plugin-descriptor.properties"] == "" || got["plugins/s/p.jar"] == "" || got["plugins/p/p.jar"] != "" {
		t.Errorf("%v", got)
	}
}
