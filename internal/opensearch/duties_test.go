package opensearch

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// Answers recorded on 3.8.0, those marked 2.19 on 2.19.0.
func TestAnalyze(t *testing.T) {
	t.Parallel()
	const iae = "illegal_argument_exception"
	tests := []struct {
		name   string
		status int
		body   string
		want   usage.Answer
	}{
		{"passed", 200, `{"tokens":[{"token":"searchpack","start_offset":0,"end_offset":10,"type":"word","position":0}]}`, usage.Answer{Status: 200}},
		{"passed, no token left", 200, `{"tokens":[]}`, usage.Answer{Status: 200}},
		{"missing file", 400, `{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"IOException while reading rules_path: file not readable"}],"type":"illegal_argument_exception","reason":"IOException while reading rules_path: file not readable"},"status":400}`,
			usage.Answer{Status: 400, Type: iae, Reason: "IOException while reading rules_path: file not readable"}},
		{"no such filter", 400, `{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"failed to find global filter under [nope]"}],"type":"illegal_argument_exception","reason":"failed to find global filter under [nope]"},"status":400}`,
			usage.Answer{Status: 400, Type: iae, Reason: "failed to find global filter under [nope]"}},
		{"2.19: outside", 500, `{"error":{"root_cause":[{"type":"access_control_exception","reason":"access denied (\"java.io.FilePermission\" \"/etc/hostname\" \"read\")"}],"type":"access_control_exception","reason":"access denied (\"java.io.FilePermission\" \"/etc/hostname\" \"read\")"},"status":500}`,
			usage.Answer{Status: 500, Type: "access_control_exception", Reason: `access denied ("java.io.FilePermission" "/etc/hostname" "read")`}},
		{"the useful words are suppressed", 400, `{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Failed to build analyzers: [a]"}],"type":"illegal_argument_exception","reason":"Failed to build analyzers: [a]","suppressed":[{"type":"illegal_argument_exception","reason":"[a] Failed to build synonyms","caused_by":{"type":"illegal_argument_exception","reason":"Failed to build synonyms"}}]},"status":400}`,
			usage.Answer{Status: 400, Type: iae, Reason: "Failed to build analyzers: [a]: [a] Failed to build synonyms"}},
		{"no manager yet", 503, `{"error":{"root_cause":[{"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"}],"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"},"status":503}`,
			usage.Answer{Status: 503, Type: "cluster_block_exception", Reason: "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"}},
		{"user may not", 403, `{"error":{"type":"security_exception","reason":"no permissions for [indices:admin/analyze] and User [name=agent]"},"status":403}`,
			usage.Answer{Status: 403, Type: "security_exception", Reason: "OpenSearch refuses /_analyze (403): give the agent's user the permission indices:admin/analyze"}},
		{"a proxy's page", 200, `<html>hello</html>`, usage.Answer{Status: 200, Reason: "the answer is not OpenSearch's answer to _analyze"}},
		{"a proxy's error", 502, `<html>bad gateway</html>`, usage.Answer{Status: 502}},
	}
	for _, tt := range tests {
		const body = `{"tokenizer":"whitespace","text":"searchpack"}`
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			got, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || r.URL.Path != "/_analyze" || string(got) != body || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("asked %s %s %s", r.Method, r.URL, got)
			}
			says(tt.status, tt.body)(w, r)
		})
		if diff := cmp.Diff(tt.want, c.Analyze(t.Context(), body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestRefreshSearchAnalyzers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   searchpack.IndexRefresh
		noAPI  bool
		err    string // part of it
	}{
		{"done", 200, `{"_shards":{"total":1,"successful":1,"failed":0},"successful_refresh_details":[{"index":"rl","refreshed_analyzers":["multi_a","viax"]}]}`,
			searchpack.IndexRefresh{Index: "rl", Analyzers: []string{"multi_a", "viax"}}, false, ""},
		{"failed with 200", 200, `{"_shards":{"total":2,"successful":0,"failed":2,"failures":[{"shard":0,"index":"rl","status":"BAD_REQUEST","reason":{"type":"illegal_argument_exception","reason":"Failed to build synonyms"}}]},"successful_refresh_details":[]}`,
			searchpack.IndexRefresh{Index: "rl", Failed: 2, Reason: "Failed to build synonyms"}, false, ""},
		{"no copy is there", 200, `{"_shards":{"total":2,"successful":0,"failed":0},"successful_refresh_details":[]}`, searchpack.IndexRefresh{Index: "rl"}, false, ""},
		{"closed", 400, `{"error":{"root_cause":[{"type":"index_closed_exception","reason":"closed","index":"old","index_uuid":"u"}],"type":"index_closed_exception","reason":"closed","index":"old","index_uuid":"u"},"status":400}`,
			searchpack.IndexRefresh{Index: "rl", Gone: true}, false, ""},
		{"deleted", 404, `{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [nope]"}],"type":"index_not_found_exception","reason":"no such index [nope]","index":"nope"},"status":404}`,
			searchpack.IndexRefresh{Index: "rl", Gone: true}, false, ""},
		{"no route", 400, `{"error":"no handler found for uri [/_plugins/_refresh_search_analyzers/rl] and method [POST]"}`, searchpack.IndexRefresh{Index: "rl"}, true, ""},
		{"2.19: read-only", 403, `{"error":{"root_cause":[{"type":"cluster_block_exception","reason":"index [rl] blocked by: [FORBIDDEN/5/index read-only (api)];"}],"type":"cluster_block_exception","reason":"index [rl] blocked by: [FORBIDDEN/5/index read-only (api)];"},"status":403}`,
			searchpack.IndexRefresh{Index: "rl", Failed: 1, Reason: "index [rl] blocked by: [FORBIDDEN/5/index read-only (api)];"}, false, ""},
		{"may not", 403, `{"error":{"type":"security_exception","reason":"no permissions"},"status":403}`, searchpack.IndexRefresh{Index: "rl"}, false, "indices:admin/refresh_search_analyzers"},
		{"busy", 429, `{"error":{"type":"rejected_execution_exception","reason":"queue full"},"status":429}`, searchpack.IndexRefresh{Index: "rl"}, false, "queue full"},
		{"a page not found of something else", 404, `not found`, searchpack.IndexRefresh{Index: "rl"}, false, "404"},
		{"200 of something else", 200, `{}`, searchpack.IndexRefresh{Index: "rl"}, false, "no _shards"},
		{"200 cut off", 200, `{"_shards":`, searchpack.IndexRefresh{Index: "rl"}, false, "cannot be read"},
	}
	for _, tt := range tests {
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if isHealth(r) {
				says(200, settledHealth)(w, r)
				return
			}
			if r.Method != http.MethodPost || r.RequestURI != "/_plugins/_refresh_search_analyzers/rl" {
				t.Errorf("asked %s %s", r.Method, r.RequestURI)
			}
			says(tt.status, tt.body)(w, r)
		})
		got, noAPI, err := c.RefreshSearchAnalyzers(t.Context(), "rl", false)
		if diff := cmp.Diff(tt.want, got); diff != "" || noAPI != tt.noAPI {
			t.Errorf("%s: no API %v (-want +got):\n%s", tt.name, noAPI, diff)
		}
		if (err == nil) != (tt.err == "") || (err != nil && !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestNamesAreEscaped(t *testing.T) {
	t.Parallel()
	var asked []string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		if isHealth(r) {
			says(200, settledHealth)(w, r)
			return
		}
		says(200, `{"_shards":{"total":0,"successful":0,"failed":0}}`)(w, r)
	})
	if _, _, err := c.RefreshSearchAnalyzers(t.Context(), "a/../_all?x=%2F", true); err != nil {
		t.Fatal(err)
	}
	if err := c.ClearRequestCache(t.Context(), []string{"ä", "b/c"}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/_cluster/health/a%2F..%2F_all%3Fx=%252F?timeout=5s&wait_for_events=immediate&wait_for_no_initializing_shards=true&wait_for_no_relocating_shards=true",
		"/_plugins/_refresh_search_analyzers/a%2F..%2F_all%3Fx=%252F?reload_cached_resources=true",
		"/%C3%A4,b%2Fc/_cache/clear?filter_path=_shards&ignore_unavailable=true&request=true",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClearRequestCache(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 300 {
		names = append(names, strings.Repeat(string(rune('a'+i%26)), 40))
	}
	cleared := 0
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > 4000 {
			t.Errorf("a request line of %d bytes", len(r.RequestURI))
		}
		list, _ := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/_cache/clear")
		cleared += len(strings.Split(list, ","))
		says(200, `{"_shards":{"total":1,"successful":1,"failed":0}}`)(w, r)
	})
	if err := c.ClearRequestCache(t.Context(), names); err != nil || cleared != len(names) {
		t.Errorf("cleared %d of %d: %v", cleared, len(names), err)
	}
	cleared = 0
	if err := c.ClearRequestCache(t.Context(), nil); err != nil || cleared != 0 {
		t.Errorf("no index must not mean every index: %d, %v", cleared, err)
	}
	bad := client(t, says(403, `{"error":{"type":"security_exception","reason":"no"},"status":403}`))
	if err := bad.ClearRequestCache(t.Context(), []string{"a"}); err == nil || !strings.Contains(err.Error(), "indices:admin/cache/clear") {
		t.Errorf("error: %v", err)
	}
}

func TestRerouteRetryFailed(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/_cluster/reroute" || r.URL.Query().Get("retry_failed") != "true" {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		says(200, `{"acknowledged":true}`)(w, r)
	})
	if err := c.RerouteRetryFailed(t.Context()); err != nil {
		t.Error(err)
	}
	if err := client(t, says(503, noManager)).RerouteRetryFailed(t.Context()); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
		t.Errorf("error: %v", err)
	}
}
