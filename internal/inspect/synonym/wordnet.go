package synonym

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"regexp"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// WordNet reads WordNet's file wn_s.pl, as Lucene's WordnetSynonymParser and OpenSearch's subclass
// of it do. There are neither comments nor blank lines: of each line the third to the eleventh
// character are the id of a set, and the term is what stands between the first and the last quote,
// not trimmed, two quotes being one. Lines with one id that follow each other make a group. It is a
// dict.Reader.
func WordNet(r io.Reader, c *dict.Config) (int64, error) {
	return dict.ReadLines(r, c, dict.FamilyFile, newWordnet(c))
}

// idUnits is up to where in a line, in UTF-16 units, the id of its set reaches.
const idUnits = 11

var twoQuotes = []byte("''")

// well is a line as WordNet writes it.
var well = regexp.MustCompile(`^s\(([0-9]+),[0-9]+,'(?:[^']|'')*',[a-z],[0-9]+,[0-9]+\)\.[ \t]*$`)

type wordnet struct {
	c     *dict.Config
	words speller
	pairs pairs
	sets  table // the ids
	ended bool  // sets is full
	set   set
	line  lines.Part
}

func newWordnet(c *dict.Config) *wordnet {
	w := &wordnet{c: c, words: newSpeller()}
	w.pairs = pairs{c: c, file: wordnetManyPairsFile}
	w.set = set{giver: giver{c: c, words: &w.words}, seen: map[uint64]int64{}}
	return w
}

// Line implements dict.Lines.
func (w *wordnet) Line(p lines.Part) {
	if p.Continued {
		return
	}
	w.c.Rules++
	w.line = p
	id, ok := idOf(p.Text)
	if !ok {
		w.c.Unfit++
		w.report(wordnetShort, 0)
		return
	}
	if w.set.first == 0 || !bytes.Equal(id, w.set.id) {
		w.endSet()
		w.begin(id)
	}
	if p.Cut {
		w.report(wordnetLongLine, 0)
		return
	}
	start, end := bytes.IndexByte(p.Text, '\'')+1, bytes.LastIndexByte(p.Text, '\'')
	if start > end { // one quote or none
		w.c.Unfit++
		w.report(wordnetQuotes, 0)
		return
	}
	w.shape()
	w.member(start, end)
}

// End implements dict.Lines.
func (w *wordnet) End() {
	w.endSet()
	w.pairs.end()
}

// idOf returns the characters of a line that are its id, as Java counts them: a character beyond
// U+FFFF is two. It is false for a line that is too short.
func idOf(text []byte) ([]byte, bool) {
	start, units := 0, 0
	for i := 0; i < len(text); {
		if units <= 2 {
			start = i
		}
		r, n := utf8.DecodeRune(text[i:])
		i += n
		if units++; r > 0xFFFF {
			units++
		}
		if units >= idUnits {
			return text[start:i], true
		}
	}
	return nil, false
}

// shape looks at the form of a line, of which OpenSearch wants little.
func (w *wordnet) shape() {
	text := w.line.Text
	if w.line.Number == 1 {
		text = bytes.TrimPrefix(text, rule.BOM)
	}
	switch m := well.FindSubmatch(text); {
	case m == nil:
		w.c.Unfit++
		w.report(wordnetOdd, 0)
	case len(m[1]) != 9:
		w.report(wordnetID, len("s("), len(m[1]))
	}
}

// begin begins a set.
func (w *wordnet) begin(id []byte) {
	w.set.reset(id, w.line.Number)
	if w.ended {
		return
	}
	key, seen := w.sets.entry(maphash.Bytes(w.words.seed, id))
	switch {
	case key == nil || w.line.Number > maxLine:
		w.ended = true
		w.report(wordnetNotCompared, 0, fmt.Sprintf("from line %d on, the sets are too many to be remembered", w.line.Number))
	case *seen != 0:
		w.report(wordnetScattered, 0, rule.Shown(id), seen.line())
	default:
		*seen = asGroup.at(w.line.Number)
	}
}

