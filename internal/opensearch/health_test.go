package opensearch

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// healthState has the form of a filtered cluster state of 3.8.0: shop is whole, and one of its copies moves from
// N2 to N3; lone has one copy, here; red has none.
const healthState = `{"cluster_uuid":"U","version":41,"nodes":{"N3":{"name":"n3"},"N1":{"name":"n1"},"N2":{"name":"n2"}},
"metadata":{"cluster_coordination":{"term":5,"last_committed_config":["N3","N1","N2"],"last_accepted_config":["N3","N1","N2"],"voting_config_exclusions":[]}},
"routing_table":{"indices":{
 "shop":{"shards":{"0":[{"state":"STARTED","node":"N1"},{"state":"RELOCATING","node":"N2"},{"state":"INITIALIZING","node":"N3"}],"1":[{"state":"STARTED","node":"N1"},{"state":"STARTED","node":"N2"}]}},
 "lone":{"shards":{"0":[{"state":"STARTED","node":"N1"},{"state":"UNASSIGNED","node":null},{"state":"UNASSIGNED","node":null}]}},
 "red":{"shards":{"0":[{"state":"UNASSIGNED","node":null}]}},
 "moves":{"shards":{"0":[{"state":"RELOCATING","node":"N1"}]}},
 "theirs":{"shards":{"0":[{"state":"STARTED","node":"N2"}]}},
 "coming":{"shards":{"0":[{"state":"STARTED","node":"N1"},{"state":"INITIALIZING","node":"N2"}]}}}}}`

func healthOf(state, settings string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_cluster/settings") {
			says(200, settings)(w, r)
			return
		}
		says(200, state)(w, r)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	c := client(t, healthOf(healthState, `{"persistent":{"cluster.routing.allocation.enable":"new_primaries"},"transient":{"cluster.routing.allocation.enable":"none","other":"x"}}`))
	h, err := c.Health(t.Context(), "N1")
	if err != nil {
		t.Fatal(err)
	}
	if h.ClusterUUID != "U" || h.Term != 5 || h.Version != 41 || h.Moving != 4 || h.More != 0 {
		t.Errorf("%+v", h)
	}
	for what, x := range map[string][2][]string{
		"unassigned": {h.Unassigned, {"lone[0]", "lone[0] (2)", "red[0]"}},
		"alone":      {h.Alone, {"coming", "lone", "moves"}}, // what is not started yet is no copy
		"voting":     {h.Voting, {"N1", "N2", "N3"}},
		"present":    {h.Present, {"N1", "N2", "N3"}},
	} {
		if !slices.Equal(x[0], x[1]) {
			t.Errorf("%s: %v, want %v", what, x[0], x[1])
		}
	}
	if a := h.Allocation; a.Persistent == nil || *a.Persistent != "new_primaries" || a.Transient == nil || *a.Transient != "none" {
		t.Errorf("allocation %+v", a)
	}
}

func TestHealthOfAnother(t *testing.T) {
	t.Parallel()
	c := client(t, healthOf(healthState, `{"persistent":{},"transient":{}}`))
	h, err := c.Health(t.Context(), "N3")
	if err != nil || len(h.Alone) != 0 || h.Allocation != (searchpack.Allocation{}) {
		t.Errorf("%+v, %v", h, err)
	}
}

// More unassigned copies than are named are counted.
func TestHealthIsBounded(t *testing.T) {
	t.Parallel()
	copies := strings.Repeat(`{"state":"UNASSIGNED","node":null},`, searchpack.MaxUnassigned+4) + `{"state":"UNASSIGNED","node":null}`
	state := `{"cluster_uuid":"U","version":1,"nodes":{"N1":{"name":"n"}},"routing_table":{"indices":{"a":{"shards":{"0":[` + copies + `]}}}}}`
	h, err := client(t, healthOf(state, `{}`)).Health(t.Context(), "N1")
	if err != nil || len(h.Unassigned) != searchpack.MaxUnassigned || h.More != 5 || !slices.IsSorted(h.Unassigned) {
		t.Errorf("%v, %d named, %d more", err, len(h.Unassigned), h.More)
	}
}

func TestHealthFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"no cluster yet": {says(200, `{"cluster_uuid":"_na_","version":0,"nodes":{}}`), "not joined a cluster"},
		"no nodes":       {says(200, `{"cluster_uuid":"U","version":1}`), "not joined a cluster"},
		"no manager":     {says(503, `{"error":{"type":"cluster_manager_not_discovered_exception","reason":"null"},"status":503}`), "503"},
		"may not":        {says(403, `{"error":{"type":"security_exception","reason":"no permissions for [cluster:monitor/state]"},"status":403}`), "cluster:monitor/state"},
		"not JSON":       {says(200, `<html>`), "cannot be read"},
		"no settings": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/_cluster/settings") {
				says(403, `{"error":{"type":"security_exception","reason":"no permissions for [cluster:monitor/settings]"},"status":403}`)(w, r)
				return
			}
			says(200, healthState)(w, r)
		}, "give the agent's user the permission cluster:admin/settings/update, and cluster:monitor/state to read them"},
	} {
		_, err := client(t, tt.h).Health(t.Context(), "N1")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSetAllocation(t *testing.T) {
	t.Parallel()
	primaries := "primaries"
	var got map[string]map[string]*string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(b, &got); err != nil || r.Method != http.MethodPut || r.URL.Path != "/_cluster/settings" {
			t.Errorf("%s %s: %s", r.Method, r.URL, b)
		}
		says(200, `{"acknowledged":true}`)(w, r)
	})
	if err := c.SetAllocation(t.Context(), searchpack.Allocation{Persistent: &primaries}); err != nil {
		t.Fatal(err)
	}
	p, there := got["persistent"][allocationSetting]
	tr, taken := got["transient"][allocationSetting]
	if !there || p == nil || *p != primaries || !taken || tr != nil {
		t.Errorf("sent %v", got)
	}
	for _, status := range []int{400, 403, 503} {
		err := client(t, says(status, `{"error":{"type":"x","reason":"because"},"status":400}`)).SetAllocation(t.Context(), searchpack.Allocation{})
		if err == nil {
			t.Errorf("%d is taken", status)
		}
	}
}

func TestFlush(t *testing.T) {
	t.Parallel()
	for status, fine := range map[int]bool{200: true, 409: true, 403: false, 503: false} {
		err := client(t, says(status, `{"_shards":{"failed":1}}`)).Flush(t.Context())
		if (err == nil) != fine {
			t.Errorf("%d: %v", status, err)
		}
	}
}
