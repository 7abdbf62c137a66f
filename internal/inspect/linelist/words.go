package linelist

import (
	"bytes"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Words reads word lists: stop words, keywords, words to keep, protected words, articles, common words
// and the words of decompounders. Nothing that is UTF-8 is refused (Analysis.parseWords, getWordSet).
// It is a dict.Reader.
func Words(r io.Reader, c *dict.Config) (int64, error) {
	w := &words{seen: newSights()}
	return read(r, c, w, w.seen, noRules)
}

type words struct{ seen *sights }

// maxToken is the length, in characters, at which the tokenizers of Lucene cut a token.
const maxToken = 255

// namedSets are the sets that Analysis.NAMED_STOP_WORDS knows.
var namedSets = map[string]bool{
	"_arabic_": true, "_armenian_": true, "_basque_": true, "_bengali_": true, "_brazilian_": true,
	"_bulgarian_": true, "_catalan_": true, "_czech_": true, "_danish_": true, "_dutch_": true,
	"_english_": true, "_estonian_": true, "_finnish_": true, "_french_": true, "_galician_": true,
	"_german_": true, "_greek_": true, "_hindi_": true, "_hungarian_": true, "_indonesian_": true,
	"_irish_": true, "_italian_": true, "_latvian_": true, "_lithuanian_": true, "_norwegian_": true,
	"_persian_": true, "_portuguese_": true, "_romanian_": true, "_russian_": true, "_sorani_": true,
	"_spanish_": true, "_swedish_": true, "_thai_": true, "_turkish_": true,
}

func (w *words) rule(l *line) {
	word := l.text
	l.entry(word, nil)
	if len(word) > maxToken && utf16Len(word) > maxToken {
		l.report(wordLong, 0)
	}
	if !plainWord(word) {
		w.odd(l, word)
	}
	switch seen, line := w.seen.word(word, nil, l.number); seen {
	case same, another:
		l.report(wordDuplicate, 0, line)
	case variant:
		l.report(wordVariant, 0, line)
	}
}

// plainWord reports that there is nothing but ASCII letters and digits, as in most lines of most files.
func plainWord(word []byte) bool {
	for _, c := range word {
		if c|0x20 < 'a' && (c < '0' || c > '9') || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

// odd looks for what was surely meant otherwise.
func (w *words) odd(l *line, word []byte) {
	if at := bytes.IndexByte(word, '|'); at == 0 || at > 0 && word[at-1] <= ' ' {
		l.report(wordSnowball, at)
	} else if at := synonymsSign(word); at >= 0 {
		l.c.Unfit++
		l.report(wordSynonyms, at)
	} else if at := trailingComment(word); at >= 0 {
		l.report(comment, at)
	} else if at := innerBlank(word); at >= 0 {
		l.report(wordBlanks, at)
	} else if len(word) > 2 && word[0] == '_' && word[len(word)-1] == '_' {
		if namedSets[string(word)] {
			l.report(wordSet, 0, word)
		} else {
			l.report(wordNoSet, 0, rule.Shown(word))
		}
	}
}

// synonymsSign returns where an arrow or a comma stands that is not between digits, -1 if nowhere.
func synonymsSign(word []byte) int {
	if i := bytes.Index(word, arrow); i >= 0 {
		return i
	}
	digit := func(i int) bool { return i >= 0 && i < len(word) && word[i] >= '0' && word[i] <= '9' }
	for i, c := range word {
		if c == ',' && (!digit(i-1) || !digit(i+1)) {
			return i
		}
	}
	return -1
}

var wordRules = []*rule.Rule{
	wordSynonyms, wordSnowball, wordBlanks, wordLong, wordSet, wordNoSet, wordDuplicate, wordVariant,
}

var (
	wordSynonyms = &rule.Rule{
		ID: "words.synonyms", Severity: searchpack.SeverityWarning, Title: "a comma or an arrow in a word",
		Message: `a comma or "=>" in a list of words: the whole line is one word, which no tokenizer gives`,
		Remedy:  `write one word per line; if this is a file of synonyms, declare it: searchpack-kind = solr-synonyms`,
	}
	wordSnowball = &rule.Rule{
		ID: "words.bar", Severity: searchpack.SeverityWarning, Title: `"|" begins no comment`,
		Message: `"|" begins a comment in Snowball's lists of stop words, but not here: the whole line is one word`,
		Remedy:  `delete "|" and what is behind it, or begin the line with "#"`,
	}
	wordBlanks = &rule.Rule{
		ID: "words.blanks", Severity: searchpack.SeverityWarning, Title: "a blank in a word",
		Message: `a blank inside of a word: the whole line is one word, which no tokenizer that splits at blanks gives`,
		Remedy:  `write one word per line`,
	}
	wordLong = &rule.Rule{
		ID: "words.long", Severity: searchpack.SeverityWarning, Title: "a word longer than a token",
		Message: `a word of more than 255 characters: tokenizers cut what is longer, so that it never matches`,
		Remedy:  `shorten or delete it; perhaps line ends are missing`,
	}
	wordSet = &rule.Rule{
		ID: "words.set", Severity: searchpack.SeverityNote, Title: "the name of a set",
		Message: `%s stands for a whole set of stop words, if the file is used as stopwords_path or common_words_path; elsewhere it is a word as any other`,
		Remedy:  `nothing, if that is meant`,
	}
	wordNoSet = &rule.Rule{
		ID: "words.no-such-set", Severity: searchpack.SeverityWarning, Title: "no name of a set",
		Message: `%q looks like the name of a set of stop words, but there is none of this name: it is taken as a word`,
		Remedy:  `write a name that OpenSearch knows, in lower case, such as _english_, or the words themselves`,
	}
	wordDuplicate = &rule.Rule{
		ID: "words.duplicate", Severity: searchpack.SeverityWarning, Title: "the same word twice",
		Message: `the word stands on line %d already: this line adds nothing`,
		Remedy:  `delete one of the lines`,
	}
	wordVariant = &rule.Rule{
		ID: "words.variant", Severity: searchpack.SeverityWarning, Title: "words that differ only in case or Unicode form",
		Message: `the word differs from the one on line %d only in case or in Unicode form; ` +
			`with ignore_case, or behind the filter lowercase, upper case adds nothing`,
		Remedy: `keep the one that the analyzer gives: in lower case behind the filter lowercase, in composed form (NFC)`,
	}
)
