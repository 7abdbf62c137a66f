package agent

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff gives pauses that double up to a limit, with jitter, so that the agents of a cluster do
// not come back all at once.
type backoff struct {
	min, max time.Duration
	cur      time.Duration
}

// next returns the next pause: between half and all of a doubling value.
func (b *backoff) next() time.Duration {
	b.cur = min(b.max, max(b.min, 2*b.cur))
	return b.cur/2 + rand.N(b.cur/2+1)
}

func (b *backoff) reset() { b.cur = 0 }

// pause waits; false: the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// bell wakes one loop; several rings fold into one.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}
