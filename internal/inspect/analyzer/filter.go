package analyzer

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filter changes the tokens; sure: it knows what comes out. It does not change the slice it gets.
type filter func(tokens []token) (out []token, sure bool)

// neverParse are the types whose factories throw "cannot be used to parse synonyms" (getSynonymFilter
// in OpenSearch 2.19 and 3.8), neverByName the filters that do so when they are named without being
// defined: OpenSearch makes those in another way (PreConfiguredTokenFilter).
var (
	neverParse = []string{
		"cjk_bigram", "common_grams", "edge_ngram", "edgeNGram", "fingerprint", "multiplexer", "ngram", "nGram", "shingle",
		"word_delimiter", "word_delimiter_graph",
	}
	neverByName = []string{
		"common_grams", "edge_ngram", "edgeNGram", "fingerprint", "keyword_repeat", "ngram", "nGram", "shingle",
		"word_delimiter", "word_delimiter_graph",
	}
)

// refuses reports whether OpenSearch parses no synonyms behind the filter.
func refuses(p part) bool {
	if p.settings == nil {
		return slices.Contains(neverByName, p.name)
	}
	return slices.Contains(neverParse, p.kind())
}

// leftOut are the filters that OpenSearch leaves out when it parses synonyms (IDENTITY_FILTER).
var leftOut = []string{"synonym", "synonym_graph", "dictionary_decompounder", "hyphenation_decompounder"}

// harmless filters change no token that is not empty into an empty one, remove none, add none, and
// leave the text as far as a filter behind them could look at it.
var harmless = []string{"keyword_marker", "flatten_graph", "remove_duplicates", "type_as_payload"}

// rewriting filters make another text of each token, never an empty one.
var rewriting = []string{
	"asciifolding", "cjk_width", "decimal_digit", "reverse", "truncate", "scandinavian_folding", "scandinavian_normalization",
	"german_normalization", "serbian_normalization", "uppercase",
}

// stemming filters make one word of one word. Of signs, or behind an apostrophe, nothing may be left.
var stemming = []string{
	"stemmer", "snowball", "porter_stem", "kstem", "stemmer_override", "arabic_stem", "brazilian_stem", "czech_stem",
	"dutch_stem", "french_stem", "german_stem", "persian_stem", "russian_stem", "classic", "elision", "apostrophe",
	"arabic_normalization", "bengali_normalization", "hindi_normalization", "indic_normalization", "persian_normalization",
	"sorani_normalization",
}

// filter is newFilter, made once of each component.
func (p part) filter(how use) (f filter, texts bool) {
	if p.made == nil {
		return newFilter(p, how)
	}
	if p.made.filters[how] == nil {
		f, texts := newFilter(p, how)
		p.made.filters[how] = &madeFilter{f, texts}
	}
	m := p.made.filters[how]
	return m.filter, m.texts
}

// newFilter returns what the filter does, nil if that is nothing; texts: it looks at texts.
func newFilter(p part, how use) (f filter, texts bool) {
	kind := p.kind()
	switch {
	case how == toParse && slices.Contains(leftOut, kind), slices.Contains(harmless, kind):
		return nil, false
	case how == asItIs && p.get("preserve_original") == "true":
		return unknown, false
	case kind == "lowercase":
		return each(lowercase(p.get("language"))), false
	case slices.Contains(rewriting, kind):
		return each(rewritten), false
	case slices.Contains(stemming, kind):
		return stemmed, true
	}
	switch kind {
	case "trim":
		return trim, true
	case "stop":
		return stop(p), true
	case "keep":
		return keep(p), true
	case "length":
		return length(p), true
	case "limit":
		return limit(p), false
	case "unique":
		if p.get("only_on_same_position") == "true" {
			return nil, false
		}
		return unique, false
	case "pattern_replace":
		if with := p.get("replacement"); with != "" && !strings.ContainsAny(with, `$\`) {
			return each(func(token) token { return token{} }), false
		}
	}
	return unknown, false
}

func unknown([]token) ([]token, bool) { return nil, false }

// each changes every token.
func each(change func(token) token) filter {
	return func(tokens []token) ([]token, bool) {
		out := make([]token, len(tokens))
		for i, t := range tokens {
			changed := change(t)
			changed.gap = t.gap
			out[i] = changed
		}
		return out, true
	}
}

func lowercase(language string) func(token) token {
	return func(t token) token {
		if language != "" { // Turkish, Irish and Greek have rules of their own
			return rewritten(t)
		}
		return token{text: bytes.ToLower(t.text), known: t.known, solid: t.solid}
	}
}

// rewritten is a token of another text. An empty one stays so.
func rewritten(t token) token {
	if t.known && len(t.text) == 0 {
		return t
	}
	return token{solid: t.solid || len(bytes.TrimFunc(t.text, javaWhitespace)) > 0}
}

// trim removes blanks at both ends, which may be all that a token of the keyword tokenizer has.
func trim(tokens []token) ([]token, bool) {
	out := make([]token, len(tokens))
	for i, t := range tokens {
		if !t.known && !t.solid {
			return nil, false
		}
		t.text = bytes.TrimFunc(t.text, javaWhitespace)
		out[i] = t
	}
	return out, true
}

// stemmed knows the fate of words.
func stemmed(tokens []token) ([]token, bool) {
	for _, t := range tokens {
		if !t.known || !plainWord(t.text) {
			return nil, false
		}
	}
	return each(rewritten)(tokens)
}

// plainWord reports a word of letters and digits, of which a stemmer leaves something. Marks, which
// normalizations remove, are neither.
func plainWord(text []byte) bool {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if !unicode.In(r, unicode.L, unicode.Nd) || r == tatweel {
			return false
		}
		i += n
	}
	return len(text) > 0
}

// tatweel is a letter that normalizations remove.
const tatweel = 0x0640

// drop removes the tokens that gone names, and leaves gaps (FilteringTokenFilter). It needs all texts.
func drop(gone func(text []byte) bool) filter {
	return func(tokens []token) ([]token, bool) {
		var out []token
		gap := false
		for _, t := range tokens {
			switch {
			case !t.known:
				return nil, false
			case gone(t.text):
				gap = true
			default:
				t.gap = t.gap || gap
				out, gap = append(out, t), false
			}
		}
		return out, true
	}
}

func length(p part) filter {
	least, most := 0, int(^uint(0)>>1)
	for key, n := range map[string]*int{"min": &least, "max": &most} {
		if s := p.get(key); s != "" {
			v, err := strconv.Atoi(s)
			if err != nil {
				return unknown
			}
			*n = v
		}
	}
	return drop(func(text []byte) bool { n := utf16Len(text); return n < least || n > most })
}

func limit(p part) filter {
	n := 1
	if s := p.get("max_token_count"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1 {
			return unknown
		}
	}
	return func(tokens []token) ([]token, bool) { return tokens[:min(len(tokens), n)], true }
}

// unique removes words that came before, and leaves no gaps.
func unique(tokens []token) ([]token, bool) {
	var out []token
	seen := map[string]bool{}
	for _, t := range tokens {
		if t.known && seen[string(t.text)] {
			continue
		}
		seen[string(t.text)] = seen[string(t.text)] || t.known
		out = append(out, t)
	}
	return out, true
}

// keep keeps words that the index names inline. Those of a file are not known here.
func keep(p part) filter {
	words, ok := p.list("keep_words")
	if _, file := p.settings["keep_words_path"]; !ok || file {
		return unknown
	}
	has := wordSet(words, p.get("keep_words_case") == "true")
	return drop(func(text []byte) bool { return !has(text) })
}
