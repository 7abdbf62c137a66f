package analyzer

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/rangetable"
)

// What StandardTokenizer makes a token of, after its grammar (StandardTokenizerImpl.jflex, the same in
// Lucene 9.12 and 10.5): word breaks by UAX #29 in the version 9 of Unicode, emoji in 14.

var unicode9 = rangetable.Assigned("9.0.0")

// southEast are the scripts of which the grammar keeps whole runs as one token
// (Line_Break=Complex_Context). Their letters are in that class; of their marks some are.
var southEast = []*unicode.RangeTable{
	unicode.Thai, unicode.Lao, unicode.Myanmar, unicode.Khmer, unicode.Tai_Le, unicode.New_Tai_Lue,
	unicode.Tai_Tham, unicode.Tai_Viet, unicode.Ahom,
}

// katakana are characters with Word_Break=Katakana that are no letters.
var katakana = rangetable.Merge(
	rangetable.New(0x309B, 0x309C, 0x30A0),
	&unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x32D0, Hi: 0x32FE, Stride: 1}, {Lo: 0x3300, Hi: 0x3357, Stride: 1}}},
)

// extends are letters with Word_Break=Extend: halfwidth voiced marks.
var extends = rangetable.New(0xFF9E, 0xFF9F)

// begins says whether the standard tokenizer makes a token of a text that holds the character; sure:
// that is known.
func begins(r rune) (token, sure bool) {
	switch {
	case r < utf8.RuneSelf:
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9', true
	case unicode.Is(pictographs, r):
		return true, true
	case !unicode.Is(unicode9, r):
		return false, true
	case unicode.Is(unicode.Han, r), unicode.Is(unicode.Hiragana, r) && !unicode.Is(unicode.M, r), unicode.Is(katakana, r):
		return true, true
	case unicode.Is(unicode.L, r):
		return !unicode.Is(unicode.Ideographic, r) && !unicode.Is(extends, r), true
	case unicode.Is(unicode.Nd, r), unicode.Is(unicode.Nl, r), r == arabicDecimal:
		return true, true
	case unicode.Is(unicode.So, r) && unicode.Is(unicode.Other_Alphabetic, r): // circled letters
		return true, true
	}
	// Not sure: a lone mark of those scripts, flags, which are pairs, and keycaps.
	return false, !unicode.In(r, southEast...) && !unicode.Is(unicode.Regional_Indicator, r) && r != keycap
}

const (
	arabicDecimal = 0x066B // Word_Break=Numeric, though it is punctuation
	keycap        = 0x20E3
)

// standardHas reports whether the standard tokenizer gives a token.
func standardHas(term []byte) (has, sure bool) {
	sure = true
	for i := 0; i < len(term); {
		r, n := utf8.DecodeRune(term[i:])
		token, known := begins(r)
		if token {
			return true, true
		}
		sure = sure && known
		i += n
	}
	return false, sure
}

// standard is the tokenizer.
func standard(longest int) tokenizer {
	return func(term []byte, texts bool) ([]token, bool) {
		has, sure := standardHas(term)
		switch {
		case !has:
			return nil, sure
		case !texts || !ascii(term):
			return someToken, true
		}
		return standardASCII(term, longest), true
	}
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// The classes of ASCII in UAX #29.
const (
	other     = iota
	letter    // ALetter
	digit     // Numeric
	joiner    // ExtendNumLet
	midLetter // between letters only
	midNumber // between digits only
	midBoth   // between either
)

func wordClass(c byte) int {
	switch {
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		return letter
	case '0' <= c && c <= '9':
		return digit
	case c == '_':
		return joiner
	case c == ':':
		return midLetter
	case c == ',' || c == ';':
		return midNumber
	case c == '.' || c == '\'':
		return midBoth
	}
	return other
}

// standardASCII returns the tokens of a text in ASCII.
func standardASCII(text []byte, longest int) []token {
	var out []token
	for at := 0; at < len(text); {
		end, word := standardEnd(text, at)
		if word {
			out = append(out, newToken(text[at:end], longest))
		}
		at = max(end, at+1)
	}
	return out
}

// standardEnd returns where the token that begins at at ends, and whether it is one: underscores alone
// are none.
func standardEnd(text []byte, at int) (end int, word bool) {
	last := other
	for at < len(text) {
		c := wordClass(text[at])
		switch c {
		case letter, digit:
			word = true
		case joiner:
		default:
			if c == other || at+1 == len(text) || wordClass(text[at+1]) != last ||
				!(last == letter && c != midNumber || last == digit && c != midLetter) {
				return at, word
			}
		}
		last = c
		if c != letter && c != digit && c != joiner { // the character behind it has the class before it
			at++
			last = wordClass(text[at])
		}
		at++
	}
	return at, word
}

// newToken is a token whose text is known unless it was too long to stay whole.
func newToken(text []byte, longest int) token {
	if len(text) > longest && utf16Len(text) > longest {
		return token{solid: true}
	}
	return token{text: bytes.Clone(text), known: true}
}

// utf16Len is the length of UTF-8 in Java's characters.
func utf16Len(text []byte) int {
	n := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		n++
		if r > 0xFFFF {
			n++
		}
		i += size
	}
	return n
}
