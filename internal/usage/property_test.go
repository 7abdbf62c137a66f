package usage_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack/internal/usage"
)

// settings as flat keys: a random analysis section out of few names, so that they meet.
func drawSettings(t *rapid.T) map[string]any {
	name := rapid.SampledFrom([]string{"lowercase", "a", "b", "c", "d"})
	names := rapid.SliceOfN(name, 0, 4)
	out := map[string]any{}
	for range rapid.IntRange(0, 8).Draw(t, "components") {
		kind := rapid.SampledFrom([]string{"filter", "filter", "filter", "char_filter", "tokenizer", "analyzer", "analyzer", "normalizer"}).Draw(t, "kind")
		p := "analysis." + kind + "." + name.Draw(t, "name") + "."
		out[p+"type"] = rapid.SampledFrom([]string{"custom", "synonym", "stop", "multiplexer", "condition", "english", "synonym_graph"}).Draw(t, "type")
		if rapid.Bool().Draw(t, "path") {
			key := rapid.SampledFrom([]string{"synonyms_path", "stopwords_path", "x_path"}).Draw(t, "key")
			out[p+key] = "analyzers/F" + rapid.SampledFrom([]string{"1", "2"}).Draw(t, "id")
		}
		if rapid.Bool().Draw(t, "parts") {
			out[p+"tokenizer"] = name.Draw(t, "tokenizer")
			out[p+"filter"] = names.Draw(t, "filter")
			out[p+"filters"] = names.Draw(t, "filters")
			out[p+"char_filter"] = names.Draw(t, "char filters")
			out[p+"synonym_analyzer"] = name.Draw(t, "synonym analyzer")
			out[p+"updateable"] = rapid.SampledFrom([]string{"true", "false"}).Draw(t, "updateable")
		}
	}
	return out
}

// render writes the settings with keys in random order, each nested or flat as it comes.
func render(t *rapid.T, flat map[string]any) string {
	if len(flat) == 0 {
		return "{}"
	}
	keys := rapid.Permutation(slices.Sorted(maps.Keys(flat))).Draw(t, "order")
	var parts []string
	groups, order := map[string]map[string]any{}, []string{}
	for _, k := range keys {
		head, rest, nested := strings.Cut(k, ".")
		if !nested || rapid.Bool().Draw(t, "flat") {
			v, _ := json.Marshal(flat[k])
			parts = append(parts, fmt.Sprintf("%q:%s", k, v))
			continue
		}
		if groups[head] == nil {
			groups[head] = map[string]any{}
			order = append(order, head)
		}
		groups[head][rest] = flat[k]
	}
	for _, head := range order {
		parts = append(parts, fmt.Sprintf("%q:%s", head, render(t, groups[head])))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// The order of keys and the form of settings change nothing; sizes stay bounded; a component that
// reads a file always is a use.
func TestOrderAndFormDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		flat := drawSettings(t)
		state := func() string {
			return `{"metadata":{"indices":{"i":{"settings":{"index":` + render(t, flat) + `}}}}}`
		}
		one, err := usage.Parse(report(state()), nil, at)
		if err != nil {
			t.Fatal(err)
		}
		two, err := usage.Parse(report(state()), nil, at)
		if diff := cmp.Diff(one, two); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
		named := 0
		for k := range flat {
			if strings.HasSuffix(k, "_path") {
				named++
			}
		}
		if len(one.Uses) != named {
			t.Fatalf("%d uses of %d names", len(one.Uses), named)
		}
		for _, use := range one.Uses {
			if len(use.Chains) == 0 && !strings.HasPrefix(use.Component, "analyzer.") && !strings.HasPrefix(use.Component, "normalizer.") {
				t.Fatalf("no way to ask about %s", use.Component)
			}
		}
	})
}

// States made to be expensive end quickly, name every use all the same, and say what they lost.
func TestHostileStates(t *testing.T) {
	t.Parallel()
	var deep, wide, circle, long strings.Builder
	for i := range 40 { // each multiplexer names the next one 8 times: 8^40 branches
		fmt.Fprintf(&deep, `"m%d":{"type":"multiplexer","filters":["m%d","m%d","m%d","m%d","m%d","m%d","m%d","m%d"]},`, i, i+1, i+1, i+1, i+1, i+1, i+1, i+1, i+1)
	}
	for i := range 3000 {
		fmt.Fprintf(&wide, `"a%d":{"tokenizer":"standard","filter":["m0","s"]},`, i)
		fmt.Fprintf(&long, `"s%d":{"type":"stop","stopwords_path":"analyzers/F%d"},`, i, i)
		circle.WriteString(`"c","s","c",`)
	}
	tests := []struct {
		name, analysis string
		uses           int
	}{
		{"branches", `{"filter":{` + deep.String() + `"m40":{"type":"multiplexer","filters":["s"]},"s":{"type":"stop","stopwords_path":"analyzers/F1"}},
			"analyzer":{"a":{"tokenizer":"standard","filter":["m0"]}}}`, 1},
		{"circle", `{"filter":{"c":{"type":"multiplexer","filters":["c,s,c","s,c"]},"s":{"type":"stop","stopwords_path":"analyzers/F1"}},
			"analyzer":{"a":{"tokenizer":"standard","filter":[` + strings.TrimSuffix(circle.String(), ",") + `]}}}`, 1},
		{"many analyzers and branches", `{"filter":{` + deep.String() + long.String() + `"s":{"type":"stop","stopwords_path":"analyzers/F1"}},
			"analyzer":{` + strings.TrimSuffix(wide.String(), ",") + `}}`, 3001},
		{"synonym analyzers in a circle", `{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"a"},
			"r":{"type":"synonym","synonyms_path":"analyzers/F1","synonym_analyzer":"b"}},
			"analyzer":{"a":{"tokenizer":"standard","filter":["r","s"]},"b":{"tokenizer":"standard","filter":["s","r"]}}}`, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			u := parse(t, index(tt.analysis, "{}"))
			if len(u.Uses) != tt.uses {
				t.Errorf("%d uses, want %d", len(u.Uses), tt.uses)
			}
			size := 0
			for _, use := range u.Uses {
				for _, c := range use.Chains {
					size += len(c.Body)
				}
				if len(use.Chains) > 64 {
					t.Errorf("%d chains", len(use.Chains))
				}
			}
			if took := time.Since(began); took > 5*time.Second || size > 40<<20 {
				t.Errorf("took %v, %d bytes of chains", took, size)
			}
		})
	}
}

func TestManyFieldsAreCounted(t *testing.T) {
	t.Parallel()
	var props []string
	for i := range 300 {
		props = append(props, fmt.Sprintf(`"f%03d":{"analyzer":"a"}`, i))
	}
	u := parse(t, index(`{"filter":{"s":{"type":"stop","stopwords_path":"analyzers/F1"}},"analyzer":{"a":{"tokenizer":"x","filter":["s"]}}}`,
		`{"_doc":{"properties":{`+strings.Join(props, ",")+`}}}`))
	if f := u.Uses[0].Fields; len(f) != 201 || f[200] != "and 100 more" {
		t.Errorf("%d fields, last %q", len(f), f[len(f)-1])
	}
}
