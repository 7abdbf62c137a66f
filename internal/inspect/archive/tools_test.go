package archive_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// tool finds a program; without it the test is skipped, or fails where it is demanded.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("SEARCHPACK_REQUIRE_CLIENTS") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

const pythonList = `
import hashlib, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
for i in z.infolist():
    if not i.is_dir():
        print(i.filename, i.file_size, hashlib.sha256(z.read(i)).hexdigest())
`

// manifestLines are path, size and digest of each file, sorted.
func manifestLines(t *testing.T, b []byte) []string {
	t.Helper()
	m, broken := read(t, b, limits)
	if m == nil {
		t.Fatalf("refused: %v", broken)
	}
	var lines []string
	for _, e := range m {
		lines = append(lines, fmt.Sprintf("%s %d %s", e.Path, e.Size, e.Digest))
	}
	sort.Strings(lines)
	return lines
}

// taken are zips that are taken, each in some way special.
func taken() map[string][]byte {
	described, bare, folders, stored := twoFiles(), twoFiles(), twoFiles(), twoFiles()
	described.Entries[0].Describe(true)
	bare.Entries[0].Describe(false)
	bare.Entries[1].Describe(false)
	folders.Entries[0].Attributes, folders.Entries[2].Attributes = 0o100755<<16, 0o40755<<16|0x10
	stored.Entries[0].Store([]byte("one one one"))
	stored.Entries[1].Central.Extra = inspecttest.ExtraField(0x5455, []byte{1, 0, 0, 0, 0})
	names := inspecttest.NewRaw([]inspecttest.File{{Name: "日本語/ö.txt", Data: []byte("x")}, {Name: "日本語/", Data: nil}, {Name: "a b'c\"d", Data: nil}})
	return map[string][]byte{
		"plain": twoFiles().Bytes(), "described": described.Bytes(), "bare": bare.Bytes(), "folders": folders.Bytes(),
		"stored": stored.Bytes(), "names": names.Bytes(),
	}
}

func TestPythonSeesTheSame(t *testing.T) {
	t.Parallel()
	python := tool(t, "python3")
	for name, b := range taken() {
		path := filepath.Join(t.TempDir(), "z.zip")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, "-X", "utf8", "-c", pythonList, path) //nolint:gosec // a program of this test
		got, err := cmd.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(got)), "\n")
		sort.Strings(lines)
		if diff := cmp.Diff(manifestLines(t, b), lines); diff != "" || err != nil {
			t.Errorf("%s: %v (-ours +Python's)\n%s", name, err, diff)
		}
	}
}

func TestUnzipUnpacksTheSame(t *testing.T) {
	t.Parallel()
	unzip := tool(t, "unzip")
	for name, b := range taken() {
		dir := t.TempDir()
		path := filepath.Join(t.TempDir(), "z.zip")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(unzip, "-q", path, "-d", dir) //nolint:gosec // a program of this test
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		var lines []string
		err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(file)
			relative, _ := filepath.Rel(dir, file)
			e := entry(filepath.ToSlash(relative), string(content), 0o644)
			lines = append(lines, fmt.Sprintf("%s %d %s", e.Path, e.Size, e.Digest))
			return err
		})
		sort.Strings(lines)
		if diff := cmp.Diff(manifestLines(t, b), lines); diff != "" || err != nil {
			t.Errorf("%s: %v (-ours +unzip's)\n%s", name, err, diff)
		}
	}
}

// What zip, Python and jar make is taken as it is.
func TestZipsOfTools(t *testing.T) {
	t.Parallel()
	for name, words := range map[string][]string{
		"zip":     {"-q", "-r", "z.zip", "in"},
		"python3": {"-m", "zipfile", "-c", "z.zip", "in"},
		"jar":     {"--create", "--no-manifest", "--file", "z.zip", "in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "jar" && os.Getenv("SEARCHPACK_JVM") != "1" {
				t.Skip("starts a JVM: set SEARCHPACK_JVM=1")
			}
			program, dir := tool(t, name), t.TempDir()
			want := []string{}
			for path, content := range map[string]string{"in/a.txt": strings.Repeat("text ", 1000), "in/sub/b": "", "in/sub/run.sh": "#!/bin/sh\n"} {
				full := filepath.Join(dir, path)
				if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(full, []byte(content), 0o700); err != nil { //nolint:gosec // a test
					t.Fatal(err)
				}
				e := entry(path, content, 0)
				want = append(want, fmt.Sprintf("%s %d %s", e.Path, e.Size, e.Digest))
			}
			sort.Strings(want)
			cmd := exec.Command(program, words...) //nolint:gosec // a program of this test
			cmd.Dir = dir
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			b, err := os.ReadFile(filepath.Join(dir, "z.zip"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, manifestLines(t, b)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// BenchmarkManifest is one pass over a zip like a large plugin's: jars, which do not pack, and words.
func BenchmarkManifest(b *testing.B) {
	z := large(b)
	b.SetBytes(int64(len(z)))
	b.ReportAllocs()
	for b.Loop() {
		var out rule.Tally
		a, err := archive.Open(bytes.NewReader(z), int64(len(z)), archive.Limits{Unpacked: 1 << 30}, &out)
		if err != nil || a == nil {
			b.Fatal(err, out.Findings())
		}
		if m, err := a.Manifest(&out); err != nil || m == nil {
			b.Fatal(err, out.Findings())
		}
	}
}

// large is a zip of 64 MiB.
func large(b *testing.B) []byte {
	b.Helper()
	var files []inspecttest.File
	state := uint64(88172645463325252)
	for i := range 16 {
		data := make([]byte, 4<<20)
		for j := range data {
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			data[j] = byte(state)
			if i%2 == 0 {
				data[j] = "etaoin shrdlu\n"[state%14]
			}
		}
		files = append(files, inspecttest.File{Name: fmt.Sprintf("lib%d.jar", i), Data: data})
	}
	return inspecttest.NewRaw(files).Bytes()
}
