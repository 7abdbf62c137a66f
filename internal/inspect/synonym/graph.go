package synonym

import (
	"cmp"
	"slices"
)

// graph is directed; its nodes are the lines of explicit rules, and the terms on both sides of arrows
// that join them. Everything lies in a few slices: there may be hundreds of thousands of nodes.
type graph struct {
	lines []slot  // the lines, in order; their nodes come first
	terms int     // nodes behind them
	first []int32 // where the edges of each node begin
	to    []int32 // the ends of the edges
}

// newGraph joins the lines where terms stand.
func newGraph(places []place, terms *table) *graph {
	g := &graph{lines: make([]slot, 0, 2*len(places))}
	for i, p := range places {
		g.lines = append(g.lines, p.at&maxLine)
		if i == 0 || places[i-1].term != p.term {
			g.terms++
			g.lines = append(g.lines, terms.known(p.term)&maxLine)
		}
	}
	slices.Sort(g.lines)
	g.lines = slices.Compact(g.lines)
	g.join(places, terms)
	return g
}

// join makes the edges: each place is one, and so is the first place of each term, which the table
// has.
func (g *graph) join(places []place, terms *table) {
	g.first = make([]int32, len(g.lines)+g.terms+1)
	g.edges(places, terms, func(from, _ int32) { g.first[from+1]++ })
	for i := 1; i < len(g.first); i++ {
		g.first[i] += g.first[i-1]
	}
	g.to = make([]int32, g.first[len(g.first)-1])
	next := slices.Clone(g.first)
	g.edges(places, terms, func(from, to int32) {
		g.to[next[from]] = to
		next[from]++
	})
}

func (g *graph) edges(places []place, terms *table, f func(from, to int32)) {
	term := int32(len(g.lines)) - 1 //nolint:gosec // bounded by placesBeside
	for i, p := range places {
		if i == 0 || places[i-1].term != p.term {
			term++
			// The table has the first line where it is on the left; "a => a, b" joins nothing.
			if first := terms.known(p.term); first&keeps == 0 {
				f(term, g.line(first))
			}
		}
		if line := g.line(p.at); p.at&asLeft != 0 {
			f(term, line)
		} else {
			f(line, term)
		}
	}
}

func (g *graph) line(at slot) int32 {
	i, _ := slices.BinarySearch(g.lines, at&maxLine)
	return int32(i) //nolint:gosec // bounded by placesBeside
}

// rings returns the lines of each strongly connected part that has two or more, in order of their
// last ones (Tarjan's algorithm, without recursion: a chain may be long).
func (g *graph) rings() [][]int64 {
	nodes := len(g.first) - 1
	t := &tarjan{
		g: g, index: make([]int32, nodes), low: make([]int32, nodes), next: slices.Clone(g.first),
		open: make([]int32, 0, nodes), path: make([]int32, 0, nodes),
	}
	for root := range t.index {
		if t.index[root] == 0 {
			t.from(int32(root)) //nolint:gosec // bounded by placesBeside
		}
	}
	slices.SortFunc(t.rings, func(a, b []int64) int { return cmp.Compare(a[len(a)-1], b[len(b)-1]) })
	return t.rings
}

// tarjan is one search.
type tarjan struct {
	g          *graph
	index, low []int32 // of each node; index 0 = not visited, done = in no open part
	next       []int32 // the edge of each node to be followed next
	open, path []int32
	count      int32
	rings      [][]int64
}

// done is the index of nodes whose part is known.
const done = 1<<31 - 1

func (t *tarjan) visit(v int32) {
	t.count++
	t.index[v], t.low[v] = t.count, t.count
	t.open = append(t.open, v)
	t.path = append(t.path, v)
}

// from searches what can be reached from a node.
func (t *tarjan) from(root int32) {
	t.visit(root)
	for len(t.path) > 0 {
		v := t.path[len(t.path)-1]
		if t.next[v] < t.g.first[v+1] {
			to := t.g.to[t.next[v]]
			t.next[v]++
			switch t.index[to] {
			case 0:
				t.visit(to)
			case done:
			default:
				t.low[v] = min(t.low[v], t.index[to])
			}
			continue
		}
		t.path = t.path[:len(t.path)-1]
		if len(t.path) > 0 {
			parent := t.path[len(t.path)-1]
			t.low[parent] = min(t.low[parent], t.low[v])
		}
		if t.low[v] == t.index[v] {
			t.close(v)
		}
	}
}

// close ends the part whose first node is v.
func (t *tarjan) close(v int32) {
	at := len(t.open) - 1
	for t.open[at] != v {
		at--
	}
	part := t.open[at:]
	t.open = t.open[:at]
	var lines []int64
	if len(part) > 1 {
		lines = make([]int64, 0, len(part))
	}
	for _, w := range part {
		t.index[w] = done
		if int(w) < len(t.g.lines) {
			lines = append(lines, t.g.lines[w].line())
		}
	}
	if len(lines) > 1 {
		slices.Sort(lines)
		t.rings = append(t.rings, lines)
	}
}
