package usage

import (
	"encoding/json"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/settings"
)

const (
	// maxNesting of multiplexers and conditions inside each other.
	maxNesting = 8
	// maxChains per use. Real components have one per analyzer, or one per branch.
	maxChains = 64
	// maxWalk is how many steps the chains of one use may take. Real ones take dozens; branches
	// inside branches could take for ever.
	maxWalk = 1 << 15
	// probeText is analyzed by every chain: only whether the chain can be built matters.
	probeText = "searchpack"
)

// line is an analyzer as far as it has been walked, ready to go inline. A line is never changed
// after it was copied: filters grow by append to a clipped slice.
type line struct {
	tokenizer   any
	charFilters []any
	filters     []any
	equivalent  bool // something was left out or replaced
	has         bool // the component asked about is in it
	rules       bool // searchpack.Chain.Rules
	since       string
	before      string
}

func (l line) with(filter any) line {
	l.filters = append(l.filters[:len(l.filters):len(l.filters)], filter)
	return l
}

func (l line) body() string {
	b, err := json.Marshal(struct {
		Tokenizer  any    `json:"tokenizer"`
		CharFilter []any  `json:"char_filter,omitempty"`
		Filter     []any  `json:"filter,omitempty"`
		Text       string `json:"text"`
	}{l.tokenizer, l.charFilters, l.filters, probeText})
	if err != nil { // strings, lists and maps of strings cannot fail
		return ""
	}
	return string(b)
}

// walker makes the chains of one component that names one package's file.
type walker struct {
	an     *analysis
	target *component
	id     string
	name   string // of the analyzer being walked
	quiet  bool   // walks for the line alone, asks nothing
	hot    bool   // a refresh rebuilds the analyzer being walked
	chains []searchpack.Chain
	seen   map[searchpack.Chain]bool // without the analyzer
	left   int                       // steps
}

// chains lists the ways to ask a node about the file that c names. hunspell keeps what it read for
// the node's life, so asking would say nothing about the candidate.
func (a *analysis) chains(c *component, ref reference, holders []*component, steps *int) []searchpack.Chain {
	if c.get("type") == "hunspell" {
		return nil
	}
	w := &walker{an: a, target: c, id: ref.packageID, seen: map[searchpack.Chain]bool{}, left: maxWalk}
	for _, h := range holders {
		w.name, w.hot = h.label(), a.reloads([]*component{h}, "", steps)
		if h.custom() {
			w.analyzer(h)
		} else if h == c {
			w.builtIn(c, ref.key)
		}
	}
	*steps -= maxWalk - w.left
	if len(w.chains) == 0 && c.kind != kindAnalyzer && c.kind != kindNormalizer {
		w.name, w.hot, w.left = c.String(), false, maxWalk
		w.alone(len(holders) > 0)
	}
	return w.chains
}

// emit keeps a chain unless an equal question is there. One that would carry too much of the
// index's own settings is left out; alone then asks about the component by itself.
func (w *walker) emit(l line) {
	if w.quiet || w.left < 0 { // past the limit names are left as they are
		return
	}
	body := l.body()
	question := searchpack.Chain{Body: body, Since: l.since, Before: l.before}
	if w.seen[question] || len(w.chains) >= maxChains || len(body) > maxChainBody || !strings.Contains(body, searchpack.PathMark) {
		return
	}
	w.seen[question] = true
	question.Analyzer, question.Equivalent, question.Rules = w.name, l.equivalent, l.rules
	w.chains = append(w.chains, question)
}

// analyzer walks a custom analyzer or normalizer from its start up to the last component that
// reads the file.
func (w *walker) analyzer(h *component) {
	l, last := w.start(h)
	w.filters(l, last, h.list("filter"), 0)
}

// start is the part before the filters. last is the chain to ask if no filter reads the file.
func (w *walker) start(h *component) (l line, last *line) {
	for _, n := range h.list("char_filter") {
		c := w.an.comps[kindCharFilter][n]
		l.charFilters = append(l.charFilters, w.inline(c, n))
		if c != nil && c.reads(w.id) {
			l.has = l.has || c == w.target
			if l.has { // any tokenizer will do: keyword does nothing
				last = &line{tokenizer: "keyword", charFilters: l.charFilters[:len(l.charFilters):len(l.charFilters)]}
			}
		}
	}
	name := h.get("tokenizer")
	switch {
	case h.kind == kindNormalizer: // has none; keyword leaves the text whole, as a normalizer does
		l.tokenizer = "keyword"
		return l, last
	case name == "": // no valid analyzer; the file can be asked about all the same
		l.tokenizer, l.equivalent = "standard", true
		return l, last
	}
	c := w.an.comps[kindTokenizer][name]
	l.tokenizer = w.inline(c, name)
	if c != nil && c.reads(w.id) {
		l.has = l.has || c == w.target
		if l.has {
			copied := l
			last = &copied
		}
	}
	return l, last
}

