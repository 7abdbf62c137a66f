package linelist

import (
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Which lines are slow was measured with Java's Pattern.
func TestSlowLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", slowFrom)
	for name, c := range map[string]struct {
		text string
		slow bool
	}{
		"no arrow":           {long, true},
		"short":              {long[2:], false},
		"an arrow":           {long + " => x", false},
		"before a separator": {long + "\u2028a => x", true},
		"between separators": {"a\u2028" + long + "\u2029a => x", true},
		"shared by them":     {long[:slowFrom] + "\u0085" + long[slowFrom:] + "\u2029a => x", false},
		"blanks behind":      {"a => b" + strings.Repeat(" \t", slowFrom/2) + "c", true},
		"blanks before":      {"a" + strings.Repeat(" ", slowFrom) + "=> c", false},
		"blanks at the end":  {"a => b" + strings.Repeat(" ", slowFrom), false},
	} {
		for _, r := range []dict.Reader{Mapping, TypeTable} {
			var found rule.Tally
			if _, err := r(strings.NewReader(c.text), &dict.Config{Findings: &found}); err != nil {
				t.Fatal(err)
			}
			if got := slices.ContainsFunc(found.Findings(), func(f searchpack.Finding) bool { return strings.HasSuffix(f.Rule, ".slow") }); got != c.slow {
				t.Errorf("%s: slow is %t", name, got)
			}
		}
	}
}
