package archive_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// twoFiles is a zip of a.txt, b.txt and d/.
func twoFiles() *inspecttest.Raw {
	return inspecttest.NewRaw([]inspecttest.File{
		{Name: "a.txt", Data: []byte("one one one")}, {Name: "b.txt", Data: []byte("two")}, {Name: "d/", Data: nil},
	})
}

// parts are a zip and its entries.
type parts struct {
	*inspecttest.Raw
	a, b, d *inspecttest.RawEntry
}

// TestStrict: everything that two tools may read differently is refused by the rule that says so. A
// case without a rule is taken.
func TestStrict(t *testing.T) {
	t.Parallel()
	locator := "PK\x06\x07" + strings.Repeat("\x00", 16)
	field := inspecttest.ExtraField
	for name, c := range map[string]struct {
		change func(z parts)
		rule   string
	}{
		"as it is": {func(z parts) {}, ""},

		"a comment": {func(z parts) { z.Comment = "text" }, "archive.comment"},
		"an end in the comment": {func(z parts) {
			z.Comment = string(inspecttest.NewRaw(nil).Bytes())
		}, "archive.gap"},
		"a zip behind": {func(z parts) { z.Suffix = twoFiles().Bytes() }, "archive.gap"},
		"bytes behind": {func(z parts) { z.Suffix = []byte("text") }, "archive.trailing"},
		"a prefix":     {func(z parts) { z.Prefix = []byte("MZ") }, "archive.gap"},
		"a prefix not counted": {func(z parts) {
			z.Prefix, z.Offset, z.a.Offset, z.b.Offset, z.d.Offset = []byte("MZ"), -2, -2, -2, -2
		}, "archive.gap"},
		"between two":            {func(z parts) { z.b.Before = []byte("?") }, "archive.gap"},
		"before the directory":   {func(z parts) { z.Gap = []byte("?") }, "archive.gap"},
		"behind the directory":   {func(z parts) { z.Hidden = []byte("?") }, "archive.gap"},
		"a zip64 locator":        {func(z parts) { z.Hidden = []byte(locator) }, "archive.zip64"},
		"a locator in a comment": {func(z parts) { z.d.Comment = locator }, "archive.zip64"},
		"a locator in a field": {func(z parts) {
			z.d.Central.Extra = field(0x5455, []byte(locator))
		}, "archive.zip64"},
		"an entry's comment":   {func(z parts) { z.a.Comment = "text" }, "archive.comment"},
		"not in the directory": {func(z parts) { z.b.Absent = true }, "archive.gap"},
		"first not in it":      {func(z parts) { z.a.Absent = true }, "archive.gap"},
		"one more claimed":     {func(z parts) { z.Extra = 1 }, "archive.unreadable"},
		"one fewer claimed":    {func(z parts) { z.Extra = -1 }, "archive.unreadable"},
		"a disk":               {func(z parts) { z.Disk = 1 }, "archive.split"},

		"local name":            {func(z parts) { z.a.Local.Name = "c.txt" }, "archive.header"},
		"local name longer":     {func(z parts) { z.a.Local.Name = "c.txt.txt" }, "archive.header"},
		"local name endless":    {func(z parts) { z.a.Local.Name = strings.Repeat("c", 60_000) }, "archive.header"},
		"local method":          {func(z parts) { z.a.Local.Method = 0 }, "archive.header"},
		"local flags":           {func(z parts) { z.a.Local.Flags = 0 }, "archive.header"},
		"local descriptor flag": {func(z parts) { z.a.Local.Flags |= 8 }, "archive.header"},
		"local size":            {func(z parts) { z.a.Local.Size++ }, "archive.header"},
		"local packed size":     {func(z parts) { z.a.Local.Packed-- }, "archive.header"},
		"local checksum":        {func(z parts) { z.a.Local.CRC++ }, "archive.header"},
		"local Unicode name": {func(z parts) {
			z.a.Local.Extra = inspecttest.UnicodePath("a.txt", "c.txt")
		}, "archive.unicode-name"},
		"local zip64": {func(z parts) {
			z.a.Local.Extra = field(1, make([]byte, 16))
		}, "archive.zip64"},
		"local field cut":      {func(z parts) { z.a.Local.Extra = []byte{0x55, 0x54, 9, 0} }, "archive.extra"},
		"another place":        {func(z parts) { z.b.Offset = 1 }, "archive.gap"},
		"the place of another": {func(z parts) { z.b.Shared = true }, "archive.overlap"},
		"behind the end":       {func(z parts) { z.d.Offset = 1 << 20 }, "archive.overlap"},
		"packed size too large": {func(z parts) {
			z.a.Central.Packed += 100
			z.a.Local.Packed += 100
		}, "archive.overlap"},
		"packed size too small": {func(z parts) { z.a.Central.Packed--; z.a.Local.Packed-- }, "archive.content"},
		"size too large":        {func(z parts) { z.a.Central.Size++; z.a.Local.Size++ }, "archive.content"},
		"size too small":        {func(z parts) { z.a.Central.Size--; z.a.Local.Size-- }, "archive.content"},
		"checksum":              {func(z parts) { z.a.Central.CRC++; z.a.Local.CRC++ }, "archive.content"},
		"more packed bytes": {func(z parts) {
			z.a.Packed = append(z.a.Packed, 0)
			z.a.Central.Packed++
			z.a.Local.Packed++
		}, "archive.content"},
		"a folder with content": {func(z parts) {
			z.a.Central.Name, z.a.Local.Name = "a.txt/", "a.txt/"
		}, "archive.content"},
		"stored, sizes differ": {func(z parts) { z.a.Central.Method, z.a.Local.Method = 0, 0 }, "archive.content"},
		"stored":               {func(z parts) { z.a.Store([]byte("one one one")) }, ""},
		"stored with descriptor": {func(z parts) {
			z.a.Store([]byte("one one one"))
			z.a.Describe(true)
		}, "archive.descriptor"},

		"a descriptor":          {func(z parts) { z.a.Describe(true) }, ""},
		"one without signature": {func(z parts) { z.a.Describe(false) }, ""},
		"sizes in both": {func(z parts) {
			l := z.a.Local
			z.a.Describe(true)
			l.Flags |= 8
			z.a.Local = l
		}, ""},
		"half of them": {func(z parts) {
			z.a.Describe(true)
			z.a.Local.Size = z.a.Central.Size
		}, "archive.header"},
		"none":             {func(z parts) { z.a.Describe(true); z.a.Descriptor = nil }, "archive.descriptor"},
		"a wrong one":      {func(z parts) { z.a.Describe(true); z.a.Descriptor[15]++ }, "archive.descriptor"},
		"a wrong checksum": {func(z parts) { z.a.Describe(false); z.a.Descriptor[0]++ }, "archive.descriptor"},
		"zip64's": {func(z parts) {
			z.a.Describe(true)
			z.a.Descriptor = append(z.a.Descriptor, make([]byte, 8)...)
		}, "archive.descriptor"},
		"one that is not said": {func(z parts) {
			l := z.b.Local
			z.b.Describe(true)
			z.b.Local, z.b.Central.Flags = l, l.Flags
		}, "archive.gap"},

		"encrypted": {func(z parts) { z.a.Central.Flags |= 1 }, "archive.encrypted"},
		"strongly":  {func(z parts) { z.a.Central.Flags |= 1 << 6 }, "archive.encrypted"},
		"masked":    {func(z parts) { z.a.Central.Flags |= 1 << 13 }, "archive.encrypted"},
		"AES": {func(z parts) {
			z.a.Central.Extra = field(0x9901, make([]byte, 7))
		}, "archive.encrypted"},
		"patched":    {func(z parts) { z.a.Central.Flags |= 1 << 5 }, "archive.method"},
		"deflate64":  {func(z parts) { z.a.Central.Method = 9 }, "archive.method"},
		"zip64 size": {func(z parts) { z.a.Central.Size = 0xffffffff }, "archive.size archive.zip64"},
		"zip64 field": {func(z parts) {
			z.a.Central.Extra = field(1, make([]byte, 8))
		}, "archive.zip64"},
		"Unicode comment": {func(z parts) {
			z.a.Central.Extra = field(0x6375, make([]byte, 8))
		}, "archive.unicode-name"},
		"alignment": {func(z parts) {
			z.a.Local.Extra = field(0xd935, make([]byte, 8))
		}, "archive.extra"},
		"a field cut": {func(z parts) { z.a.Central.Extra = []byte{1} }, "archive.extra"},
		"times and owners": {func(z parts) {
			z.a.Central.Extra = append(field(0x5455, make([]byte, 5)), field(0x7875, make([]byte, 11))...)
		}, ""},
		"a jar": {func(z parts) {
			z.a.Central.Extra = field(0xcafe, nil)
			z.a.Local.Extra = z.a.Central.Extra
		}, ""},

		"a link":              {func(z parts) { z.a.Attributes = 0o120777 << 16 }, "archive.link"},
		"a socket":            {func(z parts) { z.a.Attributes = 0o140777 << 16 }, "archive.link"},
		"a folder without /":  {func(z parts) { z.a.Attributes = 0o040755 << 16 }, "archive.link"},
		"MS-DOS's folder":     {func(z parts) { z.a.Attributes = 0x10 }, "archive.link"},
		"a volume":            {func(z parts) { z.a.Attributes = 0x08 }, "archive.link"},
		"a reparse point":     {func(z parts) { z.a.Attributes = 0x400 }, "archive.link"},
		"a file with /":       {func(z parts) { z.d.Attributes = 0o100644 << 16 }, "archive.link"},
		"a folder of Maven's": {func(z parts) { z.d.Attributes = 0xffff0010 }, ""},
		"a file of no kind":   {func(z parts) { z.a.Attributes = 0xffff0000 }, "archive.link"},
		"setuid":              {func(z parts) { z.a.Attributes = 0o104755 << 16 }, ""},
		"read-only, archived": {func(z parts) { z.a.Attributes = 0x21 }, ""},
	} {
		z := twoFiles()
		c.change(parts{z, z.Entries[0], z.Entries[1], z.Entries[2]})
		if _, broken := read(t, z.Bytes(), limits); strings.Join(broken, " ") != c.rule {
			t.Errorf("%s: %q, want %q", name, broken, c.rule)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", 31)
	for _, c := range []struct {
		names []string
		rule  string
	}{
		{[]string{"a", "b/", "b/c", "b/d/e"}, ""},
		{[]string{"b/c", "b/"}, ""},
		{[]string{"日本語/ö.txt", "ß"}, ""},
		{[]string{deep + "a", strings.Repeat("n", 255)}, ""},
		{[]string{"d/" + deep + "a"}, "archive.path"},
		{[]string{strings.Repeat("n", 256)}, "archive.path"},
		{[]string{strings.Repeat(strings.Repeat("n", 250)+"/", 5)}, "archive.path"},
		{[]string{"/a"}, "archive.path"}, {[]string{"a//b"}, "archive.path"}, {[]string{"a/./b"}, "archive.path"},
		{[]string{"a/.."}, "archive.path"}, {[]string{".."}, "archive.path"}, {[]string{"../"}, "archive.path"},
		{[]string{"./a"}, "archive.path"}, {[]string{""}, "archive.path"}, {[]string{"/"}, "archive.path"}, {[]string{"a//"}, "archive.path"},
		{[]string{"C:a"}, "archive.path"}, {[]string{"c:/a"}, "archive.path"}, {[]string{`a\b`}, "archive.path"}, {[]string{`\\host\a`}, "archive.path"},
		{[]string{"a\x00b"}, "archive.path"}, {[]string{"a\nb"}, "archive.path"}, {[]string{"a\x7f"}, "archive.path"},
		{[]string{"a\u0085"}, "archive.path"}, {[]string{"a\u202etxt.jar"}, "archive.path"}, {[]string{"a\u2028"}, "archive.path"},
		{[]string{"a\xff"}, "archive.encoding"}, {[]string{"\xed\xa0\x80"}, "archive.encoding"},
		{[]string{"a", "a"}, "archive.duplicate"}, {[]string{"a/", "a/"}, "archive.duplicate"},
		{[]string{"a", "A"}, "archive.collision"}, {[]string{"a/b", "A/c"}, "archive.collision"}, {[]string{"straße", "STRASSE"}, "archive.collision"},
		{[]string{"\u00e4", "a\u0308"}, "archive.collision"}, {[]string{"\u00c4", "a\u0308"}, "archive.collision"}, {[]string{"k", "\u212a"}, "archive.collision"},
		{[]string{"a", "a/b"}, "archive.file-and-folder"}, {[]string{"a/b", "a"}, "archive.file-and-folder"},
		{[]string{"a", "a/"}, "archive.file-and-folder"}, {[]string{"a/", "a"}, "archive.file-and-folder"},
	} {
		var files []inspecttest.File
		for _, n := range c.names {
			files = append(files, inspecttest.File{Name: n})
		}
		if _, broken := read(t, inspecttest.NewRaw(files).Bytes(), limits); strings.Join(broken, " ") != c.rule {
			t.Errorf("%.80q: %q, want %q", c.names, broken, c.rule)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	zeros := inspecttest.NewRaw([]inspecttest.File{{Name: "zeros", Data: make([]byte, 5<<20)}}).Bytes()
	for name, c := range map[string]struct {
		zip    []byte
		limits archive.Limits
		rules  []string
	}{
		"as large as may be":  {twoFiles().Bytes(), archive.Limits{Unpacked: 14, Entries: 3}, nil},
		"all too large":       {twoFiles().Bytes(), archive.Limits{Unpacked: 13}, []string{"archive.size"}},
		"one too large":       {twoFiles().Bytes(), archive.Limits{Unpacked: 99, Entry: 10}, []string{"archive.file-size"}},
		"too many":            {twoFiles().Bytes(), archive.Limits{Unpacked: 99, Entries: 2}, []string{"archive.entries"}},
		"a bomb":              {zeros, limits, []string{"archive.ratio"}},
		"none with more room": {zeros, archive.Limits{Unpacked: 64 << 20, Ratio: 2000}, nil},
	} {
		if _, broken := read(t, c.zip, c.limits); !slices.Equal(broken, c.rules) {
			t.Errorf("%s: %q, want %q", name, broken, c.rules)
		}
	}
}
