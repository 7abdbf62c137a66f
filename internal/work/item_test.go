package work

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/searchpack/searchpack"
)

// one makes a loop with one handler of imports and an item for it.
func one(q *queue, h Handler) *Loop {
	q.enqueue(imports, "x", time.Now())
	return &Loop{Store: q, TTL: 30 * time.Second, Handlers: map[searchpack.WorkKind]Handler{imports: h}}
}

// TestLeaseIsRenewed: a handler may run far longer than a lease.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		runs := 0
		stop := run(t, one(q, do(func(ctx context.Context, _ *searchpack.Work) error {
			runs++
			time.Sleep(10 * time.Minute)
			return ctx.Err()
		})))
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		mustStop(t, stop)
		if runs != 1 || q.get("x") != nil {
			t.Errorf("%d runs, row %+v", runs, q.get("x"))
		}
	})
}

// TestRenewalFailsForAWhile: an outage shorter than the lease changes nothing.
func TestRenewalFailsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		from, to := time.Now().Add(35*time.Second), time.Now().Add(45*time.Second)
		q.fail = func(string) error {
			if now := time.Now(); now.After(from) && now.Before(to) {
				return errStore
			}
			return nil
		}
		var got error
		stop := run(t, one(q, do(func(ctx context.Context, _ *searchpack.Work) error {
			time.Sleep(2 * time.Minute)
			got = context.Cause(ctx)
			return nil
		})))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		mustStop(t, stop)
		if got != nil || q.get("x") != nil {
			t.Errorf("the handler's context ended: %v; row %+v", got, q.get("x"))
		}
	})
}

// TestLeaseLost: another process has taken the item: the handler's context ends, nothing is
// written, and the other's lease stays.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*queue){
		"taken": func(q *queue) { q.items["x"].token = 77; q.items["x"].leaseUntil = time.Now().Add(time.Hour) },
		"gone":  func(q *queue) { delete(q.items, "x") },
		"unknown": func(q *queue) {
			q.items["x"].due = time.Now().Add(24 * time.Hour)
			q.fail = func(method string) error {
				if method == "Renew" {
					return errStore
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newQueue()
				var cause error
				began := time.Now()
				stop := run(t, one(q, func(ctx context.Context, _ *searchpack.Work) (result, func(searchpack.Tx) error, error) {
					<-ctx.Done()
					cause = context.Cause(ctx)
					return result{}, func(searchpack.Tx) error { t.Error("effects were written"); return nil }, nil
				}))
				synctest.Wait()
				q.mu.Lock()
				lose(q)
				q.mu.Unlock()
				time.Sleep(45 * time.Second)
				synctest.Wait()
				if !errors.Is(cause, ErrLeaseLost) {
					t.Errorf("after %v the handler's context says %v", time.Since(began), cause)
				}
				mustStop(t, stop)
				if name == "taken" && q.get("x").token != 77 {
					t.Error("the other's lease was ended")
				}
			})
		})
	}
}

// TestLateWorkerIsFenced: the handler does not notice that its lease is gone.
func TestLateWorkerIsFenced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		l := one(q, func(context.Context, *searchpack.Work) (result, func(searchpack.Tx) error, error) {
			q.mu.Lock()
			q.items["x"].token = 77
			q.items["x"].leaseUntil = time.Now().Add(time.Hour)
			q.mu.Unlock()
			return result{}, func(searchpack.Tx) error { t.Error("effects were written"); return nil }, nil
		})
		l.AfterFinish = func(*searchpack.Work) { t.Error("counted as finished") }
		stop := run(t, l)
		synctest.Wait()
		mustStop(t, stop)
		if it := q.get("x"); it == nil || it.token != 77 {
			t.Errorf("the row of the other worker: %+v", it)
		}
	})
}

// TestFinishFails: effects that cannot be written for a moment are written later, those that never
// can re-arm the item with the reason.
func TestFinishFails(t *testing.T) {
	t.Parallel()
	for _, always := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue()
			tries, runs := 0, 0
			stop := run(t, one(q, func(context.Context, *searchpack.Work) (result, func(searchpack.Tx) error, error) {
				runs++
				return result{}, func(searchpack.Tx) error {
					if tries++; tries == 2 && !always {
						return nil
					}
					if tries == 3 {
						panic("effects panic too")
					}
					return errStore
				}, nil
			}))
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			mustStop(t, stop)
			it := q.get("x")
			if !always && (runs != 1 || tries != 2 || it != nil) {
				t.Errorf("%d runs, %d tries, row %+v; want 1, 2, none", runs, tries, it)
			}
			if always && (it == nil || !strings.Contains(it.err, errStore.Error()) || it.token != 0 || tries > 8) {
				t.Errorf("%d tries of effects that cannot be written, row %+v", tries, it)
			}
		})
	}
}

// TestStop: a handler that runs is told, waited for, and its item is given back at once.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var cause error
		began := time.Now()
		stop := run(t, one(q, do(func(ctx context.Context, _ *searchpack.Work) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			time.Sleep(2 * time.Second)
			return ctx.Err()
		})))
		synctest.Wait()
		mustStop(t, stop)
		it := q.get("x")
		if !errors.Is(cause, ErrStopping) || time.Since(began) != 2*time.Second {
			t.Errorf("cause %v, stopped after %v", cause, time.Since(began))
		}
		if it == nil || it.err != "" || it.token != 0 || it.due.After(time.Now()) {
			t.Errorf("the item is not given back: %+v", it)
		}
	})
}

// TestStopKeepsResults: what a handler finishes although the program stops is written.
func TestStopKeepsResults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		written := false
		stop := run(t, one(q, func(ctx context.Context, _ *searchpack.Work) (result, func(searchpack.Tx) error, error) {
			<-ctx.Done()
			return result{}, func(searchpack.Tx) error { written = true; return nil }, nil
		}))
		synctest.Wait()
		mustStop(t, stop)
		if !written || q.get("x") != nil {
			t.Errorf("written %v, row %+v", written, q.get("x"))
		}
	})
}

// TestStopGivesBackWhatCannotBeWritten: effects fail because they use the context that has ended.
func TestStopGivesBackWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		stop := run(t, one(q, func(ctx context.Context, _ *searchpack.Work) (result, func(searchpack.Tx) error, error) {
			<-ctx.Done()
			return result{}, func(searchpack.Tx) error { return ctx.Err() }, nil
		}))
		synctest.Wait()
		began := time.Now()
		mustStop(t, stop)
		if it := q.get("x"); it == nil || it.err != "" || it.token != 0 || time.Since(began) > 0 {
			t.Errorf("after %v the row is %+v, want it given back at once", time.Since(began), it)
		}
	})
}

func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		release := make(chan struct{})
		stop := run(t, one(q, do(func(context.Context, *searchpack.Work) error { <-release; return nil })))
		synctest.Wait()
		began := time.Now()
		if err := stop(); err == nil || !strings.Contains(err.Error(), "import/x") {
			t.Errorf("Run = %v, want an error naming the handler", err)
		}
		if took := time.Since(began); took != stopWait {
			t.Errorf("the stop took %v", took)
		}
		close(release)
		synctest.Wait()
	})
}
