package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// askedNode answers checks by a script. Its indices use package F1 unless their settings are others.
type askedNode struct {
	loadedNode
	settings map[string]string // of an index; "" = those that use F1
	closed   string
	aliases  map[string][]string
	tokens   []string // of _analyze
	refuses  error    // of _analyze and _search
	hits     int64
	found    []string
	searches []string
	after    func() // called at each question
	field    string
}

const usesF1 = `{"index":{"analysis":{"filter":{"s":{"type":"synonym_graph","synonyms_path":"analyzers/F1","updateable":"true"}}}}}`

func (n *askedNode) IndexState(_ context.Context, name string) (json.RawMessage, error) {
	names := []string{name}
	if all, alias := n.aliases[name]; alias {
		names = all
	}
	var parts []string
	for _, index := range names {
		settings, there := n.settings[index]
		if !there {
			continue
		}
		state := "open"
		if index == n.closed {
			state = "close"
		}
		if settings == "" {
			settings = usesF1
		}
		parts = append(parts, fmt.Sprintf(`%q:{"state":%q,"settings":%s}`, index, state, settings))
	}
	return json.RawMessage(`{"metadata":{"cluster_uuid":"U","indices":{` + strings.Join(parts, ",") + `}}}`), nil
}

func (n *askedNode) AnalyzeIn(_ context.Context, index, body string) ([]searchpack.Token, error) {
	n.asked = append(n.asked, index+" "+body)
	if n.after != nil {
		n.after()
	}
	var out []searchpack.Token
	for _, t := range n.tokens {
		out = append(out, searchpack.Token{Text: t})
	}
	return out, n.refuses
}

func (n *askedNode) Search(_ context.Context, index string, body []byte) (hits int64, atLeast bool, ids []string, err error) {
	n.searches = append(n.searches, index+" "+string(body))
	return n.hits, n.hits > 100, n.found, n.refuses
}

func (n *askedNode) AskField(context.Context, string) (string, error) { return n.field, nil }

func (n *askedNode) LoadedTerms(_ context.Context, index string, shard int, field, analyzer string, texts ...string) ([]string, error) {
	text := texts[0]
	n.asked = append(n.asked, fmt.Sprintf("%s %d %s %s %s", index, shard, field, analyzer, text))
	if index == n.broken {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "no shard available")
	}
	return strings.Fields(n.loaded[index]), nil
}

// askedSite is a worker whose node has F1 as v1 in place, and index books with one copy here.
func askedSite(t *testing.T) (*worker, *askedNode, *searchpack.VerifyTask) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, searchpack.ReferencePath("F1"))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("v1"), 0o644); err != nil {
		t.Fatal(err)
	}
	v1 := searchpack.DigestOf([]byte("v1"))
	n := &askedNode{settings: map[string]string{"books": ""}, field: "title", tokens: []string{"laptop", "notebook"}}
	n.shards, n.loaded = map[string]int{"books": 3}, map[string]string{"books": "laptop notebook"}
	b := &book{rec: record{Placed: map[string]placed{"F1": {State: searchpack.FileLive, Digest: v1}}}}
	q := &searchpack.VerifyTask{PackageID: "F1", Digest: v1, Checks: []searchpack.Check{{
		Name: "n", Index: "books", Analyze: &searchpack.AnalyzeCheck{Analyzer: "srch", Text: "laptop"},
		Expect: searchpack.Expectation{Contains: []string{"notebook"}},
	}}}
	conf := newConfigDir(dir, func(string) {})
	return &worker{node: n, conf: conf, book: b, builds: newBuilds(conf, n, b, func() string { return "" })}, n, q
}

