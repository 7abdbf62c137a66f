package settings

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func flatOf(t *testing.T, text string) map[string]Value {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	flat, err := Flatten(v)
	if err != nil {
		t.Fatal(err)
	}
	return flat
}

func TestFlatten(t *testing.T) {
	t.Parallel()
	want := map[string]Value{
		"analysis.filter.s.type":   {List: []string{"stop"}},
		"analysis.filter.s.words":  {List: []string{"a", "b"}, IsList: true},
		"analysis.filter.s.n":      {List: []string{"1"}},
		"analysis.filter.s.strict": {List: []string{"true"}},
	}
	for _, text := range []string{
		`{"index":{"analysis":{"filter":{"s":{"type":"stop","words":["a","b"],"n":1,"strict":true,"none":null}}}}}`,
		`{"analysis":{"filter":{"s":{"type":"stop","words":["a","b"],"n":1,"strict":true}}}}`,
		`{"index.analysis.filter.s.type":"stop","index.analysis.filter.s.words.0":"a","index.analysis.filter.s.words.1":"b","analysis.filter":{"s.n":"1","s.strict":"true"}}`,
	} {
		if d := cmp.Diff(want, flatOf(t, text)); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
	for _, v := range []any{"text", map[string]any{"a": []any{map[string]any{}}}, nested(maxDepth + 2)} {
		if _, err := Flatten(v); err == nil {
			t.Errorf("no error for %T", v)
		}
	}
}

// What nested keys are written out to is bounded: a long name above many others is repeated for each.
func TestLongKeys(t *testing.T) {
	t.Parallel()
	inner := map[string]any{}
	for i := range 1000 {
		inner["x"+strconv.Itoa(i)] = "y"
	}
	for n, good := range map[int]bool{100: true, 100_000: false} {
		flat, err := Flatten(map[string]any{"analysis": map[string]any{strings.Repeat("k", n): inner}})
		if (err == nil) != good || good && len(flat) != len(inner) {
			t.Errorf("a name of %d bytes: %d keys, %v", n, len(flat), err)
		}
	}
}

func nested(n int) any {
	var v any = map[string]any{}
	for range n {
		v = map[string]any{"a": v}
	}
	return v
}

func TestItems(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"a", "b"}, Value{List: []string{" a, ,b"}}.Items()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"a,b"}, Value{List: []string{"a,b"}, IsList: true}.Items()); d != "" {
		t.Error(d)
	}
}

func TestFileKind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		component, key, format string
		want                   searchpack.Kind
	}{
		{"synonym", "synonyms_path", "", searchpack.KindSynonyms},
		{"synonym_graph", "synonyms_path", "wordnet", searchpack.KindWordNet},
		{"stop", "stopwords_path", "", searchpack.KindWords},
		{"kuromoji_tokenizer", "user_dictionary", "", searchpack.KindKuromoji},
		{"nori_tokenizer", "user_dictionary", "", searchpack.KindNori},
		{"hunspell", "ref_path", "", searchpack.KindHunspell},
		{"stop", "stopwords", "", searchpack.KindUnknown},
	} {
		if got := FileKind(tt.component, tt.key, tt.format); got != tt.want {
			t.Errorf("%v: %q", tt, got)
		}
	}
}
