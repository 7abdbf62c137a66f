//go:build unix

package plugindir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack/internal/agent/dirnames"
)

// area is one of the folders that are worked in. No name in it leads out of it, whatever links lie
// there.
type area string

const (
	inPlugins area = "plugins"
	inBin     area = "bin"
	inConfig  area = "config"
	inState   area = "state"
)

// place is a name in an area, with slashes.
type place struct {
	In   area   `json:"in"`
	Name string `json:"name"`
}

// String writes the place as messages name it: "plugins/lemmas".
func (p place) String() string { return string(p.In) + "/" + p.Name }

func (p place) dir() place           { return place{p.In, path.Dir(p.Name)} }
func (p place) join(s string) place  { return place{p.In, path.Join(p.Name, s)} }
func state(elements ...string) place { return place{inState, path.Join(elements...)} }

// op is one change of the disk.
type op struct {
	kind   opKind
	at, to place // to: of a rename
}

type opKind string

const (
	opMkdir   opKind = "mkdir"
	opCreate  opKind = "create"
	opWrite   opKind = "write"
	opSync    opKind = "sync" // of a file
	opSyncDir opKind = "sync folder"
	opRename  opKind = "rename"
	opRemove  opKind = "remove" // with all in it
)

// disk is the only thing here that changes files. Each change goes by before and after, with which
// tests count, fail and record them.
type disk struct {
	roots  map[area]*os.Root
	before func(op) error
	after  func(op)
}

func (d *disk) close() {
	for _, r := range d.roots {
		_ = r.Close() // nothing was written through the handle itself
	}
}

func (d *disk) root(a area) (*os.Root, error) {
	if r := d.roots[a]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("this node has no folder %s/: %w", a, fs.ErrNotExist)
}

func (d *disk) do(o op, f func(*os.Root) error) error {
	r, err := d.root(o.at.In)
	if err == nil && d.before != nil {
		err = d.before(o)
	}
	if err == nil {
		err = f(r)
	}
	if err == nil && d.after != nil {
		d.after(o)
	}
	return err
}

// rights are a mode and an owner. Below zero the owner is left alone.
type rights struct {
	mode     fs.FileMode
	uid, gid int
}

// apply is for an open file or folder. Only root gives files away: another agent must run as their
// owner.
func (r rights) apply(f *os.File) error {
	if r.uid >= 0 && os.Geteuid() == 0 {
		if err := f.Chown(r.uid, r.gid); err != nil {
			return err
		}
	}
	return f.Chmod(r.mode)
}

// mkdir makes a folder whose parent is there. One that is there already is left as it is.
func (d *disk) mkdir(at place, r rights) error {
	if info, err := d.lstat(at); err == nil && info.IsDir() {
		return nil
	}
	return d.do(op{kind: opMkdir, at: at}, func(root *os.Root) error {
		if err := root.Mkdir(at.Name, unfinished); err != nil {
			return err
		}
		return r.applyAt(root, at.Name)
	})
}

// unfinished is the mode of a folder until it gets its own.
const unfinished = 0o700

// finish gives a folder its rights that a crash may have left without them.
func (d *disk) finish(at place, info fs.FileInfo, r rights) error {
	if uid, _ := ownerOf(info); info.Mode().Perm() != unfinished || uid != os.Geteuid() {
		return nil
	}
	return d.do(op{kind: opMkdir, at: at}, func(root *os.Root) error { return r.applyAt(root, at.Name) })
}

func (r rights) applyAt(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(r.apply(f), f.Close())
}

