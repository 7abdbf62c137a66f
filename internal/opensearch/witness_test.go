package opensearch

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func TestLoadedTerms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   []string
		err    string
	}{
		{"terms", 200, `{"_index":"shop","_version":0,"found":true,"took":1,"term_vectors":{"title":{"terms":{"notebook":{"term_freq":1},"laptop":{"term_freq":2}}}}}`,
			[]string{"laptop", "laptop", "notebook"}, ""},
		{"none left", 200, `{"_index":"shop","_version":0,"found":true,"took":1,"term_vectors":{}}`, nil, ""},
		{"a lie about how often", 200, `{"_index":"shop","term_vectors":{"title":{"terms":{"x":{"term_freq":2000000000}}}}}`, slicesOf("x", len("laptop x")+1), ""},
		{"no copy here", 404, `{"error":{"type":"no_shard_available_action_exception","reason":"No shard available for [get [shop][_all][null]: routing [null]]"},"status":404}`, nil, "404: No shard available"},
		{"not OpenSearch", 200, `{}`, nil, "not OpenSearch's"},
	} {
		cl := client(t, func(w http.ResponseWriter, r *http.Request) {
			got, _ := io.ReadAll(r.Body)
			if r.URL.Path != "/shop/_termvectors" || r.URL.Query().Get("preference") != "_shards:2|_only_local" || r.URL.Query().Get("realtime") != "false" ||
				string(got) != `{"doc":{"title":"laptop x"},"per_field_analyzer":{"title":"srch"}}` {
				t.Errorf("asked %s %s", r.URL, got)
			}
			says(c.status, c.body)(w, r)
		})
		got, err := cl.LoadedTerms(t.Context(), "shop", 2, "title", "srch", "laptop x")
		check(t, c.name, c.want, got, err, c.err)
	}
}

// Several texts go as the values of the field, each analyzed by itself.
func TestLoadedTermsOfSeveral(t *testing.T) {
	t.Parallel()
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		if got, _ := io.ReadAll(r.Body); string(got) != `{"doc":{"title":["laptop","x"]},"per_field_analyzer":{"title":"srch"}}` {
			t.Errorf("asked %s", got)
		}
		says(200, `{"_index":"shop","term_vectors":{"title":{"terms":{"laptop":{"term_freq":2},"x":{"term_freq":1}}}}}`)(w, r)
	})
	got, err := cl.LoadedTerms(t.Context(), "shop", 2, "title", "srch", "laptop", "x")
	check(t, "several", []string{"laptop", "laptop", "x"}, got, err, "")
}

// The index of a data stream takes no document without its time, also none that is not stored.
func TestLoadedTermsOfDataStream(t *testing.T) {
	t.Parallel()
	asked := 0
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if asked++; asked == 1 {
			says(500, `{"error":{"type":"exception","reason":"failed to execute term vector request","caused_by":{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"illegal_argument_exception","reason":"documents must contain a single-valued timestamp field '@timestamp' of date type"}}},"status":500}`)(w, r)
			return
		}
		if string(got) != `{"doc":{"@timestamp":"2000-01-01T00:00:00Z","title":"laptop"},"per_field_analyzer":{"title":"srch"}}` {
			t.Errorf("asked %s", got)
		}
		says(200, `{"_index":".ds-events-000001","term_vectors":{"title":{"terms":{"laptop":{"term_freq":1}},"@timestamp":{"terms":{"x":{}}}}}}`)(w, r)
	})
	got, err := cl.LoadedTerms(t.Context(), ".ds-events-000001", 0, "title", "srch", "laptop")
	check(t, "data stream", []string{"laptop"}, got, err, "")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func slicesOf(s string, n int) (out []string) {
	for range n {
		out = append(out, s)
	}
	return out
}

func check(t *testing.T, name string, want, got any, err error, wantErr string) {
	t.Helper()
	if wantErr != "" {
		if err == nil || !strings.Contains(searchpack.ErrorMessage(err), wantErr) {
			t.Errorf("%s: %v, want an error with %q", name, err, wantErr)
		}
		return
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
	}
}

func TestLocalShards(t *testing.T) {
	t.Parallel()
	const answer = `{"cluster_name":"c","routing_nodes":{"nodes":{"me":[
		{"state":"STARTED","shard":1,"index":"shop"},{"state":"INITIALIZING","shard":0,"index":"new"},
		{"state":"RELOCATING","shard":3,"index":"leaving"}]}}}`
	cl := client(t, says(200, answer))
	got, err := cl.LocalShards(t.Context(), "me")
	check(t, "shards", map[string]int{"shop": 1, "leaving": 3}, got, err, "")
	none, err := client(t, says(200, `{"cluster_name":"c"}`)).LocalShards(t.Context(), "me")
	check(t, "no shard", map[string]int{}, none, err, "")
	_, err = client(t, says(200, `{}`)).LocalShards(t.Context(), "me")
	check(t, "not OpenSearch", nil, nil, err, "not OpenSearch's")
	_, err = cl.LocalShards(t.Context(), "*")
	check(t, "an odd id", nil, nil, err, "no node id")
}

func TestAskField(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"shop":{"mappings":{"properties":{"title":{"type":"text","fields":{"raw":{"type":"keyword"}}},"body":{"type":"text"},"price":{"type":"long"}}}}}`: "body",
		`{"shop":{"mappings":{"properties":{"tag":{"type":"keyword"},"a":{"properties":{"b":{"type":"keyword"}}}}}}}`:                                       "a.b",
		`{"shop":{"mappings":{"properties":{"n":{"type":"nested","properties":{"t":{"type":"text"}}},"x":{"type":"text","index":false}}}}}`:                 "",
		`{}`: "",
	} {
		got, err := client(t, says(200, body)).AskField(t.Context(), "shop")
		check(t, body, want, got, err, "")
	}
}
