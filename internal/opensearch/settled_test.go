package opensearch

import (
	"net/http"
	"strings"
	"testing"
)

// Recorded on 3.8.0.
const missingHealth = `{"cluster_name":"demo","status":"red","timed_out":true,"number_of_nodes":3,"number_of_data_nodes":3,"discovered_master":true,"discovered_cluster_manager":true,"active_primary_shards":0,"active_shards":0,"relocating_shards":0,"initializing_shards":0,"unassigned_shards":0,"delayed_unassigned_shards":0,"number_of_pending_tasks":0,"number_of_in_flight_fetch":0,"task_max_waiting_in_queue_millis":0,"active_shards_percent_as_number":100.0}`

const settledHealth = `{"cluster_name":"demo","status":"green","timed_out":false,"number_of_nodes":3,"number_of_data_nodes":3,"discovered_master":true,"discovered_cluster_manager":true,"active_primary_shards":1,"active_shards":3,"relocating_shards":0,"initializing_shards":0,"unassigned_shards":0,"delayed_unassigned_shards":0,"number_of_pending_tasks":0,"number_of_in_flight_fetch":0,"task_max_waiting_in_queue_millis":0,"active_shards_percent_as_number":100.0}`

func isHealth(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/_cluster/health/") }

// Nothing is refreshed while a copy is starting or moving: it would be passed over and then serve
// the former version.
func TestRefreshWaitsForCopies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		status  int
		body    string
		refresh bool
		err     string // part of it
	}{
		{"settled", 200, settledHealth, true, ""},
		{"one is starting", 408, `{"timed_out":true,"active_shards":2,"initializing_shards":1,"relocating_shards":0,"unassigned_shards":0}`, false, "1 copy of index rl is still starting or moving"},
		{"some are moving", 408, `{"timed_out":true,"active_shards":4,"initializing_shards":1,"relocating_shards":2,"unassigned_shards":0}`, false, "3 copies of index rl are still"},
		{"one is unassigned: it will read the new file", 200, `{"timed_out":false,"active_shards":2,"initializing_shards":0,"relocating_shards":0,"unassigned_shards":1}`, true, ""},
		{"no such index, any more", 408, missingHealth, true, ""},
		{"the manager has not come to it", 408, `{"timed_out":true,"active_shards":3,"initializing_shards":0,"relocating_shards":0,"unassigned_shards":0}`, false, "too busy"},
		{"no manager", 503, `{"error":{"type":"cluster_manager_not_discovered_exception","reason":"no manager"},"status":503}`, false, "no manager"},
		{"may not", 403, `{"error":{"type":"security_exception","reason":"no permissions"},"status":403}`, false, "cluster:monitor/health"},
		{"a proxy's time-out", 408, `<html>time-out</html>`, false, "cannot be read"},
		{"something else's 200", 200, `{}`, false, "no numbers of shards"},
	}
	for _, tt := range tests {
		refreshed := false
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if isHealth(r) {
				if q := r.URL.Query(); q.Get("wait_for_no_initializing_shards") != "true" || q.Get("wait_for_no_relocating_shards") != "true" || q.Get("wait_for_events") != "immediate" || q.Get("timeout") == "" {
					t.Errorf("asked %s", r.RequestURI)
				}
				says(tt.status, tt.body)(w, r)
				return
			}
			refreshed = true
			says(200, `{"_shards":{"total":1,"successful":1,"failed":0},"successful_refresh_details":[]}`)(w, r)
		})
		_, _, err := c.RefreshSearchAnalyzers(t.Context(), "rl", false)
		if refreshed != tt.refresh || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: refreshed %v, %v", tt.name, refreshed, err)
		}
	}
}

// afterPublished answers that no cluster state is under way, and everything else with h.
func afterPublished(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_cluster/health" {
			says(200, `{"timed_out":false}`)(w, r)
			return
		}
		h(w, r)
	}
}

// A state that the manager is publishing may hold an index that names the file; none is read before.
func TestStateWaitsForTheOneUnderWay(t *testing.T) {
	t.Parallel()
	const state = `{"cluster_uuid":"c","version":12,"metadata":{"cluster_coordination":{"term":3},"indices":{}}}`
	tests := []struct {
		name   string
		status int
		body   string
		err    string // part of it; "" = the state is read
	}{
		{"none", 200, `{"timed_out":false}`, ""},
		{"one", 408, `{"timed_out":true}`, "still publishing"},
		{"no manager", 503, `{"error":{"type":"cluster_manager_not_discovered_exception","reason":"no manager"},"status":503}`, "no manager"},
		{"may not", 403, `{"error":{"type":"security_exception","reason":"no permissions"},"status":403}`, "cluster:monitor/health"},
		{"a proxy's time-out", 408, `<html>time-out</html>`, "cannot be read"},
		{"something else's 200", 200, `{}`, "does not say"},
	}
	for _, tt := range tests {
		read, asked := false, ""
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/_cluster/health" {
				asked = r.URL.Query().Get("wait_for_events")
				says(tt.status, tt.body)(w, r)
				return
			}
			read = true
			says(200, state)(w, r)
		})
		_, _, _, version, _, err := c.State(t.Context())
		if read != (tt.err == "") || asked != "immediate" || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || err == nil && version != 12 {
			t.Errorf("%s: read %v after %q, version %d, %v", tt.name, read, asked, version, err)
		}
	}
}
