package synonym

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// long reads a line the long way.
func long(text []byte) *solr {
	s := newSolr(&dict.Config{Findings: &rule.Tally{}})
	s.line.set(2, text)
	s.line.escapes = strings.Contains(string(text), `\`)
	s.parse()
	return s
}

// TestPlainIsPlain: a line that is taken for plain has no finding by the long way, and the same
// terms.
func TestPlainIsPlain(t *testing.T) {
	t.Parallel()
	terms := func(l *line) []string {
		var out []string
		for i := range l.terms {
			out = append(out, string(l.given(l.span(&l.terms[i]))))
		}
		return out
	}
	plain := func(text string) (*line, bool) {
		l := &line{text: []byte(text), number: 2}
		return l, l.plain()
	}
	// Most random lines are not plain: without these, a run could pass that compared nothing.
	for _, text := range []string{"a,b2", "a, c", "a=>b2", "a, b2 => c", "aé – b , c’d", "a=b,c", "Việt,b"} {
		if _, ok := plain(text); ok == strings.Contains(text, "–") {
			t.Errorf("%q is taken for plain: %v", text, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b2", "c", " c", "é", "-", ",", ",", ", ", "=", ">", "=>", " => ", `\`, " ", "\t", "#", "\x00", "\x07", "\u00ad", "\u200b", "\u061c", "\ufeff", "\u180e", "ệ",
		}), 0, 10).Draw(t, "line"), "")
		got, ok := plain(text)
		if !ok {
			return
		}
		s := long([]byte(text))
		if s.c.Findings.Count() > 0 {
			t.Errorf("%q is taken for plain, but: %v", text, s.c.Findings.Findings())
		}
		if diff := cmp.Diff(terms(&s.line), terms(got)); diff != "" {
			t.Errorf("%q: terms (-long way +plain):\n%s", text, diff)
		}
		if got.explicit != s.line.explicit || got.left != s.line.left || got.count != s.line.count {
			t.Errorf("%q: explicit %v, %d of %d left; the long way %v, %d of %d", text,
				got.explicit, got.left, got.count, s.line.explicit, s.line.left, s.line.count)
		}
	})
}
