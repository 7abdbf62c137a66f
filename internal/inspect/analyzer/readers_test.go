package analyzer

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
)

const analysis = `{"filter": {
	"syn": {"type": "synonym_graph", "synonyms_path": "analyzers/synonyms.txt", "expand": false, "lenient": "true"},
	"words": {"type": "stop", "stopwords_path": "analyzers/stop.txt"}},
	"analyzer": {"search": {"tokenizer": "whitespace", "filter": ["lowercase", "syn"]}}}`

// Every form of settings says the same.
func TestForms(t *testing.T) {
	t.Parallel()
	flat := `"index.analysis.filter.syn.type":"synonym_graph","index.analysis.filter.syn.synonyms_path":"analyzers/synonyms.txt",
		"index.analysis.filter.syn.expand":"false","index.analysis.filter.syn.lenient":"true",
		"index.analysis.filter.words.type":"stop","index.analysis.filter.words.stopwords_path":"analyzers/stop.txt",
		"index.analysis.analyzer.search.tokenizer":"whitespace","index.analysis.analyzer.search.filter":["lowercase","syn"]`
	for form, tt := range map[string]struct{ document, index string }{
		"analysis":           {`{"analysis":%s}`, ""},
		"settings":           {`{"settings":{"analysis":%s},"mappings":{"properties":{"a":[{"b":1}]}}}`, ""},
		"settings, index":    {`{"settings":{"index":{"analysis":%s}}}`, ""},
		"index":              {`{"index":{"analysis":%s}}`, ""},
		"flat":               {`{` + flat + `}`, ""},
		"settings, flat":     {`{"settings":{` + flat + `}}`, ""},
		"half flat":          {`{"index.analysis":%s}`, ""},
		"GET _settings":      {`{"products":{"settings":{"index":{"number_of_shards":"1","analysis":%s}}}}`, "products"},
		"GET, flat":          {`{"products":{"settings":{` + flat + `}}}`, "products"},
		"GET INDEX":          {`{"products":{"aliases":{},"mappings":{},"settings":{"index":{"analysis":%s}}}}`, "products"},
		"an index of a word": {`{"index":{"settings":{"index":{"analysis":%s}}}}`, ""},
		"GET _index_template": {`{"index_templates":[{"name":"tpl","index_template":{"index_patterns":["a*"],
			"template":{"settings":{"index":{"analysis":%s}}}}}]}`, "tpl"},
		"GET _component_template": {`{"component_templates":[{"name":"tpl","component_template":{"template":{"settings":{"analysis":%s}}}}]}`, "tpl"},
		"GET _template":           {`{"tpl":{"order":0,"index_patterns":["a*"],"settings":{"index":{"analysis":%s}}}}`, "tpl"},
		"PUT _index_template":     {`{"index_patterns":["a*"],"template":{"settings":{"analysis":%s}}}`, ""},
	} {
		got, err := Readers([]byte(strings.ReplaceAll(tt.document, "%s", analysis)), "some/synonyms.txt", "")
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		want := Reader{
			Index: tt.index, Component: "filter.syn", Key: "synonyms_path", Path: "analyzers/synonyms.txt",
			Kind: searchpack.KindSynonyms, NoExpand: true, Lenient: true,
		}
		if len(got) != 1 || got[0].Chain == nil || got[0].Chain.String() != "whitespace, lowercase" || got[0].Chain.Analyzer() != "search" {
			t.Errorf("%s: %v", form, got)
			continue
		}
		got[0].Chain = nil
		if d := cmp.Diff(want, got[0]); d != "" {
			t.Errorf("%s: %s", form, d)
		}
	}
}

