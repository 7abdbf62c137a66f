package inspect

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

// tally counts findings and keeps the first MaxFindings of each severity.
type tally struct {
	errors, warnings         []searchpack.Finding
	errorCount, warningCount int
}

func (t *tally) count() int { return t.errorCount + t.warningCount }

// room counts a finding and reports whether it is to be kept: only then its text is worth making.
func (t *tally) room(s searchpack.Severity) bool {
	if s == searchpack.SeverityError {
		t.errorCount++
		return len(t.errors) < MaxFindings
	}
	t.warningCount++
	return len(t.warnings) < MaxFindings
}

// keep keeps a finding that was counted by room.
func (t *tally) keep(f searchpack.Finding) {
	if f.Severity == searchpack.SeverityError {
		t.errors = append(t.errors, f)
	} else {
		t.warnings = append(t.warnings, f)
	}
}

func (t *tally) add(f searchpack.Finding) {
	if t.room(f.Severity) {
		t.keep(f)
	}
}

// merge adds what o counted and kept.
func (t *tally) merge(o *tally) {
	t.errorCount += o.errorCount
	t.warningCount += o.warningCount
	t.errors = firstFindings(append(t.errors, o.errors...))
	t.warnings = firstFindings(append(t.warnings, o.warnings...))
}

// kept returns at most MaxFindings, errors rather than warnings, in the order of the file.
func (t *tally) kept() []searchpack.Finding {
	all := firstFindings(t.errors)
	rest := firstFindings(t.warnings)
	all = append(all, rest[:min(len(rest), MaxFindings-len(all))]...)
	sortFindings(all)
	return all
}

func firstFindings(f []searchpack.Finding) []searchpack.Finding {
	f = slices.Clone(f)
	sortFindings(f)
	return f[:min(len(f), MaxFindings)]
}

func sortFindings(f []searchpack.Finding) {
	slices.SortStableFunc(f, func(a, b searchpack.Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// maxShown is how many characters of a line a finding shows.
const maxShown = 200

// shown makes bytes of a customer's file fit to be stored and printed: cut, valid UTF-8, and no
// control characters that a terminal would obey.
func shown(text []byte) string {
	if len(text) > utf8.UTFMax*maxShown {
		text = text[:utf8.UTFMax*maxShown]
	}
	s := strings.TrimPrefix(strings.ToValidUTF8(string(text), "\uFFFD"), "\uFEFF")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, s)
	n := 0
	for i := range s {
		if n == maxShown {
			return s[:i]
		}
		n++
	}
	return s
}

// column returns the place of text[at] in characters, 1-based. A byte order mark is none: no
// editor shows it.
func column(text []byte, at int) int {
	n := utf8.RuneCount(text[:at]) + 1
	if at > 0 && hasBOM(text) {
		n--
	}
	return n
}
