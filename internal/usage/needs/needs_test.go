package needs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

// classes adds class files, given as inspecttest.Class takes them, to c.
func classes(t *testing.T, c *needs.Constants, lines ...string) *needs.Constants {
	t.Helper()
	for _, line := range lines {
		b, err := inspecttest.Class("class " + line)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(line, " ")
		c.Add(name+".class", b)
	}
	return c
}

const api = "org/opensearch/plugins/"

// judged reads a state, and holds it against a plugin, OpenSearch and another plugin.
func judged(t *testing.T, state string, plugin, lib, module, other []string) string {
	t.Helper()
	names, err := needs.Read(strings.NewReader(state))
	if err != nil {
		t.Fatal(err)
	}
	return verdict(t, names, plugin, lib, module, other)
}

func verdict(t *testing.T, names *needs.Names, plugin, lib, module, other []string) string {
	t.Helper()
	all := names.Candidates(classes(t, needs.OfPlugin(nil), plugin...))
	wanted := needs.Wanted(all)
	r := needs.Judge(all,
		[]*needs.Constants{classes(t, needs.OfLib(wanted), lib...), classes(t, needs.OfModule(wanted), module...)},
		map[string]*needs.Constants{"other": classes(t, needs.OfPlugin(wanted), other...)})
	var out []string
	for _, x := range r.Needs {
		out = append(out, fmt.Sprintf("%s: %s %s", x.User, x.Kind, x.Name))
	}
	for _, x := range r.Doubts {
		out = append(out, fmt.Sprintf("%s: %s %s? %s", x.User, x.Kind, x.Name, x.Other))
	}
	return strings.Join(out, "\n")
}

// state puts parts of metadata into an answer of OpenSearch.
func state(parts ...string) string {
	return `{"cluster_uuid":"C","version":7,"metadata":{"cluster_coordination":{"term":3},` + strings.Join(parts, ",") + `}}`
}

// index is metadata of one index, with settings and a mapping.
func index(settings, mapping string) string {
	return state(fmt.Sprintf(`"indices":{"shop":{"state":"open","settings":{%s},"mappings":{"_doc":{%s}}}}`, settings, mapping))
}

