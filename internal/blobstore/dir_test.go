package blobstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/blobstore/blobtest"
)

func newDir(t testing.TB) *Dir {
	t.Helper()
	d, err := NewDir(filepath.Join(t.TempDir(), "data", "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestDir(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, blobtest.Options{OpenOutlivesDelete: true}, func(t *testing.T) searchpack.BlobStore { return newDir(t) })
}

func TestModes(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	write(t, d, "secret words")
	err := filepath.WalkDir(d.path, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others may read it", p, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFailureLeavesNothing: after a failed write tmp/ is empty and there is no blob folder either.
func TestFailureLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	for range 3 {
		_, _, err := d.Write(t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc"))), 10)
		if !errors.Is(err, iotest.ErrTimeout) {
			t.Fatalf("Write = %v", err)
		}
	}
	if got := files(t, d); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

// TestDamagedIsReplaced: neither bytes of another size nor flipped bytes survive a new write.
func TestDamagedIsReplaced(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{"", "cut", "longer than it was", "flippeD"} {
		d := newDir(t)
		digest := write(t, d, "flipped")
		name, _ := blobPath(digest)
		if err := os.WriteFile(filepath.Join(d.path, name), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		write(t, d, "flipped")
		got, err := d.root.ReadFile(name)
		if err != nil || string(got) != "flipped" {
			t.Errorf("after damage %q and a new write: %q, %v", damage, got, err)
		}
	}
}

func TestClearsLeftOvers(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	live, err := d.newTemp() // a slow writer of another process: locked, though old
	if err != nil {
		t.Fatal(err)
	}
	defer live.discard()
	young := filepath.Join(d.path, tmpDir, "young")
	dead := filepath.Join(d.path, tmpDir, "dead")
	for _, p := range []string{young, dead} {
		if err := os.WriteFile(p, []byte("half a bl"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(d.path, tmpDir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-leftOverAge - time.Hour)
	for _, p := range []string{dead, filepath.Join(d.path, live.path)} {
		if err := os.Chtimes(p, old, old); err != nil {
			t.Fatal(err)
		}
	}
	again, err := NewDir(d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for p, want := range map[string]bool{young: true, dead: false, filepath.Join(d.path, live.path): true} {
		if _, err := os.Stat(p); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(p), err == nil, want)
		}
	}
}

// TestForeignFiles: what is no blob, or lies in the wrong place, is not listed and not opened.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	digest := write(t, d, "mine")
	other := searchpack.DigestOf([]byte("other"))
	for _, p := range []string{"blobs/README", "blobs/zz/" + string(other), "blobs/" + string(other[:2]) + "/notes.txt"} {
		full := filepath.Join(d.path, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A link that leads out of the folder.
	outside := searchpack.DigestOf([]byte("outside"))
	name, _ := blobPath(outside)
	if err := os.MkdirAll(filepath.Join(d.path, filepath.Dir(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(d.path, name)); err != nil {
		t.Fatal(err)
	}
	if b, err := d.Open(t.Context(), outside); err == nil {
		_ = b.Close()
		t.Error("a link out of the folder was followed")
	}
	var got []searchpack.Digest
	if err := d.List(t.Context(), func(i searchpack.BlobInfo) error { got = append(got, i.Digest); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != digest {
		t.Errorf("listed %v, want only %s", got, digest)
	}
}

func TestFolderErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	readOnly := t.TempDir()
	if err := os.Chmod(readOnly, 0o500); err != nil {
		t.Fatal(err)
	}
	paths := []string{file, filepath.Join(file, "below")}
	if os.Geteuid() != 0 { // root writes anywhere
		paths = append(paths, readOnly, filepath.Join(readOnly, "below"))
	}
	for _, p := range paths {
		d, err := NewDir(p)
		if err == nil {
			_ = d.Close()
			t.Errorf("NewDir(%s) succeeded", p)
			continue
		}
		if msg := err.Error(); !strings.Contains(msg, p) || strings.Contains(msg, "\n") || !strings.Contains(msg, "name another") {
			t.Errorf("NewDir(%s): %q is not one clear line", p, msg)
		}
	}
}

func TestFullDiskIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	err := d.writeError(&fs.PathError{Op: "write", Path: "tmp/x", Err: syscall.ENOSPC})
	if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || strings.Contains(searchpack.ErrorMessage(err), d.path) {
		t.Errorf("full disk: %v %q, want ErrUnavailable without the server's paths", searchpack.ErrorCode(err), searchpack.ErrorMessage(err))
	}
	err = d.writeError(&fs.PathError{Op: "write", Path: "tmp/x", Err: syscall.EIO})
	if searchpack.ErrorCode(err) != searchpack.ErrInternal || !strings.Contains(err.Error(), d.path) {
		t.Errorf("I/O error: %v, want an internal one naming the folder", err)
	}
}

func write(t testing.TB, d *Dir, content string) searchpack.Digest {
	t.Helper()
	digest, _, err := d.Write(t.Context(), strings.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// files returns every file below the folder.
func files(t *testing.T, d *Dir) []string {
	t.Helper()
	var got []string
	err := fs.WalkDir(d.root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			got = append(got, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			d := newDir(b)
			content := bytes.Repeat([]byte("0123456789abcdef"), size/16)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := d.Write(b.Context(), bytes.NewReader(content), int64(size)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
