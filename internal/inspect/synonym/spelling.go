package synonym

import (
	"hash/maphash"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// spelled are the hashes of a term: as it stands, in Unicode's form NFKC, and in that form without
// upper case. Equal fold and unequal exact: another spelling of the same. A term of blanks has 0.
type spelled struct{ exact, form, fold uint64 }

// speller makes hashes and meanings of terms. Its buffers are used anew for each term.
type speller struct {
	seed                   maphash.Seed
	meaning, formed, lower []byte
}

func newSpeller() speller { return speller{seed: maphash.MakeSeed()} }

// easy are the bytes of most terms: ASCII, no upper case, no blank.
var easy = func() (e [256]bool) {
	for c := byte('!'); c < 0x7F; c++ {
		e[c] = c < 'A' || 'Z' < c
	}
	return e
}()

// mean returns a term with one space for each run of blanks inside, and none around: what the
// tokenizers see. NUL is SynonymMap's own separator of words. The result is valid until the next
// call, or as long as the text.
func (s *speller) mean(text []byte) (meaning []byte, ascii, upper bool) {
	for i := 0; ; i++ {
		switch {
		case i >= len(text):
			return text, true, false
		case easy[text[i]]:
		case text[i] == ' ' && i > 0 && i+1 < len(text) && easy[text[i+1]]:
			i++
		default:
			return s.meanHard(text)
		}
	}
}

func (s *speller) meanHard(text []byte) (meaning []byte, ascii, upper bool) {
	out, pending := s.meaning[:0], false
	ascii = true
	for i := 0; i < len(text); {
		c := text[i]
		n := 1
		blank := c == 0
		if c < utf8.RuneSelf {
			blank = blank || c <= ' ' && javaBlank(rune(c))
			upper = upper || 'A' <= c && c <= 'Z'
		} else {
			var r rune
			r, n = utf8.DecodeRune(text[i:])
			if blank = c <= 0xE3 && javaBlank(r); !blank { // none of them is beyond U+3000
				ascii = false
			}
		}
		if blank {
			pending = len(out) > 0
			i += n
			continue
		}
		if pending {
			out, pending = append(out, ' '), false
		}
		out = append(out, text[i:i+n]...)
		i += n
	}
	s.meaning = out
	return out, ascii, upper
}

// spell returns the hashes of a term.
func (s *speller) spell(text []byte) spelled {
	meaning, ascii, upper := s.mean(text)
	if len(meaning) == 0 {
		return spelled{}
	}
	exact := maphash.Bytes(s.seed, meaning)
	h := spelled{exact, exact, exact}
	if ascii && !upper {
		return h
	}
	if !ascii && !norm.NFKC.IsNormal(meaning) {
		s.formed = norm.NFKC.Append(s.formed[:0], meaning...)
		meaning = s.formed
		h.form = maphash.Bytes(s.seed, meaning)
	}
	if s.foldInto(meaning); string(s.lower) != string(meaning) {
		h.fold = maphash.Bytes(s.seed, s.lower)
	} else {
		h.fold = h.form
	}
	return h
}

func (s *speller) foldInto(text []byte) {
	s.lower = s.lower[:0]
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			s.lower = append(s.lower, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		s.lower = utf8.AppendRune(s.lower, fold(r))
		i += n
	}
}

// fold gives all cases of a letter the same character: the first of them in Unicode.
func fold(r rune) rune {
	if 0x3000 <= r && r < 0xA640 { // kana, ideographs: no cases, and frequent
		return r
	}
	first := r
	for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
		first = min(first, c)
	}
	return first
}

// fingerprint says in spellingBits how a term is spelled: 8 bits are 0 if it has no upper case,
// else of its hash, 6 the same for the Unicode form.
func (h spelled) fingerprint() uint64 {
	var of uint64
	if h.form != h.fold {
		of = h.form%(1<<8-1) + 1
	}
	if h.exact != h.form {
		of |= (h.exact%(1<<6-1) + 1) << 8
	}
	return of
}

// caseBits are those of the fingerprint that are about upper case.
const caseBits = 1<<8 - 1
