package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHoldingOf(t *testing.T) {
	t.Parallel()
	row := func(index, state, node string) shardCopy { return shardCopy{index, "0", state, node} }
	for _, tt := range []struct {
		name   string
		copies []shardCopy
		want   holding
	}{
		{"nothing", nil, holding{}},
		{"on others", []shardCopy{row("a", "STARTED", "n1")}, holding{}},
		{"alone", []shardCopy{row("a", "STARTED", "n3"), row("a", "UNASSIGNED", "")}, holding{copies: 1, alone: []string{"a[0]"}}},
		{"with another copy", []shardCopy{row("a", "STARTED", "n3"), row("a", "STARTED", "n1")}, holding{copies: 1}},
		{"the other is being made", []shardCopy{row("a", "STARTED", "n3"), row("a", "INITIALIZING", "n1")}, holding{copies: 1, moving: true, alone: []string{"a[0]"}}},
		{"moves off", []shardCopy{row("a", "RELOCATING", "n3 -> 127.0.0.1 xyz n1")}, holding{copies: 1, moving: true, alone: []string{"a[0]"}}},
		{"moves between others", []shardCopy{row("a", "RELOCATING", "n1 -> 127.0.0.1 xyz n2")}, holding{}},
		{"the node is down", []shardCopy{row("a", "UNASSIGNED", ""), row("b", "STARTED", "n1")}, holding{alone: []string{"a[0]"}}},
		{"n30 is not n3", []shardCopy{row("a", "STARTED", "n30")}, holding{}},
	} {
		if diff := cmp.Diff(tt.want, holdingOf(tt.copies, "n3"), cmp.AllowUnexported(holding{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

const (
	onBoth  = `[{"index":"a","shard":"0","state":"STARTED","node":"n2"},{"index":"b","shard":"0","state":"STARTED","node":"n2"},{"index":"b","shard":"0","state":"STARTED","node":"n1"}]`
	moving  = `[{"index":"a","shard":"0","state":"RELOCATING","node":"n2 -> 127.0.0.1 x n1"},{"index":"b","shard":"0","state":"STARTED","node":"n2"},{"index":"b","shard":"0","state":"STARTED","node":"n1"}]`
	leftOne = `[{"index":"a","shard":"0","state":"STARTED","node":"n1"},{"index":"b","shard":"0","state":"STARTED","node":"n2"},{"index":"b","shard":"0","state":"STARTED","node":"n1"}]`
)

// The only copy of a moves; the second copy of b has no other place and stays. Somebody else's
// exclusion is kept.
func TestDrain(t *testing.T) {
	t.Parallel()
	c := scripted(t, 2, script{
		"GET /_cluster/settings": {
			`{"persistent":{"cluster.routing.allocation.exclude._name":"old"}}`,
			`{"persistent":{"cluster.routing.allocation.exclude._name":"old,n2"}}`,
		},
		"PUT /_cluster/settings": {"{}"},
		"GET /_cat/shards":       {onBoth, moving, leftOne},
	})
	var said []string
	check(t, c.Drain(t.Context(), "n2", func(percent float64, note string) {
		if len(said) == 0 || said[len(said)-1] != note {
			said = append(said, note)
		}
	}))
	if diff := cmp.Diff([]string{
		"n2 holds the only copy of a[0], which no other node takes",
		"moving shards off n2: 2 of 2 copies are left",
		"moving shards off n2: 1 of 2 copies are left",
	}, said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
	check(t, c.Undrain(t.Context(), "n2"))
	if diff := cmp.Diff([]string{
		`PUT /_cluster/settings {"persistent":{"cluster.routing.allocation.exclude._name":"old,n2"}}`,
		`PUT /_cluster/settings {"persistent":{"cluster.routing.allocation.exclude._name":"old"}}`,
	}, changesOf(calls(t, c, "n1"))); diff != "" {
		t.Errorf("n1 was asked (-want +got):\n%s", diff)
	}
	if asked := calls(t, c, "n2"); len(asked) != 0 {
		t.Errorf("the node that goes was asked: %q", asked)
	}
}

func TestDrainNamesWhatStays(t *testing.T) {
	t.Parallel()
	c := scripted(t, 2, script{
		"GET /_cluster/settings": {`{"persistent":{}}`}, "PUT /_cluster/settings": {"{}"}, "GET /_cat/shards": {onBoth},
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := c.Drain(ctx, "n2", func(float64, string) {})
	if err == nil || !strings.Contains(err.Error(), "the only copy of a[0]") || strings.Contains(err.Error(), "b[0]") {
		t.Errorf("%v, want an error that names a[0] alone", err)
	}
}

func TestUndrainLeavesNothing(t *testing.T) {
	t.Parallel()
	c := scripted(t, 1, script{
		"GET /_cluster/settings": {`{"persistent":{"cluster.routing.allocation.exclude._name":"n2"}}`, `{"persistent":{}}`},
		"PUT /_cluster/settings": {"{}"},
	})
	check(t, c.Undrain(t.Context(), "n2"))
	check(t, c.Undrain(t.Context(), "n2")) // no longer there: nothing to do
	if got := changesOf(calls(t, c, "n1")); len(got) != 1 || got[0] != `PUT /_cluster/settings {"persistent":{"cluster.routing.allocation.exclude._name":null}}` {
		t.Errorf("asked %q", got)
	}
}

func TestSome(t *testing.T) {
	t.Parallel()
	if got := some([]string{"a", "b", "c", "d", "e", "f", "g"}); got != "a, b, c, d, e and 2 more" {
		t.Error(got)
	}
	if got := some([]string{"a", "b"}); got != "a, b" {
		t.Error(got)
	}
}
