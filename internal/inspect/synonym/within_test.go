package synonym

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// What the quick look takes for distinct, the hashes take for distinct too.
func TestDistinctIsTrue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	pieces := []string{"a", "A", "b", "B", "k", "K", "\u212a", "s", "ſ", "ß", "i", "İ", "ı", "1", "²", "ﬁ", "fi", "\u0307", "\u0323", "\u00ad", " ", "  ", "-", "é", "e\u0301", "日", "Ａ", "!"}
	distinct := 0
	for range 50_000 {
		word := func() string {
			var b strings.Builder
			for range 1 + r.IntN(3) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
			return b.String()
		}
		text := word()
		for range 1 + r.IntN(3) {
			text += []string{",", ", ", " => "}[r.IntN(3)] + word()
		}
		s := newSolr(&dict.Config{Findings: &rule.Tally{}})
		l := &s.line
		l.set(1, []byte(text))
		if !l.plain() {
			l.set(1, []byte(text))
			if !s.parse() {
				continue
			}
		}
		if !l.distinct() {
			continue
		}
		distinct++
		before := s.c.Findings.Count()
		if !s.within() || s.c.Findings.Count() != before {
			t.Fatalf("%q is not distinct: %v", text, s.c.Findings.Findings())
		}
	}
	if distinct < 2_000 {
		t.Errorf("only %d lines were distinct", distinct)
	}
}

// Whatever is composed of a letter of ASCII and brought to one case is still composed of that letter,
// which is what differ rests on.
func TestFoldsKeepTheirLetter(t *testing.T) {
	t.Parallel()
	base := func(r rune) byte {
		b := norm.NFKD.String(string(r))[0]
		return plainByte[b]
	}
	for r := range rune(unicode.MaxRune) {
		if b := norm.NFD.String(string(r)); len(b) > 1 && plainByte[b[0]] != 0 && base(fold(r)) != plainByte[b[0]] {
			t.Errorf("%U folds to %U", r, fold(r))
		}
	}
}

// The quick look begins only when the table is full, and changes no finding.
func TestDistinctChangesNoFinding(t *testing.T) {
	t.Parallel()
	const text = "a, b\nx, X\na1 => a1\nq1 => q1, q2\nab, AB, cd\nlap top, lap  top\nk, \u212a\n"
	var all []int
	for _, ended := range []bool{false, true} {
		c := &dict.Config{Findings: &rule.Tally{}}
		s := newSolr(c)
		s.across.ended = ended
		if _, err := dict.ReadLines(strings.NewReader(text), c, dict.FamilySynonyms, s); err != nil {
			t.Fatal(err)
		}
		all = append(all, c.Findings.Count())
	}
	if all[0] != all[1] || all[0] < 5 {
		t.Errorf("%d findings while rules are compared, %d after", all[0], all[1])
	}
}

func BenchmarkAfterTheTableIsFull(b *testing.B) {
	line := "17k2x9qz81abc, 2mmz0q1kk3xyz => 3w9x8ajq0ttt1, 1qpz77210abc9\n"
	text := strings.Repeat(line, 100_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c := &dict.Config{Findings: &rule.Tally{}}
		s := newSolr(c)
		s.across.ended = true
		if _, err := dict.ReadLines(strings.NewReader(text), c, dict.FamilySynonyms, s); err != nil {
			b.Fatal(err)
		}
	}
}
