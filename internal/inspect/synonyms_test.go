package inspect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

// inspect runs Dictionary on a string; reading one cannot fail.
func inspect(t testing.TB, content string, declared searchpack.Kind) Result {
	t.Helper()
	res, err := Dictionary(strings.NewReader(content), Options{Declared: declared})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// brief renders findings as "line:column rule", errors with an exclamation mark.
func brief(findings []searchpack.Finding) []string {
	got := []string{}
	for _, f := range findings {
		mark := ""
		if f.Severity == searchpack.SeverityError {
			mark = "!"
		}
		got = append(got, fmt.Sprintf("%d:%d %s%s", f.Line, f.Column, strings.TrimPrefix(f.Rule, "synonyms."), mark))
	}
	return got
}

// TestSynonyms holds what real OpenSearch nodes answered: an error here is what both the whitespace
// and the standard tokenizer refuse, "eliminated" what the standard tokenizer refuses.
func TestSynonyms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		content string
		want    string // findings, separated by "; "
	}{
		{"a, b", ""},
		{"a, b\nc => d\n", ""},
		{"a,,b", ""},
		{", a", "1:1 alone"},
		{"a,", "1:1 alone"},
		{",", "1:1 alone"},
		{"word", "1:1 alone"},
		{"a, ", "1:3 blank!"},
		{" , ", "1:1 blank!; 1:3 blank!"},
		{"   ", "1:1 blank!"},
		{"\t", "1:1 blank!"},
		{"a, b\n\n \nc, d", "3:1 blank!"},
		{"=> a", "1:1 one-sided"},
		{"a =>", "1:1 one-sided"},
		{"a => ", "1:5 blank!"},
		{" => a", "1:1 blank!"},
		{"a =>=> b", ""},
		{"a => b => c", "1:8 two-arrows!"},
		{"=> a => b", ""},
		{"a => b =>", ""},
		{"a => => b", "1:6 two-arrows!"},
		{"a=>b=>c=>d=>e", "1:5 two-arrows!"},
		{"=>", "1:1 one-sided; 1:1 eliminated"},
		{"# a => b => c", ""},
		{"#", ""},
		{"  # c, d", ""},
		{"  # c", "1:1 alone"},
		{`a\,b => c`, ""},
		{`a\=>b, c`, ""},
		{`a\=>b => c => d`, "1:12 two-arrows!"},
		{`abc\`, "1:1 alone"},
		{`a\ , b`, ""},
		{`a,\ `, "1:3 blank!"},
		{`\`, "1:1 eliminated; 1:1 alone"},
		{`\\, a`, "1:1 eliminated"},
		{`\#a, b`, ""},
		{"---, foo", "1:1 eliminated"},
		{"foo, +, c++ => x", "1:6 eliminated"},
		{"a, => b", "1:3 blank!"},
		{"a,=> b", ""},
		{"a =>,", "1:1 one-sided"},
		{"a => ,", "1:5 blank!"},
		{"\u3000, a", "1:1 eliminated"},
		{"\u00a0, a", "1:1 eliminated"},
		{"日本, にほん, ニホン", ""},
		{"😀, smile", ""},
		{"Ⅷ, acht", ""},
		{"été, ---", "1:6 eliminated"},
		{"a\x00b, c", "1:0 nul"},
		{"\x00, a", "1:0 nul; 1:1 blank!"},
		{"\ufeffa, b", "1:1 bom"},
		{"\ufeffa => b => c", "1:1 bom; 1:8 two-arrows!"},
		{"\ufeff# x", "1:1 bom; 1:1 alone"},
		{"\ufeff\na, b", "1:1 bom; 1:1 eliminated; 1:1 alone"},
		{"a, b\rc => d => e\r\nf, g\n\rh => i => j", "2:8 two-arrows!; 5:8 two-arrows!"},
		{"a, b\u0085c => d", ""},
		{"a, b\xff\nc, d", "1:5 encoding!"},
		{"a, \xed\xa0\x80b", "1:4 encoding!"},     // an encoded surrogate
		{"a, \xc0\xafb", "1:4 encoding!"},         // overlong
		{"a, b\né => \xe9 => x", "2:6 encoding!"}, // such a line is looked at no further
		{strings.Repeat("x", 32766) + ", b", ""},
		{strings.Repeat("x", 32766+1) + ", b", "1:1 long-term"},
		{"a => " + strings.Repeat("x", 32766+1), "1:6 long-term"},
		{strings.Repeat("x", 32766+1) + " => b", ""},
	} {
		res := inspect(t, c.content, searchpack.KindSynonyms)
		want := []string{}
		if c.want != "" {
			want = strings.Split(c.want, "; ")
		}
		got := brief(res.Findings)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.40q (-want +got):\n%s", c.content, diff)
		}
		if res.Failed() != strings.Contains(c.want, "!") || res.FindingCount != len(got) {
			t.Errorf("%.40q: Failed %v, FindingCount %d, %d findings", c.content, res.Failed(), res.FindingCount, len(got))
		}
	}
}

