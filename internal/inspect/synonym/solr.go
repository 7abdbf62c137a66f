// Package synonym reads the files of synonym filters: Solr's format and WordNet's. It reports what
// OpenSearch refuses, and what it takes although it is surely not meant: in one rule, and between
// rules as far as its table of terms reaches. Bytes come from dict.ReadLines, findings and meanings
// go to the dict.Config. It builds no synonym map, and an analyzer it knows only by dict.Analyzer.
package synonym

import (
	"bytes"
	"fmt"
	"io"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// The grammar mirrors Lucene's SolrSynonymParser (the same in 9.12 and 10.5), which reads the file
// raw: a line is skipped if it is empty or its very first character is "#", split at arrows, then
// at commas, empty pieces dropped; each piece is unescaped, trimmed of everything up to U+0020 and
// given to the analyzer, which must make at least one token of it.

// MaxMemory is what a reader of this package allocates at most for a file, findings and the entries
// it gives aside: 48 MiB for the table of terms, the rest for lines, circles and buffers.
const MaxMemory = 54 << 20

// maxTerm is the longest term, in bytes, that Lucene stores (BytesRefHash). Only what a term is
// mapped to is stored.
const (
	maxTerm = 32766
	// mayBeLong is the length of the shortest text that may come to more with the cuts of maxToken.
	mayBeLong = maxTerm - maxTerm/maxToken - 1
)

var arrow = []byte("=>")

// Solr reads Solr synonyms, as SolrSynonymParser and OpenSearchSolrSynonymParser do. It is a
// dict.Reader.
func Solr(r io.Reader, c *dict.Config) (int64, error) {
	return dict.ReadLines(r, c, dict.FamilySynonyms, newSolr(c))
}

// solr looks at the lines of one file.
type solr struct {
	c      *dict.Config
	line   line
	words  speller
	across across
	pairs  pairs
	giver  giver

	errors int // in the lines before

	order, first []int32 // scratches of within
	reported     int
}

func newSolr(c *dict.Config) *solr {
	s := &solr{c: c, words: newSpeller()}
	s.pairs = pairs{c: c, file: manyPairsFile}
	s.giver = giver{c: c, words: &s.words}
	return s
}

// Line implements dict.Lines.
func (s *solr) Line(p lines.Part) {
	text := p.Text
	if p.Continued || len(text) == 0 || text[0] == '#' {
		return
	}
	s.c.Rules++
	s.errors = s.c.Findings.Errors()
	l := &s.line
	l.set(p.Number, text)
	if l.plain() {
		s.judgeTerms()
		s.rule()
		return
	}
	if fits := bytes.IndexByte(text, ',') >= 0 || bytes.Contains(text, arrow); !fits {
		if bare := rule.TrimBlanks(bytes.TrimPrefix(text, rule.BOM)); len(bare) > 0 && bare[0] != '#' {
			s.c.Unfit++
		}
	}
	if p.Cut {
		s.report(longLine, 0)
		return
	}
	l.set(p.Number, text)
	l.escapes = bytes.IndexByte(text, '\\') >= 0
	if s.parse() {
		s.stored()
		s.rule()
	}
}

// End implements dict.Lines.
func (s *solr) End() {
	s.pairs.end()
	s.endAcross()
}

// parse finds the terms of a line and looks at the text. It reports whether OpenSearch goes on
// behind the arrows.
func (s *solr) parse() bool {
	l := &s.line
	shape := l.shape()
	if shape.count > 2 {
		s.report(twoArrows, shape.sides[2].start-len(arrow))
		return false
	}
	s.hidden()
	if at := trailingComment(l.text); at >= 0 {
		s.report(trailing, at)
	}
	if shape.count == 2 {
		l.explicit = true
		l.each(shape.sides[0], s.add)
		l.left, l.leftOnes = len(l.terms), l.count
		l.each(shape.sides[1], s.add)
		if l.leftOnes == 0 || l.leftOnes == l.count {
			s.report(oneSided, 0)
		}
		return true
	}
	// The whole line is a group, an arrow without a second side being text.
	whole := span{0, len(l.text)}
	comment := l.text[0] <= ' ' && l.text[l.firstVisible(whole)] == '#'
	if comment {
		s.report(indented, l.firstVisible(whole))
	}
	l.each(whole, s.add)
	switch {
	case shape.arrows > 0:
		s.report(oneSided, 0)
	case l.count < 2 && !comment && len(l.given(whole)) > 0:
		s.report(alone, 0)
	}
	return true
}

// add takes a term.
func (s *solr) add(t span) {
	l := &s.line
	l.count++
	kept := s.judge(t)
	if len(l.terms) < maxTerms {
		l.terms = append(l.terms, term{start: int32(t.start), end: int32(t.end), kept: kept}) //nolint:gosec // lines.Max
	}
}

// trailingComment returns where a "#" behind a blank seems to begin a comment: "# shoes" behind
// anything, "#shoes" inside of a term; -1 = nowhere. "size #5" and a term "#shoes" are none.
func trailingComment(text []byte) int {
	begun := false // there is something of a term
	for i, c := range text {
		switch {
		case c == ',' || c == '>' && i > 0 && text[i-1] == '=':
			begun = false
		case c == '#' && i > 0 && isBlank(text[i-1]) && i+1 < len(text):
			next := text[i+1]
			if len(rule.TrimBlanks(text[:i])) > 0 && (isBlank(next) || begun && next != ',' && (next < '0' || next > '9')) {
				return i
			}
		case !isBlank(c):
			begun = true
		}
	}
	return -1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// hidden looks for characters that nobody sees, one in each line.
func (s *solr) hidden() {
	l := &s.line
	from := 0
	if l.number == 1 && bytes.HasPrefix(l.text, rule.BOM) {
		from = len(rule.BOM) // it has a rule of its own
	}
	if found, ok := findInvisible(l.text, from); ok && s.room(hiddenChar) {
		s.keep(hiddenChar, found.at, fmt.Sprintf("%U", found.r), found.name)
	}
}

// rule looks at what the terms of the line mean together, and to the lines before.
func (s *solr) rule() {
	l := &s.line
	expansion := s.expansion()
	if s.pairs.add(expansion) {
		s.report(manyPairs, 0, l.count, expansion)
	}
	// A line with an error has to be changed anyway: what else it says is no matter yet.
	good := s.c.Findings.Errors() == s.errors
	if good && l.count > 1 && (!l.explicit || l.left > 0 && l.left < len(l.terms)) {
		if s.within() {
			s.compare()
		}
	}
	s.giver.line(l, s.c.NoExpand)
}

// expansion is how many pairs of terms Lucene makes of the line.
func (s *solr) expansion() int64 {
	l := &s.line
	var left, all int64
	for i := range l.terms {
		if l.terms[i].kept {
			all++
			if i < l.left {
				left++
			}
		}
	}
	if len(l.terms) < l.count { // there are more than were looked at: take them for good ones
		all, left = int64(l.count), int64(l.leftOnes)
	}
	switch {
	case l.explicit:
		return left * (all - left)
	case !s.c.NoExpand:
		return max(0, all*(all-1))
	case len(l.terms) > 0 && l.terms[0].kept:
		return all
	}
	return 0
}

// stored reports terms that are mapped to and too long to be stored.
func (s *solr) stored() {
	l := &s.line
	if len(l.text) <= mayBeLong || s.expansion() == 0 {
		return
	}
	for i := range l.terms {
		t := &l.terms[i]
		if l.explicit && i < l.left || s.c.NoExpand && !l.explicit && i > 0 || !t.kept {
			continue // looked up, not stored
		}
		if at := l.span(t); at.end-at.start > mayBeLong && joined(l.given(at)) > maxTerm {
			s.report(longTerm, l.firstVisible(at))
		}
	}
}

// report counts a finding at the byte at of the line, and makes it if there is room. Its arguments
// cost: where there may be one on every line, room is asked first.
func (s *solr) report(r *rule.Rule, at int, args ...any) {
	if s.room(r) {
		s.keep(r, at, args...)
	}
}

func (s *solr) room(r *rule.Rule) bool { return s.c.Findings.Room(r.Severity) }

func (s *solr) keep(r *rule.Rule, at int, args ...any) {
	l := &s.line
	s.c.Findings.Keep(r.At(rule.Place{Line: l.number, Column: rule.Column(l.text, at), Counted: l.number, Text: l.text}, args...))
}
