package work

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// Why a handler's context ended.
var (
	ErrLeaseLost = errors.New("the lease of this work item is lost")
	ErrStopping  = errors.New("the program stops")
)

const (
	backoffFirst = 200 * time.Millisecond
	backoffLast  = time.Minute
	// finishTries bounds how often the effects are written when the store fails.
	finishTries = 4
	// finishTime bounds the writing of the effects: what is left of a DefaultTTL after its last renewal,
	// and less while the program stops, within stopWait. The effects of a domain of thousands of nodes take a third of
	// a second, and on a machine with other things to do many times that: given up too early, they
	// would be begun anew for ever.
	finishTime         = 20 * time.Second
	finishTimeStopping = 10 * time.Second
	// maxErrorText is how many bytes of an error are kept in the item's row.
	maxErrorText = 1000
)

// Backoff returns how long to wait after the given number of failures in a row: 0.2 s, doubled each
// time up to a minute, less up to half at random, so that what failed together is not tried
// together.
func Backoff(failures int) time.Duration {
	d := backoffLast
	if shift := max(failures, 1) - 1; shift < 9 { // 0.2 s << 9 is over a minute
		d = min(backoffFirst<<shift, backoffLast)
	}
	return d - rand.N(d/2)
}

// do runs the item's handler under a lease kept alive, and finishes the item.
func (l *Loop) do(ctx context.Context, w *searchpack.Work) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopRenewing := l.keepLease(ctx, w, cancel)
	res, effects, err := l.call(ctx, w)
	stopRenewing()
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrLeaseLost) {
		l.Logger.Warn("work item lost to another process", "item", name(w), "owner", l.Owner)
		return
	}
	switch {
	case err == nil:
	case errors.Is(cause, ErrStopping):
		res, effects = searchpack.WorkResult{At: l.Now()}, nil // given back: due at once for whoever runs
	default:
		wait := Backoff(w.Attempt)
		l.Logger.Error("work item failed", "item", name(w), "attempt", w.Attempt, "again_in", wait, "error", err)
		res, effects = searchpack.WorkResult{At: l.Now().Add(wait), Error: errorText(err)}, nil
	}
	l.finish(ctx, w, res, effects)
}

// call runs the handler. A panic ends the item, not the program.
func (l *Loop) call(ctx context.Context, w *searchpack.Work) (res searchpack.WorkResult, effects func(searchpack.Tx) error, err error) {
	defer recoverTo(&err, l, w)
	return l.Handlers[w.Kind](ctx, w)
}

func recoverTo(err *error, l *Loop, w *searchpack.Work) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
		l.Logger.Error("panic in a work item", "item", name(w), "panic", p, "stack", string(debug.Stack()))
	}
}

// keepLease renews the lease until the returned function is called, which waits for the last
// renewal. A lease that is lost, or that could not be renewed until it had ended, ends ctx.
func (l *Loop) keepLease(ctx context.Context, w *searchpack.Work, cancel context.CancelCauseFunc) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		renewed := time.Now()
		tick := time.NewTicker(max(l.TTL/3, time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			began := time.Now() // the lease counts from before the call
			err := l.renew(ctx, w)
			switch {
			case err == nil:
				renewed = began
			case searchpack.ErrorCode(err) == searchpack.ErrConflict, time.Since(renewed) >= l.TTL:
				l.Logger.Warn("lease lost", "item", name(w), "error", err)
				cancel(ErrLeaseLost)
				return
			default:
				l.Logger.Warn("lease not renewed", "item", name(w), "error", err)
			}
		}
	})
	return func() {
		close(quit)
		wg.Wait()
	}
}

func (l *Loop) renew(ctx context.Context, w *searchpack.Work) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.TTL/3) // kept alive while stopping too
	defer cancel()
	return l.Store.Renew(ctx, l.Now(), l.TTL, w)
}

// finish writes the effects and ends the lease. It is tried again when the store fails, which is
// safe: a first try that had succeeded after all makes the second one a lost lease.
func (l *Loop) finish(ctx context.Context, w *searchpack.Work, res searchpack.WorkResult, effects func(searchpack.Tx) error) {
	stopping := errors.Is(context.Cause(ctx), ErrStopping)
	limit := finishTime
	if stopping {
		limit = finishTimeStopping
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	for try := 1; ; try++ {
		err := l.tryFinish(ctx, w, res, effects)
		switch {
		case err == nil:
			if l.AfterFinish != nil {
				l.AfterFinish(w)
			}
			return
		case searchpack.ErrorCode(err) == searchpack.ErrConflict:
			l.Logger.Warn("work item was lost before it was finished", "item", name(w))
			return
		case ctx.Err() != nil || try > finishTries:
			// The lease ends by itself, and the item is done again.
			l.Logger.Error("work item not finished", "item", name(w), "error", err)
			return
		case stopping && effects != nil:
			// Effects that use the handler's context fail by its end: the item is given back.
			res, effects = searchpack.WorkResult{At: l.Now()}, nil
		case try == finishTries:
			// Perhaps it is the effects that cannot be written: then at least the item must not be
			// claimed again at full speed.
			l.Logger.Error("effects of a work item not written", "item", name(w), "error", err)
			res, effects = searchpack.WorkResult{At: l.Now().Add(Backoff(w.Attempt)), Error: errorText(err)}, nil
		default:
			l.pause(ctx, Backoff(try))
		}
	}
}

func (l *Loop) tryFinish(ctx context.Context, w *searchpack.Work, res searchpack.WorkResult, effects func(searchpack.Tx) error) (err error) {
	defer recoverTo(&err, l, w) // effects are the handler's code too
	return l.Store.Finish(ctx, l.Now(), w, res, effects)
}

func (l *Loop) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// errorText is what of an error is kept for people.
func errorText(err error) string {
	text := err.Error()
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD") // PostgreSQL takes no NUL
}
