package agent

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

// What happens to disks and rights, on real file systems: tests that need root to make them skip
// without it.

// mount makes a file system of the size at dir, with what lies there, and returns how to mount it
// anew with other options.
func mount(t *testing.T, dir, options string) (remount func(flags uintptr, options string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount: this is not tried here")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(t.TempDir(), "kept")
	if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("this machine lets nobody mount (%v): this is not tried here", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.CopyFS(dir, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	return func(flags uintptr, options string) {
		t.Helper()
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|flags, options); err != nil {
			t.Fatal(err)
		}
	}
}

// fill takes all that is free on the disk of dir; free gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "somebody-elses")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk does not get full: %v", err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return min(len(p), 4096), nil }

func (b *beside) problem(text string) {
	b.t.Helper()
	b.eventually("the report names the problem: "+text, func() bool {
		return strings.Contains(strings.Join(b.agent().Report.Problems, "\n"), text)
	})
}

func (b *beside) noProblem() {
	b.t.Helper()
	b.eventually("no problem is left", func() bool { return len(b.agent().Report.Problems) == 0 })
}

// While a candidate is fetched: no half blob stays, the reason is told, and it goes on by itself.
func TestDiskFullWhileFetching(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	remount := mount(t, b.cfg.StateDir, "size=512k,mode=0700")
	b.run()
	d, size := b.blob(big)
	o := b.order(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: "F1", Digest: d, Size: size}}})
	b.problem(noSpaceText)
	b.eventually("no part is left", func() bool {
		_, err := os.Stat(filepath.Join(b.cfg.StateDir, partName(d)))
		return os.IsNotExist(err)
	})
	remount(0, "size=8m")
	b.taken(o, "ready", func(r *searchpack.Report) bool { return len(r.Candidates) == 1 && r.Candidates[0].Ready })
	b.noProblem()
}

// While it is placed: what was live stays live, whole, under the final name, and nothing else lies
// there that OpenSearch could read.
func TestDiskFullWhilePlacing(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	mount(t, b.cfg.ConfigDir, "size=4m,mode=0750")
	b.runWith(b.live("F1", "one\n"))
	free := fill(t, b.cfg.ConfigDir)
	next := b.live("F1", big)
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{next}})
	b.problem(noSpaceText)
	if got := b.lies("analyzers/F1"); got != "one\n" {
		t.Errorf("it holds %d bytes", len(got))
	}
	if names, err := os.ReadDir(b.path("analyzers")); err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err) // F1 and .searchpack
	}
	free()
	b.taken(o, "placed", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, big) })
	b.noProblem()
}

// While state is written: an order that cannot be kept is not taken in, so that a restart cannot go
// back behind what was done; what was ordered before goes on, mending included, and a start of the node
// uses it.
func TestDiskFullWhileWritingState(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	mount(t, b.cfg.StateDir, "size=256k,mode=0700")
	b.runWith(b.live("F1", "one\n"))
	b.eventually("noted", func() bool {
		st, err := Status(b.cfg.StateDir)
		return err == nil && len(st.Unconfirmed) == 0 && len(st.Files) == 1
	})
	free := fill(t, b.cfg.StateDir)
	second := b.live("F1", "two\n")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{second}})
	b.problem("the order cannot be kept in the state folder: no space left")
	write(t, b.path("analyzers/F1"), "damaged\n")
	b.eventually("mended all the same", func() bool { return b.lies("analyzers/F1") == "one\n" })
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if err := b.sync(); err != nil || b.lies("analyzers/F1") != "one\n" {
		t.Errorf("a start with what was ordered before: %v, %q", err, b.lies("analyzers/F1"))
	}
	a, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "the state folder: no space left") {
		t.Errorf("an agent that starts: %v", err)
	}
	free()
	b.start()
	b.taken(o, "taken in", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "two\n") })
	b.noProblem()
}

