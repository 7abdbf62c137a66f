package sock

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLongFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second replaces what a killed process left
		l, err := Listen(dir, "control.sock")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err == nil {
				_, _ = io.WriteString(c, "hello")
				_ = c.Close()
			}
		}()
		c, err := Dial(context.Background(), dir, "control.sock")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "hello" {
			t.Fatalf("%q, %v", b, err)
		}
		_ = c.Close()
		info, err := os.Stat(filepath.Join(dir, "control.sock"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		t.Cleanup(func() { _ = l.Close() })
	}
}

func TestCloseRemoves(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(dir, "a.sock")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "a.sock")); !os.IsNotExist(err) {
		t.Fatalf("the socket is still there: %v", err)
	}
	if _, err := Dial(context.Background(), dir, "a.sock"); err == nil {
		t.Fatal("connected to nobody")
	}
}

func TestKeepsWhatIsNoSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, "a.sock"); err == nil {
		t.Fatal("no error")
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Fatalf("now holds %q", b)
	}
}
