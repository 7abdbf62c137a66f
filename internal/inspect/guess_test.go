package inspect

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func TestGuess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, content string
		kind          searchpack.Kind
		confidence    int
	}{
		{"nothing", "", "", 0},
		{"blank lines and comments", "# a, b\n\n  \n", "", 0},
		{"groups", "# x\na, b\n\nc, d", searchpack.KindSynonyms, formed},
		{"arrows", "laptop => notebook\nphone => mobile", searchpack.KindSynonyms, formed},
		{"a wrong arrow", "a => b => c", searchpack.KindSynonyms, formed},
		{"half of the lines", "a, b\nword", searchpack.KindSynonyms, doubting},
		{"a word at the end", numbered("left%d, right%d\n", sniffed/4) + "word", searchpack.KindSynonyms, doubting},
		{"words", "the\nand\nor", searchpack.KindWords, likely},
		{"words with a comma", "the\nand\nor, not", searchpack.KindWords, doubting},
		{"wordnet", "s(100000001,1,'wood',n,1,0).\ns(100000001,2,'forest',n,1,0).", searchpack.KindWordNet, certain},
		{"wordnet with a slip", "s(100000001,1,'wood',n,1,0).\ns(100000001,2,'forest',n,1,0).\ns(1,'x').", searchpack.KindWordNet, doubting},
		{"type table", "$ => DIGIT\n\\u200D => ALPHANUM\n\\# => ALPHA", searchpack.KindTypeTable, formed},
		{"mapping", "\"ä\" => \"ae\"\n\"ö\" => \"oe\"", searchpack.KindMapping, likely},
		{"mapping of punctuation", "、 => ,\n, => .\n=> => implies\n& => and", searchpack.KindMapping, likely},
		{"mapping of letters and punctuation", "ä => ae\nß => ss\nö => oe\n, => .", searchpack.KindSynonyms, likely},
		{"a symbol among groups", "& => and\nlaptop, notebook", searchpack.KindSynonyms, formed},
		{"a symbol in a group", "---, foo", searchpack.KindSynonyms, formed},
		{"nothing behind an arrow", "a => b\nc =>", searchpack.KindSynonyms, formed},
		{"type table with a slip", "$ => DIGIT\n@ => ALPHA\n% => digit", searchpack.KindTypeTable, doubting},
		{"kuromoji with a slip", "東京,東京,トウキョウ,名詞\n大阪,大阪,オオサカ,名詞\n京都,京都", searchpack.KindKuromoji, doubting},
		{"kuromoji", "東京スカイツリー,東京 スカイツリー,トウキョウ スカイツリー,カスタム名詞\n", searchpack.KindKuromoji, likely},
		{"Japanese synonyms", "東京,とうきょう,トウキョウ,Tokyo\n", searchpack.KindSynonyms, formed},
		{"nori", "세종시 세종 시\n서울시 서울 시\n", searchpack.KindNori, likely},
		{"nori, mostly words alone", "c++\nC샤프\n세종\n세종시 세종 시\n", searchpack.KindNori, likely},
		{"Korean words and phrases", "세종시 세종 시\n서울 시청\n부산 역\n", searchpack.KindWords, likely},
		{"hyphenation", "<?xml version=\"1.0\"?>\n<!DOCTYPE hyphenation-info SYSTEM \"hyphenation.dtd\">", searchpack.KindHyphen, certain},
		{"another XML", "<?xml version=\"1.0\"?><words/>", searchpack.KindHyphen, doubting},
		{"affixes", "SET UTF-8\nTRY esianrt\nSFX D Y 1\nSFX D 0 d e", searchpack.KindHunspell, likely},
		{"affixed words", "3\nhello\nwalk/SD\ntry/B", searchpack.KindHunspell, likely},
		{"a mark", "\ufeffa, b", searchpack.KindSynonyms, formed},
		{"binary", "\x00\x01\x80,\xff,\n\x00,\xfe", searchpack.KindOpaque, formed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			res := inspect(t, c.content, "")
			if res.Kind != c.kind || res.Confidence != c.confidence {
				t.Errorf("guessed %q, %d %%; want %q, %d %%", res.Kind, res.Confidence, c.kind, c.confidence)
			}
			if res.Failed() && res.Confidence < searchpack.SureConfidence {
				t.Errorf("a guess that is not sure refuses the file: %v", res.Findings)
			}
		})
	}
}

// What is declared counts, then what indices make of the file, then the guess.
func TestWhoSaysTheKind(t *testing.T) {
	t.Parallel()
	const content = "a => b => c"
	for _, c := range []struct {
		declared, learnt, want searchpack.Kind
		fails                  bool
	}{
		{"", "", searchpack.KindSynonyms, true},
		{"", searchpack.KindWords, searchpack.KindWords, false},
		{searchpack.KindMapping, searchpack.KindSynonyms, searchpack.KindMapping, false},
		{searchpack.KindSynonyms, searchpack.KindMapping, searchpack.KindSynonyms, true},
	} {
		res, err := Dictionary(strings.NewReader(content), Options{Declared: c.declared, Learnt: c.learnt})
		if err != nil {
			t.Fatal(err)
		}
		if res.Kind != c.want || res.Failed() != c.fails || res.Declared != (c.declared != "") || res.Learnt != (c.declared == "" && c.learnt != "") {
			t.Errorf("declared %q, learnt %q: %+v", c.declared, c.learnt, res)
		}
	}
}

// A doubtful guess says so in each finding.
func TestDoubtIsSaid(t *testing.T) {
	t.Parallel()
	f := inspect(t, "a => b => c\nword\n", "").Findings[0]
	if !strings.Contains(f.Message, "if the file is of the kind solr-synonyms") || !strings.Contains(f.Remedy, "searchpack-kind") || f.Severity != searchpack.SeverityWarning {
		t.Errorf("%+v", f)
	}
}

// The remedy names a command that the reader has: lint only where lint was run.
func TestDoubtNamesTheCommand(t *testing.T) {
	t.Parallel()
	for declareBy, want := range map[string]string{"": "or push --kind", "lint --kind": "or lint --kind"} {
		res, err := Dictionary(strings.NewReader("a => b => c\n"), Options{DeclareBy: declareBy})
		if err != nil || len(res.Findings) == 0 || strings.Count(res.Findings[0].Remedy, want) != 1 || strings.Contains(res.Findings[0].Remedy, "lint") != (declareBy != "") {
			t.Errorf("%q: %v %+v", declareBy, err, res.Findings)
		}
	}
}
