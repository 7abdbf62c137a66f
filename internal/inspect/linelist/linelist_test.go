package linelist

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

var readers = map[string]dict.Reader{
	"words": Words, "stemmer-override": StemmerOverride, "mapping": Mapping, "type-table": TypeTable,
	"kuromoji": Kuromoji, "nori": Nori,
}

// found is what a reader finds: "2:1(1) rule!", the number in parentheses being OpenSearch's, "!" an
// error; and what the file means, "key>value". Control characters come as they are.
func found(t interface{ Fatal(...any) }, read dict.Reader, content string) (findings, meaning []string) {
	c := &dict.Config{Findings: &rule.Tally{}}
	c.Entry = func(e dict.Entry) {
		s := string(e.Key)
		if len(e.Value) > 0 {
			s += ">" + string(e.Value)
		}
		meaning = append(meaning, s)
	}
	if _, err := read(strings.NewReader(content), c); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings.Findings() {
		s := fmt.Sprintf("%d:%d", f.Line, f.Column)
		if f.OpenSearchLine != 0 {
			s += fmt.Sprintf("(%d)", f.OpenSearchLine)
		}
		_, name, _ := strings.Cut(f.Rule, ".")
		s += " " + name
		if f.Severity == searchpack.SeverityError {
			s += "!"
		}
		findings = append(findings, s)
	}
	return findings, meaning
}

// example is a file, what is found in it (";" between), and what it means ("|" between).
type example struct{ content, findings, meaning string }

