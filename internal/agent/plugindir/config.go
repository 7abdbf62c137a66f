//go:build unix

package plugindir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/searchpack/searchpack"
)

// halfName is what a file in config/<folder> is called until it is whole.
const halfName = ".searchpack-half"

const (
	newSuffix = ".new"
	// maxName is what file systems take of a name, in bytes.
	maxName = 255
)

// configCopy copies a plugin's configuration, as InstallPluginCommand.installConfig does: a file that
// is there stays.
type configCopy struct {
	d        *Dir
	from, to place
	uid, gid int // of the configuration folder
}

// file copies one file, and returns where it lies if there was another already.
func (c *configCopy) file(e searchpack.ManifestEntry) (beside string, err error) {
	at := c.to.join(e.Path)
	if err := c.folders(path.Dir(at.Name)); err != nil {
		return "", err
	}
	switch same, err := c.same(at, e); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || same:
		return "", err
	case len(path.Base(at.Name))+len(newSuffix) > maxName: // kept, and there is no name for the plugin's
		return "", nil
	default: // kept; the plugin's comes beside it
		at.Name += newSuffix
		beside = at.String()
		if err := c.d.remove(at); err != nil {
			return "", err
		}
	}
	half := c.to.join(halfName)
	if err := c.d.remove(half); err != nil {
		return "", err
	}
	in, _, err := c.d.openFile(c.from.join(e.Path))
	if err != nil {
		return "", err
	}
	defer in.Close()
	err = c.d.create(half, rights{configMode, c.uid, c.gid}, func(w io.Writer) error { _, err := io.Copy(w, in); return err })
	if err != nil {
		return "", err
	}
	return beside, c.d.move(half, at)
}

// same reports whether a file has the bytes; fs.ErrNotExist: there is none.
func (c *configCopy) same(at place, e searchpack.ManifestEntry) (bool, error) {
	info, err := c.d.lstat(at)
	if err != nil || !info.Mode().IsRegular() || info.Size() != e.Size {
		return false, err
	}
	f, _, err := c.d.openFile(at)
	if err != nil {
		return false, err
	}
	defer f.Close()
	want, _, err := c.d.openFile(c.from.join(e.Path))
	if err != nil {
		return false, err
	}
	defer want.Close()
	return sameBytes(f, want)
}

func sameBytes(a, b io.Reader) (bool, error) {
	const piece = 32 << 10
	x, y := make([]byte, piece), make([]byte, piece)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if n != m || string(x[:n]) != string(y[:m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			ended := func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
			if ended(errA) && ended(errB) {
				return true, nil
			}
			return false, errors.Join(errA, errB)
		}
	}
}

// folders makes a folder in config/ and those that it lies in.
func (c *configCopy) folders(dir string) error {
	made := ""
	for element := range strings.SplitSeq(dir, "/") {
		made = path.Join(made, element)
		at := place{inConfig, made}
		info, err := c.d.lstat(at)
		own := rights{configDirMode, c.uid, c.gid}
		switch {
		case err == nil && info.IsDir():
			if err := c.d.finish(at, info, own); err != nil {
				return err
			}
			continue
		case err == nil:
			return fmt.Errorf("%s is no folder: move it away", at)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if err := c.d.mkdir(at, own); err != nil {
			return err
		}
		if err := c.d.syncDir(at.dir()); err != nil {
			return err
		}
	}
	return nil
}
