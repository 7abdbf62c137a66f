package synonym

import "unicode/utf8"

// Almost every line of almost every file is a rule without anything to say about its text.
// plain tells such lines apart in one pass over their bytes and finds their terms; all others take
// the long way through line.parse, which alone knows the grammar. It may say false of a good rule,
// never true of one that has a finding (TestPlainIsPlain).

// classes of bytes as plain sees them.
const (
	inTerm   = iota
	startsIt // begins a letter or digit only: a term that begins with it is no blank and has a word
	blank
	doubtful // may begin a character that nobody sees
	ends     // what may end a term or needs the long way
)

var class = func() (c [256]byte) {
	for b := range c {
		switch {
		case b == ',' || b == '=' || b == '\\' || b == '#' || b < ' ' && b != '\t' || b == 0x7F:
			c[b] = ends
		case b <= ' ':
			c[b] = blank
		case '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z':
			c[b] = startsIt
		case b == 0xC4 || b == 0xC5 || b == 0xD0 || b == 0xD1: // Latin and Cyrillic letters
			c[b] = startsIt
		case 0xE5 <= b && b <= 0xE9 || b == 0xEB || b == 0xEC: // ideographs and Hangul
			c[b] = startsIt
		case b == 0xC2 || b == 0xD8 || b == 0xE1 || b == 0xE2 || b == 0xEF:
			c[b] = doubtful
		}
	}
	return c
}()

// mayHide reports whether the character at the beginning of text, which begins with a doubtful byte,
// may be invisible.
func mayHide(text []byte) bool {
	switch second := text[1]; text[0] { // valid UTF-8: there is a second byte
	case 0xC2: // U+0080 to U+00BF
		return second <= 0xA0 || second == 0xAD
	case 0xD8:
		return second == 0x9C // U+061C
	case 0xE1:
		return second == 0xA0 // U+1800 to U+183F
	case 0xE2:
		return second <= 0x81 // U+2000 to U+207F
	default:
		return second == 0xBB // U+FEFF
	}
}

// plain finds the terms of a line that is surely a rule without findings of its own: terms that
// begin with a letter or digit of a frequent script between commas, with one arrow at most and something on both sides of
// it. The text is valid UTF-8. After false the line's terms are to be found anew.
func (l *line) plain() bool {
	text := l.text
	if len(text) > mayBeLong {
		return false
	}
	for at := 0; ; {
		for at < len(text) && class[text[at]] == blank {
			at++
		}
		if at == len(text) || class[text[at]] != startsIt {
			return false
		}
		start := at
	term:
		for at < len(text) && class[text[at]] < doubtful {
			at++
		}
		switch {
		case at == len(text), text[at] == ',':
			l.addPlain(start, at)
			if at++; at > len(text) {
				return l.explicit || len(l.terms) > 1
			}
		case text[at] >= utf8.RuneSelf:
			if mayHide(text[at:]) {
				return false
			}
			at++
			goto term
		case text[at] != '=':
			return false
		case at+1 < len(text) && text[at+1] == '>':
			if l.explicit {
				return false
			}
			l.addPlain(start, at)
			l.explicit, l.left = true, len(l.terms)
			at += len(arrow)
		default:
			at++
			goto term
		}
	}
}

// addPlain adds a term without the blanks behind it.
func (l *line) addPlain(start, end int) {
	for class[l.text[end-1]] == blank {
		end--
	}
	l.terms = append(l.terms, term{start: int32(start), end: int32(end), kept: true}) //nolint:gosec // lines.Max
	l.count++
}
