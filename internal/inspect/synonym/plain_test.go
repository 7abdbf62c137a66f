package synonym

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// TestPlainIsPlain: a line that is taken for plain has no finding by the long way, and is a rule.
func TestPlainIsPlain(t *testing.T) {
	t.Parallel()
	// Most random lines are not plain: without these, a run could pass that compared nothing.
	for _, line := range []string{"a,b2", "a, c", "a=>b2", "a, b2 => c"} {
		if !plainRule([]byte(line)) {
			t.Errorf("%q is not taken for plain", line)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		line := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
			"a", "b2", " c", "é", "-", ",", ", ", "=", ">", "=>", " => ", `\`, " ", "#", "\x00",
		}), 0, 10).Draw(t, "line"), ""))
		if !plainRule(line) {
			return
		}
		c := &dict.Config{Findings: &rule.Tally{}}
		l := synonymLine{tally: c.Findings, number: 1, text: line, escapes: true}
		l.check()
		if c.Findings.Count() > 0 {
			t.Errorf("%q is taken for plain, but: %v", line, c.Findings.Findings())
		}
	})
}
