package hunspell

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRemembered bounds the words of which repetitions are found, and the places in words that matter
// for their order: some twenty bytes each.
const maxRemembered = 4 << 20

// words remembers hashes of the words of a file: to find repetitions, and words that Lucene cannot
// keep. It sorts lines by their bytes, and its WordStorage then wants the words of the lines in the
// order of their UTF-16 units. There are two ways for these orders to differ. A word ends where
// another one goes on with a control character: what Lucene puts behind words sorts behind that. And
// of two words that begin alike, one goes on with a character from U+E000 to U+FFFF and the other with
// one beyond, which UTF-16 puts before.
type words struct {
	seen map[uint64]uint32 // of words; the value is a hash of the flags and data it had first
	// below are the beginnings of words that go on with a control character; beyond are those that go
	// on with a character from U+E000 (1), with one from U+10000 (2), or with both (3).
	below  map[uint64]struct{}
	beyond map[uint64]uint8
	limit  int
}

func newWords() words {
	return words{seen: map[uint64]uint32{}, below: map[uint64]struct{}{}, beyond: map[uint64]uint8{}, limit: maxRemembered}
}

// hash is FNV-1a of text behind what h stands for: that of a word's beginning is come upon on the way.
func hash(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	return h
}

const (
	emptyHash = 0xcbf29ce484222325
	made      = 0x9e3779b97f4a7c15 // tells the words that Lucene makes from those of the file
)

func (w *words) room() bool { return len(w.seen)+len(w.below)+len(w.beyond) < w.limit }

// add reports whether the word was not there before with the same flags and data. Equal words with
// other ones are homonyms.
func (w *words) add(word, rest string) bool {
	key, full := hash(emptyHash, word), hash(hash(emptyHash, word), "\x00"+rest)
	first, known := w.seen[key]
	switch {
	case !known && w.room():
		w.seen[key] = uint32(full >> 32) //nolint:gosec // the upper half
	case known && first == uint32(full>>32): //nolint:gosec // the upper half
		return false
	case known:
		if _, again := w.seen[full]; again {
			return false
		}
		if w.room() {
			w.seen[full] = 0
		}
	}
	return true
}

// order says what is wrong with a word beside those before it; "" if nothing is. Words that ICONV may
// change are left out.
func (w *words) order(a *Affixes, e entry) string {
	word, ok := a.clean(e.word)
	if !ok || word == "" {
		return ""
	}
	if word != e.word {
		w.made(word)
	}
	fault := w.follow(word)
	if title := a.hiddenWord(word, e.hasFlags); title != "" && fault == "" {
		w.made(title)
		fault = w.follow(title)
	}
	return fault
}

// made remembers a word that Lucene makes of one in the file.
func (w *words) made(word string) {
	if w.room() {
		w.seen[hash(emptyHash, word)^made] = 0
	}
}

// What is wrong with a word.
const (
	escaped = "it has an escaped U+001E before its flags"
	control = "where one word ends, another goes on with a control character"
	halves  = "where one word has a character beyond U+FFFF (an emoji, for example), another has one from U+E000 to U+FFFF (a full-width letter, for example)"
)

func (w *words) follow(word string) string {
	h, fault := uint64(emptyHash), ""
	for i, r := range word {
		half := uint8(0)
		switch {
		case r < morphSeparator:
			if w.has(h) {
				fault = control
			}
			if w.room() {
				w.below[h] = struct{}{}
			}
		case r > 0xFFFF:
			half = 2
		case r >= 0xE000:
			half = 1
		}
		if half > 0 && (w.beyond[h] > 0 || w.room()) {
			if w.beyond[h] |= half; w.beyond[h] == 3 {
				fault = halves
			}
		}
		h = hash(h, word[i:i+utf8.RuneLen(r)])
	}
	if _, ok := w.below[h]; ok {
		fault = control
	}
	return fault
}

// has reports a word of that hash, one that Lucene makes too.
func (w *words) has(h uint64) bool {
	if _, ok := w.seen[h]; ok {
		return true
	}
	_, ok := w.seen[h^made]
	return ok
}

// clean is Dictionary.cleanInput, but for ICONV: it reports whether the word has nothing of that.
func (a *Affixes) clean(word string) (string, bool) {
	ok := true
	return strings.Map(func(r rune) rune {
		switch ok = ok && !a.converted[r]; {
		case strings.ContainsRune(a.ignored, r):
			return -1
		case a.ignoreCase:
			return a.fold(r)
		}
		return r
	}, word), ok
}

// fold is Dictionary.caseFold.
func (a *Affixes) fold(r rune) rune {
	switch {
	case r > 0xFFFF: // it folds UTF-16 units
		return r
	case a.turkic && r == 'I':
		return 'ı'
	case a.turkic && r == 'İ':
		return 'i'
	}
	return unicode.ToLower(r)
}

// hiddenWord is the word that Lucene adds to one in capitals, or with capitals inside, "" if none
// (Dictionary.writeNormalizedWordEntry, WordCase).
func (a *Affixes) hiddenWord(word string, flags bool) string {
	var first rune
	upper, lower := false, false
	for i, r := range word {
		isUpper := unicode.In(r, unicode.Lu, unicode.Other_Uppercase)
		isLower := unicode.In(r, unicode.Ll, unicode.Other_Lowercase) && unicode.ToUpper(r) != r
		switch {
		case r > 0xFFFF:
		case i > 0:
			upper, lower = upper || isUpper, lower || isLower
		case isUpper:
			first = 'A'
		case isLower:
			first = 'a'
		}
	}
	mixed := upper && (lower || first == 'a')
	capitals := !lower && (first == 'A' || upper)
	if !mixed && !(capitals && flags) {
		return ""
	}
	var b strings.Builder
	for i, r := range word {
		switch {
		case i > 0:
			b.WriteRune(a.fold(r))
		case r > 0xFFFF:
			b.WriteRune(r)
		default:
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}
