package work

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// queue is the work table in memory, by the rules of searchpack.Store.
type queue struct {
	mu     sync.Mutex
	items  map[string]*item
	tokens int64
	wake   chan struct{}
	fail   func(method string) error // nil, or what a method is to answer
	calls  map[string]int
}

type item struct {
	kind       searchpack.WorkKind
	due        time.Time
	asked      int64
	leaseUntil time.Time
	token      int64
	attempt    int
	err        string
}

func newQueue() *queue {
	return &queue{items: map[string]*item{}, wake: make(chan struct{}, 1), calls: map[string]int{}}
}

func (q *queue) enter(method string) (leave func(), err error) {
	q.mu.Lock()
	q.calls[method]++
	if q.fail != nil {
		err = q.fail(method)
	}
	return q.mu.Unlock, err
}

func (q *queue) enqueue(kind searchpack.WorkKind, key string, due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it := q.items[key]
	if it == nil {
		it = &item{kind: kind, due: due}
		q.items[key] = it
	}
	it.asked++
	if due.Before(it.due) {
		it.due = due
	}
	q.ring()
}

func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// get returns a copy of the item, nil if it is gone.
func (q *queue) get(key string) *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if it := q.items[key]; it != nil {
		c := *it
		return &c
	}
	return nil
}

func (q *queue) count(method string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.calls[method]
}

func (q *queue) Claim(_ context.Context, now time.Time, ttl time.Duration, owner string, kinds ...searchpack.WorkKind) (*searchpack.Work, error) {
	leave, err := q.enter("Claim")
	defer leave()
	if err != nil {
		return nil, err
	}
	var first *item
	var key string
	for k, it := range q.items {
		if it.of(kinds) && !it.due.After(now) && !it.leaseUntil.After(now) && (first == nil || it.due.Before(first.due)) {
			first, key = it, k
		}
	}
	if first == nil {
		return nil, nil
	}
	q.tokens++
	first.token = q.tokens
	first.attempt++
	first.leaseUntil = now.Add(ttl)
	return &searchpack.Work{Kind: first.kind, Key: key, Asked: first.asked, Token: first.token, Attempt: first.attempt, Owner: owner}, nil
}

func (it *item) of(kinds []searchpack.WorkKind) bool {
	for _, k := range kinds {
		if k == it.kind {
			return true
		}
	}
	return false
}

var errLost = searchpack.Errorf(searchpack.ErrConflict, "lost")

func (q *queue) Renew(_ context.Context, now time.Time, ttl time.Duration, w *searchpack.Work) error {
	leave, err := q.enter("Renew")
	defer leave()
	it := q.items[w.Key]
	switch {
	case err != nil:
		return err
	case it == nil || it.token != w.Token:
		return errLost
	}
	it.leaseUntil = now.Add(ttl)
	return nil
}

func (q *queue) Finish(_ context.Context, now time.Time, w *searchpack.Work, res searchpack.WorkResult, f func(searchpack.Tx) error) error {
	leave, err := q.enter("Finish")
	defer leave()
	it := q.items[w.Key]
	switch {
	case err != nil:
		return err
	case it == nil || it.token != w.Token:
		return errLost
	}
	if f != nil {
		if err := f(nil); err != nil {
			return err
		}
	}
	it.token, it.leaseUntil = 0, time.Time{}
	switch {
	case it.asked != w.Asked:
		it.due = now
	case res.At.IsZero():
		delete(q.items, w.Key)
		return nil
	default:
		it.due = res.At
	}
	if it.err = res.Error; it.err == "" {
		it.attempt = 0
	}
	q.ring()
	return nil
}

func (q *queue) NextDue(_ context.Context, kinds ...searchpack.WorkKind) (time.Time, bool, error) {
	leave, err := q.enter("NextDue")
	defer leave()
	var next time.Time
	for _, it := range q.items {
		due := it.due
		if it.leaseUntil.After(due) {
			due = it.leaseUntil
		}
		if it.of(kinds) && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next, !next.IsZero(), err
}

func (q *queue) Wake() <-chan struct{} { return q.wake }

func (q *queue) Now(context.Context) (time.Time, error) { return time.Now(), nil }

var errStore = errors.New("the database is away")
