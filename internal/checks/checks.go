// Package checks reads the verify checks that are shipped with a version, says what is wrong with
// them, makes the query of a search, and judges what came.
//
// It is pure: bytes and values in, values out. The document comes from a customer's S3 and the checks
// of an order from a server that may be hostile, so both pass Validate: the importer on the server, the
// agent on the node.
package checks

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

// problem is what is wrong, and where: "checks[2].expect.ids".
type problem struct{ at, what string }

// Error writes it in one line.
func (p *problem) Error() string {
	if p.at == "" {
		return p.what
	}
	return p.at + ": " + p.what
}

func bad(at, format string, args ...any) error { return &problem{at, fmt.Sprintf(format, args...)} }

// Validate refuses checks of which not every part is understood and within bounds.
func Validate(all []searchpack.Check) error {
	if len(all) > searchpack.MaxChecks {
		return bad("checks", "there are %d checks; the limit is %d", len(all), searchpack.MaxChecks)
	}
	names := map[string]bool{}
	for i, c := range all {
		at := fmt.Sprintf("checks[%d]", i)
		if err := validate(at, c); err != nil {
			return err
		}
		if names[c.Name] {
			return bad(at+".name", "%q is the name of an earlier check, too: a failure is told by its name", c.Name)
		}
		names[c.Name] = true
	}
	return nil
}

func validate(at string, c searchpack.Check) error {
	switch {
	case strings.TrimSpace(c.Name) == "":
		return bad(at+".name", "a check needs a name: a failure is told by it")
	case utf8.RuneCountInString(c.Name) > searchpack.MaxCheckName || !printable(c.Name):
		return bad(at+".name", "a name has up to %d characters, all of them printable", searchpack.MaxCheckName)
	case !IndexName(c.Index):
		return bad(at+".index", "%.80q is not the name of one index, alias or data stream", c.Index)
	case c.Analyze != nil && c.Search != nil, c.Analyze == nil && c.Search == nil:
		return bad(at, "a check has either analyze or search")
	case c.Analyze != nil:
		return analyze(at, c.Analyze, c.Expect)
	}
	return search(at, c.Search, c.Expect)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// IndexName reports whether s may be a concrete index, an alias or a data stream: no pattern, no list,
// no date math, no other cluster, no way out of a path (MetadataCreateIndexService.validateIndexOrAliasName,
// which leaves the case of aliases open).
func IndexName(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 255 || !utf8.ValidString(s) || strings.ContainsAny(s[:1], "-_+") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`\/*?"<>|,#:%`, r)
	})
}

func analyze(at string, a *searchpack.AnalyzeCheck, e searchpack.Expectation) error {
	switch {
	case (a.Analyzer == "") == (a.Field == ""):
		return bad(at+".analyze", "give either an analyzer or a field")
	case !component(a.Analyzer) || !component(a.Field):
		return bad(at+".analyze", "the name of an analyzer or field has up to 255 bytes, all printable, and no *")
	case !text(a.Text):
		return bad(at+".analyze.text", "a text has 1 to %d bytes", searchpack.MaxCheckText)
	case e.MinHits != nil || e.MaxHits != nil || e.IDs != nil || e.ExcludesIDs != nil:
		return bad(at+".expect", "min_hits, max_hits, ids and excludes_ids are for search; an analysis has contains, equals and excludes")
	case len(e.Contains) == 0 && e.Equals == nil && len(e.Excludes) == 0:
		return bad(at+".expect", "nothing is expected: give contains, equals or excludes")
	case e.Equals != nil && len(e.Contains)+len(e.Excludes) > 0:
		return bad(at+".expect", "equals says it all: leave out contains and excludes")
	}
	for _, l := range []struct {
		at   string
		list []string
	}{{"contains", e.Contains}, {"equals", e.Equals}, {"excludes", e.Excludes}} {
		if err := list(at+".expect."+l.at, l.list, searchpack.MaxCheckToken); err != nil {
			return err
		}
	}
	return apart(at+".expect", e.Contains, e.Excludes)
}

// component reports whether s may name an analyzer or a field; "" may.
func component(s string) bool {
	return len(s) <= 255 && (s == "" || printable(s)) && !strings.Contains(s, "*")
}

func text(s string) bool {
	return s != "" && len(s) <= searchpack.MaxCheckText && utf8.ValidString(s)
}

// list bounds a list of tokens or ids.
func list(at string, all []string, most int) error {
	if len(all) > searchpack.MaxCheckList {
		return bad(at, "there are %d entries; the limit is %d", len(all), searchpack.MaxCheckList)
	}
	for i, s := range all {
		if s == "" || len(s) > most || !utf8.ValidString(s) {
			return bad(fmt.Sprintf("%s[%d]", at, i), "an entry has 1 to %d bytes", most)
		}
	}
	return nil
}

// apart refuses what is wanted and unwanted at once: such a check could only fail.
func apart(at string, wanted, unwanted []string) error {
	for _, s := range wanted {
		if slices.Contains(unwanted, s) {
			return bad(at, "%.80q is expected and excluded at once", s)
		}
	}
	return nil
}

