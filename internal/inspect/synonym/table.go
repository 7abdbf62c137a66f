package synonym

import "sync"

// table remembers terms and rules by their hashes: where they were first seen, and as what. It is a
// hash table of pages (extendible hashing): when one is full, it is split in two, so nothing is
// copied as a whole and no memory is left behind, and it never has more than maxPages.
//
// A place has 96 bits: 50 of the hash, 14 of the spelling, 6 flags and 26 of the line. Hashes are
// seeded anew for every file, so nobody can write one whose terms all collide. That two of the 3.8
// million terms and rules of a full table have 50 equal bits by chance happens in one of 150 files.
type table struct {
	directory []int32 // page by the first bits of the hash
	bits      uint    // how many bits that are
	pages     []*page
	used      []int16 // slots of each page that are taken
	depth     []uint8 // bits that all hashes of each page share
	spare     *page   // for splits
	full      bool
}

const (
	pageBits  = 12
	pageSlots = 1 << pageBits
	// pageFull is how many slots of a page are used at most: with more, searches get long.
	pageFull = pageSlots * 92 / 100
	// maxPages bounds the table: 1,024 pages of 48 KiB hold 3.8 million terms and rules, a million
	// rules of two or three terms each.
	maxPages = 1 << 10
	// maxBits bounds the directory. With seeded hashes it has two bits more than the pages need.
	maxBits = 16
)

// page has no other fields: with these it is exactly six of the runtime's 8 KiB pages.
type page struct {
	keys  [pageSlots]uint64
	slots [pageSlots]slot
}

// slot is what is known of a term or rule: flags and the line. Zero = free.
type slot uint32

const (
	asLeft  slot = 1 << 31 // stands on the left of an arrow; the line is that of the first such
	asGroup slot = 1 << 30 // stands in a group; the line is that of the first such, if not asLeft
	asRight slot = 1 << 29 // stands on the right of an arrow
	asRule  slot = 1 << 28 // not a term
	told    slot = 1 << 27 // that there is another spelling was reported
	keeps   slot = 1 << 26 // the first such left side keeps the term: it is on the right, too
	// maxLine is the last line that fits; fewer than that many lines fill the table, unless they are
	// comments.
	maxLine = 1<<26 - 1
)

func (s slot) line() int64 { return int64(s & maxLine) }

func (s slot) at(line int64) slot { return s&^maxLine | slot(line&maxLine) } //nolint:gosec // masked

// What of a key is hash; the rest is the spelling.
const (
	spellingBits = 14
	hashMask     = ^uint64(1<<spellingBits - 1)
)

// entry returns the place of a hash, made if it is new: *slot is 0 then, and the caller must set
// it. It returns nil if there is no room.
func (t *table) entry(hash uint64) (key *uint64, s *slot) {
	if t.pages == nil {
		t.grow(0)
		t.directory = []int32{0}
	}
	for {
		at := t.directory[hash>>(64-t.bits)]
		p := t.pages[at]
		i := hash >> spellingBits & (pageSlots - 1)
		for p.slots[i] != 0 {
			if (p.keys[i]^hash)&hashMask == 0 {
				return &p.keys[i], &p.slots[i]
			}
			i = (i + 1) & (pageSlots - 1)
		}
		if t.full {
			return nil, nil
		}
		if t.used[at] < pageFull {
			t.used[at]++
			p.keys[i] = hash & hashMask
			return &p.keys[i], &p.slots[i]
		}
		if !t.split(at) {
			t.full = true
			return nil, nil
		}
	}
}

// known returns what is known of a hash, 0 if nothing.
func (t *table) known(hash uint64) slot {
	if t.pages == nil {
		return 0
	}
	p := t.pages[t.directory[hash>>(64-t.bits)]]
	for i := hash >> spellingBits & (pageSlots - 1); p.slots[i] != 0; i = (i + 1) & (pageSlots - 1) {
		if (p.keys[i]^hash)&hashMask == 0 {
			return p.slots[i]
		}
	}
	return 0
}

// spent are pages that files before have left: one large file after another would else have the memory of
// two until it is collected.
var spent = sync.Pool{New: func() any { return new(page) }}

// release gives the pages back. The table is not to be used any more.
func (t *table) release() {
	for _, p := range t.pages {
		spent.Put(p)
	}
	*t = table{full: true}
}

func (t *table) grow(depth uint8) {
	p, _ := spent.Get().(*page)
	clear(p.slots[:]) // what a slot says of no key nobody reads
	t.pages = append(t.pages, p)
	t.used = append(t.used, 0)
	t.depth = append(t.depth, depth)
}

// split moves the half of a page's entries whose next bit is 1 to a new page.
func (t *table) split(at int32) bool {
	if len(t.pages) == maxPages {
		return false
	}
	depth := uint(t.depth[at])
	if depth == t.bits {
		if t.bits == maxBits {
			return false
		}
		doubled := make([]int32, 2*len(t.directory))
		for i, p := range t.directory {
			doubled[2*i], doubled[2*i+1] = p, p
		}
		t.directory = doubled
		t.bits++
	}
	t.depth[at]++
	t.grow(t.depth[at])
	added := int32(len(t.pages) - 1) //nolint:gosec // maxPages
	for i, p := range t.directory {
		if p == at && i>>(t.bits-depth-1)&1 == 1 {
			t.directory[i] = added
		}
	}
	if t.spare == nil {
		t.spare = new(page)
	}
	*t.spare = *t.pages[at]
	clear(t.pages[at].slots[:])
	t.used[at] = 0
	for i, s := range t.spare.slots {
		if s != 0 {
			t.put(t.spare.keys[i], s)
		}
	}
	return true
}

// put places an entry that is in no page.
func (t *table) put(key uint64, s slot) {
	at := t.directory[key>>(64-t.bits)]
	p := t.pages[at]
	i := key >> spellingBits & (pageSlots - 1)
	for p.slots[i] != 0 {
		i = (i + 1) & (pageSlots - 1)
	}
	p.keys[i], p.slots[i] = key, s
	t.used[at]++
}
