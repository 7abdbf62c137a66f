package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// noSpaceText is what is said of a full disk.
const noSpaceText = "no space left on the node's disk: free some, the agent goes on by itself"

// explain says what an error of the file system means here and what to do about it.
func explain(err error) string {
	path := ""
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		path = pe.Path + " "
	} else if le := (*os.LinkError)(nil); errors.As(err, &le) {
		path = le.New + " "
	}
	switch {
	case noSpace(err):
		return noSpaceText
	case errors.Is(err, syscall.EBUSY):
		return path + "is mounted by itself, so nothing can take its place: mount the folder that it lies in instead of the file"
	case errors.Is(err, syscall.EROFS):
		return path + "is read-only: mount it writable for the agent"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("%smay not be read or written by the agent (uid %d): run the agent as the owner of OpenSearch's configuration or as root, and look whether SELinux denies it", path, os.Geteuid())
	case strings.Contains(err.Error(), "path escapes from parent"):
		return path + "is a link out of the configuration folder: the agent follows none"
	}
	return err.Error()
}

// noSpace reports whether a disk, or a share of one, is full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
