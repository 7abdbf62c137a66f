package e2e

import (
	"fmt"
	"strings"
)

// xml makes hyphenation patterns: elements that the parser knows and others, and in a third of them
// something that is no XML.
func (g *generator) xml() string {
	var b strings.Builder
	if g.chance(30) {
		b.WriteString(g.one("\ufeff", " ", "\n", "x"))
	}
	if g.chance(2) {
		b.WriteString(g.one(`<?xml version="1.0"?>`, `<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version="1.0" encoding="iso-8859-1"?>`,
			`<?xml version="1.1"?>`, `<?xml version='1.0' standalone='yes'?>`, `<?xml version="1.0" encoding="nope"?>`, `<?xml encoding="UTF-8"?>`))
	}
	if g.chance(5) {
		b.WriteString(g.one(`<!DOCTYPE hyphenation-info SYSTEM "hyphenation.dtd">`, `<!DOCTYPE x>`, `<!-- c -->`, `<!DOCTYPE x [<!ENTITY e "a1b">]>`, `<?pi x?>`))
	}
	b.WriteString(g.element("hyphenation-info", 3))
	text := b.String()
	for g.chance(3) {
		text = g.disturbXML(text)
	}
	return text
}

func (g *generator) element(name string, depth int) string {
	var inside strings.Builder
	for range g.r.IntN(4) {
		switch {
		case depth > 0 && g.chance(2):
			inside.WriteString(g.element(g.one("patterns", "patterns", "exceptions", "classes", "hyphen-char", "hyphen-min", "hyphen", "other"), depth-1))
		case g.chance(10):
			inside.WriteString(g.one("&amp;", "&lt;", "&#97;", "&#x65e5;", "<!-- a1b -->", "<![CDATA[a1b]]>", "<?pi?>", "&e;"))
		default:
			inside.WriteString(g.one("a1b ", ".ach4 ", "4b1c", " 1ta", "ta-ble ", "a b\n", "\t", "é1é ", "日2 ", "aA\n", "12 ", ". ", "-"))
		}
	}
	attribute := g.one("", "", "", ` value="-"`, ` value="="`, ` value=""`, ` before="2" after="3"`, ` pre="a" no="b" post="c"`, ` a='"'`)
	if inside.Len() == 0 && g.chance(2) {
		return "<" + name + attribute + "/>"
	}
	return "<" + name + attribute + ">" + inside.String() + "</" + name + ">"
}

func (g *generator) disturbXML(s string) string {
	if g.chance(3) {
		return g.disturb(s)
	}
	at := g.r.IntN(len(s) + 1)
	if g.chance(3) {
		return s[:at] + s[min(len(s), at+1+g.r.IntN(4)):]
	}
	return s[:at] + g.one("<", ">", "&", "</", "/>", "]]>", "\"", "'", "<x>", "</x>", "<!--", "-->", "--", "&#0;", "&#1;", ":", "xmlns=\"\"", "\x01", "=", "%", "<?", "?>", "&x;") + s[at:]
}

// affixes makes a .aff file of options and tables.
func (g *generator) affixes() string {
	var b strings.Builder
	if g.chance(2) {
		b.WriteString("SET " + g.one("UTF-8", "UTF-8", "ISO8859-1", "ISO8859-2", "KOI8-R", "NOPE", "utf-8", "") + "\n")
	}
	if g.chance(3) {
		b.WriteString("FLAG " + g.one("num", "long", "UTF-8", "default", "") + "\n")
	}
	for range g.r.IntN(5) {
		line := g.affixTable()
		for g.chance(8) {
			line = g.disturb(line)
		}
		b.WriteString(line)
	}
	return b.String()
}

func (g *generator) flag() string { return g.one("A", "B", "A", "1", "2", "AB", "é", "65535", "0") }

