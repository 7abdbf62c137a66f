//go:build unix && !linux

package agentcmd

import "golang.org/x/sys/unix"

// mount: what Linux says of a mount is not looked at here. Whether a folder is writable is.
func mount(*unix.Statfs_t) (readOnly bool, fileSystem string) { return false, "" }

// securityLabel: there is no SELinux.
func securityLabel(string) string { return "" }

// enforcing: there is no SELinux.
func enforcing() bool { return false }
