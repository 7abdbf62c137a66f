package synonym

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// term is a term of a line.
type term struct {
	start, end int32 // where in the line; blanks around it may be included
	repeated   bool  // the same stands earlier on the same side
	kept       bool  // something is left of it for OpenSearch to map
	both       bool  // it stands on both sides of the arrow
	spelled
}

// javaBlank is Java's Character.isWhitespace, at which the whitespace tokenizer splits. The
// no-break spaces and U+0085 are none.
func javaBlank(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r == ' ' || 0x09 <= r && r <= 0x0D || 0x1C <= r && r <= 0x1F
	case r == 0xA0 || r == 0x2007 || r == 0x202F:
		return false
	}
	return unicode.Is(unicode.Z, r)
}

// hasWord reports whether the text holds something that the standard tokenizer makes a token of: a
// letter, a digit or an emoji.
func hasWord(text []byte) bool {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if class[c] == startsIt || (c == '#' || c == '*') && keycap(text[i+1:]) {
				return true
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if isWord(r) {
			return true
		}
		i += n
	}
	return false
}

// keycap reports whether the frame of a key follows, which makes one emoji of "#" or "*" and it.
func keycap(behind []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(behind, []byte("\uFE0F")), []byte("\u20E3"))
}

func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.Nd, unicode.Nl) || firstEmoji <= r && r <= lastEmoji ||
		unicode.Is(unicode.Other_Alphabetic, r) && !unicode.IsMark(r) // letters in circles
}

// The planes where pictures stand. Older symbols below may be tokens or not; a warning too many does
// no harm.
const (
	firstEmoji = 0x1F000
	lastEmoji  = 0x1FAFF
)

// maxToken is at how many UTF-16 units the tokenizers cut a word.
const maxToken = 255

// joined is how many bytes the whitespace tokenizer's tokens of a term have with one byte between
// them, as SynonymMap stores them.
func joined(text []byte) int {
	bytes, units, tokens := 0, 0, 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		i += n
		if javaBlank(r) {
			units = 0
			continue
		}
		if units == 0 {
			tokens++
		}
		bytes += n
		units++
		if r > 0xFFFF {
			units++
		}
		if units >= maxToken {
			units = 0
		}
	}
	return bytes + max(0, tokens-1)
}

// invisible is a character that nobody sees in a term, and that keeps it from matching.
type invisible struct {
	at   int
	r    rune
	name string
}

// findInvisible returns the first one in text[from:].
func findInvisible(text []byte, from int) (invisible, bool) {
	before := rune(' ')
	for i := from; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		}
		if name := invisibleName(r, before); name != "" {
			return invisible{i, r, name}, true
		}
		before = r
		i += n
	}
	return invisible{}, false
}

func invisibleName(r, before rune) string {
	switch {
	case r < utf8.RuneSelf:
		if r < ' ' && r != '\t' && r != 0 || r == 0x7F { // a NUL has a rule of its own
			return "a control character"
		}
	case r == 0x0085, r == 0x2028, r == 0x2029:
		return "a line separator that is none to OpenSearch"
	case r < 0xA0:
		return "a control character"
	case r == 0xA0, r == 0x2007, r == 0x202F:
		return "a no-break space"
	case r == 0xAD:
		return "a soft hyphen"
	case r == 0x200B, r == 0x2060, r == 0x180E:
		return "a space of no width"
	case r == 0xFEFF:
		return "a byte order mark"
	case r == 0x061C, r == 0x200E, r == 0x200F, 0x202A <= r && r <= 0x202E, 0x2066 <= r && r <= 0x2069:
		return "a mark of the writing direction"
	case r == 0x200C, r == 0x200D:
		// Persian, Indic scripts and emoji need them.
		if before == ' ' || unicode.In(before, unicode.Latin, unicode.Greek, unicode.Cyrillic) {
			return "a joiner of no width"
		}
	}
	return ""
}