func search(at string, s *searchpack.SearchCheck, e searchpack.Expectation) error {
	if err := query(at+".search", s); err != nil {
		return err
	}
	switch {
	case len(e.Contains) > 0 || e.Equals != nil || len(e.Excludes) > 0:
		return bad(at+".expect", "contains, equals and excludes are for analyze; a search has min_hits, max_hits, ids and excludes_ids")
	case e.MinHits == nil && e.MaxHits == nil && len(e.IDs) == 0 && len(e.ExcludesIDs) == 0:
		return bad(at+".expect", "nothing is expected: give min_hits, max_hits, ids or excludes_ids")
	}
	if err := numbersOf(at+".expect", e); err != nil {
		return err
	}
	if err := list(at+".expect.ids", e.IDs, searchpack.MaxCheckID); err != nil {
		return err
	}
	if err := list(at+".expect.excludes_ids", e.ExcludesIDs, searchpack.MaxCheckID); err != nil {
		return err
	}
	return apart(at+".expect", e.IDs, e.ExcludesIDs)
}

// numbersOf bounds how many hits are expected, and refuses what could only fail.
func numbersOf(at string, e searchpack.Expectation) error {
	low, high := int64(0), int64(searchpack.MaxCheckHits)
	switch {
	case e.MinHits != nil && (*e.MinHits < low || *e.MinHits > high):
		return bad(at+".min_hits", "it is a number from %d to %d", low, high)
	case e.MaxHits != nil && (*e.MaxHits < low || *e.MaxHits > high):
		return bad(at+".max_hits", "it is a number from %d to %d", low, high)
	case e.MinHits != nil && e.MaxHits != nil && *e.MinHits > *e.MaxHits:
		return bad(at, "min_hits is more than max_hits")
	case e.MaxHits != nil && *e.MaxHits < int64(len(e.IDs)):
		return bad(at, "there are more ids than max_hits")
	}
	return nil
}

var (
	operators  = []string{"", "and", "or"}
	multiTypes = []string{"", "best_fields", "most_fields", "cross_fields", "phrase"}
)

func query(at string, s *searchpack.SearchCheck) error {
	given := 0
	for _, there := range []bool{s.Match != nil, s.MatchPhrase != nil, s.MultiMatch != nil} {
		if there {
			given++
		}
	}
	switch {
	case given != 1:
		return bad(at, "give one of match, match_phrase and multi_match")
	case s.Match != nil:
		return fieldQuery(at+".match", s.Match, false)
	case s.MatchPhrase != nil:
		return fieldQuery(at+".match_phrase", s.MatchPhrase, true)
	}
	m := s.MultiMatch
	at += ".multi_match"
	if len(m.Fields) == 0 || len(m.Fields) > searchpack.MaxCheckList {
		return bad(at+".fields", "give 1 to %d fields", searchpack.MaxCheckList)
	}
	for i, f := range m.Fields {
		if f == "" || !component(f) {
			return bad(fmt.Sprintf("%s.fields[%d]", at, i), "the name of a field has 1 to 255 bytes, all printable, and no *")
		}
	}
	if !slices.Contains(multiTypes, m.Type) {
		return bad(at+".type", "it is one of %s", strings.Join(multiTypes[1:], ", "))
	}
	return words(at, searchpack.CheckQuery{Query: m.Query, Analyzer: m.Analyzer, Operator: m.Operator, MinimumShouldMatch: m.MinimumShouldMatch})
}

// maxSlop is far more than a phrase of MaxCheckText bytes has words.
const maxSlop = 1000

func fieldQuery(at string, m map[string]searchpack.CheckQuery, phrase bool) error {
	if len(m) != 1 {
		return bad(at, "give one field, as {\"title\":\"laptop\"}")
	}
	for field, q := range m {
		switch {
		case field == "" || !component(field):
			return bad(at, "the name of a field has 1 to 255 bytes, all printable, and no *")
		case phrase && (q.Operator != "" || q.MinimumShouldMatch != ""):
			return bad(at+"."+field, "a phrase has no operator and no minimum_should_match")
		case !phrase && q.Slop != 0:
			return bad(at+"."+field, "slop is for match_phrase")
		case q.Slop < 0 || q.Slop > maxSlop:
			return bad(at+"."+field+".slop", "it is a number from 0 to %d", maxSlop)
		}
		return words(at+"."+field, q)
	}
	return nil
}

func words(at string, q searchpack.CheckQuery) error {
	const maxMinimum = 100
	switch {
	case !text(q.Query):
		return bad(at+".query", "a query has 1 to %d bytes", searchpack.MaxCheckText)
	case !component(q.Analyzer):
		return bad(at+".analyzer", "the name of an analyzer has up to 255 bytes, all printable, and no *")
	case !slices.Contains(operators, q.Operator):
		return bad(at+".operator", "it is and, or or")
	case len(q.MinimumShouldMatch) > maxMinimum || q.MinimumShouldMatch != "" && !printable(q.MinimumShouldMatch):
		return bad(at+".minimum_should_match", "it has up to %d printable characters", maxMinimum)
	}
	return nil
}
