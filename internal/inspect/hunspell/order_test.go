package hunspell

import (
	"slices"
	"strings"
	"testing"
)

// Which words Lucene cannot keep was found by running it; the differential tests go on looking.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		affix, words string
		want         []string
	}{
		{"", "foo foo\x1c", []string{"order x.dic:3"}},
		{"", "foo\x01 foo", []string{"order x.dic:3"}},
		{"", "- -\x01bar", []string{"order x.dic:3"}},
		{"", "foo/A foo\x1c", []string{"flag-undefined x.dic:2", "order x.dic:3"}},
		{"", "foo bar\x1c fo\x1co", nil},
		{"", "foo\x1c foo\x1d", nil},
		{"", "ａb 😀b", []string{"order x.dic:3"}},
		{"", "x😀 x\ue000y", []string{"order x.dic:3"}},
		{"", "x😀 yａ z𐐀", nil},
		{"", "日😀 日本 😀", nil},
		{"", "fOO Foo\x01", []string{"order x.dic:3"}},           // Lucene adds Foo
		{"", "Foo\x01 fOO", []string{"order x.dic:3"}},           // the same
		{"", "FOO Foo\x01", nil},                                 // not without flags
		{"", "FOO\x01 foo", nil},                                 // not the same word
		{"IGNORE o\n", "foo foo\x1c", []string{"order x.dic:3"}}, // f, and f with something behind it
		{"ICONV 1\nICONV fo x\n", "foo foo\x1c", nil},            // who knows what becomes of them
		{"IGNORE x\n", "foo foo\x1c", []string{"order x.dic:3"}},
		{"", "a\\\x1eb/S a\\\x1eb", []string{"order x.dic:2"}},
		{"", "foo/S foo foo/S foo", []string{"twice x.dic:4", "twice x.dic:5"}},
		{"LANG tr_TR\n", "ıI Iı\x01", []string{"order x.dic:3"}},
	} {
		words := strings.ReplaceAll(c.words, " ", "\n")
		if got := brief(read(t, "SET UTF-8\n"+c.affix+plain[len("SET UTF-8\n"):], "1\n"+words+"\n", nil)); !slices.Equal(got, c.want) {
			t.Errorf("%q, %q: %q, want %q", c.affix, c.words, got, c.want)
		}
	}
}

func TestRemembersNoMore(t *testing.T) {
	t.Parallel()
	w := newWords()
	w.limit = 0
	for range 2 {
		if !w.add("a", "") {
			t.Error("a word is known although there is no room")
		}
	}
	if fault := w.follow("x😀") + w.follow("xａ"); fault != "" || len(w.beyond) > 0 {
		t.Errorf("%q, %v", fault, w.beyond)
	}
}
