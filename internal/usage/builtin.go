package usage

import (
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// builtInLine is the chain inside an analyzer that OpenSearch brings along, for reading synonyms
// through it. The five below are exact (lucene-analysis-common, StandardAnalyzer and so on); what
// is not known here is stood in for.
func builtInLine(name string) line {
	if l, known := builtInLines[name]; known {
		return l
	}
	return line{tokenizer: "standard", filters: []any{"lowercase"}, equivalent: true}
}

var builtInLines = map[string]line{
	"standard":   {tokenizer: "standard", filters: []any{"lowercase"}},
	"default":    {tokenizer: "standard", filters: []any{"lowercase"}},
	"whitespace": {tokenizer: "whitespace"},
	"keyword":    {tokenizer: "keyword"},
	"simple":     {tokenizer: "lowercase"},
	"stop":       {tokenizer: "lowercase", filters: []any{"stop"}},
}

// builtIn reports whether OpenSearch brings along an analyzer of the name, as far as is known here.
func builtIn(name string) bool {
	_, known := builtInLines[name]
	return known
}

// configured is the chain inside an analyzer of a built-in type with settings of its own. Only its
// stop words are looked at: with OpenSearch's instead, rules about other words would seem eliminated.
func (w *walker) configured(x *component) line {
	l := builtInLine(x.get("type"))
	l.equivalent = true
	if stop := w.stopFilter(x); len(stop) > 1 {
		l.filters = append(slices.DeleteFunc(slices.Clone(l.filters), func(f any) bool { return f == "stop" }), stop)
		l.has = x == w.target
	}
	return l
}

// stopFilter reads the stop words of a built-in analyzer: Analysis.parseStopWords is behind both.
func (w *walker) stopFilter(x *component) map[string]any {
	stop := map[string]any{"type": "stop"}
	obj, _ := w.inline(x, x.name).(map[string]any)
	for _, k := range []string{"stopwords", "stopwords_path"} {
		if v, ok := obj[k]; ok {
			stop[k] = v
		}
	}
	return stop
}

// builtIn asks about a file that an analyzer of a built-in type reads (standard, stop, pattern,
// fingerprint, the languages, kuromoji, nori). Such an analyzer cannot go inline, so a component
// with the same reader stands in.
func (w *walker) builtIn(c *component, key string) {
	l := line{tokenizer: "standard", equivalent: true, has: true}
	t := c.get("type")
	switch {
	case key == "stopwords_path":
		l.filters = []any{w.stopFilter(c)}
	case key == "user_dictionary" && strings.Contains(t, "kuromoji"):
		l.tokenizer = map[string]any{"type": "kuromoji_tokenizer", key: searchpack.PathMark}
	case key == "user_dictionary" && strings.Contains(t, "nori"):
		l.tokenizer = map[string]any{"type": "nori_tokenizer", key: searchpack.PathMark}
	default: // an analyzer of a plugin: nothing is known about its readers
		return
	}
	w.emit(l)
}
