package linelist

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// TestSights: the table against maps.
func TestSights(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSights()
		s.slots = make([]slot, 4) // so that it grows
		values, folds := map[string]string{}, map[string]bool{}
		for i, w := range rapid.SliceOf(rapid.SampledFrom([]string{"a", "A", "é", "É", "e\u0301", "E\u0301", "b", "aa", "Aa", "aA"})).Draw(t, "words") {
			value := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")
			fold := strings.ToLower(norm.NFC.String(w))
			want := fresh
			if v, ok := values[w]; ok && v == value {
				want = same
			} else if ok {
				want = another
			} else if folds[fold] {
				want = variant
			}
			if got, _ := s.word([]byte(w), []byte(value), int64(i+1)); got != want {
				t.Errorf("%q is seen as %d, want %d", w, got, want)
			}
			if _, ok := values[w]; !ok {
				values[w] = value
			}
			folds[fold] = true
		}
	})
}

// TestTableIsBounded: a file of more words than are remembered is read to its end, its first words are
// still known, and memory stays within what is stated.
func TestTableIsBounded(t *testing.T) {
	t.Parallel()
	s := newSights()
	var word []byte
	for i := range int64(maxSeen + maxSeen/4) {
		word = strconv.AppendInt(word[:0], i, 10)
		if seen, _ := s.exact(word, nil, i+1); seen != fresh {
			t.Fatalf("%s is seen as %d", word, seen)
		}
	}
	if !s.full || s.used != maxSeen || len(s.slots)*16 != 32<<20 {
		t.Errorf("full %v, %d words in %d slots; want %d words in 32 MiB", s.full, s.used, len(s.slots), maxSeen)
	}
	if seen, line := s.exact([]byte("7"), nil, 1); seen != same || line != 8 {
		t.Errorf("the eighth word is seen as %d of line %d", seen, line)
	}
}

func BenchmarkWords(b *testing.B) {
	var list strings.Builder
	for i := range 1_000_000 {
		list.WriteString("word" + strconv.Itoa(i*7919) + "\n")
	}
	b.SetBytes(int64(list.Len()))
	b.ReportAllocs()
	for b.Loop() {
		c := &dict.Config{Findings: &rule.Tally{}}
		if _, err := Words(strings.NewReader(list.String()), c); err != nil || c.Findings.Count() > 0 {
			b.Fatal(err, c.Findings.Findings())
		}
	}
}

func BenchmarkMapping(b *testing.B) {
	var list strings.Builder
	for i := range 100_000 {
		list.WriteString("from" + strconv.Itoa(i) + " => to\n")
	}
	b.SetBytes(int64(list.Len()))
	b.ReportAllocs()
	for b.Loop() {
		c := &dict.Config{Findings: &rule.Tally{}}
		if _, err := Mapping(strings.NewReader(list.String()), c); err != nil || c.Findings.Count() > 0 {
			b.Fatal(err, c.Findings.Findings())
		}
	}
}
