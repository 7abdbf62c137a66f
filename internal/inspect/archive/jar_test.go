package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// jar reads a jar whole: names and contents in the order of its bytes.
func jar(b []byte, l archive.Limits) ([][2]string, error) {
	j, err := archive.OpenJar(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, l)
	if err != nil {
		return nil, err
	}
	var got [][2]string
	err = j.Walk(func(archive.JarEntry) bool { return true }, func(e archive.JarEntry, r io.Reader) error {
		content, err := io.ReadAll(r)
		got = append(got, [2]string{e.Name, string(content)})
		return err
	})
	return got, err
}

// What the strict reader refuses, and Java does not see.
func TestJarsAreReadAsJavaDoes(t *testing.T) {
	t.Parallel()
	z := inspecttest.NewRaw([]inspecttest.File{
		{Name: "META-INF/", Data: nil}, {Name: "META-INF/MANIFEST.MF", Data: []byte("Manifest-Version: 1.0\n")},
		{Name: "a/A.class", Data: []byte("first")}, {Name: "a/A.class", Data: []byte("second")}, {Name: "gone", Data: []byte("x")},
		{Name: "stored", Data: nil},
	})
	z.Prefix, z.Comment = []byte("#!/bin/sh\nexec java -jar $0\n"), "built by hand"
	z.Offset = -int64(len(z.Prefix)) // as of a jar that was made before the prefix
	for _, e := range z.Entries {
		e.Offset = z.Offset
	}
	z.Entries[1].Local.Extra = inspecttest.ExtraField(0xcafe, nil)
	z.Entries[2].Describe(false)
	z.Entries[3].Local.Name = "other"
	z.Entries[3].Before = []byte("gap")
	z.Entries[4].Absent = true
	z.Entries[5].Store([]byte("as it is"))
	for _, h := range z.Entries[5].Both() {
		h.Size, h.CRC = 8, 0xf9b9ec1a
	}
	z.Entries[5].Central.CRC = 0
	b := z.Bytes()
	_, err := jar(b, limits)
	var fault *archive.Fault
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "stored") {
		t.Errorf("a wrong checksum: %v", err)
	}
	z.Entries = z.Entries[:5]
	got, err := jar(z.Bytes(), limits)
	want := [][2]string{{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"}, {"a/A.class", "first"}, {"a/A.class", "second"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// zip64 is what tools write when there are more than 65,535 classes, and some always.
func TestZip64Jars(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 1 << 16 {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%x", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := jar(b.Bytes(), limits); err != nil || len(got) != 1<<16 {
		t.Errorf("%d entries, %v", len(got), err)
	}
	z := inspecttest.NewRaw([]inspecttest.File{{Name: "a/A.class", Data: []byte("12345")}})
	z.Entries[0].Central.Size = 0xffffffff
	z.Entries[0].Central.Extra = inspecttest.ExtraField(1, []byte{5, 0, 0, 0, 0, 0, 0, 0})
	if got, err := jar(z.Bytes(), limits); err != nil || len(got) != 1 || got[0][1] != "12345" {
		t.Errorf("a size in the extra field: %v, %v", got, err)
	}
	for _, extra := range [][]byte{nil, inspecttest.ExtraField(1, []byte{5}), inspecttest.ExtraField(1, bytes.Repeat([]byte{0xff}, 8)), {1, 0, 9, 0}} {
		z.Entries[0].Central.Extra = extra
		if _, err := jar(z.Bytes(), limits); err == nil {
			t.Errorf("the extra field %x was read", extra)
		}
	}
}

func TestJarsThatJavaCannotRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*inspecttest.Raw)
		limits archive.Limits
		words  string
	}{
		"outside":    {func(z *inspecttest.Raw) { z.Entries[0].Offset = 1 << 20 }, limits, "outside"},
		"elsewhere":  {func(z *inspecttest.Raw) { z.Entries[0].Offset = 1 }, limits, "not where the directory says"},
		"encrypted":  {func(z *inspecttest.Raw) { z.Entries[0].Central.Flags |= 1 }, limits, "encrypted"},
		"packed":     {func(z *inspecttest.Raw) { z.Entries[0].Central.Method = 14 }, limits, "packed in a way"},
		"a name":     {func(z *inspecttest.Raw) { z.Entries[0].Central.Name = "\xff" }, limits, "not UTF-8"},
		"count":      {func(z *inspecttest.Raw) { z.Extra = 1 }, limits, "another number"},
		"directory":  {func(z *inspecttest.Raw) { z.Hidden = []byte("?") }, limits, "damaged"},
		"large":      {func(*inspecttest.Raw) {}, archive.Limits{Unpacked: 4}, "more than 4 bytes"},
		"many":       {func(*inspecttest.Raw) {}, archive.Limits{Unpacked: 100, Entries: 1}, "more than 1 entries"},
		"more":       {func(z *inspecttest.Raw) { z.Entries[0].Central.Size = 2 }, limits, "size or the checksum"},
		"fewer":      {func(z *inspecttest.Raw) { z.Entries[0].Central.Size = 9 }, limits, "size or the checksum"},
		"no deflate": {func(z *inspecttest.Raw) { z.Entries[0].Packed[0] = 0xff }, limits, "cannot be unpacked"},
		"cut":        {func(z *inspecttest.Raw) { z.Suffix = []byte(strings.Repeat("x", 70_000)) }, limits, "no end record"},
		"one in two": {func(z *inspecttest.Raw) { z.Entries[1].Shared = true }, limits, "overlaps"},
	} {
		z := inspecttest.NewRaw([]inspecttest.File{{Name: "a/A.class", Data: []byte("12345")}, {Name: "a/A.class", Data: []byte("12345")}})
		c.change(z)
		_, err := jar(z.Bytes(), c.limits)
		var out rule.Tally
		if !strings.Contains(errorText(err), c.words) || archive.ChargeIn("lib.jar", err, &out) != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f := out.Findings()[0]; f.Rule != "archive.jar" || !strings.HasPrefix(f.Path, "lib.jar") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
