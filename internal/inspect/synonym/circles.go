package synonym

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	// fewPlaces is how many places are kept in any case, and morePlaces how many more for each page
	// that the table may still have when it has doubled. With what it takes to search them, a place
	// has 120 bytes.
	fewPlaces   = 1 << 15
	morePlaces  = 300
	chunkPlaces = 1 << 11
	// maxClosing is how many lines that may close a circle are kept to be shown.
	maxClosing = 2 * rule.MaxFindings
	// maxNamed is how many lines of a circle are named.
	maxNamed = 8
)

// circles finds explicit rules that map terms in a circle: "a => b" and "b => a", or longer ones.
//
// The lines are a graph: one leads to another if a term on the right of the one is on the left of the
// other. Only terms on both sides matter, and those are few; which ones they are is known at the
// end. So the table has the first place of each term, and here stand the others.
type circles struct {
	chunks [][]place // chunkPlaces each: no memory is left behind as with one that grows
	full   int64     // the line from which on nothing was added; 0 = none
	shown  []closing
}

// place is where a term stands on one side of an arrow.
type place struct {
	term uint64 // its hash
	at   slot   // asLeft or asRight, and the line
}

// closing is a line that may be the last of a circle.
type closing struct {
	line int64
	text string
}

func (c *circles) add(term uint64, line int64, role slot, pages int) {
	switch {
	case c.full > 0:
	case c.count() >= placesBeside(pages):
		c.full = line
		if pages > maxPages/2 { // the table needs the room
			c.chunks, c.shown = nil, nil
		}
	default:
		if c.count()%chunkPlaces == 0 {
			c.chunks = append(c.chunks, make([]place, 0, chunkPlaces))
		}
		last := &c.chunks[len(c.chunks)-1]
		*last = append(*last, place{term, role.at(line)})
	}
}

func (c *circles) count() int {
	if len(c.chunks) == 0 {
		return 0
	}
	return (len(c.chunks)-1)*chunkPlaces + len(c.chunks[len(c.chunks)-1])
}

// joining returns the places of terms that are on both sides of arrows, by term.
func (c *circles) joining(terms *table) []place {
	joins := func(p place) bool {
		known := terms.known(p.term)
		return known&asLeft != 0 && known&asRight != 0
	}
	n := 0
	for _, chunk := range c.chunks {
		for _, p := range chunk {
			if joins(p) {
				n++
			}
		}
	}
	out := make([]place, 0, n)
	for _, chunk := range c.chunks {
		for _, p := range chunk {
			if joins(p) {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Compare(a.term, b.term) })
	return out
}

// placesBeside is for how many places there is room beside a table of so many pages.
func placesBeside(pages int) int { return fewPlaces + morePlaces*max(0, maxPages-2*pages) }

// closing keeps the text of a line.
func (c *circles) closing(l *line) {
	if len(c.shown) < maxClosing {
		c.shown = append(c.shown, closing{l.number, rule.Shown(l.text)})
	}
}

// end reports the circles.
func (c *circles) end(t *rule.Tally, terms *table) {
	if c.count() > placesBeside(len(terms.pages)) { // the table has grown since
		last := c.chunks[len(c.chunks)-1]
		c.full, c.chunks, c.shown = last[len(last)-1].at.line(), nil, nil
	}
	if c.full > 0 {
		notCompared.Report(t, rule.Place{}, fmt.Sprintf("from line %d on, circles of arrows are not looked for", c.full))
	}
	if len(c.shown) == 0 { // nothing closes one
		return
	}
	for _, lines := range newGraph(c.joining(terms), terms).rings() {
		last := lines[len(lines)-1]
		p := rule.Place{Line: last, Counted: last, Column: 1}
		if i := slices.IndexFunc(c.shown, func(s closing) bool { return s.line == last }); i >= 0 {
			p.Text = []byte(c.shown[i].text)
		}
		circle.Report(t, p, listed(lines))
	}
}

// listed writes line numbers as "1, 5 and 9".
func listed(lines []int64) string {
	var out strings.Builder
	for i, n := range lines {
		switch {
		case i == maxNamed && len(lines) > maxNamed+1:
			fmt.Fprintf(&out, " and %d others", len(lines)-maxNamed)
			return out.String()
		case i > 0 && i == len(lines)-1:
			out.WriteString(" and ")
		case i > 0:
			out.WriteString(", ")
		}
		fmt.Fprint(&out, n)
	}
	return out.String()
}
