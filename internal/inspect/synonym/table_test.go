package synonym

import (
	"math/rand/v2"
	"testing"
)

// TestTable compares with a map, until the table is full.
func TestTable(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var tb table
	if tb.known(7) != 0 {
		t.Error("an empty table knows something")
	}
	want := map[uint64]slot{}
	for i := int64(1); ; i++ {
		h := r.Uint64()
		key, s := tb.entry(h)
		if key == nil {
			break
		}
		if *s != 0 {
			t.Fatalf("a new hash is known as %x", *s)
		}
		*s = asGroup.at(i)
		*key |= uint64(i) & (1<<spellingBits - 1)
		if i%8 == 0 {
			want[h] = *s
		}
		if i%1000 == 0 { // what is there stays, and is found through later splits
			for h := range want {
				if _, s := tb.entry(h); *s != want[h] {
					t.Fatalf("after %d: %x, want %x", i, *s, want[h])
				}
				break
			}
		}
	}
	for h, s := range want {
		if got := tb.known(h); got != s {
			t.Fatalf("%x, want %x", got, s)
		}
		key, got := tb.entry(h)
		if *got != s || *key&^hashMask != uint64(s.line())&(1<<spellingBits-1) {
			t.Fatalf("a full table has %x %x for %x", *key, *got, s)
		}
	}
	if key, _ := tb.entry(r.Uint64()); key != nil {
		t.Error("a full table takes more")
	}
	if n := 8 * len(want); len(tb.pages) > maxPages || n < maxPages*pageFull*9/10 {
		t.Errorf("%d pages are full with about %d entries", len(tb.pages), n)
	}
}

// TestTableOfLikeHashes: hashes that begin alike end in a full table, not in endless splits.
func TestTableOfLikeHashes(t *testing.T) {
	t.Parallel()
	var tb table
	n := 0
	for i := range uint64(2 * pageSlots) {
		key, s := tb.entry(i << spellingBits)
		if key == nil {
			break
		}
		*s = asRule.at(1)
		n++
	}
	if n != pageFull || len(tb.directory) > 1<<maxBits {
		t.Errorf("%d entries, %d pages, a directory of %d", n, len(tb.pages), len(tb.directory))
	}
}

func TestSlot(t *testing.T) {
	t.Parallel()
	s := (asLeft | told).at(maxLine)
	if s.line() != maxLine || s&asLeft == 0 || s&told == 0 || s&asRight != 0 {
		t.Errorf("%x", s)
	}
	if s = s.at(3); s.line() != 3 || s&told == 0 {
		t.Errorf("%x", s)
	}
}

// Pages that were used for another file know nothing of it.
func TestPagesAreUsedAgain(t *testing.T) {
	t.Parallel()
	for round := range uint64(3) {
		var tab table
		for i := range uint64(20_000) {
			key, s := tab.entry(mix(i + 1))
			if key == nil || *s != 0 {
				t.Fatalf("round %d: entry %d is known before it is made: %v", round, i, s)
			}
			*s = asRule.at(int64(i) + 1) //nolint:gosec // small
		}
		if tab.known(mix(5)).line() != 5 {
			t.Errorf("round %d: entry 5 is lost", round)
		}
		tab.release()
		if tab.known(mix(5)) != 0 {
			t.Error("a table that was given back knows something")
		}
	}
}
