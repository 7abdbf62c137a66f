package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

// Parse reads a document of checks. The error is an *Error with ErrInvalid, or ErrTooLarge, whose
// message names line and member: "line 7, checks[2].expect.contain: there is no such member; …".
func Parse(doc []byte) ([]searchpack.Check, error) {
	if len(doc) > searchpack.MaxChecksBytes {
		return nil, searchpack.Errorf(searchpack.ErrTooLarge, "the document has more than %d bytes", searchpack.MaxChecksBytes)
	}
	if !utf8.Valid(doc) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "the document is not UTF-8")
	}
	r := &reader{doc: doc, d: json.NewDecoder(bytes.NewReader(doc)), lines: map[string]int{}}
	r.d.UseNumber()
	all, err := r.read()
	if err == nil {
		err = Validate(all)
	}
	if err == nil {
		return all, nil
	}
	return nil, searchpack.Errorf(searchpack.ErrInvalid, "%s", r.located(err))
}

// reader walks over the document once for what package json leaves out: unknown members, also by their
// case, members that come twice, and the line of each. Then json fills the values in.
type reader struct {
	doc   []byte
	d     *json.Decoder
	lines map[string]int // of each member and entry, by its place
}

func (r *reader) read() ([]searchpack.Check, error) {
	if err := r.walk("", ""); err != nil {
		return nil, err
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, &syntax{r.d.InputOffset(), "there is something after the document"}
	}
	var doc struct {
		Schema *int               `json:"schema"`
		Checks []searchpack.Check `json:"checks"`
	}
	if err := json.Unmarshal(r.doc, &doc); err != nil {
		return nil, err
	}
	switch {
	case doc.Schema == nil || *doc.Schema != 1:
		return nil, bad("schema", "it must be 1: that is what this program reads")
	case len(doc.Checks) == 0:
		return nil, bad("checks", "there is no check")
	}
	return doc.Checks, nil
}

// syntax is something wrong at an offset.
type syntax struct {
	offset int64
	what   string
}

// Error returns what is wrong.
func (s *syntax) Error() string { return s.what }

var (
	queryMembers = []string{"query", "analyzer", "operator", "minimum_should_match", "slop"}
	// members that an object may have, by its place without numbers; fieldNames = whatever name.
	members = map[string][]string{
		"":                              {"schema", "checks"},
		".checks[]":                     {"name", "index", "analyze", "search", "expect"},
		".checks[].analyze":             {"analyzer", "field", "text"},
		".checks[].search":              {"match", "match_phrase", "multi_match"},
		".checks[].search.match":        {fieldNames},
		".checks[].search.match.*":      queryMembers,
		".checks[].search.match_phrase": {fieldNames}, ".checks[].search.match_phrase.*": queryMembers,
		".checks[].search.multi_match": {"query", "fields", "type", "analyzer", "operator", "minimum_should_match"},
		".checks[].expect":             {"contains", "equals", "excludes", "min_hits", "max_hits", "ids", "excludes_ids"},
	}
	// lists by their place.
	lists = []string{
		".checks", ".checks[].search.multi_match.fields", ".checks[].expect.contains", ".checks[].expect.equals",
		".checks[].expect.excludes", ".checks[].expect.ids", ".checks[].expect.excludes_ids",
	}
)

// numbers by their place; whatever else is no list and no object is a string.
var numbers = []string{
	".schema", ".checks[].expect.min_hits", ".checks[].expect.max_hits",
	".checks[].search.match.*.slop", ".checks[].search.match_phrase.*.slop",
}

const fieldNames = "*"

// walk reads the next value. at is its place, kind the same without numbers. What may nest is bounded by
// what is known.
func (r *reader) walk(at, kind string) error {
	t, err := r.d.Token()
	if err != nil {
		return err
	}
	r.lines[at] = r.line(r.d.InputOffset())
	switch t {
	case json.Delim('{'):
		return r.object(at, kind)
	case json.Delim('['):
		if !slices.Contains(lists, kind) {
			return bad(at, "there must be no list here")
		}
		for i := 0; r.d.More(); i++ {
			if err := r.walk(fmt.Sprintf("%s[%d]", at, i), kind+"[]"); err != nil {
				return err
			}
		}
		_, err = r.d.Token()
		return err
	}
	return scalar(at, kind, t)
}

// scalar refuses a string, a number or whatever else where another stands.
func scalar(at, kind string, t json.Token) error {
	_, object := members[kind]
	switch v := t.(type) {
	case nil:
		return bad(at, "null says nothing: leave the member out")
	case string:
		switch {
		case slices.Contains(lists, kind):
			return bad(at, "there must be a list here")
		case object && !strings.HasSuffix(kind, "."+fieldNames): // a field may have its query alone
			return bad(at, "there must be an object here")
		case slices.Contains(numbers, kind):
			return bad(at, "there must be a number here")
		}
		return nil
	case json.Number:
		if _, err := v.Int64(); err == nil && slices.Contains(numbers, kind) {
			return nil
		}
		return bad(at, "%.40s does not fit here", v)
	}
	return bad(at, "%v does not fit here", t)
}

func (r *reader) object(at, kind string) error {
	known, may := members[kind]
	if !may {
		return bad(at, "there must be no object here")
	}
	seen := map[string]bool{}
	for r.d.More() {
		t, err := r.d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		here, sort := strings.TrimPrefix(at+"."+name, "."), kind+"."+name
		if known[0] == fieldNames {
			sort = kind + "." + fieldNames
		}
		r.lines[here] = r.line(r.d.InputOffset())
		switch {
		case seen[name]:
			return bad(here, "the member comes twice")
		case known[0] != fieldNames && !slices.Contains(known, name):
			return bad(short(here), "there is no such member; it is one of %s", strings.Join(known, ", "))
		}
		seen[name] = true
		if err := r.walk(here, sort); err != nil {
			return err
		}
	}
	_, err := r.d.Token()
	return err
}

// short cuts a place that holds a name from the document.
func short(at string) string {
	const most = 200
	if len(at) > most {
		return strings.ToValidUTF8(at[:most], "") + "…"
	}
	return at
}

func (r *reader) line(offset int64) int {
	return 1 + bytes.Count(r.doc[:min(offset, int64(len(r.doc)))], []byte("\n"))
}

// located writes an error with its line.
func (r *reader) located(err error) string {
	var p *problem
	var s *syntax
	var js *json.SyntaxError
	switch {
	case errors.As(err, &p):
		return fmt.Sprintf("line %d, %s", r.lineOf(p.at), p.Error())
	case errors.As(err, &s):
		return fmt.Sprintf("line %d: %s", r.line(s.offset), s.what)
	case errors.As(err, &js):
		return fmt.Sprintf("line %d: it is no JSON: %s", r.line(js.Offset), js.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("line %d: the document ends before it is whole", r.line(int64(len(r.doc))))
	}
	return short(err.Error())
}

// lineOf is the line of a place; of one that is not there, that of what it would stand in.
func (r *reader) lineOf(at string) int {
	for {
		if line, there := r.lines[at]; there || at == "" {
			return max(line, 1)
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
}
