package usage

import (
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// kind of a component: the word after "index.analysis.".
type kind string

const (
	kindAnalyzer   kind = "analyzer"
	kindCharFilter kind = "char_filter"
	kindFilter     kind = "filter"
	kindNormalizer kind = "normalizer"
	kindTokenizer  kind = "tokenizer"
)

var kinds = []kind{kindAnalyzer, kindCharFilter, kindFilter, kindNormalizer, kindTokenizer}

// component is index.analysis.<kind>.<name> with its settings as flat keys.
type component struct {
	kind     kind
	name     string
	settings map[string]settings.Value
	refs     []reference // package files that the settings name
	kids     [][]string  // names of filters inside, see inside
	bytes    int         // of the settings, roughly
	files    *files
}

// String returns "filter.synonyms".
func (c *component) String() string { return string(c.kind) + "." + c.name }

// label names an analyzer; a normalizer, which may have the name of an analyzer, with its kind.
func (c *component) label() string {
	if c.kind == kindAnalyzer {
		return c.name
	}
	return c.String()
}

// get returns a setting that is one string; "" if it is absent or a list.
func (c *component) get(key string) string {
	if v, ok := c.settings[key]; ok && !v.IsList {
		return strings.TrimSpace(v.List[0])
	}
	return ""
}

func (c *component) list(key string) []string { return c.settings[key].Items() }

// custom reports whether the analyzer or normalizer is put together from named parts
// (AnalysisRegistry.buildMapping: no type is custom).
func (c *component) custom() bool {
	t := c.get("type")
	return t == "custom" || t == ""
}

// inside are the lists of filter names inside a multiplexer (one list per branch) or a condition
// (one list); nil for every other filter.
func (c *component) inside() [][]string {
	var out [][]string
	switch c.get("type") {
	case "multiplexer":
		v := c.settings["filters"]
		if !v.IsList { // "a, b" is getAsList too: two branches
			v = settings.Value{List: v.Items(), IsList: true}
		}
		for _, b := range v.List {
			out = append(out, settings.SplitNames(b))
		}
	case "condition":
		out = append(out, c.list("filter"))
	}
	return out
}

// analysis holds the components of one index or merged template.
type analysis struct {
	files *files
	flat  map[string]settings.Value
	comps map[kind]map[string]*component
	// heldBy lists the analyzers and normalizers that hold a component, by kind, then name.
	heldBy map[*component][]*component
}

func newAnalysis(f *files) *analysis { return &analysis{files: f, flat: map[string]settings.Value{}} }

// merge lays settings over what is there, key by key.
func (a *analysis) merge(all any) error {
	flat, err := settings.Flatten(all)
	if err != nil {
		return err
	}
	for k, v := range flat {
		if strings.HasPrefix(k, "analysis.") {
			a.flat[k] = v
		}
	}
	return nil
}

// finish groups the flat keys into components. A component's name ends at the first dot
// (Settings.getGroups).
func (a *analysis) finish() {
	a.comps = map[kind]map[string]*component{}
	for k, v := range a.flat {
		p := strings.SplitN(k, ".", 4)
		if len(p) != 4 || !slices.Contains(kinds, kind(p[1])) {
			continue
		}
		kd, name := kind(p[1]), p[2]
		if a.comps[kd] == nil {
			a.comps[kd] = map[string]*component{}
		}
		c := a.comps[kd][name]
		if c == nil {
			c = &component{kind: kd, name: name, settings: map[string]settings.Value{}, files: a.files}
			a.comps[kd][name] = c
		}
		c.settings[p[3]] = v
	}
	a.flat = nil
	for _, c := range a.all() {
		c.refs, c.kids = c.references(), c.inside()
		for _, v := range c.settings {
			for _, s := range v.List {
				c.bytes += len(s) + 8
			}
		}
	}
}

// trace finds out which analyzers hold which components.
func (a *analysis) trace(steps *int) {
	a.heldBy = map[*component][]*component{}
	for _, h := range a.analyzers() {
		seen := map[*component]bool{}
		a.hold(h, seen, steps)
		for c := range seen {
			a.heldBy[c] = append(a.heldBy[c], h)
		}
	}
}

// holders are the analyzers and normalizers that hold c.
func (a *analysis) holders(c *component) []*component { return a.heldBy[c] }

// all components by kind, then name.
func (a *analysis) all() []*component {
	var out []*component
	for _, kd := range kinds {
		for _, name := range settings.Sorted(a.comps[kd]) {
			out = append(out, a.comps[kd][name])
		}
	}
	return out
}

// analyzers and normalizers, by kind, then name.
func (a *analysis) analyzers() []*component {
	var out []*component
	for _, kd := range []kind{kindAnalyzer, kindNormalizer} {
		for _, name := range settings.Sorted(a.comps[kd]) {
			out = append(out, a.comps[kd][name])
		}
	}
	return out
}

// hold collects everything that c is made of, c included, through multiplexers, conditions and
// synonym_analyzer references. seen ends circles.
func (a *analysis) hold(c *component, seen map[*component]bool, steps *int) {
	if *steps--; *steps < 0 || c == nil || seen[c] {
		return
	}
	seen[c] = true
	switch c.kind {
	case kindAnalyzer, kindNormalizer:
		if !c.custom() {
			return
		}
		a.hold(a.comps[kindTokenizer][c.get("tokenizer")], seen, steps)
		for _, n := range c.list("char_filter") {
			a.hold(a.comps[kindCharFilter][n], seen, steps)
		}
		for _, n := range c.list("filter") {
			a.hold(a.comps[kindFilter][n], seen, steps)
		}
	case kindFilter:
		for _, b := range c.kids {
			for _, n := range b {
				a.hold(a.comps[kindFilter][n], seen, steps)
			}
		}
		if x := c.get("synonym_analyzer"); x != "" {
			a.hold(a.comps[kindAnalyzer][x], seen, steps)
		}
	}
}

// reloads reports whether the refresh API rebuilds every holder. With no holder nothing is loaded,
// so nothing is left behind either. also is a type of filter that counts as reloadable besides.
func (a *analysis) reloads(holders []*component, also string, steps *int) bool {
	for _, h := range holders {
		if h.kind != kindAnalyzer || !h.custom() || !a.searchTime(h.list("filter"), also, map[*component]bool{}, steps) {
			return false
		}
	}
	return true
}

// reloadsHunspell is reloads for the filter c, whose dictionary every node keeps for all indices. From
// OpenSearch 3.7 on a refresh that asks for it reads that anew for the filters that stand in a
// reloadable analyzer's own chain (MapperService.reloadSearchAnalyzers), not for those inside a
// multiplexer; updateable makes an analyzer reloadable there. With no holder the dictionary is kept
// all the same: the filter was built with the index.
func (a *analysis) reloadsHunspell(c *component, holders []*component, steps *int) bool {
	for _, h := range holders {
		if !slices.Contains(h.list("filter"), c.name) {
			return false
		}
	}
	return len(holders) > 0 && a.reloads(holders, "hunspell", steps)
}

// searchTime reports whether a filter of the chain puts its analyzer into search-time mode, which
// is what makes it a ReloadableCustomAnalyzer (CustomAnalyzerProvider.create). A multiplexer hands
// on the mode of its filters, a condition does not (tried on 3.8.0).
func (a *analysis) searchTime(names []string, also string, seen map[*component]bool, steps *int) bool {
	for _, n := range names {
		f := a.comps[kindFilter][n]
		if *steps--; *steps < 0 || f == nil || seen[f] {
			continue
		}
		seen[f] = true
		switch t := f.get("type"); {
		case t == "synonym", t == "synonym_graph", also != "" && t == also:
			if f.get("updateable") == "true" {
				return true
			}
		case t == "multiplexer":
			for _, b := range f.kids {
				if a.searchTime(b, also, seen, steps) {
					return true
				}
			}
		}
	}
	return false
}
