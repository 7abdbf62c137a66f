package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	var last []byte // nil: there was no file
	version := 0    // of last
	for ctx.Err() == nil {
		allowed := w.mayMiss.Load() // before: what was allowed then may be forbidden now
		b, err := os.ReadFile(path)
		switch {
		case errors.Is(err, os.ErrNotExist) && (allowed || w.mayMiss.Load()):
			last = nil
		case err != nil:
			w.note(fmt.Sprintf("%s: %v", name, err))
		default:
			if last == nil || !bytes.Equal(b, last) { // to compare costs a quarter of a digest, and this is done all the time
				last, version = b, w.version(name, b)
				select {
				case w.changes <- name:
				default:
				}
			}
			w.saw(version)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// version is the one that the bytes are, which must have been released.
func (w *watcher) version(name string, b []byte) int {
	d := searchpack.DigestOf(b)
	version := w.p.version(d)
	if version == 0 {
		w.note(fmt.Sprintf("%s: %d bytes that were never released: %s", name, len(b), d.Short()))
	}
	return version
}

func (w *watcher) saw(version int) {
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

// The watcher sees versions come and go, and notes whatever was never released, each time anew, and a
// file that is absent where it must not be.
func TestWatcher(t *testing.T) {
	t.Parallel()
	p := &pack{released: map[searchpack.Digest]int{searchpack.DigestOf([]byte("one")): 1, searchpack.DigestOf([]byte("two")): 2}}
	w := &watcher{p: p, changes: make(chan string, 1), seen: map[int]bool{}}
	path := filepath.Join(t.TempDir(), "file")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	noted := func() []string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Clone(w.bad)
	}
	put("one")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { w.node(ctx, "n1", path) })
	for _, text := range []string{"two", "one", "odd", "two", "odd"} {
		<-w.changes // of what was put before
		put(text)
	}
	<-w.changes
	if bad := noted(); len(bad) != 2 || !strings.Contains(bad[0], "3 bytes that were never released") {
		t.Errorf("%q", bad)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if bad := noted(); !strings.Contains(bad[len(bad)-1], "no such file") {
			return "a missing file is not noted"
		}
		return ""
	})
	cancel()
	wg.Wait()
	if !w.seen[1] || !w.seen[2] || w.reads < 6 {
		t.Errorf("%v seen in %d reads", w.seen, w.reads)
	}
}
