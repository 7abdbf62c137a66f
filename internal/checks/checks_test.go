package checks

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

const whole = `{
  "schema": 1,
  "checks": [
    {
      "name": "laptop finds notebook",
      "index": "books",
      "analyze": {"analyzer": "with_synonyms", "text": "laptop"},
      "expect": {"contains": ["notebook"], "excludes": ["tablet"]}
    },
    {"name": "no stop words", "index": "Alias", "analyze": {"field": "title", "text": "the"}, "expect": {"equals": []}},
    {"name": "match", "index": "books", "search": {"match": {"title": "laptop"}}, "expect": {"min_hits": 1}},
    {"name": "phrase", "index": "books", "search": {"match_phrase": {"title": {"query": "a b", "slop": 2}}}, "expect": {"max_hits": 0}},
    {"name": "multi", "index": "books",
     "search": {"multi_match": {"query": "laptop", "fields": ["title", "body"], "type": "phrase", "operator": "and"}},
     "expect": {"min_hits": 1, "max_hits": 3, "ids": ["1"], "excludes_ids": ["2"]}}
  ]
}`

func number(n int64) *int64 { return &n }

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := []searchpack.Check{
		{Name: "laptop finds notebook", Index: "books", Analyze: &searchpack.AnalyzeCheck{Analyzer: "with_synonyms", Text: "laptop"},
			Expect: searchpack.Expectation{Contains: []string{"notebook"}, Excludes: []string{"tablet"}}},
		{Name: "no stop words", Index: "Alias", Analyze: &searchpack.AnalyzeCheck{Field: "title", Text: "the"},
			Expect: searchpack.Expectation{Equals: []string{}}},
		{Name: "match", Index: "books", Search: &searchpack.SearchCheck{Match: map[string]searchpack.CheckQuery{"title": {Query: "laptop"}}},
			Expect: searchpack.Expectation{MinHits: number(1)}},
		{Name: "phrase", Index: "books", Search: &searchpack.SearchCheck{MatchPhrase: map[string]searchpack.CheckQuery{"title": {Query: "a b", Slop: 2}}},
			Expect: searchpack.Expectation{MaxHits: number(0)}},
		{Name: "multi", Index: "books", Search: &searchpack.SearchCheck{MultiMatch: &searchpack.CheckMultiMatch{
			Query: "laptop", Fields: []string{"title", "body"}, Type: "phrase", Operator: "and"}},
			Expect: searchpack.Expectation{MinHits: number(1), MaxHits: number(3), IDs: []string{"1"}, ExcludesIDs: []string{"2"}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// one is a document of one check with parts replaced.
func one(replace ...string) string {
	return strings.NewReplacer(replace...).Replace("{\"schema\":1,\n\"checks\":[\n{\"name\":\"n\",\n\"index\":\"books\",\n" +
		"\"analyze\":{\"analyzer\":\"a\",\"text\":\"t\"},\n\"expect\":{\"contains\":[\"x\"]}}]}")
}

func searching(query, expect string) string {
	return `{"schema":1,"checks":[{"name":"n","index":"i","search":` + query + `,"expect":` + expect + `}]}`
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"name":"c%d","index":"i","analyze":{"field":"f","text":"t"},"expect":{"contains":["x"]}}`, i))
		}
		return `{"schema":1,"checks":[` + strings.Join(all, ",") + `]}`
	}
	for name, c := range map[string]struct{ doc, want string }{
		"nothing":              {"", "line 1: the document ends"},
		"no JSON":              {"{\n\n x}", "line 3: it is no JSON"},
		"half":                 {"{\"schema\":1,\n", "line 2: the document ends"},
		"more":                 {one() + "\n{}", "line 7: there is something after the document"},
		"a list":               {"[]", "line 1, there must be no list here"},
		"another schema":       {one(`"schema":1`, `"schema":2`), "line 1, schema: it must be 1"},
		"no schema":            {one(`"schema":1,`, ""), "schema: it must be 1"},
		"no check":             {`{"schema":1,"checks":[]}`, "checks: there is no check"},
		"too many":             {many(searchpack.MaxChecks + 1), "there are 51 checks"},
		"unknown member":       {one(`"contains"`, `"contain"`), "line 6, checks[0].expect.contain: there is no such member; it is one of contains, equals"},
		"another case":         {one(`"name"`, `"Name"`), "line 3, checks[0].Name: there is no such member"},
		"twice":                {one(`"index":"books",`, "\"index\":\"books\",\n\"index\":\"b\","), "line 5, checks[0].index: the member comes twice"},
		"null":                 {one(`["x"]`, "null"), "checks[0].expect.contains: null says nothing"},
		"number":               {one(`"n"`, "7"), "line 3, checks[0].name: 7 does not fit here"},
		"truth":                {one(`"n"`, "true"), "true does not fit here"},
		"string for a list":    {one(`["x"]`, `"x"`), "line 6, checks[0].expect.contains: there must be a list here"},
		"string for an object": {one(`{"contains":["x"]}`, `"x"`), "checks[0].expect: there must be an object here"},
		"object for a string":  {one(`"n"`, `{"a":1}`), "checks[0].name: there must be no object here"},
		"list for a string":    {one(`"n"`, `["a"]`), "checks[0].name: there must be no list here"},
		"string for a number":  {searching(`{"match":{"a":"b"}}`, `{"min_hits":"1"}`), "expect.min_hits: there must be a number here"},
		"half a hit":           {searching(`{"match":{"a":"b"}}`, `{"min_hits":1.5}`), "1.5 does not fit here"},
		"not UTF-8":            {"\xff", "not UTF-8"},
		"no name":              {one(`"n"`, `" "`), "checks[0].name: a check needs a name"},
		"long name":            {one(`"n"`, `"`+strings.Repeat("x", 101)+`"`), "checks[0].name"},
		"line in a name":       {one(`"n"`, `"a\nb"`), "checks[0].name"},
		"names twice":          {strings.Replace(many(2), "c1", "c0", 1), `checks[1].name: "c0" is the name of an earlier check`},
		"pattern":              {one("books", "b*"), "line 4, checks[0].index"},
		"list of indices":      {one("books", "a,b"), "checks[0].index"},
		"path":                 {one("books", "a/_search"), "checks[0].index"},
		"all":                  {one("books", "_all"), "checks[0].index"},
		"date math":            {one("books", "<a-{now}>"), "checks[0].index"},
		"both":                 {one(`"analyze"`, `"search":{"match":{"a":"b"}},"analyze"`), "either analyze or search"},
		"neither":              {one(`"analyze":{"analyzer":"a","text":"t"},`, ""), "line 3, checks[0]: a check has either analyze or search"},
		"analyzer and field":   {one(`"text"`, `"field":"f","text"`), "either an analyzer or a field"},
		"no text":              {one(`"text":"t"`, `"text":""`), "line 5, checks[0].analyze.text"},
		"long text":            {one(`"text":"t"`, `"text":"`+strings.Repeat("x", 1025)+`"`), "analyze.text"},
		"nothing expected":     {one(`"contains":["x"]`, ""), "nothing is expected"},
		"empty token":          {one(`["x"]`, `["x",""]`), "contains[1]: an entry has"},
		"many tokens":          {one(`["x"]`, `["x"`+strings.Repeat(`,"y"`, 20)+`]`), "21 entries"},
		"equals and more":      {one(`["x"]`, `["x"],"equals":["x"]`), "equals says it all"},
		"wanted and not":       {one(`["x"]`, `["x"],"excludes":["x"]`), "expected and excluded at once"},
		"hits of an analysis":  {one(`["x"]`, `["x"],"min_hits":1`), "are for search"},
		"tokens of a search":   {searching(`{"match":{"a":"b"}}`, `{"contains":["x"]}`), "are for analyze"},
		"nothing of a search":  {searching(`{"match":{"a":"b"}}`, `{}`), "nothing is expected"},
		"another query":        {searching(`{"script":{}}`, `{"min_hits":1}`), "search.script: there is no such member"},
		"two queries":          {searching(`{"match":{"a":"b"},"match_phrase":{"a":"b"}}`, `{"min_hits":1}`), "give one of match"},
		"two fields":           {searching(`{"match":{"a":"b","c":"d"}}`, `{"min_hits":1}`), "give one field"},
		"no field":             {searching(`{"match":{}}`, `{"min_hits":1}`), "give one field"},
		"no query":             {searching(`{"match":{"a":""}}`, `{"min_hits":1}`), "search.match.a.query"},
		"boost":                {searching(`{"match":{"a":{"query":"b","boost":"2"}}}`, `{"min_hits":1}`), "match.a.boost: there is no such member"},
		"operator":             {searching(`{"match":{"a":{"query":"b","operator":"not"}}}`, `{"min_hits":1}`), "operator: it is and, or or"},
		"slop of a match":      {searching(`{"match":{"a":{"query":"b","slop":1}}}`, `{"min_hits":1}`), "slop is for match_phrase"},
		"phrase and operator":  {searching(`{"match_phrase":{"a":{"query":"b","operator":"and"}}}`, `{"min_hits":1}`), "a phrase has no operator"},
		"fields by pattern":    {searching(`{"multi_match":{"query":"b","fields":["*"]}}`, `{"min_hits":1}`), "fields[0]"},
		"no fields":            {searching(`{"multi_match":{"query":"b","fields":[]}}`, `{"min_hits":1}`), "give 1 to 20 fields"},
		"type":                 {searching(`{"multi_match":{"query":"b","fields":["a"],"type":"x"}}`, `{"min_hits":1}`), "it is one of best_fields"},
		"negative":             {searching(`{"match":{"a":"b"}}`, `{"min_hits":-1}`), "expect.min_hits: it is a number from 0"},
		"too far":              {searching(`{"match":{"a":"b"}}`, `{"max_hits":10001}`), "expect.max_hits"},
		"crossed":              {searching(`{"match":{"a":"b"}}`, `{"min_hits":2,"max_hits":1}`), "min_hits is more than max_hits"},
		"more ids":             {searching(`{"match":{"a":"b"}}`, `{"ids":["1"],"max_hits":0}`), "more ids than max_hits"},
		"ids twice":            {searching(`{"match":{"a":"b"}}`, `{"ids":["1"],"excludes_ids":["1"]}`), "expected and excluded at once"},
		"long id":              {searching(`{"match":{"a":"b"}}`, `{"ids":["`+strings.Repeat("x", 513)+`"]}`), "ids[0]"},
		"deep":                 {one(`"t"`, strings.Repeat("[", 20_000)), "there must be no list here"},
	} {
		got, err := Parse([]byte(c.doc))
		if searchpack.ErrorCode(err) != searchpack.ErrInvalid || !strings.Contains(searchpack.ErrorMessage(err), c.want) || got != nil {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	_, err := Parse([]byte(whole + strings.Repeat(" ", searchpack.MaxChecksBytes)))
	if searchpack.ErrorCode(err) != searchpack.ErrTooLarge {
		t.Errorf("too large: %v", err)
	}
}

// What is taken says the same after a way through an order, and again passes; nothing else panics or is
// taken for more than it is.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(one()))
	f.Add([]byte(searching(`{"match":{"a":{"query":"b","operator":"and"}}}`, `{"min_hits":1}`)))
	f.Add([]byte(`{"schema":1,"checks":[{"name":"\ud800"}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		all, err := Parse(doc)
		if err != nil {
			if code := searchpack.ErrorCode(err); code != searchpack.ErrInvalid && code != searchpack.ErrTooLarge || len(err.Error()) > 1000 {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		b, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		var again []searchpack.Check
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if Validate(again) != nil {
			t.Fatalf("%s is refused later: %v", b, Validate(again))
		}
		if b2, _ := json.Marshal(again); string(b) != string(b2) {
			t.Fatalf("%s became %s", b, b2)
		}
		for _, c := range all {
			if c.Search != nil && !json.Valid(Counting(c)) {
				t.Fatal("no query")
			}
		}
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expect            searchpack.Expectation
		tokens            string
		wrong             bool
		missing, unwanted []string
	}{
		"contains":           {searchpack.Expectation{Contains: []string{"b"}}, "a b", false, nil, nil},
		"contains not":       {searchpack.Expectation{Contains: []string{"b", "a"}}, "a", true, []string{"b"}, nil},
		"excludes":           {searchpack.Expectation{Excludes: []string{"b"}}, "a", false, nil, nil},
		"excludes not":       {searchpack.Expectation{Excludes: []string{"a", "b"}}, "a c", true, nil, []string{"a"}},
		"equals":             {searchpack.Expectation{Equals: []string{"a", "b", "a"}}, "b a a", false, nil, nil},
		"equals, once more":  {searchpack.Expectation{Equals: []string{"a"}}, "a a", true, nil, nil},
		"equals, once less":  {searchpack.Expectation{Equals: []string{"a", "a"}}, "a", true, []string{"a"}, nil},
		"equals nothing":     {searchpack.Expectation{Equals: []string{}}, "", false, nil, nil},
		"equals nothing not": {searchpack.Expectation{Equals: []string{}}, "a", true, nil, nil},
	} {
		wrong, missing, unwanted := Tokens(c.expect, strings.Fields(c.tokens))
		if wrong != c.wrong || !reflect.DeepEqual(missing, c.missing) || !reflect.DeepEqual(unwanted, c.unwanted) {
			t.Errorf("%s: %v %v %v", name, wrong, missing, unwanted)
		}
	}
}

func TestHits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expect            searchpack.Expectation
		hits              int64
		found             string
		wrong             bool
		missing, unwanted []string
	}{
		"enough":   {searchpack.Expectation{MinHits: number(2), MaxHits: number(2)}, 2, "", false, nil, nil},
		"few":      {searchpack.Expectation{MinHits: number(2)}, 1, "", true, nil, nil},
		"many":     {searchpack.Expectation{MaxHits: number(0)}, 1, "", true, nil, nil},
		"found":    {searchpack.Expectation{IDs: []string{"1"}}, 1, "1 2", false, nil, nil},
		"missing":  {searchpack.Expectation{IDs: []string{"1", "3"}}, 9, "1", true, []string{"3"}, nil},
		"unwanted": {searchpack.Expectation{ExcludesIDs: []string{"1", "3"}}, 9, "1", true, nil, []string{"1"}},
	} {
		wrong, missing, unwanted := Hits(c.expect, c.hits, strings.Fields(c.found))
		if wrong != c.wrong || !reflect.DeepEqual(missing, c.missing) || !reflect.DeepEqual(unwanted, c.unwanted) {
			t.Errorf("%s: %v %v %v", name, wrong, missing, unwanted)
		}
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	all, err := Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{string(Counting(all[2])), `{"query":{"match":{"title":{"query":"laptop"}}},"size":0,"track_total_hits":2}`},
		{string(Counting(all[3])), `{"query":{"match_phrase":{"title":{"query":"a b","slop":2}}},"size":0,"track_total_hits":1}`},
		{string(Finding(all[3])), ""},
		{string(Finding(all[4])), `{"_source":false,"query":{"bool":{"filter":{"ids":{"values":["1","2"]}},` +
			`"must":{"multi_match":{"query":"laptop","fields":["title","body"],"type":"phrase","operator":"and"}}}},"size":2,"track_total_hits":false}`},
	} {
		if c.got != c.want {
			t.Errorf("%s\nwant %s", c.got, c.want)
		}
	}
}
