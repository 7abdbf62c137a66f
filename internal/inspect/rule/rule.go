// Package rule is the vocabulary of the inspection: what a rule is, how findings are counted and how
// many of them are kept, and how the bytes of a customer's file are shown. Every reader reports
// through it, so that ids, severities and texts stand in one place and docs/rules.md can be made
// from them. It looks at no file itself.
package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// Rule is one thing that can be wrong with a file. Ids are stable: clients and rollouts look for
// them.
type Rule struct {
	ID       string // family and name: "synonyms.two-arrows"
	Severity searchpack.Severity
	// Title says what the rule is about, in a few words, for lists.
	Title string
	// Message says what is wrong and what happens. With a verb of fmt, Report's arguments go into it.
	Message string
	Remedy  string // what to do, or to write instead
}

// Place is where in a file a finding is.
type Place struct {
	Path string // of the file inside an archive; "" = the file itself
	Line int64  // physical, 1-based; 0 = the whole file
	// Counted is the number that OpenSearch's own message gives to the line, where it counts
	// otherwise (without blank lines); 0 = the same, or no number. Only errors have it: about what it
	// takes, OpenSearch says nothing.
	Counted int64
	Column  int    // in characters, 1-based; 0 = the whole line
	Text    []byte // what the finding is about; cut when it is kept
}

// At makes the finding of the rule. args fill the verbs of its message; texts among them, which may be
// a customer's bytes of any length, are made fit to be stored and printed.
func (r *Rule) At(p Place, args ...any) searchpack.Finding {
	message := r.Message
	if len(args) > 0 {
		message = fmt.Sprintf(message, fit(args)...)
	}
	f := searchpack.Finding{
		Rule: r.ID, Severity: r.Severity, Path: Shown([]byte(p.Path)), Line: int(p.Line), Column: p.Column,
		Text: Shown(p.Text), Message: message, Remedy: r.Remedy,
	}
	if p.Counted != p.Line && r.Severity == searchpack.SeverityError {
		f.OpenSearchLine = int(p.Counted)
	}
	return f
}

// maxArgument is how many characters of one argument a message has: some are sentences.
const maxArgument = 1000

// fit makes texts among the arguments of a message fit for it.
func fit(args []any) []any {
	out := slices.Clone(args)
	for i, a := range out {
		switch a := a.(type) {
		case string:
			out[i] = shown([]byte(a), maxArgument)
		case []byte:
			out[i] = shown(a, maxArgument)
		case error:
			out[i] = shown([]byte(a.Error()), maxArgument)
		}
	}
	return out
}

// Report counts a finding of the rule and makes it if there is room for it.
func (r *Rule) Report(t *Tally, p Place, args ...any) {
	if t.Room(r.Severity) {
		t.Keep(r.At(p, args...))
	}
}

var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*[a-zA-Z]`)

// General is the message with nothing of a particular file in it, for lists of rules.
func (r *Rule) General() string {
	return strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(r.Message, "%%", "\x00"), "…"), "\x00", "%")
}
