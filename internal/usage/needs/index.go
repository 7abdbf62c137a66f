package needs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/settings"
)

// maxDepth of nested mappings and processors. OpenSearch's own limit for mappings is 20.
const maxDepth = 64

func sorted[V any](m map[string]V) []string { return settings.Sorted(m) }

// analysisKinds are those of index.analysis.<word>.
var analysisKinds = map[string]Kind{
	"analyzer": Analyzer, "tokenizer": Tokenizer, "filter": TokenFilter, "char_filter": CharFilter, "normalizer": Normalizer,
}

// references are the settings of a component that name others, which may be ones that a plugin brings
// along without an index defining them.
var references = map[string]Kind{
	"tokenizer": Tokenizer, "filter": TokenFilter, "filters": TokenFilter, "char_filter": CharFilter,
	"synonym_analyzer": Analyzer, "analyzer": Analyzer,
}

// defined are the names that an index gives to components of its own.
type defined map[Name]bool

// template notes what an index or template uses. around are templates that may define what it names.
func (n *Names) template(user string, t template, around ...template) error {
	own := defined{}
	for _, x := range around {
		if _, err := own.define(x.Settings); err != nil {
			return fmt.Errorf("settings of %s: %w", user, err)
		}
	}
	flat, err := own.define(t.Settings)
	if err != nil {
		return fmt.Errorf("settings of %s: %w", user, err)
	}
	for _, key := range sorted(flat) {
		n.setting(user, key, flat[key], own)
	}
	n.mapping(user, t.Mappings, own)
	return nil
}

// define notes what settings define, and returns them flat.
func (o defined) define(all any) (map[string]settings.Value, error) {
	flat, err := settings.Flatten(all)
	for key := range flat {
		p := strings.SplitN(key, ".", 4)
		switch {
		case len(p) == 4 && p[0] == "analysis" && analysisKinds[p[1]] != "":
			o[Name{analysisKinds[p[1]], p[2]}] = true
		case len(p) >= 3 && p[0] == "similarity":
			o[Name{Similarity, p[1]}] = true
		}
	}
	return flat, err
}

// setting notes what one setting of an index, without "index.", uses.
func (n *Names) setting(user, key string, v settings.Value, own defined) {
	p := strings.SplitN(key, ".", 4)
	one := ""
	if len(v.List) == 1 {
		one = strings.TrimSpace(v.List[0])
	}
	switch {
	case p[0] == "analysis":
		if len(p) == 4 {
			n.component(user, analysisKinds[p[1]], p[3], v, own)
		}
		return // one group for all, which OpenSearch has itself
	case p[0] == "archived":
		return // OpenSearch has put it aside already
	case p[0] == "similarity" && len(p) == 3 && p[2] == "type":
		n.Add(Similarity, one, user)
	case key == "codec":
		n.Add(Codec, one, user)
	case key == "store.type":
		n.Add(Store, one, user)
	}
	n.Add(IndexSetting, "index."+key, user)
}

// component notes the type of a component and the others that it names.
func (n *Names) component(user string, kind Kind, key string, v settings.Value, own defined) {
	if kind == "" {
		return
	}
	if key == "type" {
		if len(v.List) == 1 {
			n.Add(kind, strings.TrimSpace(v.List[0]), user)
		}
		return
	}
	of, known := references[key]
	if !known {
		return
	}
	for _, item := range v.Items() {
		for _, name := range settings.SplitNames(item) { // a multiplexer's branches are lists themselves
			n.refer(of, name, user, own)
		}
	}
}

// refer notes a name that the index does not define.
func (n *Names) refer(kind Kind, name, user string, own defined) {
	if !own[Name{kind, name}] {
		n.Add(kind, name, user)
	}
}

// mapping notes what a mapping uses. That of an index is wrapped in its type, "_doc".
func (n *Names) mapping(user string, v any, own defined) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	if inner, ok := m["_doc"].(map[string]any); ok {
		n.mapping(user, inner, own)
	}
	for _, key := range sorted(m) {
		switch {
		case key == "_doc":
		case strings.HasPrefix(key, "_"):
			n.Add(MetaField, key, user)
		}
	}
	n.fields(user, m["properties"], own, 0)
	list, _ := m["dynamic_templates"].([]any)
	for _, e := range list {
		named, _ := e.(map[string]any)
		for _, name := range sorted(named) {
			if t, ok := named[name].(map[string]any); ok {
				n.field(user, t["mapping"], own, 0)
			}
		}
	}
}

func (n *Names) fields(user string, v any, own defined, depth int) {
	m, _ := v.(map[string]any)
	for _, name := range sorted(m) {
		n.field(user, m[name], own, depth)
	}
}

// roles are the settings of a field that name an analyzer or normalizer.
var roles = []string{"analyzer", "search_analyzer", "search_quote_analyzer", "normalizer"}

func (n *Names) field(user string, v any, own defined, depth int) {
	def, ok := v.(map[string]any)
	if !ok || depth > maxDepth {
		return
	}
	text := func(key string) string { s, _ := def[key].(string); return s }
	n.Add(FieldType, text("type"), user)
	for _, role := range roles {
		kind := Analyzer
		if role == "normalizer" {
			kind = Normalizer
		}
		n.refer(kind, text(role), user, own)
	}
	n.refer(Similarity, text("similarity"), user, own)
	n.fields(user, def["properties"], own, depth+1)
	n.fields(user, def["fields"], own, depth+1)
}

// ingest notes the processors of a pipeline, and of what is inside them.
func (n *Names) ingest(v any, user string, depth int) {
	if depth > maxDepth {
		return
	}
	m, _ := v.(map[string]any)
	for _, key := range []string{"processors", "on_failure"} {
		list, _ := m[key].([]any)
		for _, e := range list {
			n.processor(e, user, depth)
		}
	}
}

// processor notes one: {"set": {…}}. foreach holds another.
func (n *Names) processor(v any, user string, depth int) {
	m, _ := v.(map[string]any)
	for _, name := range sorted(m) {
		n.Add(IngestProcessor, name, user)
		inner, _ := m[name].(map[string]any)
		if lang, ok := inner["lang"].(string); ok && name == "script" {
			n.Add(ScriptLanguage, lang, user)
		}
		if _, there := inner["processor"].(map[string]any); there && depth < maxDepth {
			n.processor(inner["processor"], user, depth+1)
		}
		n.ingest(map[string]any{"on_failure": inner["on_failure"]}, user, depth+1)
	}
}

// searchPipeline notes the processors of a search pipeline.
func (n *Names) searchPipeline(v any, user string) {
	m, _ := v.(map[string]any)
	for _, key := range sorted(m) {
		if !slices.Contains([]string{"request_processors", "response_processors", "phase_results_processors"}, key) {
			continue
		}
		list, _ := m[key].([]any)
		for _, e := range list {
			named, _ := e.(map[string]any)
			for _, name := range sorted(named) {
				n.Add(SearchProcessor, name, user)
			}
		}
	}
}
