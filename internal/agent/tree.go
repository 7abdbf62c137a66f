package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/searchpack/searchpack"
)

// tree is a folder that the agent writes to. Names are relative and never lead out of it, whatever
// links lie in it.
type tree struct {
	root *os.Root
	step func(string)
	// noExchange: the file system is taken for one that cannot exchange names. Tests set it.
	noExchange bool
}

func openTree(dir string, step func(string)) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &tree{root: root, step: step}, nil
}

func (t *tree) close() { _ = t.root.Close() } // nothing was written through the handle itself

// rights are a file's mode and owner. Below zero the owner is left alone.
type rights struct {
	mode     fs.FileMode
	uid, gid int
}

// write makes name, whole or not at all: fill writes a neighbour of that name, which is synced and
// renamed. A neighbour that a crash left is replaced.
func (t *tree) write(name string, r rights, fill func(io.Writer) error) error {
	tmp := name + ".tmp"
	if err := t.create(tmp, r, fill); err != nil {
		return errors.Join(err, ignoreMissing(t.root.Remove(tmp)))
	}
	t.step("rename " + name)
	if err := t.root.Rename(tmp, name); err != nil {
		return errors.Join(err, ignoreMissing(t.root.Remove(tmp)))
	}
	t.step("renamed " + name)
	return t.sync(path.Dir(name))
}

// create writes a new file and syncs it.
func (t *tree) create(name string, r rights, fill func(io.Writer) error) error {
	if err := ignoreMissing(t.root.Remove(name)); err != nil {
		return err
	}
	t.step("create " + name)
	f, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	t.step("fill " + name)
	err = fill(f)
	t.step("filled " + name)
	if err == nil {
		err = r.apply(f)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// apply gives an open file its owner and mode. Giving a group away is tried without root too: an
// agent in OpenSearch's group may.
func (r rights) apply(f *os.File) error {
	if r.uid >= 0 && os.Geteuid() == 0 {
		if err := f.Chown(r.uid, r.gid); err != nil {
			return err
		}
	} else if r.gid >= 0 && r.gid != os.Getegid() {
		_ = f.Chown(-1, r.gid) // not a member: said once by configDir.rights
	}
	return f.Chmod(r.mode)
}

// writeBytes is write for small files of the agent's own.
func (t *tree) writeBytes(name string, b []byte) error {
	return t.write(name, rights{mode: 0o600, uid: -1, gid: -1}, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// read reads a small file, and refuses one of more than limit bytes.
func (t *tree) read(name string, limit int64) ([]byte, error) {
	f, err := t.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return b, err
}

// sync makes the names in a folder durable.
func (t *tree) sync(dir string) error {
	f, err := t.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// remove deletes a file or folder; one that is not there is fine. It says whether there was one.
func (t *tree) remove(name string) (bool, error) {
	t.step("remove " + name)
	info, err := t.root.Lstat(name)
	if err == nil && info.IsDir() {
		err = t.removeAll(name)
	} else if err == nil {
		err = t.root.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	t.step("removed " + name)
	return err == nil, err
}

// openRegular opens a file for reading and refuses everything that is not a regular one; opening a
// pipe does not block.
func (t *tree) openRegular(name string) (*os.File, fs.FileInfo, error) {
	f, err := t.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// ignoreMissing drops the error that says that there was nothing.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// errDigest: the bytes are others than their name says.
var errDigest = errors.New("the bytes do not have the digest that was ordered")

// copyVerified copies at most size bytes and checks that there are exactly size and that they have
// the digest. It can be cancelled between two pieces.
func copyVerified(ctx context.Context, w io.Writer, r io.Reader, d searchpack.Digest, size int64) error {
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(&cancelReader{ctx, r}, size+1))
	if err != nil {
		return err
	}
	if n != size || sum(h) != d {
		return errDigest
	}
	return nil
}

type hasher interface{ Sum([]byte) []byte }

func sum(h hasher) searchpack.Digest { return searchpack.Digest(hex.EncodeToString(h.Sum(nil))) }

// cancelReader ends a long read when its context ends.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
