package e2e

import (
	"math/rand/v2"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/oracle"
)

// generator makes files of one kind: lines that are nearly right, in which something odd was put.
// The same seed makes the same files.
type generator struct {
	r    *rand.Rand
	kind searchpack.Kind
}

func newGenerator(kind searchpack.Kind, seed uint64) *generator {
	return &generator{r: rand.New(rand.NewPCG(seed, uint64(len(kind)))), kind: kind} //nolint:gosec // not a secret
}

// odd are pieces at which parsers part: blanks of all sorts, separators, escapes, marks, bytes that
// are no UTF-8.
var odd = []string{
	" ", "  ", "\t", "\v", "\f", "\x1c", "\x01", "\x00", "\x7f", "\u00a0", "\u2003", "\u2007", "\u200b", "\u3000", "\u2028", "\u2029", "\u0085", "\u180e", "\u00ad",
	"\ufeff", ",", ",,", "=>", "=", ">", "=>=>", "#", " # ", "\\", "\\\\", "\\,", "\\=>", "\\ ", "\\u", "\\u0041", "\\n", "\"", "'", "''", "/", "-", "+", "---", "|",
	"é", "e\u0301", "日", "本", "😀", "𐐀", "Ⅷ", "½", "①", "a", "B", "0", "_",
}

// broken are bytes that are no UTF-8; they come seldom, since they decide the whole case.
var broken = []string{"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xe6\x97", "\xf4\x90\x80\x80", "\x80"}

func (g *generator) one(of ...string) string { return of[g.r.IntN(len(of))] }

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.r.IntN(n) == 0 }

func (g *generator) word() string {
	if g.chance(12) {
		return g.one(odd...)
	}
	return g.one("a", "b", "c", "ab", "laptop", "été", "日本", "東京", "세종", "x y", "A", "7", "naïve", "wi-fi", "😀", "c++")
}

// list joins up to most words.
func (g *generator) list(most int, separator string) string {
	words := make([]string, 1+g.r.IntN(most))
	for i := range words {
		words[i] = g.word()
	}
	return strings.Join(words, separator)
}

func (g *generator) arrow() string { return g.one(" => ", "=>", " =>", "=> ", "  =>\t") }

// line is a rule of the kind, mostly a good one.
func (g *generator) line() string {
	if g.chance(10) {
		return g.one("", "", " ", "\t", "#", "# c", " # c", "#a, b", "# a => b", "# =>", "#=> x", "\u3000")
	}
	switch g.kind {
	case searchpack.KindSynonyms:
		if g.chance(2) {
			return g.list(4, g.one(",", ", ", " , "))
		}
		return g.list(3, g.one(",", ", ")) + g.arrow() + g.list(3, g.one(",", ", "))
	case searchpack.KindWordNet:
		return "s(" + g.one("100000001", "100000002", "100000001", "1", "10000000é") + ",1,'" + g.one(g.word(), g.word(), "king''s evil", "", " ", "a'b") + "',n,1,0)."
	case searchpack.KindStemmer:
		return g.list(3, g.one(",", ", ")) + g.arrow() + g.word()
	case searchpack.KindMapping:
		return g.escaped() + g.arrow() + g.escaped()
	case searchpack.KindTypeTable:
		return g.one("$", "%", "a", "é", "\\u0024", "\\u002C", "\\t", "\\\\", g.escaped()) + g.arrow() +
			g.one("LOWER", "UPPER", "ALPHA", "DIGIT", "ALPHANUM", "SUBWORD_DELIM", "DIGIT", "ALPHA", "digit", g.word())
	case searchpack.KindKuromoji:
		return g.kuromoji()
	case searchpack.KindNori:
		return g.nori()
	default:
		return g.word()
	}
}

func (g *generator) escaped() string {
	var b strings.Builder
	for range 1 + g.r.IntN(3) {
		b.WriteString(g.one(g.word(), "a", "ph", "\\u0041", "\\u00e9", "\\ud83d", "\\ude00", "\\n", "\\x", "\\\\", ":)"))
	}
	return b.String()
}

