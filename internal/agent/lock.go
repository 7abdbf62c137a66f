package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

// flock takes the exclusive lock of an open file or folder, waiting for at most wait.
// unix.EWOULDBLOCK: somebody else has it. The system gives it back when the process ends, however
// it ends.
func flock(ctx context.Context, f *os.File, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return unix.EWOULDBLOCK
		case <-tick.C:
		}
	}
}

// unlock gives a lock back by name: a process that is being started at this moment has the file
// open too.
func unlock(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	_ = f.Close()
}

// heldLock reports whether somebody holds the lock of an open file or folder.
func heldLock(f *os.File) bool {
	// A shared lock that is given back at once disturbs an agent that starts for an instant only.
	if errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK) {
		return true
	}
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	return false
}

// lockConfigDir makes sure that one agent works on a node's configuration folder, whatever its state
// folder: two would undo each other's files for ever. release gives it back.
//
// The folder itself is locked, not a file in it: that leaves nothing behind, and is possible where
// the folder is read-only or belongs to somebody else. On a file system that knows no such locks, or
// where the folder cannot be opened, the agent says so and works without: what is wrong with the
// folder shows later, and passes without a restart.
func lockConfigDir(ctx context.Context, dir string, wait time.Duration, log *slog.Logger) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		log.Warn("the configuration folder cannot be locked against a second agent", "error", explain(err))
		return func() {}, nil
	}
	err = flock(ctx, f, wait)
	switch {
	case err == nil:
		return func() { unlock(f) }, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, errors.Join(secondAgent(dir), f.Close())
	}
	log.Warn("the configuration folder cannot be locked against a second agent", "error", fmt.Errorf("lock %s: %w", dir, err))
	return func() { _ = f.Close() }, nil
}

func secondAgent(dir string) error {
	return searchpack.Errorf(searchpack.ErrConflict, "another agent, with another state folder, works on the configuration folder %s already: "+
		"each OpenSearch has one agent; stop the other one (type: pgrep -af 'searchpack agent'), or give each its own --config", dir)
}

// ConfigInUse reports whether an agent works on the configuration folder, without changing anything.
func ConfigInUse(dir string) (bool, error) {
	f, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return heldLock(f), nil
}