func TestFindingIsUseful(t *testing.T) {
	t.Parallel()
	res := inspect(t, "laptop, notebook\na => b => c\n", searchpack.KindSynonyms)
	want := []searchpack.Finding{{
		Rule: "synonyms.two-arrows", Severity: searchpack.SeverityError, Line: 2, Column: 8, Text: "a => b => c",
	}}
	res.Findings[0].Message, res.Findings[0].Remedy = "", ""
	if diff := cmp.Diff(want, res.Findings); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	guessed := inspect(t, "laptop, notebook\na => b => c\n", searchpack.KindUnknown).Findings
	if !strings.Contains(guessed[0].Remedy, "searchpack-kind") || !strings.Contains(guessed[0].Remedy, "mapping") {
		t.Errorf("the remedy of a guessed kind does not say how to declare another: %q", guessed[0].Remedy)
	}
}

// TestAgainstLucene compares with a plain port of SolrSynonymParser on random lines.
func TestAgainstLucene(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "é", "-", ",", "=", ">", "=>", `\`, " ", "\t", "#", "\u3000", "\x00",
		}), 0, 14).Draw(t, "line"), "")
		if strings.HasPrefix(line, "\ufeff") {
			t.Skip()
		}
		res, err := Dictionary(strings.NewReader(line), Options{Declared: searchpack.KindSynonyms})
		if err != nil {
			t.Fatal(err)
		}
		wantArrows, wantBlank, wantEliminated := luceneLine(line)
		if n := countRule(res, "synonyms.two-arrows"); (n > 0) != wantArrows {
			t.Errorf("%q: two arrows %v, Lucene %v", line, n, wantArrows)
		}
		if n := countRule(res, "synonyms.blank"); n != wantBlank {
			t.Errorf("%q: %d blank terms, Lucene %d", line, n, wantBlank)
		}
		if n := countRule(res, "synonyms.eliminated"); n != wantEliminated {
			t.Errorf("%q: %d eliminated terms, Lucene's standard tokenizer %d", line, n, wantEliminated)
		}
	})
}

func countRule(res Result, id string) int {
	n := 0
	for _, f := range res.Findings {
		if f.Rule == id {
			n++
		}
	}
	return n
}

// luceneLine is SolrSynonymParser.addInternal for one line: more than two sides, terms that trim to
// nothing, terms without a letter or digit.
func luceneLine(line string) (twoArrows bool, blank, eliminated int) {
	if line == "" || line[0] == '#' {
		return false, 0, 0
	}
	groups := []string{line}
	if sides := luceneSplit(line, "=>"); len(sides) > 2 {
		return true, 0, 0
	} else if len(sides) == 2 {
		groups = sides
	}
	for _, g := range groups {
		for _, term := range luceneSplit(g, ",") {
			term = strings.TrimFunc(luceneUnescape(term), func(r rune) bool { return r <= ' ' })
			if term == "" {
				blank++
			} else if !strings.ContainsAny(term, "aé") {
				eliminated++
			}
		}
	}
	return false, blank, eliminated
}

func luceneSplit(s, separator string) []string {
	var list []string
	var sb strings.Builder
	for pos := 0; pos < len(s); {
		if strings.HasPrefix(s[pos:], separator) {
			if sb.Len() > 0 {
				list = append(list, sb.String())
				sb.Reset()
			}
			pos += len(separator)
			continue
		}
		c := s[pos]
		pos++
		sb.WriteByte(c)
		if c == '\\' {
			if pos >= len(s) {
				break
			}
			sb.WriteByte(s[pos])
			pos++
		}
	}
	if sb.Len() > 0 {
		list = append(list, sb.String())
	}
	return list
}

func luceneUnescape(s string) string {
	var sb strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i < len(s)-1 {
			i++
		}
		sb.WriteByte(s[i])
	}
	return sb.String()
}
