package usage

import (
	"bytes"
	"encoding/json"
)

// Holds reports whether a node that builds the chain of the inline body whole has built that of part with
// it: part is the same chain, or the same up to one of its filters, because a filter is made of what
// stands before it (AnalysisRegistry.buildCustomAnalyzer; TokenFilterFactory.getChainAwareTokenFilterFactory).
// The texts do not count. false: it has not, or that cannot be told.
func Holds(whole, part string) bool {
	if whole == part {
		return true
	}
	a, ok := parts(whole)
	b, same := parts(part)
	if !ok || !same || len(a.filters) < len(b.filters) || !bytes.Equal(a.tokenizer, b.tokenizer) || len(a.charFilters) != len(b.charFilters) {
		return false
	}
	for i := range b.charFilters {
		if !bytes.Equal(a.charFilters[i], b.charFilters[i]) {
			return false
		}
	}
	for i := range b.filters {
		if !bytes.Equal(a.filters[i], b.filters[i]) {
			return false
		}
	}
	return true
}

// chainParts of an inline body, as they are written.
type chainParts struct {
	tokenizer            json.RawMessage
	charFilters, filters []json.RawMessage
}

// parts takes a body apart. false: it is no custom chain with a tokenizer, or has something else in it.
func parts(body string) (c chainParts, ok bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &m) != nil {
		return c, false
	}
	for key, v := range m {
		var err error
		switch key {
		case "tokenizer":
			c.tokenizer = v
		case "char_filter":
			err = json.Unmarshal(v, &c.charFilters)
		case "filter":
			err = json.Unmarshal(v, &c.filters)
		case "text":
		default:
			return c, false
		}
		if err != nil {
			return c, false
		}
	}
	return c, c.tokenizer != nil
}
