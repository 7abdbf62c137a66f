//go:build unix && !linux

package pgtest

import "syscall"

// endWithParent does nothing here: a server outlives a killed test process on this system.
func endWithParent(*syscall.SysProcAttr) {}
