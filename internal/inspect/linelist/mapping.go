package linelist

import (
	"bytes"
	"io"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Mapping reads the rules of the character filter mapping, as MappingCharFilterFactory and Lucene's
// NormalizeCharMap.Builder do. It is a dict.Reader.
func Mapping(r io.Reader, c *dict.Config) (int64, error) {
	m := &mapping{seen: newSights()}
	return read(r, c, m, m.seen, noRules)
}

type mapping struct {
	seen     *sights
	from, to []uint16
	key, val []byte
}

func (m *mapping) rule(l *line) {
	l.checkSlow(mapSlow)
	left, right, ok := l.sides()
	if !ok {
		l.c.Unfit++
		if bytes.Contains(l.text, arrow) {
			l.report(mapTerminator, -1)
		} else {
			l.report(mapNoArrow, -1)
		}
		return
	}
	var letter, rightLetter int
	var rightOK bool
	m.from, letter, ok = l.readSide(left, m.from, mappingFaults)
	m.to, rightLetter, rightOK = l.readSide(right, m.to, mappingFaults)
	if !ok || !rightOK {
		return
	}
	if len(m.from) == 0 {
		l.reportUnnumbered(mapNothing, -1)
		return
	}
	m.key, m.val = appendUnits(m.key[:0], m.from), appendUnits(m.val[:0], m.to)
	if seen, line := m.seen.exact(m.key, m.val, l.number); seen != fresh {
		l.reportUnnumbered(mapDuplicate, left.at, line)
		return
	}
	if l.c.Entry != nil {
		l.entry(text(m.from), text(m.to))
	}
	if letter >= 0 {
		l.report(mapEscape, left.at+letter)
	} else if rightLetter >= 0 {
		l.report(mapEscape, right.at+rightLetter)
	}
	m.odd(l, left, right)
}

// odd looks for what was surely meant otherwise.
func (m *mapping) odd(l *line, left, right side) {
	start, _ := toEnd(l.text)
	arrowAt := start + bytes.LastIndex(l.text[start:], arrow)
	switch {
	case start > 0:
		l.report(mapLost, 0)
	case bytes.Contains(left.text, arrow):
		l.report(mapTwoArrows, arrowAt)
	default:
		l.checkArrow(arrowAt)
	}
	if i := trailingComment(right.text); i >= 0 {
		l.report(comment, right.at+i)
	}
	if quoted(left.text) && (quoted(right.text) || len(right.text) == 0) {
		l.report(mapQuotes, left.at)
	}
	if slices.Equal(m.from, m.to) {
		l.report(mapSame, -1)
	}
}

func quoted(s []byte) bool { return len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' }

var mappingFaults = newFaults("mapping")

var mappingRules = append([]*rule.Rule{
	mapNoArrow, mapTerminator, mapNothing, mapDuplicate, mapLost, mapTwoArrows, mapEscape, mapQuotes, mapSame, mapSlow,
}, faultRules(mappingFaults)...)

var mapSlow = newSlow("mapping")

var (
	mapNoArrow = &rule.Rule{
		ID: "mapping.no-arrow", Severity: searchpack.SeverityError, Title: "no arrow",
		Message: `no "=>" in the rule; OpenSearch refuses the whole file`,
		Remedy:  `write "from => to"; "from =>" deletes the text`,
	}
	mapTerminator = &rule.Rule{
		ID: "mapping.line-separator", Severity: searchpack.SeverityError, Title: "a line separator behind the arrow",
		Message: `a line separator (U+0085, U+2028 or U+2029) stands behind "=>"; OpenSearch refuses the whole file`,
		Remedy:  `delete it, or write it as "\u2028"`,
	}
	mapNothing = &rule.Rule{
		ID: "mapping.nothing", Severity: searchpack.SeverityError, Title: "nothing before the arrow",
		Message: `nothing stands before "=>"; OpenSearch refuses the whole file without naming a line`,
		Remedy:  `write the text to be replaced; a blank is "\u0020"`,
	}
	mapDuplicate = &rule.Rule{
		ID: "mapping.duplicate", Severity: searchpack.SeverityError, Title: "the same text twice",
		Message: `the text before "=>" stands on line %d already; OpenSearch refuses the whole file without naming a line`,
		Remedy:  `delete one of the lines`,
	}
	mapLost = &rule.Rule{
		ID: "mapping.lost", Severity: searchpack.SeverityWarning, Title: "a line separator before the arrow",
		Message: `a line separator (U+0085, U+2028 or U+2029) stands before "=>": OpenSearch ignores it and all that is before it`,
		Remedy:  `delete it, or write it as "\u2028"`,
	}
	mapTwoArrows = &rule.Rule{
		ID: "mapping.two-arrows", Severity: searchpack.SeverityWarning, Title: "more than one arrow",
		Message: `more than one "=>" in one rule: the last one splits it, the others are text`,
		Remedy:  `write one rule per line; write "\u003d>" for an arrow that is text`,
	}
	mapEscape = &rule.Rule{
		ID: "mapping.needless-backslash", Severity: searchpack.SeverityWarning, Title: "a backslash that does nothing",
		Message: `a "\" before a letter or digit that it does not change is dropped: only \\, \n, \t, \r, \b, \f and \uXXXX mean something, and this is no regular expression`,
		Remedy:  `write "\\" for a backslash; for regular expressions use the character filter pattern_replace`,
	}
	mapQuotes = &rule.Rule{
		ID: "mapping.quotes", Severity: searchpack.SeverityWarning, Title: "quotes around the sides",
		Message: `quotes belong to the text: the rule replaces only what stands in quotes (files of Solr are written with them, those of OpenSearch are not)`,
		Remedy:  `delete the quotes`,
	}
	mapSame = &rule.Rule{
		ID: "mapping.same", Severity: searchpack.SeverityWarning, Title: "a rule that changes nothing",
		Message: `both sides are the same: the rule does nothing but protect its text from shorter rules`,
		Remedy:  `delete the line, or write what the text is to become`,
	}
)
