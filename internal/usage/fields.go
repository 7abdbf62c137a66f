package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// fields maps a field in a role ("title (search)") to the name of the analyzer it names; for
// normalizers "normalizer.<name>".
type fields map[string]string

var roles = []struct{ key, role, prefix string }{
	{"analyzer", "index", ""},
	{"search_analyzer", "search", ""},
	{"search_quote_analyzer", "search quote", ""},
	{"normalizer", "normalizer", string(kindNormalizer) + "."},
}

// merge adds the fields of a mapping over those that are there. The API wraps mappings of indices
// and legacy templates in a type ("_doc"), those of composable templates not.
func (f fields) merge(mapping any) {
	m, ok := mapping.(map[string]any)
	if !ok {
		return
	}
	f.root(m)
	for _, k := range settings.Sorted(m) {
		if inner, ok := m[k].(map[string]any); ok && k != "properties" && (k == "_doc" || !strings.HasPrefix(k, "_")) {
			f.root(inner)
		}
	}
}

func (f fields) root(m map[string]any) {
	f.properties("", m["properties"], 0)
	list, _ := m["dynamic_templates"].([]any)
	for _, e := range list {
		named, _ := e.(map[string]any)
		for name, v := range named {
			t, _ := v.(map[string]any)
			def, _ := t["mapping"].(map[string]any)
			f.field("dynamic template "+name, def, 0)
		}
	}
}

func (f fields) properties(prefix string, v any, depth int) {
	props, _ := v.(map[string]any)
	for name, v := range props {
		if def, ok := v.(map[string]any); ok {
			f.field(prefix+name, def, depth)
		}
	}
}

func (f fields) field(path string, def map[string]any, depth int) {
	if depth > maxDepth {
		return
	}
	for _, r := range roles {
		if name, ok := def[r.key].(string); ok {
			f[path+" ("+r.role+")"] = r.prefix + name
		}
	}
	f.properties(path+".", def["properties"], depth+1)
	f.properties(path+".", def["fields"], depth+1)
}

// fieldIndex lists, by the name of an analyzer, the fields that name it, in order.
type fieldIndex map[string][]string

func (f fields) index() fieldIndex {
	out := fieldIndex{}
	for _, field := range settings.Sorted(f) {
		out[f[field]] = append(out[f[field]], field)
	}
	return out
}

// naming lists the fields that name one of the analyzers. The analyzers default and default_search
// also serve every text field that names none: "* (index)", "* (search)".
func (x fieldIndex) naming(analyzers []string, steps *int) []string {
	var out []string
	for _, name := range analyzers {
		switch name {
		case "default":
			out = append(out, "* (index)")
		case "default_search":
			out = append(out, "* (search)")
		}
		*steps -= len(x[name])
		if *steps < 0 {
			break
		}
		out = append(out, x[name]...)
	}
	slices.Sort(out)
	if more := len(out) - maxFields; more > 0 {
		out = append(out[:maxFields], fmt.Sprintf("and %d more", more))
	}
	return out
}
