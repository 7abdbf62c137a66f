package usage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

const (
	syn  = `{"synonyms_path":"@@searchpack-path@@","type":"synonym"}`
	stop = `{"stopwords_path":"@@searchpack-path@@","type":"stop"}`
)

// chainTests: the rules of questions about files. F1 is the package asked about.
var chainTests = []struct {
	name, analysis, component string
	want                      []string // "analyzer: body without text", "~" for equivalent
}{
	{
		name: "names of the index first, later filters left out",
		analysis: `{"filter":{"lowercase":{"type":"uppercase"},"s":{"type":"synonym","synonyms_path":"analyzers/F1"}},
		 "tokenizer":{"standard":{"type":"whitespace"}},"char_filter":{"c":{"type":"mapping","mappings":["a => b"]}},
		 "analyzer":{"a":{"tokenizer":"standard","char_filter":["c","html_strip"],"filter":["lowercase","trim","s","stop"]}}}`,
		component: "filter.s",
		want:      []string{`a: {"tokenizer":{"type":"whitespace"},"char_filter":[{"mappings":["a =\u003e b"],"type":"mapping"},"html_strip"],"filter":[{"type":"uppercase"},"trim",` + syn + `]`},
	}, {
		name: "later ones that read it too",
		analysis: `{"filter":{"s":{"type":"stop","stopwords_path":"analyzers/F1"},"o":{"type":"stop","stopwords_path":"analyzers/F2"},"k":{"type":"keep","keep_words_path":"./analyzers/F1"}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["s","o","k","trim"]}}}`,
		component: "filter.s",
		want:      []string{`a: {"tokenizer":"standard","filter":[` + stop + `,{"stopwords_path":"analyzers/F2","type":"stop"},{"keep_words_path":"@@searchpack-path@@","type":"keep"}]`},
	}, {
		name: "char filter: no tokenizer that can fail",
		analysis: `{"char_filter":{"c":{"type":"mapping","mappings_path":"analyzers/F1"}},
		 "analyzer":{"a":{"tokenizer":"x","char_filter":["html_strip","c","c2"],"filter":["trim"]}}}`,
		component: "char_filter.c",
		want:      []string{`a: {"tokenizer":"keyword","char_filter":["html_strip",{"mappings_path":"@@searchpack-path@@","type":"mapping"}]`},
	}, {
		name: "tokenizer",
		analysis: `{"tokenizer":{"t":{"type":"nori_tokenizer","user_dictionary":"analyzers/F1","mode":"mixed"}},
		 "analyzer":{"a":{"tokenizer":"t","char_filter":["html_strip"],"filter":["trim"]}}}`,
		component: "tokenizer.t",
		want:      []string{`a: {"tokenizer":{"mode":"mixed","type":"nori_tokenizer","user_dictionary":"@@searchpack-path@@"},"char_filter":["html_strip"]`},
	}, {
		name: "multiplexer: one chain per branch that holds it",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1"},"m":{"type":"multiplexer","filters":["lowercase, s, stop","trim","s"]}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["asciifolding","m"]}}}`,
		component: "filter.s",
		want: []string{
			`a: {"tokenizer":"standard","filter":["asciifolding","lowercase",` + syn + `]`,
			`a: {"tokenizer":"standard","filter":["asciifolding",` + syn + `]`,
		},
	}, {
		name: "condition inside a multiplexer",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1"},"c":{"type":"condition","filter":["trim","s"],"script":{"source":"true"}},
		 "h2":{"type":"hunspell","ref_path":"analyzers/F1"},"hm":{"type":"multiplexer","filters":["h"]},
	 "m":{"type":"multiplexer","filters":["lowercase, c"]}},"analyzer":{"a":{"tokenizer":"standard","filter":["m"]}}}`,
		component: "filter.s",
		want:      []string{`a: {"tokenizer":"standard","filter":["lowercase","trim",` + syn + `]`},
	}, {
		name: "after a multiplexer of names that every node knows",
		analysis: `{"filter":{"s":{"type":"stop","stopwords_path":"analyzers/F1"},"m":{"type":"multiplexer","filters":["lowercase","trim"]}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["m","s"]}}}`,
		component: "filter.s",
		want:      []string{`a: {"tokenizer":"standard","filter":[{"filters":["lowercase","trim"],"type":"multiplexer"},` + stop + `]`},
	}, {
		name: "after a multiplexer with filters of the index: left out",
		analysis: `{"filter":{"s":{"type":"stop","stopwords_path":"analyzers/F1"},"o":{"type":"trim"},"m":{"type":"multiplexer","filters":["lowercase","o"]}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["m","s"]}}}`,
		component: "filter.s",
		want:      []string{`~a: {"tokenizer":"standard","filter":[` + stop + `]`},
	}, {
		name: "synonym_analyzer of the index: its own chain, before 3.6 that of the filter",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"x"},"f":{"type":"stemmer"}},
		 "analyzer":{"a":{"tokenizer":"ngram","filter":["trim","s"]},"x":{"tokenizer":"whitespace","char_filter":["html_strip"],"filter":["f"]}}}`,
		component: "filter.s",
		want: []string{
			`a since 3.6: {"tokenizer":"whitespace","char_filter":["html_strip"],"filter":[{"type":"stemmer"},` + syn + `]`,
			`a before 3.6: {"tokenizer":"ngram","filter":["trim",` + syn + `]`,
		},
	}, {
		name: "synonym_analyzer of the index, and a refresh that does not know it",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"x","updateable":true}},
		 "analyzer":{"a":{"tokenizer":"ngram","filter":["trim","s"]},"x":{"tokenizer":"whitespace"}}}`,
		component: "filter.s",
		want: []string{
			`a since 3.6: {"tokenizer":"whitespace","filter":[{"synonyms_path":"@@searchpack-path@@","type":"synonym","updateable":"true"}]`,
			`a: {"tokenizer":"ngram","filter":["trim",{"synonyms_path":"@@searchpack-path@@","type":"synonym","updateable":"true"}]`,
		},
	}, {
		name: "synonym_analyzer of OpenSearch's own",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"simple"}},
		 "analyzer":{"a":{"tokenizer":"ngram","filter":["s"]}}}`,
		component: "filter.s",
		want:      []string{`a: {"tokenizer":"lowercase","filter":[` + syn + `]`},
	}, {
		name: "synonym_analyzer of OpenSearch's own that is not known here",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"german"}},
		 "analyzer":{"a":{"tokenizer":"ngram","filter":["s"]}}}`,
		component: "filter.s",
		want:      []string{`~a: {"tokenizer":"standard","filter":["lowercase",` + syn + `]`},
	}, {
		name: "synonym_analyzer with stop words of its own",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"x"}},
		 "analyzer":{"a":{"tokenizer":"ngram","filter":["s"]},"x":{"type":"stop","stopwords":["der"]}}}`,
		component: "filter.s",
		want: []string{
			`~a since 3.6: {"tokenizer":"lowercase","filter":[{"stopwords":["der"],"type":"stop"},` + syn + `]`,
			`a before 3.6: {"tokenizer":"ngram","filter":[` + syn + `]`,
		},
	}, {
		name: "synonym_analyzer of the index with the name of one of OpenSearch's own",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"simple"}},
		 "analyzer":{"a":{"tokenizer":"ngram","filter":["s"]},"simple":{"tokenizer":"whitespace"}}}`,
		component: "filter.s",
		want: []string{
			`a since 3.6: {"tokenizer":"whitespace","filter":[` + syn + `]`,
			`a before 3.6: {"tokenizer":"lowercase","filter":[` + syn + `]`,
		},
	}, {
		name: "a synonym_analyzer that holds the filter itself",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"a"}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["trim","s"]}}}`,
		component: "filter.s",
		want: []string{
			`a since 3.6: {"tokenizer":"standard","filter":["trim",` + syn + `]`,
			`a before 3.6: {"tokenizer":"standard","filter":["trim",` + syn + `]`,
		},
	}, {
		name: "the file is read by the synonym_analyzer: only its own chain",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F2","synonym_analyzer":"x"},"w":{"type":"stop","stopwords_path":"analyzers/F1"}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["s"]},"x":{"tokenizer":"standard","filter":["w"]}}}`,
		component: "filter.w",
		want:      []string{`x: {"tokenizer":"standard","filter":[` + stop + `]`},
	}, {
		name:      "built-in analyzer",
		analysis:  `{"analyzer":{"a":{"type":"english","stopwords_path":"analyzers/F1","stem_exclusion":["x"]}}}`,
		component: "analyzer.a",
		want:      []string{`~a: {"tokenizer":"standard","filter":[` + stop + `]`},
	}, {
		name:      "kuromoji analyzer",
		analysis:  `{"analyzer":{"a":{"type":"kuromoji","user_dictionary":"analyzers/F1"}}}`,
		component: "analyzer.a",
		want:      []string{`~a: {"tokenizer":{"type":"kuromoji_tokenizer","user_dictionary":"@@searchpack-path@@"}`},
	}, {
		name: "normalizer",
		analysis: `{"filter":{"e":{"type":"elision","articles_path":"analyzers/F1"}},
		 "normalizer":{"n":{"type":"custom","char_filter":["html_strip"],"filter":["lowercase","e","trim"]}}}`,
		component: "filter.e",
		want:      []string{`normalizer.n: {"tokenizer":"keyword","char_filter":["html_strip"],"filter":["lowercase",{"articles_path":"@@searchpack-path@@","type":"elision"}]`},
	}, {
		name:      "no analyzer holds it",
		analysis:  `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1"}},"analyzer":{"a":{"tokenizer":"standard","filter":["lowercase"]}}}`,
		component: "filter.s",
		want:      []string{`filter.s: {"tokenizer":"whitespace","filter":[` + syn + `]`},
	}, {
		name: "equal questions once",
		analysis: `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1"}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["s","trim"]},"b":{"tokenizer":"standard","filter":["s"]},"c":{"tokenizer":"keyword","filter":["s"]}}}`,
		component: "filter.s",
		want:      []string{`a: {"tokenizer":"standard","filter":[` + syn + `]`, `c: {"tokenizer":"keyword","filter":[` + syn + `]`},
	}, {
		name: "too much else in the analyzer: the component by itself",
		analysis: `{"filter":{"big":{"type":"stop","stopwords":["` + strings.Repeat("x", 70<<10) + `"]},"s":{"type":"synonym","synonyms_path":"analyzers/F1"}},
		 "analyzer":{"a":{"tokenizer":"standard","filter":["big","s"]}}}`,
		component: "filter.s",
		want:      []string{`~filter.s: {"tokenizer":"whitespace","filter":[` + syn + `]`},
	}, {
		name:      "hunspell is not asked about",
		analysis:  `{"filter":{"h":{"type":"hunspell","ref_path":"analyzers/F1"}},"analyzer":{"a":{"tokenizer":"standard","filter":["h"]}}}`,
		component: "filter.h",
	},
}