// affixTable is one option, with the lines that belong to it.
func (g *generator) affixTable() string {
	n := g.r.IntN(3)
	header := n
	if g.chance(8) {
		header = g.r.IntN(4)
	}
	table := func(name string, row func() string) string {
		out := fmt.Sprintf("%s %d\n", name, header)
		for range n {
			out += name + " " + row() + "\n"
		}
		return out
	}
	switch g.r.IntN(12) {
	case 0, 1, 2, 3:
		name, flag := g.one("SFX", "PFX"), g.flag()
		out := fmt.Sprintf("%s %s %s %d\n", name, flag, g.one("Y", "N", "Y", "X"), header)
		for range n {
			row := flag
			if g.chance(20) {
				row = g.flag()
			}
			out += fmt.Sprintf("%s %s %s %s%s %s\n", name, row, g.one("0", "y", "e", "日"), g.one("s", "ies", "0", "é"), g.one("", "", "/"+g.flag()),
				g.one(".", "[^aeiou]y", "y", "[a-z]", "[^", "a]", "(", "", "*", "[]", "日", "a.b"))
		}
		return out
	case 4:
		return table(g.one("ICONV", "OCONV"), func() string { return g.one("a b", "b c", "é e", "a", "a b c", "^a b") })
	case 5:
		return table("AF", g.flag)
	case 6:
		return table("AM", func() string { return g.one("po:noun", "st:x po:verb", "") })
	case 7:
		return table("REP", func() string { return g.one("f ph", "^a b", "a", "a b c", "a_b c") })
	case 8:
		return table("MAP", func() string { return g.one("aá", "a(ss)", "(ss)ß", "a(", "a", "()") })
	case 9:
		return table(g.one("BREAK", "COMPOUNDRULE", "CHECKCOMPOUNDPATTERN"), func() string { return g.one("-", "A*B", "a b", "(1)(2)*", "^-", "") })
	case 10:
		return g.one("COMPOUNDMIN", "COMPOUNDWORDMAX", "MAXNGRAMSUGS", "MAXDIFF", "MAXCPDSUGS") + " " + g.one("1", "3", "0", "-1", "x", "") + "\n"
	default:
		return g.one("TRY abc", "KEY q|a", "WORDCHARS -", "IGNORE ab", "FULLSTRIP", "COMPLEXPREFIXES", "LANG tr_TR", "LANG de", "CHECKSHARPS", "# c", "", "X y",
			"NEEDAFFIX "+g.flag(), "ONLYINCOMPOUND "+g.flag(), "FORBIDDENWORD "+g.flag(), "KEEPCASE "+g.flag(), "CIRCUMFIX "+g.flag(),
			"COMPOUNDFLAG "+g.flag(), "COMPOUNDBEGIN "+g.flag(), "NOSUGGEST "+g.flag(), "WARN "+g.flag(), "SUBSTANDARD "+g.flag(), "NEEDAFFIX") + "\n"
	}
}

// affixedWords makes a .dic file.
func (g *generator) affixedWords() string {
	var b strings.Builder
	b.WriteString(g.one("1", "3", "x", "", "\ufeff2") + "\n")
	for range g.r.IntN(5) {
		line := g.one("foo", "bar", "été", "日本", "a b", "foo\\/bar", "FOO", "", "#c", "\tc", "-")
		if g.chance(2) {
			line += "/" + g.one("A", "B", "AB", "1", "1,2", "2", "é", "65536", "x", "", "0", "A/B")
		}
		line += g.one("", "", "", "\tpo:noun", " po:noun", "\t1", " 1")
		for g.chance(10) {
			line = g.disturb(line)
		}
		b.WriteString(line + g.one("\n", "\n", "\n", "\r\n"))
	}
	return b.String()
}

// settings makes the settings that may lie beside a dictionary.
func (g *generator) settings() string {
	var b strings.Builder
	for range 1 + g.r.IntN(2) {
		b.WriteString(g.one("ignore_case", "ignore_case", "ignore_case", "strict_affix_parsing", "a.b", "'q'", "- a", "# c", "---", "...") +
			g.one(": ", ": ", ": ", ": ", ":", " ") + g.one("true", "false", "True", "yes", "Off", "oN", "maybe", "'true'", "\"no\"", "", "1", "null", "~",
			"[true]", "{c: d}", "[a, [b]]", "&x true", "*x", "true # c", "[a", "a: b") + "\n")
	}
	if text := b.String(); g.chance(5) {
		return g.disturb(text)
	}
	return b.String()
}
