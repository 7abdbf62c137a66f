package agentcmd

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mount says what matters of a mount.
func mount(vfs *unix.Statfs_t) (readOnly bool, fileSystem string) {
	readOnly = vfs.Flags&unix.ST_RDONLY != 0
	switch int64(vfs.Type) { //nolint:unconvert // of another size elsewhere
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		fileSystem = "tmpfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		fileSystem = "overlay"
	case unix.NFS_SUPER_MAGIC:
		fileSystem = "nfs"
	}
	return readOnly, fileSystem
}

// securityLabel is the SELinux context of a file, "" without.
func securityLabel(path string) string {
	b := make([]byte, 1024)
	n, err := unix.Getxattr(path, "security.selinux", b)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(b[:n]), "\x00")
}

// enforcing reports whether SELinux is on and refuses.
func enforcing() bool {
	b, err := os.ReadFile("/sys/fs/selinux/enforce")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}
