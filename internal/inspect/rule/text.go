package rule

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how many characters of a line a finding shows.
const maxShown = 200

// BOM is the byte order mark in UTF-8.
var BOM = []byte("\uFEFF")

// Shown makes bytes of a customer's file fit to be stored and printed: cut, valid UTF-8, and no
// control characters that a terminal would obey.
func Shown(text []byte) string { return shown(text, maxShown) }

// shown is Shown, cut to most characters.
func shown(text []byte, most int) string {
	if len(text) > utf8.UTFMax*most {
		text = text[:utf8.UTFMax*most]
	}
	s := strings.TrimPrefix(strings.ToValidUTF8(string(text), "\uFFFD"), "\uFEFF")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, s)
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// Column returns the place of text[at] in characters, 1-based. A byte order mark is none: no
// editor shows it.
func Column(text []byte, at int) int {
	n := utf8.RuneCount(text[:at]) + 1
	if at > 0 && bytes.HasPrefix(text, BOM) {
		n--
	}
	return n
}

// FirstInvalid returns where text stops being UTF-8.
func FirstInvalid(text []byte) int {
	at := 0
	for at < len(text) {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// TrimBlanks trims as Java's String.trim does: everything up to U+0020.
func TrimBlanks(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}
