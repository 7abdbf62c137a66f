//go:build unix

package regular

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	listener, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	err = errors.Join(os.WriteFile(at("file"), []byte("x"), 0o600), os.Mkdir(at("folder"), 0o700), unix.Mkfifo(at("pipe"), 0o600),
		os.Symlink("file", at("link")), os.Symlink("pipe", at("link to a pipe")), os.Symlink("gone", at("dangling")), os.Symlink("loop", at("loop")))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"file": "", "link": "", "folder": "a folder", "pipe": "a pipe", "link to a pipe": "a pipe", "socket": "a socket", "dangling": "leads nowhere", "loop": "leads nowhere",
	} {
		f, err := Open(at(name))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && (!errors.Is(err, ErrNone) || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if err == nil {
			_ = f.Close()
		}
	}
	if _, err := Open("/dev/null"); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "a device") {
		t.Errorf("a device: %v", err)
	}
	if _, err := Open(at("nothing")); errors.Is(err, ErrNone) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}
