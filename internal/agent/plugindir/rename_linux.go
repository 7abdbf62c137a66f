package plugindir

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameAt moves a name from one open folder to another, and never over something that is there.
func renameAt(dirA *os.File, a string, dirB *os.File, b string) error {
	err := unix.Renameat2(int(dirA.Fd()), a, int(dirB.Fd()), b, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system that has no such rename
		err = renameIfFree(dirA, a, dirB, b)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: dirA.Name() + "/" + a, New: dirB.Name() + "/" + b, Err: err}
	}
	return nil
}
