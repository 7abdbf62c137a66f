package opensearch

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// Recorded on 2.19.0 and 3.8.0.
const (
	noHandler = `{"error":"no handler found for uri [/_plugins/_refresh_search_analyzers] and method [POST]"}`
	missing   = `{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Missing indices"}],"type":"illegal_argument_exception","reason":"Missing indices"},"status":400}`
	noManager = `{"error":{"root_cause":[{"type":"cluster_manager_not_discovered_exception","reason":null}],"type":"cluster_manager_not_discovered_exception","reason":null},"status":503}`
	notJoined = `{"cluster_name":"search","cluster_uuid":"_na_","version":0,"cluster_manager_node":null,"nodes":{"4Jx9dwCwQXehImDRPkvhQQ":{"name":"n1","ephemeral_id":"o0UYHg4YRMmKRNC1pz5p8A"}},"metadata":{"cluster_coordination":{"term":0}}}`
)

// node replays what a node answered; fields may be changed between calls.
type node struct {
	info, local, refresh string
	refreshStatus        int
	refreshAsked         atomic.Int64
}

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/_nodes/_local/http"):
		says(200, n.info)(w, r)
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/_cluster/state/version,nodes,cluster_manager_node,metadata/"):
		if r.URL.Query().Get("local") != "true" { // else a node without a manager hangs for 30 s
			w.WriteHeader(503)
			return
		}
		says(200, n.local)(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/_plugins/_refresh_search_analyzers":
		n.refreshAsked.Add(1)
		says(n.refreshStatus, n.refresh)(w, r)
	default:
		says(400, `{"error":"no handler found for uri [`+r.URL.Path+`]"}`)(w, r)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	roles := []string{"cluster_manager", "data", "ingest", "remote_cluster_client"}
	tests := map[string]searchpack.NodeFacts{
		"2.19.0": {
			ClusterUUID: "oIGusRLzQ3KbMyXnBoRX9w", ClusterName: "search", NodeID: "VTrCEVyBTPCxlVbNopI01g",
			EphemeralID: "z01YoM62Q4iste-RpLs3KA", Name: "n1", Version: "2.19.0", Roles: roles, HTTPAddress: "127.0.0.1:9200",
			ManagerID: "VTrCEVyBTPCxlVbNopI01g", Term: 1, StateVersion: 22, RefreshAPI: true,
			Members: []searchpack.Member{{NodeID: "VTrCEVyBTPCxlVbNopI01g", EphemeralID: "z01YoM62Q4iste-RpLs3KA", Name: "n1"}},
		},
		"3.8.0": {
			ClusterUUID: "Ijc_jCOFRK-7M21J7cfetQ", ClusterName: "search", NodeID: "4Jx9dwCwQXehImDRPkvhQQ",
			EphemeralID: "EJt5P7PeSGuyKC-kjtUTLw", Name: "n1", Version: "3.8.0", Roles: roles, HTTPAddress: "127.0.0.1:9200",
			ManagerID: "4Jx9dwCwQXehImDRPkvhQQ", Term: 2, StateVersion: 35, RefreshAPI: true,
			Members: []searchpack.Member{{NodeID: "4Jx9dwCwQXehImDRPkvhQQ", EphemeralID: "EJt5P7PeSGuyKC-kjtUTLw", Name: "n1"}},
		},
	}
	for version, want := range tests {
		n := &node{info: recorded(t, "node-"+version+".json"), local: recorded(t, "local-"+version+".json"), refresh: missing, refreshStatus: 400}
		got, err := client(t, n.ServeHTTP).Facts(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
	}
}

// What the node runs on, since when, and with which plugins; a node that does not say is taken as well.
func TestFactsOfAStart(t *testing.T) {
	t.Parallel()
	facts := func(more string) *searchpack.NodeFacts {
		t.Helper()
		n := &node{info: `{"cluster_name":"search","nodes":{"4Jx9dwCwQXehImDRPkvhQQ":{"name":"n1","version":"3.8.0"` + more + `}}}`, local: recorded(t, "local-3.8.0.json"), refresh: missing, refreshStatus: 400}
		f, err := client(t, n.ServeHTTP).Facts(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", more, err)
		}
		return f
	}
	f := facts(`,"jvm":{"version":"21.0.8","start_time_in_millis":1772366400000},"plugins":[{"name":"lemmas","version":"1.0","classname":"example.Lemmas"}]`)
	if f.Java != 21 || !f.StartedAt.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) ||
		!slices.Equal(f.Plugins, []searchpack.LoadedPlugin{{Name: "lemmas", Version: "1.0", ClassName: "example.Lemmas"}}) {
		t.Errorf("%+v", f)
	}
	if f := facts(""); f.Java != 0 || !f.StartedAt.IsZero() || f.Plugins != nil {
		t.Errorf("%+v", f)
	}
	for version, want := range map[string]int{"1.8.0_292": 8, "17": 17, "25-ea": 25, "?": 0} {
		if f := facts(`,"jvm":{"version":"` + version + `"}`); f.Java != want {
			t.Errorf("%s: Java %d", version, f.Java)
		}
	}
}

