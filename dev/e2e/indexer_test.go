package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// indexer puts documents into indices all the time, as a client does that knows all nodes: when one
// does not take a document it asks the next.
type indexer struct {
	stop context.CancelFunc
	wg   sync.WaitGroup

	turn    sync.Mutex // held while documents are written
	indices []string

	mu      sync.Mutex
	written map[string]int // documents that were taken
	retried int            // by another node than the first that was asked
	failed  []string
	slowest time.Duration
}

// maxFailures are told of a load.
const maxFailures = 10

func indexAllTheTime(u *up) *indexer {
	ctx, cancel := context.WithCancel(context.Background())
	x := &indexer{stop: cancel, written: map[string]int{}}
	x.wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			x.turn.Lock()
			for _, index := range x.indices {
				x.one(ctx, u, i, index)
			}
			x.turn.Unlock()
			select {
			case <-time.After(20 * time.Millisecond): // the machine has other things to do
			case <-ctx.Done():
			}
		}
	})
	u.t.Cleanup(func() { cancel(); x.wg.Wait() })
	return x
}

// into has documents put into these indices from now on: into another none is put any more when it
// returns.
func (x *indexer) into(indices ...string) {
	x.turn.Lock()
	defer x.turn.Unlock()
	x.indices = indices
}

// one puts the next document into an index. Its id is its number, so that trying again harms nothing.
func (x *indexer) one(ctx context.Context, u *up, turn int, index string) {
	x.mu.Lock()
	id := x.written[index] + 1
	x.mu.Unlock()
	began, why, tries := time.Now(), "", 0
	if d, err := readDocument(u); err != nil {
		why = err.Error()
	} else {
		for nodes := d.Domains[0].Nodes; tries < len(nodes); tries++ {
			n := nodes[(turn+tries)%len(nodes)]
			err := ask(ctx, n, http.MethodPut, fmt.Sprintf("/%s/_doc/%d", index, id), object{"title": "fox"}, nil)
			if why = ""; err == nil {
				break
			}
			why = err.Error()
		}
	}
	if ctx.Err() != nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.slowest = max(x.slowest, time.Since(began))
	switch {
	case why == "":
		x.written[index] = id
		if tries > 0 {
			x.retried++
		}
	case len(x.failed) < maxFailures:
		x.failed = append(x.failed, time.Now().Format("15:04:05.000 ")+why)
	}
}

// check fails the test for documents that were not taken so far.
func (x *indexer) check(t *testing.T) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, why := range x.failed {
		t.Error("a document was not taken: ", why)
	}
	t.Logf("documents taken: %v, %d of them by another node than the first asked; the slowest took %v", x.written, x.retried, x.slowest.Round(time.Millisecond))
	if len(x.written) == 0 {
		t.Error("nothing was put into an index")
	}
}

// has checks that the index holds every document that was taken until now.
func (x *indexer) has(t *testing.T, u *up, index string) {
	t.Helper()
	x.mu.Lock()
	want := x.written[index]
	x.mu.Unlock()
	n := u.document().Domains[0].Nodes[0]
	require(t, n, http.MethodPost, "/"+index+"/_refresh", nil)
	var count struct{ Count int }
	if err := ask(t.Context(), n, http.MethodGet, "/"+index+"/_count", nil, &count); err != nil || count.Count < want || want == 0 {
		t.Errorf("%s has %d documents of %d that were taken (%v)", index, count.Count, want, err)
	}
}

func (x *indexer) end(t *testing.T) {
	t.Helper()
	x.stop()
	x.wg.Wait()
	x.check(t)
}
