package synonym

import (
	"bytes"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// line is one line that is no comment, and its terms. It is used anew for each line.
type line struct {
	number   int64
	text     []byte
	escapes  bool   // there is a backslash
	terms    []term // at most maxTerms, those left of the arrow first
	explicit bool   // there is something on both sides of one arrow
	left     int    // of an explicit rule: how many of the terms stand left
	count    int    // of all terms
	leftOnes int    // of all terms on the left
	unquoted []byte
}

// maxTerms is how many terms of one rule are looked at together. A group of so many makes four
// billion pairs.
const maxTerms = 1 << 16

func (l *line) set(number int64, text []byte) {
	*l = line{number: number, text: text, terms: l.terms[:0], unquoted: l.unquoted}
}

// span is a piece of the line, in bytes.
type span struct{ start, end int }

// shape is how the arrows of a line divide it.
type shape struct {
	sides  [3]span // the first three that are not empty
	count  int     // of sides; at most three are counted
	arrows int     // as far as three sides reach
}

func (l *line) shape() (s shape) {
	for at := 0; at <= len(l.text) && s.count < len(s.sides); {
		end := l.find(at, len(l.text), "=>")
		if end > at {
			s.sides[s.count] = span{at, end}
			s.count++
		}
		if end < len(l.text) {
			s.arrows++
		}
		at = end + len(arrow)
	}
	return s
}

// each calls f for the terms between the commas of a piece.
func (l *line) each(in span, f func(span)) {
	for at := in.start; at < in.end; {
		end := l.find(at, in.end, ",")
		if end > at {
			f(span{at, end})
		}
		at = end + 1
	}
}

// find returns where the first separator in text[from:to] is that no backslash protects, or to.
func (l *line) find(from, to int, separator string) int {
	if !l.escapes {
		var i int
		if len(separator) == 1 {
			i = bytes.IndexByte(l.text[from:to], separator[0])
		} else {
			i = bytes.Index(l.text[from:to], arrow)
		}
		if i < 0 {
			return to
		}
		return from + i
	}
	for at := from; at < to; at++ {
		if l.text[at] == '\\' {
			at++ // the next character is protected; of one of several bytes the first is enough
		} else if l.text[at] == separator[0] && string(l.text[at:min(to, at+len(separator))]) == separator {
			return at
		}
	}
	return to
}

// given is what the analyzer is given of a piece: unescaped and trimmed. It is valid until the next
// call.
func (l *line) given(t span) []byte {
	text := l.text[t.start:t.end]
	if l.escapes && bytes.IndexByte(text, '\\') >= 0 {
		out := l.unquoted[:0]
		for i := 0; i < len(text); i++ {
			if text[i] == '\\' && i+1 < len(text) { // one at the very end stands for itself
				i++
			}
			out = append(out, text[i])
		}
		l.unquoted, text = out, out
	}
	return rule.TrimBlanks(text)
}

// firstVisible returns where the piece's text begins.
func (l *line) firstVisible(t span) int {
	for t.start < t.end-1 && l.text[t.start] <= ' ' {
		t.start++
	}
	return t.start
}

func (l *line) span(t *term) span { return span{int(t.start), int(t.end)} }
