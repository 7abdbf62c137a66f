package linelist

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

func TestKuromoji(t *testing.T) {
	t.Parallel()
	const tree = "東京スカイツリー,東京 スカイツリー,トウキョウ スカイツリー,名詞"
	run(t, Kuromoji, map[string]example{
		"rule":                  {"# text,segments\n" + tree, "", "東京スカイツリー>東京 スカイツリー,トウキョウ スカイツリー,名詞"},
		"quotes":                {`"1,000円","1,000円",セン,名詞`, "", `1,000円>1,000円,セン,名詞`},
		"double quotes":         {`"""","""",x,y`, "", `"">"",x,y`},
		"quotes of last column": {`a,a,a,"n,m"`, "", `a>a,a,"n,m"`},
		"unbalanced":            {"\n\"a,a,a,n", "2:0(1) quotes!", ""},
		"duplicate":             {tree + "\n\n# x\n" + tree, "4:1(3) duplicate!", "東京スカイツリー>東京 スカイツリー,トウキョウ スカイツリー,名詞"},
		"duplicate unquoted":    {"a,a,a,n\n\"a\",x", "2:1 duplicate!", "a>a,a,n"},
		"few columns":           {"\na,a,a", "2:0 columns!", ""},
		"one column":            {"a", "1:0 columns!", ""},
		"readings":              {"ab,a b,x,n\ncd,cd,x y,n\nef,e f, x y,n", "1:8 readings!; 2:7 readings!; 3:8 readings!", ""},
		"segments":              {"ab,a c,x y,n\ncd,c\u3000d,x,n", "1:4 segments!; 2:4 segments!", ""},
		"many spaces":           {"ab,a   b ,x y,n", "", "ab>a   b ,x y,n"},
		"tab is no space":       {"ab,a\tb,x,n", "", "ab>a\tb,x,n"},
		"blank behind a comma":  {"ab, ab, x, n", "1:4 empty-segment", "ab> ab, x, n"},
		"all empty":             {",,,", "1:1 no-text", ">,,"},
		"blank segments":        {", , ,n", "1:1 no-text", "> , ,n"},
		"no reading":            {"a,a,,n", "", "a>a,,n"},
		"no part of speech":     {"a,a,x,", "1:0 no-pos", "a>a,x,"},
		"more columns":          {"a,a,x,n,m", "1:9 more-columns", "a>a,x,n,m"},
		"blanks in the text":    {"a b,a b,x y,n", "1:2 blanks", "a b>a b,x y,n"},
		"# and arrow":           {"# => x\n# => x", "1:1 hash-arrow; 2:1 hash-arrow", ""},
		"# and arrow, quotes":   {`# => "`, "1:1 hash-arrow", ""},
		"# and a separator":     {"# =>\u2028a", "1:0 columns!; 1:1 hash-arrow; 1:5 invisible", ""},
		"# and one at the end":  {"# =>,,,\u2028", "1:0 columns!; 1:1 hash-arrow; 1:8 invisible", ""},
		"control characters":    {"\x01\n\x02", "2:1 duplicate!", ""},
	})
}

func TestNori(t *testing.T) {
	t.Parallel()
	run(t, Nori, map[string]example{
		"rules":                      {"세종\n세종시 세종 시\n# 시", "", "세종|세종시>세종 시"},
		"too long":                   {"\n세종 세종 시", "2:0 long-segments!", ""},
		"pairs count as two":         {"\U00010400 ab\n\U00010401 abc", "1:0 segments; 2:0 long-segments!", "\U00010400>ab"},
		"shorter":                    {"세종시 세종", "1:0 segments", "세종시>세종"},
		"comment":                    {"세종 # a b c d e\nc# d", "2:2 hash", "세종|c"},
		"duplicate":                  {"a\na # x\na b c", "2:1 duplicate; 3:1 contradiction", "a"},
		"duplicate is not looked at": {"ab a b\nab abc\nab ab c", "2:1 contradiction; 3:1 contradiction", "ab>a b"},
		"comma":                      {"세종,,,NNP", "1:3 comma", "세종,,,NNP"},
		"# and arrow":                {"# => a b c", "1:1 hash-arrow", ""},
		"separator":                  {"# =>\u2028a b c", "1:0 long-segments!; 1:1 hash-arrow; 1:5 invisible", ""},
		"separator behind #":         {"a #\u2028", "1:0 segments; 1:4 invisible", "a>\u2028"},
		"wide blank":                 {"ab\u3000a b", "1:0 segments", "ab\u3000a>b"},
		"control characters":         {"\x01", "", ""},
	})
}

func TestSplitSpaces(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "[]", " ": "", "  ": "", "a": "[a]", " a": "[][a]", "a  b ": "[a][b]", "a\tb": "[a\tb]", "  a  ": "[][a]",
	} {
		var got strings.Builder
		for _, p := range splitSpaces([]byte(in)) {
			got.WriteString("[" + string(p) + "]")
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("splitSpaces(%q) (-want +got):\n%s", in, diff)
		}
	}
}

// TestKuromojiVersions: only newer plugins compare lines that begin with "#".
func TestKuromojiVersions(t *testing.T) {
	t.Parallel()
	for text, errors := range map[string][3]int{ // of any version, 2.19, 3.8
		"# => x\n# => x":   {0, 0, 1},
		"# => \"":          {0, 0, 1},
		"# => \"\u2028a":   {1, 1, 1},
		"a,a,x,n\na,a,x,n": {1, 1, 1},
	} {
		for i, version := range []string{"", "2.19.0", "3.8.0"} {
			c := &dict.Config{Findings: &rule.Tally{}}
			c.OpenSearch, _ = target.Parse(version) // the zero version is any
			if _, err := Kuromoji(strings.NewReader(text), c); err != nil || c.Findings.Errors() != errors[i] {
				t.Errorf("%q on %q: %d errors, %v", text, version, c.Findings.Errors(), err)
			}
		}
	}
}