// The configuration folder becomes read-only, as after a disk's fault: what is placed serves, and it
// goes on when it is writable again.
func TestReadOnlyMount(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	remount := mount(t, b.cfg.ConfigDir, "size=4m,mode=0750")
	b.runWith(b.live("F1", "one\n"))
	remount(unix.MS_RDONLY, "")
	o := b.order(searchpack.Order{Files: []searchpack.FileOrder{b.live("F1", "two\n")}})
	b.eventually("told", func() bool {
		r := b.agent().Report
		return r.Generation == o.Generation && len(r.Files) == 1 && strings.Contains(r.Files[0].Error, "is read-only: mount it writable")
	})
	if got := b.lies("analyzers/F1"); got != "one\n" {
		t.Errorf("it holds %q", got)
	}
	remount(0, "")
	b.taken(o, "placed", func(r *searchpack.Report) bool { return shows(r, "F1", searchpack.FileLive, "two\n") })
	b.noProblem()
}

// A state folder on a read-only mount: the agent does not start, and says why.
func TestReadOnlyStateFolder(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	remount := mount(t, b.cfg.StateDir, "size=1m,mode=0700")
	remount(unix.MS_RDONLY, "")
	a, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "is read-only") {
		t.Errorf("it says %v", err)
	}
}

// asNobody runs a sync of a prepared node as a user that owns nothing, and returns what it says.
func asNobody(t *testing.T, dir string) (string, error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else: this is not tried here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// go test keeps its binary where nobody else may look.
	program := filepath.Join(dir, "program")
	raw, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(program, raw, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{crashDirEnv + "=" + dir, crashStepEnv + "=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Wrong owners, and whatever else denies access (SELinux answers the same EACCES): nothing is placed,
// nothing is lost, and the reason names the folder and the user.
func TestWrongOwners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(dir string) error // what is not nobody's
		says   []string
	}{
		"all is well": {func(string) error { return nil }, nil},
		"analyzers is root's": {func(dir string) error {
			return errFirst(os.Lchown(filepath.Join(dir, "config/analyzers"), 0, 0), os.Lchown(filepath.Join(dir, "config", searchpack.CandidateDir), 0, 0))
		}, []string{"F6 v2: ", "by the agent (uid 65534)", "SELinux"}},
		"the configuration cannot be entered": {func(dir string) error {
			return errFirst(os.Lchown(filepath.Join(dir, "config"), 0, 0), os.Chmod(filepath.Join(dir, "config"), 0o700))
		},
			[]string{"by the agent (uid 65534)"}},
		"the state folder is root's": {func(dir string) error { return os.Lchown(filepath.Join(dir, "state"), 0, 0) }, []string{"the state folder: ", "(uid 65534)"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memoryDir(t)
			prepareCrash(t, dir)
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			own := func(path string, _ os.DirEntry, err error) error {
				if err != nil || path == dir {
					return err
				}
				return os.Lchown(path, 65534, 65534)
			}
			if os.Geteuid() == 0 {
				if err := errFirst(filepath.WalkDir(dir, own), c.change(dir)); err != nil {
					t.Fatal(err)
				}
			}
			said, err := asNobody(t, dir)
			if (err == nil) != (c.says == nil) {
				t.Errorf("%v: %s", err, said)
			}
			for _, text := range c.says {
				if !strings.Contains(said, text) {
					t.Errorf("%q is not in: %s", text, said)
				}
			}
			if c.says == nil {
				return
			}
			if got, err := os.ReadFile(filepath.Join(dir, "config/analyzers/F1")); err != nil || string(got) != "v1" {
				t.Errorf("F1 holds %q, %v", got, err)
			}
		})
	}
}

// A node whose whole disk was replaced, or a new one in its place: the start enrols with a token, waits
// a moment for the first order, and has everything in place before OpenSearch starts.
func TestReplacedNode(t *testing.T) {
	t.Parallel()
	b := newSite(t).node(nil)
	f := b.live("F1", "one\n")
	done := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() { // the server's reconcile
		defer close(done)
		for b.agent() == nil && pause(ctx, 5*time.Millisecond) {
		}
		b.order(searchpack.Order{Files: []searchpack.FileOrder{f}})
	}()
	err := b.sync()
	<-done
	if err != nil || b.lies("analyzers/F1") != "one\n" {
		t.Errorf("%v, %q", err, b.lies("analyzers/F1"))
	}
}
