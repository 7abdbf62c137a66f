package archive_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// limits of the tests.
var limits = archive.Limits{Unpacked: 64 << 20}

// read reads a zip as the inspection does and returns its manifest and the rules that it breaks.
func read(t testing.TB, b []byte, l archive.Limits) ([]searchpack.ManifestEntry, []string) {
	t.Helper()
	var out rule.Tally
	var m []searchpack.ManifestEntry
	a, err := archive.Open(bytes.NewReader(b), int64(len(b)), l, &out)
	if err == nil && a != nil {
		m, err = a.Manifest(&out)
	}
	if err != nil {
		t.Errorf("the reader's error: %v", err)
	}
	var ids []string
	for _, f := range out.Findings() {
		if f.Message == "" || f.Remedy == "" || strings.Contains(f.Message, "%!") {
			t.Errorf("bad finding %+v", f)
		}
		ids = append(ids, f.Rule)
	}
	if (m == nil) != (out.Errors() > 0) {
		t.Errorf("%d errors, manifest %v", out.Errors(), m)
	}
	slices.Sort(ids)
	return m, slices.Compact(ids)
}

func entry(path, content string, mode uint32) searchpack.ManifestEntry {
	return searchpack.ManifestEntry{Path: path, Size: int64(len(content)), Digest: searchpack.DigestOf([]byte(content)), Mode: mode}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789 and more\n", 100_000)
	files := []inspecttest.File{
		{Name: "a.txt", Data: []byte("12345")}, {Name: "bin/", Data: nil}, {Name: "bin/run", Data: []byte("#!/bin/sh\n")},
		{Name: "config/ä.txt", Data: []byte(long)}, {Name: "empty", Data: nil}, {Name: "stored.jar", Data: []byte(long)},
	}
	z := inspecttest.NewRaw(files)
	z.Entries[1].Attributes = 0o40755<<16 | 0x10
	z.Entries[2].Attributes = 0o100750 << 16
	z.Entries[3].Describe(true)
	z.Entries[5].Store([]byte(long))
	b := z.Bytes()
	want := []searchpack.ManifestEntry{
		entry("a.txt", "12345", 0o644), entry("bin/run", "#!/bin/sh\n", 0o755), entry("config/ä.txt", long, 0o644),
		entry("empty", "", 0o644), entry("stored.jar", long, 0o644),
	}
	got, broken := read(t, b, limits)
	if diff := cmp.Diff(want, got); diff != "" || len(broken) > 0 {
		t.Fatalf("broken %v (-want +got):\n%s", broken, diff)
	}
	var out rule.Tally
	a, err := archive.Open(bytes.NewReader(b), int64(len(b)), limits, &out)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(15 + 2*len(long)); a.Unpacked() != want {
		t.Errorf("unpacked %d, want %d", a.Unpacked(), want)
	}
	for i, e := range a.Entries() {
		if e.Dir != (e.Path == "bin") || e.Path != strings.TrimSuffix(files[i].Name, "/") {
			t.Errorf("entry %+v", e)
		}
		in, err := a.Open(e)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(in); err != nil || !bytes.Equal(content, files[i].Data) {
			t.Errorf("%s: %d bytes, %v", e.Path, len(content), err)
		}
		if f, ok := a.Find(e.Path); !ok || f != e {
			t.Errorf("Find(%q) = %+v", e.Path, f)
		}
	}
	if e, _ := a.Find("a.txt"); true {
		if content, err := a.ReadFile(e, 5); err != nil || string(content) != "12345" {
			t.Errorf("ReadFile: %q, %v", content, err)
		}
		if _, err := a.ReadFile(e, 4); archive.Charge(err, &out) != nil || out.Errors() != 1 {
			t.Errorf("a limit of 4: %v, %v", err, out.Findings())
		}
	}
	if _, ok := a.Find("config"); ok {
		t.Error("a folder that is no entry was found")
	}
}

// Real tools make zips that are taken as they are.
func TestHonestTools(t *testing.T) {
	t.Parallel()
	z, err := inspecttest.Zip([]inspecttest.File{{Name: "a", Data: []byte("x")}, {Name: "b/", Data: nil}, {Name: "b/c.jar!/C.class", Data: []byte("class C")}})
	if err != nil {
		t.Fatal(err)
	}
	if m, broken := read(t, z, limits); len(m) != 2 || len(broken) > 0 {
		t.Errorf("archive/zip: %v, %v", m, broken)
	}
}