// Whoever reads the file is found by its name, or because there is only one file.
func TestWhoReads(t *testing.T) {
	t.Parallel()
	one := `{"analysis":{"filter":{"syn":{"type":"synonym","synonyms_path":"analyzers/F1","format":"wordnet"}}}}`
	for _, tt := range []struct{ document, file, kind, want string }{
		{`{"analysis":` + analysis + `}`, "stop.txt", "", "filter.words (analyzers/stop.txt) words"},
		{`{"analysis":` + analysis + `}`, "other.txt", "words", "filter.words (analyzers/stop.txt) words"},
		{`{"analysis":` + analysis + `}`, "other.txt", "", "several components of the settings read a file, and none reads one that is named other.txt: " +
			"filter.syn in analyzer search (analyzers/synonyms.txt), filter.words (analyzers/stop.txt)"},
		{`{"analysis":` + analysis + `}`, "other.txt", "nori", "no component of the settings reads a file of the kind nori: "},
		{one, "any.txt", "", "filter.syn (analyzers/F1) wordnet"},
		{`{"analysis":{"filter":{"a":{"type":"synonym","synonyms_path":"F1","synonyms":["a,b"]}}}}`, "x", "", "filter.a (F1) words"},
		{`{"analysis":{"tokenizer":{"k":{"type":"kuromoji_tokenizer","user_dictionary":"F1"}}}}`, "x", "", "tokenizer.k (F1) kuromoji"},
		{`{"analysis":{"tokenizer":{"i":{"type":"icu_tokenizer","rule_files":"Latn:a.rbbi,Cyrl:b.rbbi"}}}}`, "b.rbbi", "", "tokenizer.i (b.rbbi) opaque"},
		{`{"analysis":{"filter":{"h":{"type":"hunspell","locale":"en_US"}}}}`, "hunspell/en_US", "", "filter.h (en_US) hunspell"},
		{`{"analysis":{"filter":{"p":{"type":"plugin","thing_path":"a/b"}}}}`, "x", "", "filter.p (a/b) "},
		{`{"a":{"settings":{"analysis":` + analysis + `}},"b":{"settings":{"analysis":` + analysis + `}}}`, "stop.txt", "", "filter.words of a (analyzers/stop.txt) words"},
		{`{"analysis":{"filter":{"s":{"type":"stop"}}}}`, "x", "", "no component of the settings reads a file"},
		{`{}`, "x", "", "there are no analysis settings in it"},
		{`{`, "x", "", "the settings are no JSON"},
		{`{"analysis":{}} {}`, "x", "", "the settings are more than one JSON document"},
	} {
		got, err := Readers([]byte(tt.document), tt.file, searchpack.Kind(tt.kind))
		said := ""
		for _, r := range got {
			said += fmt.Sprint(r, " ", r.Kind)
		}
		if err != nil {
			said = err.Error()
		}
		if !strings.HasPrefix(said, tt.want) || err == nil && said != tt.want {
			t.Errorf("%s, %s %s:\n%s, want\n%s", tt.document, tt.file, tt.kind, said, tt.want)
		}
	}
}

// Each analyzer that gives the filter its terms counts, unless another does the same.
func TestChains(t *testing.T) {
	t.Parallel()
	readers, err := Readers([]byte(`{"analysis":{
		"tokenizer":{"own":{"type":"standard","max_token_length":5}},
		"char_filter":{"strip":{"type":"html_strip"}},
		"filter":{"syn":{"type":"synonym","synonyms_path":"F1"},
			"through":{"type":"synonym","synonyms_path":"F1","synonym_analyzer":"b"},
			"builtin":{"type":"synonym","synonyms_path":"F1","synonym_analyzer":"keyword"},
			"configured":{"type":"synonym","synonyms_path":"F1","synonym_analyzer":"e"},
			"stop":{"type":"stop","stopwords":["x"]}},
		"analyzer":{
			"a":{"tokenizer":"standard","filter":["lowercase","stop","syn","word_delimiter"]},
			"b":{"type":"custom","tokenizer":"own","filter":"shingle,syn"},
			"c":{"tokenizer":"standard","filter":["lowercase","stop","syn"]},
			"d":{"tokenizer":"standard","char_filter":["strip"],"filter":["syn"]},
			"e":{"type":"standard","stopwords":"_english_"},
			"unused":{"tokenizer":"standard"}}}}`), "x", "")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, r := range readers {
		said = append(said, fmt.Sprintf("%s: %s, %s, %q is %d", r.Component, r.Chain.Analyzer(), r.Chain, "x", r.Chain.Fate([]byte("x"))))
	}
	want := []string{
		`filter.builtin: , keyword, "x" is 1`,
		`filter.configured: e, standard, "x" is 0`,
		`filter.syn: a, standard, lowercase, stop, "x" is 2`,
		`filter.syn: b, own, shingle, "x" is 0`,
		`filter.syn: d, standard, strip, "x" is 0`,
		`filter.through: b, own, shingle, syn, "x" is 0`,
	}
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
	if readers[3].Chain.Refused() != "shingle" || readers[5].Chain.Refused() != "" {
		t.Error("shingle is refused where synonyms are parsed behind it, and nowhere else")
	}
}

