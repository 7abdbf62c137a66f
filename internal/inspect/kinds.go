package inspect

import (
	"bufio"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/hunspell"
	"github.com/searchpack/searchpack/internal/inspect/hyphenation"
	"github.com/searchpack/searchpack/internal/inspect/linelist"
	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/policy"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/synonym"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

// readers are the readers of the kinds. What is not among them is not looked into.
var readers = map[searchpack.Kind]dict.Reader{
	searchpack.KindSynonyms:  synonym.Solr,
	searchpack.KindWordNet:   synonym.WordNet,
	searchpack.KindWords:     linelist.Words,
	searchpack.KindStemmer:   linelist.StemmerOverride,
	searchpack.KindMapping:   linelist.Mapping,
	searchpack.KindTypeTable: linelist.TypeTable,
	searchpack.KindKuromoji:  linelist.Kuromoji,
	searchpack.KindNori:      linelist.Nori,
	searchpack.KindHyphen:    hyphenation.Read,
	searchpack.KindHunspell:  hunspell.File,
	searchpack.KindOpaque:    opaque,
	searchpack.KindUnknown:   doubtful,
}

// readerOf returns the reader of a kind. What is only guessed to be binary gets a warning.
func readerOf(k searchpack.Kind, guessed bool) dict.Reader {
	if guessed && k == searchpack.KindOpaque {
		return doubtful
	}
	return readers[k]
}

// Rules are all rules of all kinds of files, in the order in which documents show them.
func Rules() []*rule.Rule {
	var out []*rule.Rule
	for _, rules := range [][]*rule.Rule{
		{unknownKind, emptyFile}, dict.Rules(), {notText}, synonym.Rules(), analyzer.Rules(), linelist.Rules(), hyphenation.Rules(),
		hunspell.Rules(), archive.Rules(), plugin.Rules(), policy.Rules(), vuln.Rules(), {badLicense},
	} {
		out = append(out, rules...)
	}
	return out
}

type noRules struct{}

func (noRules) Line(lines.Part) {}
func (noRules) End()            {}

// opaque looks at nothing; it counts lines.
func opaque(r io.Reader, c *dict.Config) (int64, error) {
	return dict.ReadLines(r, &dict.Config{Findings: &rule.Tally{}}, dict.FamilyFile, noRules{})
}

var notText = &rule.Rule{
	ID: "file.not-text", Severity: searchpack.SeverityWarning, Title: "perhaps no text",
	Message: "this is not UTF-8%s; that is right for a binary dictionary or one that names its own encoding, every other file is refused",
	Remedy:  "save a text file as UTF-8, or declare the kind (opaque, hyphenation, hunspell)",
}

// doubtful gives one warning for a file that need not be UTF-8 but mostly is.
func doubtful(r io.Reader, c *dict.Config) (int64, error) {
	in := bufio.NewReader(r)
	begins := ""
	if mark, _ := in.Peek(2); dict.HasUTF16Mark(mark) { // an error comes again
		begins = " (the file begins like UTF-16)"
	}
	var found rule.Tally
	n, err := dict.ReadLines(in, &dict.Config{Findings: &found}, dict.FamilyFile, noRules{})
	for _, f := range found.Findings() {
		switch f.Rule {
		case "file.encoding":
			if c.Findings.CountOf(searchpack.SeverityWarning) == 0 {
				notText.Report(c.Findings, rule.Place{Line: int64(f.Line), Counted: int64(f.Line), Column: f.Column, Text: []byte(f.Text)}, begins)
			}
		case "file.bom":
			c.Findings.Add(f)
		}
	}
	return n, err
}