// create makes a new file, durable but for its name.
func (d *disk) create(at place, r rights, fill func(io.Writer) error) error {
	var f *os.File
	err := d.do(op{kind: opCreate, at: at}, func(root *os.Root) (err error) {
		f, err = root.OpenFile(at.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	err = d.do(op{kind: opWrite, at: at}, func(*os.Root) error { return errors.Join(fill(f), r.apply(f)) })
	if err == nil {
		err = d.do(op{kind: opSync, at: at}, func(*os.Root) error { return f.Sync() })
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the names in a folder durable.
func (d *disk) syncDir(at place) error {
	return d.do(op{kind: opSyncDir, at: at}, func(root *os.Root) error {
		f, err := root.Open(at.Name)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// move gives a file or folder another name, never over something, and makes that durable.
func (d *disk) move(from, to place) error {
	if err := d.rename(from, to); err != nil {
		return err
	}
	if err := d.syncDir(to.dir()); err != nil || from.dir() == to.dir() {
		return err
	}
	return d.syncDir(from.dir())
}

// rename is move without making it durable.
func (d *disk) rename(from, to place) error {
	return d.do(op{kind: opRename, at: from, to: to}, func(*os.Root) error {
		a, err := d.open(from.dir())
		if err != nil {
			return err
		}
		defer a.Close()
		b, err := d.open(to.dir())
		if err != nil {
			return err
		}
		defer b.Close()
		return renameAt(a, path.Base(from.Name), b, path.Base(to.Name))
	})
}

// replace renames within one folder, over what is there.
func (d *disk) replace(from, to place) error {
	err := d.do(op{kind: opRename, at: from, to: to}, func(root *os.Root) error { return root.Rename(from.Name, to.Name) })
	if err != nil {
		return err
	}
	return d.syncDir(to.dir())
}

// remove takes away a file or folder with all in it; one that is not there is fine. That it is gone
// need not be durable: whatever is removed is removed again when it comes back.
func (d *disk) remove(at place) error {
	if there, err := d.exists(at); err != nil || !there {
		return err
	}
	return d.do(op{kind: opRemove, at: at}, func(root *os.Root) error { return root.RemoveAll(at.Name) })
}

// rmdir removes a folder that is empty.
func (d *disk) rmdir(at place) error {
	return d.do(op{kind: opRemove, at: at}, func(root *os.Root) error {
		if info, err := root.Lstat(at.Name); err != nil || !info.IsDir() {
			return err
		}
		return root.Remove(at.Name)
	})
}

func (d *disk) open(at place) (*os.File, error) {
	r, err := d.root(at.In)
	if err != nil {
		return nil, err
	}
	return r.Open(at.Name)
}

func (d *disk) lstat(at place) (fs.FileInfo, error) {
	r, err := d.root(at.In)
	if err != nil {
		return nil, err
	}
	return r.Lstat(at.Name)
}

// exists reports whether there is anything of that name.
func (d *disk) exists(at place) (bool, error) {
	_, err := d.lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// names lists a folder; none if it is not there. More than limit is an error.
func (d *disk) names(at place, limit int) ([]string, error) {
	f, err := d.open(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := dirnames.Of(f, limit)
	if err != nil {
		err = fmt.Errorf("%s: %w", at, err)
	}
	return all, err
}

// read reads a file of at most limit bytes. A pipe or device is none.
func (d *disk) read(at place, limit int64) ([]byte, error) {
	f, info, err := d.openFile(at)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", at, limit)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", at, limit)
	}
	return b, err
}

// openFile opens a regular file, follows no link and waits for no pipe.
func (d *disk) openFile(at place) (*os.File, fs.FileInfo, error) {
	r, err := d.root(at.In)
	if err != nil {
		return nil, nil, err
	}
	f, err := r.OpenFile(at.Name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", at)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// ownerOf returns a file's owner and group.
func ownerOf(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

// renameIfFree looks before it renames. Between the two somebody may come; what was there before
// does not get lost.
func renameIfFree(dirA *os.File, a string, dirB *os.File, b string) error {
	var st unix.Stat_t
	switch err := unix.Fstatat(int(dirB.Fd()), b, &st, unix.AT_SYMLINK_NOFOLLOW); {
	case err == nil:
		return unix.EEXIST
	case !errors.Is(err, unix.ENOENT):
		return err
	}
	return unix.Renameat(int(dirA.Fd()), a, int(dirB.Fd()), b)
}
