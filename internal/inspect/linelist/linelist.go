// Package linelist reads the kinds of dictionaries that OpenSearch reads as lists of lines: word lists,
// stemmer overrides, mappings of characters, type tables, and the user dictionaries of kuromoji and
// nori. Each reader mirrors what parses the list: Analysis.parseWordList first, then a class of its
// own, named where it is mirrored. The classes are the same in OpenSearch 2.19.0 (Lucene 9.12.1) and
// 3.8.0 (Lucene 10.5.0), so readers do not ask for the version, but for one rule of kuromoji.
package linelist

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are the rules of this package.
func Rules() []*rule.Rule {
	var out []*rule.Rule
	for _, rules := range [][]*rule.Rule{
		listRules, wordRules, stemmerRules, mappingRules, typeRules, kuromojiRules, noriRules,
	} {
		out = append(out, rules...)
	}
	return out
}

// kind is what differs between the kinds of lists.
type kind interface {
	// rule looks at a line that is neither blank nor a comment.
	rule(l *line)
}

// read drives the kind over r. empty is what is wrong with a file that has no rule.
func read(r io.Reader, c *dict.Config, k kind, seen *sights, empty *rule.Rule) (int64, error) {
	return dict.ReadLines(r, c, dict.FamilyFile, &list{c: c, kind: k, seen: seen, empty: empty})
}

// list is what Analysis.parseWordList does for all kinds: it leaves out lines without text, trims and
// counts the others, and drops those that begin with "#" but for "# =>".
type list struct {
	c       *dict.Config
	kind    kind
	seen    *sights
	empty   *rule.Rule
	counted int64 // lines with text so far: what "Line [n]" in OpenSearch's messages counts
	last    int64 // the line that was counted last
	told    bool  // that the table of what was seen is full
	line    line  // the current one
}

// Line implements dict.Lines.
func (s *list) Line(p lines.Part) {
	if p.Number == s.last || !hasText(p.Text) {
		return
	}
	s.counted++
	s.last = p.Number
	l := &s.line
	*l = line{c: s.c, number: p.Number, counted: s.counted, full: p.Text, text: rule.TrimBlanks(p.Text)}
	l.start = bytes.Index(p.Text, l.text)
	if len(l.text) > 0 && l.text[0] == '#' {
		if !arrowComment(l.text) {
			return
		}
		l.report(hashArrow, 0)
	}
	s.c.Rules++
	if p.Cut || p.Continued {
		l.report(longLine, -1)
		return
	}
	l.checkInvisible()
	s.kind.rule(l)
	if s.seen.full && !s.told {
		s.told = true
		l.report(tooMany, -1, maxSeen)
	}
}

// End implements dict.Lines.
func (s *list) End() {
	if s.c.Rules == 0 && s.c.Findings.Errors() == 0 { // a line that is not UTF-8 may be a rule
		s.empty.Report(s.c.Findings, rule.Place{})
	}
}

// arrowComment reports a line that begins with "#" and an arrow, which Analysis.HASH_TAG_RULE_PATTERN
// takes for a rule about "#".
func arrowComment(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text[1:], javaSpaces), arrow)
}

// line is one line with text.
type line struct {
	c       *dict.Config
	number  int64
	counted int64
	full    []byte
	text    []byte // trimmed
	start   int    // of text in full
}

// report counts a finding at the byte at of the text; -1 = the whole line.
func (l *line) report(r *rule.Rule, at int, args ...any) { l.place(r, at, l.counted, args) }

// reportUnnumbered is report for what OpenSearch refuses after it has read all lines: its message
// names none.
func (l *line) reportUnnumbered(r *rule.Rule, at int, args ...any) { l.place(r, at, 0, args) }

func (l *line) place(r *rule.Rule, at int, counted int64, args []any) {
	if !l.c.Findings.Room(r.Severity) {
		return
	}
	p := rule.Place{Line: l.number, Counted: counted, Text: l.text}
	if at >= 0 {
		p.Column = rule.Column(l.full, l.start+at)
	}
	l.c.Findings.Keep(r.At(p, args...))
}

// entry gives a meaning to whoever asks for it.
func (l *line) entry(key, value []byte) {
	if l.c.Entry != nil {
		l.c.Entry(dict.Entry{Key: key, Value: value, Line: l.number})
	}
}

// checkInvisible finds the first character that nobody sees but that OpenSearch takes for text.
func (l *line) checkInvisible() {
	for i := 0; i < len(l.text); {
		if c := l.text[i]; c >= ' ' && c < 0x7F || c == '\t' || c == 0 { // NUL has a rule of its own
			i++
			continue
		}
		r, n := utf8.DecodeRune(l.text[i:])
		mark := i == 0 && l.number == 1 && r == '\uFEFF' // this too
		atEnd := i == 0 || i+n == len(l.text)
		if !mark && (invisible(r) || atEnd && unicode.IsSpace(r)) {
			l.report(invisibleChar, i, fmt.Sprintf("U+%04X", r))
			return
		}
		i += n
	}
}

// invisible reports characters that show nothing and are no blanks. Joiners are needed in the words of
// some scripts.
func invisible(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return !unicode.IsSpace(r) || r == '\u0085'
	case r == '\u00AD', r == '\u061C', r == '\u180E', r == '\u200B', r == '\uFEFF',
		r >= '\u200E' && r <= '\u200F', r >= '\u2028' && r <= '\u202E', r >= '\u2060' && r <= '\u2069',
		r >= '\uFFF9' && r <= '\uFFFB':
		return true
	}
	return false
}

// trailingComment returns where "#" stands behind a blank, -1 if nowhere.
func trailingComment(text []byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] == '#' && (text[i-1] == ' ' || text[i-1] == '\t') {
			return i
		}
	}
	return -1
}

// innerBlank returns where a blank stands between other characters, -1 if nowhere.
func innerBlank(text []byte) int {
	end := len(bytes.TrimRightFunc(text, unicode.IsSpace))
	begin := len(text) - len(bytes.TrimLeftFunc(text, unicode.IsSpace))
	if begin >= end {
		return -1
	}
	if i := bytes.IndexFunc(text[begin:end], unicode.IsSpace); i >= 0 {
		return begin + i
	}
	return -1
}

// checkArrow warns of "==>", "<=>", "-=>" and "=>>": the characters before and behind "=>" belong to
// the sides.
func (l *line) checkArrow(at int) {
	before := at > 0 && bytes.IndexByte([]byte("=-<"), l.text[at-1]) >= 0
	after := at+len(arrow) < len(l.text) && l.text[at+len(arrow)] == '>'
	if before || after {
		l.report(oddArrow, at)
	}
}
