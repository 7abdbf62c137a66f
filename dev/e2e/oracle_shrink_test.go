package e2e

import (
	"slices"
	"testing"

	"github.com/searchpack/searchpack/dev/internal/oracle"
)

// mostRounds bounds the shrinking of one case; each round asks once.
const mostRounds = 60

// shrink looks for a smaller case with a difference of the same sort.
func (d *differential) shrink(t *testing.T, c oracle.Case, diff difference) (oracle.Case, difference) {
	t.Helper()
	for range mostRounds {
		tries := smaller(c)
		answers, err := d.o.Ask(t.Context(), tries)
		if err != nil {
			t.Fatal(err)
		}
		found := -1
		for i, a := range answers {
			if got := d.compare(t, tries[i], a); got.sort == diff.sort {
				found, diff = i, got
				break
			}
		}
		if found < 0 {
			break
		}
		c = tries[found]
	}
	return c, diff
}

// mostTries bounds how many smaller cases are tried at once, the ones with most taken away first.
const mostTries = 400

// smaller are the cases with a part of a file taken away: half of it, a quarter, down to a byte.
func smaller(c oracle.Case) []oracle.Case {
	var out []oracle.Case
	for f := range c.Files {
		content := c.Files[f].Content
		for size := (len(content) + 1) / 2; size > 0 && len(out) < mostTries; size = half(size) {
			for at := 0; at < len(content) && len(out) < mostTries; at += size {
				s := c
				s.Files = slices.Clone(c.Files)
				s.Files[f].Content = slices.Concat(content[:at], content[min(len(content), at+size):])
				out = append(out, s)
			}
		}
	}
	return out
}

func half(n int) int {
	if n == 1 {
		return 0
	}
	return (n + 1) / 2
}

func TestSmaller(t *testing.T) {
	t.Parallel()
	c := oracle.One("words", []byte("abcd"))
	var got []string
	for _, s := range smaller(c) {
		got = append(got, string(s.Files[0].Content))
	}
	want := []string{"cd", "ab", "bcd", "acd", "abd", "abc"}
	if !slices.Equal(got, want) || string(c.Files[0].Content) != "abcd" {
		t.Errorf("%q, want %q; the case itself is %q", got, want, c.Files[0].Content)
	}
	if got := smaller(oracle.One("words", nil)); len(got) != 0 {
		t.Errorf("of an empty file: %v", got)
	}
}
