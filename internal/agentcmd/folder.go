//go:build unix

package agentcmd

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack/internal/agentcmd/doctor"
)

// folder looks at a folder or file, following links.
func folder(path string) doctor.Folder {
	f := doctor.Folder{Path: path}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f
	}
	if err != nil {
		f.Error = err.Error()
		return f
	}
	f.There, f.Mode = true, info.Mode()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.UID, f.GID, f.Device = int(st.Uid), int(st.Gid), uint64(st.Dev) //nolint:unconvert // of another size elsewhere
	}
	// Asks the system, which knows mounts, lists and capabilities, and writes nothing.
	f.Writable = unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS) == nil
	var vfs unix.Statfs_t
	if unix.Statfs(path, &vfs) == nil {
		f.ReadOnly, f.FileSystem = mount(&vfs)
		f.Free = vfs.Bavail * uint64(vfs.Bsize)
		f.Files, f.FilesUnused = vfs.Files, vfs.Ffree
	}
	f.Label = securityLabel(path)
	return f
}

// me is whom this process runs as.
func me() doctor.User {
	groups, _ := os.Getgroups() // those known are enough for a hint
	return doctor.User{UID: os.Geteuid(), Groups: append(groups, os.Getegid())}
}
