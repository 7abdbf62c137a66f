package analyzer

import (
	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Rules are the rules of this package.
func Rules() []*rule.Rule { return []*rule.Rule{refusedFilter} }

var refusedFilter = &rule.Rule{
	ID: "analyzer.filter-refused", Severity: searchpack.SeverityError, Title: "a filter that no synonyms are parsed behind",
	Message: "the filter %s stands before the synonym filter in the analyzer %s; OpenSearch parses no synonyms behind it and refuses the analyzer, whatever the file holds",
	Remedy:  "put the synonym filter before it, or name another analyzer for the rules with synonym_analyzer",
}

// Report reports what is wrong with the chain itself.
func (c *Chain) Report(t *rule.Tally) {
	if c.refused == "" {
		return
	}
	refusedFilter.Report(t, rule.Place{Text: []byte(c.String())}, rule.Shown([]byte(c.refused)), rule.Shown([]byte(c.name)))
}
