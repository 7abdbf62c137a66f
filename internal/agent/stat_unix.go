//go:build unix

package agent

import (
	"io/fs"
	"syscall"
)

// fileID tells, without reading it, whether a file is the one it was.
type fileID struct {
	dev, ino     uint64
	size         int64
	mtime, ctime int64 // nanoseconds
}

func idOf(info fs.FileInfo) fileID {
	id := fileID{size: info.Size(), mtime: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id.dev, id.ino = device(st), st.Ino
		id.ctime = changeTime(st)
	}
	return id
}

// ownerOf returns a file's owner and group.
func ownerOf(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}
