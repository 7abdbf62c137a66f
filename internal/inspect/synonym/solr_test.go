package synonym_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
)

// read runs a reader over a string; reading one cannot fail. c's findings are new.
func read(t interface{ Fatal(...any) }, r dict.Reader, content string, c dict.Config) *rule.Tally {
	c.Findings = &rule.Tally{}
	if _, err := r(strings.NewReader(content), &c); err != nil {
		t.Fatal(err)
	}
	return c.Findings
}

// brief renders findings as "line:column rule", sorted; errors with an exclamation mark, what most
// analyzers refuse with a question mark. Names are those behind "synonyms." and "wordnet.".
func brief(findings []searchpack.Finding) []string {
	got := []string{}
	marks := map[searchpack.Severity]string{searchpack.SeverityError: "!", searchpack.SeverityMostly: "?"}
	for _, f := range findings {
		name := f.Rule[strings.Index(f.Rule, ".")+1:]
		got = append(got, fmt.Sprintf("%d:%d %s%s", f.Line, f.Column, name, marks[f.Severity]))
	}
	slices.Sort(got)
	return got
}

// wanted is the list that brief makes.
func wanted(s string) []string {
	if s == "" {
		return []string{}
	}
	want := strings.Split(s, "; ")
	slices.Sort(want)
	return want
}

func check(t *testing.T, r dict.Reader, content string, c dict.Config, want string) {
	t.Helper()
	tally := read(t, r, content, c)
	if diff := cmp.Diff(wanted(want), brief(tally.Findings())); diff != "" {
		t.Errorf("%.60q (-want +got):\n%s", content, diff)
	}
	if tally.Errors() != strings.Count(want, "!") {
		t.Errorf("%.60q: %d errors", content, tally.Errors())
	}
}

// TestSolr holds what real OpenSearch nodes answered: an error here is what both the whitespace and
// the standard tokenizer refuse, "eliminated" what the standard tokenizer refuses.
func TestSolr(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		content string
		want    string // findings, separated by "; "
	}{
		{"a, b", ""},
		{"a, b\nc => d\n", ""},
		{"a,,b", ""},
		{", a", "1:1 alone"},
		{"a,", "1:1 alone"},
		{",", "1:1 alone"},
		{"word", "1:1 alone"},
		{"a, ", "1:3 blank!"},
		{" , ", "1:1 blank!; 1:3 blank!"},
		{"   ", "1:1 blank!"},
		{"\t", "1:1 blank!"},
		{"a, b\n\n \nc, d", "3:1 blank!"},
		{"=> a", "1:1 one-sided"},
		{"a =>", "1:1 one-sided"},
		{"a => ", "1:5 blank!"},
		{" => a", "1:1 blank!"},
		{"a =>=> b", ""},
		{"a => b => c", "1:8 two-arrows!"},
		{"=> a => b", ""},
		{"a => b =>", ""},
		{"a => => b", "1:6 two-arrows!"},
		{"a=>b=>c=>d=>e", "1:5 two-arrows!"},
		{"=>", "1:1 one-sided; 1:1 eliminated?"},
		{"# a => b => c", ""},
		{"#", ""},
		{"  # c, d", "1:3 indented-comment"},
		{"  # c", "1:3 indented-comment"},
		{"a, b # c", "1:6 comment"},
		{"a => b\t# c", "1:8 comment"},
		{"a, # c", "1:4 comment"},
		{"a, b #c", "1:6 comment"},
		{"a, #b", ""},
		{"a => #b", ""},
		{"c#, c #, c sharp", ""},
		{"size #5, size five", ""},
		{`a, b \# c`, ""},
		{`a\,b => c`, ""},
		{`a\=>b, c`, ""},
		{`a\=>b => c => d`, "1:12 two-arrows!"},
		{`abc\`, "1:1 alone"},
		{`a\ , b`, ""},
		{`a,\ `, "1:3 blank!"},
		{`\`, "1:1 eliminated?; 1:1 alone"},
		{`\\, a`, "1:1 eliminated?"},
		{`\#a, b`, ""},
		{"---, foo", "1:1 eliminated?"},
		{"foo, +, c++ => x", "1:6 eliminated?"},
		{"a, => b", "1:3 blank!"},
		{"a,=> b", ""},
		{"a =>,", "1:1 one-sided"},
		{"a => ,", "1:5 blank!"},
		{"\u3000, a", "1:1 eliminated?"},
		{"\u00a0, a", "1:1 eliminated?; 1:1 invisible"},
		{"日本, にほん, ニホン", ""},
		{"😀, smile", ""},
		{"Ⅷ, acht", ""},
		{"été, ---", "1:6 eliminated?"},
		{"a\x00b, c", "1:0 nul"},
		{"\x00, a", "1:0 nul; 1:1 blank!"},
		{"\ufeffa, b", "1:1 bom"},
		{"\ufeffa => b => c", "1:1 bom; 1:8 two-arrows!"},
		{"\ufeff# x", "1:1 bom; 1:1 alone"},
		{"\ufeff\na, b", "1:1 bom; 1:1 eliminated?; 1:1 alone"},
		{"a, b\rc => d => e\r\nf, g\n\rh => i => j", "2:8 two-arrows!; 5:8 two-arrows!"},
		{"a, b\u0085c => d", "1:5 invisible"},
		{"a, b\xff\nc, d", "1:5 encoding!"},
		{"a, \xed\xa0\x80b", "1:4 encoding!"},     // an encoded surrogate
		{"a, \xc0\xafb", "1:4 encoding!"},         // overlong
		{"a, b\né => \xe9 => x", "2:6 encoding!"}, // such a line is looked at no further
		{strings.Repeat("x", 32639) + ", b", ""},  // 128 tokens of 255 letters, 127 bytes between them
		{strings.Repeat("x", 32640) + ", b", "1:1 long-term?"},
		{strings.Repeat("xy ", 10000) + "    " + strings.Repeat("xy ", 922) + ", b", ""},
		{strings.Repeat("xy ", 10923) + ", b", "1:1 long-term?"},
		{strings.Repeat("x", 32766+1), "1:1 alone"}, // nothing is mapped to it
		{strings.Repeat("x", 32766+1) + "=>,", "1:1 one-sided"},
		{strings.Repeat("x", 32766+1) + ", b", "1:1 long-term?"},
		{"a => " + strings.Repeat("x", 32766+1), "1:6 long-term?"},
		{strings.Repeat("x", 32766+1) + " => b", ""},
	} {
		check(t, synonym.Solr, c.content, dict.Config{}, c.want)
	}
}

