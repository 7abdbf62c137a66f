// Package inspect reads the bytes of a package version and says what is wrong with them, before
// any node sees them. It is pure: a stream comes in from the importer (which opened the blob) or
// from the command line, findings go out, and nothing here knows a store, a node or a clock. Memory
// stays bounded whatever the bytes are.
//
// Each kind of file has a package of its own below this one, which mirrors the parser of Lucene or
// OpenSearch; this one chooses among them. Rules lists what they report.
//
// Only what is certainly wrong for a known kind is an error. What depends on an index's analyzer, or
// on a guess of the kind, is not, and each node's own probe has the last word.
package inspect

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// MaxFindings is how many findings are kept of one file.
const MaxFindings = rule.MaxFindings

// Result is what the inspection of one file found.
type Result struct {
	Kind     searchpack.Kind // KindUnknown if it is not known
	Declared bool            // somebody declared a kind, known or not
	Learnt   bool            // Options.Learnt said what it is
	// Confidence is how sure the kind is, in percent: 100 when declared or learnt, 0 when unknown.
	Confidence int
	Findings   []searchpack.Finding
	// FindingCount and ErrorCount are exact, also when fewer findings were kept.
	FindingCount int
	ErrorCount   int
	Lines        int64 // physical lines, blank ones and comments too
	// Zip: the dictionary is a zip that becomes a folder. Dictionary, which sees a stream, has then not
	// looked into it: Folder does.
	Zip bool
	// Manifest is what a zip unpacks to; nil of other files, and of a zip that was refused.
	Manifest []searchpack.ManifestEntry
	// SBOM is a plugin's bill of materials, a CycloneDX document in JSON; nil if there is none.
	SBOM []byte
	// Vulnerabilities are those for which a plugin is refused, or would be, as people know them.
	Vulnerabilities []string
}

// Failed reports whether OpenSearch will certainly refuse the file.
func (r *Result) Failed() bool { return r.ErrorCount > 0 }

// Options are what is known of a dictionary before it is read. The zero value is nothing.
type Options struct {
	Declared searchpack.Kind // what its owner says it is
	Learnt   searchpack.Kind // what the indices that use it make of it; Declared goes first
	// OpenSearch is the version that reads it; zero = every version served.
	OpenSearch target.Version
	// Analyzer, NoExpand and Lenient are those of the synonym filter that reads it, if known.
	Analyzer          dict.Analyzer
	NoExpand, Lenient bool
	// DeclareBy is the command and flag that declare the kind for whoever asks: "" = "push --kind".
	DeclareBy string
	// Entry is called for each meaning of the file; nil = nobody asks.
	Entry func(dict.Entry)
}

// Dictionary inspects a TXT-DICTIONARY that is one file. The error is the reader's; a bad file is no
// error but findings.
func Dictionary(r io.Reader, o Options) (Result, error) {
	in := bufio.NewReaderSize(r, sniffed)
	head, err := in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return Result{}, fmt.Errorf("read the dictionary: %w", err)
	}
	var out rule.Tally
	res := Result{Declared: o.Declared != searchpack.KindUnknown}
	switch {
	case res.Declared && slices.Contains(searchpack.Kinds, o.Declared):
		res.Kind, res.Confidence = o.Declared, 100
	case res.Declared:
		unknownKind.Report(&out, rule.Place{Text: []byte(o.Declared)}, rule.Shown([]byte(o.Declared)))
	case o.Learnt != searchpack.KindUnknown:
		res.Kind, res.Confidence, res.Learnt = o.Learnt, 100, true
	default:
		res.Kind, res.Confidence = guess(head, len(head) < sniffed)
	}
	if chain, ok := o.Analyzer.(*analyzer.Chain); ok && (res.Kind == searchpack.KindSynonyms || res.Kind == searchpack.KindWordNet) {
		chain.Report(&out)
	}
	if len(head) == 0 {
		addEmpty(&out, res.Kind)
		return res.with(&out), nil
	}
	if res.Zip = isZip(res.Kind, head); res.Zip {
		return res.with(&out), nil
	}
	found := &rule.Tally{}
	c := &dict.Config{
		Findings: found, Entry: o.Entry, OpenSearch: o.OpenSearch,
		Analyzer: o.Analyzer, NoExpand: o.NoExpand, Lenient: o.Lenient,
	}
	guessed := !res.Declared && !res.Learnt
	if res.Lines, err = readerOf(res.Kind, guessed)(in, c); err != nil {
		return Result{}, fmt.Errorf("read the dictionary after line %d: %w", res.Lines, err)
	}
	if guessed && res.Kind != searchpack.KindUnknown {
		res.Confidence = refined(res.Confidence, c)
		doubt(found, res, cmp.Or(o.DeclareBy, "push --kind"))
	}
	out.Merge(found)
	return res.with(&out), nil
}

// with puts the findings into the result.
func (r Result) with(t *rule.Tally) Result {
	r.Findings, r.FindingCount, r.ErrorCount = t.Findings(), t.Count(), t.Errors()
	return r
}

// doubt says in the findings that the kind is a guess, and makes warnings of errors where it is not
// sure. declareBy is a command that is told the kind.
func doubt(t *rule.Tally, res Result, declareBy string) {
	way := "; if the file is of another kind, declare that: searchpack-kind in the object's metadata, or " + declareBy
	if res.Confidence < searchpack.SureConfidence {
		t.Soften(func(f *searchpack.Finding) {
			f.Message = fmt.Sprintf("if the file is of the kind %s: %s", res.Kind, f.Message)
			f.Remedy += way
		})
		return
	}
	t.Each(func(f *searchpack.Finding) {
		if f.Severity == searchpack.SeverityError {
			f.Remedy += way
		}
	})
}

func addEmpty(t *rule.Tally, kind searchpack.Kind) {
	if kind == searchpack.KindTypeTable || kind == searchpack.KindHyphen {
		f := emptyFile.At(rule.Place{})
		f.Severity = searchpack.SeverityError
		f.Message = fmt.Sprintf("the file is empty; OpenSearch refuses an empty file of the kind %s", kind)
		f.Remedy = "write at least one rule"
		t.Add(f)
		return
	}
	emptyFile.Report(t, rule.Place{})
}

var (
	unknownKind = &rule.Rule{
		ID: "kind.unknown", Severity: searchpack.SeverityError, Title: "no such kind",
		Message: "the object's metadata searchpack-kind says %q, which is no kind of dictionary",
		Remedy:  "declare one of " + declarable() + ", or none",
	}
	emptyFile = &rule.Rule{
		ID: "file.empty", Severity: searchpack.SeverityWarning, Title: "an empty file",
		Message: "the file is empty: filters that use it do nothing", Remedy: "if that is not meant, upload the file again",
	}
)

// declarable lists the kinds that may be declared.
func declarable() string {
	names := make([]string, len(searchpack.Kinds))
	for i, k := range searchpack.Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
