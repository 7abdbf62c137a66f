package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/lines"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", lines.Max)
	for name, c := range map[string]struct {
		content  string
		declared searchpack.Kind
		kind     searchpack.Kind
		want     string // findings
	}{
		"empty":                       {"", "", "", "0:0 file.empty"},
		"empty synonyms":              {"", searchpack.KindSynonyms, searchpack.KindSynonyms, "0:0 file.empty"},
		"empty type table":            {"", searchpack.KindTypeTable, searchpack.KindTypeTable, "0:0 file.empty!"},
		"empty hyphenation":           {"", searchpack.KindHyphen, searchpack.KindHyphen, "0:0 file.empty!"},
		"one line end":                {"\n", "", "", ""},
		"only comments":               {"# a, b\n\n", "", "", ""},
		"guessed from commas":         {"# x\na, b\n\nc, d", "", searchpack.KindSynonyms, ""},
		"guessed from arrows":         {"a => b", "", searchpack.KindSynonyms, ""},
		"guessed and wrong":           {"a, b\na => b => c", "", searchpack.KindSynonyms, "2:8 two-arrows!"},
		"guessed behind a mark":       {"\ufeff# x\na, b", "", searchpack.KindSynonyms, "1:1 bom; 1:1 alone"},
		"guessed with an indented #":  {" # x\na, b", "", searchpack.KindSynonyms, "1:2 indented-comment"},
		"one word spoils the guess":   {"a => b => c\nword\n", "", searchpack.KindSynonyms, "1:8 two-arrows; 2:1 alone"},
		"last word spoils the guess":  {"a => b => c\n" + numbered("left%d, right%d\n", 10_000) + "word", "", searchpack.KindSynonyms, "1:8 two-arrows; 10002:1 alone"},
		"words":                       {"the\nand\n", "", searchpack.KindWords, ""},
		"words with a mark":           {"\ufeffthe\nand\n", "", searchpack.KindWords, "1:1 file.bom"},
		"declared words":              {"a => b => c\n", searchpack.KindWords, searchpack.KindWords, "1:3 words.synonyms"},
		"declared words in Latin-1":   {"the\ncaf\xe9\nna\xefve", searchpack.KindWords, searchpack.KindWords, "2:4 file.encoding!; 3:3 file.encoding!"},
		"words in Latin-1":            {"the\ncaf\xe9\nna\xefve", "", searchpack.KindWords, "2:4 file.encoding; 3:3 file.encoding"},
		"synonyms in Latin-1":         {"caf\xe9, bar", "", searchpack.KindSynonyms, "1:4 encoding!"},
		"binary":                      {"\x00\x01\x80,\xff,\n\x00,\xfe", "", searchpack.KindOpaque, "1:3 file.not-text"},
		"binary, declared opaque":     {"\x00\x01\x80,\xff", searchpack.KindOpaque, searchpack.KindOpaque, ""},
		"Latin-1 hyphenation":         {"<?xml?>\xe9", searchpack.KindHyphen, searchpack.KindHyphen, "1:0 hyphenation.malformed!"},
		"UTF-16 synonyms":             {"\xff\xfea\x00,\x00b\x00", searchpack.KindSynonyms, searchpack.KindSynonyms, "1:1 encoding!; 1:0 nul"},
		"UTF-16 undeclared":           {"\xff\xfea\x00,\x00b\x00", "", "", "1:1 file.not-text"},
		"UTF-16 without a mark":       {"a\x00\n\x00", searchpack.KindWords, searchpack.KindWords, "1:0 file.nul"},
		"no such kind":                {"a, b", "synonyms", "", "0:0 kind.unknown!"},
		"no such kind, empty":         {"", "Solr-Synonyms", "", "0:0 kind.unknown!; 0:0 file.empty"},
		"line of exactly the maximum": {long[1:] + ",\n", searchpack.KindSynonyms, searchpack.KindSynonyms, "1:1 alone"},
		"longer line":                 {long + ",\na => b => c", searchpack.KindSynonyms, searchpack.KindSynonyms, "1:1 long-line; 2:8 two-arrows!"},
		"bad end of a long line":      {long + "\xff\n", searchpack.KindSynonyms, searchpack.KindSynonyms, "1:1 long-line; 1:0 encoding!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := inspect(t, c.content, c.declared)
			if res.Kind != c.kind || res.Declared != (c.declared != "") {
				t.Errorf("Kind %q, Declared %v; want %q", res.Kind, res.Declared, c.kind)
			}
			want := map[string]int{}
			for s := range strings.SplitSeq(c.want, "; ") {
				want[s]++
			}
			if c.want == "" {
				want = map[string]int{}
			}
			got := map[string]int{}
			for _, s := range brief(res.Findings) {
				got[s]++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// numbered repeats a line with its number in each place.
func numbered(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i, i)
	}
	return b.String()
}

func TestUnknownKindNamesTheKinds(t *testing.T) {
	t.Parallel()
	f := inspect(t, "x", "thesaurus\x1b[2J").Findings[0]
	for _, k := range searchpack.Kinds {
		if !strings.Contains(f.Remedy, string(k)) {
			t.Errorf("the remedy does not name %s: %q", k, f.Remedy)
		}
	}
	if strings.ContainsRune(f.Message+f.Text, 0x1b) {
		t.Errorf("a control character of the metadata got through: %q", f.Message)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]int64{
		"": 0, "a": 1, "a\n": 1, "a\nb": 2, "\n\n": 2, "\r\n\r\n": 2, "\r\r\n\n": 3, "a\rb\n\rc": 4, "\n\r": 2,
		strings.Repeat("x", 3*lines.Max): 1,
	} {
		if res := inspect(t, content, ""); res.Lines != want {
			t.Errorf("%.20q: %d lines, want %d", content, res.Lines, want)
		}
	}
}

// TestManyFindings: counts stay exact, and errors push warnings out.
func TestManyFindings(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("alone\n", 500) + strings.Repeat("a => b => c\n", 60)
	res := inspect(t, content, searchpack.KindSynonyms)
	if res.FindingCount != 560 || res.ErrorCount != 60 || len(res.Findings) != MaxFindings {
		t.Errorf("%d findings, %d errors, %d kept; want 560, 60, %d", res.FindingCount, res.ErrorCount, len(res.Findings), MaxFindings)
	}
	if n := countRule(res, "synonyms.two-arrows"); n != 60 {
		t.Errorf("%d of 60 errors were kept", n)
	}
	if f := res.Findings; f[0].Line != 1 || f[39].Line != 40 || f[40].Line != 501 || f[99].Line != 560 {
		t.Errorf("not the first ones in the order of the file: lines %d, %d, %d, %d", f[0].Line, f[39].Line, f[40].Line, f[99].Line)
	}
	bad := strings.Repeat("\xff, a\na => b => c\n", 150)
	res = inspect(t, bad, searchpack.KindSynonyms)
	if res.ErrorCount != 300 || len(res.Findings) != MaxFindings || res.Findings[99].Line != 100 {
		t.Errorf("two sorts of errors: %d, %d kept, the last on line %d; want 300, 100, 100", res.ErrorCount, len(res.Findings), res.Findings[len(res.Findings)-1].Line)
	}
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := Dictionary(io.MultiReader(strings.NewReader("a, b\nc"), iotest.ErrReader(broken)), Options{Declared: ""})
	if !errors.Is(err, broken) {
		t.Errorf("Dictionary = %v, want the reader's error", err)
	}
	if _, err := Dictionary(stuckReader{}, Options{Declared: ""}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing for ever: %v", err)
	}
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

// checkSane holds what is true of every result.
func checkSane(t interface{ Errorf(string, ...any) }, res Result) {
	errorsKept := 0
	for _, f := range res.Findings {
		if f.Severity == searchpack.SeverityError {
			errorsKept++
		}
		if f.Rule == "" || f.Message == "" || f.Line < 0 || int64(f.Line) > res.Lines || f.Column < 0 {
			t.Errorf("odd finding %+v in a file of %d lines", f, res.Lines)
		}
	}
	if len(res.Findings) != min(res.FindingCount, MaxFindings) || errorsKept != min(res.ErrorCount, MaxFindings) {
		t.Errorf("%d kept of %d, %d errors of %d", len(res.Findings), res.FindingCount, errorsKept, res.ErrorCount)
	}
}

// TestChunksDoNotMatter: how the stream is chopped changes nothing, also around the buffers' ends
// and in the middle of characters and CRLFs.
func TestChunksDoNotMatter(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"a, b\n", "a => b => c\r\n", "é, \r", "\n", "\r", "日本\n", "\xe6\x97", "\xff", "# c\n", "w\n", ", , ,", "\x00", "=>", `\`,
		strings.Repeat("long ", 3000), strings.Repeat("é", lines.Max/2) + "é", strings.Repeat("日", sniffed), "\ufeff",
	}
	rapid.Check(t, func(t *rapid.T) {
		content := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "pieces"), "")
		kind := rapid.SampledFrom([]searchpack.Kind{"", searchpack.KindSynonyms, searchpack.KindWords}).Draw(t, "kind")
		want, err := Dictionary(strings.NewReader(content), Options{Declared: kind})
		if err != nil {
			t.Fatal(err)
		}
		checkSane(t, want)
		size := rapid.SampledFrom([]int{3, 7, 4096, sniffed - 1, sniffed, sniffed + 1}).Draw(t, "chunk")
		got, err := Dictionary(&chopped{strings.NewReader(content), size}, Options{Declared: kind})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in chunks of %d (-whole +chopped):\n%s", size, diff)
		}
	})
}

// chopped gives at most size bytes at a time.
type chopped struct {
	r    io.Reader
	size int
}

func (c *chopped) Read(p []byte) (int, error) { return c.r.Read(p[:min(len(p), c.size)]) }

func FuzzDictionary(f *testing.F) {
	for _, s := range []string{"", "a, b\nc => d\n", "a => b => c", "---, foo", "a, \n", "\xff\xfea\x00", "\ufeff# x\r\ny\\", "a\\=>b,\\ ,c=>\x00"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, content []byte, declared bool) {
		kind := searchpack.KindUnknown
		if declared {
			kind = searchpack.KindSynonyms
		}
		want, err := Dictionary(bytes.NewReader(content), Options{Declared: kind})
		if err != nil {
			t.Fatal(err)
		}
		checkSane(t, want)
		got, err := Dictionary(iotest.OneByteReader(bytes.NewReader(content)), Options{Declared: kind})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-whole +one byte at a time:\n%s", diff)
		}
	})
}

// rules gives n generated synonym rules without holding them.
type rules struct {
	n    int
	rest []byte
}

var ruleText = []byte("laptop, notebook, portable computer => mobile workstation\n")

func (r *rules) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n--
		r.rest = ruleText
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestMemoryIsBounded: neither many lines nor one endless line nor a finding on each line grow the
// memory used.
func TestMemoryIsBounded(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"300,000 rules": &rules{n: 300_000},
		"one line":      io.LimitReader(repeat("word, "), 32<<20),
		"only mistakes": io.LimitReader(repeat("a => b => c\n"), 16<<20),
		"only CR":       io.LimitReader(repeat("a,b\r"), 16<<20),
		"only NUL":      io.LimitReader(repeat("\x00"), 16<<20),
		"only 0xff":     io.LimitReader(repeat("\xff\n"), 4<<20),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Dictionary(r, Options{Declared: searchpack.KindSynonyms}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		// All that was ever allocated, not only what was live at once.
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

type repeat string

func (s repeat) Read(p []byte) (int, error) {
	n := 0
	for n+len(s) <= len(p) {
		n += copy(p[n:], s)
	}
	if n == 0 {
		n = copy(p, s[:min(len(p), len(s))])
	}
	return n, nil
}
