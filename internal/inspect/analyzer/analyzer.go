// Package analyzer says what the analyzers of an index do to a file: Readers finds in the index's
// settings who reads it, as what, and through which chain; a Chain says what becomes of a term of a
// synonym file, as far as that is certain. It models what Lucene and OpenSearch do to short texts
// and no more: whether a term survives and where its tokens stand. What it does not know it calls
// dict.Unknown. It is pure: settings come in as bytes.
package analyzer

import (
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// Chain is a tokenizer, character filters and token filters: a dict.Analyzer. Use Named or Readers to
// make one.
type Chain struct {
	name    string // of the analyzer; "" = none
	parts   []string
	refused string // the first filter that OpenSearch parses no synonyms with
	rewrite bool   // there are character filters: the tokenizer sees another text
	tokens  tokenizer
	filters []filter
	key     string // equal for chains that do the same
	// texts: a filter looks at what a token is, not only at whether there is one.
	texts bool
}

// part is a tokenizer or filter of a chain: a component of the index, or a name of OpenSearch's own.
type part struct {
	name     string
	settings map[string]settings.Value // nil: not defined by the index
	made     *made                     // nil: nothing is remembered
}

// made is what was made of a component of an index, which many chains may have: its lists of words may
// have megabytes.
type made struct {
	filters     [2]*madeFilter // by use
	description string
}

type madeFilter struct {
	filter filter
	texts  bool
}

func (p part) kind() string {
	if p.settings == nil {
		return p.name
	}
	return p.get("type")
}

func (p part) get(key string) string {
	if v, ok := p.settings[key]; ok && len(v.List) > 0 && !v.IsList {
		return strings.TrimSpace(v.List[0])
	}
	return ""
}

// list returns a setting that is a list, and whether it is there at all.
func (p part) list(key string) ([]string, bool) {
	v, ok := p.settings[key]
	return v.Items(), ok
}

// use says how a chain's filters are used: parsing synonyms, OpenSearch asks each filter for the one
// that does so (TokenFilterFactory.getSynonymFilter), which some refuse and some leave out; an
// analyzer named by synonym_analyzer is taken as it is.
type use int

const (
	toParse use = iota
	asItIs
)

func newChain(name string, tokenizer part, charFilters, filters []part, how use) *Chain {
	c := &Chain{name: name, rewrite: len(charFilters) > 0, tokens: newTokenizer(tokenizer), parts: []string{tokenizer.name}}
	for _, f := range charFilters {
		c.parts = append(c.parts, f.name)
	}
	for _, f := range filters {
		c.parts = append(c.parts, f.name)
		if how == toParse && refuses(f) {
			if c.refused == "" {
				c.refused = f.name
			}
			continue
		}
		m, texts := f.filter(how)
		if m == nil {
			continue
		}
		c.filters = append(c.filters, m)
		c.texts = c.texts || texts
	}
	return c
}

// Named is the analyzer that OpenSearch has under the name: "standard", "whitespace", "keyword",
// "simple", "stop". Every other name gives one that knows nothing.
func Named(name string) dict.Analyzer { return named(name) }

func named(name string) *Chain {
	filters := []part(nil)
	tokenizer := name
	switch name {
	case "standard", "default":
		tokenizer, filters = "standard", []part{{name: "lowercase"}}
	case "simple":
		tokenizer = "lowercase"
	case "stop":
		tokenizer, filters = "lowercase", []part{{name: "stop"}}
	case "whitespace", "keyword":
	default:
		tokenizer = "" // an analyzer may have the name of a tokenizer, and be another thing
	}
	c := newChain("", part{name: tokenizer}, nil, filters, asItIs)
	c.parts = []string{name}
	return c
}

// Refused returns the first filter of the chain that OpenSearch does not parse synonyms with; "" if
// there is none. Such a chain refuses every synonyms file, even an empty one.
func (c *Chain) Refused() string { return c.refused }

// Analyzer returns the analyzer's name in the index, "" if it has none.
func (c *Chain) Analyzer() string { return c.name }

// String implements dict.Analyzer: "standard, lowercase, stop".
func (c *Chain) String() string { return strings.Join(c.parts, ", ") }

// maxTerm is the longest term that is looked at, in bytes. Lucene stores none longer.
const maxTerm = 32766

// Fate implements dict.Analyzer.
func (c *Chain) Fate(term []byte) dict.Fate {
	if c.refused != "" || c.rewrite || c.tokens == nil || len(term) > maxTerm {
		return dict.Unknown
	}
	tokens, sure := c.tokens(term, c.texts)
	if !sure {
		return dict.Unknown
	}
	for _, f := range c.filters {
		if tokens, sure = f(tokens); !sure {
			return dict.Unknown
		}
	}
	if len(tokens) == 0 {
		return dict.Eliminated
	}
	for _, t := range tokens {
		switch {
		case t.known && len(t.text) == 0:
			return dict.Eliminated
		case t.gap:
			return dict.Stacked
		}
	}
	return dict.Kept
}

// token is one token as far as it is known.
type token struct {
	text  []byte
	known bool // text is what it is; else all that is known is that it is not empty
	solid bool // it is more than blanks, whatever its text
	gap   bool // tokens before it were removed: its position increment is not 1
}

var someToken = []token{{solid: true}}