func TestRefreshRouteIsAskedForOncePerStart(t *testing.T) {
	t.Parallel()
	n := &node{info: recorded(t, "node-3.8.0.json"), local: recorded(t, "local-3.8.0.json"), refresh: noHandler, refreshStatus: 400}
	c := client(t, n.ServeHTTP)
	facts := func(want bool, asked int64) {
		t.Helper()
		f, err := c.Facts(t.Context())
		if err != nil || f.RefreshAPI != want || n.refreshAsked.Load() != asked {
			t.Errorf("%+v, %v, asked %d times", f, err, n.refreshAsked.Load())
		}
	}
	facts(false, 1)
	n.refresh = missing
	facts(false, 1) // plugins change only with a restart
	n.local = strings.ReplaceAll(n.local, "EJt5P7PeSGuyKC-kjtUTLw", "another")
	facts(true, 2)

	n.local = strings.ReplaceAll(n.local, "another", "third")
	n.refreshStatus, n.refresh = 503, `{"error":{"type":"cluster_block_exception","reason":"blocked"},"status":503}`
	if f, err := c.Facts(t.Context()); err == nil {
		t.Errorf("a node that cannot say is taken at its word: %+v", f)
	}
	n.refreshStatus, n.refresh = 403, `{"error":{"type":"security_exception","reason":"no permissions"},"status":403}`
	facts(true, 4) // there is a route, or nobody would refuse it
}

func TestFactsWithoutCluster(t *testing.T) {
	t.Parallel()
	n := &node{info: recorded(t, "node-3.8.0.json"), local: notJoined, refresh: noHandler, refreshStatus: 400}
	f, err := client(t, n.ServeHTTP).Facts(t.Context())
	if err != nil || f.ClusterUUID != "" || f.ManagerID != "" || f.NodeID == "" || f.EphemeralID == "" {
		t.Errorf("%+v, %v", f, err)
	}
	n.local = strings.ReplaceAll(notJoined, "4Jx9dwCwQXehImDRPkvhQQ", "somebody-else")
	if f, err := client(t, n.ServeHTTP).Facts(t.Context()); err == nil {
		t.Errorf("a node that is not in its own state: %+v", f)
	}
	n.info = `{"nodes":{}}`
	if f, err := client(t, n.ServeHTTP).Facts(t.Context()); err == nil {
		t.Errorf("no node: %+v", f)
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	const state = `{"cluster_uuid":"c","version":12,"state_uuid":"s","metadata":{"cluster_coordination":{"term":3},"indices":{}}}`
	var asked *http.Request
	c := client(t, afterPublished(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		says(200, state)(w, r)
	}))
	raw, uuid, term, version, truncated, err := c.State(t.Context())
	if string(raw) != state || uuid != "c" || term != 3 || version != 12 || truncated || err != nil {
		t.Errorf("%s %s %d %d %v %v", raw, uuid, term, version, truncated, err)
	}
	q := asked.URL.Query()
	if asked.URL.Path != usage.StatePath || q.Get("filter_path") != usage.StateQuery().Get("filter_path") || q.Has("local") {
		t.Errorf("asked %s", asked.URL)
	}
	if line := len(asked.Method) + len(asked.URL.RequestURI()) + len(" HTTP/1.1") + 3; line > 4096 {
		t.Errorf("the request line has %d bytes, OpenSearch reads 4096", line)
	}
}

func TestStateTooLarge(t *testing.T) {
	t.Parallel()
	c := client(t, afterPublished(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == usage.StatePath {
			_, _ = io.WriteString(w, `{"metadata":{"x":"`+strings.Repeat("x", 2000)+`"}}`)
			return
		}
		says(200, recorded(t, "version-3.8.0.json"))(w, r)
	}))
	c.maxState = 1000
	raw, uuid, term, version, truncated, err := c.State(t.Context())
	if raw != nil || uuid != "Ijc_jCOFRK-7M21J7cfetQ" || term != 2 || version != 35 || !truncated || err != nil {
		t.Errorf("%s %s %d %d %v %v", raw, uuid, term, version, truncated, err)
	}
}

// An answer that is no state must not look like a cluster in which nobody uses anything.
func TestStateRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
		code   searchpack.Code
		want   string
	}{
		{503, noManager, searchpack.ErrUnavailable, "cluster_manager_not_discovered_exception"},
		{403, `{"error":{"type":"security_exception","reason":"no permissions for [cluster:monitor/state] and User [name=agent]"},"status":403}`, searchpack.ErrDenied, "cluster:monitor/state"},
		{200, `<html>`, searchpack.ErrUnavailable, "cannot be read"},
		{200, `{}`, searchpack.ErrUnavailable, "not joined"},
		{200, notJoined, searchpack.ErrUnavailable, "not joined"},
		{502, `<html>bad gateway`, searchpack.ErrUnavailable, "Bad Gateway"},
	}
	for _, tt := range tests {
		c := client(t, afterPublished(says(tt.status, tt.body)))
		_, _, _, _, _, err := c.State(t.Context())
		if searchpack.ErrorCode(err) != tt.code || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "agent]") {
			t.Errorf("state, %d %s: %v", tt.status, tt.body, err)
		}
		_, _, _, err = c.StateVersion(t.Context())
		if searchpack.ErrorCode(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("version, %d %s: %v", tt.status, tt.body, err)
		}
	}
}
