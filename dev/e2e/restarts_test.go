package e2e

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// restarts are the starts of the nodes' processes since they began to be watched, in their order.
type restarts struct {
	mu    sync.Mutex
	pids  map[string]int
	names []string
}

func watchRestarts(t *testing.T, u *up) *restarts {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &restarts{pids: map[string]int{}}
	for _, n := range u.document().Domains[0].Nodes {
		r.pids[n.Name] = n.PID
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = untilEvery(ctx, 20*time.Millisecond, func() (bool, error) {
			if d, err := readDocument(u); err == nil {
				r.see(d.Domains[0].Nodes)
			}
			return false, nil
		})
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return r
}

func (r *restarts) see(nodes []stack.NodeEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range nodes {
		if n.PID != 0 && n.PID != r.pids[n.Name] {
			r.pids[n.Name] = n.PID
			r.names = append(r.names, n.Name)
		}
	}
}

// taken returns the starts since it was last called, those of the moment too.
func (r *restarts) taken(u *up) []string {
	r.see(u.document().Domains[0].Nodes)
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.names
	r.names = nil
	return names
}

// once checks that every node was started once, and the one named first, or last.
func (r *restarts) once(t *testing.T, u *up, manager string, first bool) {
	t.Helper()
	order := r.taken(u)
	t.Logf("started: %v; the elected manager was %s", order, manager)
	sorted := slices.Sorted(slices.Values(order))
	if !slices.Equal(sorted, []string{"n1", "n2", "n3"}) {
		t.Errorf("started were %v, want each node once", order)
		return
	}
	if first && order[0] != manager || !first && order[2] != manager {
		t.Errorf("started in the order %v; the elected manager was %s", order, manager)
	}
}
