//go:build !linux

package nodecontrol

import (
	"context"
	"syscall"
)

// childAttributes: there is no parent-death signal; the lock says that a node is left.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// ticksOf is not known.
func ticksOf(int) string { return "" }

// Reap does nothing: containers run Linux.
func (c *Child) Reap(ctx context.Context) { <-ctx.Done() }
