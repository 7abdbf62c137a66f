package inspect

import (
	"bytes"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

// ruleEncoding is the rule of a line that is not UTF-8; file.finish renames it for synonyms.
const ruleEncoding = "file.encoding"

var bom = []byte("\uFEFF")

func hasBOM(text []byte) bool { return bytes.HasPrefix(text, bom) }

// hasUTF16Mark reports a byte order mark of UTF-16, in either order.
func hasUTF16Mark(text []byte) bool {
	return bytes.HasPrefix(text, []byte{0xFF, 0xFE}) || bytes.HasPrefix(text, []byte{0xFE, 0xFF})
}

// isText reports whether a file of the kind must be UTF-8 text. Hyphenation patterns name their
// encoding in the XML head, hunspell dictionaries in the .aff file.
func isText(k searchpack.Kind) bool {
	switch k {
	case searchpack.KindUnknown, searchpack.KindOpaque, searchpack.KindHyphen, searchpack.KindHunspell:
		return false
	}
	return true
}

// checkText looks for what is no text: bytes that are not UTF-8, and NULs.
func (f *file) checkText(p linePart, valid bool) {
	if f.nulLine == 0 && bytes.IndexByte(p.text, 0) >= 0 {
		f.nulLine = p.number
	}
	if valid || f.badLine == p.number {
		return
	}
	f.badLine = p.number
	if !f.encoding.room(searchpack.SeverityError) {
		return
	}
	g := searchpack.Finding{
		Rule: ruleEncoding, Severity: searchpack.SeverityError, Line: int(p.number), Text: shown(p.text),
		Message: "this is not UTF-8; OpenSearch refuses the whole file and names no line",
		Remedy:  "save the file as UTF-8",
	}
	if f.utf16 {
		g.Message = "the file begins like UTF-16; OpenSearch reads UTF-8 only and refuses it"
	}
	if !p.continued { // else the column would have to be counted from a part already gone
		g.Column = column(p.text, firstInvalid(p.text))
	}
	f.encoding.keep(g)
}

// firstInvalid returns where text stops being UTF-8.
func firstInvalid(text []byte) int {
	at := 0
	for at < len(text) {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

// addMarks adds warnings about characters that nobody sees in an editor.
func (f *file) addMarks(out *tally, family string) {
	f.addBOM(out, family)
	if f.nulLine > 0 {
		out.add(searchpack.Finding{
			Rule: family + ".nul", Severity: searchpack.SeverityWarning, Line: int(f.nulLine),
			Message: "the file holds NUL characters: it may be UTF-16 without a mark; OpenSearch reads it as UTF-8",
			Remedy:  "save the file as UTF-8",
		})
	}
}

func (f *file) addBOM(out *tally, family string) {
	if f.bom {
		out.add(searchpack.Finding{
			Rule: family + ".bom", Severity: searchpack.SeverityWarning, Line: 1, Column: 1,
			Message: "the file begins with a byte order mark (U+FEFF); OpenSearch takes it for a part of the first line, even of a comment",
			Remedy:  "save the file as UTF-8 without a byte order mark",
		})
	}
}

// addDoubts adds one warning for a file of a kind that need not be UTF-8 but mostly is.
func (f *file) addDoubts(out *tally, kind searchpack.Kind) {
	if kind == searchpack.KindUnknown {
		f.addBOM(out, "file") // a mark says that it is text
	}
	if kind == searchpack.KindOpaque || f.encoding.count() == 0 {
		return
	}
	g := f.encoding.errors[0]
	g.Severity = searchpack.SeverityWarning
	g.Message = "this is not UTF-8; that is right for a binary dictionary or one that names its own encoding, every other file is refused"
	if f.utf16 {
		g.Message = "the file begins like UTF-16; OpenSearch reads dictionaries as UTF-8"
	}
	g.Remedy = "save a text file as UTF-8, or declare the kind: searchpack-kind = opaque"
	out.add(g)
}
