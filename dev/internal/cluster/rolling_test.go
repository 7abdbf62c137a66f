package cluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A former value survives repeated holds and a kill -9 in between, and comes back once.
func TestHoldAndReleaseReplicas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, before, put string }{
		{"set before", `{"persistent":{"cluster.routing.allocation.enable":"new_primaries"}}`, `"new_primaries"`},
		{"not set before", `{"persistent":{}}`, `null`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := scripted(t, 1, script{
				"GET /_cluster/settings": {tt.before, `{"persistent":{"cluster.routing.allocation.enable":"primaries"}}`},
				"PUT /_cluster/settings": {"{}"}, "POST /_flush": {"429 too busy"},
			})
			check(t, c.ReleaseReplicas(t.Context())) // nothing is held
			check(t, c.HoldReplicas(t.Context()))
			check(t, c.HoldReplicas(t.Context()))
			check(t, c.ReleaseReplicas(t.Context()))
			check(t, c.ReleaseReplicas(t.Context()))
			hold := `PUT /_cluster/settings {"persistent":{"cluster.routing.allocation.enable":"primaries"}}`
			flush := "POST /_flush?ignore_unavailable=true"
			want := []string{hold, flush, hold, flush, `PUT /_cluster/settings {"persistent":{"cluster.routing.allocation.enable":` + tt.put + `}}`}
			if diff := cmp.Diff(want, changesOf(calls(t, c, "n1"))); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReleaseReplicasSaysWhatIsDamaged(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t, nil, "well")
	check(t, os.WriteFile(filepath.Join(c.dir, heldFile), []byte("{"), 0o600))
	if err := c.ReleaseReplicas(t.Context()); err == nil || !strings.Contains(err.Error(), heldFile) {
		t.Errorf("%v, want an error that names the file", err)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		healths []string
		calm    time.Duration
		settles bool
		says    string
	}{
		{"green", []string{`{"status":"green"}`}, time.Hour, true, ""},
		{"green once copies are made", []string{`{"status":"yellow","initializing_shards":1}`, `{"status":"green","relocating_shards":2}`, `{"status":"green"}`}, time.Hour, true, "the cluster is green: 0 shard copies are being made, 2 move, 0 wait"},
		{"yellow and calm", []string{`{"status":"yellow","unassigned_shards":1}`}, 0, true, ""},
		{"yellow, not yet calm", []string{`{"status":"yellow","unassigned_shards":1}`}, time.Hour, false, "wait"},
		{"red and calm", []string{`{"status":"red","unassigned_shards":2}`}, 0, false, "the cluster is red"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := scripted(t, 1, script{"GET /_cluster/health": tt.healths})
			c.calm = tt.calm
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if !tt.settles {
				ctx, cancel = context.WithTimeout(t.Context(), time.Second)
				defer cancel()
			}
			said := ""
			err := c.Settle(ctx, func(note string) { said = note })
			if (err == nil) != tt.settles {
				t.Errorf("%v, settles should be %v", err, tt.settles)
			}
			if !strings.Contains(said, tt.says) {
				t.Errorf("said %q, want %q", said, tt.says)
			}
		})
	}
}

func TestRed(t *testing.T) {
	t.Parallel()
	c := scripted(t, 1, script{
		"GET /_cluster/health": {`{"status":"yellow"}`, `{"status":"red"}`},
		"GET /_cat/shards":     {`[{"index":"a","shard":"1","state":"UNASSIGNED","node":null},{"index":"b","shard":"0","state":"STARTED","node":"n1"},{"index":"b","shard":"0","state":"UNASSIGNED","node":null}]`},
	})
	for _, want := range []string{"", "no node serves a[1]"} {
		if got, err := c.Red(t.Context()); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}
