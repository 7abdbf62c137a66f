package linelist

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// maxSide is the length of a side, in UTF-16 units, for which the parsers of mappings and type tables
// have room.
const maxSide = 256

// sides splits a rule as the pattern (.*)\s*=>\s*(.*)\s*$ of MappingCharFilterFactory and
// WordDelimiterTokenFilterFactory does: at the last arrow. It is false if the pattern does not match.
func (l *line) sides() (left, right side, ok bool) {
	start, end := toEnd(l.text)
	i := bytes.LastIndex(l.text[start:end], arrow)
	if i < 0 {
		return side{}, side{}, false
	}
	at := start + i
	return l.side(start, at), l.side(at+len(arrow), end), true
}

// slowFrom is how many characters cost OpenSearch a second or so: it tries the pattern at each of them,
// and each time as far as the end. 15,000 were measured to take some seconds, 30,000 four times that.
const slowFrom = 5_000

// checkSlow warns of text in which the pattern is tried again and again: all of a line without a match,
// what stands before the last line separator, and the blanks behind the arrow, at each of which \s* goes
// on to the last.
func (l *line) checkSlow(slow *rule.Rule) {
	if len(l.text) < slowFrom {
		return
	}
	before := l.text
	_, right, ok := l.sides()
	if ok {
		start, _ := toEnd(l.text)
		before = l.text[:start]
	}
	if n := max(longestSegment(before), longestBlanks(right.text)); n >= slowFrom {
		l.report(slow, -1, n)
	}
}

// longestSegment is the length of the longest text between terminators.
func longestSegment(text []byte) int {
	most, begin := 0, 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == '\u0085' || r == '\u2028' || r == '\u2029' {
			most = max(most, utf16Len(text[begin:i]))
			begin = i + n
		}
		i += n
	}
	return max(most, utf16Len(text[begin:]))
}

// longestBlanks is the length of the longest run of what \s matches.
func longestBlanks(text []byte) int {
	most, run := 0, 0
	for _, c := range text {
		if run++; bytes.IndexByte([]byte(javaSpaces), c) < 0 {
			run = 0
		}
		most = max(most, run)
	}
	return most
}

// newSlow makes the rule about lines that take long, for a family.
func newSlow(family string) *rule.Rule {
	return &rule.Rule{
		ID: family + ".slow", Severity: searchpack.SeverityWarning, Title: "a line that takes OpenSearch long",
		Message: "%d characters in a row without an arrow (or as many blanks behind one): the time that OpenSearch takes for them grows with the square of their number, and the thread that reads the file, on every node, does nothing else meanwhile",
		Remedy:  "write one rule per line; perhaps line ends are missing",
	}
}

// side is one side of a rule, trimmed.
type side struct {
	text []byte
	at   int // in the line's text
}

func (l *line) side(from, to int) side {
	s := side{text: rule.TrimBlanks(l.text[from:to]), at: from}
	s.at += bytes.Index(l.text[from:to], s.text)
	return s
}

// fault is why a side cannot be read.
type fault int

const (
	noFault     fault = iota
	loneEscape        // "\" at the end
	shortEscape       // "\u" without four characters behind it
	badEscape         // "\u" with something else than hexadecimal digits
	tooLong
)

// controls are the escapes of one letter.
var controls = map[uint16]uint16{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// unescape resolves the escapes of a side into units, as parseString of the two classes does. letter
// is where in the text a "\" stands before a character that it does not change, -1 if nowhere; at is
// where the fault is.
func unescape(units []uint16, text []byte) (out []uint16, letter int, f fault, at int) {
	letter = -1
	source := make([]uint16, 0, min(len(text), 2*maxSide))
	offsets := make([]int, 0, cap(source))
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		for range utf16.RuneLen(r) {
			offsets = append(offsets, i)
		}
		source = utf16.AppendRune(source, r)
		i += n
	}
	for i := 0; i < len(source); {
		c, begin := source[i], offsets[i]
		i++
		if c == '\\' {
			if i >= len(source) {
				return units, letter, loneEscape, begin
			}
			c = source[i]
			i++
			if control, ok := controls[c]; ok {
				c = control
			} else if c == 'u' {
				if i+4 > len(source) {
					return units, letter, shortEscape, begin
				}
				if c, ok = parseHex4(source[i : i+4]); !ok {
					return units, letter, badEscape, begin
				}
				i += 4
			} else if letter < 0 && c < utf8.RuneSelf && plainWord([]byte{byte(c)}) {
				letter = begin
			}
		}
		if len(units) == maxSide {
			return units, letter, tooLong, begin
		}
		units = append(units, c)
	}
	return units, letter, noFault, 0
}

// newFaults makes the rules about sides that cannot be read, for a family.
func newFaults(family string) map[fault]*rule.Rule {
	const refused = "; OpenSearch refuses the whole file"
	return map[fault]*rule.Rule{
		loneEscape: {
			ID: family + ".lone-backslash", Severity: searchpack.SeverityError, Title: "a backslash with nothing behind it",
			Message: `a "\" at the end of a side` + refused, Remedy: `write "\\" for a backslash`,
		},
		shortEscape: {
			ID: family + ".short-escape", Severity: searchpack.SeverityError, Title: `too few digits behind "\u"`,
			Message: `fewer than four characters behind "\u"` + refused, Remedy: `write four hexadecimal digits: "\u00e9"`,
		},
		badEscape: {
			ID: family + ".bad-escape", Severity: searchpack.SeverityError, Title: `no digits behind "\u"`,
			Message: `no hexadecimal digits behind "\u"` + refused, Remedy: `write four hexadecimal digits: "\u00e9", or "\\u" for a backslash and a u`,
		},
		tooLong: {
			ID: family + ".long-side", Severity: searchpack.SeverityError, Title: "a side that is too long",
			Message: `more than 256 characters on one side of the arrow` + refused, Remedy: `shorten the side`,
		},
	}
}

// faultRules lists the rules of newFaults.
func faultRules(f map[fault]*rule.Rule) []*rule.Rule {
	return []*rule.Rule{f[loneEscape], f[shortEscape], f[badEscape], f[tooLong]}
}

// readSide unescapes a side into units and reports its fault.
func (l *line) readSide(s side, units []uint16, rules map[fault]*rule.Rule) (out []uint16, letter int, ok bool) {
	out, letter, f, at := unescape(units[:0], s.text)
	if f != noFault {
		l.report(rules[f], s.at+at)
	}
	return out, letter, f == noFault
}

// appendUnits appends the units as bytes: UTF-8 cannot tell halves of pairs apart.
func appendUnits(b []byte, units []uint16) []byte {
	for _, u := range units {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

func text(units []uint16) []byte { return []byte(string(utf16.Decode(units))) }
