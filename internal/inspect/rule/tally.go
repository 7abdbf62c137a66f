package rule

import (
	"cmp"
	"slices"

	"github.com/searchpack/searchpack"
)

// MaxFindings is how many findings are kept of one file: more help nobody, and a file of two
// gigabytes may have as many mistakes as lines. Errors are kept before warnings.
const MaxFindings = 100

// severities in the order in which findings are kept.
var severities = []searchpack.Severity{
	searchpack.SeverityError, searchpack.SeverityMostly, searchpack.SeverityWarning, searchpack.SeverityNote,
}

// Tally counts findings exactly and keeps the first MaxFindings of each severity. The zero value is
// ready.
type Tally struct {
	counts [4]int
	kept   [4][]searchpack.Finding
}

func rank(s searchpack.Severity) int { return max(0, slices.Index(severities, s)) }

// Count returns how many findings there are.
func (t *Tally) Count() int {
	n := 0
	for _, c := range t.counts {
		n += c
	}
	return n
}

// CountOf returns how many findings of the severity there are.
func (t *Tally) CountOf(s searchpack.Severity) int { return t.counts[rank(s)] }

// Errors returns how many errors there are.
func (t *Tally) Errors() int { return t.counts[0] }

// Room counts a finding and reports whether it is to be kept: only then its text is worth making.
func (t *Tally) Room(s searchpack.Severity) bool {
	i := rank(s)
	t.counts[i]++
	return len(t.kept[i]) < MaxFindings
}

// Keep keeps a finding that was counted by Room.
func (t *Tally) Keep(f searchpack.Finding) {
	i := rank(f.Severity)
	t.kept[i] = append(t.kept[i], f)
}

// Add counts a finding, and keeps it if there is room.
func (t *Tally) Add(f searchpack.Finding) {
	if t.Room(f.Severity) {
		t.Keep(f)
	}
}

// Merge adds what o counted and kept.
func (t *Tally) Merge(o *Tally) {
	for i := range t.counts {
		t.counts[i] += o.counts[i]
		t.kept[i] = first(append(t.kept[i], o.kept[i]...))
	}
}

// Soften makes warnings of the errors, counted and kept, each changed by f: what is certain of one
// kind of file is not when the kind is a guess.
func (t *Tally) Soften(f func(*searchpack.Finding)) {
	var soft Tally
	for i, s := range severities {
		for _, g := range t.kept[i] {
			if s == searchpack.SeverityError || s == searchpack.SeverityMostly {
				g.Severity = searchpack.SeverityWarning
				f(&g)
			}
			soft.kept[max(i, rank(g.Severity))] = append(soft.kept[max(i, rank(g.Severity))], g)
		}
	}
	warning := rank(searchpack.SeverityWarning)
	soft.counts[warning] = t.counts[0] + t.counts[1] + t.counts[2]
	soft.counts[3] = t.counts[3]
	soft.kept[warning] = first(soft.kept[warning])
	*t = soft
}

// Each changes the kept findings.
func (t *Tally) Each(f func(*searchpack.Finding)) {
	for i := range t.kept {
		for j := range t.kept[i] {
			f(&t.kept[i][j])
		}
	}
}

// Findings returns at most MaxFindings, the more severe ones first of all, in the order of the
// file.
func (t *Tally) Findings() []searchpack.Finding {
	var all []searchpack.Finding
	for _, kept := range t.kept {
		kept = first(kept)
		all = append(all, kept[:min(len(kept), MaxFindings-len(all))]...)
	}
	order(all)
	return all
}

func first(f []searchpack.Finding) []searchpack.Finding {
	f = slices.Clone(f)
	order(f)
	return f[:min(len(f), MaxFindings)]
}

func order(f []searchpack.Finding) {
	slices.SortStableFunc(f, func(a, b searchpack.Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
