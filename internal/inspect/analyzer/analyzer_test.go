package analyzer

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/settings"
)

func TestNamed(t *testing.T) {
	t.Parallel()
	const (
		kept  = dict.Kept
		gone  = dict.Eliminated
		other = dict.Unknown
	)
	terms := []string{"wi-fi", "---", "", " a ", "\u3000", "\u00a0", "漢", "😀", "©", "₂", "#\u20e3", "the", "the end", "end of the"}
	for name, want := range map[string][]dict.Fate{
		"standard":   {kept, gone, gone, kept, gone, gone, kept, kept, kept, gone, other, kept, kept, kept},
		"default":    {kept, gone, gone, kept, gone, gone, kept, kept, kept, gone, other, kept, kept, kept},
		"whitespace": {kept, kept, gone, kept, gone, kept, kept, kept, kept, kept, kept, kept, kept, kept},
		"keyword":    {kept, kept, gone, kept, kept, kept, kept, kept, kept, kept, kept, kept, kept, kept},
		"simple":     {kept, gone, gone, kept, gone, gone, kept, gone, gone, gone, gone, kept, kept, kept},
		"stop":       {kept, gone, gone, gone, gone, gone, kept, gone, gone, gone, gone, gone, dict.Stacked, kept},
		"german":     {other, other, other, other, other, other, other, other, other, other, other, other, other, other},
		"letter":     {other, other, other, other, other, other, other, other, other, other, other, other, other, other}, // no analyzer
	} {
		a := Named(name)
		if a.String() != name {
			t.Errorf("%s calls itself %s", name, a)
		}
		for i, term := range terms {
			if got := a.Fate([]byte(term)); got != want[i] {
				t.Errorf("%s: the fate of %q is %d, want %d", name, term, got, want[i])
			}
		}
	}
}

// What the standard tokenizer begins a token with.
func TestStandard(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		term string
		want dict.Fate
	}{
		{"_", dict.Eliminated},
		{"_a", dict.Kept},
		{"ー", dict.Kept}, // Katakana
		{"゛", dict.Kept}, // a sign of Katakana
		{"\uff9e", dict.Eliminated},
		{"〆", dict.Eliminated}, // ideographic, not of the script Han
		{"〇", dict.Kept},       // Han, and a number
		{"⼀", dict.Kept},       // a radical
		{"ひ", dict.Kept},
		{"한", dict.Kept},
		{"ไทย", dict.Kept},
		{"\u0e34", dict.Unknown}, // a Thai mark alone
		{"\u0301", dict.Eliminated},
		{"٣", dict.Kept},
		{"٫", dict.Kept}, // counted as a digit
		{"Ⅷ", dict.Kept},
		{"Ⓐ", dict.Kept},
		{"½", dict.Eliminated},
		{"€", dict.Eliminated},
		{"\u200b", dict.Eliminated},
		{"\ufeff", dict.Eliminated},
		{"☺", dict.Kept},
		{"☆", dict.Eliminated},
		{"🏽", dict.Kept},
		{"🇩🇪", dict.Unknown},
		{"\U00010d00", dict.Eliminated}, // a letter since Unicode 11
		{"\U0001e900", dict.Kept},       // one since 9
		{"\U00017000", dict.Eliminated}, // Tangut: ideographic, not Han
	} {
		if got := Named("standard").Fate([]byte(tt.term)); got != tt.want {
			t.Errorf("the fate of %q (%+q) is %d, want %d", tt.term, tt.term, got, tt.want)
		}
	}
}

