package hyphenation

import (
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func key(s string) []uint16 { return append(utf16.Encode([]rune(s)), 0) }

// TestTree: the tree against a map.
func TestTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tree, want := newTree(), map[string]uint16{}
		for i, k := range rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("abcé東")), 0, 6, -1), 0, 200).Draw(t, "keys") {
			value, found := tree.find(key(k))
			if was, ok := want[k]; ok != found || ok && was != value {
				t.Fatalf("find(%q) = %d, %v; want %d, %v", k, value, found, was, ok)
			}
			if !tree.insert(key(k), uint16(i+1)) { //nolint:gosec // small
				t.Fatalf("%q could not be put in", k)
			}
			want[k] = uint16(i + 1) //nolint:gosec // small
		}
	})
}

// TestTreeLimits: Java's arrays grow by one block of 2,048 at a time.
func TestTreeLimits(t *testing.T) {
	t.Parallel()
	for length, fits := range map[int]bool{2046: true, 2048: true, 4095: true, 4096: false, 10_000: false} {
		tree := newTree()
		if got := tree.insert(key(strings.Repeat("a", length)), 1); got != fits || tree.tooLong == fits {
			t.Errorf("a key of %d: %v, want %v", length, got, fits)
		}
	}
	tree, n := newTree(), 0
	for ; tree.insert(key("word"+string(rune('a'+n%26))+string(rune(0x4E00+n/26))+"end"), 1); n++ {
		if n > 1<<17 {
			t.Fatal("more keys than there is room for")
		}
	}
	if !tree.tooMany || tree.tooLong || len(tree.kv) > 1<<16+block || len(tree.eq) > 1<<16+block {
		t.Errorf("after %d keys: too many %v, too long %v, %d letters, %d nodes", n, tree.tooMany, tree.tooLong, len(tree.kv), len(tree.eq))
	}
}
