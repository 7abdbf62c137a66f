package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/oracle"
)

// A case of the differential tests is written as one line: the file as a Go string, then flags
// ("noexpand", "lenient", and one analyzer). In the string, \{x*500} stands for 500 times x. Files
// of a folder are written one after the other, each with its name: a.aff="..." a.dic="...".

// oracleDir holds the hand-made cases, a file per kind. What is right is not written there: the
// product itself says it.
const oracleDir = "testdata/oracle"

var repeated = regexp.MustCompile(`\\\{([^*}]+)\*(\d+)\}`)

func parseCase(kind, line string) (oracle.Case, error) {
	c := oracle.Case{Kind: kind}
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		name := "F1"
		if at := strings.Index(line, `="`); at >= 0 && !strings.ContainsAny(line[:at], " \"") {
			name, line = line[:at], line[at+1:]
		}
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			if !setFlag(&c, word) {
				return c, fmt.Errorf("%q is no flag", word)
			}
			line = rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(repeated.ReplaceAllStringFunc(line, func(s string) string {
			m := repeated.FindStringSubmatch(s)
			n, _ := strconv.Atoi(m[2])
			return strings.Repeat(m[1], n)
		}))
		if err != nil {
			return c, fmt.Errorf("no string at %.40q: %w", line, err)
		}
		content, err := strconv.Unquote(quoted)
		if err != nil {
			return c, err
		}
		c.Files = append(c.Files, oracle.File{Name: name, Content: []byte(content)})
		line = strings.TrimPrefix(line, originalOf(line))
	}
	if len(c.Files) == 0 {
		return c, fmt.Errorf("a case without a file")
	}
	return c, nil
}

// originalOf is the string at the beginning of the line as it stands there, repetitions not made.
func originalOf(line string) string {
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return line[:i+1]
		}
	}
	return line
}

func setFlag(c *oracle.Case, word string) bool {
	switch word {
	case "noexpand":
		c.NoExpand = true
	case "lenient":
		c.Lenient = true
	case "whitespace", "standard", "keyword":
		c.Analyzer = word
	default:
		return false
	}
	return true
}

// written is the line that parseCase reads.
func written(c oracle.Case) string {
	var out []string
	for _, f := range c.Files {
		s := strconv.Quote(string(f.Content))
		if c.Kind == string(searchpack.KindHunspell) {
			s = f.Name + "=" + s
		}
		out = append(out, s)
	}
	if c.NoExpand {
		out = append(out, "noexpand")
	}
	if c.Lenient {
		out = append(out, "lenient")
	}
	if c.Analyzer != "" {
		out = append(out, c.Analyzer)
	}
	return strings.Join(out, " ")
}

// handMade reads the hand-made cases of a kind.
func handMade(t *testing.T, kind searchpack.Kind) []oracle.Case {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(oracleDir, string(kind)+".cases"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []oracle.Case
	in := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		c, err := parseCase(string(kind), line)
		if err != nil {
			t.Fatalf("%s.cases:%d: %v", kind, n, err)
		}
		cases = append(cases, c)
	}
	return withAnalyzers(kind, cases)
}

var oracleAnalyzers = []string{"whitespace", "standard", "keyword"}

func isSynonyms(kind string) bool {
	return kind == string(searchpack.KindSynonyms) || kind == string(searchpack.KindWordNet)
}

// withAnalyzers gives each synonyms case that names no analyzer one after the other.
func withAnalyzers(kind searchpack.Kind, cases []oracle.Case) []oracle.Case {
	if !isSynonyms(string(kind)) {
		return cases
	}
	var out []oracle.Case
	for _, c := range cases {
		if c.Analyzer != "" {
			out = append(out, c)
			continue
		}
		for _, a := range oracleAnalyzers {
			c.Analyzer = a
			out = append(out, c)
		}
	}
	return out
}

// TestCasesAreRead holds the form of the cases: without it a slip would leave cases out.
func TestCasesAreRead(t *testing.T) {
	t.Parallel()
	c, err := parseCase("hunspell", `a.aff="SET \"UTF-8\"\n\{ab*3}" a.dic="\xff" lenient`)
	if err != nil || len(c.Files) != 2 || string(c.Files[0].Content) != "SET \"UTF-8\"\nababab" || c.Files[1].Name != "a.dic" || string(c.Files[1].Content) != "\xff" || !c.Lenient {
		t.Errorf("%+v, %v", c, err)
	}
	again, err := parseCase("hunspell", written(c))
	if err != nil || written(again) != written(c) {
		t.Errorf("written and read again: %s, %v", written(again), err)
	}
	for _, bad := range []string{"", "a, b", `"a`, `"a" loud`, "lenient"} {
		if c, err := parseCase("words", bad); err == nil {
			t.Errorf("%q was read as %+v", bad, c)
		}
	}
	total := 0
	for _, kind := range searchpack.Kinds {
		if kind == searchpack.KindOpaque {
			continue
		}
		cases := handMade(t, kind)
		n := len(cases)
		if isSynonyms(string(kind)) {
			n /= len(oracleAnalyzers)
		}
		total += n
	}
	if total < 300 {
		t.Errorf("%d hand-made cases, want 300 at least", total)
	}
}
