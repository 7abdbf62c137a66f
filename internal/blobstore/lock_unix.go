//go:build linux || darwin || freebsd || netbsd || openbsd

package blobstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the file's lock, which lasts until the file is closed or the process ends. false:
// another open file has it. A file system without locks (ENOTSUP, ENOLCK) counts as locked for
// nobody: age alone then decides.
func tryLock(f *os.File) (bool, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return false, err
	}
	var lockErr error
	err = raw.Control(func(fd uintptr) {
		lockErr = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB)
	})
	switch {
	case err != nil:
		return false, err
	case errors.Is(lockErr, unix.EWOULDBLOCK):
		return false, nil
	case errors.Is(lockErr, unix.ENOTSUP), errors.Is(lockErr, unix.ENOLCK), errors.Is(lockErr, unix.ENOSYS):
		return true, nil
	}
	return lockErr == nil, lockErr
}