func run(t *testing.T, read dict.Reader, examples map[string]example) {
	t.Helper()
	for name, x := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, meaning := found(t, read, x.content)
			if diff := cmp.Diff(x.findings, strings.Join(findings, "; ")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(x.meaning, strings.Join(meaning, "|")); diff != "" {
				t.Errorf("meaning (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatIsARule: which lines are rules, and how they are counted.
func TestWhatIsARule(t *testing.T) {
	t.Parallel()
	run(t, Words, map[string]example{
		"plain":                  {"a\nb\r\nc\rd", "", "a|b|c|d"},
		"trimmed":                {" a\t\n\x01b\x1f", "", "a|b"},
		"comments":               {"# a\n  # b\n#\nc", "", "c"},
		"# inside":               {"c#\n#c", "", "c#"},
		"# and an arrow":         {"# =>", "1:1 hash-arrow; 1:3 synonyms", "# =>"},
		"# and an arrow, no gap": {"#=> x", "1:1 hash-arrow; 1:2 synonyms", "#=> x"},
		"# and a far arrow":      {"# a => b", "0:0 no-rules", ""},
		"mark before #":          {"\ufeff# a", "1:1 bom; 1:2 blanks", "\ufeff# a"},
		"blank by Unicode":       {"\u3000\n\u2003\t\n\x1c\na\na", "5:1 duplicate", "a|a"},
		"no-break space is text": {"\u00a0\na\na", "1:1 invisible; 3:1 duplicate", "\u00a0|a|a"},
		"control is text":        {"\x01\na\na", "3:1 duplicate", "|a|a"},
		"blank lines":            {"\n\na\n \na", "5:1 duplicate", "a|a"},
		"nothing":                {"\n \n", "0:0 no-rules", ""},
		"not UTF-8":              {"\xff\n", "1:1 encoding!", ""},
		"NEL is no line end":     {"a\u0085b", "1:2 invisible; 1:2 blanks", "a\u0085b"},
		"NUL":                    {"a\x00\nb\x00c", "1:0 nul", "a|b\x00c"},
		"long line":              {strings.Repeat("a", lines.Max+1) + "\nb\nb", "1:0 long-line; 3:1 duplicate", "b|b"},
		"long line begins blank": {strings.Repeat(" ", lines.Max+1) + "a\nb\nb", "1:0 long-line; 3:1 duplicate", "b|b"},
		"long comment":           {"#" + strings.Repeat("a", lines.Max+1) + "\nb\nb", "3:1 duplicate", "b|b"},
		"invisible in the word":  {"soft\u00adware", "1:5 invisible", "soft\u00adware"},
		"joiner in the word":     {"می\u200cخواهم", "", "می\u200cخواهم"},
	})
}

func TestWords(t *testing.T) {
	t.Parallel()
	run(t, Words, map[string]example{
		"decimal comma":      {"1,5\n1,000\n1,\n,5", "3:2 synonyms; 4:1 synonyms", "1,5|1,000|1,|,5"},
		"arrow":              {"a => b", "1:3 synonyms", "a => b"},
		"Snowball":           {"| a list\ni | I\na|b", "1:1 bar; 2:3 bar", "| a list|i | I|a|b"},
		"comment":            {"a # b\na\t#b\nc #", "1:3 comment; 2:3 comment; 3:3 comment", "a # b|a\t#b|c #"},
		"blank":              {"new york\nnew\u00a0york\nnew\u3000york", "1:4 blanks; 2:4 blanks; 3:4 blanks", "new york|new\u00a0york|new\u3000york"},
		"sets":               {"_english_\n_none_\n__\n_x", "1:1 set; 2:1 no-such-set", "_english_|_none_|__|_x"},
		"long":               {strings.Repeat("é", 255) + "\n" + strings.Repeat("é", 256), "2:1 long", strings.Repeat("é", 255) + "|" + strings.Repeat("é", 256)},
		"long by pairs":      {strings.Repeat("\U00010400", 128), "1:1 long", strings.Repeat("\U00010400", 128)},
		"duplicate":          {"a\nb\na\na", "3:1 duplicate; 4:1 duplicate", "a|b|a|a"},
		"case":               {"The\nTHE\nthe\nthe\nThe", "2:1 variant; 3:1 variant; 4:1 duplicate; 5:1 duplicate", "The|THE|the|the|The"},
		"Unicode form":       {"caf\u00e9\ncafe\u0301", "2:1 variant", "caf\u00e9|cafe\u0301"},
		"compatibility form": {"ab\n\uff41\uff42", "", "ab|\uff41\uff42"},
	})
}

func TestStemmerOverride(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxStored/2)
	run(t, StemmerOverride, map[string]example{
		"rules":            {"a => b\nc,d=>e", "", "a>b|c>e|d>e"},
		"no arrow":         {"\n# x\nquick", "3:0(2) no-arrow!", ""},
		"two arrows":       {"a => b => c\na=>=>b", "1:8 two-arrows!; 2:4 two-arrows!", ""},
		"no stem":          {"a =>\na => \t", "1:3 no-stem!; 2:3 no-stem!", ""},
		"comma in stem":    {"a => b,c\na => b,", "1:7 stem-comma!; 2:7 stem-comma!", ""},
		"empty words":      {"=> a\n,a => b\nb, ,c => x\nd, => b", "1:1 no-word!; 2:1 no-word!; 3:3 no-word!; 4:3 no-word!", "a>b|b>x|c>x|d>b"},
		"# is a word":      {"# => hash", "1:1 hash-arrow", "#>hash"},
		"# without a stem": {"#=>", "1:1 hash-arrow; 1:2 no-stem!", ""},
		"odd arrows":       {"a==> b\na2 =>>b\na3 -> b", "1:3 odd-arrow; 2:4 odd-arrow; 3:0 no-arrow!", "a=>b|a2>>b"},
		"longest word":     {long + " => a\n" + long + "a => a", "2:1 long-word!", long + ">a"},
		"long stem":        {"a => " + long + "aa", "", "a>" + long + "aa"},
		"first holds":      {"a => b\na => c\na => b", "2:1 contradiction; 3:1 duplicate", "a>b"},
		"twice in a rule":  {"a, a => b", "1:4 duplicate", "a>b"},
		"case":             {"a => b\nA => b", "2:1 variant", "a>b|A>b"},
		"blanks":           {"a b => c\nd => e f", "1:2 blanks; 2:7 blanks", "a b>c|d>e f"},
		"comment":          {"a => b # c", "1:8 comment", "a>b # c"},
		"same":             {"a, b => a", "1:1 same", "a>a|b>a"},
		"no-break space":   {"a => \u00a0", "1:6 invisible", "a>\u00a0"},
	})
}

// Blank lines change neither what is found nor what a line means.
func TestLinesStandAlone(t *testing.T) {
	t.Parallel()
	pieces := []string{"a", "b", "é", " ", ",", "=>", "#", `\`, "u0041", "DIGIT", `"`, "\u2028", "東", "\x01", "\u3000"}
	for _, name := range slices.Sorted(maps.Keys(readers)) {
		read := readers[name]
		rapid.Check(t, func(t *rapid.T) {
			line := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "line"), "")
			blanks := rapid.IntRange(0, 3).Draw(t, "blanks")
			alone, meaning := found(t, read, line)
			below, same := found(t, read, strings.Repeat("\n", blanks)+line)
			if !slices.Equal(meaning, same) || len(alone) != len(below) {
				t.Errorf("%s: %q means %q %q alone and %q %q below blank lines", name, line, meaning, alone, same, below)
			}
		})
	}
}

// Every error says which line, and the counted line is the number of lines with text up to it.
func TestCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"", " ", "# c", "k => v", "bad", "\u3000"}), 1, 30).Draw(t, "lines")
		c := &dict.Config{Findings: &rule.Tally{}}
		if _, err := StemmerOverride(strings.NewReader(strings.Join(parts, "\n")), c); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		counted := 0
		for i, p := range parts {
			if strings.TrimSpace(p) == "" {
				continue
			}
			counted++
			if p == "bad" {
				want = append(want, fmt.Sprint(i+1, " ", counted))
			}
		}
		for _, f := range c.Findings.Findings() {
			if f.Severity == searchpack.SeverityError {
				n := f.OpenSearchLine
				if n == 0 {
					n = f.Line
				}
				got = append(got, fmt.Sprint(f.Line, " ", n))
			}
		}
		if !slices.Equal(want, got) {
			t.Errorf("lines %v, want %v", got, want)
		}
	})
}

func FuzzReaders(f *testing.F) {
	for _, seed := range []string{
		"a\n\nb", "# =>", "a, b => c", `\u0041 => \\`, "$ => DIGIT", "東京,東京,トウキョウ,名詞", "세종시 세종 시 # x", "\ufeff#\u2028", "\"a,b\",,,",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, read := range readers {
			first, meaning := found(t, read, string(b))
			again, same := found(t, read, string(b))
			if !slices.Equal(first, again) || !slices.Equal(meaning, same) {
				t.Errorf("%s gives another result the second time: %q %q", name, first, again)
			}
		}
	})
}
