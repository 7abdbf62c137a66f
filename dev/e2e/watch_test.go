package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// watcher reads a package's final file on every node all the time, as OpenSearch might at any
// moment, and notes whatever no reader may ever see: other bytes than a released version's, half of
// one, or no file at all where there must be one.
type watcher struct {
	p       *pack
	changes chan string // names of nodes whose file has just changed; drops what nobody waits for
	mayMiss atomic.Bool // the file may be absent: not placed yet, or removed

	stop context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex
	bad   []string
	seen  map[int]bool // versions
	reads int
}

// watchEvery bounds how much of the machine a watcher takes.
const watchEvery = 2 * time.Millisecond

// watch begins; the test's end ends it at the latest.
func watch(t *testing.T, p *pack, mayMiss bool) *watcher {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{p: p, changes: make(chan string, 1), stop: cancel, seen: map[int]bool{}}
	w.mayMiss.Store(mayMiss)
	for _, n := range p.u.document().Domains[0].Nodes {
		w.wg.Go(func() { w.node(ctx, n.Name, p.path(n.Config)) })
	}
	t.Cleanup(func() { cancel(); w.wg.Wait() })
	return w
}

func (w *watcher) node(ctx context.Context, name, path string) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var last searchpack.Digest
	for ctx.Err() == nil {
		allowed := w.mayMiss.Load() // before: what was allowed then may be forbidden now
		b, err := os.ReadFile(path)
		switch {
		case errors.Is(err, os.ErrNotExist) && (allowed || w.mayMiss.Load()):
			last = ""
		case err != nil:
			w.note(fmt.Sprintf("%s: %v", name, err))
		default:
			d := searchpack.DigestOf(b)
			w.saw(name, d, len(b))
			if d != last {
				last = d
				select {
				case w.changes <- name:
				default:
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (w *watcher) saw(name string, d searchpack.Digest, size int) {
	version := w.p.version(d)
	if version == 0 {
		w.note(fmt.Sprintf("%s: %d bytes that were never released: %s", name, size, d.Short()))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[version] = true
	w.reads++
}

func (w *watcher) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.bad) < 10 {
		w.bad = append(w.bad, time.Now().Format("15:04:05.000 ")+what)
	}
}

// end stops reading and fails the test for whatever was seen.
func (w *watcher) end(t *testing.T) {
	t.Helper()
	w.stop()
	w.wg.Wait()
	for _, what := range w.bad {
		t.Error("seen under the final name: ", what)
	}
	t.Logf("final names read %d times, %d versions seen", w.reads, len(w.seen))
	if w.reads == 0 {
		t.Error("the final names were never read")
	}
}
