package opensearch

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func TestIndexState(t *testing.T) {
	t.Parallel()
	const state = `{"metadata":{"cluster_uuid":"U","indices":{"books":{"state":"open"}}}}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string
		err    string
	}{
		{"there", 200, state, state, ""},
		{"nothing", 200, `{"metadata":{"cluster_uuid":"U"}}`, `{"metadata":{"cluster_uuid":"U"}}`, ""},
		{"refused name", 404, `{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}`, `{"metadata":{}}`, ""},
		{"busy", 503, `{}`, "", "503"},
		{"another 404", 404, `<html>`, "", "404"},
		{"not OpenSearch", 200, `{}`, "", "holds no metadata"},
	} {
		cl := client(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.EscapedPath() != "/_cluster/state/metadata/b%C3%BCcher" || r.URL.Query().Get("local") != "true" {
				t.Errorf("asked %s", r.URL)
			}
			says(c.status, c.body)(w, r)
		})
		got, err := cl.IndexState(t.Context(), "bücher")
		check(t, c.name, c.want, string(got), err, c.err)
	}
}

// What is wrong with the question is told from what may be better later: only the first makes a check
// fail.
func TestQuestionsRefused(t *testing.T) {
	t.Parallel()
	phase := func(status int, causes string) (int, string) {
		return status, `{"error":{"type":"search_phase_execution_exception","reason":"all shards failed","root_cause":[` + causes + `]},"status":400}`
	}
	cause := func(typ string) string { return `{"type":"` + typ + `","reason":"why"}` }
	one := func(typ string) string { return `{"error":` + cause(typ) + `,"status":400}` }
	for _, c := range []struct {
		name   string
		status int
		body   string
		code   searchpack.Code
	}{
		{"unknown analyzer", 400, one("illegal_argument_exception"), searchpack.ErrInvalid},
		{"bad rule at 500", 500, one("runtime_exception"), searchpack.ErrInvalid},
		{"index gone", 404, one("index_not_found_exception"), searchpack.ErrUnavailable},
		{"index closed", 400, one("index_closed_exception"), searchpack.ErrUnavailable},
		{"rejected", 429, one("rejected_execution_exception"), searchpack.ErrUnavailable},
		{"no copy", 503, one("no_shard_available_action_exception"), searchpack.ErrUnavailable},
		{"may not", 403, one("security_exception"), searchpack.ErrUnavailable},
		{"who", 401, `Unauthorized`, searchpack.ErrUnavailable},
	} {
		cl := client(t, says(c.status, c.body))
		_, err := cl.AnalyzeIn(t.Context(), "books", `{}`)
		if searchpack.ErrorCode(err) != c.code {
			t.Errorf("_analyze, %s: %v", c.name, err)
		}
		if _, _, _, err = cl.Search(t.Context(), "books", []byte(`{}`)); searchpack.ErrorCode(err) != c.code {
			t.Errorf("_search, %s: %v", c.name, err)
		}
	}
	for name, c := range map[string]struct {
		status int
		causes string
		code   searchpack.Code
	}{
		"query":          {400, cause("query_shard_exception"), searchpack.ErrInvalid},
		"one of two":     {500, cause("query_shard_exception") + "," + cause("node_disconnected_exception"), searchpack.ErrUnavailable},
		"no copy at all": {503, "", searchpack.ErrUnavailable},
		"memory":         {429, cause("circuit_breaking_exception"), searchpack.ErrUnavailable},
	} {
		status, body := phase(c.status, c.causes)
		_, _, _, err := client(t, says(status, body)).Search(t.Context(), "books", []byte(`{}`))
		if searchpack.ErrorCode(err) != c.code || strings.Contains(searchpack.ErrorMessage(err), "user") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnalyzeIn(t *testing.T) {
	t.Parallel()
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/books/_analyze" || string(got) != `{"analyzer":"a","text":"x"}` {
			t.Errorf("asked %s %s", r.URL, got)
		}
		says(200, `{"tokens":[{"token":"x","position":1,"type":"word"}]}`)(w, r)
	})
	got, err := cl.AnalyzeIn(t.Context(), "books", `{"analyzer":"a","text":"x"}`)
	check(t, "tokens", []searchpack.Token{{Text: "x", Position: 1, Type: "word"}}, got, err, "")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	type answer struct {
		Hits    int64
		AtLeast bool
		IDs     []string
	}
	for _, c := range []struct {
		name, body string
		want       answer
		err        string
	}{
		{"hits", `{"timed_out":false,"_shards":{"total":2,"failed":0},"hits":{"total":{"value":2,"relation":"eq"}}}`, answer{Hits: 2}, ""},
		{"more", `{"timed_out":false,"_shards":{"total":2,"failed":0},"hits":{"total":{"value":3,"relation":"gte"}}}`, answer{Hits: 3, AtLeast: true}, ""},
		{"ids", `{"timed_out":false,"_shards":{"total":2,"failed":0},"hits":{"hits":[{"_id":"1"},{"_id":"b"}]}}`, answer{IDs: []string{"1", "b"}}, ""},
		{"late", `{"timed_out":true,"_shards":{"total":2,"failed":0},"hits":{"total":{"value":0}}}`, answer{}, "a part of the index only"},
		{"a part", `{"timed_out":false,"_shards":{"total":2,"failed":1},"hits":{"total":{"value":0}}}`, answer{}, "a part of the index only"},
		{"nothing", `{"timed_out":false,"_shards":{"total":0,"failed":0},"hits":{"total":{"value":0}}}`, answer{}, "a part of the index only"},
		{"not OpenSearch", `{}`, answer{}, "is not OpenSearch's"},
	} {
		cl := client(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if r.URL.Path != "/Books/_search" || q.Get("preference") != "_local" || q.Get("allow_partial_search_results") != "false" || q.Get("request_cache") != "false" {
				t.Errorf("asked %s", r.URL)
			}
			says(200, c.body)(w, r)
		})
		hits, atLeast, ids, err := cl.Search(t.Context(), "Books", []byte(`{"size":0}`))
		check(t, c.name, c.want, answer{hits, atLeast, ids}, err, c.err)
		if c.err != "" && searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
