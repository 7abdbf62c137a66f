package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// seeds are zips from which mutations are worth making.
func seeds(f *testing.F) {
	f.Helper()
	f.Add(twoFiles().Bytes())
	z := twoFiles()
	z.Entries[0].Describe(true)
	z.Entries[1].Describe(false)
	z.Entries[2].Attributes = 0o40755<<16 | 0x10
	z.Entries[1].Central.Extra = inspecttest.ExtraField(0x5455, make([]byte, 5))
	f.Add(z.Bytes())
	z = twoFiles()
	z.Entries[0].Store([]byte("one one one"))
	z.Entries[1].Local.Extra = inspecttest.UnicodePath("b.txt", "c.txt")
	z.Comment = "text"
	f.Add(z.Bytes())
	b, err := inspecttest.Zip([]inspecttest.File{{Name: "config/ä.txt", Data: []byte(strings.Repeat("text", 1000))}, {Name: "x.jar!/A.class", Data: []byte("class A")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(endMark))
}

const endMark = "PK\x05\x06"

// FuzzStrict: what is taken, archive/zip reads too, and sees the same files with the same bytes.
func FuzzStrict(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, broken := read(t, b, archive.Limits{Unpacked: 1 << 20})
		if m == nil {
			if len(broken) == 0 {
				t.Error("refused without a finding")
			}
			return
		}
		if diff := cmp.Diff(m, others(t, b)); diff != "" {
			t.Errorf("archive/zip sees other files (-ours +its):\n%s", diff)
		}
	})
}

// others is the manifest as archive/zip has it, in the order of the bytes.
func others(t *testing.T, b []byte) []searchpack.ManifestEntry {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("archive/zip refuses it: %v", err)
	}
	all := map[int64]searchpack.ManifestEntry{}
	var order []int64
	for _, e := range z.File {
		if strings.HasSuffix(e.Name, "/") {
			continue
		}
		in, err := e.Open()
		if err != nil {
			t.Fatalf("archive/zip cannot open %q: %v", e.Name, err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("archive/zip cannot read %q: %v", e.Name, err)
		}
		at, err := e.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		mode := uint32(0o644)
		if e.ExternalAttrs>>16&0o100 != 0 {
			mode = 0o755
		}
		all[at], order = entry(e.Name, string(content), mode), append(order, at)
	}
	slices.Sort(order)
	out := []searchpack.ManifestEntry{}
	for _, at := range order {
		out = append(out, all[at])
	}
	return out
}

// FuzzJar: no panic, no hang, and only faults.
func FuzzJar(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := jar(b, archive.Limits{Unpacked: 1 << 20})
		var fault *archive.Fault
		if err != nil && !errors.As(err, &fault) {
			t.Errorf("%v", err)
		}
		size := 0
		for _, f := range got {
			size += len(f[1])
		}
		if size > 1<<20 {
			t.Errorf("%d bytes were unpacked", size)
		}
	})
}

// What the strict reader takes, the reader of jars reads too, and sees the same.
func TestJarOfAStrictZip(t *testing.T) {
	t.Parallel()
	z := twoFiles()
	z.Entries[0].Describe(true)
	b := z.Bytes()
	m, _ := read(t, b, limits)
	got, err := jar(b, limits)
	if err != nil || len(got) != len(m) {
		t.Fatalf("%v, %v", got, err)
	}
	for i, e := range m {
		if got[i][0] != e.Path || searchpack.DigestOf([]byte(got[i][1])) != e.Digest {
			t.Errorf("%v, want %+v", got[i], e)
		}
	}
}

// A zip that claims what it has not costs no memory: a directory of gigabytes, a file of gigabytes, and
// a bomb of zeros.
func TestMemoryIsBounded(t *testing.T) {
	large := twoFiles()
	large.Entries[0].Central.Size, large.Entries[0].Local.Size = 1<<30, 1<<30
	directory := twoFiles()
	directory.Extra = 60_000
	zeros := inspecttest.NewRaw([]inspecttest.File{{Name: "zeros", Data: make([]byte, 64<<20)}}).Bytes()
	for name, b := range map[string][]byte{"large": large.Bytes(), "directory": directory.Bytes(), "zeros": zeros} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read(t, b, archive.Limits{Unpacked: 2 << 30, Ratio: 10_000})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
		runtime.ReadMemStats(&before)
		_, _ = jar(b, archive.Limits{Unpacked: 1 << 20})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 48<<20 {
			t.Errorf("%s as a jar: %d bytes were allocated", name, used)
		}
	}
}

// FuzzChanged changes single fields of a zip: most random bytes fail at the first checksum, these come
// further.
func FuzzChanged(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Add([]byte{7, 0, 1, 3, 1, 200, 9, 2, 5})
	f.Fuzz(func(t *testing.T, script []byte) {
		z := twoFiles()
		for ; len(script) >= 3; script = script[3:] {
			alter(z, script[0], script[1], script[2])
		}
		b := z.Bytes()
		m, broken := read(t, b, archive.Limits{Unpacked: 1 << 20})
		_, err := jar(b, archive.Limits{Unpacked: 1 << 20})
		if m == nil {
			return
		}
		if diff := cmp.Diff(m, others(t, b)); diff != "" {
			t.Errorf("archive/zip sees other files (-ours +its):\n%s", diff)
		}
		if err != nil {
			t.Errorf("taken with %v, and no jar: %v", broken, err)
		}
	})
}

// alter changes one thing.
func alter(z *inspecttest.Raw, what, which, value byte) {
	e := z.Entries[int(which)%len(z.Entries)]
	h := &e.Central
	if which >= 128 {
		h = &e.Local
	}
	n, text := uint32(value), []byte{value}
	all := []func(){
		func() { h.Name += string(text) },
		func() { h.Flags ^= 1 << (value % 16) },
		func() { h.Method = uint16(value) },
		func() { h.CRC += n },
		func() { h.Packed += n },
		func() { h.Size += n },
		func() { h.Extra = append(h.Extra, text...) },
		func() { e.Describe(value%2 == 0) },
		func() { e.Descriptor = append(e.Descriptor, text...) },
		func() { e.Attributes ^= 1 << (value % 32) },
		func() { e.Offset += int64(int8(value)) }, //nolint:gosec // negative ones too
		func() { e.Before = append(e.Before, text...) },
		func() { e.Packed = append(e.Packed, text...) },
		func() { e.Absent = !e.Absent },
		func() { e.Shared = which > 0 && !e.Shared },
		func() { z.Extra += int(int8(value)) },    //nolint:gosec // as above
		func() { z.Offset += int64(int8(value)) }, //nolint:gosec // as above
		func() { z.Prefix = append(z.Prefix, text...) },
		func() { e.Comment += string(text) },
		func() { z.Suffix = append(z.Suffix, text...) },
		func() { z.Comment += string(text) },
		func() { // in both headers, so that more is taken
			c := []byte{'a', 'A', '/', '.', 'b', 0xc3, 0xa4, '\\', ':', 0}[int(value)%10]
			for _, h := range e.Both() {
				h.Name = string(c) + h.Name
			}
		},
	}
	all[int(what)%len(all)]()
}