func (g *generator) kuromoji() string {
	segments := make([]string, 1+g.r.IntN(3))
	for i := range segments {
		segments[i] = g.one("東京", "日本", "駅", "a", "b", "😀", g.word())
	}
	text := strings.Join(segments, "")
	readings := make([]string, len(segments))
	for i := range readings {
		readings[i] = g.one("トウキョウ", "ニホン", "エキ", "x")
	}
	if g.chance(12) {
		readings = readings[1:]
	}
	fields := []string{text, strings.Join(segments, g.one(" ", " ", " ", "  ", "\t", "\u3000")), strings.Join(readings, g.one(" ", " ", " ", "  ")), g.one("名詞", "カスタム名詞", "", "n")}
	if g.chance(10) {
		fields = fields[:g.r.IntN(4)]
	}
	for i := range fields {
		if g.chance(10) {
			fields[i] = `"` + fields[i] + g.one(`"`, `"`, `"`, ``, `""`, `""""`)
		}
	}
	return strings.Join(fields, g.one(",", ",", ",", ",", ", "))
}

func (g *generator) nori() string {
	parts := make([]string, g.r.IntN(4))
	for i := range parts {
		parts[i] = g.one("세종", "시", "대한", "민국", "a", "😀", g.word())
	}
	text := strings.Join(parts, "")
	if text == "" || g.chance(5) {
		text = g.one("세종시", "대한민국", "ab", "c++", g.word())
	}
	return strings.Join(append([]string{text}, parts...), g.one(" ", " ", " ", "  ", "\t", "\u3000"))
}

// disturb puts something odd somewhere into the text.
func (g *generator) disturb(s string) string {
	at := 0
	if s != "" {
		at = g.r.IntN(len(s) + 1)
		for at < len(s) && s[at]&0xC0 == 0x80 { // at the beginning of a character
			at++
		}
	}
	put := g.one(odd...)
	switch {
	case g.chance(40):
		put = g.one(broken...)
	case g.chance(150):
		put = strings.Repeat(g.one("x", "é", "日", "x ", "😀"), g.length())
	case g.chance(6) && at < len(s): // take something away instead
		return s[:at] + s[min(len(s), at+1+g.r.IntN(3)):]
	}
	return s[:at] + put + s[at:]
}

// length is one at which something changes: where tokens are cut, sides end, or bytes fit no more.
// Mappings and type tables stay short: their patterns need time in the square of a line without an
// arrow, half a minute for 64 KB of it.
func (g *generator) length() int {
	of := []int{255, 256, 257, 300}
	if g.kind != searchpack.KindMapping && g.kind != searchpack.KindTypeTable {
		of = append(of, 10922, 10923, 16384, 32766, 32767)
	}
	return of[g.r.IntN(len(of))]
}

// file makes a whole file of lines.
func (g *generator) file() string {
	var b strings.Builder
	if g.chance(25) {
		b.WriteString("\ufeff")
	}
	end := g.one("\n", "\n", "\n", "\r\n", "\r")
	for n := g.r.IntN(7); n > 0; n-- {
		line := g.line()
		for g.chance(4) {
			line = g.disturb(line)
		}
		b.WriteString(line)
		if g.chance(15) {
			b.WriteString(g.one("\n", "\r\n", "\r", "\n\n", "\n\r", "\u0085"))
		} else if n > 1 || !g.chance(3) {
			b.WriteString(end)
		}
	}
	return b.String()
}

// cases makes n cases.
func (g *generator) cases(n int) []oracle.Case {
	out := make([]oracle.Case, n)
	for i := range out {
		c := oracle.One(string(g.kind), nil)
		switch g.kind {
		case searchpack.KindHyphen:
			c.Files[0].Content = []byte(g.xml())
		case searchpack.KindHunspell:
			c.Files = []oracle.File{{Name: "x.aff", Content: []byte(g.affixes())}, {Name: "x.dic", Content: []byte(g.affixedWords())}}
			if g.chance(6) {
				c.Files = append(c.Files, oracle.File{Name: "settings.yml", Content: []byte(g.settings())})
			}
		default:
			c.Files[0].Content = []byte(g.file())
		}
		if isSynonyms(c.Kind) {
			c.Analyzer = g.one(oracleAnalyzers...)
			c.NoExpand, c.Lenient = g.chance(4), g.chance(4)
		}
		out[i] = c
	}
	return out
}
