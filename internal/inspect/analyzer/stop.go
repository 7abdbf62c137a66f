package analyzer

import (
	"bytes"
	"strings"
)

// englishStop is what "_english_" stands for (EnglishAnalyzer.ENGLISH_STOP_WORDS_SET). The lists of
// other languages are not known here.
const englishStop = "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with"

// stop removes stop words. It knows those that stand in the settings.
func stop(p part) filter {
	words, ok := p.list("stopwords")
	if _, file := p.settings["stopwords_path"]; file && !ok { // inline words go before a file
		return unknown
	}
	if !ok {
		words = []string{"_english_"}
	}
	var all []string
	for _, w := range words {
		switch w = strings.TrimSpace(w); {
		case w == "_english_":
			all = append(all, strings.Fields(englishStop)...)
		case w == "_none_":
		case len(w) > 1 && w[0] == '_' && w[len(w)-1] == '_':
			return unknown
		default:
			all = append(all, w)
		}
	}
	return drop(wordSet(all, p.get("ignore_case") == "true"))
}

// wordSet is a set of words; without case both the words and what is looked up are taken in lower
// case.
func wordSet(words []string, ignoreCase bool) func(text []byte) bool {
	set := map[string]bool{}
	for _, w := range words {
		if ignoreCase {
			w = strings.ToLower(w)
		}
		set[w] = true
	}
	return func(text []byte) bool {
		if ignoreCase {
			text = bytes.ToLower(text)
		}
		return set[string(text)]
	}
}
