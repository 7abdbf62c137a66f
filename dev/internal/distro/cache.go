package distro

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Cache is a folder of folders that take long to make and are the same for everybody. Each appears
// under its final name whole or not at all, and processes that want the same one at a time make it
// once.
type Cache struct {
	dir string
}

// partMark stands in the names of folders that are being made.
const partMark = ".part-"

// OpenCache opens the user's cache: SEARCHPACK_CACHE, or searchpack in the user's cache folder. It
// is made when the first thing is put there.
func OpenCache(env Env) (Cache, error) {
	dir := env.get("SEARCHPACK_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return Cache{}, fmt.Errorf("no cache folder: %w; set SEARCHPACK_CACHE to a folder", err)
		}
		dir = filepath.Join(user, "searchpack")
	}
	return CacheAt(filepath.Join(dir, "opensearch"))
}

// CacheAt makes dir the cache.
func CacheAt(dir string) (Cache, error) {
	abs, err := filepath.Abs(dir)
	return Cache{dir: abs}, err
}

// Dir is the cache's absolute path.
func (c Cache) Dir() string { return c.dir }

// Make returns the path of the folder called name. If it is not there yet, fill is called with an
// empty folder, which then takes that name. Other processes wait meanwhile, until ctx ends.
func (c Cache) Make(ctx context.Context, name string, fill func(ctx context.Context, dir string) error) (string, error) {
	final := filepath.Join(c.dir, name)
	if isDir(final) {
		return final, nil
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w; set SEARCHPACK_CACHE to a folder that can be written", err)
	}
	unlock, err := c.lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(final) { // made while we waited
		return final, nil
	}
	if err := c.sweep(name); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(c.dir, name+partMark+"*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(part) }() // gone already when all went well
	if err := os.Chmod(part, 0o755); err != nil {
		return "", err
	}
	if err := fill(ctx, part); err != nil {
		return "", err
	}
	return final, publish(part, final)
}

// publish gives a finished folder its name, its content first made safe against a loss of power.
func publish(part, final string) error {
	f, err := os.Open(part)
	if err != nil {
		return err
	}
	err = unix.Syncfs(int(f.Fd()))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s to disk: %w", part, err)
	}
	return os.Rename(part, final)
}

// sweep removes what a process left that died while it made name. The lock must be held.
func (c Cache) sweep(name string) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name+partMark) {
			if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
				return fmt.Errorf("removing what an earlier run left: %w", err)
			}
		}
	}
	return nil
}

// lockRetry is how often a lock held elsewhere is tried: making takes seconds to minutes.
const lockRetry = 100 * time.Millisecond

// lock takes the lock of one name. It goes with the process, so a killed one never holds it. The
// file stays: removing it would let two processes hold locks of the same name.
func (c Cache) lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.dir, "."+name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockRetry)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("waiting for another process that makes %s: %w", name, ctx.Err())
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
