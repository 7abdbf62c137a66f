package distro

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnpack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive, dest := filepath.Join(dir, "a.zip"), filepath.Join(dir, "out")
	check(t, os.Mkdir(dest, 0o755))
	makeZip(t, archive,
		entry{"top/", "", fs.ModeDir | 0o700},
		entry{"top/bin/run", "x", 0o644},
		entry{"top/lib/a.jar", "jar", 0o600},
		entry{"top/lib/tool", "t", 0o700},
	)
	check(t, unpack(archive, "top", dest))
	for name, mode := range map[string]os.FileMode{"bin": 0o755, "bin/run": 0o755, "lib/a.jar": 0o644, "lib/tool": 0o755} {
		info, err := os.Stat(filepath.Join(dest, name))
		check(t, err)
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]entry{
		`entry "../evil"`:          {"../evil", "x", 0o644},
		`entry "top/../../evil"`:   {"top/../../evil", "x", 0o644},
		`entry "/etc/evil"`:        {"/etc/evil", "x", 0o644},
		`entry "top//x"`:           {"top//x", "x", 0o644},
		`entry "top\\..\\x"`:       {`top\..\x`, "x", 0o644},
		`not below top/`:           {"other/x", "x", 0o644},
		`neither a file`:           {"top/link", "/etc/passwd", fs.ModeSymlink | 0o777},
		`entry "top/bin/a": `:      {"top/bin/a", "again", 0o644},
		`entry "top/bin/a/below":`: {"top/bin/a/below", "x", 0o644},
	} {
		dir := t.TempDir()
		archive, dest := filepath.Join(dir, "a.zip"), filepath.Join(dir, "out")
		check(t, os.Mkdir(dest, 0o755))
		makeZip(t, archive, entry{"top/bin/a", "first", 0o644}, e)
		wants(t, unpack(archive, "top", dest), want)
		if entries, _ := os.ReadDir(dir); len(entries) != 2 {
			t.Errorf("%s: written outside: %v", want, entries)
		}
	}
}

func TestUnpackDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.zip")
	makeZip(t, archive, entry{"top/a", strings.Repeat("some text ", 1000), 0o644})
	whole, err := os.ReadFile(archive)
	check(t, err)
	write(t, archive, string(whole[:len(whole)-40]), 0o644)
	wants(t, unpack(archive, "top", t.TempDir()), "not a whole zip file")
	flipped := bytes.Clone(whole)
	flipped[60] ^= 0xff
	write(t, archive, string(flipped), 0o644)
	wants(t, unpack(archive, "top", t.TempDir()), `entry "top/a"`)
}

func TestUnpackLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.zip")
	makeZip(t, archive, entry{"top/a", "12345", 0o644})
	z, err := zip.OpenReader(archive)
	check(t, err)
	defer func() { _ = z.Close() }()
	root, err := os.OpenRoot(dir)
	check(t, err)
	defer func() { _ = root.Close() }()
	_, err = writeEntry(root, z.File[0], "four", 0o644, 4)
	wants(t, err, "unpacks to more than")
	n, err := writeEntry(root, z.File[0], "five", 0o644, 5)
	if n != 5 || err != nil {
		t.Errorf("at the limit: %d, %v", n, err)
	}
}

// FuzzUnpack: whatever an archive holds, nothing appears outside dest, and no link in it.
func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"top/a", "../a", "top/../a", "/a", "top", "top/", "top/\x00", "top/a/../../../b"} {
		f.Add(name, []byte("text"), uint32(0o644))
		f.Add(name, []byte("/etc"), uint32(fs.ModeSymlink|0o777))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte, mode uint32) {
		dir := t.TempDir()
		archive, dest := filepath.Join(dir, "a.zip"), filepath.Join(dir, "out")
		check(t, os.Mkdir(dest, 0o755))
		if len(name) > 200 {
			return
		}
		if strings.HasSuffix(name, "/") {
			text = nil // folders hold nothing
		}
		makeZip(t, archive, entry{name, string(text), os.FileMode(mode)}, entry{"top/b", "b", 0o644})
		_ = unpack(archive, "top", dest)
		entries, err := os.ReadDir(dir)
		check(t, err)
		if len(entries) != 2 {
			t.Fatalf("%q was written outside: %v", name, entries)
		}
		check(t, filepath.WalkDir(dest, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !d.Type().IsRegular() {
				t.Errorf("%s is neither a file nor a folder", path)
			}
			return err
		}))
	})
}
