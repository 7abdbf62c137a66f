package plugindir

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// The child process carries out the scene's change, or puts it back, and kills itself (SIGKILL: no
// defer runs, nothing is flushed) before the operation that its environment names.
const (
	crashDirEnv  = "SEARCHPACK_TEST_CRASH_DIR"
	crashStepEnv = "SEARCHPACK_TEST_CRASH_STEP"
	crashWhatEnv = "SEARCHPACK_TEST_CRASH_WHAT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func crashChild(dir string) error {
	at, err := strconv.Atoi(os.Getenv(crashStepEnv))
	if err != nil {
		return err
	}
	n := 0
	c := world{dir}.config()
	c.before = func(op) error {
		if n++; n == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal comes
		}
		return nil
	}
	d, err := Open(c)
	if err != nil {
		return err
	}
	defer d.Close()
	if os.Getenv(crashWhatEnv) == "restore" {
		return d.Restore(context.Background(), scene{parts: []made{}}.keys()...)
	}
	set := Set{Remove: scene{parts: []made{}}.removes()}
	names, err := os.ReadDir(world{dir}.path(StateName + "/staged"))
	for _, e := range names {
		if digest := e.Name(); len(digest) == 64 {
			set.Place = append(set.Place, zipOf(digest))
		}
	}
	if err == nil {
		_, err = d.Apply(context.Background(), set)
	}
	return err
}

func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"apply", "restore"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			seen := map[bool]int{}
			for at := 1; ; at++ {
				s := newPartScene(t)
				d := s.open(t)
				set := s.set(t, d)
				if what == "restore" {
					if _, err := d.Apply(t.Context(), set); err != nil {
						t.Fatal(err)
					}
				}
				d.Close()
				cmd := exec.CommandContext(t.Context(), self)
				cmd.Env = append(os.Environ(), crashDirEnv+"="+s.dir, crashStepEnv+"="+strconv.Itoa(at), crashWhatEnv+"="+what)
				out, err := cmd.CombinedOutput()
				killed := err != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
				if err != nil && !killed {
					t.Fatalf("step %d: %v %s", at, err, out)
				}
				seen[s.recovers(t, fmt.Sprintf("killed at step %d", at), what == "restore")]++
				if !killed {
					if at < 25 || seen[true] < 2 || seen[false] < 2 {
						t.Errorf("%d steps, %v: the hook is not called where it should be", at, seen)
					}
					return
				}
				_ = os.RemoveAll(s.dir)
			}
		})
	}
}

// recovers checks that the node can start after Recover, with the former or with the new plugins, and
// that the change can be carried out then, and taken back.
func (s scene) recovers(t *testing.T, what string, restoring bool) (changed bool) {
	t.Helper()
	d, err := Open(s.config())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return false
	}
	defer d.Close()
	if _, err := d.Recover(t.Context()); err != nil {
		t.Errorf("%s: Recover: %v", what, err)
	}
	changed = s.whole(t, what)
	if r, err := d.load(); err != nil || r.Change != nil {
		t.Errorf("%s: a change is left: %v", what, err)
	}
	if placed, err := d.Placed(); err != nil || len(placed) != 2+len(s.parts) {
		t.Errorf("%s: placed are %v, %v", what, placed, err)
	} else {
		for _, p := range placed {
			if drift, err := d.Verify(t.Context(), p.Key()); err != nil || drift != nil {
				t.Errorf("%s: %v %v", what, drift, err)
			}
		}
	}
	if restoring && changed {
		if err := d.Restore(t.Context(), s.keys()...); err != nil {
			t.Errorf("%s, then restored: %v", what, err)
		}
		same(t, what+", then restored", s.now(t), s.before)
	}
	if _, err := d.Apply(t.Context(), s.set(t, d)); err != nil {
		t.Errorf("%s, then applied: %v", what, err)
	}
	same(t, what+", then applied", s.now(t), s.after)
	s.checkConfig(t, what)
	if err := d.Restore(t.Context(), s.keys()...); err != nil {
		t.Errorf("%s, then restored: %v", what, err)
	}
	same(t, what+", then taken back", s.now(t), s.before)
	s.givesBack(t, d, what)
	return changed
}