func searching(q *searchpack.VerifyTask) {
	one := int64(1)
	c := &q.Checks[0]
	c.Analyze, c.Search = nil, &searchpack.SearchCheck{Match: map[string]searchpack.CheckQuery{"title": {Query: "laptop"}}}
	c.Expect = searchpack.Expectation{MinHits: &one, IDs: []string{"1"}}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	other := `{"index":{"analysis":{"filter":{"s":{"type":"synonym","synonyms_path":"analyzers/F2"}}}}}`
	private := strings.Replace(usesF1, `"filter":{`, `"filter":{"own":{"type":"stop","stopwords_path":"secret.txt"},`, 1)
	books := []string{"books"}
	for name, c := range map[string]struct {
		edit  func(n *askedNode, q *searchpack.VerifyTask)
		want  searchpack.CheckResult
		asked []string
	}{
		"passes": {nil, searchpack.CheckResult{State: searchpack.CheckPassed, Indices: books},
			[]string{`books {"analyzer":"srch","text":"laptop"}`, "books 3 title srch laptop"}},
		"fails": {func(n *askedNode, _ *searchpack.VerifyTask) { n.tokens = []string{"laptop"} },
			searchpack.CheckResult{State: searchpack.CheckFailed, Indices: books, Tokens: []string{"laptop"}, Missing: []string{"notebook"}},
			[]string{`books {"analyzer":"srch","text":"laptop"}`}},
		"fails on this node only": {func(n *askedNode, _ *searchpack.VerifyTask) { n.loaded["books"] = "laptop" },
			searchpack.CheckResult{State: searchpack.CheckFailed, Indices: books, Tokens: []string{"laptop"}, Missing: []string{"notebook"}}, nil},
		"no field to ask by": {func(n *askedNode, _ *searchpack.VerifyTask) { n.field, n.loaded["books"] = "", "" },
			searchpack.CheckResult{State: searchpack.CheckPassed, Indices: books}, []string{`books {"analyzer":"srch","text":"laptop"}`}},
		"by a field": {func(_ *askedNode, q *searchpack.VerifyTask) {
			q.Checks[0].Analyze.Analyzer, q.Checks[0].Analyze.Field = "", "title"
		},
			searchpack.CheckResult{State: searchpack.CheckPassed, Indices: books}, []string{`books {"field":"title","text":"laptop"}`}},
		"tokens of other files stay": {func(n *askedNode, _ *searchpack.VerifyTask) {
			n.tokens, n.settings["books"] = []string{"secret"}, private
		},
			searchpack.CheckResult{State: searchpack.CheckFailed, Indices: books, Missing: []string{"notebook"}, Kept: true}, nil},
		"so do reasons": {func(n *askedNode, _ *searchpack.VerifyTask) {
			n.settings["books"], n.refuses = private, searchpack.Errorf(searchpack.ErrInvalid, "secret")
		}, searchpack.CheckResult{State: searchpack.CheckFailed, Indices: books, Reason: "OpenSearch refuses it"}, nil},
		"refused": {func(n *askedNode, _ *searchpack.VerifyTask) {
			n.refuses = searchpack.Errorf(searchpack.ErrInvalid, "failed to find analyzer [srch]")
		},
			searchpack.CheckResult{State: searchpack.CheckFailed, Indices: books, Reason: "failed to find analyzer [srch]"}, nil},
		"no index": {func(_ *askedNode, q *searchpack.VerifyTask) { q.Checks[0].Index = "films" },
			searchpack.CheckResult{State: searchpack.CheckSkipped, Reason: "there is no index films"}, []string{}},
		"uses another package": {func(n *askedNode, _ *searchpack.VerifyTask) { n.settings["books"] = other },
			searchpack.CheckResult{State: searchpack.CheckSkipped, Reason: "index books does not use the package"}, []string{}},
		"closed": {func(n *askedNode, _ *searchpack.VerifyTask) { n.closed = "books" },
			searchpack.CheckResult{State: searchpack.CheckSkipped, Reason: "index books is closed"}, []string{}},
		"alias": {func(n *askedNode, q *searchpack.VerifyTask) {
			n.settings["more"], n.aliases, q.Checks[0].Index = "", map[string][]string{"all": {"books", "more"}}, "all"
		}, searchpack.CheckResult{State: searchpack.CheckPassed, Indices: []string{"books", "more"}},
			[]string{`books {"analyzer":"srch","text":"laptop"}`, "books 3 title srch laptop"}},
		"alias of others, too": {func(n *askedNode, q *searchpack.VerifyTask) {
			n.settings["more"], n.aliases, q.Checks[0].Index = other, map[string][]string{"all": {"books", "more"}}, "all"
		}, searchpack.CheckResult{State: searchpack.CheckSkipped, Reason: "index more does not use the package"}, []string{}},
		"not here": {func(n *askedNode, _ *searchpack.VerifyTask) { n.shards = nil },
			searchpack.CheckResult{State: searchpack.CheckElsewhere, Indices: books}, []string{}},
		"asked anyway": {func(n *askedNode, q *searchpack.VerifyTask) { n.shards, q.Anywhere = nil, true },
			searchpack.CheckResult{State: searchpack.CheckPassed, Indices: books}, []string{`books {"analyzer":"srch","text":"laptop"}`}},
		"search": {func(n *askedNode, q *searchpack.VerifyTask) { searching(q); n.hits, n.found = 2, []string{"1"} },
			searchpack.CheckResult{State: searchpack.CheckPassed, Indices: books}, []string{}},
		"search fails": {func(n *askedNode, q *searchpack.VerifyTask) { searching(q); n.hits = 200 },
			searchpack.CheckResult{State: searchpack.CheckFailed, Indices: books, Hits: 200, AtLeast: true, Missing: []string{"1"}}, []string{}},
		"search is refused": {func(n *askedNode, q *searchpack.VerifyTask) {
			searching(q)
			n.refuses = searchpack.Errorf(searchpack.ErrInvalid, "no such analyzer")
		}, searchpack.CheckResult{State: searchpack.CheckFailed, Indices: books, Reason: "no such analyzer"}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, n, q := askedSite(t)
			n.asked = []string{}
			if c.edit != nil {
				c.edit(n, q)
			}
			got, err := w.do(t.Context(), searchpack.Duty{Kind: searchpack.DutyVerify, Verify: q})
			if err != nil || len(got.Verified) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if d := cmp.Diff(c.want, got.Verified[0]); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if c.asked != nil && !slices.Equal(n.asked, c.asked) {
				t.Errorf("asked %q, want %q", n.asked, c.asked)
			}
		})
	}
}

