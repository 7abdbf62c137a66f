package analyzer

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/rangetable"
)

// tokenizer gives the tokens of a term; sure: it knows them. Unless texts is set they need not have
// texts, and one stands for several.
type tokenizer func(term []byte, texts bool) (tokens []token, sure bool)

// defaultLongest is where tokenizers cut a token, in Java's characters (max_token_length).
const defaultLongest = 255

// newTokenizer returns the tokenizer, nil if nothing is known of what it does.
func newTokenizer(p part) tokenizer {
	longest := defaultLongest
	if s := p.get("max_token_length"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 2 { // one character cuts pairs of surrogates apart
			return nil
		}
		longest = n
	}
	switch p.kind() {
	case "standard":
		return standard(longest)
	case "keyword":
		return func(term []byte, _ bool) ([]token, bool) { return []token{{text: term, known: true}}, true }
	case "whitespace":
		return runs(func(r rune) (bool, bool) { return !javaWhitespace(r), true }, longest, false)
	case "letter":
		return runs(javaLetter, longest, false)
	case "lowercase":
		return runs(javaLetter, longest, true)
	case "pattern":
		if len(p.settings) > 1 { // more than its type
			return nil
		}
		return runs(func(r rune) (bool, bool) { return javaWord(r), true }, maxTerm, false)
	case "classic", "uax_url_email":
		return alphanumeric
	}
	return nil
}

// runs is a tokenizer whose tokens are runs of characters of a class. in says whether a character is
// of the class, and whether that is known.
func runs(in func(rune) (in, sure bool), longest int, lower bool) tokenizer {
	return func(term []byte, texts bool) ([]token, bool) {
		var out []token
		start, sure := -1, true
		for at := 0; at <= len(term); {
			r, n := utf8.DecodeRune(term[at:])
			is, known := false, true
			if n > 0 {
				is, known = in(r)
			}
			sure = sure && known
			switch {
			case is && !texts:
				return someToken, true // of what follows nothing is asked
			case is && start < 0:
				start = at
			case !is && start >= 0:
				t := newToken(term[start:at], longest)
				if lower {
					t.text = bytes.ToLower(t.text)
				}
				out, start = append(out, t), -1
			}
			at += max(n, 1)
		}
		return out, sure
	}
}

// alphanumeric is a tokenizer of which is known that it makes a token of an ASCII letter or digit.
func alphanumeric(term []byte, _ bool) ([]token, bool) {
	for _, c := range term {
		if c != '_' && javaWord(rune(c)) {
			return someToken, true
		}
	}
	return nil, false
}

// javaWhitespace is Character.isWhitespace: no-break spaces are none.
func javaWhitespace(r rune) bool {
	switch {
	case r >= 0x09 && r <= 0x0D, r >= 0x1C && r <= 0x20:
		return true
	case r == 0xA0, r == 0x2007, r == 0x202F:
		return false
	}
	return unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp)
}

// unicode13 is the version that Java 17 knows, the oldest that OpenSearch runs on here. Newer ones
// know more letters.
var unicode13 = rangetable.Assigned("13.0.0")

// javaLetter is Character.isLetter.
func javaLetter(r rune) (is, sure bool) {
	if r >= utf8.RuneSelf && !unicode.Is(unicode13, r) {
		return false, false
	}
	return unicode.IsLetter(r), true
}

// javaWord is \w of Java's patterns.
func javaWord(r rune) bool {
	return r < utf8.RuneSelf && (r == '_' || wordClass(byte(r)) == letter || wordClass(byte(r)) == digit) //nolint:gosec // ASCII
}
