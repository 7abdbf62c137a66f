package dict

import (
	"bytes"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/lines"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Family begins the ids of the rules about text.
type Family string

// The families. Rollouts look for "synonyms." to name the line of a term that a node refused.
const (
	FamilySynonyms Family = "synonyms"
	FamilyFile     Family = "file"
)

type textRules struct{ encoding, bom, nul *rule.Rule }

func newTextRules(f Family) textRules {
	return textRules{
		encoding: &rule.Rule{
			ID: string(f) + ".encoding", Severity: searchpack.SeverityError, Title: "not UTF-8",
			Message: "this is not UTF-8%s; OpenSearch refuses the whole file and names no line", Remedy: "save the file as UTF-8",
		},
		bom: &rule.Rule{
			ID: string(f) + ".bom", Severity: searchpack.SeverityWarning, Title: "a byte order mark",
			Message: "the file begins with a byte order mark (U+FEFF); OpenSearch takes it for a part of the first line, even of a comment",
			Remedy:  "save the file as UTF-8 without a byte order mark",
		},
		nul: &rule.Rule{
			ID: string(f) + ".nul", Severity: searchpack.SeverityWarning, Title: "NUL characters",
			Message: "the file holds NUL characters: it may be UTF-16 without a mark; OpenSearch reads it as UTF-8",
			Remedy:  "save the file as UTF-8",
		},
	}
}

var families = map[Family]textRules{
	FamilySynonyms: newTextRules(FamilySynonyms),
	FamilyFile:     newTextRules(FamilyFile),
}

func (f Family) rules() textRules { return families[f] }

// Rules are the rules about text of both families.
func Rules() []*rule.Rule {
	var out []*rule.Rule
	for _, f := range []Family{FamilyFile, FamilySynonyms} {
		t := f.rules()
		out = append(out, t.encoding, t.bom, t.nul)
	}
	return out
}

// text looks for what is no text: bytes that are not UTF-8, NULs, a byte order mark.
type text struct {
	c     *Config
	rules textRules
	lines int64
	utf16 bool
	nul   bool
	bad   int64 // the line last found not to be UTF-8
}

// HasUTF16Mark reports a byte order mark of UTF-16, in either order.
func HasUTF16Mark(text []byte) bool {
	return bytes.HasPrefix(text, []byte{0xFF, 0xFE}) || bytes.HasPrefix(text, []byte{0xFE, 0xFF})
}

// check reports whether the part, and the line so far, is UTF-8.
func (t *text) check(p lines.Part) bool {
	t.lines = p.Number
	if p.Number == 1 && !p.Continued {
		t.utf16 = HasUTF16Mark(p.Text)
		if bytes.HasPrefix(p.Text, rule.BOM) {
			t.rules.bom.Report(t.c.Findings, rule.Place{Line: 1, Counted: 1, Column: 1})
		}
	}
	if !t.nul && bytes.IndexByte(p.Text, 0) >= 0 {
		t.nul = true
		t.rules.nul.Report(t.c.Findings, rule.Place{Line: p.Number, Counted: p.Number})
	}
	if t.bad == p.Number {
		return false
	}
	if utf8.Valid(p.Text) {
		return true
	}
	t.bad = p.Number
	if !t.c.Findings.Room(searchpack.SeverityError) {
		return false
	}
	at := rule.Place{Line: p.Number, Counted: p.Number, Text: p.Text}
	if !p.Continued { // else the column would have to be counted from a part already gone
		at.Column = rule.Column(p.Text, rule.FirstInvalid(p.Text))
	}
	begins := ""
	if t.utf16 {
		begins = " (the file begins like UTF-16)"
	}
	t.c.Findings.Keep(t.rules.encoding.At(at, begins))
	return false
}
