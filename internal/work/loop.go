// Package work carries out what stands in the work queue: it claims items, runs their handlers
// beside each other, keeps the leases alive meanwhile, and finishes each item in the transaction
// that writes its effects. It knows nothing of imports or rollouts, and keeps no state that a
// kill -9 could lose: whatever is not finished is claimed again when its lease has ended.
package work

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// Handler does one item. It returns what becomes of the item and the effects, which are written in
// the transaction that ends the lease and may be run more than once. On an error nothing is
// written and the item is tried again later.
//
// ctx ends when the lease is lost or the program stops; context.Cause tells which (ErrLeaseLost,
// ErrStopping). Until the effects are written another process may be doing the same item, so
// whatever a handler does before must bear repeating.
type Handler func(ctx context.Context, w *searchpack.Work) (searchpack.WorkResult, func(tx searchpack.Tx) error, error)

// Queue is the part of a searchpack.Store that the loop uses.
type Queue interface {
	Claim(ctx context.Context, now time.Time, ttl time.Duration, owner string, kinds ...searchpack.WorkKind) (*searchpack.Work, error)
	Renew(ctx context.Context, now time.Time, ttl time.Duration, w *searchpack.Work) error
	Finish(ctx context.Context, now time.Time, w *searchpack.Work, res searchpack.WorkResult, f func(tx searchpack.Tx) error) error
	NextDue(ctx context.Context, kinds ...searchpack.WorkKind) (time.Time, bool, error)
	Wake() <-chan struct{}
	Now(ctx context.Context) (time.Time, error)
}

const (
	// DefaultTTL is how long after a process died its items wait for another one.
	DefaultTTL = 30 * time.Second
	// DefaultWorkers is how many items of one kind run at a time.
	DefaultWorkers = 4

	// maxIdle bounds the sleep: work that another process enqueued wakes nobody here.
	maxIdle = time.Second
	// minIdle keeps an item that is due but cannot be claimed (another process is just doing so, or
	// clocks differ) from turning the loop.
	minIdle = 20 * time.Millisecond
	// claimTime bounds a claim.
	claimTime = 10 * time.Second
	// stopWait is how long handlers have to notice that the program stops.
	stopWait = 15 * time.Second
)

// Loop runs the handlers. Fill it in and call Run once.
type Loop struct {
	Store    Queue
	Handlers map[searchpack.WorkKind]Handler
	// Workers is how many items of each kind run at a time, DefaultWorkers where it says nothing.
	// Kinds never wait for each other.
	Workers map[searchpack.WorkKind]int
	Owner   string           // names this process in leases
	TTL     time.Duration    // of a lease; 0 = DefaultTTL
	Now     func() time.Time // nil = time.Now
	Logger  *slog.Logger     // nil = none
	// AfterFinish, if set, is called after each commit that finished an item.
	AfterFinish func(w *searchpack.Work)

	free  map[searchpack.WorkKind]int // workers without an item; only Run's goroutine touches it
	freed chan searchpack.WorkKind    // by workers that are done
}

// Run works until ctx ends. Then it claims nothing more, ends the contexts of the handlers that
// run, waits for them and gives their items back. The error names handlers that did not end in
// time; their leases end by themselves.
func (l *Loop) Run(ctx context.Context) error {
	l.prepare()
	handlers, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	running := map[*searchpack.Work]bool{}
	var mu sync.Mutex
	start := func(w *searchpack.Work) {
		l.free[w.Kind]--
		mu.Lock()
		running[w] = true
		mu.Unlock()
		go func() {
			l.do(handlers, w)
			mu.Lock()
			delete(running, w)
			mu.Unlock()
			l.freed <- w.Kind
		}()
	}
	l.claimUntil(ctx, start)
	stop(ErrStopping)
	if l.waitAll(stopWait) {
		return nil
	}
	mu.Lock()
	defer mu.Unlock()
	var names []string
	for w := range running {
		names = append(names, name(w))
	}
	slices.Sort(names)
	return fmt.Errorf("still running %v after the stop: %s; another process takes them over when their leases end", stopWait, strings.Join(names, ", "))
}

func (l *Loop) prepare() {
	if l.TTL == 0 {
		l.TTL = DefaultTTL
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	if l.Logger == nil {
		l.Logger = slog.New(slog.DiscardHandler)
	}
	l.free = map[searchpack.WorkKind]int{}
	total := 0
	for kind := range l.Handlers {
		l.free[kind] = DefaultWorkers
		if n := l.Workers[kind]; n > 0 {
			l.free[kind] = n
		}
		total += l.free[kind]
	}
	l.freed = make(chan searchpack.WorkKind, total) // room for all: no worker ever waits to say so
}

// claimUntil claims and starts items until ctx ends.
func (l *Loop) claimUntil(ctx context.Context, start func(*searchpack.Work)) {
	failures := 0
	for ctx.Err() == nil {
		found, wait, err := l.look(ctx)
		switch {
		case ctx.Err() != nil && found == nil:
			return
		case err != nil:
			failures++
			wait = Backoff(failures)
			l.Logger.Error("the work queue cannot be read", "error", err, "again_in", wait)
			l.sleep(ctx, wait, nil)
		case found != nil:
			failures = 0
			start(found)
		default:
			failures = 0
			l.sleep(ctx, wait, l.Store.Wake())
		}
	}
}

// look claims an item if one is due and a worker of its kind free; else it says how long nothing
// will be due. An idle queue costs one read per maxIdle.
func (l *Loop) look(ctx context.Context) (*searchpack.Work, time.Duration, error) {
	kinds := l.freeKinds()
	if len(kinds) == 0 {
		return nil, time.Hour, nil // a freed worker ends the sleep
	}
	due, some, err := l.Store.NextDue(ctx, kinds...)
	if err != nil || !some {
		return nil, maxIdle, err
	}
	now, err := l.Store.Now(ctx)
	if err != nil {
		return nil, 0, err
	}
	if wait := due.Sub(now); wait > 0 {
		return nil, max(minIdle, min(wait, maxIdle)), nil
	}
	// A claim broken off half-way might have been made: nobody would know of the lease, and the
	// item would wait for its end.
	claim, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTime)
	defer cancel()
	w, err := l.Store.Claim(claim, l.Now(), l.TTL, l.Owner, kinds...)
	return w, minIdle, err
}

// freeKinds returns the kinds that have a worker free, in a fixed order.
func (l *Loop) freeKinds() []searchpack.WorkKind {
	l.collect()
	var kinds []searchpack.WorkKind
	for kind, n := range l.free {
		if n > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// collect counts the workers that are done.
func (l *Loop) collect() {
	for {
		select {
		case kind := <-l.freed:
			l.free[kind]++
		default:
			return
		}
	}
}

// sleep waits until something may have changed.
func (l *Loop) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	case kind := <-l.freed:
		l.free[kind]++
	}
}

// waitAll waits until every worker is free again.
func (l *Loop) waitAll(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for busy := cap(l.freed) - l.idle(); busy > 0; busy-- {
		select {
		case kind := <-l.freed:
			l.free[kind]++
		case <-timer.C:
			return false
		}
	}
	return true
}

func (l *Loop) idle() int {
	n := 0
	for _, free := range l.free {
		n += free
	}
	return n
}

func name(w *searchpack.Work) string { return string(w.Kind) + "/" + w.Key }
