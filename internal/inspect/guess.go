package inspect

import (
	"bytes"
	"regexp"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// sniffed is how many bytes of a file are looked at to guess its kind.
const sniffed = 64 << 10

// The confidence of guesses, in percent. From searchpack.SureConfidence on, a file is refused for
// the mistakes of its kind; below, they are warnings.
const (
	certain  = 99 // no other kind of file looks like this
	formed   = 95 // every line is of this form
	likely   = 75 // the form is loose, or other kinds have it too
	doubting = 60 // some lines are of another form
)

// sample counts the forms of the lines of a file's beginning that are neither blank nor comments.
type sample struct {
	lines                             int
	separated                         int // hold a comma or an arrow
	wordnet, affix, typeTable, quoted int
	kuromoji, nori                    int
	grouped                           int  // as only synonyms are: terms between commas
	symbols                           int  // an arrow with no letter or digit on one side of it
	spaced                            int  // hold a blank
	entries                           int  // word/FLAGS
	count                             bool // the first line is a number alone
}

var (
	wordnetLine   = regexp.MustCompile(`^s\(\d{1,9},\d+,'.*',[nvasr],\d+,\d+\)\.$`)
	affixLine     = regexp.MustCompile(`^(SET|FLAG|TRY|WORDCHARS|ICONV|OCONV|REP|KEY|AF|AM|PFX|SFX|COMPOUND[A-Z]+)\s+\S`)
	typeTableLine = regexp.MustCompile(`^(.|\\.|\\u[0-9A-Fa-f]{4})\s*=>\s*(LOWER|UPPER|ALPHA|DIGIT|ALPHANUM|SUBWORD_DELIM)$`)
	quotedLine    = regexp.MustCompile(`^"[^"]*"\s*=>\s*"[^"]*"$`)
	numberLine    = regexp.MustCompile(`^\d{1,9}$`)
	flaggedLine   = regexp.MustCompile(`^[^\s/,=]+/[\p{L}\p{N}]{1,20}(\s|$)`)
)

// guess says what kind of file begins like this, and how sure that is in percent; whole: there is
// nothing behind it.
func guess(head []byte, whole bool) (searchpack.Kind, int) {
	if !whole {
		if end := bytes.LastIndexAny(head, "\r\n"); end >= 0 {
			head = head[:end]
		}
	}
	if dict.HasUTF16Mark(head) {
		return searchpack.KindUnknown, 0 // text, but none that OpenSearch reads
	}
	if bytes.IndexByte(head, 0) >= 0 && !utf8.Valid(head) {
		return searchpack.KindOpaque, formed // a binary dictionary, whatever commas it holds
	}
	if kind, confidence := guessXML(head); kind != searchpack.KindUnknown {
		return kind, confidence
	}
	var s sample
	for line := range bytes.FieldsFuncSeq(bytes.TrimPrefix(head, rule.BOM), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = rule.TrimBlanks(line); len(line) > 0 && line[0] != '#' {
			s.add(line)
		}
	}
	return s.kind()
}

func guessXML(head []byte) (searchpack.Kind, int) {
	text := bytes.TrimSpace(bytes.TrimPrefix(head, rule.BOM))
	switch {
	case !bytes.HasPrefix(text, []byte("<?xml")) && !bytes.HasPrefix(text, []byte("<!DOCTYPE")) && !bytes.HasPrefix(text, []byte("<hyphenation-info")):
		return searchpack.KindUnknown, 0
	case bytes.Contains(text, []byte("hyphenation")):
		return searchpack.KindHyphen, certain
	}
	return searchpack.KindHyphen, doubting // the only kind that is XML, but not every XML is one
}

func (s *sample) add(line []byte) {
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	s.lines++
	s.count = s.count || s.lines == 1 && numberLine.Match(line)
	count(&s.separated, bytes.IndexByte(line, ',') >= 0 || bytes.Contains(line, []byte("=>")))
	count(&s.wordnet, wordnetLine.Match(line))
	count(&s.affix, affixLine.Match(line))
	count(&s.typeTable, typeTableLine.Match(line))
	count(&s.quoted, quotedLine.Match(line))
	count(&s.entries, flaggedLine.Match(line))
	grouped, symbol := sides(line)
	count(&s.grouped, grouped)
	count(&s.symbols, symbol)
	count(&s.spaced, bytes.IndexFunc(line, unicode.IsSpace) >= 0)
	count(&s.kuromoji, kuromojiLine(line))
	count(&s.nori, noriLine(line))
}

func (s *sample) kind() (searchpack.Kind, int) {
	if s.lines == 0 {
		return searchpack.KindUnknown, 0
	}
	if kind, confidence := s.ofForm(); kind != searchpack.KindUnknown {
		return kind, confidence
	}
	switch {
	case s.separated == s.lines && s.grouped == 0 && s.symbols > 0:
		// "& => and", ", => .": rules of a mapping more likely than synonyms of which most analyzers
		// make nothing, and never so surely synonyms that they may be refused as such.
		if 2*s.symbols >= s.lines {
			return searchpack.KindMapping, likely
		}
		return searchpack.KindSynonyms, likely
	case s.separated == s.lines:
		return searchpack.KindSynonyms, formed
	case s.affix > 0 && 2*s.affix >= s.lines, s.count && s.entries > 0:
		return searchpack.KindHunspell, likely
	case s.nori > 0 && 4*s.nori > 3*s.spaced && s.separated == 0: // nouns without parts are words alone
		return searchpack.KindNori, likely
	case 2*s.separated >= s.lines:
		return searchpack.KindSynonyms, doubting
	case s.separated == 0:
		return searchpack.KindWords, likely
	}
	return searchpack.KindWords, doubting
}

// ofForm is the kind whose lines have a form of their own, if all or most are of it.
func (s *sample) ofForm() (searchpack.Kind, int) {
	for _, f := range []struct {
		kind      searchpack.Kind
		count     int
		all, most int
	}{
		{searchpack.KindWordNet, s.wordnet, certain, likely},
		{searchpack.KindTypeTable, s.typeTable, formed, likely},
		{searchpack.KindMapping, s.quoted, likely, 0},
		{searchpack.KindKuromoji, s.kuromoji, likely, likely},
	} {
		switch {
		case f.count == s.lines:
			return f.kind, f.all
		case 2*f.count > s.lines && f.most > 0:
			return f.kind, f.most
		}
	}
	return searchpack.KindUnknown, 0
}

// sides reports whether the line is a group of synonyms, without an arrow or with several terms on a
// side of it, and whether there is an arrow with nothing but symbols on one side.
func sides(line []byte) (grouped, symbol bool) {
	arrows := bytes.Split(line, []byte("=>"))
	grouped = len(arrows) == 1 && bytes.IndexByte(line, ',') >= 0
	for _, side := range arrows {
		terms := 0
		for term := range bytes.SplitSeq(side, []byte(",")) {
			if hasWord(term) {
				terms++
			}
		}
		grouped = grouped || terms > 1
		symbol = symbol || len(arrows) > 1 && terms == 0 && len(bytes.TrimSpace(side)) > 0
	}
	return grouped, symbol
}

func hasWord(text []byte) bool {
	return bytes.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) >= 0
}

// kuromojiLine reports whether the line is text,segmentation,readings,part of speech, the segments
// making up the text: Japanese synonyms in four columns are no dictionary.
func kuromojiLine(line []byte) bool {
	columns := bytes.Split(line, []byte(","))
	if len(columns) != 4 || !hasCJK(columns[0]) {
		return false
	}
	segments := bytes.Fields(columns[1])
	return bytes.Equal(bytes.Join(segments, nil), columns[0]) && len(segments) == len(bytes.Fields(columns[2]))
}

// noriLine reports whether the line is a Korean word, alone or with parts that make it up.
func noriLine(line []byte) bool {
	fields := bytes.Fields(line)
	return len(fields) > 1 && hasCJK(fields[0]) && bytes.Equal(bytes.Join(fields[1:], nil), fields[0])
}

func hasCJK(text []byte) bool {
	return bytes.IndexFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
	}) >= 0
}

// refined is the confidence once the whole file was read.
func refined(confidence int, c *dict.Config) int {
	if c.Unfit > 0 {
		return min(confidence, doubting)
	}
	return confidence
}
