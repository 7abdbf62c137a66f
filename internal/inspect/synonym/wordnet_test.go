package synonym_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
)

// s is a line of WordNet: a set and a term.
func s(set int, term string) string { return fmt.Sprintf("s(%d,1,'%s',n,1,0).\n", 100000000+set, term) }

func TestWordNet(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 33000)
	for _, c := range []struct{ content, want string }{
		{"", ""},
		{s(1, "a") + s(1, "b"), ""},
		{s(1, "a") + s(2, "b"), ""}, // sets of one are usual
		{s(1, "o''clock") + s(1, "x"), ""},
		{s(1, "it's") + s(1, "x"), "1:1 odd-line"},
		{s(1, "a") + "\n" + s(1, "b"), "2:1 short!"},
		{"s(10000000\n", "1:1 short!"},
		{"s(100000001\n", "1:1 quotes!"},
		{"% comment line\n", "1:1 quotes!"},
		{"% it's a comment\n", "1:1 quotes!"},
		{"% 'a' comment\n", "1:1 odd-line"},
		{"s(😀😀😀😀", "1:1 short!"}, // ten characters of Java's
		{"s(😀😀😀😀😀", "1:1 quotes!"},
		{s(1, "") + s(1, "b"), "1:16 empty-term!"},
		{s(1, " ") + s(1, "b"), "1:16 eliminated?"},
		{s(1, "\x00") + s(1, "b"), "1:0 nul; 1:16 eliminated?"},
		{s(1, "-") + s(1, "b"), "1:16 eliminated?"},
		{s(1, "a\u200b") + s(1, "b"), "1:17 invisible"},
		{s(1, "a") + s(1, "b") + s(1, " a"), "3:16 repeated"},
		{s(1, "a") + s(2, "a"), ""},
		{s(1, "a") + s(2, "b") + s(1, "c") + s(1, "d"), "3:1 scattered"},
		{"s(1,1,'a',n,1,0).\ns(1,2,'b',n,1,0).\n", "1:3 id; 2:3 id"},
		{"s(1000000011,1,'a',n,1,0).\n", "1:3 id"},
		{"\ufeff" + s(1, "a"), "1:1 bom"},
		{"s(100000001,1,'caf\xe9',n,1,0).\n", "1:19 encoding!"},
		{s(1, long), ""}, // nothing is mapped to it
		{s(1, long) + s(2, "a"), ""},
		{s(1, long) + s(1, "a"), "1:16 long-term?"},
		{s(1, "a") + s(1, long) + s(1, long+"y"), "2:16 long-term?; 3:16 long-term?"},
		{strings.Repeat(s(1, "a"), 9), "2:16 repeated; 3:16 repeated; 4:16 repeated; 5:16 repeated; 6:16 repeated"},
		{"s(100000001,1,'" + strings.Repeat("x", 1<<20) + "',n,1,0).", "1:1 long-line"},
	} {
		check(t, synonym.WordNet, c.content, dict.Config{}, c.want)
	}
}

func TestWordNetAnalyzers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 33000)
	for _, c := range []struct {
		cfg     dict.Config
		content string
		want    string
	}{
		{dict.Config{Analyzer: inspecttest.Analyzer("whitespace")}, s(1, "-") + s(1, "b"), ""},
		{dict.Config{Analyzer: inspecttest.Analyzer("whitespace")}, s(1, " ") + s(1, "b"), "1:16 no-token!"},
		{dict.Config{Analyzer: inspecttest.Analyzer("compounds")}, s(1, "wi-fi") + s(1, "b"), "1:16 stacked!"},
		{dict.Config{Lenient: true}, s(1, "") + s(1, "b"), "1:16 dropped"},
		{dict.Config{Lenient: true}, s(1, "-") + s(1, "b"), "1:16 dropped"},
		{dict.Config{Lenient: true}, "\n" + s(1, "b"), "1:1 short!"},
		{dict.Config{Lenient: true}, s(1, "") + s(1, long), "1:16 dropped"}, // alone
		{dict.Config{NoExpand: true}, s(1, "a") + s(1, long), ""},
		{dict.Config{NoExpand: true}, s(1, long) + s(1, "a"), "1:16 long-term?"},
		{dict.Config{NoExpand: true}, s(1, long), ""},
	} {
		check(t, synonym.WordNet, c.content, c.cfg, c.want)
	}
}

func TestWordNetManyPairs(t *testing.T) {
	t.Parallel()
	set := func(id, n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(s(id, fmt.Sprintf("t%d", i)))
		}
		return b.String()
	}
	check(t, synonym.WordNet, s(1, "x")+set(2, 1000), dict.Config{}, "2:0 many-pairs")
	check(t, synonym.WordNet, set(2, 1000), dict.Config{NoExpand: true}, "")
	var file strings.Builder
	for i := range 13 {
		file.WriteString(set(i, 900))
	}
	check(t, synonym.WordNet, file.String(), dict.Config{}, "0:0 many-pairs-file")
}
