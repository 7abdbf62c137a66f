// Package synonym reads the files of synonym filters: Solr's format and WordNet's.
package synonym

import (
	"bytes"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// The grammar mirrors Lucene's SolrSynonymParser (the same in 9.12 and 10.5), which reads the file
// raw: a line is skipped if it is empty or its very first character is "#", split at arrows, then
// at commas, empty pieces dropped; each piece is unescaped, trimmed of everything up to U+0020 and
// given to the analyzer, which must make at least one token of it.

// maxTerm is the longest term, in bytes, that Lucene stores (BytesRefHash).
const maxTerm = 32766

var arrow = []byte("=>")

// Solr reads Solr synonyms, as SolrSynonymParser does. It is a dict.Reader.
func Solr(r io.Reader, c *dict.Config) (int64, error) {
	return dict.ReadLines(r, c, dict.FamilySynonyms, &solr{c: c})
}

// solr looks at the lines of one file.
type solr struct{ c *dict.Config }

// Line implements dict.Lines.
func (s *solr) Line(p lines.Part) {
	text := p.Text
	if p.Continued || len(text) == 0 || text[0] == '#' {
		return
	}
	s.c.Rules++
	if plainRule(text) {
		return
	}
	if fits := bytes.IndexByte(text, ',') >= 0 || bytes.Contains(text, arrow); !fits {
		if bare := rule.TrimBlanks(bytes.TrimPrefix(text, rule.BOM)); len(bare) > 0 && bare[0] != '#' {
			s.c.Unfit++
		}
	}
	l := synonymLine{tally: s.c.Findings, number: p.Number, text: text, escapes: bytes.IndexByte(text, '\\') >= 0}
	if p.Cut {
		l.report(longLine, 0)
		return
	}
	l.check()
}

// End implements dict.Lines.
func (s *solr) End() {}

// synonymLine is one line that is no comment.
type synonymLine struct {
	tally   *rule.Tally
	number  int64
	text    []byte
	escapes bool // there is a backslash
}

func (l *synonymLine) check() {
	sides, count, arrows := l.sides()
	switch {
	case count > 2:
		l.report(twoArrows, sides[2].start-len(arrow))
	case count == 2:
		// A left side may be of any length: it is looked up, not stored.
		left := l.terms(sides[0], false)
		right := l.terms(sides[1], true)
		if left == 0 || right == 0 {
			l.report(oneSided, 0)
		}
	default: // the whole line is a group, an arrow without a second side being text
		terms := l.terms(span{0, len(l.text)}, true)
		if arrows > 0 {
			l.report(oneSided, 0)
		} else if terms < 2 && !l.blank(span{0, len(l.text)}) {
			l.report(alone, 0)
		}
	}
}

// span is a piece of the line, in bytes.
type span struct{ start, end int }

// sides returns the first three pieces between arrows that are not empty, how many there are (at
// most three are counted), and how many arrows were seen up to there.
func (l *synonymLine) sides() (sides [3]span, count, arrows int) {
	for at := 0; at <= len(l.text) && count < len(sides); {
		end := l.find(at, len(l.text), "=>")
		if end > at {
			sides[count] = span{at, end}
			count++
		}
		if end < len(l.text) {
			arrows++
		}
		at = end + len(arrow)
	}
	return sides, count, arrows
}

// terms checks the terms between commas and returns how many there are.
func (l *synonymLine) terms(in span, stored bool) int {
	count := 0
	for at := in.start; at < in.end; {
		end := l.find(at, in.end, ",")
		if end > at {
			count++
			l.term(span{at, end}, stored)
		}
		at = end + 1
	}
	return count
}

func (l *synonymLine) term(t span, stored bool) {
	switch {
	case l.blank(t):
		l.report(blankTerm, t.start)
	case !hasWord(l.text[t.start:t.end]):
		l.report(eliminated, l.firstVisible(t))
	case stored && t.end-t.start > maxTerm && len(rule.TrimBlanks(l.text[t.start:t.end])) > maxTerm:
		l.report(longTerm, l.firstVisible(t))
	}
}

// find returns where the first separator in text[from:to] is that no backslash protects, or to.
func (l *synonymLine) find(from, to int, separator string) int {
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

// blank reports whether nothing is left of the piece once it is unescaped and trimmed.
func (l *synonymLine) blank(t span) bool {
	for at := t.start; at < t.end; at++ {
		c := l.text[at]
		if c > ' ' && (c != '\\' || at+1 == t.end) { // a backslash at the very end stands for itself
			return false
		}
		if c == '\\' {
			at++
			if l.text[at] > ' ' {
				return false
			}
		}
	}
	return true
}

// firstVisible returns where the piece's text begins.
func (l *synonymLine) firstVisible(t span) int {
	for t.start < t.end-1 && l.text[t.start] <= ' ' {
		t.start++
	}
	return t.start
}

// hasWord reports whether the text holds something that the standard tokenizer makes a token of:
// a letter, a digit or an emoji.
func hasWord(text []byte) bool {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
				return true
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if unicode.In(r, unicode.L, unicode.Nd, unicode.Nl) || r >= firstEmoji {
			return true
		}
		i += n
	}
	return false
}

// firstEmoji begins the planes where pictures stand. Older symbols below may be tokens or not; a
// warning too many does no harm.
const firstEmoji = 0x1F000

// report counts a finding at the byte at of the line.
func (l *synonymLine) report(r *rule.Rule, at int) {
	if l.tally.Room(r.Severity) {
		l.tally.Keep(r.At(rule.Place{Line: l.number, Counted: l.number, Column: rule.Column(l.text, at), Text: l.text}))
	}
}
