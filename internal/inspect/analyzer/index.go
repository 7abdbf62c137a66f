package analyzer

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// index is the analysis settings of one index or template.
type index struct {
	name       string
	components map[string]map[string]part // by the word after "analysis.", then name
	left       *int                       // steps, see maxSteps
	having     map[string][]part          // see users
}

// newIndex groups flat keys into components; nil if there are none. A component's name ends at the
// first dot (Settings.getGroups).
func newIndex(name string, flat map[string]settings.Value, left *int) *index {
	x := &index{name: name, components: map[string]map[string]part{}, left: left}
	for key, v := range flat {
		p := strings.SplitN(key, ".", 4)
		if len(p) != 4 || p[0] != "analysis" {
			continue
		}
		if x.components[p[1]] == nil {
			x.components[p[1]] = map[string]part{}
		}
		c, ok := x.components[p[1]][p[2]]
		if !ok {
			c = part{name: p[2], settings: map[string]settings.Value{}, made: &made{}}
			x.components[p[1]][p[2]] = c
		}
		c.settings[p[3]] = v
	}
	if len(x.components) == 0 {
		return nil
	}
	return x
}

// readers lists the components that read files, by group, name and key.
func (x *index) readers() []Reader {
	var out []Reader
	for _, group := range settings.Sorted(x.components) {
		for _, name := range settings.Sorted(x.components[group]) {
			c := x.components[group][name]
			for _, key := range settings.Sorted(c.settings) {
				for _, file := range files(c, key) {
					out = append(out, x.reader(group, c, key, file)...)
				}
			}
		}
	}
	return out
}

// files lists the paths that a setting names.
func files(c part, key string) []string {
	v := c.settings[key]
	switch {
	case key == "rule_files": // script:path,script:path (IcuTokenizerFactory)
		var out []string
		for _, item := range v.Items() {
			if _, file, ok := strings.Cut(item, ":"); ok {
				out = append(out, file)
			}
		}
		return out
	case c.kind() == "hunspell":
		if key == "ref_path" || key == "locale" || key == "language" || key == "lang" {
			return v.List
		}
		return nil
	case strings.HasSuffix(key, "_path") || key == "user_dictionary":
		return v.List
	}
	return nil
}

// reader is one reader, or one for each analyzer that gives a synonym filter its terms.
func (x *index) reader(group string, c part, key, file string) []Reader {
	r := Reader{
		Index: x.name, Component: group + "." + c.name, Key: key, Path: file,
		Kind: settings.FileKind(c.kind(), key, strings.ToLower(c.get("format"))),
	}
	if key != "synonyms_path" {
		return []Reader{r}
	}
	if _, inline := c.settings["synonyms"]; inline { // then the file is read as a list of words
		r.Kind = searchpack.KindWords
		return []Reader{r}
	}
	r.NoExpand, r.Lenient = c.get("expand") == "false", c.get("lenient") == "true"
	var out []Reader
	for _, chain := range x.chains(c) {
		r.Chain = chain
		out = append(out, r)
	}
	if len(out) == 0 {
		out = append(out, r)
	}
	return out
}

// chains are those that the synonym filter gets its terms from, one for each analyzer that has it.
func (x *index) chains(c part) []*Chain {
	analyzers := x.components["analyzer"]
	if through := c.get("synonym_analyzer"); through != "" {
		a, ok := analyzers[through]
		if !ok {
			chain := named(through)
			chain.key = through
			return []*Chain{chain}
		}
		filters := a.filters()
		if !x.spend(a, filters) {
			return nil
		}
		return []*Chain{x.chain(a, filters, asItIs)}
	}
	var out []*Chain
	for _, a := range x.users()[c.name] {
		filters := a.filters()
		if !x.spend(a, filters) {
			return nil
		}
		at := slices.Index(filters, c.name)
		out = append(out, x.chain(a, filters[:at], toParse))
	}
	return out
}

// spend takes the steps of an analyzer's chain, and is false if none are left.
func (x *index) spend(a part, filters []string) bool {
	names, _ := a.list("char_filter")
	*x.left -= len(filters) + len(names) + 1
	return *x.left >= 0
}

// users are the custom analyzers that have a filter, by the filter's name.
func (x *index) users() map[string][]part {
	if x.having != nil {
		return x.having
	}
	x.having = map[string][]part{}
	for _, name := range settings.Sorted(x.components["analyzer"]) {
		a := x.components["analyzer"][name]
		if !a.custom() {
			continue
		}
		seen := map[string]bool{}
		for _, f := range a.filters() {
			if !seen[f] {
				seen[f] = true
				x.having[f] = append(x.having[f], a)
			}
		}
	}
	return x.having
}

// custom reports whether the analyzer is put together from named parts.
func (p part) custom() bool { return p.kind() == "custom" || p.kind() == "" }

func (p part) filters() []string {
	names, _ := p.list("filter")
	return names
}

func (x *index) chain(a part, filters []string, how use) *Chain {
	if !a.custom() { // a built-in analyzer with settings of its own
		return &Chain{name: a.name, parts: []string{a.kind()}, key: "configured " + a.name}
	}
	var tokenFilters, charFilters []part
	for _, n := range filters {
		tokenFilters = append(tokenFilters, x.part("filter", n))
	}
	names, _ := a.list("char_filter")
	for _, n := range names {
		charFilters = append(charFilters, x.part("char_filter", n))
	}
	c := newChain(a.name, x.part("tokenizer", a.get("tokenizer")), charFilters, tokenFilters, how)
	h := sha256.New() // of long chains a key would be long, and there may be many
	_, _ = fmt.Fprint(h, how, len(charFilters), describe(x.part("tokenizer", a.get("tokenizer"))))
	for _, p := range tokenFilters {
		_, _ = fmt.Fprint(h, "\x00", describe(p))
	}
	c.key = string(h.Sum(nil))
	return c
}

// part is a component of the index, or what OpenSearch has under the name.
func (x *index) part(group, name string) part {
	if p, ok := x.components[group][name]; ok {
		return p
	}
	return part{name: name}
}

// describe writes all that decides what the part does, in a digest.
func describe(p part) string {
	if p.settings == nil {
		return p.name
	}
	if p.made != nil && p.made.description != "" {
		return p.made.description
	}
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(p.settings)) {
		_, _ = fmt.Fprintf(h, "%q=%q ", key, p.settings[key].List) // a hash takes everything
	}
	d := string(h.Sum(nil))
	if p.made != nil {
		p.made.description = d
	}
	return d
}
