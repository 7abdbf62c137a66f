// Package sock listens on and dials unix sockets by folder and name. A socket's address holds about
// 100 bytes, a data folder's path may hold more, so the folder is opened and addressed by its
// descriptor. Linux only, as all of searchpack-dev.
package sock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Listen makes the socket dir/name, with mode 0600, replacing one that is there: the caller holds
// the lock of the folder. Closing the listener removes the socket.
func Listen(dir, name string) (net.Listener, error) {
	path := filepath.Join(dir, name)
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s is there and is no socket", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: address(d, name)})
	if err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("listening on %s: %w", path, errors.Unwrap(err))
	}
	l.SetUnlinkOnClose(false) // by its real name, below
	if err := os.Chmod(path, 0o600); err != nil {
		_, _ = l.Close(), d.Close()
		return nil, err
	}
	return &listener{UnixListener: l, dir: d, path: path}, nil
}

type listener struct {
	*net.UnixListener
	dir  *os.File
	path string
}

// Close also removes the socket.
func (l *listener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		_ = os.Remove(l.path)
		_ = l.dir.Close()
	}
	return err
}

// Dial connects to the socket dir/name.
func Dial(ctx context.Context, dir, name string) (net.Conn, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", address(d, name))
}

func address(d *os.File, name string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), name)
}