// givesBack checks that files which were there before the parts are there again after them.
func (s scene) givesBack(t *testing.T, d *Dir, what string) {
	t.Helper()
	if s.parts == nil {
		return
	}
	if _, err := d.Apply(t.Context(), Set{Remove: []string{"alpha/config", "beta/config"}}); err != nil {
		t.Errorf("%s, then removed: %v", what, err)
	}
	if err := d.Forget(t.Context(), "alpha/config", "beta/config"); err != nil {
		t.Errorf("%s, then forgotten: %v", what, err)
	}
	conf := s.holds(t, "config")
	maps.DeleteFunc(conf, func(name, _ string) bool {
		return strings.HasPrefix(name, "config/"+keptName+"/") || slices.Contains([]string{"config/opensearch.yml", "config/alpha/alpha.yml", "config/alpha/alpha.yml.new", "config/alpha/more.yml"}, name)
	})
	for name := range conf {
		if strings.HasSuffix(name, "/") { // empty folders of a change that was cut off
			delete(conf, name)
		}
	}
	same(t, what+", then removed", conf, map[string]string{"config/alpha/words.txt": "mine", "config/alpha/extra.txt": "mine, too"})
}

// TestDiskFailsAtEveryStep: an operation fails, once or from then on, or nothing can be written any
// more because the disk is full.
func TestDiskFailsAtEveryStep(t *testing.T) {
	t.Parallel()
	writes := map[opKind]bool{opMkdir: true, opCreate: true, opWrite: true}
	for name, fails := range map[string]struct {
		err  error
		when func(o op, n, at int) bool
	}{
		"once":      {syscall.EIO, func(_ op, n, at int) bool { return n == at }},
		"for ever":  {syscall.EIO, func(_ op, n, at int) bool { return n >= at }},
		"full":      {syscall.ENOSPC, func(o op, n, at int) bool { return n >= at && writes[o.kind] }},
		"read-only": {syscall.EROFS, func(o op, n, at int) bool { return n >= at && o.at.In == inPlugins }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at, hit := 1, true; hit; at++ {
				s := newPartScene(t)
				n := 0
				hit = false
				c := s.config()
				c.before = func(o op) error {
					n++
					if fails.when(o, n, at) {
						hit = true
						return &os.PathError{Op: string(o.kind), Path: o.at.Name, Err: fails.err}
					}
					return nil
				}
				err := s.applyWith(t, c)
				what := fmt.Sprintf("failed at step %d", at)
				if err == nil && !s.whole(t, what) {
					t.Errorf("%s: nothing was done, and there is no error", what)
				}
				if hit && err != nil && (!errors.Is(err, fails.err) || errors.Is(err, ErrUncertain) && errors.Is(fails.err, syscall.ENOSPC)) {
					t.Errorf("%s: %v", what, err)
				}
				if changed := s.recovers(t, what, false); changed && err != nil && !errors.Is(err, ErrUncertain) {
					t.Errorf("%s: there is an error, and it was done: %v", what, err)
				}
				_ = os.RemoveAll(s.dir)
				if !hit && at < 20 {
					t.Errorf("only %d steps: the hook is not called where it should be", at)
				}
			}
		})
	}
}

func (s scene) applyWith(t *testing.T, c Config) error {
	d, err := Open(c)
	if err != nil {
		return err
	}
	defer d.Close()
	set := Set{Remove: s.removes()}
	for _, m := range append([]made{s.alpha2, s.gamma}, s.parts...) {
		if err := d.Stage(t.Context(), m.Plugin, m.reader()); err != nil {
			return err
		}
		set.Place = append(set.Place, m.id())
	}
	_, err = d.Apply(t.Context(), set)
	return err
}