// filters walks filter names from l on and emits the chain up to the last of them that reads the
// file (or last), and one chain for every branch of a multiplexer or condition that does. It
// returns what the walk came to.
func (w *walker) filters(l line, last *line, names []string, depth int) line {
	for _, n := range names {
		if w.left--; w.left < 0 || depth > maxNesting {
			return l
		}
		f := w.an.comps[kindFilter][n]
		switch {
		case f == nil:
			l = l.with(n)
		case f.kids != nil:
			for _, b := range f.kids {
				w.filters(l, nil, b, depth+1)
			}
			if w.inlinable(f) {
				l = l.with(w.inline(f, n))
			} else {
				l.equivalent = true // its filters have names that only the index knows
			}
		case f.get("synonym_analyzer") != "":
			// Not part of the line: the setting cannot go inline, and synonym filters are passed
			// over when later rules are read (SynonymTokenFilterFactory.getSynonymFilter).
			if f.reads(w.id) && !w.quiet {
				w.throughAnalyzer(l, f)
			}
		default:
			l = l.with(w.inline(f, n))
			if f.reads(w.id) {
				l.has = l.has || f == w.target
				if l.has {
					copied := l
					last = &copied
				}
			}
		}
	}
	if last != nil {
		w.emit(*last)
	}
	return l
}

// ownSynonymAnalyzers is the version from which a synonym_analyzer may be one of the index's own. Before,
// OpenSearch looks for the name among the analyzers that the node has, and when it is none of them the
// rules are read as if there were no such setting (SynonymTokenFilterFactory.buildSynonymAnalyzer of
// 2.19.0 to 3.5.0, and of 3.6.0). A refresh still does so: ReloadableCustomAnalyzer.reload does not hand
// on the index's analyzers (3.7.0; tried on 3.8.0).
const ownSynonymAnalyzers = "3.6"

// throughAnalyzer asks about a synonym filter whose rules another analyzer reads: that analyzer's
// own chain with the filter at its end, without the setting, which fails inline from 3.6 on. own is the
// chain before the filter.
func (w *walker) throughAnalyzer(own line, f *component) {
	name := f.get("synonym_analyzer")
	x := w.an.comps[kindAnalyzer][name]
	if x == nil {
		w.readsRules(builtInLine(name), f)
		return
	}
	l := w.lineOf(x)
	l.since = ownSynonymAnalyzers
	w.readsRules(l, f)
	if builtIn(name) {
		own = builtInLine(name)
	}
	if !w.hot {
		own.before = ownSynonymAnalyzers
	}
	w.readsRules(own, f)
}

// lineOf is the whole chain of an analyzer of the index.
func (w *walker) lineOf(x *component) line {
	if !x.custom() {
		return w.configured(x)
	}
	quiet := *w // chains of x belong to x; and x may hold the filter itself
	quiet.quiet = true
	defer func() { w.left = quiet.left }()
	l, _ := quiet.start(x)
	return quiet.filters(l, nil, x.list("filter"), 0)
}

// readsRules asks whether the chain can read the rules of f.
func (w *walker) readsRules(l line, f *component) {
	l = l.with(w.inline(f, f.name))
	l.has, l.rules = l.has || f == w.target, true
	if l.has {
		w.emit(l)
	}
}

// alone asks about the component by itself: no analyzer holds it (it can break a refresh all the
// same), or no real chain could be made (equivalent).
func (w *walker) alone(equivalent bool) {
	c := w.target
	l := line{tokenizer: "whitespace", equivalent: equivalent, has: true}
	obj := w.inline(c, c.name)
	switch c.kind {
	case kindCharFilter:
		l.tokenizer, l.charFilters = "keyword", []any{obj}
	case kindTokenizer:
		l.tokenizer = obj
	default:
		if c.get("synonym_analyzer") != "" {
			if w.throughAnalyzer(line{tokenizer: "whitespace", equivalent: equivalent}, c); len(w.chains) > 0 {
				return
			}
			l.equivalent = true
		}
		l.filters = []any{obj}
	}
	w.emit(l)
}

// inline is the component as an object with all its settings, paths of the package replaced; a name
// that the index does not define stays a name.
func (w *walker) inline(c *component, name string) any {
	if c == nil {
		return name
	}
	w.left -= c.bytes / 64
	if w.left < 0 {
		return name
	}
	obj := make(map[string]any, len(c.settings))
	for k, v := range c.settings {
		if k == "synonym_analyzer" {
			continue
		}
		marked := settings.Value{IsList: v.IsList, List: make([]string, len(v.List))}
		for i, s := range v.List {
			marked.List[i], _ = w.an.files.mark(k, s, func(id string) bool { return id == w.id })
		}
		obj[k] = marked.JSON()
	}
	return obj
}

// inlinable reports whether a multiplexer or condition names only filters that every node knows: a
// filter of the index inside an inline one is a 400.
func (w *walker) inlinable(f *component) bool {
	for _, b := range f.kids {
		for _, n := range b {
			if w.an.comps[kindFilter][n] != nil {
				return false
			}
		}
	}
	return true
}
