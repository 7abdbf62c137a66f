// Package inspect reads the bytes of a package version and says what is wrong with them, before
// any node sees them. It is pure: a stream comes in from the importer (which opened the blob),
// findings go out to it, and nothing here knows a store, a node or a clock. Memory stays bounded
// whatever the bytes are: the longest line looked at and the number of findings kept are constants.
//
// Only what is certainly wrong for a known kind is an error. What depends on an index's analyzer is
// a warning, and each node's own probe has the last word.
//
// # Rules
//
// Ids are stable: rollouts look for the ones that begin with "synonyms." to name the line of a term
// that a node refused.
//
//	kind.unknown           error    the declared kind is none that Searchpack knows
//	file.empty             warning  no bytes; error for type tables and hyphenation patterns
//	file.encoding          error    not UTF-8, in a kind that must be; warning where that is not sure
//	file.bom               warning  a byte order mark that becomes part of the first line
//	file.nul               warning  NUL characters: UTF-16 without a mark, or a binary file
//	synonyms.encoding      error    not UTF-8
//	synonyms.bom           warning  the mark becomes part of the first term, or makes a comment a rule
//	synonyms.nul           warning  NUL separates words inside a term
//	synonyms.two-arrows    error    "a => b => c"
//	synonyms.blank         error    a line, or a term beside a comma or an arrow, of blanks only
//	synonyms.eliminated    warning  a term without a letter or digit: most analyzers make nothing of it
//	synonyms.one-sided     warning  an arrow with nothing on one side: no mapping comes of it
//	synonyms.alone         warning  a line with fewer than two terms: it adds nothing
//	synonyms.long-term     warning  a term over 32,766 bytes, which Lucene cannot store
//	synonyms.long-line     warning  a line too long to be inspected
//	archive.unreadable     error    not a zip that can be listed
//	archive.entries        error    too many entries
//	archive.size           error    the files in it are too large together
//	archive.path           error    an entry would lie outside of the archive's folder
//	plugin.descriptor      error    plugin-descriptor.properties is missing, or misses something
//	plugin.engine-version  error    made for another version of OpenSearch than the package
//	license.malformed      error    not one well-formed document
package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

// MaxFindings is how many findings are kept of one file: more help nobody, and a file of two
// gigabytes may have as many mistakes as lines. Errors are kept before warnings.
const MaxFindings = 100

// Result is what the inspection of one file found.
type Result struct {
	Kind     searchpack.Kind // declared or guessed; KindUnknown if neither
	Declared bool            // somebody declared a kind, known or not
	Findings []searchpack.Finding
	// FindingCount and ErrorCount are exact, also when fewer findings were kept.
	FindingCount int
	ErrorCount   int
	Lines        int64 // physical lines, blank ones and comments too
}

// Failed reports whether OpenSearch will certainly refuse the file.
func (r *Result) Failed() bool { return r.ErrorCount > 0 }

// Dictionary inspects a TXT-DICTIONARY. declared is what its owner says it is, KindUnknown if
// nothing was said. The error is the reader's; a bad file is no error but findings.
func Dictionary(r io.Reader, declared searchpack.Kind) (Result, error) {
	f := newFile(declared)
	lines := newLineReader(r)
	for {
		part, ok, err := lines.next()
		if err != nil {
			return Result{}, fmt.Errorf("read the dictionary after line %d: %w", lines.number, err)
		}
		if !ok {
			return f.result(), nil
		}
		f.take(part)
	}
}

// file gathers what is seen of one file. Which findings count is known only at the end, when the
// kind is: so encoding, marks and rules are gathered apart.
type file struct {
	declared searchpack.Kind
	lines    int64
	empty    bool // not a byte so far

	encoding tally // one per line that is not UTF-8
	rules    tally // of Solr synonyms
	bom      bool
	utf16    bool
	nulLine  int64 // the first line with a NUL; 0 = none

	badLine   int64 // the line last counted in encoding
	ruleLines int64 // lines that look like Solr synonyms
	odd       bool  // a line that cannot be Solr synonyms was seen
}

func newFile(declared searchpack.Kind) *file { return &file{declared: declared, empty: true} }

