package rollout

import (
	"encoding/json"

	"github.com/searchpack/searchpack"
)

// GenericChain is the _analyze body, with PathMark, that reads a file of the kind while no index
// uses it; "" when there is none: hunspell dictionaries are cached for a node's life, and what an
// opaque file is nobody knows. The keys are those of OpenSearch's own factories (facts: 4.1); the
// chain has nothing but what reads the file, so it refuses only what every chain refuses.
func GenericChain(kind searchpack.Kind) string {
	const path = searchpack.PathMark
	filter := func(settings map[string]any) string {
		return analyze(map[string]any{"tokenizer": "whitespace", "filter": []any{settings}})
	}
	tokenizer := func(name string) string {
		return analyze(map[string]any{"tokenizer": map[string]any{"type": name, "user_dictionary": path}})
	}
	switch kind {
	case searchpack.KindSynonyms:
		return filter(map[string]any{"type": "synonym_graph", "synonyms_path": path})
	case searchpack.KindWordNet:
		return filter(map[string]any{"type": "synonym_graph", "format": "wordnet", "synonyms_path": path})
	case searchpack.KindWords, searchpack.KindUnknown:
		return filter(map[string]any{"type": "stop", "stopwords_path": path})
	case searchpack.KindStemmer:
		return filter(map[string]any{"type": "stemmer_override", "rules_path": path})
	case searchpack.KindTypeTable:
		return filter(map[string]any{"type": "word_delimiter_graph", "type_table_path": path})
	case searchpack.KindHyphen:
		return filter(map[string]any{
			"type": "hyphenation_decompounder", "hyphenation_patterns_path": path, "word_list": []string{"search"},
		})
	case searchpack.KindMapping:
		return analyze(map[string]any{
			"tokenizer":   "keyword",
			"char_filter": []any{map[string]any{"type": "mapping", "mappings_path": path}},
		})
	case searchpack.KindKuromoji:
		return tokenizer("kuromoji_tokenizer")
	case searchpack.KindNori:
		return tokenizer("nori_tokenizer")
	}
	return ""
}

// analyze adds a text to a chain. Keys come out sorted, so a body is always the same.
func analyze(body map[string]any) string {
	body["text"] = "searchpack"
	b, err := json.Marshal(body)
	if err != nil {
		panic("a chain of strings cannot be written: " + err.Error())
	}
	return string(b)
}
