package opensearch

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A user that may do everything but one thing is refused that thing, whichever it is.
func TestPermissions(t *testing.T) {
	t.Parallel()
	all := slices.Concat(trials, pluginTrials)
	for _, denied := range all {
		asked := 0
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.Method != denied.method || r.URL.Path != denied.path {
				says(404, `{"error":{"type":"index_not_found_exception","reason":"no such index"}}`)(w, r)
				return
			}
			says(403, `{"error":{"type":"security_exception","reason":"no permissions for [x] and User [name=agent]"}}`)(w, r)
		})
		got := c.Permissions(t.Context(), true)
		if asked != len(all) || len(got) != len(all) {
			t.Errorf("%d calls, %d answers", asked, len(got))
		}
		for _, p := range got {
			if p.Refused != (p.Name == denied.name) || p.Err != nil {
				t.Errorf("%s refused: %+v", denied.name, p)
			}
		}
	}
}

// Whatever is asked of a node names no index there is, or is a dry run.
func TestPermissionsChangeNothing(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		harmless := r.Method == http.MethodGet || r.URL.Path == "/_analyze" || strings.Contains(r.URL.Path, noConcreteIndex) ||
			r.URL.Query().Get("dry_run") == "true" || r.URL.Path == "/_cluster/settings" && onlyUnknown(r)
		if !harmless {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		says(200, `{}`)(w, r)
	})
	c.Permissions(t.Context(), true)
}

// onlyUnknown: the request sets nothing but takes back a setting that there is not.
func onlyUnknown(r *http.Request) bool {
	b, err := io.ReadAll(r.Body)
	return err == nil && string(b) == `{"transient":{"searchpack.no_such_setting":null}}`
}

// Without plugins nothing is asked that only plugins need.
func TestPermissionsWithoutPlugins(t *testing.T) {
	t.Parallel()
	if got := client(t, says(200, `{}`)).Permissions(t.Context(), false); len(got) != len(trials) {
		t.Errorf("%d answers", len(got))
	}
}

// A node that cannot answer has refused nothing.
func TestPermissionsUnknown(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{401: "", 503: `{"error":{"type":"x"}}`} {
		for _, p := range client(t, says(status, body)).Permissions(t.Context(), true) {
			if p.Refused || p.Err == nil {
				t.Errorf("%d: %+v", status, p)
			}
		}
	}
	block := `{"error":{"type":"cluster_block_exception","reason":"blocked"}}`
	for _, p := range client(t, says(403, block)).Permissions(t.Context(), true) {
		if p.Refused {
			t.Errorf("a block is no refusal of the user: %+v", p)
		}
	}
}

// A path is in the list once: of two the second would never be told.
func TestPermissionsAreListedOnce(t *testing.T) {
	t.Parallel()
	for i, p := range permissions {
		for _, q := range permissions[:i] {
			if strings.Contains(p.part, q.part) {
				t.Errorf("%s is never reached: %s comes before", p.part, q.part)
			}
		}
	}
}

// Each permission is one that a refusal names, and stands in the role of docs/operations.md.
func TestPermissionsAreNamed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range slices.Concat(trials, pluginTrials) {
		refusal := (&answer{status: 403}).failure(trial.path).Message
		if !strings.Contains(refusal, trial.name) {
			t.Errorf("%s: %s", trial.path, refusal)
		}
		if strings.Count(string(page), trial.name) < 2 {
			t.Errorf("docs/operations.md does not have %s in the table and in the role", trial.name)
		}
	}
}

func TestConfigPath(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"nodes":{"x":{"jvm":{"input_arguments":["-Xmx1g","-Dopensearch.path.conf=/etc/opensearch"]}}}}`:         "/etc/opensearch",
		`{"nodes":{"x":{"jvm":{"input_arguments":["-Dopensearch.path.conf=/a","-Dopensearch.path.conf=/b c"]}}}}`: "/b c",
		`{"nodes":{"x":{"jvm":{"input_arguments":["-Xmx1g"]}}}}`:                                                  "",
		`{}`: "",
	} {
		if got, err := client(t, says(200, body)).ConfigPath(t.Context()); err != nil || got != want {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
	for status, body := range map[int]string{403: "", 200: `{"nodes":{"x":{},"y":{}}}`} {
		if got, err := client(t, says(status, body)).ConfigPath(t.Context()); err == nil {
			t.Errorf("%d %s: %q", status, body, got)
		}
	}
}