// TestWithin is about what one rule says.
func TestWithin(t *testing.T) {
	t.Parallel()
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("t%d", i)
	}
	group := strings.Join(many, ",")
	for _, c := range []struct{ content, want string }{
		{"a, b, a", "1:7 repeated"},
		{"a, b, a, a", "1:10 repeated; 1:7 repeated"},
		{"a x, b, a \t x", "1:9 repeated"},
		{`a\,b, c, a\,b`, "1:10 repeated"},
		{"a => b, b", "1:9 repeated"},
		{"a, a => b", "1:4 repeated"},
		{"a, b => a, b", ""},
		{"a => a", "1:1 itself"},
		{"a b => a  b", "1:1 itself"},
		{"a => a, b", ""},
		{"a, b => a", ""},
		{"tv => TV", ""},
		{"Tv, tv", "1:5 case"},
		{"ΣΟΦΟΣ, σοφος", "1:8 case"},
		{"a => B, b", "1:9 case"},
		{"caf\u00e9, cafe\u0301", "1:7 form"},
		{"ａｂ, ab", "1:5 form"},
		{"a\u00a0b, a b", "1:2 invisible; 1:6 form"},
		{"Caf\u00c9, cafe\u0301", "1:7 case"},
		{"straße, strasse", ""},
		{"résumé, resume", ""},
		{group, ""},
		{group + ",t7", "1:151 repeated"},
		{group + ",T7,t8", "1:151 case; 1:154 repeated"},
		{strings.Repeat("a,", 500) + "b", "1:11 repeated; 1:3 repeated; 1:5 repeated; 1:7 repeated; 1:9 repeated"},
		{"lap\u00adtop, b", "1:4 invisible"},
		{"a, b\u200b", "1:5 invisible"},
		{"\u202aa, b", "1:1 invisible"},
		{"a\ufeff, b", "1:2 invisible"},
		{"a\u0007, b", "1:2 invisible"},
		{"a\u200db, c", "1:2 invisible"},
		{"می\u200cخواهم, x", ""},
		{"👩\u200d💻, x", ""},
		{"a’b – c, “x”", ""},
		{"Việt Nam, ｖｎ", ""},
		{"\t# x, y", "1:2 indented-comment"},
		{"c #, c sharp", ""},
	} {
		check(t, synonym.Solr, c.content, dict.Config{}, c.want)
	}
}