// Words of the standard tokenizer, as filters that look at them see them.
func TestStandardWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"the end":        "the|end",
		"wi-fi":          "wi|fi",
		"o'neil's":       "o'neil's",
		"'a'":            "a",
		"a.b 1.5 1,5":    "a.b|1.5|1,5",
		"a.1 1.a a,b":    "a|1|1|a|a|b",
		"a:b 1:2":        "a:b|1|2",
		"_a_ __ a__b_.c": "_a_|a__b_|c",
		"a..b a.":        "a|b|a",
		"!?":             "",
		"ab2c":           "ab2c",
	} {
		var words []string
		for _, tok := range standardASCII([]byte(text), defaultLongest) {
			words = append(words, string(tok.text))
		}
		if got := strings.Join(words, "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLongWords(t *testing.T) {
	t.Parallel()
	long := []byte(strings.Repeat("a", 300))
	c := newChain("", part{name: "standard"}, nil, []part{{name: "stop"}}, toParse)
	if got := c.Fate(long); got != dict.Unknown { // it is cut, and nothing here knows into what
		t.Errorf("the fate of a long word before a stop filter is %d", got)
	}
	if got := Named("standard").Fate(long); got != dict.Kept {
		t.Errorf("the fate of a long word is %d", got)
	}
	if got := Named("keyword").Fate([]byte(strings.Repeat("a", maxTerm+1))); got != dict.Unknown {
		t.Errorf("the fate of a word that Lucene cannot store is %d", got)
	}
}

func define(kind string, more ...string) part {
	p := part{name: "mine", settings: map[string]settings.Value{"type": {List: []string{kind}}}}
	for i := 0; i < len(more); i += 2 {
		p.settings[more[i]] = settings.Value{List: []string{more[i+1]}}
	}
	return p
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tokenizer, term string
		filters         []part
		want            dict.Fate
	}{
		{"whitespace", "The end", []part{{name: "stop"}}, dict.Kept},
		{"whitespace", "The end", []part{{name: "lowercase"}, {name: "stop"}}, dict.Stacked},
		{"whitespace", "The end", []part{define("stop", "ignore_case", "true")}, dict.Stacked},
		{"whitespace", "The", []part{{name: "lowercase"}, {name: "stop"}}, dict.Eliminated},
		{"whitespace", "end the", []part{{name: "stop"}}, dict.Kept},
		{"whitespace", "der Hut", []part{define("stop", "stopwords", "der, die")}, dict.Stacked},
		{"whitespace", "der Hut", []part{define("stop", "stopwords", "_german_")}, dict.Unknown},
		{"whitespace", "the", []part{define("stop", "stopwords", "_none_")}, dict.Kept},
		{"whitespace", "the", []part{define("stop", "stopwords_path", "analyzers/F1")}, dict.Unknown},
		{"standard", "straße", []part{{name: "stop"}}, dict.Unknown}, // its words are not known
		{"standard", "strasse", []part{{name: "asciifolding"}, {name: "stop"}}, dict.Unknown},
		{"standard", "strasse", []part{{name: "asciifolding"}}, dict.Kept},
		{"keyword", " \t", []part{{name: "trim"}}, dict.Eliminated},
		{"keyword", " a", []part{{name: "trim"}}, dict.Kept},
		{"keyword", " \t", []part{{name: "uppercase"}, {name: "trim"}}, dict.Unknown},
		{"standard", "é", []part{{name: "uppercase"}, {name: "trim"}}, dict.Kept},
		{"keyword", " a", []part{{name: "uppercase"}, {name: "trim"}}, dict.Kept},
		{"whitespace", "running", []part{{name: "porter_stem"}}, dict.Kept},
		{"whitespace", "'s", []part{define("stemmer", "language", "possessive_english")}, dict.Unknown},
		{"whitespace", "ـ", []part{{name: "arabic_normalization"}}, dict.Unknown},
		{"whitespace", "ab c", []part{define("length", "min", "2")}, dict.Kept},
		{"whitespace", "a bc", []part{define("length", "min", "2")}, dict.Stacked},
		{"whitespace", "a bc", []part{define("length", "max", "x")}, dict.Unknown},
		{"whitespace", "a", []part{define("length", "max", "0")}, dict.Eliminated},
		{"whitespace", "a b a", []part{{name: "unique"}, {name: "stop"}}, dict.Stacked},
		{"whitespace", "b a", []part{{name: "limit"}, {name: "stop"}}, dict.Kept},
		{"whitespace", "a b", []part{{name: "limit"}, {name: "stop"}}, dict.Eliminated},
		{"whitespace", "a b", []part{define("keep", "keep_words", "b")}, dict.Stacked},
		{"whitespace", "a B", []part{define("keep", "keep_words", "a,b", "keep_words_case", "true")}, dict.Kept},
		{"whitespace", "a", []part{define("keep", "keep_words_path", "x")}, dict.Unknown},
		{"whitespace", "-", []part{define("pattern_replace", "pattern", "-", "replacement", "")}, dict.Unknown},
		{"whitespace", "-", []part{define("pattern_replace", "pattern", "-", "replacement", "x")}, dict.Kept},
		{"whitespace", "a", []part{define("made_by_a_plugin")}, dict.Unknown},
		{"whitespace", "a", []part{define("synonym_graph"), define("dictionary_decompounder")}, dict.Kept},
		{"whitespace", "a", []part{define("asciifolding", "preserve_original", "true")}, dict.Kept},
		{"letter", "a1", nil, dict.Kept},
		{"letter", "11", nil, dict.Eliminated},
		{"letter", "\U00031350", nil, dict.Unknown}, // a letter for newer Javas only
		{"lowercase", "THE", []part{{name: "stop"}}, dict.Eliminated},
		{"pattern", "é-", nil, dict.Eliminated},
		{"pattern", "é-a", nil, dict.Kept},
		{"classic", "a", nil, dict.Kept},
		{"classic", "é", nil, dict.Unknown},
		{"ngram", "a", nil, dict.Unknown},
	} {
		c := newChain("", part{name: tt.tokenizer}, nil, tt.filters, toParse)
		if got := c.Fate([]byte(tt.term)); got != tt.want {
			t.Errorf("%s: the fate of %q is %d, want %d", c, tt.term, got, tt.want)
		}
	}
	whole := newChain("", part{name: "whitespace"}, nil, []part{define("asciifolding", "preserve_original", "true")}, asItIs)
	if got := whole.Fate([]byte("é")); got != dict.Unknown { // two tokens in one place
		t.Errorf("the fate behind a folding filter that keeps the original is %d", got)
	}
	rewritten := newChain("", part{name: "whitespace"}, []part{{name: "html_strip"}}, nil, toParse)
	if got := rewritten.Fate([]byte("<b>")); got != dict.Unknown {
		t.Errorf("the fate behind a character filter is %d", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		filter part
		want   bool
	}{
		{define("word_delimiter_graph"), true}, {define("shingle"), true}, {define("multiplexer"), true},
		{part{name: "ngram"}, true}, {part{name: "keyword_repeat"}, true}, {define("cjk_bigram"), true},
		{part{name: "cjk_bigram"}, false}, // not asked when it is not defined
		{define("stop"), false}, {part{name: "lowercase"}, false},
	} {
		c := newChain("a", part{name: "standard"}, nil, []part{tt.filter}, toParse)
		if got := c.Refused() != ""; got != tt.want {
			t.Errorf("%v is refused: %v", tt.filter, got)
		}
		if tt.want && c.Fate([]byte("a")) != dict.Unknown {
			t.Errorf("%v: a fate behind a filter that is refused", tt.filter)
		}
	}
}

// FuzzFate: no text makes an analyzer panic, and what one says of a text depends on nothing else.
func FuzzFate(f *testing.F) {
	for _, s := range []string{"", "a'b.c_d:e;f,g", "the the", "é\u0301", "\xff", "🇩🇪"} {
		f.Add(s)
	}
	chains := []*Chain{named("standard"), named("stop"), newChain("", part{name: "standard"}, nil, []part{
		{name: "lowercase"}, {name: "unique"}, {name: "stop"}, {name: "porter_stem"},
	}, toParse)}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range chains {
			before := strings.Clone(s)
			fate := c.Fate([]byte(s))
			if s != before || fate != c.Fate([]byte(s)) {
				t.Errorf("%s: another fate of %q", c, s)
			}
			if fate == dict.Kept && utf8.RuneCountInString(s) == 0 {
				t.Errorf("%s keeps nothing", c)
			}
		}
	})
}
