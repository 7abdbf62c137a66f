package blobstore

import (
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"path"
	"time"
)

// leftOverAge is how old a file in tmp/ must be before it counts as left over. With the lock below
// it is a second guard, for the moment between making a file and locking it and for systems
// without locks.
const leftOverAge = 24 * time.Hour

// temp is a file being written. Its lock ends with its process, so that others can tell a live
// writer, however slow, from the remains of a dead one.
type temp struct {
	dir   *Dir
	file  *os.File
	path  string // below the root
	named bool   // it has become a blob
}

func (d *Dir) newTemp() (*temp, error) {
	name := path.Join(tmpDir, rand.Text())
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	t := &temp{dir: d, file: f, path: name}
	if _, err := tryLock(f); err != nil {
		t.discard()
		return nil, err
	}
	return t, nil
}

// discard ends the writing; the file goes unless it has become a blob.
func (t *temp) discard() {
	if !t.named {
		_ = t.dir.root.Remove(t.path) // what stays is cleared at a later start
	}
	_ = t.file.Close() // synced before it got its name
}

// ClearPartial removes what dead writers left behind, last written before the given time, and says
// how many files. It is housekeeping: what cannot be removed now is left for another time.
func (d *Dir) ClearPartial(ctx context.Context, before time.Time) (int, error) {
	cleared := 0
	err := d.eachEntry(tmpDir, func(e fs.DirEntry) error {
		name := path.Join(tmpDir, e.Name())
		info, err := d.root.Lstat(name)
		if err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) && d.clearOne(name) {
			cleared++
		}
		return context.Cause(ctx)
	})
	return cleared, err
}

// clearOne reports whether it removed the file, which no live writer has.
func (d *Dir) clearOne(name string) bool {
	f, err := d.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	free, err := tryLock(f)
	return err == nil && free && d.root.Remove(name) == nil
}
