package linelist

import (
	"bytes"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// StemmerOverride reads the rules of the filter stemmer_override, as StemmerOverrideTokenFilterFactory
// and Lucene's StemmerOverrideFilter.Builder do. It is a dict.Reader.
func StemmerOverride(r io.Reader, c *dict.Config) (int64, error) {
	s := &stemmer{seen: newSights()}
	return read(r, c, s, s.seen, noRules)
}

// maxStored is the longest key, in bytes, that BytesRefHash takes.
const maxStored = 32766

type stemmer struct{ seen *sights }

func (s *stemmer) rule(l *line) {
	at := bytes.Index(l.text, arrow)
	if at < 0 {
		l.c.Unfit++
		l.report(stemNoArrow, -1)
		return
	}
	behind := at + len(arrow)
	if second := bytes.Index(l.text[behind:], arrow); second >= 0 {
		l.c.Unfit++
		l.report(stemTwoArrows, behind+second)
		return
	}
	l.checkArrow(at)
	stem := rule.TrimBlanks(l.text[behind:])
	stemAt := behind
	if len(stem) > 0 {
		stemAt += bytes.Index(l.text[behind:], stem)
	}
	ok := true
	switch comma := bytes.IndexByte(stem, ','); {
	case len(stem) == 0:
		ok = false
		l.report(stemEmpty, at)
	case comma >= 0:
		ok = false
		l.report(stemComma, stemAt+comma)
	default:
		if i := trailingComment(stem); i >= 0 {
			l.report(comment, stemAt+i)
		} else if i := innerBlank(stem); i >= 0 {
			l.report(stemBlanks, stemAt+i)
		}
	}
	if ok {
		s.keys(l, at, stem)
	}
}

// keys looks at the keys in text[:end], which a stem follows.
func (s *stemmer) keys(l *line, end int, stem []byte) {
	for from := 0; from <= end; {
		to := end
		if i := bytes.IndexByte(l.text[from:end], ','); i >= 0 {
			to = from + i
		}
		key := rule.TrimBlanks(l.text[from:to])
		if len(key) == 0 {
			l.report(stemNoKey, from)
		} else {
			s.key(l, from+bytes.Index(l.text[from:to], key), key, stem)
		}
		from = to + 1
	}
}

func (s *stemmer) key(l *line, at int, key, stem []byte) {
	if len(key) > maxStored {
		l.reportUnnumbered(stemLongKey, at)
		return
	}
	seen, line := s.seen.word(key, stem, l.number)
	switch seen {
	case same:
		l.report(stemTwice, at, line)
		return
	case another:
		l.report(stemContradiction, at, line)
		return
	case variant:
		l.report(stemVariant, at, line)
	}
	l.entry(key, stem)
	if i := innerBlank(key); i >= 0 {
		l.report(stemBlanks, at+i)
	}
	if bytes.Equal(key, stem) {
		l.report(stemSame, at)
	}
}

var stemmerRules = []*rule.Rule{
	stemNoArrow, stemTwoArrows, stemEmpty, stemComma, stemNoKey, stemLongKey,
	stemContradiction, stemTwice, stemVariant, stemBlanks, stemSame,
}

var (
	stemNoArrow = &rule.Rule{
		ID: "stemmer-override.no-arrow", Severity: searchpack.SeverityError, Title: "no arrow",
		Message: `no "=>" in the rule; OpenSearch refuses the whole file`,
		Remedy:  `write "word => stem", or "word, word => stem"`,
	}
	stemTwoArrows = &rule.Rule{
		ID: "stemmer-override.two-arrows", Severity: searchpack.SeverityError, Title: "more than one arrow",
		Message: `more than one "=>" in one rule; OpenSearch refuses the whole file`,
		Remedy:  `write one rule per line; there is no escape for "=>" as text`,
	}
	stemEmpty = &rule.Rule{
		ID: "stemmer-override.no-stem", Severity: searchpack.SeverityError, Title: "no stem",
		Message: `no stem behind "=>"; OpenSearch refuses the whole file`,
		Remedy:  `write the stem; a word cannot be deleted by a rule (use a list of stop words)`,
	}
	stemComma = &rule.Rule{
		ID: "stemmer-override.stem-comma", Severity: searchpack.SeverityError, Title: "more than one stem",
		Message: `a comma behind "=>": a word has one stem; OpenSearch refuses the whole file`,
		Remedy:  `write one stem; for more than one word use a filter of synonyms`,
	}
	stemNoKey = &rule.Rule{
		ID: "stemmer-override.no-word", Severity: searchpack.SeverityError, Title: "an empty word",
		Message: `an empty word before "=>"; OpenSearch refuses the whole file`,
		Remedy:  `delete the comma too many, or write the missing word`,
	}
	stemLongKey = &rule.Rule{
		ID: "stemmer-override.long-word", Severity: searchpack.SeverityError, Title: "a word that Lucene cannot store",
		Message: `a word of more than 32,766 bytes: Lucene cannot store it, and OpenSearch refuses the whole file without naming a line`,
		Remedy:  `shorten the word; perhaps commas or line ends are missing`,
	}
	stemContradiction = &rule.Rule{
		ID: "stemmer-override.contradiction", Severity: searchpack.SeverityWarning, Title: "two stems for one word",
		Message: `the word has another stem by line %d; the first rule holds, this one is ignored`,
		Remedy:  `delete the word from one of the lines`,
	}
	stemTwice = &rule.Rule{
		ID: "stemmer-override.duplicate", Severity: searchpack.SeverityWarning, Title: "the same rule twice",
		Message: `the word has the same stem by line %d already: here it adds nothing`,
		Remedy:  `delete one of them`,
	}
	stemVariant = &rule.Rule{
		ID: "stemmer-override.variant", Severity: searchpack.SeverityWarning, Title: "words that differ only in case or Unicode form",
		Message: `the word differs from one on line %d only in case or in Unicode form; the filter heeds both`,
		Remedy:  `keep the one that the analyzer gives: in lower case behind the filter lowercase, in composed form (NFC)`,
	}
	stemBlanks = &rule.Rule{
		ID: "stemmer-override.blanks", Severity: searchpack.SeverityWarning, Title: "a blank in a word or stem",
		Message: `a blank inside of a word or stem: no tokenizer that splits at blanks gives such a word, and no search finds such a stem`,
		Remedy:  `write words and stems without blanks; for phrases use a filter of synonyms`,
	}
	stemSame = &rule.Rule{
		ID: "stemmer-override.same", Severity: searchpack.SeverityNote, Title: "a word that is its own stem",
		Message: `the word is its own stem: the rule does nothing but keep the filters behind it from stemming the word`,
		Remedy:  `nothing, if that is meant`,
	}
)
