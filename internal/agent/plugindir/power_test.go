package plugindir

import (
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// A power cut loses what was not synced, in part or as a whole. The operations of a change are
// recorded; for each moment all sensible remains of the disk are made, and each must recover.
//
// The rules are harsher than those of any file system that nodes run on: a name is durable only when
// the folders of both its ends were synced after it was made or moved, bytes only when the file was;
// whatever is not durable may be lost alone, while later changes stay; a rename whose target is still
// there, because the rename that freed the name was lost, takes the target's place.

// files are a disk: text by path, folders by path with dirText.
type files map[string]string

const dirText = "\x00folder"

// recorded is an operation, with the bytes that were written by then.
type recorded struct {
	op
	text string
}

// record notes what a config's operations do to the disk.
func (w world) record(c *Config) *[]recorded {
	var all []recorded
	c.after = func(o op) {
		r := recorded{op: o}
		if o.kind == opWrite {
			b, _ := os.ReadFile(w.path(onDisk(o.at)))
			r.text = string(b)
		}
		all = append(all, r)
	}
	return &all
}

// onDisk is where a place lies in a world.
func onDisk(p place) string {
	if p.In == inState {
		return path.Join(StateName, p.Name)
	}
	return path.Join(string(p.In), p.Name)
}

// snapshot reads a world.
func (w world) snapshot(t *testing.T) files {
	t.Helper()
	out := files{}
	for name, text := range w.holds(t, ".") {
		out.add(strings.TrimSuffix(name, "/"), text, strings.HasSuffix(name, "/"))
	}
	return out
}

func (f files) add(name, text string, folder bool) {
	if f[name] = text; folder {
		f[name] = dirText
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		f[dir] = dirText
	}
}

// apply does one operation; what cannot be done is lost with what it needed.
func (f files) apply(r recorded, text string) {
	at := onDisk(r.at)
	_, there := f[at]
	_, parent := f[path.Dir(at)]
	switch r.kind {
	case opMkdir:
		if parent && !there {
			f[at] = dirText
		}
	case opCreate:
		if parent {
			f[at] = ""
		}
	case opWrite:
		if there {
			f[at] = text
		}
	case opRemove:
		f.drop(at)
	case opRename:
		to := onDisk(r.to)
		if _, ok := f[path.Dir(to)]; !there || !ok {
			return
		}
		f.drop(to)
		for name, content := range maps.Clone(f) {
			if rest, in := strings.CutPrefix(name, at); in && (rest == "" || rest[0] == '/') {
				delete(f, name)
				f[to+rest] = content
			}
		}
	}
}

func (f files) drop(at string) {
	maps.DeleteFunc(f, func(name, _ string) bool { return name == at || strings.HasPrefix(name, at+"/") })
}

// durable reports whether the operation i outlasts a power cut after the first n.
func durable(all []recorded, i, n int) bool {
	synced := func(kind opKind, at place) bool {
		return slices.ContainsFunc(all[i+1:n], func(r recorded) bool { return r.kind == kind && r.at == at })
	}
	switch o := all[i]; o.kind {
	case opWrite:
		return synced(opSync, o.at)
	case opRename:
		return synced(opSyncDir, o.at.dir()) && synced(opSyncDir, o.to.dir())
	case opSync, opSyncDir:
		return true
	default:
		return synced(opSyncDir, o.at.dir())
	}
}

// remains calls f with each disk that a power cut after the first n operations may leave.
func remains(start files, all []recorded, n int, random *rand.Rand, f func(files, string)) {
	var open []int
	for i := range n {
		if !durable(all, i, n) {
			open = append(open, i)
		}
	}
	make1 := func(lost func(k int) bool, torn bool) {
		out, names := maps.Clone(start), []string{}
		k := 0
		for i, r := range all[:n] {
			text := r.text
			if k < len(open) && open[k] == i {
				if lost(k) {
					names = append(names, fmt.Sprintf("%s %s", r.kind, r.at))
					if !torn || r.kind != opWrite {
						k++
						continue
					}
					text = text[:len(text)/2]
				}
				k++
			}
			out.apply(r, text)
		}
		f(out, fmt.Sprintf("power cut after %d operations (%s %s), lost: %s", n, all[max(n-1, 0)].kind, all[max(n-1, 0)].at, strings.Join(names, ", ")))
	}
	const few = 7 // so many that all combinations are tried
	for _, torn := range []bool{false, true} {
		if len(open) <= few {
			for set := range 1 << len(open) {
				make1(func(k int) bool { return set&(1<<k) != 0 }, torn)
			}
			continue
		}
		make1(func(int) bool { return false }, torn)
		make1(func(int) bool { return true }, torn)
		for j := range open {
			make1(func(k int) bool { return k == j }, torn)
			make1(func(k int) bool { return k != j }, torn)
			make1(func(k int) bool { return k >= j }, torn)
		}
		for range 24 {
			bits := random.Uint64()
			make1(func(k int) bool { return bits&(1<<(k%64)) != 0 }, torn)
		}
	}
}

// lay makes a world of a disk.
func (f files) lay(t *testing.T, s scene) scene {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "searchpack-test-")
	if err != nil {
		dir = t.TempDir()
	}
	s.world = world{dir}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if text := f[name]; text == dirText {
			err = os.Mkdir(s.path(name), 0o755)
		} else {
			err = os.WriteFile(s.path(name), []byte(text), 0o755)
		}
		if err == nil && name == StateName {
			err = os.Chmod(s.path(name), 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// cutPower checks every remains of the recorded operations that was not checked before.
func cutPower(t *testing.T, s scene, start files, all []recorded, restoring bool) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 11))
	seed, checked := maphash.MakeSeed(), map[uint64]bool{}
	ends := map[bool]int{}
	for n := range len(all) + 1 {
		remains(start, all, n, random, func(f files, what string) {
			var h maphash.Hash
			h.SetSeed(seed)
			for _, name := range slices.Sorted(maps.Keys(f)) {
				fmt.Fprintf(&h, "%q %q\n", name, f[name])
			}
			if checked[h.Sum64()] || t.Failed() {
				return
			}
			checked[h.Sum64()] = true
			left := f.lay(t, s)
			ends[left.recovers(t, what, restoring)]++
			_ = os.RemoveAll(left.dir)
		})
	}
	t.Logf("%d operations, %d different remains of the disk, of which %d were as before", len(all), len(checked), ends[false])
	if len(checked) < 40 || ends[true] == 0 || ends[false] == 0 {
		t.Errorf("%d remains, %v: that proves little", len(checked), ends)
	}
}

