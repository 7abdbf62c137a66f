package settings

import (
	"strings"

	"github.com/searchpack/searchpack"
)

var kindOfKey = map[string]searchpack.Kind{
	"stopwords_path":            searchpack.KindWords,
	"common_words_path":         searchpack.KindWords,
	"articles_path":             searchpack.KindWords,
	"keywords_path":             searchpack.KindWords,
	"keep_words_path":           searchpack.KindWords,
	"protected_words_path":      searchpack.KindWords,
	"word_list_path":            searchpack.KindWords,
	"type_table_path":           searchpack.KindTypeTable,
	"rules_path":                searchpack.KindStemmer,
	"mappings_path":             searchpack.KindMapping,
	"hyphenation_patterns_path": searchpack.KindHyphen,
	"rule_files":                searchpack.KindOpaque, // ICU break rules
}

// FileKind says what text a component of the type expects in the file that the key names; format is
// its setting of that name. KindUnknown for keys of plugins that are not known here, and for those
// that name no file.
func FileKind(componentType, key, format string) searchpack.Kind {
	switch {
	case componentType == "hunspell":
		return searchpack.KindHunspell
	case key == "synonyms_path" && format == "wordnet":
		return searchpack.KindWordNet
	case key == "synonyms_path":
		return searchpack.KindSynonyms
	case key == "user_dictionary" && strings.Contains(componentType, "kuromoji"):
		return searchpack.KindKuromoji
	case key == "user_dictionary" && strings.Contains(componentType, "nori"):
		return searchpack.KindNori
	}
	return kindOfKey[key]
}
