package distro

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func testCache(t *testing.T) Cache {
	t.Helper()
	c, err := CacheAt(filepath.Join(t.TempDir(), "cache"))
	check(t, err)
	return c
}

func fillWith(text string) func(context.Context, string) error {
	return func(_ context.Context, dir string) error {
		return os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o644)
	}
}

func TestMakeOnce(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	var made atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			dir, err := c.Make(t.Context(), "thing", func(ctx context.Context, dir string) error {
				made.Add(1)
				return fillWith("whole")(ctx, dir)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if text, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(text) != "whole" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
}

func TestMakeFailureLeavesNothing(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	full := errors.New("no space left on device")
	_, err := c.Make(t.Context(), "thing", func(ctx context.Context, dir string) error {
		return errors.Join(fillWith("half")(ctx, dir), full)
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	entries, err := os.ReadDir(c.Dir())
	check(t, err)
	if len(entries) != 1 || entries[0].Name() != ".thing.lock" {
		t.Errorf("left: %v", entries)
	}
	dir, err := c.Make(t.Context(), "thing", fillWith("whole")) // and it can be tried again
	check(t, err)
	if text, _ := os.ReadFile(filepath.Join(dir, "file")); string(text) != "whole" {
		t.Errorf("%q", text)
	}
}

// A process that was killed while it made something leaves a folder and no lock.
func TestMakeAfterAKill(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	write(t, filepath.Join(c.Dir(), "thing"+partMark+"123", "file"), "half", 0o644)
	write(t, filepath.Join(c.Dir(), "thing-r2"+partMark+"5", "file"), "another's", 0o644)
	write(t, filepath.Join(c.Dir(), ".thing.lock"), "", 0o644)
	_, err := c.Make(t.Context(), "thing", fillWith("whole"))
	check(t, err)
	if isDir(filepath.Join(c.Dir(), "thing"+partMark+"123")) {
		t.Error("the half folder is still there")
	}
	if !isDir(filepath.Join(c.Dir(), "thing-r2"+partMark+"5")) {
		t.Error("what another process may be making was removed")
	}
}

func TestMakeWaitsNoLongerThanContext(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	check(t, os.MkdirAll(c.Dir(), 0o755))
	unlock, err := c.lock(t.Context(), "thing")
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = c.Make(ctx, "thing", fillWith("x"))
	wants(t, err, "waiting for another process that makes thing")
	unlock()
	_, err = c.Make(t.Context(), "thing", fillWith("x"))
	check(t, err)
}

func TestOpenCache(t *testing.T) {
	t.Parallel()
	c, err := OpenCache(env(map[string]string{"SEARCHPACK_CACHE": "/x/y"}))
	if err != nil || c.Dir() != "/x/y/opensearch" {
		t.Errorf("%v, %v", c, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "", 0o644)
	c, err = CacheAt(file)
	check(t, err)
	_, err = c.Make(t.Context(), "thing", fillWith("x"))
	wants(t, err, "SEARCHPACK_CACHE")
}
