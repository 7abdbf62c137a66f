package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

func inode(info os.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

const (
	// updatesUnderLoad are made while searchers search without a pause between two searches but 10 ms.
	updatesUnderLoad = 3
	searchers        = 3
	// lookEvery is how often each node is asked which version it shows.
	lookEvery = 2 * time.Millisecond
)

// underLoad: versions replace each other while clients search all the time. No search fails, when a
// version is ACTIVE every node shows it, and for how long nodes showed different versions is measured:
// that depends on the machine, so it is logged and nothing is demanded of it.
func (c *cluster) underLoad(t *testing.T) {
	defer explainFailure(t, c.u)
	var all []*searcher
	for range searchers {
		all = append(all, searchAllTheTime(t, c.u, "books", "laptop"))
	}
	var mixed []time.Duration
	for range updatesUnderLoad {
		c.next(t)
		first := firstSeen(t, c.u, "books", fmt.Sprintf("version%d", c.version))
		c.p.askAssociate(t)
		c.p.active(t, c.version)
		for _, n := range c.u.document().Domains[0].Nodes {
			if why := hit(t.Context(), n, "books", fmt.Sprintf("version%d", c.version)); why != "" {
				t.Errorf("v%d is ACTIVE, and: %s", c.version, why)
			}
		}
		seen := first()
		mixed = append(mixed, seen[len(seen)-1].at.Sub(seen[0].at))
		t.Logf("v%d is shown first by %s, last by %s, %v later", c.version, seen[0].node, seen[len(seen)-1].node, mixed[len(mixed)-1].Round(time.Millisecond))
	}
	for _, s := range all {
		s.end(t)
	}
	slices.Sort(mixed)
	t.Logf("two versions were visible at once for %v (median), at most %v, of %d updates", mixed[len(mixed)/2].Round(time.Millisecond), mixed[len(mixed)-1].Round(time.Millisecond), len(mixed))
}

// sight is when a node first answered with a new version.
type sight struct {
	node string
	at   time.Time
}

// firstSeen asks every node's own copy all the time, until it finds the word. The result waits for all
// and returns them in order of time.
func firstSeen(t *testing.T, u *up, index, word string) func() []sight {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	nodes := u.document().Domains[0].Nodes
	seen := make([]sight, len(nodes))
	for i, n := range nodes {
		wg.Go(func() {
			for ctx.Err() == nil {
				if hit(ctx, n, index, word) == "" {
					seen[i] = sight{n.Name, time.Now()}
					return
				}
				select {
				case <-time.After(lookEvery):
				case <-ctx.Done():
				}
			}
		})
	}
	return func() []sight {
		t.Helper()
		wg.Wait()
		slices.SortFunc(seen, func(a, b sight) int { return a.at.Compare(b.at) })
		if seen[0].at.IsZero() {
			t.Fatalf("not every node shows %s: %v", word, ctx.Err())
		}
		return seen
	}
}
