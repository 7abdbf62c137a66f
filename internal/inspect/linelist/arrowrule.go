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
