package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// runAs is who nodes run as.
type runAs struct {
	uid, gid int
	change   bool // it is somebody else: we are root, and OpenSearch refuses to run as root
}

// nodeUser needs no account: neither the kernel nor OpenSearch looks its name up.
const nodeUser = 9200

func currentRunAs() runAs {
	if os.Geteuid() == 0 {
		return runAs{uid: nodeUser, gid: nodeUser, change: true}
	}
	return runAs{uid: os.Geteuid(), gid: os.Getegid()}
}

func (r runAs) credential() *syscall.Credential {
	if !r.change {
		return nil
	}
	return &syscall.Credential{Uid: uint32(r.uid), Gid: uint32(r.gid)}
}

// checkReach reports a folder above one of the paths that the nodes' user cannot enter. Access
// lists are not looked at.
func (r runAs) checkReach(paths ...string) error {
	if !r.change {
		return nil
	}
	for _, path := range paths {
		resolved, err := filepath.EvalSymlinks(path)
		if err != nil {
			return err
		}
		for dir := resolved; ; dir = filepath.Dir(dir) {
			info, err := os.Stat(dir)
			if err != nil {
				return err
			}
			if !r.mayEnter(info) {
				return fmt.Errorf("under root, OpenSearch runs as user %d, who cannot enter %s (mode %04o): choose another folder than %s, or type: chmod o+x %s",
					r.uid, dir, info.Mode().Perm(), path, dir)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return nil
}

func (r runAs) mayEnter(info fs.FileInfo) bool {
	mode := info.Mode().Perm()
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && int(st.Uid) == r.uid:
		return mode&0o100 != 0
	case ok && int(st.Gid) == r.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// own gives the nodes' user what a node writes, whatever is below it: an agent that runs as root
// may have put files and folders there. Links are not followed, names never leave the home.
func (r runAs) own(home *os.Root) error {
	if !r.change {
		return nil
	}
	for _, dir := range distro.WrittenDirs() {
		err := fs.WalkDir(home.FS(), dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil {
				err = r.give(home, name, d)
			}
			if errors.Is(err, fs.ErrNotExist) && name != dir {
				return nil // an agent renamed it meanwhile
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r runAs) give(home *os.Root, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(st.Uid) == r.uid && int(st.Gid) == r.gid {
		return nil
	}
	return home.Lchown(name, r.uid, r.gid)
}
