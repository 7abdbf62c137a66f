package opensearch

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	const small = `{"cluster_uuid":"U","version":9,"metadata":{"cluster_coordination":{"term":4},"indices":{}}}`
	for name, c := range map[string]struct {
		status    int
		body      string
		truncated bool
		code      searchpack.Code
	}{
		"fine":         {http.StatusOK, small, false, ""},
		"not joined":   {http.StatusOK, `{"cluster_uuid":"_na_","version":9,"metadata":{}}`, false, searchpack.ErrUnavailable},
		"refused":      {http.StatusForbidden, `{"error":{"type":"security_exception","reason":"no permissions"},"status":403}`, false, searchpack.ErrDenied},
		"no manager":   {http.StatusServiceUnavailable, `{"error":{"type":"cluster_manager_not_discovered_exception","reason":"null"},"status":503}`, false, searchpack.ErrUnavailable},
		"no JSON":      {http.StatusOK, `{`, false, searchpack.ErrUnavailable},
		"much of that": {http.StatusOK, strings.TrimSuffix(small, "}") + `,"x":"` + strings.Repeat("x", 2000) + `"}`, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl := client(t, afterPublished(func(w http.ResponseWriter, r *http.Request) {
				switch q := r.URL.Query(); {
				case r.URL.Path != needs.MetadataPath:
					fmt.Fprint(w, small) // the numbers, of a second call
				case q.Get("filter_path") != needs.MetadataQuery().Get("filter_path") || q.Get("expand_wildcards") != "all":
					t.Errorf("asked %s", r.URL)
				case q.Has("local"):
					t.Error("the elected manager is not asked")
				default:
					w.WriteHeader(c.status)
					fmt.Fprint(w, c.body)
				}
			}))
			cl.maxMetadata = 1000
			raw, term, version, truncated, err := cl.Metadata(t.Context())
			if searchpack.ErrorCode(err) != c.code || truncated != c.truncated {
				t.Fatalf("%v, truncated %v", err, truncated)
			}
			if err == nil && (term != 4 || version != 9 || (raw == nil) != truncated) {
				t.Errorf("term %d, version %d, %s", term, version, raw)
			}
		})
	}
}

func TestSettingKeys(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/_nodes/_local/settings": `{"nodes":{"N1":{"settings":{"node.name":"n1","my.mode":"a","path.repo":["x"]}}}}`,
		"/_cluster/settings":      `{"persistent":{"a.b":"1"},"transient":{"a.b":"2","c":null}}`,
	}
	var bad string
	cl := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("flat_settings") != "true" {
			t.Errorf("%s", r.URL)
		}
		if r.URL.Path == bad {
			fmt.Fprint(w, `{"nodes":{}}[]`)
			return
		}
		fmt.Fprint(w, answers[r.URL.Path])
	})
	node, cluster, err := cl.SettingKeys(t.Context())
	if err != nil || !slices.Equal(node, []string{"my.mode", "node.name", "path.repo"}) || !slices.Equal(cluster, []string{"a.b", "c"}) {
		t.Errorf("%q, %q, %v", node, cluster, err)
	}
	for bad = range answers {
		var e *searchpack.Error
		if _, _, err := cl.SettingKeys(t.Context()); !errors.As(err, &e) || e.Code != searchpack.ErrUnavailable {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
