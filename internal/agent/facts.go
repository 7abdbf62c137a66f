package agent

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// facts keeps what the node last said of itself.
type facts struct {
	node      OpenSearch
	every     time.Duration
	changed   func()
	restarted func()

	mu   sync.Mutex
	last *searchpack.NodeFacts
	err  string
}

// get returns the facts, or why there are none.
func (f *facts) get() (*searchpack.NodeFacts, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.err
}

func (f *facts) loop(ctx context.Context) {
	failed, ephemeral := 0, ""
	for {
		n, err := f.node.Facts(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := f.every
		if err != nil {
			failed++
			wait = f.every / 2
		} else {
			failed = 0
			if n.EphemeralID != ephemeral && ephemeral != "" {
				f.restarted()
			}
			ephemeral = n.EphemeralID
		}
		// One failure alone is no news: a node that collects garbage is not away.
		if failed != 1 {
			f.set(n, err)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

func (f *facts) set(n *searchpack.NodeFacts, err error) {
	text := ""
	if err != nil {
		n, text = nil, cutText(err.Error(), 500)
	}
	f.mu.Lock()
	changed := !reflect.DeepEqual(n, f.last) || text != f.err
	f.last, f.err = n, text
	f.mu.Unlock()
	if changed {
		f.changed()
	}
}
