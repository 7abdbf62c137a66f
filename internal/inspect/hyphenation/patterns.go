package hyphenation

import (
	"bytes"
	"encoding/xml"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	// maxException bounds how much of one exception is kept.
	maxException = 64 << 10
	// maxSteps bounds how far all patterns are followed through the tree. In order of their letters they
	// make a list of it, in which each search takes up to 65,000 steps; those of a language take some
	// millions together.
	maxSteps = 100_000_000
)

// element is what PatternParser.currElement knows.
type element int

const (
	other element = iota
	classes
	exceptions
	inPatterns
	hyphen
)

// patterns takes tokens as PatternParser takes SAX events and gives what it would give to
// HyphenationTree.
type patterns struct {
	c       *dict.Config
	in      element
	word    []byte // not ended yet
	line    int64  // where it began
	at      int64  // the line of the text that is read
	hyphen  rune
	tree    *tree
	values  *tree
	packed  int // of HyphenationTree.vspace
	room    int
	units   []uint16
	letters []byte
	digits  []byte

	class map[uint16]uint16 // a character's first of its class
	// exception is what was read of one before a hyphen element: the word, and as it is hyphenated.
	exception, hyphenated []byte
	seenExceptions        bool
	count                 int64
	mixed                 bool // tooMany was reported
}

func newPatterns(c *dict.Config) *patterns {
	return &patterns{
		c: c, hyphen: '-', tree: newTree(), values: newTree(), packed: 1, room: block,
		class: map[uint16]uint16{},
	}
}

func (p *patterns) token(token xml.Token, at rule.Place) error {
	p.at = at.Line
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t, at)
	case xml.EndElement:
		return p.close()
	case xml.CharData:
		return p.text(t)
	}
	return nil
}

