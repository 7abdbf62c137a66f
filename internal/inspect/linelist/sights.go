package linelist

import (
	"bytes"
	"hash/maphash"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxSeen is how many words a reader remembers to find duplicates. A slot has 16 bytes and three of
// four are used, so that the table takes 32 MiB at the most, and half of that again while it grows.
const maxSeen = 3 << 19

// sight is what was seen of a word before.
type sight int

const (
	fresh   sight = iota
	same          // the word, with the same value
	another       // the word, with another value
	variant       // a word that differs only in case or in Unicode form
)

// sights remembers words by a hash of 64 bits, whose seed no file can know: two of maxSeen words share
// one by chance once in fifteen million files.
type sights struct {
	seed   maphash.Seed
	slots  []slot
	used   int
	full   bool // a word was not remembered
	folded []byte
	scrap  []byte
}

type slot struct {
	hash  uint64 // 0 = free
	value uint32
	line  uint32 // asFold: only a variant was seen
}

const asFold = 1 << 31

func newSights() *sights {
	return &sights{seed: maphash.MakeSeed(), slots: make([]slot, 1<<10)}
}

// word remembers the word and says what was seen of it before, and on which line.
func (s *sights) word(word, value []byte, line int64) (sight, int64) {
	return s.see(word, value, line, true)
}

// exact is word without variants.
func (s *sights) exact(word, value []byte, line int64) (sight, int64) {
	return s.see(word, value, line, false)
}

func (s *sights) see(word, value []byte, line int64, variants bool) (sight, int64) {
	now := slot{hash: s.hash(word), line: uint32(min(line, asFold-1))} //nolint:gosec // bounded
	if len(value) > 0 {
		now.value = uint32(s.hash(value)) //nolint:gosec // half of it is enough
	}
	was := s.put(now)
	if was.hash != 0 && was.line&asFold == 0 {
		if was.value == now.value {
			return same, int64(was.line)
		}
		return another, int64(was.line)
	}
	if variants && s.fold(word) {
		now.hash = s.hash(s.folded)
		now.line |= asFold
		was = s.put(now)
	}
	if was.hash != 0 {
		return variant, int64(was.line &^ asFold)
	}
	return fresh, 0
}

func (s *sights) hash(b []byte) uint64 { return max(1, maphash.Bytes(s.seed, b)) }

// put returns what stood under the hash, and puts the slot there if that was nothing or less.
func (s *sights) put(now slot) slot {
	if s.used >= len(s.slots)/4*3 {
		s.grow()
	}
	at := s.find(now.hash)
	was := *at
	switch {
	case was.hash == 0 && s.used >= maxSeen:
		s.full = true
	case was.hash == 0:
		s.used++
		*at = now
	case was.line&asFold != 0 && now.line&asFold == 0:
		*at = now
	}
	return was
}

// find returns the slot of the hash, or the free one where it belongs.
func (s *sights) find(hash uint64) *slot {
	mask := uint64(len(s.slots) - 1) //nolint:gosec // a power of two
	for i := hash & mask; ; i = (i + 1) & mask {
		if at := &s.slots[i]; at.hash == hash || at.hash == 0 {
			return at
		}
	}
}

func (s *sights) grow() {
	if s.used >= maxSeen {
		return
	}
	old := s.slots
	s.slots = make([]slot, 2*len(old))
	for _, o := range old {
		if o.hash != 0 {
			*s.find(o.hash) = o
		}
	}
}

// fold puts the word in lower case and composed form into s.folded, and reports whether it differs.
func (s *sights) fold(word []byte) bool {
	plain := true
	for _, c := range word {
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return false
	}
	s.scrap = norm.NFC.Append(s.scrap[:0], word...)
	s.folded = s.folded[:0]
	for i := 0; i < len(s.scrap); {
		r, n := utf8.DecodeRune(s.scrap[i:])
		s.folded = utf8.AppendRune(s.folded, unicode.ToLower(r))
		i += n
	}
	return !bytes.Equal(s.folded, word)
}
