package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// settingNode is a node whose settings are changed.
type settingNode struct {
	filesOnly
	set     []searchpack.Allocation
	flushed int
	err     error
	during  func() // while the settings are changed
	health  searchpack.ClusterHealth
	retried int
}

func (n *settingNode) SetAllocation(ctx context.Context, to searchpack.Allocation) error {
	if n.during != nil {
		n.during()
	}
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("a change without an end")
	}
	if n.err == nil {
		n.set = append(n.set, to)
	}
	return n.err
}

func (n *settingNode) Flush(context.Context) error {
	n.flushed++
	return errors.New("some copies are not there")
}

func (n *settingNode) Facts(context.Context) (*searchpack.NodeFacts, error) {
	return &searchpack.NodeFacts{NodeID: "N1"}, nil
}
func (n *settingNode) Health(_ context.Context, id string) (*searchpack.ClusterHealth, error) {
	if id != "N1" {
		return nil, errors.New("of another node")
	}
	h := n.health
	return &h, nil
}
func (n *settingNode) RerouteRetryFailed(context.Context) error { n.retried++; return nil }

// lastWord is a server that says whether an order is still its latest.
type lastWord struct {
	newer bool
	err   error
	have  int64
}

func (s *lastWord) Usage(context.Context, *searchpack.UsageReport) error { return nil }
func (s *lastWord) Order(_ context.Context, have int64, wait time.Duration) (*searchpack.Order, error) {
	if s.have = have; wait != 0 {
		return nil, errors.New("waits")
	}
	if s.newer {
		return &searchpack.Order{Generation: have + 1}, s.err
	}
	return nil, s.err
}

func settingWorker(t *testing.T, server teller) (*worker, *settingNode) {
	t.Helper()
	tree, _ := testTree(t)
	b, _, err := openBook(tree, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.takeIn(&searchpack.Order{Schema: 1, Generation: 7}); err != nil {
		t.Fatal(err)
	}
	n := &settingNode{}
	return newWorker(nil, n, b, nil, func() teller { return server }, time.Now, func() {}, func() *backoff { return &backoff{min: time.Millisecond, max: time.Millisecond} }), n
}

func holdOf() searchpack.Duty {
	primaries := "primaries"
	return searchpack.Duty{ID: "d", Kind: searchpack.DutyAllocation, Allocation: &searchpack.Allocation{Persistent: &primaries}, Flush: true}
}

// Settings are changed only on the server's word that the order is still its latest.
func TestAllocationNeedsTheLatestOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server teller
		want   string
	}{
		"latest":      {&lastWord{}, ""},
		"newer":       {&lastWord{newer: true}, "the server has a newer order"},
		"no answer":   {&lastWord{err: errors.New("EOF")}, "EOF"},
		"no server":   {nil, "cannot be asked"},
		"other thing": {onlyTells{}, "cannot be asked"},
	} {
		w, n := settingWorker(t, tt.server)
		_, err := w.do(t.Context(), holdOf())
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if (len(n.set) == 1) != (tt.want == "") || n.flushed != len(n.set) {
			t.Errorf("%s: set %v, flushed %d", name, n.set, n.flushed)
		}
		if s, ok := tt.server.(*lastWord); ok && s.have != 7 {
			t.Errorf("%s: asked about %d", name, s.have)
		}
	}
	w, n := settingWorker(t, &lastWord{})
	if _, err := w.do(t.Context(), searchpack.Duty{ID: "d", Kind: searchpack.DutyAllocation}); searchpack.ErrorCode(err) != searchpack.ErrInvalid || len(n.set) > 0 {
		t.Errorf("no allocation: %v", err)
	}
	n.err = errors.New("403")
	if _, err := w.do(t.Context(), holdOf()); !errors.Is(err, n.err) {
		t.Errorf("the node refuses: %v", err)
	}
}

type onlyTells struct{}

func (onlyTells) Usage(context.Context, *searchpack.UsageReport) error { return nil }

// A later order is not taken in while the settings are changed by the one before: a report that shows it
// says that no such change can still come.
func TestOrderWaitsForAChangeUnderWay(t *testing.T) {
	t.Parallel()
	w, n := settingWorker(t, &lastWord{})
	taken := make(chan error, 1)
	n.during = func() {
		go func() { taken <- w.book.takeIn(&searchpack.Order{Schema: 1, Generation: 8}) }()
		select {
		case err := <-taken:
			t.Errorf("taken in meanwhile: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if got := w.book.order().Generation; got != 7 {
			t.Errorf("generation %d", got)
		}
	}
	if _, err := w.do(t.Context(), holdOf()); err != nil {
		t.Fatal(err)
	}
	if err := <-taken; err != nil || w.book.order().Generation != 8 {
		t.Errorf("%v, generation %d", err, w.book.order().Generation)
	}
}

// Settled is when nothing is worse than it was; what was given up is tried again, but not while copies move.
func TestSettle(t *testing.T) {
	t.Parallel()
	w, n := settingWorker(t, nil)
	d := searchpack.Duty{ID: "d", Kind: searchpack.DutySettle, Baseline: []string{"old[0]"}}
	for _, tt := range []struct {
		health  searchpack.ClusterHealth
		want    string
		retried int
	}{
		{searchpack.ClusterHealth{Unassigned: []string{"old[0]"}}, "", 0},
		{searchpack.ClusterHealth{Unassigned: []string{"new[0]", "old[0]"}, Moving: 1}, "new[0]", 0},
		{searchpack.ClusterHealth{Moving: 1}, "initializing or relocating", 0},
		{searchpack.ClusterHealth{Unassigned: []string{"new[0]"}}, "new[0]", 1},
		{searchpack.ClusterHealth{}, "", 1},
	} {
		n.health = tt.health
		_, err := w.do(t.Context(), d)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || n.retried != tt.retried {
			t.Errorf("%+v: %v, retried %d", tt.health, err, n.retried)
		}
	}
	n.health = searchpack.ClusterHealth{ClusterUUID: "U", Moving: 3}
	got, err := w.do(t.Context(), searchpack.Duty{ID: "h", Kind: searchpack.DutyHealth})
	if err != nil || got.Health == nil || got.Health.Moving != 3 {
		t.Errorf("health %+v, %v", got, err)
	}
}
