package usage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// index is the state of one open index "i".
func index(analysis, mappings string) string {
	return fmt.Sprintf(`{"metadata":{"indices":{"i":{"state":"open","settings":{"index":{"analysis":%s}},"mappings":%s}}}}`, analysis, mappings)
}

func TestPathSpellings(t *testing.T) {
	t.Parallel()
	tests := []struct{ path, want string }{
		{"analyzers/F123", "F123"},
		{"./analyzers/F123", "F123"},
		{"analyzers//F123/", "F123"},
		{"analyzers/x/../F123", "F123"},
		{"x/../analyzers/./F123", "F123"},
		{"/etc/opensearch/analyzers/F123", "F123"},
		{"/etc/opensearch/x/../analyzers/F123", "F123"},
		{"../opensearch/analyzers/F123", "F123"},
		{" analyzers/F123 ", "F123"},
		{"analyzers/G55", "G55"},
		{"analyzers/pkg-0a1f", "pkg-0a1f"},
		{"other/analyzers/F123", ""}, // another folder below the configuration
		{"analyzers/sub/F123", ""},
		{"analyzers/.searchpack/F123", ""},
		{"analyzers/F123.txt", ""},
		{"analyzers/f123", ""},
		{"analyzers/F12a", ""},
		{"analyzers/pkg-XY", ""},
		{"analyzers/F", ""},
		{"F123", ""},
		{"/analyzersF123", ""},
		{"xanalyzers/F123", ""},
		{"/x/myanalyzers/F123", ""},
		{"analyzers/F1\nanalyzers/F2", ""},
		{"", ""},
	}
	for _, tt := range tests {
		u := parse(t, index(fmt.Sprintf(`{"filter":{"s":{"type":"stop","stopwords_path":%q}}}`, tt.path), "{}"))
		got := ""
		if len(u.Uses) > 0 {
			got = u.Uses[0].PackageID
		}
		if got != tt.want {
			t.Errorf("%q names %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestKeysAndKinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		component, settings string
		key                 string
		kind                searchpack.Kind
		chains              int
	}{
		{"filter", `"type":"synonym","synonyms_path":"analyzers/F1"`, "synonyms_path", searchpack.KindSynonyms, 1},
		{"filter", `"type":"synonym_graph","format":"wordnet","synonyms_path":"analyzers/F1"`, "synonyms_path", searchpack.KindWordNet, 1},
		{"filter", `"type":"common_grams","common_words_path":"analyzers/F1"`, "common_words_path", searchpack.KindWords, 1},
		{"filter", `"type":"stemmer_override","rules_path":"analyzers/F1"`, "rules_path", searchpack.KindStemmer, 1},
		{"filter", `"type":"word_delimiter","type_table_path":"analyzers/F1"`, "type_table_path", searchpack.KindTypeTable, 1},
		{"filter", `"type":"hyphenation_decompounder","hyphenation_patterns_path":"analyzers/F1"`, "hyphenation_patterns_path", searchpack.KindHyphen, 1},
		{"filter", `"type":"hunspell","locale":"en","ref_path":"F1"`, "ref_path", searchpack.KindHunspell, 0},
		{"filter", `"type":"hunspell","locale":"en","ref_path":"analyzers/F1"`, "ref_path", searchpack.KindHunspell, 0},
		{"filter", `"type":"made_by_a_plugin","where":"analyzers/F1"`, "where", searchpack.KindUnknown, 1},
		{"filter", `"type":"made_by_a_plugin","deep":{"list":["x","analyzers/F1"]}`, "deep.list", searchpack.KindUnknown, 1},
		{"char_filter", `"type":"mapping","mappings_path":"analyzers/F1"`, "mappings_path", searchpack.KindMapping, 1},
		{"tokenizer", `"type":"kuromoji_tokenizer","user_dictionary":"analyzers/F1"`, "user_dictionary", searchpack.KindKuromoji, 1},
		{"tokenizer", `"type":"nori_tokenizer","user_dictionary":"analyzers/F1"`, "user_dictionary", searchpack.KindNori, 1},
		{"tokenizer", `"type":"icu_tokenizer","rule_files":"Cyrl:other.rbbi,Latn:analyzers/F1"`, "rule_files", searchpack.KindOpaque, 1},
		{"analyzer", `"type":"german","stopwords_path":"analyzers/F1"`, "stopwords_path", searchpack.KindWords, 1},
		{"analyzer", `"type":"nori","user_dictionary":"analyzers/F1"`, "user_dictionary", searchpack.KindNori, 1},
		{"analyzer", `"type":"made_by_a_plugin","where":"analyzers/F1"`, "where", searchpack.KindUnknown, 0},
	}
	for _, tt := range tests {
		u := parse(t, index(fmt.Sprintf(`{%q:{"x":{%s}}}`, tt.component, tt.settings), "{}"))
		if len(u.Uses) != 1 {
			t.Errorf("%s: %d uses", tt.settings, len(u.Uses))
			continue
		}
		got := u.Uses[0]
		if got.PackageID != "F1" || got.Key != tt.key || got.FileKind != tt.kind || len(got.Chains) != tt.chains || got.Component != tt.component+".x" {
			t.Errorf("%s: got %+v", tt.settings, got)
		}
	}
}

func TestSeveralFilesInOneSetting(t *testing.T) {
	t.Parallel()
	u := parse(t, index(`{"tokenizer":{"x":{"type":"icu_tokenizer","rule_files":"Latn:analyzers/F1,Cyrl:./analyzers/F2"}}}`, "{}"))
	if len(u.Uses) != 2 {
		t.Fatalf("got %+v", u.Uses)
	}
	const want = `{"tokenizer":{"rule_files":"Latn:@@searchpack-path@@,Cyrl:./analyzers/F2","type":"icu_tokenizer"},"text":"searchpack"}`
	if got := u.Uses[0].Chains[0].Body; got != want {
		t.Errorf("chain of F1: %s", got)
	}
}

// The same settings in every form that cluster states come in give the same uses.
func TestFormsOfSettings(t *testing.T) {
	t.Parallel()
	forms := []string{
		`{"index":{"analysis":{"filter":{"s":{"type":"synonym_graph","synonyms_path":"analyzers/F1","updateable":"true"}},"analyzer":{"a":{"tokenizer":"standard","filter":["lowercase","s"]}}}}}`,
		`{"analysis":{"filter":{"s":{"type":"synonym_graph","synonyms_path":"analyzers/F1","updateable":true}},"analyzer":{"a":{"tokenizer":"standard","filter":"lowercase, s"}}}}`,
		`{"index.analysis.filter.s.type":"synonym_graph","index.analysis.filter.s.synonyms_path":"analyzers/F1","index.analysis.filter.s.updateable":"true","index.analysis.analyzer.a.tokenizer":"standard","index.analysis.analyzer.a.filter":["lowercase","s"]}`,
		`{"index.analysis.filter.s":{"type":"synonym_graph","synonyms_path":"analyzers/F1"},"index":{"analysis.filter.s.updateable":"true","analysis":{"analyzer.a":{"tokenizer":"standard","filter.0":"lowercase","filter.1":"s"}}}}`,
		`{"index":{"analysis":{"filter":{"s":{"type":"synonym_graph","synonyms_path":"analyzers/F1","updateable":"true"}},"analyzer":{"a":{"type":"custom","tokenizer":"standard","filter":{"0":"lowercase","1":"s"}}}}}}`,
	}
	var first []searchpack.Use
	for i, f := range forms {
		u := parse(t, `{"metadata":{"indices":{"i":{"settings":`+f+`}}}}`)
		if len(u.Uses) != 1 || len(u.Uses[0].Analyzers) != 1 || !u.Uses[0].HotReload {
			t.Errorf("form %d: got %+v", i, u.Uses)
		}
		// 4: updateable is the string "true" in cluster states, a boolean inline is the same
		for j := range u.Uses {
			for k := range u.Uses[j].Chains {
				u.Uses[j].Chains[k].Body = strings.ReplaceAll(u.Uses[j].Chains[k].Body, `"type":"custom",`, "")
			}
		}
		if first == nil {
			first = u.Uses
		} else if diff := cmp.Diff(first, u.Uses); diff != "" {
			t.Errorf("form %d (-first +this):\n%s", i, diff)
		}
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	const state = `{"metadata":{
	 "component_template":{"component_template":{
	  "filters":{"template":{"settings":{"index":{"analysis":{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1"}}}}}}},
	  "newer":{"template":{"settings":{"index":{"analysis":{"filter":{"s":{"synonyms_path":"analyzers/F2"}}}}},"mappings":{"properties":{"t":{"analyzer":"a"}}}}}}},
	 "index_template":{"index_template":{
	  "one":{"composed_of":["filters"],"template":{"settings":{"index":{"analysis":{"analyzer":{"a":{"tokenizer":"standard","filter":["s"]}}}}},"mappings":{"_doc":{"properties":{"t":{"search_analyzer":"a"}}}}}},
	  "two":{"composed_of":["filters","missing","newer"],"template":{"settings":{"index":{"analysis":{"analyzer":{"a":{"tokenizer":"standard","filter":["s"]}}}}}}},
	  "own":{"composed_of":["newer"],"template":{"settings":{"index":{"analysis":{"filter":{"s":{"synonyms_path":"analyzers/F3"}}}}}}},
	  "none":{"composed_of":["filters"]}}},
	 "templates":{"old":{"settings":{"index":{"analysis":{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1"}}}}}}}}}`
	var got []string
	for _, u := range parse(t, state).Uses {
		got = append(got, fmt.Sprintf("%s %s %s %v %v", u.PackageID, u.UserKind, u.Name, u.Analyzers, u.Fields))
	}
	want := []string{
		"F1 component template filters [] []",
		"F1 index template none [] []",
		"F1 index template one [a] [t (search)]",
		"F1 legacy template old [] []",
		"F2 component template newer [] []",
		"F2 index template two [a] [t (index)]", // the later component wins
		"F3 index template own [] []",           // the template itself wins over its components
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	u := parse(t, index(`{"filter":{"s":{"type":"stop","stopwords_path":"analyzers/F1"}},
	  "normalizer":{"n":{"type":"custom","filter":["s"]}},
	  "analyzer":{"a":{"tokenizer":"standard","filter":["s"]},"n":{"tokenizer":"standard"},"default":{"tokenizer":"standard","filter":["s"]}}}`,
		`{"_doc":{"_meta":{"properties":{"no":{"analyzer":"a"}}},
		 "dynamic_templates":[{"texts":{"mapping":{"search_analyzer":"a","fields":{"raw":{"normalizer":"n"}}}}}],
		 "properties":{"title":{"analyzer":"a","search_quote_analyzer":"a","fields":{"x":{"search_analyzer":"a"}}},
		  "analyzer":{"analyzer":"a"},"other":{"analyzer":"n"},
		  "author":{"properties":{"name":{"normalizer":"n"}}},"parts":{"type":"nested","properties":{"label":{"analyzer":"a"}}}}}}`))
	want := []string{
		"* (index)", "analyzer (index)", "author.name (normalizer)", "dynamic template texts (search)",
		"dynamic template texts.raw (normalizer)", "parts.label (index)", "title (index)", "title (search quote)", "title.x (search)",
	}
	if diff := cmp.Diff(want, u.Uses[0].Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// What cannot be understood is an error, never "nobody uses anything".
func TestNotAState(t *testing.T) {
	t.Parallel()
	for _, state := range []string{
		``, `null`, `{}`, `[]`, `{"metadata":null}`, `{"metadata":{}} trailing`, `{"metadata":{"indices":{"i":{"settings":"x"}}}}`,
		`{"error":{"type":"security_exception","reason":"no"},"status":403}`,
		`{"metadata":{"indices":[]}}`,
		`{"metadata":{"indices":{"i":{"settings":{"index":{"analysis":{"filter":{"s":{"list":[{}]}}}}}}}}}`,
		`{"metadata":{"indices":{"i":{"settings":` + strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat(`}`, 200) + `}}}}`,
	} {
		if u, err := usage.Parse(report(state), nil, at); err == nil {
			t.Errorf("%.60s: no error, %d uses", state, len(u.Uses))
		}
	}
	r := report(`{"cluster_uuid":"c","version":3,"metadata":{}}`)
	for name, change := range map[string]func(*searchpack.UsageReport){
		"other cluster": func(r *searchpack.UsageReport) { r.ClusterUUID = "d" },
		"other version": func(r *searchpack.UsageReport) { r.Version = 4 },
		"newer schema":  func(r *searchpack.UsageReport) { r.Schema = 2 },
	} {
		bad := r
		change(&bad)
		if _, err := usage.Parse(bad, nil, at); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := usage.Parse(r, nil, at); err != nil {
		t.Errorf("an empty cluster is fine: %v", err)
	}
}

func TestHeadOfUsage(t *testing.T) {
	t.Parallel()
	r := searchpack.UsageReport{Schema: 1, ClusterUUID: "c", Term: 2, Version: 3, DutyID: "d", Truncated: true}
	got, err := usage.Parse(r, nil, at)
	want := searchpack.Usage{ClusterUUID: "c", Term: 2, Version: 3, DutyID: "d", Truncated: true, At: at}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	if usage.Users(nil, "F1") != nil {
		t.Error("nobody uses anything before the first usage")
	}
	u := &searchpack.Usage{Uses: []searchpack.Use{{PackageID: "F1", Name: "a"}, {PackageID: "F2"}, {PackageID: "F1", Name: "b"}}}
	if got := usage.Users(u, "F1"); len(got) != 2 || got[0].Name != "a" || got[1].Name != "b" {
		t.Errorf("got %+v", got)
	}
}
