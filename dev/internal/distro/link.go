package distro

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxDepth bounds the walk of an installation whose folders may be anything.
const maxDepth = 32

// copyTree makes to like from: folders anew, files by put, links to files as files. Files of the
// top folder for which skip is true are left out.
func copyTree(from, to string, put func(from, to string) error, skip func(name string) bool) error {
	return copyLevel(from, to, put, skip, maxDepth)
}

func copyLevel(from, to string, put func(from, to string) error, skip func(name string) bool, depth int) error {
	if depth == 0 {
		return fmt.Errorf("%s: folders are nested too deep", from)
	}
	info, err := os.Stat(from) // links are followed: /etc/ssl/... in a JDK
	switch {
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return put(from, to)
	case !info.IsDir():
		return nil // sockets and pipes are no part of a program
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if skip != nil && skip(e.Name()) {
			continue
		}
		if err := copyLevel(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()), put, nil, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// linkFile makes to a second name of from. Where that cannot be (another file system, a file of
// somebody else, one that the nodes' user could not read) it is copied.
func linkFile(from, to string) error {
	resolved, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return err
	}
	if info.Mode()&0o444 == 0o444 && os.Link(resolved, to) == nil {
		return nil
	}
	return copyFile(from, to)
}

// copyFile copies bytes and makes the copy readable for the nodes' user.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Chmod(mode)
}
