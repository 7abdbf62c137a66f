package agent

import "syscall"

// changeTime is when a file's inode was changed last, in nanoseconds.
func changeTime(st *syscall.Stat_t) int64 { return st.Ctim.Nano() }

// device is the file system that a file lies on.
func device(st *syscall.Stat_t) uint64 { return st.Dev }
