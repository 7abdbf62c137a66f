package linelist

import (
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestMapping(t *testing.T) {
	t.Parallel()
	side := strings.Repeat("x", maxSide)
	run(t, Mapping, map[string]example{
		"rules":                   {"a => b\nc=>d\ne =>", "", "a>b|c>d|e"},
		"no arrow":                {"\nquick", "2:0(1) no-arrow!", ""},
		"blank by Unicode":        {"\u3000\n\u2003\t\n\x1c\nquick", "4:0(1) no-arrow!", ""},
		"last arrow splits":       {"a => b => c", "1:8 two-arrows", "a => b>c"},
		"#":                       {"# => hash\n#=>", "1:1 hash-arrow; 2:1 duplicate!; 2:1 hash-arrow", "#>hash"},
		"nothing":                 {"=> a\n\\u0020 => b", "1:0 nothing!", " >b"},
		"duplicate":               {"a => b\n\n\\u0061 => c", "3:1 duplicate!", "a>b"},
		"escapes":                 {`\\ => \n\t\r\b\f\"\=`, "", "\\>\n\t\r\b\f\"="},
		"letter escapes":          {`\d => x` + "\n" + `x => \1`, "1:1 needless-backslash; 2:6 needless-backslash", "d>x|x>1"},
		"lone backslash":          {`a => b\` + "\n" + `\ => b`, "1:7 lone-backslash!; 2:1 lone-backslash!", ""},
		"short escape":            {`\u004 => b` + "\n" + `é\u => b`, "1:1 short-escape!; 2:2 short-escape!", ""},
		"bad escape":              {`\u00g0 => b` + "\n" + `a => b\u 041`, "1:1 bad-escape!; 2:7 bad-escape!", ""},
		"signs":                   {`\u+041 => b` + "\n" + `\u-041 => c` + "\n" + `\u+-41 => d`, "3:1 bad-escape!", "A>b|\uffbf>c"},
		"digits of other scripts": {"\\u\uff10\uff10\uff14\uff11 => b\n\\u00\uff46\uff26 => c\n\\u00\u0664\u0662 => d", "", "A>b|ÿ>c|B>d"},
		"half of a pair":          {`\ud83d => a` + "\n" + `\ud83e => b`, "", "\ufffd>a|\ufffd>b"},
		"pair is one character":   {"\U0001F600 => a\n" + `\ud83d\ude00 => b`, "2:1 duplicate!", "\U0001F600>a"},
		"longest sides":           {side + " => " + side, "1:0 same", side + ">" + side},
		"left too long":           {side + "é => b", "1:257 long-side!", ""},
		"right too long":          {"a => " + side + "é", "1:262 long-side!", ""},
		"escapes count as one":    {strings.Repeat(`\u0041`, maxSide) + " => b", "", strings.Repeat("A", maxSide) + ">b"},
		"separator on the left":   {"a\u2028b => c\na\u0085b2 =>", "1:1 lost; 1:2 invisible; 2:1 lost; 2:2 invisible", "b>c|b2"},
		"separator on the right":  {"a => b\u2028c\na =>\u2029c\na => b\u2028\u2028", "1:0 line-separator!; 1:7 invisible; 2:0 line-separator!; 2:5 invisible; 3:0 line-separator!; 3:7 invisible", ""},
		"separator at the end":    {"a => b\u2028\nc =>\u0085", "1:7 invisible; 2:5 invisible", "a>b|c"},
		"quotes":                  {`"ä" => "a"` + "\n" + `"ö" => ""` + "\n" + `" => x`, "1:1 quotes; 2:1 quotes", `"ä">"a"|"ö">""|">x`},
		"comment":                 {"a => b # c\nd => #", "1:8 comment", "a>b # c|d>#"},
		"same":                    {`a => \u0061`, "1:0 same", "a>a"},
		"odd arrow":               {"a ==> b", "1:4 odd-arrow", "a =>b"},
	})
}

func TestTypeTable(t *testing.T) {
	t.Parallel()
	run(t, TypeTable, map[string]example{
		"rules":              {"$ => DIGIT\n% => ALPHA\n\\u002C => ALPHANUM\n\\u200D => UPPER\n' => LOWER\na => SUBWORD_DELIM", "", "$>DIGIT|%>ALPHA|,>ALPHANUM|\u200d>UPPER|'>LOWER|a>SUBWORD_DELIM"},
		"empty":              {"", "0:0 no-rules!", ""},
		"only comments":      {"# $ => DIGIT\n\n", "0:0 no-rules!", ""},
		"only what is wrong": {"\xff\n", "1:1 encoding!", ""},
		"no arrow":           {"\n$ DIGIT\n$ => DIGIT\u2028x", "2:0(1) no-arrow!; 3:0(2) no-arrow!; 3:11 invisible", ""},
		"#":                  {"# => DIGIT", "1:1 hash-arrow", "#>DIGIT"},
		"=":                  {"= => ALPHA\n=> => ALPHA", "2:1 not-one!", "=>ALPHA"},
		"not one":            {"=> DIGIT\n$% => DIGIT\n\U0001F600 => ALPHA", "1:1 not-one!; 2:1 not-one!; 3:1 not-one!", ""},
		"unknown types":      {"$ => digit\n% =>\n& => ALPHA # and\n' => ALPHA NUM", "1:6 unknown-type!; 2:5 unknown-type!; 3:6 unknown-type!; 4:6 unknown-type!", ""},
		"escapes":            {`\ => ALPHA` + "\n" + `\u2 => ALPHA` + "\n" + `\uzzzz => ALPHA`, "1:1 lone-backslash!; 2:1 short-escape!; 3:1 bad-escape!", ""},
		"too long":           {strings.Repeat("x", 257) + " => ALPHA", "1:257 long-side!", ""},
		"last holds":         {"$ => DIGIT\n$ => ALPHA\n$ => ALPHA", "2:1 contradiction; 3:1 contradiction", "$>DIGIT|$>ALPHA|$>ALPHA"},
		"default":            {"a => LOWER\nA => UPPER\n0 => DIGIT\n- => SUBWORD_DELIM\né => LOWER", "1:0 default; 2:0 default; 3:0 default; 4:0 default", "a>LOWER|A>UPPER|0>DIGIT|->SUBWORD_DELIM|é>LOWER"},
		"lost":               {"x\u2028$ => DIGIT", "1:1 lost; 1:2 invisible", "$>DIGIT"},
	})
}

// TestUnescape: what was escaped comes back.
func TestUnescape(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringOfN(rapid.Rune(), 0, maxSide/2, -1).Draw(t, "text")
		var escaped strings.Builder
		for _, u := range utf16.Encode([]rune(want)) {
			escaped.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				escaped.WriteByte("0123456789abcdef"[u>>shift&0xF])
			}
		}
		for _, text := range []string{escaped.String(), strings.ReplaceAll(want, `\`, `\\`)} {
			got, _, f, _ := unescape(nil, []byte(text))
			if f != noFault || string(utf16.Decode(got)) != want {
				t.Errorf("unescape(%q) = %q, fault %d; want %q", text, string(utf16.Decode(got)), f, want)
			}
		}
	})
}
