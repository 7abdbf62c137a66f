package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/nodeload"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// indexer puts documents into indices all the time, as a client does that knows all nodes: when one
// does not take a document it asks the next.
type indexer struct {
	load *nodeload.Load

	turn    sync.Mutex // held while a document is written
	indices []string
	written map[string]int // documents that were taken
}

// loadedNodes are those that a load knows.
func loadedNodes(u *up) func() ([]nodeload.Node, error) {
	return func() (all []nodeload.Node, err error) {
		d, err := readDocument(u)
		if err != nil {
			return nil, err
		}
		for _, n := range d.Domains[0].Nodes {
			all = append(all, nodeload.Node{Name: n.Name, HTTP: n.HTTP})
		}
		return all, nil
	}
}

// asEntry is the node as ask takes it.
func asEntry(n nodeload.Node) stack.NodeEntry { return stack.NodeEntry{Name: n.Name, HTTP: n.HTTP} }

func indexAllTheTime(u *up) *indexer {
	x := &indexer{written: map[string]int{}}
	x.load = nodeload.Start(nodeload.Config{Nodes: loadedNodes(u), Ask: x.one, Pause: 10 * time.Millisecond})
	u.t.Cleanup(func() { x.load.End() })
	return x
}

// into has documents put into these indices from now on: into another none is put any more when it
// returns.
func (x *indexer) into(indices ...string) {
	x.turn.Lock()
	defer x.turn.Unlock()
	x.indices = indices
}

// one puts the next document into the index whose turn it is. Its id is its number, so that trying again
// harms nothing.
func (x *indexer) one(ctx context.Context, n nodeload.Node, turn int) error {
	x.turn.Lock()
	defer x.turn.Unlock()
	if len(x.indices) == 0 {
		return nil
	}
	index := x.indices[turn%len(x.indices)]
	id := x.written[index] + 1
	if err := ask(ctx, asEntry(n), http.MethodPut, fmt.Sprintf("/%s/_doc/%d", index, id), object{"title": "fox"}, nil); err != nil {
		return err
	}
	x.written[index] = id
	return nil
}

// documents are how many were taken, by index.
func (x *indexer) documents(index string) int {
	x.turn.Lock()
	defer x.turn.Unlock()
	return x.written[index]
}

// check fails the test for documents that were not taken so far.
func (x *indexer) check(t *testing.T) {
	t.Helper()
	c := x.load.Count()
	for _, why := range c.Failures {
		t.Error("a document was not taken: ", why)
	}
	x.turn.Lock()
	defer x.turn.Unlock()
	t.Logf("documents taken: %v, %d of them by another node than the first asked; the slowest took %v", x.written, c.Retried, c.Slowest.Round(time.Millisecond))
	if len(x.written) == 0 {
		t.Error("nothing was put into an index")
	}
}

// has checks that the index holds every document that was taken until now.
func (x *indexer) has(t *testing.T, u *up, index string) {
	t.Helper()
	want := x.documents(index)
	n := u.document().Domains[0].Nodes[0]
	require(t, n, http.MethodPost, "/"+index+"/_refresh", nil)
	var count struct{ Count int }
	if err := ask(t.Context(), n, http.MethodGet, "/"+index+"/_count", nil, &count); err != nil || count.Count < want || want == 0 {
		t.Errorf("%s has %d documents of %d that were taken (%v)", index, count.Count, want, err)
	}
}

func (x *indexer) end(t *testing.T) {
	t.Helper()
	x.load.End()
	x.check(t)
}
