package usage_test

import (
	"testing"

	"github.com/searchpack/searchpack/internal/usage"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	const whole = `{"tokenizer":"standard","char_filter":["html_strip"],"filter":["lowercase",{"type":"synonym_graph","synonyms_path":"analyzers/F1"},"porter_stem"],"text":"searchpack"}`
	for name, c := range map[string]struct {
		whole, part string
		want        bool
	}{
		"the same":                 {whole, whole, true},
		"another text":             {whole, `{"tokenizer":"standard","char_filter":["html_strip"],"filter":["lowercase",{"type":"synonym_graph","synonyms_path":"analyzers/F1"},"porter_stem"],"text":["a","b"]}`, true},
		"up to a filter":           {whole, `{"tokenizer":"standard","char_filter":["html_strip"],"filter":["lowercase",{"type":"synonym_graph","synonyms_path":"analyzers/F1"}],"text":"searchpack"}`, true},
		"no filter":                {whole, `{"tokenizer":"standard","char_filter":["html_strip"]}`, true},
		"the other way round":      {`{"tokenizer":"standard","filter":["lowercase"]}`, `{"tokenizer":"standard","filter":["lowercase","porter_stem"]}`, false},
		"another path":             {whole, `{"tokenizer":"standard","char_filter":["html_strip"],"filter":["lowercase",{"type":"synonym_graph","synonyms_path":"analyzers/F2"}]}`, false},
		"without a filter between": {whole, `{"tokenizer":"standard","char_filter":["html_strip"],"filter":[{"type":"synonym_graph","synonyms_path":"analyzers/F1"}]}`, false},
		"another tokenizer":        {whole, `{"tokenizer":"whitespace","char_filter":["html_strip"],"filter":["lowercase"]}`, false},
		"without character filter": {whole, `{"tokenizer":"standard","filter":["lowercase"]}`, false},
		"another character filter": {whole, `{"tokenizer":"standard","char_filter":["other"],"filter":["lowercase"]}`, false},
		"a normalizer":             {whole, `{"char_filter":["html_strip"],"filter":["lowercase"]}`, false},
		"a named analyzer":         {`{"analyzer":"x","text":"a"}`, `{"analyzer":"x","text":"b"}`, false},
		"something else in it":     {whole, `{"tokenizer":"standard","char_filter":["html_strip"],"explain":true}`, false},
		"one filter, not a list":   {`{"tokenizer":"standard","filter":["lowercase"]}`, `{"tokenizer":"standard","filter":"lowercase"}`, false},
		"no JSON":                  {whole, `{`, false},
	} {
		if got := usage.Holds(c.whole, c.part); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
