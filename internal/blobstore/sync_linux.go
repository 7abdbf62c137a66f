package blobstore

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginSync has the system begin to put these bytes on the disk. It promises nothing: whether they
// are there, the sync at the end tells.
func beginSync(f *os.File, offset, n int64) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SyncFileRange(int(fd), offset, n, unix.SYNC_FILE_RANGE_WRITE)
	})
}
