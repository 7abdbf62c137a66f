package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

func testTree(t *testing.T) (*tree, string) {
	t.Helper()
	dir := t.TempDir()
	tr, err := openTree(dir, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.close)
	return tr, dir
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := &backoff{
			min: time.Duration(rapid.IntRange(1, 1000).Draw(t, "min")) * time.Millisecond,
			max: time.Duration(rapid.IntRange(1000, 9000).Draw(t, "max")) * time.Millisecond,
		}
		for n := range 20 {
			d := b.next()
			if d < b.min/2 || d > b.max || (n == 0 && d > b.min) {
				t.Fatalf("pause %d: %v", n, d)
			}
		}
		if d := b.next(); d < b.max/2 {
			t.Fatalf("after many failures: %v", d)
		}
		b.reset()
		if d := b.next(); d > b.min {
			t.Fatalf("after a success: %v", d)
		}
	})
}

func TestUntilRepeatsAndListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, b := &run{}, newBell()
		var calls atomic.Int64
		b.ring()
		b.ring()
		go r.until(t.Context(), b, func() time.Duration {
			if calls.Add(1) < 3 {
				return time.Second
			}
			return 0
		})
		synctest.Wait()
		if calls.Load() != 1 {
			t.Fatalf("%d calls: two rings are one", calls.Load())
		}
		time.Sleep(time.Minute) // virtual
		if calls.Load() != 3 {
			t.Fatalf("%d calls after a minute", calls.Load())
		}
		b.ring()
		synctest.Wait()
		if calls.Load() != 4 {
			t.Fatalf("%d calls after another ring", calls.Load())
		}
	})
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	tr, dir := testTree(t)
	if err := tr.writeBytes("f", []byte("old")); err != nil {
		t.Fatal(err)
	}
	err := tr.write("f", rights{mode: 0o600, uid: -1, gid: -1}, func(w io.Writer) error {
		_, _ = w.Write([]byte("half"))
		return syscall.ENOSPC
	})
	if !noSpace(err) {
		t.Errorf("err = %v", err)
	}
	names, _ := os.ReadDir(dir)
	if b, _ := os.ReadFile(filepath.Join(dir, "f")); string(b) != "old" || len(names) != 1 {
		t.Errorf("%q, %v", b, names)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	at := func(err error) error {
		return fmt.Errorf("x: %w", &fs.PathError{Op: "open", Path: "analyzers/F1", Err: err})
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{at(syscall.EROFS), "analyzers/F1 is read-only"},
		{at(syscall.EACCES), "SELinux"},
		{at(syscall.ENOSPC), "no space left"},
		{at(syscall.EDQUOT), "no space left"},
		{&os.LinkError{Op: "rename", Old: "a", New: "analyzers/F1", Err: syscall.EROFS}, "analyzers/F1 is read-only"},
		{&os.LinkError{Op: "rename", Old: "a", New: "analysis/synonyms.txt", Err: syscall.EBUSY}, "analysis/synonyms.txt is mounted by itself"},
		{errors.New("something else"), "something else"},
	} {
		if got := explain(tc.err); !strings.Contains(got, tc.want) {
			t.Errorf("%v: %q", tc.err, got)
		}
	}
}

func TestLookSeesEveryChange(t *testing.T) {
	t.Parallel()
	tr, dir := testTree(t)
	c := newConfigDir(dir, func(string) {})
	file := filepath.Join(dir, "f")
	look := func() searchpack.Digest {
		t.Helper()
		got, err := c.look(t.Context(), tr, "f", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return got.digest
	}
	// Within one tick of the file system's clock, with the same size: only reading again helps.
	for i := range 200 {
		s := fmt.Sprintf("%03d", i)
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := look(); got != searchpack.DigestOf([]byte(s)) {
			t.Fatalf("write %d was not seen", i)
		}
	}
	// An old file is read once ...
	past := time.Now().Add(-time.Hour)
	c.remember("f", hashed{id: c.idOf(t, tr, "f"), digest: "cached", at: time.Now(), settled: true})
	if got := look(); got != "cached" {
		t.Error("an unchanged file is read again")
	}
	// ... until its time to be read again, and a change that hides behind its old mtime shows in ctime.
	if got, err := c.look(t.Context(), tr, "f", time.Now().Add(time.Second)); err != nil || got.digest == "cached" {
		t.Error("not read again in time")
	}
	c.remember("f", hashed{id: c.idOf(t, tr, "f"), digest: "cached", at: time.Now(), settled: true})
	if err := os.Chtimes(file, past, past); err != nil {
		t.Fatal(err)
	}
	if look() == "cached" {
		t.Error("a touched file is not read again")
	}
}

func (c *configDir) idOf(t *testing.T, tr *tree, name string) fileID {
	t.Helper()
	info, err := tr.root.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return idOf(info)
}

func TestBookKeepsItsPromises(t *testing.T) {
	t.Parallel()
	tr, _ := testTree(t)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	b, damaged, err := openBook(tr, now)
	if err != nil || damaged != "" {
		t.Fatal(err, damaged)
	}
	first, err := b.newEpoch(now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxKept + 5 {
		if err := b.addIncident(searchpack.Incident{ID: fmt.Sprint(i), PackageID: "F1", Healed: i%2 == 0}); err != nil {
			t.Fatal(err)
		}
	}
	again, _, err := openBook(tr, now)
	if err != nil {
		t.Fatal(err)
	}
	kept := again.incidents()
	if len(kept) != maxKept || kept[len(kept)-1].ID != fmt.Sprint(maxKept+4) || kept[0].ID != "1" {
		t.Errorf("%d kept, from %s", len(kept), kept[0].ID)
	}
	if err := again.acknowledge(kept, []string{"1", "12"}); err != nil {
		t.Fatal(err)
	}
	if n := len(again.incidents()); n != maxKept-1 {
		t.Errorf("%d left: an open incident is told again when it is healed", n)
	}
	if second, err := again.newEpoch(now.Add(-time.Hour)); err != nil || second <= first {
		t.Errorf("epochs %d, %d: they grow even when the clock goes back (%v)", first, second, err)
	}
	if err := tr.writeBytes(stateName, fmt.Appendf(nil, `{"schema":%d}`, schemaParts+1)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openBook(tr, now); err == nil || !strings.Contains(err.Error(), "newer agent") {
		t.Errorf("a newer state: %v", err)
	}
}