func TestPowerCut(t *testing.T) {
	t.Parallel()
	t.Run("apply", func(t *testing.T) {
		t.Parallel()
		s := newPartScene(t)
		start := s.snapshot(t)
		c := s.config()
		all := s.record(&c)
		if err := s.applyWith(t, c); err != nil {
			t.Fatal(err)
		}
		cutPower(t, s, start, *all, false)
	})
	t.Run("restore", func(t *testing.T) {
		t.Parallel()
		s := newPartScene(t)
		if err := s.applyWith(t, s.config()); err != nil {
			t.Fatal(err)
		}
		start := s.snapshot(t)
		c := s.config()
		all := s.record(&c)
		d := openWith(t, c)
		if err := d.Restore(t.Context(), s.keys()...); err != nil {
			t.Fatal(err)
		}
		d.Close()
		cutPower(t, s, start, *all, true)
	})
	// Power goes in the middle of the change, and again while it is undone.
	t.Run("recover", func(t *testing.T) {
		t.Parallel()
		s := newPartScene(t)
		c := s.config()
		n := 0
		c.before = func(o op) error {
			if o.kind == opRename && o.at.In != inConfig && o.to.In != inConfig {
				n++
			}
			if n > 11 {
				return os.ErrClosed // as if the process had been killed
			}
			return nil
		}
		if err := s.applyWith(t, c); err == nil {
			t.Fatal("it was not cut off")
		}
		start := s.snapshot(t)
		c = s.config()
		all := s.record(&c)
		d := openWith(t, c)
		if got, err := d.Recover(t.Context()); err != nil || len(got.Undone) < 4 {
			t.Fatalf("%v %v", got, err)
		}
		set := s.set(t, d)
		if _, err := d.Apply(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		d.Close()
		cutPower(t, s, start, *all, false)
	})
}

// A disk that is full keeps nobody from starting the node as it was.
func TestRecoverOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	moves := 0
	c := s.config()
	c.before = func(o op) error {
		if o.to.In == inPlugins {
			moves++
		}
		if moves > 1 {
			return os.ErrClosed // as if the process had been killed
		}
		return nil
	}
	has(t, s.applyWith(t, c), ErrUncertain.Error())
	if s.mixture(t) == "" {
		t.Fatal("it was not cut off in the middle")
	}
	c = s.config()
	c.before = func(o op) error {
		if o.kind == opMkdir || o.kind == opCreate || o.kind == opWrite {
			return &os.PathError{Op: string(o.kind), Path: o.at.Name, Err: os.ErrDeadlineExceeded}
		}
		return nil
	}
	d := openWith(t, c)
	got, err := d.Recover(t.Context())
	if err != nil || len(got.Undone) == 0 {
		t.Errorf("%v %v", got, err)
	}
	d.Close()
	s.recovers(t, "a full disk", false)
}

// mixture names what is there if it is neither before nor after.
func (s scene) mixture(t *testing.T) string {
	got := s.now(t)
	if maps.Equal(got, s.before) || maps.Equal(got, s.after) {
		return ""
	}
	return fmt.Sprint(got)
}