// TestAnalyzers: a known analyzer decides, and a lenient filter drops what another one refuses.
func TestAnalyzers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		analyzer string
		lenient  bool
		content  string
		want     string
	}{
		{"whitespace", false, "---, foo", ""},
		{"whitespace", false, "\u3000, a", "1:1 no-token!"},
		{"whitespace", false, "\u2003 x, a\n\u2028, b", "2:1 invisible; 2:1 no-token!"},
		{"whitespace", false, "a, ", "1:3 blank!"},
		{"letters", false, "---, foo", "1:1 no-token!"},
		{"letters", false, "foo, bar", ""},
		{"stop:the", false, "the, foo", "1:1 no-token!"},
		{"stop:the", false, "over the moon, foo", "1:1 stacked!"},
		{"stop:the", false, "foo => the", "1:8 no-token!"},
		{"compounds", false, "wi-fi, wlan", "1:1 stacked!"},
		{"compounds", true, "wi-fi, wlan", "1:1 dropped"},
		{"stop:the", true, "the, foo", "1:1 dropped"},
		{"whitespace", true, "a, ", "1:3 dropped"},
		{"", true, "a, ", "1:3 dropped"},
		{"", true, "---, foo", "1:1 dropped"},
		{"", true, "foo, bar", ""},
		{"", true, "a => b => c", "1:8 two-arrows!"},
		{"", true, "a, b\xff", "1:5 encoding!"},
		{"", true, "a, " + strings.Repeat("x", 33000), "1:4 long-term?"},
		{"stop:the", true, "the, " + strings.Repeat("x", 33000), "1:1 dropped"}, // nothing is mapped to it
	} {
		cfg := dict.Config{Lenient: c.lenient}
		if c.analyzer != "" {
			cfg.Analyzer = inspecttest.Analyzer(c.analyzer)
		}
		check(t, synonym.Solr, c.content, cfg, c.want)
	}
	f := read(t, synonym.Solr, "wi-fi, wlan", dict.Config{Analyzer: inspecttest.Analyzer("compounds")}).Findings()[0]
	if !strings.Contains(f.Message, "compounds") {
		t.Errorf("the message does not name the analyzer: %q", f.Message)
	}
}

func TestNoExpand(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 33000)
	for _, c := range []struct{ content, want string }{
		{"a, " + long, ""}, // only the first is stored
		{long + ", a", "1:1 long-term?"},
		{long, "1:1 alone; 1:1 long-term?"}, // mapped to itself
		{"a, b, c\na, c, b", "2:1 duplicate"},
		{"a, b, c\nb, a, c", ""}, // another first: another rule
		{strings.Repeat("a,", 20000) + "b", "1:11 repeated; 1:3 repeated; 1:5 repeated; 1:7 repeated; 1:9 repeated"},
	} {
		check(t, synonym.Solr, c.content, dict.Config{NoExpand: true}, c.want)
	}
}

func TestManyPairs(t *testing.T) {
	t.Parallel()
	group := func(n int, prefix string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%s%d,", prefix, i)
		}
		return b.String()
	}
	check(t, synonym.Solr, group(900, "t"), dict.Config{}, "")
	check(t, synonym.Solr, group(1000, "t"), dict.Config{}, "1:1 many-pairs")
	check(t, synonym.Solr, group(1000, "t")+" => "+group(1000, "u"), dict.Config{}, "1:4891 blank!; 1:1 many-pairs")
	var file strings.Builder
	for i := range 13 {
		file.WriteString(group(900, string(rune('a'+i))+"x") + "\n")
	}
	check(t, synonym.Solr, file.String(), dict.Config{}, "0:0 many-pairs-file")
	check(t, synonym.Solr, file.String(), dict.Config{NoExpand: true}, "")
	check(t, synonym.Solr, group(70000, "t"), dict.Config{}, "1:1 many-pairs; 1:1 not-compared")
}

// TestNormalFile: what people write has no finding.
func TestNormalFile(t *testing.T) {
	t.Parallel()
	check(t, synonym.Solr, `# Explicit rules replace, groups add.
aaafoo => aaabar
bbbfoo => bbbfoo bbbbar
fooaaa,baraaa,bazaaa

GB,gib,gigabyte,gigabytes
MB,mib,megabyte,megabytes
Television, Televisions, TV, TVs   
飞利浦刮胡刀,飞利浦剃须刀  
i-pod, i pod => ipod
sea biscuit, sea biscit => seabiscuit
colour => color
colours => colors
c\,d => e\,f
St. John's, Saint John’s
R&D => research and development
C++, cpp
été => été, estival
Österreich, Austria
ÖBB => Österreichische Bundesbahnen
naïve, naive
`, dict.Config{}, "")
}
