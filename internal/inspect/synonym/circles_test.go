package synonym

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// TestCirclesGiveWay: what circles are found in is bounded, more so beside a large table, and the
// file's owner is told.
func TestCirclesGiveWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ pages, places, left int }{
		"a small table": {1, fewPlaces + morePlaces*(maxPages-2), fewPlaces + morePlaces*(maxPages-2)},
		"half a table":  {maxPages / 2, fewPlaces, fewPlaces},
		"a large table": {maxPages, fewPlaces, 0},
	} {
		var circles circles
		for i := range c.places {
			circles.add(uint64(i), int64(i+1), asRight, c.pages)
		}
		if circles.full != 0 || circles.count() != c.places {
			t.Fatalf("%s: %d of %d places, full at %d", name, circles.count(), c.places, circles.full)
		}
		circles.add(1, 7_000_000, asLeft, c.pages)
		circles.add(1, 7_000_001, asLeft, c.pages)
		if circles.full != 7_000_000 || circles.count() != c.left {
			t.Errorf("%s: %d places, want %d; full at %d", name, circles.count(), c.left, circles.full)
		}
		var found rule.Tally
		circles.end(&found, &table{})
		f := found.Findings()
		if len(f) != 1 || f[0].Rule != "synonyms.not-compared" || f[0].Severity != searchpack.SeverityNote ||
			!strings.Contains(f[0].Message, "from line 7000000 on, circles") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestCirclesAtTheEnd: a table that grew after the last arrow takes the room, too.
func TestCirclesAtTheEnd(t *testing.T) {
	t.Parallel()
	var circles circles
	for i := range fewPlaces + 1 {
		circles.add(uint64(i), int64(i+1), asRight, 1)
	}
	var found rule.Tally
	circles.end(&found, &table{pages: make([]*page, maxPages/2)})
	if f := found.Findings(); len(f) != 1 || !strings.Contains(f[0].Message, "from line 32769 on, circles") || circles.chunks != nil {
		t.Errorf("%+v", f)
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]int64{
		"1 and 2":                             {1, 2},
		"1, 2 and 3":                          {1, 2, 3},
		"1, 2, 3, 4, 5, 6, 7, 8 and 9":        {1, 2, 3, 4, 5, 6, 7, 8, 9},
		"1, 2, 3, 4, 5, 6, 7, 8 and 2 others": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		"1, 2, 3, 4, 5, 6, 7, 8 and 3 others": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
	} {
		if got := listed(lines); got != want {
			t.Errorf("%v: %q, want %q", lines, got, want)
		}
	}
}
