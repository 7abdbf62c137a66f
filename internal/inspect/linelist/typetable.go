package linelist

import (
	"bytes"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// TypeTable reads the type tables of word_delimiter and word_delimiter_graph, as parse and parseTypes
// of WordDelimiterTokenFilterFactory do. It is a dict.Reader.
func TypeTable(r io.Reader, c *dict.Config) (int64, error) {
	t := &typeTable{seen: newSights()}
	return read(r, c, t, t.seen, typeNoRules)
}

type typeTable struct {
	seen *sights
	unit []uint16
	key  []byte
}

// types are the types that parseType knows.
var types = [][]byte{
	[]byte("LOWER"), []byte("UPPER"), []byte("ALPHA"), []byte("DIGIT"), []byte("ALPHANUM"), []byte("SUBWORD_DELIM"),
}

func knownType(name []byte) bool {
	for _, t := range types {
		if bytes.Equal(t, name) {
			return true
		}
	}
	return false
}

func (t *typeTable) rule(l *line) {
	l.checkSlow(typeSlow)
	left, right, ok := l.sides()
	if !ok {
		l.c.Unfit++
		l.report(typeNoArrow, -1)
		return
	}
	t.unit, _, ok = l.readSide(left, t.unit, typeFaults)
	if !ok {
		return
	}
	if len(t.unit) != 1 {
		l.c.Unfit++
		what := "more than one character stands"
		switch {
		case len(t.unit) == 0:
			what = "nothing stands"
		case len([]rune(string(text(t.unit)))) == 1:
			what = "a character beyond U+FFFF (an emoji, for example) counts as two and stands"
		}
		l.report(typeNotOne, left.at, what)
		return
	}
	if !knownType(right.text) {
		l.c.Unfit++
		l.report(typeUnknown, right.at, rule.Shown(right.text))
		return
	}
	if start, _ := toEnd(l.text); start > 0 {
		l.report(typeLost, 0)
	}
	t.key = appendUnits(t.key[:0], t.unit)
	switch seen, line := t.seen.exact(t.key, right.text, l.number); seen {
	case same:
		l.report(typeTwice, left.at, line)
	case another:
		l.report(typeContradiction, left.at, line)
	}
	if l.c.Entry != nil {
		l.entry(text(t.unit), right.text)
	}
	if string(right.text) == defaultType(t.unit[0]) {
		l.report(typeDefault, -1, right.text)
	}
}

// defaultType is the type that an ASCII character has anyway; "" for others.
func defaultType(u uint16) string {
	switch {
	case u >= 'a' && u <= 'z':
		return "LOWER"
	case u >= 'A' && u <= 'Z':
		return "UPPER"
	case u >= '0' && u <= '9':
		return "DIGIT"
	case u < 0x80:
		return "SUBWORD_DELIM"
	}
	return ""
}

var typeSlow = newSlow("type-table")

var typeFaults = newFaults("type-table")

var typeRules = append([]*rule.Rule{
	typeNoRules, typeNoArrow, typeNotOne, typeUnknown, typeLost, typeContradiction, typeTwice, typeDefault, typeSlow,
}, faultRules(typeFaults)...)

var (
	typeNoRules = &rule.Rule{
		ID: "type-table.no-rules", Severity: searchpack.SeverityError, Title: "a type table without a rule",
		Message: `the file has no rule; OpenSearch refuses a type table without one`,
		Remedy:  `write at least one rule, or take type_table_path out of the filter`,
	}
	typeNoArrow = &rule.Rule{
		ID: "type-table.no-arrow", Severity: searchpack.SeverityError, Title: "no arrow",
		Message: `no "=>" in the rule, or a line separator (U+2028) behind it; OpenSearch refuses the whole file`,
		Remedy:  `write "character => TYPE"`,
	}
	typeNotOne = &rule.Rule{
		ID: "type-table.not-one", Severity: searchpack.SeverityError, Title: "not exactly one character",
		Message: `%s before "=>", where exactly one character up to U+FFFF must stand; OpenSearch refuses the whole file`,
		Remedy:  `write one rule per character; a blank is "\u0020"`,
	}
	typeUnknown = &rule.Rule{
		ID: "type-table.unknown-type", Severity: searchpack.SeverityError, Title: "no such type",
		Message: `%q is no type; OpenSearch refuses the whole file`,
		Remedy:  `write one of LOWER, UPPER, ALPHA, DIGIT, ALPHANUM, SUBWORD_DELIM, in upper case and with nothing behind it`,
	}
	typeLost = &rule.Rule{
		ID: "type-table.lost", Severity: searchpack.SeverityWarning, Title: "a line separator before the arrow",
		Message: `a line separator (U+0085, U+2028 or U+2029) stands before "=>": OpenSearch ignores it and all that is before it`,
		Remedy:  `delete it, or write it as "\u2028"`,
	}
	typeContradiction = &rule.Rule{
		ID: "type-table.contradiction", Severity: searchpack.SeverityWarning, Title: "two types for one character",
		Message: `the character has another type by line %d; the last rule holds, the one there is ignored`,
		Remedy:  `delete one of the lines; for letters and digits alike write ALPHANUM`,
	}
	typeTwice = &rule.Rule{
		ID: "type-table.duplicate", Severity: searchpack.SeverityWarning, Title: "the same rule twice",
		Message: `the rule stands on line %d already: this line adds nothing`,
		Remedy:  `delete one of the lines`,
	}
	typeDefault = &rule.Rule{
		ID: "type-table.default", Severity: searchpack.SeverityNote, Title: "a rule that changes nothing",
		Message: `the character is %s anyway: the rule does nothing`,
		Remedy:  `delete the line`,
	}
)
