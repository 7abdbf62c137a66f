package hunspell

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const plain = "SET UTF-8\nSFX S Y 1\nSFX S 0 s .\n"

// brief writes findings as "rule line".
func brief(t *rule.Tally) []string {
	var out []string
	for _, f := range t.Findings() {
		out = append(out, fmt.Sprintf("%s %s:%d", strings.TrimPrefix(f.Rule, "hunspell."), f.Path, f.Line))
	}
	return out
}

func TestEveryMistakeHasItsLine(t *testing.T) {
	t.Parallel()
	aff := "SET UTF-8\nFLAG num\nSFX 1 Y 2\nSFX 1 0 s .\n\nSFX 99999 Y 1\nSFX 99999 0 s .\nICONV 2\nICONV a b\nICONV a c\nMAXDIFF 11\n"
	got := brief(read(t, aff, "1\nfox/1\ndog/2\ncat/70000\n", nil))
	want := []string{
		"affix-count x.aff:5", "flag x.aff:6", "row x.aff:10", "option x.aff:11", "flag-undefined x.dic:3", "flag x.dic:4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("findings\n%q, want\n%q", got, want)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	var got []string
	aff := "SET UTF-8\nPFX R N 1\nPFX R 0 re .\nSFX S Y 2\nSFX S y ies/R [^aeiou]y\nSFX S 0 s\n"
	found := read(t, aff, "4\n# no word\nfox/SR po:noun\nb\\/w\nhot dog/S\n/x\n", func(e dict.Entry) {
		got = append(got, fmt.Sprintf("%d %s=%s", e.Line, e.Key, e.Value))
	})
	want := []string{"3 PFX R=0 re .", "5 SFX S=y ies/R [^aeiou]y", "6 SFX S=0 s .", "3 fox=SR po:noun", "4 b/w=", "5 hot dog=S", "6 /x="}
	if !slices.Equal(got, want) || found.Count() != 0 {
		t.Errorf("entries\n%q, want\n%q; findings %v", got, want, brief(found))
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, word, want string }{
		{"SET ISO8859-2\n", "\xb3", "ł"}, {"SET KOI8-R\n", "\xc1", "а"}, {"SET microsoft-cp1251\n", "\xe0", "а"},
		{"SET ISO8859-14\n", "\xd0", "Ŵ"}, {"SET ISO8859-15\n", "\x80\xa4", "\u0080€"}, {"SET TIS620-2533\n", "\xa1", "ก"},
		{"", "\xe9", "é"}, {"SET us-ascii\n", "\xe9", "\uFFFD"}, {"SET UTF-8\n", "\xc3", "\uFFFD"}, {"SET EUC-JP\n", "\xa4\xa2", "あ"},
	} {
		var got []string
		read(t, c.set, "1\n"+c.word+"\n", func(e dict.Entry) { got = append(got, string(e.Key)) })
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%q: %q was read as %q, want %q", c.set, c.word, got, c.want)
		}
	}
	if _, ok := findCharset("klingon"); ok {
		t.Error("an encoding that nobody knows is known")
	}
}

func TestSingleFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		plain:                     {"single-file :0"},
		plain + "SFX S 0 es .\n":  {"single-file :0", "count :4"},
		"2\nfox/S\ndog\n":         {"single-file :0"},
		"fox\n":                   {"single-file :0", "no-count :1"},
		"\xef\xbb\xbf2\nfox\nfox": {"single-file :0", "twice :3"},
	} {
		var found rule.Tally
		if _, err := File(strings.NewReader(text), &dict.Config{Findings: &found}); err != nil {
			t.Fatal(err)
		}
		if got := brief(&found); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	t.Parallel()
	for n := range len(plain) {
		broken := io.MultiReader(strings.NewReader(plain[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if _, _, err := Affix(broken, "", &dict.Config{Findings: &rule.Tally{}}); err == nil {
			t.Errorf("an .aff file that broke off after %d bytes is no error", n)
		}
	}
	open := func(string) (io.ReadCloser, error) { return nil, io.ErrClosedPipe }
	if err := Read(Locale{Affix: "x.aff"}, open, &dict.Config{Findings: &rule.Tally{}}); err == nil || !strings.Contains(err.Error(), "x.aff") {
		t.Errorf("a file that cannot be opened: %v", err)
	}
}

// A dictionary of the largest size that languages have, and one line without an end.
func TestMemoryIsBounded(t *testing.T) { // alone: it looks at the heap
	var dic bytes.Buffer
	dic.WriteString("300000\n")
	for i := range 300_000 {
		fmt.Fprintf(&dic, "wort%d/S\n", i)
	}
	for name, c := range map[string]struct {
		r    io.Reader
		most uint64
		want []string
	}{
		"300,000 words": {bytes.NewReader(dic.Bytes()), 40 << 20, nil},
		"an endless line": {
			io.MultiReader(strings.NewReader("1\n"), io.LimitReader(endless{}, 64<<20)), 16 << 20,
			[]string{"long-entry x.dic:2"},
		},
	} {
		var found rule.Tally
		a, _, err := Affix(strings.NewReader(plain), "x.aff", &dict.Config{Findings: &found})
		if err != nil {
			t.Fatal(err)
		}
		grown := heapOf(func() {
			if _, err := Words(c.r, "x.dic", a, &dict.Config{Findings: &found}); err != nil {
				t.Error(err)
			}
		})
		if got := brief(&found); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
		if grown > c.most {
			t.Errorf("%s: %d MiB more are in use, the limit is %d", name, grown>>20, c.most>>20)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// heapOf returns how much the heap has grown at the end of f, before what f made is let go.
func heapOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if after.HeapInuse < before.HeapInuse {
		return 0
	}
	return after.HeapInuse - before.HeapInuse
}

func FuzzDictionary(f *testing.F) {
	f.Add(plain, "1\nfox/S\n")
	f.Add("SET UTF-8\nFLAG long\nAF 1\nAF Aa\nAM 1\nAM po:x\nSFX Aa Y 1\nSFX Aa y ies/1 [^a]y\nCOMPOUNDRULE 1\nCOMPOUNDRULE (aa)*\n", "1\nfox/1\t1\n")
	f.Add("SET ISO8859-7\nFLAG num\nPFX 1 N 1\nPFX 1 a b [ab", "x\xff/1,2\n")
	f.Fuzz(func(t *testing.T, aff, dic string) {
		var once, twice rule.Tally
		for _, found := range []*rule.Tally{&once, &twice} {
			c := &dict.Config{Findings: found, Entry: func(dict.Entry) {}}
			a, _, err := Affix(iotest.OneByteReader(strings.NewReader(aff)), "a", c)
			if err != nil {
				t.Fatal(err)
			}
			if found == &twice { // how the stream is chopped says nothing
				if a, _, err = Affix(strings.NewReader(aff), "a", &dict.Config{Findings: &rule.Tally{}}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Words(strings.NewReader(dic), "d", a, c); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(brief(&once), brief(&twice)) {
			t.Errorf("%q, then %q", brief(&once), brief(&twice))
		}
		for _, g := range once.Findings() {
			if g.Severity == searchpack.SeverityError && g.Message == "" {
				t.Error("an error without a message")
			}
		}
	})
}

// A row of AF may be a megabyte long, and each line behind name it: its flags are looked at once, in half a
// second; with each line by itself it takes a minute.
func TestLongAliases(t *testing.T) {
	t.Parallel()
	flags := "SET UTF-8\nFLAG num\nAF 2\nAF " + strings.Repeat("1,2,", 200_000) + "3\nAF 99999\n"
	affixes := "SFX 1 Y 2002\n" + strings.Repeat("SFX 1 0 x/1 .\n", 2000) + strings.Repeat("SFX 1 0 y/2 .\n", 2)
	got := brief(read(t, flags+affixes, "2000\n"+strings.Repeat("a/1\n", 2000)+"b/2\nc/2\nd/3\n", nil))
	want := []string{"flag-undefined x.aff:7", "flag-undefined x.aff:7", "flag x.aff:2007", "flag x.aff:2008", "flag-undefined x.dic:2", "flag-undefined x.dic:2", "flag x.dic:2002", "flag x.dic:2003", "alias x.dic:2004"}
	if bad := slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "twice") }); !slices.Equal(bad, want) {
		t.Errorf("findings\n%q, want\n%q", bad, want)
	}
}

// What is kept of texts that are all different does not grow with their length.
func TestLongTextsAreNotKept(t *testing.T) {
	const many = 100
	rows := func(row func(i int, long string) string) io.Reader {
		var all []io.Reader
		for i := range many {
			all = append(all, strings.NewReader(row(i, strings.Repeat("é", 250_000)+fmt.Sprint(i))))
		}
		return io.MultiReader(all...)
	}
	for name, r := range map[string]io.Reader{
		"aliases":    io.MultiReader(strings.NewReader("AF 100\n"), rows(func(_ int, long string) string { return "AF " + long + "\n" })),
		"morphology": io.MultiReader(strings.NewReader("AM 100\n"), rows(func(_ int, long string) string { return "AM " + long + "\n" })),
		"strips":     io.MultiReader(strings.NewReader("SFX A Y 100\n"), rows(func(_ int, long string) string { return "SFX A " + long + " x .\n" })),
		"conditions": io.MultiReader(strings.NewReader("SFX A Y 100\n"), rows(func(_ int, long string) string { return "SFX A 0 x " + long + "\n" })),
		"flags":      io.MultiReader(strings.NewReader("SFX A Y 100\n"), rows(func(_ int, long string) string { return "SFX A 0 x/" + long + " .\n" })),
		"ICONV":      io.MultiReader(strings.NewReader("ICONV 100\n"), rows(func(_ int, long string) string { return "ICONV " + long + " x\n" })),
	} {
		var most uint64
		c := &dict.Config{Findings: &rule.Tally{}}
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		p := &peak{r: io.MultiReader(strings.NewReader("SET UTF-8\n"), r), most: &most}
		a, _, err := Affix(p, "x.aff", c)
		if err != nil || most > before.HeapAlloc+44<<20 {
			t.Errorf("%s: %d MiB, %v", name, (most-before.HeapAlloc)>>20, err)
		}
		runtime.KeepAlive(a)
	}
}

// peak notes how much memory is held while it is read to its end.
type peak struct {
	r     io.Reader
	reads int
	most  *uint64
}

func (p *peak) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if p.reads++; p.reads%5000 == 0 || err != nil {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		*p.most = max(*p.most, now.HeapAlloc)
	}
	return n, err
}
func TestEscapesInConditions(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]conditionFate{
		`.\y`: conditionRefused, `[\y]`: conditionRefused, `.\`: conditionRefused,
		`.\d\W`: conditionFine, `[\d]`: conditionFine, `.\-`: conditionFine, `.\\`: conditionFine, `.\é`: conditionFine,
	} {
		if got := conditionOf("SFX", "", condition); got != want {
			t.Errorf("%s: %d, want %d", condition, got, want)
		}
	}
	// What is matched against the stripped text is matched by Java, and an escape may be cut in two.
	for strip, want := range map[string]conditionFate{"xy": conditionFine, "x": conditionRefused} {
		if got := conditionOf("PFX", strip, `x\y[a]`); got != want {
			t.Errorf("%s stripped: %d, want %d", strip, got, want)
		}
	}
}
