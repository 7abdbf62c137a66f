package linelist

import (
	"bytes"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Nori reads user dictionaries of nori, as NoriTokenizerFactory and Lucene's UserDictionary do: a word,
// then its segments if it is a compound. It is a dict.Reader.
func Nori(r io.Reader, c *dict.Config) (int64, error) {
	n := &nori{seen: newSights()}
	return read(r, c, n, n.seen, noRules)
}

type nori struct{ seen *sights }

func (n *nori) rule(l *line) {
	entry := withoutComment(l.text)
	words := bytes.FieldsFunc(entry, isJavaSpace)
	if len(rule.TrimBlanks(entry)) == 0 || len(words) == 0 {
		return
	}
	word, segments := words[0], words[1:]
	if at := len(entry); at < len(l.text) && at > 0 && !isJavaSpace(rune(entry[at-1])) && l.text[at] == '#' {
		l.report(noriHash, at)
	}
	if i := bytes.IndexByte(word, ','); i >= 0 {
		l.c.Unfit++
		l.report(noriComma, i)
	}
	joined := bytes.Join(segments, []byte(" "))
	switch seen, line := n.seen.exact(word, joined, l.number); seen {
	case same:
		l.report(noriTwice, 0, line)
		return
	case another: // its segments are not even looked at
		l.report(noriContradiction, 0, line)
		return
	}
	length := 0
	for _, s := range segments {
		length += utf16Len(s)
	}
	if length > utf16Len(word) {
		l.c.Unfit++
		l.reportUnnumbered(noriLong, -1)
		return
	}
	l.entry(word, joined)
	if len(segments) > 0 && !bytes.Equal(bytes.Join(segments, nil), word) {
		l.report(noriSegments, -1)
	}
}

// withoutComment mirrors replaceAll("#.*$", "") up to the line separators that a dot does not match.
func withoutComment(text []byte) []byte {
	start, end := toEnd(text)
	i := bytes.IndexByte(text[start:end], '#')
	if i < 0 {
		return text
	}
	if end == len(text) {
		return text[:start+i]
	}
	return append(bytes.Clone(text[:start+i]), text[end:]...)
}

var noriRules = []*rule.Rule{noriLong, noriSegments, noriContradiction, noriTwice, noriHash, noriComma}

var (
	noriLong = &rule.Rule{
		ID: "nori.long-segments", Severity: searchpack.SeverityError, Title: "segments longer than the word",
		Message: `the segments are longer than the word; OpenSearch refuses the whole file without naming a line`,
		Remedy:  `write "word segment segment", where the segments make up the word; write one word per line`,
	}
	noriSegments = &rule.Rule{
		ID: "nori.segments", Severity: searchpack.SeverityWarning, Title: "segments that do not make up the word",
		Message: `the segments do not make up the word: OpenSearch takes their lengths only, and cuts the word's own text by them`,
		Remedy:  `write segments that make up the word`,
	}
	noriContradiction = &rule.Rule{
		ID: "nori.contradiction", Severity: searchpack.SeverityWarning, Title: "two segmentations of one word",
		Message: `the word has another segmentation on line %d; the first line holds, this one is ignored`,
		Remedy:  `delete one of the lines`,
	}
	noriTwice = &rule.Rule{
		ID: "nori.duplicate", Severity: searchpack.SeverityWarning, Title: "the same word twice",
		Message: `the word stands on line %d already: this line adds nothing`,
		Remedy:  `delete one of the lines`,
	}
	noriHash = &rule.Rule{
		ID: "nori.hash", Severity: searchpack.SeverityWarning, Title: `"#" in a word`,
		Message: `"#" begins a comment anywhere in a line: the word ends before it`,
		Remedy:  `a word with "#" cannot be written; put a blank before "#" if it begins a comment`,
	}
	noriComma = &rule.Rule{
		ID: "nori.comma", Severity: searchpack.SeverityWarning, Title: "a comma in the word",
		Message: `the comma is a part of the word: dictionaries of mecab and kuromoji have columns, those of nori have blanks`,
		Remedy:  `write "word", or "word segment segment"`,
	}
)
