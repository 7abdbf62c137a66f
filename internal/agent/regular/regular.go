//go:build unix

// Package regular opens files of a node that somebody else put there: what lies under such a name may be
// a pipe, for which an open waits for ever, or a device, for which it may do anything. Links are followed, as
// Java and OpenSearch follow them.
package regular

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ErrNone says that what lies there is no regular file: Java cannot read it as one either.
var ErrNone = errors.New("it is no regular file")

// Open opens a regular file for reading. ErrNone: there is something else, or a link that leads nowhere or to
// itself. Other errors are the file system's.
func Open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		if link, linkErr := os.Lstat(name); linkErr == nil && link.Mode()&fs.ModeSymlink != 0 && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP)) {
			err = fmt.Errorf("%w but a link that leads nowhere: %w", ErrNone, err)
		}
		return nil, err
	}
	if err := check(info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may have become a pipe
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil {
		err = check(info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func check(info fs.FileInfo) error {
	var what string
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	default:
		what = "a device"
	}
	return fmt.Errorf("%w but %s", ErrNone, what)
}