// take looks at one part of a line.
func (f *file) take(p linePart) {
	f.empty = false
	f.lines = p.number
	if p.number == 1 && !p.continued {
		f.bom = hasBOM(p.text)
		f.utf16 = hasUTF16Mark(p.text)
	}
	valid := utf8.Valid(p.text)
	if valid && !p.continued && f.maySynonyms() && plainRule(p.text) {
		f.ruleLines++
		return
	}
	f.checkText(p, valid)
	if p.continued {
		return // reported with the line's beginning
	}
	f.guess(p.text)
	if f.maySynonyms() {
		f.checkSynonyms(p)
	}
}

// maySynonyms reports whether the file is, or may still turn out to be, Solr synonyms.
func (f *file) maySynonyms() bool {
	return f.declared == searchpack.KindSynonyms || f.declared == searchpack.KindUnknown && !f.odd
}

// result judges what was seen.
func (f *file) result() Result {
	kind, known := f.kind()
	var out tally
	if !known {
		out.add(unknownKind(f.declared))
	}
	switch {
	case f.empty:
		out.add(emptyFile(kind))
	case kind == searchpack.KindSynonyms:
		out.merge(&f.encoding)
		out.merge(&f.rules)
		f.addMarks(&out, "synonyms")
	case isText(kind):
		out.merge(&f.encoding)
		f.addMarks(&out, "file")
	default:
		f.addDoubts(&out, kind)
	}
	findings := out.kept()
	f.finish(findings, kind)
	return Result{
		Kind: kind, Declared: f.declared != searchpack.KindUnknown,
		Findings: findings, FindingCount: out.count(), ErrorCount: out.errorCount,
		Lines: f.lines,
	}
}

// kind returns the kind that the file is judged by, and false if a kind was declared that does not
// exist.
func (f *file) kind() (searchpack.Kind, bool) {
	if f.declared != searchpack.KindUnknown {
		if !slices.Contains(searchpack.Kinds, f.declared) {
			return searchpack.KindUnknown, false
		}
		return f.declared, true
	}
	// Bytes that are neither UTF-8 nor free of NULs are a binary dictionary, whatever commas they hold.
	binary := f.encoding.count() > 0 && f.nulLine > 0
	if f.ruleLines > 0 && !f.odd && !binary {
		return searchpack.KindSynonyms, true
	}
	return searchpack.KindUnknown, true
}

// finish puts the rule ids of the kind and, where the kind is a guess, the way out into the
// findings.
func (f *file) finish(findings []searchpack.Finding, kind searchpack.Kind) {
	synonyms := kind == searchpack.KindSynonyms
	for i := range findings {
		g := &findings[i]
		if synonyms && g.Rule == ruleEncoding {
			g.Rule = "synonyms.encoding"
		}
		if synonyms && f.declared == searchpack.KindUnknown && g.Severity == searchpack.SeverityError {
			g.Remedy += "; if the file holds no Solr synonyms, say what it is in the object's metadata: searchpack-kind = " + declarable()
		}
	}
}

func unknownKind(declared searchpack.Kind) searchpack.Finding {
	return searchpack.Finding{
		Rule: "kind.unknown", Severity: searchpack.SeverityError, Text: shown([]byte(declared)),
		Message: fmt.Sprintf("the object's metadata searchpack-kind says %q, which is no kind of dictionary", shown([]byte(declared))),
		Remedy:  "declare one of " + declarable() + ", or none",
	}
}

func emptyFile(kind searchpack.Kind) searchpack.Finding {
	g := searchpack.Finding{
		Rule: "file.empty", Severity: searchpack.SeverityWarning,
		Message: "the file is empty: filters that use it do nothing",
		Remedy:  "if that is not meant, upload the file again",
	}
	if kind == searchpack.KindTypeTable || kind == searchpack.KindHyphen {
		g.Severity = searchpack.SeverityError
		g.Message = fmt.Sprintf("the file is empty; OpenSearch refuses an empty file of the kind %s", kind)
		g.Remedy = "write at least one rule"
	}
	return g
}

// declarable lists the kinds that may be declared.
func declarable() string {
	names := make([]string, len(searchpack.Kinds))
	for i, k := range searchpack.Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