// member takes the term between two places of the line.
func (w *wordnet) member(start, end int) {
	text := w.line.Text[start:end]
	if found, ok := findInvisible(text, 0); ok {
		w.report(wordnetHidden, start+found.at, fmt.Sprintf("%U", found.r), found.name)
	}
	if bytes.Contains(text, twoQuotes) {
		text = bytes.ReplaceAll(text, twoQuotes, twoQuotes[:1])
	}
	v := wordnetFates.verdict(w.c, text)
	if v.rule != nil {
		w.report(v.rule, start, v.args...)
	}
	s := &w.set
	s.size++
	if s.size == maxTerms+1 {
		w.report(wordnetNotCompared, 0, "a set has more than 65,536 terms, only the first ones are")
	}
	if v.kept {
		s.kept++
		w.again(text, start)
	}
	s.add(text, v.kept, w.line.Number)
	w.stored(text, v.kept, start)
}

// again reports a term that the set has.
func (w *wordnet) again(text []byte, start int) {
	h := w.words.spell(text).exact
	if first, ok := w.set.seen[h]; ok && h != 0 {
		if w.set.repeated++; w.set.repeated <= maxAlike {
			w.report(wordnetRepeated, start, rule.Shown(text), first)
		}
	} else if w.set.size <= maxTerms {
		w.set.seen[h] = w.line.Number
	}
}

// stored reports terms that are too long to be stored, once the set has a second one: until then
// nothing is mapped to the first. All are mapped to each other, or all to the first.
func (w *wordnet) stored(text []byte, kept bool, start int) {
	s := &w.set
	others := s.kept
	if w.c.NoExpand {
		others = s.size
	}
	if long := kept && len(text) > mayBeLong && joined(text) > maxTerm; long && (s.size == 1 || !w.c.NoExpand) {
		f := wordnetLongTerm.At(w.place(start))
		s.tooLong = &f
	}
	if others > 1 && s.tooLong != nil {
		w.c.Findings.Add(*s.tooLong)
		s.tooLong = nil
	}
}

// endSet gives the pairs of the set that was read.
func (w *wordnet) endSet() {
	s := &w.set
	if s.size < 2 { // also before the first
		return
	}
	n := s.kept
	if !w.c.NoExpand {
		n *= n - 1
	}
	if w.pairs.add(n) {
		wordnetManyPairs.Report(w.c.Findings, rule.Place{Line: s.first, Counted: s.first, Text: s.id}, s.size, n)
	}
	s.give(w.c.NoExpand)
}

func (w *wordnet) place(at int) rule.Place {
	return rule.Place{Line: w.line.Number, Counted: w.line.Number, Column: rule.Column(w.line.Text, at), Text: w.line.Text}
}

func (w *wordnet) report(r *rule.Rule, at int, args ...any) {
	if w.c.Findings.Room(r.Severity) {
		w.c.Findings.Keep(r.At(w.place(at), args...))
	}
}

// maxSetText is how many bytes of one set's terms are kept to give its pairs, and maxTerms how many
// terms. Real sets have a few dozen.
const maxSetText = 1 << 20

// set is the group of lines that is being read.
type set struct {
	id         []byte
	first      int64 // its first line; 0 = none yet
	size, kept int64
	repeated   int
	tooLong    *searchpack.Finding // to be reported if there is another member
	seen       map[uint64]int64    // the lines of the terms, by hash; at most maxTerms
	giver      giver
	full       bool   // there was no room for the rest of the terms
	rest       uint64 // their digests
}

func (s *set) reset(id []byte, line int64) {
	clear(s.seen)
	s.giver.reset()
	*s = set{id: append(s.id[:0], id...), first: line, seen: s.seen, giver: s.giver}
}

// add keeps a member for the pairs.
func (s *set) add(text []byte, kept bool, line int64) {
	switch {
	case s.giver.c.Entry == nil:
	case s.full || len(s.giver.text) > maxSetText || len(s.giver.ends) == maxTerms:
		s.full = true
		h := sha256.Sum256(text)
		s.rest += binary.BigEndian.Uint64(h[:])
	case kept:
		s.giver.add(text, line)
	default:
		s.giver.add(nil, line)
	}
}

// give gives the pairs.
func (s *set) give(noExpand bool) {
	switch {
	case s.giver.c.Entry == nil:
	case s.full:
		s.giver.give(span{0, len(s.giver.ends)}, span{}, fmt.Appendf(nil, "%s %x", s.giver.text, s.rest))
	default:
		s.giver.group(noExpand)
	}
}
