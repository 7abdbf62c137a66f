package synonym

import (
	"strings"
	"testing"
)

// TestJavaBlank: what a whitespace tokenizer of OpenSearch 2.19.0 and 3.8.0 made nothing of, and
// what it made a term of.
func TestJavaBlank(t *testing.T) {
	t.Parallel()
	for _, r := range " \t\n\v\f\r\x1c\x1d\x1e\x1f\u1680\u2000\u2006\u2008\u200a\u2028\u2029\u205f\u3000" {
		if !javaBlank(r) {
			t.Errorf("%U is no blank", r)
		}
	}
	for _, r := range "a\x00\x1b\u0085\u00a0\u00ad\u180e\u2007\u200b\u202f\u2060\ufeff" {
		if javaBlank(r) {
			t.Errorf("%U is a blank", r)
		}
	}
}

func TestHasWord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a", "-7", "é", "日", "ひ", "한", "١", "Ⅷ", "ⓐ", "😀", "ก", "__x"} {
		if !hasWord([]byte(text)) {
			t.Errorf("%q has no word", text)
		}
	}
	for _, text := range []string{"", "-", "+ &", "_", "\u0301", "、", "\u00a0", "\ufeff", "\U000E0041", "\U000F0000", "→", "€"} {
		if hasWord([]byte(text)) {
			t.Errorf("%q has a word", text)
		}
	}
}

func TestJoined(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0}, {" \u3000 ", 0}, {"a", 1}, {"a  b", 3}, {" é\u3000b ", 4}, {"a\u00a0b", 4},
		{strings.Repeat("x", 255), 255}, {strings.Repeat("x", 256), 257}, {strings.Repeat("é", 510), 1021},
		{strings.Repeat("😀", 128), 512}, {strings.Repeat("😀", 129), 517},
	} {
		if got := joined([]byte(c.text)); got != c.want {
			t.Errorf("%.20q: %d bytes, want %d", c.text, got, c.want)
		}
	}
}

func TestMean(t *testing.T) {
	t.Parallel()
	w := newSpeller()
	for in, want := range map[string]string{
		"a": "a", "a b": "a b", "a  b": "a b", " a": "a", "a ": "a", "a\tb": "a b", "a\u3000\u2003b": "a b", "a\x00b": "a b",
		"\x00a\x00\x00": "a", "": "", " ": "", "\u3000": "", "A b": "A b", "a\u00a0b": "a\u00a0b", "é  日本 ": "é 日本", "a\x01b": "a\x01b",
	} {
		if got, _, _ := w.mean([]byte(in)); string(got) != want {
			t.Errorf("%q means %q, want %q", in, got, want)
		}
	}
}

func TestSpell(t *testing.T) {
	t.Parallel()
	w := newSpeller()
	spell := func(s string) spelled { return w.spell([]byte(s)) }
	for _, c := range []struct {
		a, b              string
		exact, form, fold bool // which of the hashes are equal
	}{
		{"a b", "a  b", true, true, true},
		{"a", "b", false, false, false},
		{"Ab", "aB", false, false, true},
		{"ab", "AB", false, false, true},
		{"\u00e9", "e\u0301", false, true, true},
		{"\u00c9", "e\u0301", false, false, true},
		{"ａ", "a", false, true, true},
		{"\u212a", "k", false, false, true}, // the Kelvin sign
		{"σ", "ς", false, false, true},
		{"é", "e", false, false, false},
		{"ﬁ", "fi", false, true, true},
		{"カ", "ｶ", false, true, true},
		{"か", "カ", false, false, false},
	} {
		a, b := spell(c.a), spell(c.b)
		if (a.exact == b.exact) != c.exact || (a.form == b.form) != c.form || (a.fold == b.fold) != c.fold {
			t.Errorf("%q and %q: exact %v, form %v, fold %v", c.a, c.b, a.exact == b.exact, a.form == b.form, a.fold == b.fold)
		}
		differs := a.fingerprint() ^ b.fingerprint()
		if c.fold && (differs == 0) != c.exact || differs >= 1<<spellingBits {
			t.Errorf("%q and %q: fingerprints differ by %x", c.a, c.b, differs)
		}
	}
	if spell(" \u3000").exact != 0 || spell("plain").fingerprint() != 0 {
		t.Error("blanks have a hash, or a term in lower case a fingerprint")
	}
}