func (p *patterns) start(t xml.StartElement, at rule.Place) error {
	if len(p.word) > 0 && t.Name.Local != "hyphen" {
		p.warn(lostText, p.word)
	}
	switch t.Name.Local {
	case "hyphen-char":
		if v := attribute(t, "value"); utf16Len(v) == 1 {
			p.hyphen, _ = utf8.DecodeRuneInString(v)
		}
	case "classes":
		p.in = classes
	case "patterns":
		p.in = inPatterns
	case "exceptions":
		p.in, p.seenExceptions = exceptions, true
		p.exception, p.hyphenated = p.exception[:0], p.hyphenated[:0]
	case "hyphen":
		if !p.seenExceptions {
			return &problem{rule: loneHyphen, place: at}
		}
		p.addException(p.word)
		p.exception = append(p.exception, attribute(t, "no")...)
		p.hyphenated = append(p.hyphenated, '-')
		p.in = hyphen
	}
	p.word = p.word[:0]
	return nil
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// close ends any element: PatternParser then takes what follows for nothing, unless the element was a
// hyphen, whose own text it keeps for the exception that goes on behind it.
func (p *patterns) close() error {
	if p.in == hyphen {
		p.in = exceptions
		return nil
	}
	err := p.flush(true)
	p.in = other
	return err
}

func (p *patterns) text(text []byte) error {
	for len(text) > 0 {
		end := bytes.IndexFunc(text, javaWhitespace)
		if end < 0 {
			end = len(text)
		}
		if len(p.word) == 0 {
			p.line = p.at
		}
		if len(p.word)+end > maxToken {
			return &problem{unread, rule.Place{Line: p.at}, []any{"a word is too long"}}
		}
		p.word = append(p.word, text[:end]...)
		if end == len(text) {
			return nil
		}
		if err := p.flush(false); err != nil {
			return err
		}
		if text[end] == '\n' {
			p.at++
		}
		_, n := utf8.DecodeRune(text[end:])
		text = text[end+n:]
	}
	return nil
}

// flush takes the word that has ended, at a blank or at a tag. An exception that a tag ends goes on
// in a hyphen element, wherever that comes.
func (p *patterns) flush(atTag bool) error {
	word := p.word
	if len(word) == 0 {
		return nil
	}
	p.word = p.word[:0]
	switch p.in {
	case classes:
		p.c.Rules++
		p.addClass(word)
	case exceptions:
		p.c.Rules++
		p.addException(word)
		p.endException()
		if !atTag {
			p.exception, p.hyphenated = p.exception[:0], p.hyphenated[:0]
		}
	case inPatterns:
		p.c.Rules++
		return p.addPattern(word)
	case other:
		p.c.Unfit++
		p.warn(lostText, word)
	case hyphen:
	}
	return nil
}

func (p *patterns) warn(r *rule.Rule, word []byte, args ...any) {
	r.Report(p.c.Findings, rule.Place{Line: p.line, Text: word}, args...)
}

func (p *patterns) entry(key, value []byte) {
	if p.c.Entry != nil {
		p.c.Entry(dict.Entry{Key: key, Value: value, Line: p.line})
	}
}

// addClass mirrors HyphenationTree.addClass: the first character stands for all.
func (p *patterns) addClass(word []byte) {
	p.units = appendUnits(p.units[:0], word)
	for _, u := range p.units {
		p.class[u] = p.units[0]
		if p.c.Entry != nil {
			p.entry([]byte(string(rune(u))), []byte(string(rune(p.units[0]))))
		}
	}
}

// addException takes a piece of an exception, in which the hyphen character parts syllables.
func (p *patterns) addException(piece []byte) {
	if len(p.hyphenated)+len(piece) > maxException {
		return
	}
	for len(piece) > 0 {
		r, n := utf8.DecodeRune(piece)
		if r == p.hyphen {
			p.hyphenated = append(p.hyphenated, '-')
		} else {
			p.exception = append(p.exception, piece[:n]...)
			p.hyphenated = append(p.hyphenated, piece[:n]...)
		}
		piece = piece[n:]
	}
}

func (p *patterns) endException() {
	p.checkClasses(p.exception, p.exception)
	p.entry(p.exception, p.hyphenated)
}

// addPattern mirrors HyphenationTree.addPattern, which gets the letters and the digits between them.
func (p *patterns) addPattern(word []byte) error {
	p.count++
	p.split(word)
	p.checkPattern(word)
	p.entry(p.letters, word)
	p.units = append(appendUnits(p.units[:0], p.digits), 0)
	value, known := p.values.find(p.units)
	if !known {
		value = uint16(p.packed) //nolint:gosec // the cast is Lucene's
		if !p.pack(len(p.units)-1) || !p.values.insert(p.units, value) && p.values.tooLong {
			return &problem{rule: longPattern, place: rule.Place{Line: p.line, Text: word}}
		}
	}
	p.units = append(appendUnits(p.units[:0], p.letters), 0)
	if was, found := p.tree.find(p.units); found && !p.tree.tooMany {
		if was == value {
			p.warn(duplicate, word)
		} else {
			p.warn(contradiction, word)
		}
	}
	if !p.tree.insert(p.units, value) && p.tree.tooLong {
		return &problem{rule: longPattern, place: rule.Place{Line: p.line, Text: word}}
	}
	if p.tree.steps+p.values.steps > maxSteps {
		return &problem{unread, rule.Place{Line: p.line}, []any{"its patterns take too long to be looked up"}}
	}
	if (p.tree.tooMany || p.values.tooMany) && !p.mixed {
		p.mixed = true
		p.warn(tooMany, word)
	}
	return nil
}

// pack mirrors packValues, which has two values in a byte and room that grows by one block.
func (p *patterns) pack(values int) bool {
	size := values/2 + 1 + values&1
	if p.packed+size >= p.room {
		p.room += block
	}
	p.packed += size
	return p.packed <= p.room
}

// split mirrors getPattern and getInterletterValues.
func (p *patterns) split(word []byte) {
	p.letters, p.digits = p.letters[:0], p.digits[:0]
	digit := false // the character before was taken for a value: this one is passed over
	for i := 0; i < len(word); {
		r, n := utf8.DecodeRune(word[i:])
		is := r <= 0xFFFF && unicode.Is(unicode.Nd, r)
		if !is {
			p.letters = append(p.letters, word[i:i+n]...)
		}
		for range utf16.RuneLen(r) {
			switch {
			case digit:
				digit = false
			case is:
				p.digits = append(p.digits, word[i:i+n]...)
				digit = true
			default:
				p.digits = append(p.digits, '0')
			}
		}
		i += n
	}
	if !digit {
		p.digits = append(p.digits, '0')
	}
}

// checkPattern warns of a pattern that never matches or says nothing.
func (p *patterns) checkPattern(word []byte) {
	bare := bytes.Trim(p.letters, ".")
	valued, twoDigits, last := false, false, false
	for _, r := range string(word) {
		is := unicode.Is(unicode.Nd, r)
		valued = valued || is
		twoDigits = twoDigits || is && last
		last = is
	}
	switch {
	case len(bare) == 0:
		p.warn(noLetters, word)
	case !valued:
		p.warn(noValue, word)
	case twoDigits:
		p.warn(digits, word)
	default:
		p.checkClasses(word, bare)
	}
}

// checkClasses warns of letters that no class begins with: words are put into such letters before they
// are looked up.
func (p *patterns) checkClasses(word, letters []byte) {
	if len(p.class) == 0 {
		return // there is a finding for that
	}
	for _, r := range string(letters) {
		for _, u := range utf16.AppendRune(nil, r) {
			if first, ok := p.class[u]; !ok || first != u {
				p.warn(unclassed, word, rule.Shown([]byte(string(r))))
				return
			}
		}
	}
}

// end says what is missing.
func (p *patterns) end() {
	if p.count == 0 {
		noPatterns.Report(p.c.Findings, rule.Place{})
	} else if len(p.class) == 0 {
		noClasses.Report(p.c.Findings, rule.Place{})
	}
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

func appendUnits(units []uint16, text []byte) []uint16 {
	for _, r := range string(text) {
		units = utf16.AppendRune(units, r)
	}
	return units
}

// javaWhitespace mirrors Character.isWhitespace for what may stand in XML.
func javaWhitespace(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\r':
		return true
	case '\u00A0', '\u2007', '\u202F':
		return false
	}
	return unicode.Is(unicode.Z, r)
}
