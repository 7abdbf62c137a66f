package work

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	imports    = searchpack.WorkImport
	reconciles = searchpack.WorkReconcile
)

type result = searchpack.WorkResult

// do makes a handler of a function that has no effects to write.
func do(f func(ctx context.Context, w *searchpack.Work) error) Handler {
	return func(ctx context.Context, w *searchpack.Work) (result, func(searchpack.Tx) error, error) {
		return result{}, nil, f(ctx, w)
	}
}

// run starts the loop; the returned function stops it and gives Run's error.
func run(t *testing.T, l *Loop) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func mustStop(t *testing.T, stop func() error) {
	t.Helper()
	if err := stop(); err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestWorkIsDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		began := time.Now()
		var did []string
		var finished atomic.Int32
		l := &Loop{Store: q, AfterFinish: func(*searchpack.Work) { finished.Add(1) }, Handlers: map[searchpack.WorkKind]Handler{
			imports: func(_ context.Context, w *searchpack.Work) (result, func(searchpack.Tx) error, error) {
				return result{}, func(searchpack.Tx) error {
					did = append(did, fmt.Sprintf("%s after %v", w.Key, time.Since(began)))
					return nil
				}, nil
			},
		}}
		q.enqueue(imports, "at once", began)
		q.enqueue(imports, "later", began.Add(700*time.Millisecond))
		q.enqueue(searchpack.WorkSweep, "nobody does this", began)
		stop := run(t, l)
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		q.enqueue(imports, "woken", time.Now())
		synctest.Wait()
		mustStop(t, stop)
		want := "at once after 0s, later after 700ms, woken after 2.5s"
		if got := strings.Join(did, ", "); got != want {
			t.Errorf("did %q, want %q", got, want)
		}
		if finished.Load() != 3 || q.get("at once") != nil || q.get("nobody does this") == nil {
			t.Errorf("finished %d, rows left: %v", finished.Load(), q.items)
		}
	})
}

// TestIdleIsCheap counts what an idle hour costs.
func TestIdleIsCheap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.enqueue(imports, "far", time.Now().Add(24*time.Hour))
		stop := run(t, &Loop{Store: q, Handlers: map[searchpack.WorkKind]Handler{imports: do(nil)}})
		time.Sleep(time.Hour)
		synctest.Wait()
		mustStop(t, stop)
		if n := q.count("NextDue"); n > 3700 || q.count("Claim") > 0 {
			t.Errorf("an idle hour took %d looks and %d claims", n, q.count("Claim"))
		}
	})
}

// TestKindsDoNotWait: as many of a kind as it has workers, and no kind waits for another.
func TestKindsDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var now, most, reconciled atomic.Int32
		l := &Loop{Store: q, Workers: map[searchpack.WorkKind]int{imports: 2}, Handlers: map[searchpack.WorkKind]Handler{
			imports: do(func(context.Context, *searchpack.Work) error {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Minute)
				now.Add(-1)
				return nil
			}),
			reconciles: do(func(context.Context, *searchpack.Work) error { reconciled.Add(1); return nil }),
		}}
		for i := range 5 {
			q.enqueue(imports, fmt.Sprint("i", i), time.Now())
		}
		stop := run(t, l)
		synctest.Wait()
		for i := range 10 {
			q.enqueue(reconciles, fmt.Sprint("r", i), time.Now())
		}
		synctest.Wait()
		if reconciled.Load() != 10 || now.Load() != 2 {
			t.Errorf("beside %d imports %d of 10 reconciles were done", now.Load(), reconciled.Load())
		}
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		if most.Load() != 2 || len(q.items) != 0 {
			t.Errorf("at most %d imports at a time, %d items left; want 2, 0", most.Load(), len(q.items))
		}
		mustStop(t, stop)
	})
}

func TestFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var at []time.Duration
		began := time.Now()
		l := &Loop{Store: q, Handlers: map[searchpack.WorkKind]Handler{
			imports: do(func(_ context.Context, w *searchpack.Work) error {
				at = append(at, time.Since(began))
				switch {
				case w.Attempt != len(at):
					t.Errorf("attempt %d is numbered %d", len(at), w.Attempt)
				case w.Attempt == 2:
					panic("out of \x00 cheese")
				case w.Attempt < 4:
					return errors.New("try " + fmt.Sprint(w.Attempt))
				}
				return nil
			}),
		}}
		q.enqueue(imports, "x", began)
		stop := run(t, l)
		synctest.Wait()
		if it := q.get("x"); it == nil || it.err != "try 1" {
			t.Errorf("after the first failure: %+v", it)
		}
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		if it := q.get("x"); it == nil || it.err != "panic: out of \ufffd cheese" {
			t.Errorf("after the panic: %+v", it)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		mustStop(t, stop)
		if len(at) != 4 || q.get("x") != nil {
			t.Fatalf("tries at %v, then %+v", at, q.get("x"))
		}
		for i, most := range []time.Duration{200, 400, 800} {
			if wait := at[i+1] - at[i]; wait > most*time.Millisecond || wait < most*time.Millisecond/2 {
				t.Errorf("wait %d was %v, want %v to %v ms", i+1, wait, most/2, most)
			}
		}
	})
}

// TestAskedAgain: what is enqueued while its item runs is done once more.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		runs := 0
		l := &Loop{Store: q, Handlers: map[searchpack.WorkKind]Handler{
			reconciles: do(func(context.Context, *searchpack.Work) error {
				if runs++; runs == 1 {
					q.enqueue(reconciles, "d", time.Now())
				}
				return nil
			}),
		}}
		q.enqueue(reconciles, "d", time.Now())
		stop := run(t, l)
		synctest.Wait()
		mustStop(t, stop)
		if runs != 2 || q.get("d") != nil {
			t.Errorf("%d runs, row left: %v; want 2, none", runs, q.get("d"))
		}
	})
}

func TestQueueFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		away := time.Now().Add(time.Minute)
		q.fail = func(string) error {
			if time.Now().Before(away) {
				return errStore
			}
			return nil
		}
		done := false
		q.enqueue(imports, "x", time.Now())
		stop := run(t, &Loop{Store: q, Handlers: map[searchpack.WorkKind]Handler{
			imports: do(func(context.Context, *searchpack.Work) error { done = true; return nil }),
		}})
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		mustStop(t, stop)
		if n := q.count("NextDue"); !done || n > 250 {
			t.Errorf("after the database came back: done %v, %d looks", done, n)
		}
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-5, 1_000_000).Draw(t, "failures")
		d := Backoff(n)
		if d < backoffFirst/2 || d > backoffLast {
			t.Fatalf("Backoff(%d) = %v", n, d)
		}
		if n > 10 && d < backoffLast/2 {
			t.Fatalf("Backoff(%d) = %v, less than half a minute", n, d)
		}
	})
}
