// Package nodeload is constant load on a cluster, as of a client that knows all nodes: when one does not
// do what it is asked, the next is asked, and only what none does has failed. Tests and measurements
// count by it what a rollout costs those who use the cluster.
package nodeload

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Node is one that can be asked: its name, and its address, such as http://127.0.0.1:9200.
type Node struct{ Name, HTTP string }

// Config says what is asked for.
type Config struct {
	// Nodes are those of the cluster at the moment.
	Nodes func() ([]Node, error)
	// Ask is one request to a node; turn counts from 0. It is repeated at the next node when it fails,
	// unless the error is Wrong: so it must not matter that it may have been done before.
	Ask func(ctx context.Context, n Node, turn int) error
	// Pause between two requests: the machine has other things to do.
	Pause time.Duration
}

// Wrong is an answer that is wrong, not missing: no other node is asked.
type Wrong struct{ Why string }

// Error implements error.
func (w Wrong) Error() string { return w.Why }

// maxFailures are told.
const maxFailures = 10

// Count is what came of the load so far.
type Count struct {
	Done, Retried, Failed int // Retried: done by another node than the first asked
	Slowest               time.Duration
	Failures              []string // the first ones, with their times
}

// Load runs until End.
type Load struct {
	c    Config
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex
	count Count
}

// Start begins to ask. End it.
func Start(c Config) *Load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{c: c, stop: cancel}
	l.wg.Go(func() {
		for turn := 0; ctx.Err() == nil; turn++ {
			l.one(ctx, turn)
			select {
			case <-time.After(c.Pause):
			case <-ctx.Done():
			}
		}
	})
	return l
}

// one begins with another node each time.
func (l *Load) one(ctx context.Context, turn int) {
	began, tries := time.Now(), 0
	nodes, err := l.c.Nodes()
	if err == nil && len(nodes) == 0 {
		err = errors.New("there is no node")
	}
	for ; err == nil && tries < len(nodes); tries++ {
		err = l.c.Ask(ctx, nodes[(turn+tries)%len(nodes)], turn)
		var wrong Wrong
		if err == nil || errors.As(err, &wrong) {
			break
		}
		if tries+1 < len(nodes) {
			err = nil
		}
	}
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := &l.count
	n.Slowest = max(n.Slowest, time.Since(began))
	switch {
	case err != nil:
		n.Failed++
		if len(n.Failures) < maxFailures {
			n.Failures = append(n.Failures, time.Now().Format("15:04:05.000 ")+err.Error())
		}
	default:
		n.Done++
		if tries > 0 {
			n.Retried++
		}
	}
}

// Count returns what came of it so far.
func (l *Load) Count() Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.count
	c.Failures = slices.Clone(c.Failures)
	return c
}

// End stops asking, and returns what came of it. It may be called again.
func (l *Load) End() Count {
	l.stop()
	l.wg.Wait()
	return l.Count()
}
