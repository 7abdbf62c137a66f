package classfile

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

func classOf(t testing.TB, line string) []byte {
	t.Helper()
	b, err := inspecttest.Class(line)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Class{
		"class a/B": {Major: 55, Flags: 0x21, Name: "a/B", Super: "java/lang/Object", Constructors: []Constructor{{Public, "()V"}}},
		"hidden class a/B extends c/D implements e/F, g/H new (Ljava/nio/file/Path;)V, private ()V java 21": {
			Major: 65, Flags: 0x20, Name: "a/B", Super: "c/D", Interfaces: []string{"e/F", "g/H"},
			Constructors: []Constructor{{Public, "(Ljava/nio/file/Path;)V"}, {Private, "()V"}},
		},
		"interface a/B implements c/D java 8": {Major: 52, Flags: 0x601, Name: "a/B", Super: "java/lang/Object", Interfaces: []string{"c/D"}},
		"module module-info":                  {Major: 55, Flags: Module, Name: "module-info"},
	} {
		got, err := Parse(classOf(t, line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

// Every file that is cut short, and one that is too long, is refused.
func TestDamagedClasses(t *testing.T) {
	t.Parallel()
	whole := classOf(t, "class a/B extends c/D implements e/F new (I)V")
	for n := range whole {
		if c, err := Parse(whole[:n]); err == nil {
			t.Errorf("%d bytes of it are taken: %+v", n, c)
		}
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		words  string
	}{
		"longer":           {func(b []byte) []byte { return append(b, 0) }, "1 bytes stand behind"},
		"another magic":    {func(b []byte) []byte { b[0] = 0; return b }, "does not begin"},
		"no such version":  {func(b []byte) []byte { b[6], b[7] = 0, 44; return b }, "version 44"},
		"unknown constant": {func(b []byte) []byte { b[10] = 2; return b }, "unknown kind 2"},
		"and one beyond":   {func(b []byte) []byte { b[10] = 99; return b }, "unknown kind 99"},
		"no class":         {func(b []byte) []byte { at := bytes.Index(b, []byte{7, 0, 1}); b[at+2] = 2; return b }, "is no text"},
		"no constants":     {func(b []byte) []byte { b[8], b[9] = 0, 0; return b }, "is no class"},
		"too many":         {func(b []byte) []byte { b[8], b[9] = 255, 255; return b }, "ends too early"},
		"too large":        {func(b []byte) []byte { return append(b, make([]byte, MaxSize)...) }, "more than"},
	} {
		if _, err := Parse(c.change(bytes.Clone(whole))); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// All kinds of constants are passed over, and the two that count twice.
func TestConstantStrings(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&b, binary.BigEndian, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(uint32(0xCAFEBABE), uint16(3), uint16(69), uint16(22))
	put(uint8(5), uint64(0), uint8(6), uint64(0)) // 1, 3
	put(uint8(1), uint16(1), []byte("A"))         // 5
	put(uint8(7), uint16(5))                      // 6
	for tag, n := range map[uint8]int{3: 4, 4: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2} {
		put(tag, make([]byte, n))
	}
	put(uint8(1), uint16(0), uint8(1), uint16(0)) // 20, 21
	put(uint16(Public), uint16(6), uint16(0), uint16(0))
	put(uint16(1), uint16(0), uint16(5), uint16(5), uint16(1), uint16(5), uint32(3), []byte("xyz")) // a field with an attribute
	put(uint16(0), uint16(0))
	c, err := Parse(b.Bytes())
	if err != nil || c.Name != "A" || c.Release() != 25 || c.Super != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{"class A java 8": 8, "class A java 21": 21, "module module-info java 9": 9} {
		if got, err := Release(classOf(t, line)[:8]); got != want || err != nil {
			t.Errorf("%s: %d, %v", line, got, err)
		}
	}
	if _, err := Release([]byte{0xca, 0xfe, 0xba, 0xbe, 0, 0, 0}); err == nil {
		t.Error("7 bytes are enough")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(classOf(f, "class a/B extends c/D implements e/F new (I)V, ()V"))
	f.Add(classOf(f, "module module-info"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if (c == nil) == (err == nil) {
			t.Errorf("%+v, %v", c, err)
		}
		if release, headErr := Release(b); err == nil && (headErr != nil || release != c.Release()) {
			t.Errorf("%d and %d, %v", release, c.Release(), headErr)
		}
	})
}

// A constant costs its memory once, however often it is named: 65,535 constructors and as many
// interfaces, all of one long name, come to 8 GiB else.
func TestConstantsAreShared(t *testing.T) {
	t.Parallel()
	const many, long = 65_535, 65_000
	u2 := binary.BigEndian.AppendUint16
	b := u2([]byte{0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 55}, 4) // three constants
	b = append(u2(append(b, tagText), long), strings.Repeat("x", long)...)
	b = u2(append(b, tagClass), 1)
	b = append(u2(append(b, tagText), uint16(len("<init>"))), "<init>"...)
	b = u2(u2(u2(u2(b, Public), 2), 0), many) // flags, class, super, interfaces
	for range many {
		b = u2(b, 2)
	}
	b = u2(u2(b, 0), many) // fields, methods
	for range many {
		b = u2(u2(u2(u2(b, Public), 3), 1), 0)
	}
	b = u2(b, 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c, err := Parse(b)
	runtime.ReadMemStats(&after)
	if err != nil || len(c.Interfaces) != many || len(c.Constructors) != many {
		t.Fatalf("%v", err)
	}
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 64 {
		t.Errorf("%d MiB for a class file of %d KiB", took, len(b)>>10)
	}
}

func TestConstants(t *testing.T) {
	t.Parallel()
	file := classOf(t, "class org/example/P implements org/opensearch/plugins/AnalysisPlugin says tag, my.key java 21")
	read := func(b []byte) (texts, classes []string, err error) {
		err = Constants(b, func(x []byte) { texts = append(texts, string(x)) }, func(x []byte) { classes = append(classes, string(x)) })
		return texts, classes, err
	}
	texts, classes, err := read(file)
	if err != nil || !slices.Equal(texts, []string{"tag", "my.key"}) ||
		!slices.Equal(classes, []string{"org/example/P", "java/lang/Object", "org/opensearch/plugins/AnalysisPlugin"}) {
		t.Errorf("%q %q %v", texts, classes, err)
	}
	if texts, _, err := read(append(bytes.Clone(file), "what comes behind the constants"...)); err != nil || len(texts) != 2 {
		t.Errorf("%q %v", texts, err)
	}
	for n := range 30 { // in the middle of a constant
		if _, _, err := read(file[:n]); err == nil {
			t.Errorf("the first %d bytes are no class file", n)
		}
	}
	bad := bytes.Clone(file)
	bad[headerLen+1+2+3+1] = 0xff // the text of the first string
	if _, _, err := read(bad); err == nil {
		t.Error("a string without a text passes")
	}
}
