package synonym_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
)

// lucene is a plain port of what Lucene does with synonyms: SynonymMap.Builder, with the whitespace
// tokenizer and OpenSearch's lenient subclasses of the parsers. Words are joined by a blank instead
// of NUL.
type lucene struct {
	noExpand, lenient bool
	pairs             map[string]bool
}

var errRefused = errors.New("refused")

func (l *lucene) analyze(text string) (string, error) {
	tokens := strings.FieldsFunc(text, func(r rune) bool {
		noBreak := r == 0xA0 || r == 0x2007 || r == 0x202F || r == 0x85
		return !noBreak && unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F
	})
	if len(tokens) == 0 && !l.lenient {
		return "", errRefused
	}
	// NULs inside tokens leave holes, which a map without assertions keeps; they match nothing.
	words := strings.FieldsFunc(strings.Join(tokens, " "), func(r rune) bool { return r == ' ' || r == 0 })
	return strings.Join(words, " "), nil
}

func (l *lucene) analyzeAll(pieces []string) ([]string, error) {
	var out []string
	for _, p := range pieces {
		text, err := l.analyze(strings.TrimFunc(luceneUnescape(p), func(r rune) bool { return r <= ' ' }))
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// add adds a pair; one of a term with itself is left out here and in the comparison.
func (l *lucene) add(in, out string) {
	if in != "" && out != "" && in != out {
		l.pairs[in+" → "+out] = true
	}
}

func (l *lucene) group(terms []string) {
	for i := range terms {
		for j := range terms {
			if !l.noExpand && i != j {
				l.add(terms[i], terms[j])
			}
		}
		if l.noExpand {
			l.add(terms[i], terms[0])
		}
	}
}

// solr is SolrSynonymParser.addInternal.
func (l *lucene) solr(content string) error {
	for line := range strings.SplitSeq(content, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		sides := luceneSplit(line, "=>")
		if len(sides) > 2 {
			return errRefused
		}
		if len(sides) < 2 {
			terms, err := l.analyzeAll(luceneSplit(line, ","))
			if err != nil {
				return err
			}
			l.group(terms)
			continue
		}
		left, err := l.analyzeAll(luceneSplit(sides[0], ","))
		if err != nil {
			return err
		}
		right, err := l.analyzeAll(luceneSplit(sides[1], ","))
		if err != nil {
			return err
		}
		for _, in := range left {
			for _, out := range right {
				l.add(in, out)
			}
		}
	}
	return nil
}

// wordnet is WordnetSynonymParser.parse.
func (l *lucene) wordnet(content string) error {
	var group []string
	last := ""
	end := func() {
		if len(group) > 1 {
			l.group(group)
		}
		group = nil
	}
	rest, more := content, content != ""
	for more && rest != "" {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		units := utf16.Encode([]rune(line))
		if len(units) < 11 {
			return errRefused
		}
		if id := fmt.Sprint(units[2:11]); id != last {
			end()
			last = id
		}
		from, to := strings.Index(line, "'")+1, strings.LastIndex(line, "'")
		if to < from {
			return errRefused
		}
		text, err := l.analyze(strings.ReplaceAll(line[from:to], "''", "'"))
		if err != nil {
			return err
		}
		group = append(group, text)
	}
	end()
	return nil
}

// compare holds a reader against the port.
func compare(t *rapid.T, r dict.Reader, content string, l *lucene, refused error) {
	got := map[string]bool{}
	c := dict.Config{
		Analyzer: inspecttest.Analyzer("whitespace"), NoExpand: l.noExpand, Lenient: l.lenient,
		Entry: func(e dict.Entry) {
			if !bytes.Equal(e.Key, e.Value) {
				got[string(e.Key)+" → "+string(e.Value)] = true
			}
		},
	}
	tally := read(t, r, content, c)
	if (tally.Errors() > 0) != (refused != nil) {
		t.Fatalf("%q: %d errors, Lucene: %v; %v", content, tally.Errors(), refused, brief(tally.Findings()))
	}
	if refused == nil {
		want := slices.Sorted(maps.Keys(l.pairs))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got)), cmpEmpty); diff != "" {
			t.Fatalf("%q: pairs (-Lucene +ours):\n%s", content, diff)
		}
	}
}

var cmpEmpty = cmp.Transformer("empty", func(s []string) string { return strings.Join(s, "\n") })

func drawLucene(t *rapid.T) *lucene {
	return &lucene{noExpand: rapid.Bool().Draw(t, "no expand"), lenient: rapid.Bool().Draw(t, "lenient"), pairs: map[string]bool{}}
}

// TestAgainstLucene: random rules are refused, and mean, what Lucene's parser makes of them.
func TestAgainstLucene(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		content := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "é", "b c", "-", ",", ",", ", ", "=", ">", "=>", " => ", `\`, " ", "\t", "#", "\u3000", "\u00a0", "\x00", "\n", "\n",
		}), 0, 24).Draw(t, "content"), "")
		l := drawLucene(t)
		compare(t, synonym.Solr, content, l, l.solr(content))
	})
}

// TestPlainAgainstLucene is the same with rules that are mostly good, as files are.
func TestPlainAgainstLucene(t *testing.T) {
	t.Parallel()
	term := rapid.SampledFrom([]string{"a", "b", "c", "a b", "x1", "é", "日本", "A", `d\,e`, "f=g", " h  i "})
	rapid.Check(t, func(t *rapid.T) {
		var content strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "lines") {
			content.WriteString(strings.Join(rapid.SliceOfN(term, 1, 4).Draw(t, "left"), ","))
			if rapid.Bool().Draw(t, "explicit") {
				content.WriteString("=>" + strings.Join(rapid.SliceOfN(term, 1, 3).Draw(t, "right"), ", "))
			}
			content.WriteString("\n")
		}
		l := drawLucene(t)
		compare(t, synonym.Solr, content.String(), l, l.solr(content.String()))
	})
}

// TestWordNetAgainstLucene: random lines are refused, and mean, what Lucene's parser makes of them.
func TestWordNetAgainstLucene(t *testing.T) {
	t.Parallel()
	id := rapid.SampledFrom([]string{"100000001", "100000002", "1", "10000000011"})
	term := rapid.SampledFrom([]string{"a", "b", "c d", "o''clock", "it's", "", " ", "é", "\x00", "x\x00y", "\u3000", "😀"})
	odd := rapid.SampledFrom([]string{"", "% comment", "% a 'comment' of some length", "s(100000001,1,'", "''", "s(😀😀😀😀😀'x'", "s(1'b'", "0123456789a"})
	rapid.Check(t, func(t *rapid.T) {
		var content strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "lines") {
			if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
				content.WriteString(odd.Draw(t, "line") + "\n")
				continue
			}
			fmt.Fprintf(&content, "s(%s,1,'%s',n,1,0).\n", id.Draw(t, "id"), term.Draw(t, "term"))
		}
		l := drawLucene(t)
		compare(t, synonym.WordNet, content.String(), l, l.wordnet(content.String()))
	})
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
