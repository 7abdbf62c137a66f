package policy

import (
	"strings"
	"unicode/utf8"
)

// kind of a token.
type kind int

const (
	end    kind = iota // of the file
	word               // letters, digits, dots, _ and $, and everything beyond Latin-1
	quoted             // between two " or two '
	symbol             // any other character by itself
)

// token is what the parsers of both lines of OpenSearch see of a file: they share the tables of
// java.io.StreamTokenizer.
type token struct {
	kind kind
	text string // of a quoted one without its quotes, escapes resolved
	mark rune   // the quote of a quoted one
	line int64
	at   int // where it begins, in bytes
}

// is compares as Java's equalsIgnoreCase does for the few words of the grammar.
func (t token) is(text string) bool { return strings.EqualFold(t.text, text) && t.kind != end }

// shown is how a message calls the token.
func (t token) shown() string {
	switch t.kind {
	case end:
		return "the end of the file"
	case quoted:
		return "a quoted text"
	}
	return t.text
}

// scanner cuts a file into tokens.
type scanner struct {
	text []byte
	at   int
	line int64
}

// next returns the next token; for ever the end once it was reached.
func (s *scanner) next() token {
	s.skip()
	t := token{line: s.line, at: s.at}
	r, n := s.peek()
	switch {
	case n == 0:
		return t
	case r == '"' || r == '\'':
		t.kind, t.mark = quoted, r
		s.at += n
		t.text = s.quoted(r)
	case isWord(r):
		t.kind = word
		for n > 0 && isWord(r) {
			s.at += n
			r, n = s.peek()
		}
		t.text = strings.ToValidUTF8(string(s.text[t.at:s.at]), string(utf8.RuneError))
	default:
		t.kind, t.text = symbol, string(r)
		s.at += n
	}
	return t
}

func isWord(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '$' || r >= 128+32
}

func (s *scanner) peek() (rune, int) {
	if s.at == len(s.text) {
		return 0, 0
	}
	return utf8.DecodeRune(s.text[s.at:])
}

// skip passes blanks and comments.
func (s *scanner) skip() {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case rest[0] == '\n' || rest[0] == '\r':
			s.newline()
		case rest[0] <= ' ':
			s.at++
		case len(rest) > 1 && rest[0] == '/' && rest[1] == '/':
			for s.at < len(s.text) && s.text[s.at] != '\n' && s.text[s.at] != '\r' {
				s.at++
			}
		case len(rest) > 1 && rest[0] == '/' && rest[1] == '*':
			s.comment()
		default:
			return
		}
	}
}

// newline passes one end of line: LF, CR or both.
func (s *scanner) newline() {
	if s.text[s.at] == '\r' && s.at+1 < len(s.text) && s.text[s.at+1] == '\n' {
		s.at++
	}
	s.at++
	s.line++
}

// comment passes one that begins here; a file may end inside it.
func (s *scanner) comment() {
	s.at += 2
	for s.at < len(s.text) {
		switch {
		case s.text[s.at] == '*' && s.at+1 < len(s.text) && s.text[s.at+1] == '/':
			s.at += 2
			return
		case s.text[s.at] == '\n' || s.text[s.at] == '\r':
			s.newline()
		default:
			s.at++
		}
	}
}

var escaped = map[rune]rune{'a': 7, 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': 11}

// quoted reads up to the quote, or to the end of the line, which ends the text as well.
func (s *scanner) quoted(quote rune) string {
	var out strings.Builder
	for {
		r, n := s.peek()
		if n == 0 || r == '\n' || r == '\r' {
			return out.String()
		}
		s.at += n
		switch r {
		case quote:
			return out.String()
		case '\\':
			out.WriteRune(s.escape())
		default:
			out.WriteRune(r)
		}
	}
}

// escape reads what follows a backslash: up to three octal digits, a letter, or any character that
// stands for itself.
func (s *scanner) escape() rune {
	r, n := s.peek()
	s.at += n
	if r < '0' || r > '7' || n == 0 {
		if c, known := escaped[r]; known {
			return c
		}
		return r
	}
	value, most := r-'0', 2
	if r > '3' {
		most = 1
	}
	for range most {
		d, n := s.peek()
		if d < '0' || d > '7' || n == 0 {
			break
		}
		s.at += n
		value = value*8 + d - '0'
	}
	return value
}