// Settings made to be walked for ever are refused in no time.
func TestManyAnalyzers(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"analysis":{"filter":{`)
	for i := range 5000 {
		fmt.Fprintf(&b, `"f%d":{"type":"synonym","synonyms_path":"F1"},`, i)
	}
	b.WriteString(`"z":{}},"analyzer":{"a":{"tokenizer":"standard","filter":[`)
	for i := range 5000 {
		fmt.Fprintf(&b, `"f%d",`, i)
	}
	b.WriteString(`"z"]}}}}`)
	if _, err := Readers([]byte(b.String()), "x", ""); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("looked through: %v", err)
	}
}

// A long list of words costs once, however many analyzers have its filter.
func TestManyAnalyzersOfOneList(t *testing.T) { // alone: it looks at the heap
	var b strings.Builder
	b.WriteString(`{"analysis":{"filter":{"syn":{"type":"synonym","synonyms_path":"F1"},"stop":{"type":"stop","stopwords":[`)
	for i := range 20_000 {
		fmt.Fprintf(&b, `"word%d",`, i)
	}
	b.WriteString(`"z"]}},"analyzer":{`)
	for i := range 300 {
		fmt.Fprintf(&b, `"a%d":{"tokenizer":"standard","filter":["stop","syn"]},`, i)
	}
	b.WriteString(`"z":{"tokenizer":"whitespace","filter":["stop","syn"]}}}}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	readers, err := Readers([]byte(b.String()), "x", "")
	runtime.ReadMemStats(&after)
	if err != nil || len(readers) != 2 {
		t.Fatalf("%d readers, %v", len(readers), err)
	}
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 100 {
		t.Errorf("%d MiB for settings of %d KiB", took, b.Len()>>10)
	}
	if got := readers[0].Chain.Fate([]byte("word7")); got != dict.Eliminated {
		t.Errorf("a stop word is %d", got)
	}
}

// FuzzReaders: no document makes it panic, and who is found reads a file.
func FuzzReaders(f *testing.F) {
	f.Add([]byte(`{"analysis":`+analysis+`}`), "synonyms.txt")
	f.Add([]byte(`[{"index":{"index":{"index.analysis.filter..type":[],"analysis.filter.a.synonyms_path":[]}}}]`), "")
	f.Add([]byte(`{"analysis":{"filter":{"a":{"type":["synonym"],"synonyms_path":{"x":1}}},"analyzer":{"a":{"filter":[1]}}}}`), "a/b")
	f.Fuzz(func(t *testing.T, document []byte, name string) {
		readers, err := Readers(document, name, "")
		if err == nil && (len(readers) == 0 || len(readers) > maxReaders) {
			t.Errorf("%d readers", len(readers))
		}
		for _, r := range readers {
			if r.Chain != nil && r.Chain.Fate([]byte("a")) > dict.Stacked {
				t.Errorf("%s: no fate", r)
			}
		}
	})
}
