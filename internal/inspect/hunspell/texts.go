package hunspell

import "hash/maphash"

// texts is a set of texts of any length, by their hashes. These are seeded anew for each set, so nobody
// can write texts that collide.
type texts struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newTexts(first ...string) texts {
	s := texts{seed: maphash.MakeSeed(), hashes: map[uint64]struct{}{}}
	for _, t := range first {
		s.add(t)
	}
	return s
}

func (s texts) add(t string) { s.hashes[maphash.String(s.seed, t)] = struct{}{} }

func (s texts) has(t string) bool {
	_, ok := s.hashes[maphash.String(s.seed, t)]
	return ok
}

func (s texts) count() int { return len(s.hashes) }
