package linelist

import (
	"bytes"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What Java's strings and regular expressions do with text, as far as the parsers use it.

var arrow = []byte("=>")

// javaSpaces is what \s matches in a regular expression of Java.
const javaSpaces = " \t\n\v\f\r"

// hasText mirrors Strings.hasText: whether there is a character that Character.isWhitespace does not
// know. Characters below U+0020 may be text here although they are trimmed off later.
func hasText(text []byte) bool {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if !javaWhitespace(r) {
			return true
		}
		i += n
	}
	return false
}

// javaWhitespace mirrors Character.isWhitespace.
func javaWhitespace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r >= 0x1C && r <= ' ':
		return true
	case r < utf8.RuneSelf, r == '\u00A0', r == '\u2007', r == '\u202F':
		return false
	}
	return unicode.Is(unicode.Z, r)
}

// terminators are the line terminators at which a dot and a $ of Java stop and which no reader of lines
// has taken away.
var terminators = [][]byte{[]byte("\u0085"), []byte("\u2028"), []byte("\u2029")}

// toEnd returns where the text begins that the pattern "(.*)$" finds at its earliest, and where it
// ends: behind the last terminator, one at the very end left out.
func toEnd(text []byte) (start, end int) {
	end = len(text)
	for _, t := range terminators {
		if bytes.HasSuffix(text, t) {
			end -= len(t)
			break
		}
	}
	for _, t := range terminators {
		if i := bytes.LastIndex(text[:end], t); i >= 0 {
			start = max(start, i+len(t))
		}
	}
	return start, end
}

// utf16Len is String.length.
func utf16Len(text []byte) int {
	n := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		n += utf16.RuneLen(r)
		i += size
	}
	return n
}

// hexDigit mirrors Character.digit(c, 16): the digits of all scripts and full-width letters count.
func hexDigit(c uint16) (int, bool) {
	r := rune(c)
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0'), true
	case r >= 'a' && r <= 'f', r >= '\uFF41' && r <= '\uFF46':
		return int(r&0x1F) - 1 + 10, true
	case r >= 'A' && r <= 'F', r >= '\uFF21' && r <= '\uFF26':
		return int(r&0x1F) - 1 + 10, true
	case r < utf8.RuneSelf:
		return 0, false
	}
	for _, digits := range unicode.Nd.R16 { // runs of ten, each from zero to nine
		if c >= digits.Lo && c <= digits.Hi {
			return int(c-digits.Lo) % 10, true
		}
	}
	return 0, false
}

// parseHex4 mirrors Integer.parseInt(s, 16) for four characters: a sign is allowed.
func parseHex4(s []uint16) (uint16, bool) {
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	n := 0
	for _, c := range s {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		n = n<<4 | d
	}
	if negative {
		n = -n
	}
	return uint16(n), true //nolint:gosec // as the cast to char does
}