// TestKinds has each place where a name of a plugin can stand.
func TestKinds(t *testing.T) {
	t.Parallel()
	analysis := []string{"a/P implements " + api + "AnalysisPlugin says tag, tagger, tags"}
	for name, c := range map[string]struct {
		state  string
		plugin string // says, and of which interface
		iface  string
		want   string
	}{
		"type of a filter":      {state: index(`"index.analysis.filter.x.type":"tag"`, ``), want: "index shop: token filter tag"},
		"nested":                {state: index(`"index":{"analysis":{"filter":{"x":{"type":"tag"}}}}`, ``), want: "index shop: token filter tag"},
		"of an analyzer":        {state: index(`"index.analysis.analyzer.x.type":"tag"`, ``), want: "index shop: analyzer tag"},
		"of a tokenizer":        {state: index(`"index.analysis.tokenizer.x.type":"tag"`, ``), want: "index shop: tokenizer tag"},
		"of a char filter":      {state: index(`"index.analysis.char_filter.x.type":"tag"`, ``), want: "index shop: char filter tag"},
		"of a normalizer":       {state: index(`"index.analysis.normalizer.x.type":"tag"`, ``), want: "index shop: normalizer tag"},
		"filter by name":        {state: index(`"index.analysis.analyzer.x.filter":["lowercase","tag"]`, ``), want: "index shop: token filter tag"},
		"by name in a string":   {state: index(`"index.analysis.analyzer.x.filter":"lowercase, tag"`, ``), want: "index shop: token filter tag"},
		"in a branch":           {state: index(`"index.analysis.filter.x.filters":["lowercase, tag"]`, ``), want: "index shop: token filter tag"},
		"tokenizer by name":     {state: index(`"index.analysis.analyzer.x.tokenizer":"tagger"`, ``), want: "index shop: tokenizer tagger"},
		"its own of that name":  {state: index(`"index.analysis.analyzer.x.filter":["tag"],"index.analysis.filter.tag.type":"stop"`, ``)},
		"analyzer of a field":   {state: index(``, `"properties":{"a":{"fields":{"b":{"type":"text","analyzer":"tag"}}}}`), want: "index shop: analyzer tag"},
		"search analyzer":       {state: index(``, `"properties":{"a":{"properties":{"b":{"search_analyzer":"tag"}}}}`), want: "index shop: analyzer tag"},
		"own analyzer":          {state: index(`"index.analysis.analyzer.tag.type":"custom"`, `"properties":{"a":{"analyzer":"tag"}}`)},
		"normalizer of a field": {state: index(``, `"properties":{"a":{"normalizer":"tag"}}`), want: "index shop: normalizer tag"},
		"dynamic template":      {state: index(``, `"dynamic_templates":[{"d":{"mapping":{"analyzer":"tag"}}}]`), want: "index shop: analyzer tag"},
		"a field of that name":  {state: index(``, `"properties":{"tag":{"type":"text"}}`)},
		"another interface":     {state: index(``, `"properties":{"a":{"type":"tag"}}`)},
		"field type":            {iface: "MapperPlugin", state: index(``, `"properties":{"type":{"type":"tag"}}`), want: "index shop: field type tag"},
		"metadata field":        {iface: "MapperPlugin", plugin: "_size", state: index(``, `"_size":{"enabled":true}`), want: "index shop: metadata field _size"},
		"codec":                 {iface: "EnginePlugin", state: index(`"index.codec":"tag"`, ``), want: "index shop: codec tag"},
		"store":                 {iface: "IndexStorePlugin", state: index(`"index.store.type":"tag"`, ``), want: "index shop: store type tag"},
		"similarity":            {iface: "../index/IndexModule", state: index(`"index.similarity.s.type":"tag"`, `"properties":{"a":{"similarity":"s"}}`), want: "index shop: similarity tag"},
		"similarity of a field": {iface: "../index/IndexModule", state: index(``, `"properties":{"a":{"similarity":"tag"}}`), want: "index shop: similarity tag"},
		"index setting":         {plugin: "index.tag.mode", state: index(`"index.tag.mode":"1"`, ``), want: "index shop: index setting index.tag.mode"},
		"group of settings":     {plugin: "index.tag.", state: index(`"index.tag.mode":"1"`, ``), want: "index shop: index setting index.tag.mode"},
		"put together":          {plugin: `index.tag.\1.mode`, state: index(`"index.tag.x.mode":"1"`, ``), want: "index shop: index setting index.tag.x.mode"},
		"no group":              {plugin: "index.tag", state: index(`"index.tag.mode":"1"`, ``)},
		"a group of OpenSearch": {plugin: "index.", state: index(`"index.other.mode":"1"`, ``)},
		"put aside":             {plugin: "archived.", state: index(`"archived.index.tag":"1"`, ``)},
		"closed":                {state: state(`"indices":{"old":{"state":"close","settings":{"index.analysis.filter.x.type":"tag"}}}`), want: "index old (closed): token filter tag"},
		"legacy template":       {state: state(`"templates":{"l":{"settings":{"index.analysis.filter.x.type":"tag"}}}`), want: "legacy template l: token filter tag"},
		"templates": {
			state: state(`"index_template":{"index_template":{"t":{"composed_of":["c"],"template":{"mappings":{"properties":{"a":{"analyzer":"tags"},"b":{"analyzer":"tagger"}}}}}}}`,
				`"component_template":{"component_template":{"c":{"template":{"settings":{"index.analysis.analyzer.tags.filter":["tag"]}}}}}`),
			want: "index template t: analyzer tagger\ncomponent template c: token filter tag",
		},
		"ingest": {iface: "IngestPlugin", state: state(`"ingest":{"pipeline":[{"id":"p","config":{"processors":[{"set":{"field":"a"}},{"tag":{}}]}}]}`), want: "ingest pipeline p: ingest processor tag"},
		"inside": {iface: "IngestPlugin", state: state(`"ingest":{"pipeline":[{"id":"p","config":{"processors":[{"foreach":{"processor":{"set":{"on_failure":[{"tag":{}}]}}}}]}}]}`), want: "ingest pipeline p: ingest processor tag"},
		"search": {iface: "SearchPipelinePlugin", state: state(`"search_pipeline":{"pipeline":[{"id":"p","config":{"response_processors":[{"tag":{}}]}}]}`), want: "search pipeline p: search pipeline processor tag"},
		"script": {iface: "ScriptPlugin", state: state(`"stored_scripts":{"s":{"lang":"tag"}}`), want: "stored script s: script language tag"},
		"script of a pipeline": {
			iface: "ScriptPlugin", state: state(`"ingest":{"pipeline":[{"id":"p","config":{"processors":[{"script":{"lang":"tag"}}]}}]}`), want: "ingest pipeline p: script language tag"},
		"snapshots":   {iface: "RepositoryPlugin", state: state(`"repositories":{"r":{"type":"tag"}}`), want: "snapshot repository r: repository type tag"},
		"nobody":      {state: state(`"indices":{}`)},
		"another":     {state: index(`"index.analysis.filter.x.type":"stop"`, ``)},
		"upper case":  {plugin: "TAG", iface: "AnalysisPlugin", state: index(`"index.analysis.filter.x.type":"tag"`, ``), want: "index shop: token filter tag"},
		"the builtin": {plugin: "lowercase", iface: "AnalysisPlugin", state: index(`"index.analysis.analyzer.x.filter":["lowercase"]`, ``)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugin := analysis
			if c.plugin != "" || c.iface != "" {
				says := c.plugin
				if says == "" {
					says = "tag"
				}
				iface := strings.Replace(api+c.iface, "plugins/../", "", 1)
				if c.iface == "" {
					iface = api + "Plugin"
				}
				plugin = []string{"a/P implements " + iface + " says " + says}
			}
			lib := []string{
				"org/opensearch/index/analysis/A says lowercase, index.", "org/yaml/Y says tag, index.tag.mode",
				"org/opensearch/index/mapper/M says text, TEXT",
			}
			module := []string{"m/M implements " + api + "ActionPlugin says tag, tagger"}
			if got := judged(t, c.state, plugin, lib, module, nil); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestWhoElse may supply a name.
func TestWhoElse(t *testing.T) {
	t.Parallel()
	plugin := []string{"a/P implements " + api + "AnalysisPlugin says tag, index.tag.mode, index.group."}
	filter := index(`"index.analysis.filter.x.type":"tag"`, ``)
	for name, c := range map[string]struct {
		state              string
		lib, module, other []string
		want               string
	}{
		"nobody":                   {state: filter, want: "index shop: token filter tag"},
		"lib":                      {state: filter, lib: []string{"org/opensearch/indices/analysis/A says tag"}},
		"lib, an enum":             {state: filter, lib: []string{"org/opensearch/indices/analysis/A says TAG"}},
		"lib, about other things":  {state: filter, lib: []string{"org/opensearch/index/mapper/A says tag"}, want: "index shop: token filter tag"},
		"a module":                 {state: filter, module: []string{"m/M says tag", "m/N implements " + api + "AnalysisPlugin"}},
		"a module of other things": {state: filter, module: []string{"m/M implements " + api + "MapperPlugin says tag"}, want: "index shop: token filter tag"},
		"another plugin":           {state: filter, other: []string{"o/O implements " + api + "AnalysisPlugin says tag"}, want: "index shop: token filter tag? other"},
		"a library of another":     {state: filter, other: []string{"o/O implements " + api + "AnalysisPlugin", "o/Library says tag"}, want: "index shop: token filter tag"},
		"one of other things":      {state: filter, other: []string{"o/O says tag"}, want: "index shop: token filter tag"},
		"a setting of lib":         {state: index(`"index.tag.mode":"1"`, ``), lib: []string{"org/opensearch/X says index.tag.mode"}},
		"put together in lib":      {state: index(`"index.tag.mode":"1"`, ``), lib: []string{"org/opensearch/X says index.tag., index."}},
		"anybody's":                {state: index(`"index.tag.mode":"1"`, ``), lib: []string{"org/opensearch/X says index."}, want: "index shop: index setting index.tag.mode"},
		"a wider group of another": {state: index(`"index.tag.mode":"1"`, ``), other: []string{"o/O extends org/opensearch/O says index.tag."}, want: "index shop: index setting index.tag.mode"},
		"the same group":           {state: index(`"index.group.a":"1"`, ``), lib: []string{"org/opensearch/X says index.group."}},
		"a narrower group":         {state: index(`"index.group.a.b":"1"`, ``), other: []string{"o/O extends org/opensearch/O says index.group.a."}, want: "index shop: index setting index.group.a.b? other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := judged(t, c.state, plugin, c.lib, c.module, c.other); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                    nil,
		"# nothing\n":                         nil,
		"cluster.name: c\nmy.plugin.mode: on": {"cluster.name", "my.plugin.mode"},
		"my:\n  plugin:\n    mode: on\n    list: [a, b]\n  plugin.x: ${X}\n": {"my.plugin.list", "my.plugin.mode", "my.plugin.x"},
		"a: &x {b: 1}\nc: *x\n": {"a.b", "c.b"},
	} {
		if got, err := needs.ConfigKeys([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	aliases := "a0: &a0 {x: 1}\n"
	for i := range 40 { // two to the fortieth keys
		aliases += fmt.Sprintf("a%d: &a%d {x: *a%d, y: *a%d}\n", i+1, i+1, i, i)
	}
	for what, text := range map[string]string{
		"aliases": aliases, "no YAML": "a: [", "too long": strings.Repeat("#", needs.MaxConfig+1),
		"too deep": strings.Repeat("{a: ", 200) + strings.Repeat("}", 200),
	} {
		if keys, err := needs.ConfigKeys([]byte(text)); err == nil {
			t.Errorf("%s: %d keys", what, len(keys))
		}
	}
}

// Settings of the node are needs; those of the cluster only doubts, since a node starts with them.
func TestSettings(t *testing.T) {
	t.Parallel()
	names := needs.NewNames()
	names.Add(needs.NodeSetting, "tag.mode", "opensearch.yml")
	names.Add(needs.NodeSetting, "cluster.name", "opensearch.yml")
	names.Add(needs.NodeSetting, "cluster.id", "opensearch.yml")
	names.Add(needs.ClusterSetting, "tag.limit", "the cluster's settings")
	got := verdict(t, names, []string{"a/P extends org/opensearch/plugins/Plugin says tag.mode, tag.limit, cluster.name", "a/Library says cluster.id"}, []string{"org/opensearch/X says cluster.name"}, nil, nil)
	if want := "opensearch.yml: node setting tag.mode\nthe cluster's settings: cluster setting tag.limit? "; got != want {
		t.Errorf("got %s", got)
	}
}

// TestBounds: a list of needs has an end, and what is left out is counted.
func TestBounds(t *testing.T) {
	t.Parallel()
	names := needs.NewNames()
	const many = 3 * searchpack.MaxNeeds
	for i := range many {
		names.Add(needs.TokenFilter, "tag", fmt.Sprint("index ", i))
	}
	names.Add(needs.TokenFilter, strings.Repeat("x", 1<<20), "index x")
	plugin := classes(t, needs.OfPlugin(nil), "a/P implements "+api+"AnalysisPlugin says tag")
	r := needs.Judge(names.Candidates(plugin), nil, nil)
	if len(r.Needs) != searchpack.MaxNeeds || r.MoreNeeds != many-searchpack.MaxNeeds {
		t.Errorf("%d needs, %d more", len(r.Needs), r.MoreNeeds)
	}
	for i := range 200_000 {
		names.Add(needs.IndexSetting, fmt.Sprint("index.", i), "index x")
	}
	if !names.Truncated {
		t.Error("nothing says that there are more")
	}
}

// TestDamaged: what cannot be understood is never taken for "nobody".
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{", "[]", "{}", `{"error":"no"}`, `{"metadata":[]}`, `{"metadata":{"indices":[]}}`, `{"metadata":{"indices":{"a":"b"}}}`,
		`{"metadata":{"templates":7}}`, `{"metadata":{}} {}`, `{"metadata":{"indices":{"a":{"settings":[]}}}}`,
	} {
		if names, err := needs.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %+v", text, names)
		}
	}
	if _, err := needs.Read(strings.NewReader(`{"metadata":{"new":{"a":[1,{}]},"indices":{}}}`)); err != nil {
		t.Error(err)
	}
	c := needs.OfPlugin(nil)
	c.Add("a/P.class", []byte("no class"))
	if got := needs.NewNames().Candidates(c); len(got) != 0 {
		t.Error(cmp.Diff(nil, got))
	}
}