func TestChains(t *testing.T) {
	t.Parallel()
	for _, tt := range chainTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var use *searchpack.Use
			for _, u := range parse(t, index(tt.analysis, "{}")).Uses {
				if u.Component == tt.component && u.PackageID == "F1" {
					use = &u
				}
			}
			if use == nil {
				t.Fatalf("no use of %s", tt.component)
			}
			var got []string
			for _, c := range use.Chains {
				eq := ""
				if c.Equivalent {
					eq = "~"
				}
				body, ok := strings.CutSuffix(c.Body, `,"text":"searchpack"}`)
				if !ok {
					t.Errorf("no text: %s", c.Body)
				}
				bound := ""
				if c.Since != "" {
					bound = " since " + c.Since
				}
				if c.Before != "" {
					bound += " before " + c.Before
				}
				got = append(got, eq+c.Analyzer+bound+": "+body)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("chains (-want +got):\n%s", diff)
			}
		})
	}
}

// Tried on 2.19.0 and 3.8.0 (condition: 3.8.0): file changed, refreshed, analyzed through the index.
func TestHotReload(t *testing.T) {
	t.Parallel()
	const filters = `"filter":{"syn":{"type":"synonym_graph","synonyms_path":"analyzers/F1","updateable":"true"},
	 "plain":{"type":"synonym_graph","synonyms_path":"analyzers/F1"},"st":{"type":"stop","stopwords_path":"analyzers/F1"},
	 "synx":{"type":"synonym_graph","synonyms_path":"analyzers/F1","synonym_analyzer":"whitespace","updateable":"true"},
	 "h":{"type":"hunspell","ref_path":"analyzers/F1","updateable":"true"},
	 "h2":{"type":"hunspell","ref_path":"analyzers/F1"},"hm":{"type":"multiplexer","filters":["h"]},
	 "m":{"type":"multiplexer","filters":["lowercase, syn"]},"c":{"type":"condition","filter":["syn"]}},
	 "char_filter":{"cf":{"type":"mapping","mappings_path":"analyzers/F1"}}`
	tests := []struct {
		analyzers, component string
		want                 bool
	}{
		{`"a":{"tokenizer":"standard","filter":["syn"]}`, "filter.syn", true},
		{`"a":{"tokenizer":"standard","filter":["plain"]}`, "filter.plain", false},
		{`"a":{"tokenizer":"standard","filter":["m"]}`, "filter.syn", true},
		{`"a":{"tokenizer":"standard","filter":["c"]}`, "filter.syn", false},
		{`"a":{"tokenizer":"standard","filter":["synx"]}`, "filter.synx", true},
		{`"a":{"tokenizer":"standard","filter":["st","syn"]}`, "filter.st", true}, // the whole analyzer is rebuilt
		{`"a":{"tokenizer":"standard","char_filter":["cf"],"filter":["syn"]}`, "char_filter.cf", true},
		{`"a":{"tokenizer":"standard","filter":["st","syn"]},"b":{"tokenizer":"standard","filter":["st"]}`, "filter.st", false},
		{`"a":{"type":"english","stopwords_path":"analyzers/F1"}`, "analyzer.a", false},
		{`"a":{"tokenizer":"standard","filter":["h"]}`, "filter.h", true},
		{`"a":{"tokenizer":"standard","filter":["h2"]}`, "filter.h2", false},           // kept for the node's life
		{`"a":{"tokenizer":"standard","filter":["h2","syn"]}`, "filter.h2", true},      // reloaded with the analyzer
		{`"a":{"tokenizer":"standard","filter":["hm","syn"]}`, "filter.h", false},      // a multiplexer does not hand it on
		{`"a":{"tokenizer":"standard","filter":["plain","h"]}`, "filter.plain", false}, // not before 3.7
		{`"a":{"tokenizer":"standard"}`, "filter.h", false},
		{`"a":{"tokenizer":"standard"}`, "filter.plain", true}, // nothing is loaded
	}
	for _, tt := range tests {
		for _, use := range parse(t, index(`{`+filters+`,"analyzer":{`+tt.analyzers+`}}`, "{}")).Uses {
			if use.Component == tt.component && use.HotReload != tt.want {
				t.Errorf("%s in %s: hot reload %v", tt.component, tt.analyzers, use.HotReload)
			}
		}
	}
	for _, use := range parse(t, index(`{`+filters+`,"normalizer":{"n":{"type":"custom","char_filter":["cf"]}}}`, "{}")).Uses {
		if use.Component == "char_filter.cf" && use.HotReload {
			t.Error("a normalizer is not reloaded")
		}
	}
}
