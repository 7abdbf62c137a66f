package plugindir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

func TestStateFolder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(t *testing.T, w world, c *Config)
		words   string // "" = it is usable
	}{
		"beside":    {func(*testing.T, world, *Config) {}, ""},
		"elsewhere": {func(_ *testing.T, w world, c *Config) { c.State = w.path("own") }, ""},
		"beside what a link leads to": {func(t *testing.T, w world, c *Config) {
			must(t, errors.Join(os.Mkdir(w.path("volume"), 0o755), os.Rename(w.path("plugins"), w.path("volume/plugins")), os.Symlink("volume/plugins", w.path("plugins"))))
		}, ""},
		"in plugins": {func(_ *testing.T, w world, c *Config) { c.State = w.path("plugins/.state") }, "lie in each other"},
		"in it by links": {func(t *testing.T, w world, c *Config) {
			must(t, os.Symlink("plugins", w.path("link")))
			c.State = w.path("link/state")
		}, "lie in each other"},
		"around plugins": {func(_ *testing.T, w world, c *Config) { c.State = w.dir }, "lie in each other"},
		"plugins itself": {func(_ *testing.T, w world, c *Config) { c.State = w.path("plugins") }, "lie in each other"},
		"a link":         {func(t *testing.T, w world, c *Config) { must(t, os.Symlink("bin", w.path(StateName))) }, "is no folder, or a link to one"},
		"a file":         {func(t *testing.T, w world, c *Config) { w.write(t, StateName, "") }, "is no folder"},
		"relative":       {func(_ *testing.T, w world, c *Config) { c.State = "state" }, "must be an absolute path"},
		"for others": {func(t *testing.T, w world, c *Config) {
			must(t, errors.Join(os.Mkdir(w.path(StateName), 0o700), os.Chmod(w.path(StateName), 0o770)))
		}, "others than its owner can write"},
		"no plugins": {func(t *testing.T, w world, c *Config) { must(t, os.Remove(w.path("plugins"))) }, "the plugin folder"},
		"no config":  {func(_ *testing.T, w world, c *Config) { c.Conf = w.path("nothing") }, "the folder"},
		"no bin":     {func(t *testing.T, w world, c *Config) { must(t, os.RemoveAll(w.path("bin"))) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			conf := w.config()
			c.prepare(t, w, &conf)
			d, err := Open(conf)
			if c.words != "" {
				has(t, err, c.words)
				if plugins := w.path("plugins"); err == nil {
					t.Errorf("%s is worked in", plugins)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			d.place(t, makePlugin(t, "p", "1"))
			if drift, err := d.Verify(t.Context(), "p"); err != nil || drift != nil {
				t.Errorf("%v %v", drift, err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnotherOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	w := newWorld(t)
	must(t, errors.Join(os.Mkdir(w.path(StateName), 0o700), os.Chown(w.path(StateName), 12345, 12345)))
	_, err := Open(w.config())
	has(t, err, "belongs to uid 12345")
}

// Placed files get the owner that the plugins have which are there, else that of the folder.
func TestOwners(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	ownerAt := func(name string) string {
		info, err := os.Lstat(name)
		if err != nil {
			return err.Error()
		}
		uid, gid := ownerOf(info)
		return fmt.Sprint(uid, ":", gid)
	}
	w := newWorld(t)
	must(t, errors.Join(os.Chown(w.path("plugins"), 1001, 1002), os.Chown(w.path("bin"), 0, 1003), os.Chown(w.path("config"), 1004, 1005)))
	d := w.open(t)
	p := makePlugin(t, "p", "1", "bin/x=1", "config/c/p.yml=a")
	d.place(t, p)
	for name, want := range map[string]string{
		"plugins/p": "1001:1002", "plugins/p/p.jar": "1001:1002", "bin/p": "0:1003", "bin/p/x": "0:1003", "config/p": "1004:1005", "config/p/c": "1004:1005", "config/p/c/p.yml": "1004:1005",
	} {
		if got := ownerAt(w.path(name)); got != want {
			t.Errorf("%s belongs to %s, want %s", name, got, want)
		}
	}
	must(t, filepath.WalkDir(w.path("plugins/p"), func(name string, _ os.DirEntry, err error) error { return errors.Join(err, os.Chown(name, 0, 0)) }))
	d.place(t, makePlugin(t, "q", "1"))
	if got := ownerAt(w.path("plugins/q/q.jar")); got != "0:0" {
		t.Errorf("plugins/q belongs to %s", got)
	}
}

// A crash between making a folder in config/ and giving it its rights leaves one that OpenSearch may be
// unable to read.
func TestUnfinishedConfigFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, errors.Join(os.Mkdir(w.path("config/p"), 0o700), os.Mkdir(w.path("config/p/sub"), 0o711)))
	w.open(t).place(t, makePlugin(t, "p", "1", "config/sub/a.yml=a", "config/more/b.yml=b"))
	for name, mode := range map[string]os.FileMode{"p": 0o750, "p/sub": 0o711, "p/more": 0o750, "p/sub/a.yml": 0o660} {
		if info, err := os.Stat(w.path("config/" + name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, mode)
		}
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	if _, err := Open(w.config()); searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(err.Error(), "wait for it") {
		t.Error(err)
	}
	d.Close()
	w.open(t)
}

func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON": "{", "newer": `{"schema":2}`, "more": `{"schema":1,"placed":{},"former":{},"bogus":1}`, "two": `{"schema":1} {}`, "empty": "",
		"a way out":             `{"schema":1,"placed":{"../x":{"folder":"../x"}}}`,
		"another":               `{"schema":1,"placed":{"x":{"folder":"y"}}}`,
		"nothing":               `{"schema":1,"former":{"x":null}}`,
		"bad move":              `{"schema":1,"change":{"moves":[{"at":{"in":"config","name":"x"}}]}}`,
		"bad source":            `{"schema":1,"change":{"moves":[{"at":{"in":"plugins","name":"x"},"in":{"in":"config","name":"x"}}]}}`,
		"a way out of plugins":  `{"schema":1,"placed":{"x":{"folder":"x","tree":[{"path":"../y"}]}}}`,
		"a way out of bin":      `{"schema":1,"placed":{"x":{"folder":"x","bin":[{"path":"../opensearch"}]}}}`,
		"a way out of config":   `{"schema":1,"placed":{"x/config":{"folder":"x","part":"config","tree":[{"path":"../opensearch.yml"}]}}}`,
		"a folder that was not": `{"schema":1,"placed":{"x/config":{"folder":"x","part":"config","tree":[],"made":["../analyzers"]}}}`,
		"kept elsewhere":        `{"schema":1,"placed":{"x/config":{"folder":"x","part":"config","tree":[],"base":{"a":"../opensearch.yml"}}}}`,
		"former elsewhere":      `{"schema":1,"former":{"x/config":{"files":{"a":"../opensearch.yml"}}}}`,
		"former of another":     `{"schema":1,"former":{"x":{"plugin":{"folder":"y"}}}}`,
		"bad config":            `{"schema":1,"change":{"moves":[],"config":["../.."]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.open(t)
			d.place(t, makePlugin(t, "p", "1"))
			zips := d.stageAll(t, makePlugin(t, "p", "2"))
			w.write(t, StateName+"/record.json", text)
			before := w.holds(t, "plugins", StateName)
			_, err := d.Recover(t.Context())
			has(t, err, "record.json", "move the state folder away")
			_, err = d.Apply(t.Context(), Set{Place: zips})
			has(t, err, "record.json")
			has(t, d.Restore(t.Context(), "p"), "record.json")
			same(t, "nothing is touched", w.holds(t, "plugins", StateName), before)
		})
	}
	// A record that is gone, while former plugins are there that only it can name.
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makePlugin(t, "p", "1"))
	must(t, d.Forget(t.Context(), "p"))
	d.place(t, makePlugin(t, "p", "2"))
	must(t, os.Remove(w.path(StateName+"/record.json")))
	_, err := d.Recover(t.Context())
	has(t, err, `holds former plugins (["p"]) and no record.json`)
}

// Somebody works in plugins/ while a change is cut off: nothing of theirs is lost, and it is said.
func TestSomebodyCameBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makePlugin(t, "p", "1"))
	must(t, d.Forget(t.Context(), "p"))
	zips := d.stageAll(t, makePlugin(t, "p", "2"))
	d.before = func(o op) error {
		if o.to.In == inPlugins {
			return os.ErrClosed // as if the process had been killed
		}
		if o.kind == opRename && o.at.In == inState && o.to.Name == recordName && o.at.Name == beforeName {
			return os.ErrClosed
		}
		return nil
	}
	_, err := d.Apply(t.Context(), Set{Place: zips})
	has(t, err, ErrUncertain.Error())
	d.before = nil
	w.write(t, "plugins/p/mine", "mine")
	before := w.holds(t, "plugins")
	_, err = d.Recover(t.Context())
	has(t, err, "somebody put something at plugins/p", "former/p/plugin")
	same(t, "nothing is touched", w.holds(t, "plugins"), before)
	must(t, os.RemoveAll(w.path("plugins/p")))
	if got, err := d.Recover(t.Context()); err != nil || len(got.Undone) != 1 {
		t.Errorf("%v %v", got, err)
	}
	if got := w.holds(t, "plugins")["plugins/p/p.jar"]; got != "jar of p 1" {
		t.Errorf("%q", got)
	}
}

// What is staged is part of a change that was cut off: staging the same zip once more must not make
// the change look as if it had not begun.
func TestStagedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	running := false
	c := s.config()
	c.Stopped = func() error {
		if running {
			return errors.New("the node runs")
		}
		return nil
	}
	moves := 0
	c.before = func(o op) error {
		if o.to.In == inPlugins || o.to.In == inBin {
			moves++
		}
		if moves > 3 {
			return os.ErrClosed // as if the process had been killed: alpha is new, and gamma, but for its scripts
		}
		return nil
	}
	has(t, s.applyWith(t, c), ErrUncertain.Error())
	if s.mixture(t) == "" {
		t.Fatal("it was not cut off in the middle")
	}
	c.before, running = nil, true
	d := openWith(t, c)
	has(t, d.Stage(t.Context(), s.gamma.Plugin, s.gamma.reader()), "the node runs")
	has(t, d.Unstage(t.Context()), "the node runs")
	running = false
	if err := d.Stage(t.Context(), s.gamma.Plugin, s.gamma.reader()); err != nil {
		t.Fatal(err)
	}
	same(t, "staged", s.holds(t, "plugins", "bin"), s.before)
	d.Close()
	s.recovers(t, "staged meanwhile", false)
}

// Another mount is found before anything is made there.
func TestOtherMount(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), t.TempDir()
	here, err := os.Stat(w.dir)
	must(t, err)
	there, err := os.Stat(other)
	must(t, err)
	if here.Sys().(*syscall.Stat_t).Dev == there.Sys().(*syscall.Stat_t).Dev {
		t.Skip("there is one file system only")
	}
	c := w.config()
	c.State = filepath.Join(other, "state")
	_, err = Open(c)
	has(t, err, "does not lie in the same mount as plugins/", "let both lie in one mount")
	c = w.config()
	c.Bin = filepath.Join(other, "bin")
	must(t, os.Mkdir(c.Bin, 0o755))
	d := openWith(t, c)
	d.place(t, makePlugin(t, "p", "1"))
	_, err = d.Apply(t.Context(), Set{Place: d.stageAll(t, makePlugin(t, "q", "1", "bin/x=1"))})
	has(t, err, "a plugin has scripts for bin/", "same mount as bin/")
}

// A file of the configuration has so long a name that none is left for the .new beside it.
func TestLongNameOfAConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	name := strings.Repeat("n", 253)
	w.write(t, "config/p/"+name, "mine")
	if res := d.place(t, makePlugin(t, "p", "1", "config/"+name+"=theirs")); len(res.NewConfig) != 0 {
		t.Errorf("%+v", res)
	}
	same(t, "kept", w.conf(t), map[string]string{"config/opensearch.yml": "", "config/p/" + name: "mine"})
}

// What lies where files are put aside is somebody's: it is said before anything is changed.
func TestKeptFolderIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	must(t, os.Symlink("/etc", w.path("config/"+keptName)))
	set := Set{Place: d.stageAll(t, makeConfig(t, "p", "a=1"))}
	has(t, d.Try(t.Context(), set), "config/"+keptName+" is no folder: move it away")
	_, err := d.Apply(t.Context(), set)
	has(t, err, "config/"+keptName+" is no folder: move it away")
}

// A pipe in place of a file must not be waited for, and a link not followed.
func TestTraps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.open(t)
	d.place(t, makePlugin(t, "p", "1", "config/a.yml=a"))
	must(t, errors.Join(os.Remove(w.path("plugins/p/p.jar")), unix.Mkfifo(w.path("plugins/p/p.jar"), 0o644)))
	if drift, err := d.Verify(t.Context(), "p"); err != nil || len(drift) != 1 || drift[0] != (Drift{"plugins/p/p.jar", DriftForeign}) {
		t.Errorf("%v %v", drift, err)
	}
	// config/q leads out of the folder; config/r/a.yml is a link to what nobody may change.
	must(t, errors.Join(os.Symlink(w.path("bin"), w.path("config/q")), os.Mkdir(w.path("config/r"), 0o755), os.Symlink("../opensearch.yml", w.path("config/r/a.yml"))))
	_, err := d.Apply(t.Context(), Set{Place: d.stageAll(t, makePlugin(t, "q", "1", "config/a.yml=a"))})
	has(t, err, "nothing was changed", "is no folder: move it away")
	res := d.place(t, makePlugin(t, "r", "1", "config/a.yml=a"))
	if len(res.NewConfig) != 1 || w.holds(t, "config")["config/opensearch.yml"] != "" {
		t.Errorf("%+v", res)
	}
	if names := w.holds(t, "plugins", "bin"); names["plugins/q/q.jar"] != "" || names["bin/a.yml"] != "" {
		t.Errorf("%v", names)
	}
}

// The commit may have reached the disk or not when its sync fails; then the power goes at any later
// operation.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	for later, hit := 0, true; hit; later++ {
		s := newScene(t)
		c := s.config()
		committed, failed, after := false, false, 0
		hit = false
		c.before = func(o op) error {
			switch {
			case o.kind == opRename && o.at == state(afterName):
				committed = true
			case committed && !failed && o.kind == opSyncDir:
				failed = true
				return syscall.EIO
			case failed:
				if after++; after > later {
					hit = true
					return syscall.EIO
				}
			}
			return nil
		}
		if err := s.applyWith(t, c); err == nil {
			t.Fatal("it does not say so")
		}
		s.recovers(t, fmt.Sprintf("%d operations after the commit failed", later), false)
		_ = os.RemoveAll(s.dir)
	}
}
