package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// The tests of work use real time, because PostgreSQL's clock cannot be set; what must be past is
// hours past. A lease that has expired is one taken for less than no time.
const (
	longLease    = time.Hour
	expiredLease = -time.Hour
)

func now(t *testing.T, s searchpack.Store) time.Time {
	t.Helper()
	now, err := s.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func enqueue(t *testing.T, s searchpack.Store, kind searchpack.WorkKind, key string, due time.Time) {
	t.Helper()
	update(t, s, func(tx searchpack.Tx) error { return tx.Enqueue(t.Context(), kind, key, due) })
}

// claim returns the claimed item, nil if nothing is due.
func claim(t *testing.T, s searchpack.Store, ttl time.Duration, kinds ...searchpack.WorkKind) *searchpack.Work {
	t.Helper()
	w, err := s.Claim(t.Context(), now(t, s), ttl, "worker", kinds...)
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	return w
}

func mustClaim(t *testing.T, s searchpack.Store, ttl time.Duration, key string) *searchpack.Work {
	t.Helper()
	w := claim(t, s, ttl)
	if w == nil || w.Key != key {
		t.Fatalf("claimed %+v, want %s", w, key)
	}
	return w
}

func finish(t *testing.T, s searchpack.Store, w *searchpack.Work, res searchpack.WorkResult) {
	t.Helper()
	if err := s.Finish(t.Context(), now(t, s), w, res, nil); err != nil {
		t.Fatalf("Finish: %v", err)
	}
}

func nothingDue(t *testing.T, s searchpack.Store) {
	t.Helper()
	if w := claim(t, s, longLease); w != nil {
		t.Fatalf("%+v is due", w)
	}
}

func testWorkOrder(t *testing.T, s searchpack.Store) {
	start := now(t, s)
	enqueue(t, s, searchpack.WorkSweep, "third", start.Add(-time.Hour))
	enqueue(t, s, searchpack.WorkSweep, "first", start.Add(-3*time.Hour))
	enqueue(t, s, searchpack.WorkImport, "second", start.Add(-2*time.Hour))
	enqueue(t, s, searchpack.WorkImport, "at once", time.Time{})
	enqueue(t, s, searchpack.WorkImport, "later", start.Add(time.Hour))
	for _, want := range []string{"first", "second", "third", "at once"} {
		mustClaim(t, s, longLease, want)
	}
	nothingDue(t, s)
}

func testWorkKinds(t *testing.T, s searchpack.Store) {
	enqueue(t, s, searchpack.WorkImport, "k", time.Time{})
	enqueue(t, s, searchpack.WorkSweep, "k", time.Time{})
	if w := claim(t, s, longLease, searchpack.WorkReconcile); w != nil {
		t.Errorf("claimed %+v of another kind", w)
	}
	want := &searchpack.Work{Kind: searchpack.WorkSweep, Key: "k", Asked: 1, Attempt: 1, Owner: "worker"}
	w := claim(t, s, longLease, searchpack.WorkReconcile, searchpack.WorkSweep)
	if w == nil || w.Token <= 0 {
		t.Fatalf("claimed %+v", w)
	}
	want.Token = w.Token
	same(t, "claimed", want, w)
	if w := claim(t, s, longLease, searchpack.WorkReconcile, searchpack.WorkSweep); w != nil {
		t.Errorf("claimed %+v a second time", w)
	}
}

func testEnqueueNeverLater(t *testing.T, s searchpack.Store) {
	start := now(t, s)
	enqueue(t, s, searchpack.WorkSweep, "k", start.Add(-time.Hour))
	enqueue(t, s, searchpack.WorkSweep, "k", start.Add(time.Hour))
	w := mustClaim(t, s, longLease, "k")
	if w.Asked != 2 {
		t.Errorf("asked %d times, want 2", w.Asked)
	}
	finish(t, s, w, searchpack.WorkResult{At: start.Add(time.Hour)})
	nothingDue(t, s)
	enqueue(t, s, searchpack.WorkSweep, "k", time.Time{}) // an earlier time counts
	mustClaim(t, s, longLease, "k")
}

// A request that comes while a worker is at it is not lost.
func testAskedMeanwhile(t *testing.T, s searchpack.Store) {
	for _, res := range []searchpack.WorkResult{{}, {At: now(t, s).Add(time.Hour)}} {
		enqueue(t, s, searchpack.WorkReconcile, "d", time.Time{})
		w := mustClaim(t, s, longLease, "d")
		enqueue(t, s, searchpack.WorkReconcile, "d", time.Time{})
		nothingDue(t, s) // somebody is at it
		finish(t, s, w, res)
		again := mustClaim(t, s, longLease, "d")
		if again.Asked != w.Asked+1 || again.Token <= w.Token || again.Attempt != 1 {
			t.Errorf("after %+v came %+v", w, again)
		}
		finish(t, s, again, searchpack.WorkResult{})
		nothingDue(t, s)
	}
	if _, due, err := s.NextDue(t.Context()); due || err != nil {
		t.Errorf("something is left (%v)", err)
	}
}

func testAskedByItself(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	enqueue(t, s, searchpack.WorkReconcile, "d", time.Time{})
	w := mustClaim(t, s, longLease, "d")
	err := s.Finish(ctx, now(t, s), w, searchpack.WorkResult{}, func(tx searchpack.Tx) error {
		return tx.Enqueue(ctx, searchpack.WorkReconcile, "d", time.Time{})
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClaim(t, s, longLease, "d")
}

func testRearm(t *testing.T, s searchpack.Store) {
	start := now(t, s)
	enqueue(t, s, searchpack.WorkSweep, "k", time.Time{})
	w := mustClaim(t, s, longLease, "k")
	finish(t, s, w, searchpack.WorkResult{At: start.Add(time.Hour)})
	nothingDue(t, s)
	if next, due, err := s.NextDue(t.Context()); !due || err != nil || !next.Equal(start.Add(time.Hour)) {
		t.Errorf("next due %v %v %v, want %v", next, due, err, start.Add(time.Hour))
	}
	enqueue(t, s, searchpack.WorkSweep, "k", start.Add(-time.Hour))
	w = mustClaim(t, s, longLease, "k")
	finish(t, s, w, searchpack.WorkResult{At: start.Add(-time.Minute)})
	wantFenced(t, s, w) // once is enough
	if again := mustClaim(t, s, longLease, "k"); again.Token <= w.Token {
		t.Errorf("the token went from %d to %d", w.Token, again.Token)
	}
}

func testAttempts(t *testing.T, s searchpack.Store) {
	past := now(t, s).Add(-time.Hour)
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	attempt := func(want int, res searchpack.WorkResult) {
		t.Helper()
		w := mustClaim(t, s, longLease, "v")
		if w.Attempt != want {
			t.Errorf("attempt %d, want %d", w.Attempt, want)
		}
		finish(t, s, w, res)
	}
	attempt(1, searchpack.WorkResult{At: past, Error: "S3 is away"})
	attempt(2, searchpack.WorkResult{At: past, Error: "S3 is away"})
	attempt(3, searchpack.WorkResult{At: past})
	attempt(1, searchpack.WorkResult{})
	nothingDue(t, s)
	// A worker that died counts too.
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	mustClaim(t, s, expiredLease, "v")
	attempt(2, searchpack.WorkResult{})
}

func testExpiredLease(t *testing.T, s searchpack.Store) {
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	dead := mustClaim(t, s, expiredLease, "v")
	w := mustClaim(t, s, longLease, "v")
	if w.Token <= dead.Token {
		t.Errorf("the token went from %d to %d", dead.Token, w.Token)
	}
	nothingDue(t, s)
	finish(t, s, w, searchpack.WorkResult{})
	nothingDue(t, s)
	// Nobody took it: whoever is late may still end it.
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	finish(t, s, mustClaim(t, s, expiredLease, "v"), searchpack.WorkResult{})
	nothingDue(t, s)
}

// wantFenced fails unless w can no longer write.
func wantFenced(t *testing.T, s searchpack.Store, w *searchpack.Work) {
	t.Helper()
	ctx := t.Context()
	err := s.Finish(ctx, now(t, s), w, searchpack.WorkResult{}, func(tx searchpack.Tx) error {
		return increment(ctx, tx, "effects")
	})
	wantCode(t, err, searchpack.ErrConflict, string(w.Kind), w.Key)
	wantCode(t, s.Renew(ctx, now(t, s), longLease, w), searchpack.ErrConflict, string(w.Kind), w.Key)
	if n := readCounter(t, s, "effects"); n != 0 {
		t.Errorf("%d effects of a late worker are there", n)
	}
}

func testLateWorker(t *testing.T, s searchpack.Store) {
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	late := mustClaim(t, s, expiredLease, "v")
	w := mustClaim(t, s, longLease, "v")
	wantFenced(t, s, late)
	nothingDue(t, s) // the lease of the other one stands
	finish(t, s, w, searchpack.WorkResult{})
	wantFenced(t, s, late) // there is no row now
	nothingDue(t, s)
}

// The row of the late worker's item was deleted and made anew meanwhile: its token is not given
// again.
func testLateWorkerOfEarlierItem(t *testing.T, s searchpack.Store) {
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	late := mustClaim(t, s, expiredLease, "v")
	finish(t, s, mustClaim(t, s, longLease, "v"), searchpack.WorkResult{})
	for range 3 {
		enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
		w := mustClaim(t, s, longLease, "v")
		wantFenced(t, s, late)
		finish(t, s, w, searchpack.WorkResult{})
	}
}

func testFinishRollsBack(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	w := mustClaim(t, s, longLease, "v")
	failed := fmt.Errorf("no")
	err := s.Finish(ctx, now(t, s), w, searchpack.WorkResult{}, func(tx searchpack.Tx) error {
		if err := increment(ctx, tx, "n"); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("Finish returned %v, not f's error", err)
	}
	if n := readCounter(t, s, "n"); n != 0 {
		t.Errorf("%d effects are there", n)
	}
	nothingDue(t, s) // still leased
	err = s.Finish(ctx, now(t, s), w, searchpack.WorkResult{}, func(tx searchpack.Tx) error { return increment(ctx, tx, "n") })
	if err != nil {
		t.Error(err)
	}
	if n := readCounter(t, s, "n"); n != 1 {
		t.Errorf("%d effects are there, want 1", n)
	}
}

// Asking and finishing at the same moment, over and over: every request is followed by a claim.
func testEnqueueRacesFinish(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	const requests = 40
	done := make(chan struct{})
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for range requests / 2 {
				err := s.Update(ctx, func(tx searchpack.Tx) error {
					if err := increment(ctx, tx, "wanted"); err != nil {
						return err
					}
					return tx.Enqueue(ctx, searchpack.WorkReconcile, "d", time.Time{})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { asking.Wait(); close(done) }()
	work := func() bool {
		w := claim(t, s, longLease)
		if w == nil {
			return false
		}
		// What the worker saw before it finishes is what it acts on.
		seen := readCounter(t, s, "wanted")
		err := s.Finish(ctx, now(t, s), w, searchpack.WorkResult{}, func(tx searchpack.Tx) error {
			return tx.PutSecret(ctx, "served", make([]byte, seen))
		})
		if err != nil {
			t.Error(err)
		}
		return true
	}
	for asked := true; asked; {
		select {
		case <-done:
			asked = false
		default:
			work()
		}
	}
	for work() {
	}
	if n := readCounter(t, s, "served"); n != requests {
		t.Errorf("%d of %d requests were served", n, requests)
	}
}

func testTwoClaimers(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	const items, claimers = 30, 4
	update(t, s, func(tx searchpack.Tx) error {
		for i := range items {
			if err := tx.Enqueue(ctx, searchpack.WorkImport, fmt.Sprint(i), time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	claimed := make(chan *searchpack.Work, 2*items)
	var all sync.WaitGroup
	for range claimers {
		all.Go(func() {
			// Another claimer may hold the last row for a moment, so one miss is not the end; the
			// main goroutine looks again below.
			for {
				n, err := s.Now(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				w, err := s.Claim(ctx, n, longLease, "worker")
				if err != nil {
					t.Error(err)
				}
				if w == nil {
					return
				}
				claimed <- w
			}
		})
	}
	all.Wait()
	nothingDue(t, s)
	close(claimed)
	keys, tokens := map[string]bool{}, map[int64]bool{}
	for w := range claimed {
		if keys[w.Key] || tokens[w.Token] {
			t.Errorf("%+v was given twice", w)
		}
		keys[w.Key], tokens[w.Token] = true, true
	}
	if len(keys) != items {
		t.Errorf("%d of %d items were claimed", len(keys), items)
	}
}

func testRenew(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	enqueue(t, s, searchpack.WorkImport, "v", time.Time{})
	w := mustClaim(t, s, expiredLease, "v")
	if err := s.Renew(ctx, now(t, s), longLease, w); err != nil {
		t.Fatal(err)
	}
	nothingDue(t, s)
	if err := s.Renew(ctx, now(t, s), expiredLease, w); err != nil {
		t.Fatal(err)
	}
	mustClaim(t, s, longLease, "v")
	wantCode(t, s.Renew(ctx, now(t, s), longLease, w), searchpack.ErrConflict, "import", "v")
}

func testNextDue(t *testing.T, s searchpack.Store) {
	start := now(t, s)
	next := func(kinds ...searchpack.WorkKind) time.Duration {
		t.Helper()
		at, due, err := s.NextDue(t.Context(), kinds...)
		if err != nil {
			t.Fatal(err)
		}
		if !due {
			return 0
		}
		return at.Sub(start)
	}
	same(t, "empty", 0, next())
	enqueue(t, s, searchpack.WorkSweep, "k", start.Add(2*time.Hour))
	enqueue(t, s, searchpack.WorkImport, "v", start.Add(-time.Hour))
	same(t, "any", -time.Hour, next())
	same(t, "of a kind", 2*time.Hour, next(searchpack.WorkSweep))
	same(t, "of kinds", -time.Hour, next(searchpack.WorkSweep, searchpack.WorkImport))
	same(t, "of a kind without items", 0, next(searchpack.WorkReconcile))
	// A lease's end counts.
	mustClaim(t, s, 20*time.Minute, "v")
	if d := next(); d < 20*time.Minute || d > 30*time.Minute {
		t.Errorf("next due after %v, want the lease's end at 20 minutes", d)
	}
}

func testWake(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	woken := func() bool {
		select {
		case <-s.Wake():
			return true
		default:
			return false
		}
	}
	update(t, s, func(tx searchpack.Tx) error { return increment(ctx, tx, "n") })
	s.Update(ctx, func(tx searchpack.Tx) error { //nolint:errcheck // rolled back on purpose
		tx.Enqueue(ctx, searchpack.WorkSweep, "no", time.Time{}) //nolint:errcheck // rolled back on purpose
		return context.DeadlineExceeded
	})
	if woken() {
		t.Error("woken without new work")
	}
	for range 3 {
		enqueue(t, s, searchpack.WorkSweep, "k", time.Time{})
	}
	if !woken() || woken() {
		t.Error("three commits with work must fold into one wake")
	}
	w := mustClaim(t, s, longLease, "k")
	if woken() {
		t.Error("a claim woke")
	}
	enqueue(t, s, searchpack.WorkSweep, "k", time.Time{})
	woken()
	finish(t, s, w, searchpack.WorkResult{}) // due at once
	if !woken() {
		t.Error("an item that became due again woke nobody")
	}
	finish(t, s, mustClaim(t, s, longLease, "k"), searchpack.WorkResult{})
	if woken() {
		t.Error("an item that is done woke")
	}
}

func testNow(t *testing.T, s searchpack.Store) {
	got := now(t, s)
	if d := time.Since(got).Abs(); d > time.Minute {
		t.Errorf("the clock says %v, %v away", got, d)
	}
	if got.Location() != time.UTC || got.Nanosecond()%1000 != 0 {
		t.Errorf("%v is not UTC in microseconds", got)
	}
	if next := now(t, s); next.Before(got) {
		t.Errorf("%v came after %v", next, got)
	}
}