// A search goes to the name as it stands, since an alias may have a filter, and asks for no document.
func TestVerifySearches(t *testing.T) {
	t.Parallel()
	w, n, q := askedSite(t)
	searching(q)
	n.aliases, q.Checks[0].Index = map[string][]string{"some": {"books"}}, "some"
	if _, err := w.verify(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`some {"query":{"match":{"title":{"query":"laptop"}}},"size":0,"track_total_hits":2}`,
		`some {"_source":false,"query":{"bool":{"filter":{"ids":{"values":["1"]}},"must":{"match":{"title":{"query":"laptop"}}}}},"size":1,"track_total_hits":false}`,
	}
	if d := cmp.Diff(want, n.searches); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What stands in the way is told, and nothing is judged: also when the file changes under the question.
func TestVerifyIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(w *worker, n *askedNode, q *searchpack.VerifyTask)
		want string
	}{
		"busy": {func(_ *worker, n *askedNode, _ *searchpack.VerifyTask) {
			n.refuses = searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch answers /_analyze with 503")
		}, `check "n": OpenSearch answers /_analyze with 503`},
		"this node is busy": {func(_ *worker, n *askedNode, _ *searchpack.VerifyTask) { n.broken = "books" }, `check "n": no shard available`},
		"search is busy": {func(_ *worker, n *askedNode, q *searchpack.VerifyTask) {
			searching(q)
			n.refuses = searchpack.Errorf(searchpack.ErrUnavailable, "busy")
		}, `check "n": busy`},
		"another file": {func(_ *worker, _ *askedNode, q *searchpack.VerifyTask) { q.Digest = searchpack.DigestOf([]byte("v2")) }, "not the one to compare with"},
		"the file changes": {func(w *worker, n *askedNode, _ *searchpack.VerifyTask) {
			n.after = func() {
				if err := os.WriteFile(filepath.Join(w.conf.path, searchpack.ReferencePath("F1")), []byte("other"), 0o644); err != nil {
					t.Error(err)
				}
			}
		}, "not the one to compare with"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, n, q := askedSite(t)
			c.edit(w, n, q)
			if _, err := w.verify(t.Context(), q); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Tokens that leave the node are bounded.
func TestVerifyBoundsTokens(t *testing.T) {
	t.Parallel()
	w, n, q := askedSite(t)
	n.tokens = nil
	for range searchpack.MaxCheckTokens + 7 {
		n.tokens = append(n.tokens, strings.Repeat("é", 500))
	}
	got, err := w.verify(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	r := got.Verified[0]
	if len(r.Tokens) != searchpack.MaxCheckTokens || r.More != 7 || len(r.Tokens[0]) > maxTokenText+3 {
		t.Errorf("%d tokens of %d bytes, %d more", len(r.Tokens), len(r.Tokens[0]), r.More)
	}
}
