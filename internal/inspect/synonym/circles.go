package synonym

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/rule"
)

const (
	// maxPlaces bounds what circles are found in: 1.5 MiB.
	maxPlaces = 1 << 17
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
	terms  []uint64 // the hash of each place's term
	places []slot   // asLeft or asRight, and the line
	full   int64    // the line from which on nothing was added; 0 = none
	shown  []closing
}

// closing is a line that may be the last of a circle.
type closing struct {
	line int64
	text string
}

func (c *circles) add(term uint64, line int64, role slot) {
	if len(c.places) == maxPlaces {
		c.full = cmp.Or(c.full, line)
		return
	}
	c.terms = append(c.terms, term)
	c.places = append(c.places, role.at(line))
}

// closing keeps the text of a line.
func (c *circles) closing(l *line) {
	if len(c.shown) < maxClosing {
		c.shown = append(c.shown, closing{l.number, rule.Shown(l.text)})
	}
}

// end reports the circles.
func (c *circles) end(t *rule.Tally, terms *table) {
	if c.full > 0 {
		notCompared.Report(t, rule.Place{}, fmt.Sprintf("from line %d on, circles of arrows are not looked for", c.full))
	}
	if len(c.shown) == 0 { // nothing closes one
		return
	}
	for _, lines := range c.graph(terms).rings() {
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

// graph joins lines and terms, the terms that are on both sides only.
func (c *circles) graph(terms *table) *graph {
	g := &graph{ids: map[uint64]int32{}}
	first := map[uint64]bool{}
	for i, term := range c.terms {
		known := terms.known(term)
		if known&asLeft == 0 || known&asRight == 0 {
			continue
		}
		if !first[term] {
			first[term] = true
			if known&keeps == 0 {
				g.join(g.term(term), g.line(known.line()))
			}
		}
		if line := g.line(c.places[i].line()); c.places[i]&asLeft != 0 {
			g.join(g.term(term), line)
		} else {
			g.join(line, g.term(term))
		}
	}
	return g
}

// graph is directed; its nodes are lines and terms.
type graph struct {
	ids   map[uint64]int32 // of the nodes
	lines []int64          // the line of each node, 0 for a term
	next  [][]int32
}

// node returns the node of a key. Terms have the lowest bit set, lines have not: losing a bit of the
// hash does no harm.
func (g *graph) node(key uint64, line int64) int32 {
	id, ok := g.ids[key]
	if !ok {
		id = int32(len(g.lines)) //nolint:gosec // twice maxPlaces
		g.ids[key] = id
		g.lines = append(g.lines, line)
		g.next = append(g.next, nil)
	}
	return id
}

func (g *graph) term(hash uint64) int32 { return g.node(hash|1, 0) }

func (g *graph) line(n int64) int32 { return g.node(uint64(n)<<1, n) } //nolint:gosec // a line's number

func (g *graph) join(from, to int32) { g.next[from] = append(g.next[from], to) }

// rings returns the lines of each strongly connected part that has two or more, in order (Tarjan's
// algorithm, without recursion: a chain may be long).
func (g *graph) rings() [][]int64 {
	type frame struct {
		node int32
		edge int
	}
	var (
		out    [][]int64
		index  = make([]int32, len(g.lines)) // 1-based; 0 = not visited
		low    = make([]int32, len(g.lines))
		on     = make([]bool, len(g.lines))
		stack  []int32
		frames []frame
		count  int32
	)
	visit := func(v int32) {
		count++
		index[v], low[v], on[v] = count, count, true
		stack = append(stack, v)
		frames = append(frames, frame{node: v})
	}
	for root := range g.lines {
		if index[root] == 0 {
			visit(int32(root)) //nolint:gosec // as in node
		}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			if f.edge < len(g.next[f.node]) {
				to := g.next[f.node][f.edge]
				f.edge++
				if index[to] == 0 {
					visit(to)
				} else if on[to] {
					low[f.node] = min(low[f.node], index[to])
				}
				continue
			}
			v := f.node
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				parent := frames[len(frames)-1].node
				low[parent] = min(low[parent], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			at := slices.Index(stack, v)
			if lines := g.linesOf(stack[at:]); len(lines) > 1 {
				out = append(out, lines)
			}
			for _, w := range stack[at:] {
				on[w] = false
			}
			stack = stack[:at]
		}
	}
	slices.SortFunc(out, func(a, b []int64) int { return cmp.Compare(a[len(a)-1], b[len(b)-1]) })
	return out
}

func (g *graph) linesOf(nodes []int32) []int64 {
	var lines []int64
	for _, n := range nodes {
		if g.lines[n] > 0 {
			lines = append(lines, g.lines[n])
		}
	}
	slices.Sort(lines)
	return lines
}
