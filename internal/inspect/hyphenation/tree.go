package hyphenation

import "slices"

// tree counts what Lucene's TernaryTree would do with its keys: it keeps them in arrays whose places
// are numbers of 16 bits and which grow by one block at a time, so that keys may be too long (Java
// then fails) or too many (they are mixed up, and nobody is told). It has a fixed size at most.
type tree struct {
	lo, hi, eq, sc []uint16
	kv             []uint16 // the rest of keys, each ended by 0
	kvUsed         int
	root, free     uint16
	tooLong        bool
	tooMany        bool
	steps          int64 // from node to node, of all searches; see maxSteps
}

const (
	block      = 2048
	compressed = 0xFFFF // in sc: the rest of the key stands in kv
)

func newTree() *tree {
	t := &tree{free: 1, kv: make([]uint16, block)}
	t.resize(block)
	return t
}

func (t *tree) resize(n int) {
	for _, a := range []*[]uint16{&t.lo, &t.hi, &t.eq, &t.sc} {
		*a = append(make([]uint16, 0, n), *a...)[:n]
	}
}

// insert puts the key, which ends with 0, and reports whether that could be done.
func (t *tree) insert(key []uint16, value uint16) bool {
	if t.tooLong || t.tooMany {
		return false
	}
	if int(t.free)+len(key) > len(t.eq) {
		t.resize(len(t.eq) + block)
	}
	t.root = t.put(t.root, key, value)
	return !t.tooLong && !t.tooMany
}

// node takes a free node; 0 if there is none.
func (t *tree) node() uint16 {
	switch {
	case t.free == compressed:
		t.tooMany = true
	case int(t.free) >= len(t.eq):
		t.tooLong = true
	default:
		t.free++
		return t.free - 1
	}
	return 0
}

// store puts the rest of a key into kv and returns where.
func (t *tree) store(key []uint16) uint16 {
	at := t.kvUsed
	if at > compressed {
		t.tooMany = true
		return 0
	}
	if at+len(key) >= len(t.kv) {
		t.kv = append(slices.Clip(t.kv), make([]uint16, block)...)
	}
	if t.kvUsed += len(key); t.kvUsed > len(t.kv) {
		t.tooLong = true
		return 0
	}
	copy(t.kv[at:], key)
	return uint16(at) //nolint:gosec // compared above
}

func (t *tree) put(p uint16, key []uint16, value uint16) uint16 {
	t.steps++
	if p == 0 {
		return t.leaf(key, value)
	}
	if t.sc[p] == compressed && !t.expand(p, key, value) {
		return p
	}
	switch c := key[0]; {
	case c < t.sc[p]:
		t.lo[p] = t.put(t.lo[p], key, value)
	case c > t.sc[p]:
		t.hi[p] = t.put(t.hi[p], key, value)
	case c == 0:
		t.eq[p] = value
	default:
		t.eq[p] = t.put(t.eq[p], key[1:], value)
	}
	return p
}

// leaf makes a node for a whole key.
func (t *tree) leaf(key []uint16, value uint16) uint16 {
	p := t.node()
	if p == 0 {
		return 0
	}
	t.eq[p], t.hi[p] = value, 0
	if len(key) > 1 {
		t.sc[p], t.lo[p] = compressed, t.store(key)
	} else {
		t.sc[p], t.lo[p] = 0, 0
	}
	return p
}

// expand takes one character out of a compressed node, and reports whether the key is still to be put.
func (t *tree) expand(p uint16, key []uint16, value uint16) bool {
	below := t.node()
	if below == 0 {
		return false
	}
	rest := t.lo[p]
	t.lo[below], t.eq[below] = rest, t.eq[p]
	t.lo[p] = 0
	if len(key) == 1 {
		t.sc[below], t.hi[p] = compressed, below
		t.sc[p], t.eq[p] = 0, value
		return false
	}
	t.sc[p], t.eq[p] = t.kv[rest], below
	t.lo[below]++
	if t.kv[rest+1] == 0 {
		t.lo[below], t.sc[below], t.hi[below] = 0, 0, 0
	} else {
		t.sc[below] = compressed
	}
	return true
}

// find returns the key's value.
func (t *tree) find(key []uint16) (uint16, bool) {
	for p := t.root; p != 0; {
		t.steps++
		c := t.sc[p]
		switch {
		case c == compressed:
			rest := t.kv[t.lo[p]:]
			return t.eq[p], len(key) <= len(rest) && slices.Equal(key, rest[:len(key)])
		case key[0] < c:
			p = t.lo[p]
		case key[0] > c:
			p = t.hi[p]
		case c == 0:
			return t.eq[p], true
		default:
			p, key = t.eq[p], key[1:]
		}
	}
	return 0, false
}
