package synonym

import (
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// What a synonym map costs is its pairs: Lucene adds each one by itself. 25 million of them, one
// group of 5,000 terms, take OpenSearch 4.5 s, and a million mixed rules with their six million
// pairs half a minute and 544 MiB of heap.
const (
	// manyPairsOfRule is a group of a thousand terms.
	manyPairsOfRule = 1_000_000
	// manyPairsOfFile is of all rules that have no finding of their own for it.
	manyPairsOfFile = 10_000_000
)

// pairs counts the pairs of a file.
type pairs struct {
	c          *dict.Config
	file       *rule.Rule
	unreported int64
}

// add counts the pairs of a rule and reports whether they are very many.
func (p *pairs) add(n int64) bool {
	if n >= manyPairsOfRule*99/100 { // n terms make n*(n-1)
		return true
	}
	p.unreported += n
	return false
}

func (p *pairs) end() {
	if p.unreported >= manyPairsOfFile {
		p.file.Report(p.c.Findings, rule.Place{}, p.unreported)
	}
}
