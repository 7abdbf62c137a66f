package linelist

import (
	"bytes"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Kuromoji reads user dictionaries of kuromoji, as KuromojiTokenizerFactory does, which looks for
// unbalanced quotes and duplicates in all lines first, and then Lucene's UserDictionary, whose messages
// name no line. It is a dict.Reader.
func Kuromoji(r io.Reader, c *dict.Config) (int64, error) {
	k := &kuromoji{seen: newSights()}
	return read(r, c, k, k.seen, noRules)
}

type kuromoji struct{ seen *sights }

// columns of a line.
const (
	kuromojiText = iota
	kuromojiSegments
	kuromojiReadings
	kuromojiPOS
	kuromojiColumns
)

func (k *kuromoji) rule(l *line) {
	columns, at := parseCSV(l.text)
	start, end := toEnd(l.text)
	hash := len(l.text) > 0 && l.text[0] == '#'
	older := hash && l.c.OpenSearch.Before(3, 0) // such plugins look at lines that begin with "#" as little as UserDictionary
	if columns == nil && !(older && start == 0) {
		l.c.Unfit++
		l.report(kuroQuotes, -1)
		return
	}
	if !older {
		if seen, line := k.seen.exact(columns[0], nil, l.number); seen != fresh {
			l.report(kuroDuplicate, 0, line)
			return
		}
	}
	if hash || len(l.text) == 0 { // "# =>": UserDictionary drops it, up to a line separator
		if start == 0 && end == len(l.text) {
			return
		}
		if start == 0 {
			columns = [][]byte{l.text[end:]}
		}
	}
	if len(columns) < kuromojiColumns {
		l.c.Unfit++
		l.reportUnnumbered(kuroColumns, -1, len(columns))
		return
	}
	surface, segments := columns[kuromojiText], columns[kuromojiSegments]
	s, r := splitSpaces(segments), splitSpaces(columns[kuromojiReadings])
	if len(s) != len(r) {
		l.reportUnnumbered(kuroReadings, at[kuromojiReadings], len(r), len(s))
		return
	}
	if !bytes.Equal(withoutSpaces(surface), withoutSpaces(segments)) {
		l.reportUnnumbered(kuroSegments, at[kuromojiSegments])
		return
	}
	if l.c.Entry != nil {
		l.entry(surface, bytes.Join(columns[kuromojiSegments:], []byte(",")))
	}
	k.odd(l, columns, at, s)
}

// odd looks for what was surely meant otherwise.
func (k *kuromoji) odd(l *line, columns [][]byte, at []int, segments [][]byte) {
	if len(columns[kuromojiText]) == 0 {
		l.report(kuroNoText, 0)
		return
	}
	if len(columns) > kuromojiColumns {
		l.report(kuroMore, at[kuromojiColumns])
	}
	if len(rule.TrimBlanks(columns[kuromojiPOS])) == 0 {
		l.report(kuroNoPOS, -1)
	}
	if len(segments) > 0 && len(segments[0]) == 0 {
		l.report(kuroEmptySegment, at[kuromojiSegments])
	}
	if i := bytes.IndexByte(columns[kuromojiText], ' '); i >= 0 {
		l.report(kuroBlanks, i)
	}
}

var kuromojiRules = []*rule.Rule{
	kuroQuotes, kuroDuplicate, kuroColumns, kuroReadings, kuroSegments,
	kuroNoText, kuroMore, kuroNoPOS, kuroEmptySegment, kuroBlanks,
}

var (
	kuroQuotes = &rule.Rule{
		ID: "kuromoji.quotes", Severity: searchpack.SeverityError, Title: "quotes that do not balance",
		Message: `an odd number of quotes; OpenSearch refuses the whole file`,
		Remedy:  `write two quotes for one that is text, and one at each end of a column that holds a comma`,
	}
	kuroDuplicate = &rule.Rule{
		ID: "kuromoji.duplicate", Severity: searchpack.SeverityError, Title: "the same text twice",
		Message: `the text of the first column stands on line %d already; OpenSearch refuses the whole file`,
		Remedy:  `delete one of the lines: a text has one segmentation`,
	}
	kuroColumns = &rule.Rule{
		ID: "kuromoji.columns", Severity: searchpack.SeverityError, Title: "fewer than four columns",
		Message: `%d columns instead of four; OpenSearch refuses the whole file without naming a line`,
		Remedy:  `write "text,segments,readings,part of speech", with ASCII commas`,
	}
	kuroReadings = &rule.Rule{
		ID: "kuromoji.readings", Severity: searchpack.SeverityError, Title: "as many readings as segments",
		Message: `%d readings for %d segments; OpenSearch refuses the whole file without naming a line`,
		Remedy:  `write one reading per segment, with ASCII spaces between them (no tab, no U+3000) and none behind a comma`,
	}
	kuroSegments = &rule.Rule{
		ID: "kuromoji.segments", Severity: searchpack.SeverityError, Title: "segments that do not make up the text",
		Message: `the segments of the second column do not make up the text of the first; OpenSearch refuses the whole file without naming a line`,
		Remedy:  `write the text in the second column with ASCII spaces (not U+3000) where it is split, and change nothing else`,
	}
	kuroNoText = &rule.Rule{
		ID: "kuromoji.no-text", Severity: searchpack.SeverityWarning, Title: "an empty text",
		Message: `the first column is empty: the line matches nothing`,
		Remedy:  `write the text, or delete the line`,
	}
	kuroMore = &rule.Rule{
		ID: "kuromoji.more-columns", Severity: searchpack.SeverityWarning, Title: "more than four columns",
		Message: `more than four columns: OpenSearch ignores those behind the fourth`,
		Remedy:  `delete them, or put quotes around a column that holds a comma`,
	}
	kuroNoPOS = &rule.Rule{
		ID: "kuromoji.no-pos", Severity: searchpack.SeverityWarning, Title: "no part of speech",
		Message: `the fourth column is empty: the file is accepted, but the filter kuromoji_part_of_speech fails on every text that holds the word`,
		Remedy:  `write a part of speech, such as カスタム名詞`,
	}
	kuroEmptySegment = &rule.Rule{
		ID: "kuromoji.empty-segment", Severity: searchpack.SeverityWarning, Title: "a blank behind a comma",
		Message: `a blank before the first segment makes an empty token of it`,
		Remedy:  `write no blanks behind commas`,
	}
	kuroBlanks = &rule.Rule{
		ID: "kuromoji.blanks", Severity: searchpack.SeverityWarning, Title: "a blank in the text",
		Message: `the text of the first column holds blanks, its segments do not: tokens behind a blank come out shifted`,
		Remedy:  `write the text without blanks`,
	}
)
