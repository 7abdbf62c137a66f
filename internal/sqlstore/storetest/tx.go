package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/searchpack/searchpack"
)

// counter keeps a number in a secret: something to read, change and write.
func counter(ctx context.Context, tx searchpack.Tx, name string) (int, error) {
	b, err := tx.Secret(ctx, name)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return 0, nil
	}
	return len(b), err
}

func increment(ctx context.Context, tx searchpack.Tx, name string) error {
	n, err := counter(ctx, tx, name)
	if err != nil {
		return err
	}
	return tx.PutSecret(ctx, name, make([]byte, n+1))
}

func readCounter(t *testing.T, s searchpack.Store, name string) int {
	t.Helper()
	return read(t, s, func(ctx context.Context, tx searchpack.Tx) (int, error) { return counter(ctx, tx, name) })
}

func testUpdateRollsBack(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	failed := errors.New("no")
	err := s.Update(ctx, func(tx searchpack.Tx) error {
		if err := increment(ctx, tx, "n"); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, searchpack.WorkSweep, "n", t0); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("Update returned %v, not f's error", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("f's panic was swallowed")
			}
		}()
		s.Update(ctx, func(tx searchpack.Tx) error { //nolint:errcheck // panics
			if err := increment(ctx, tx, "n"); err != nil {
				return err
			}
			panic("no")
		})
	}()
	if n := readCounter(t, s, "n"); n != 0 {
		t.Errorf("%d writes of failed transactions are there", n)
	}
	if _, due, err := s.NextDue(ctx); due || err != nil {
		t.Errorf("work of a failed transaction is there (%v)", err)
	}
	update(t, s, func(tx searchpack.Tx) error { return increment(ctx, tx, "n") }) // nothing is locked
}

func testUpdatesLoseNothing(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	const workers, rounds = 6, 10
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				if err := s.Update(ctx, func(tx searchpack.Tx) error { return increment(ctx, tx, "n") }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := readCounter(t, s, "n"); n != workers*rounds {
		t.Errorf("%d increments of %d are there", n, workers*rounds)
	}
}

// Two transactions that each look at both numbers and take from one: one after the other must be
// how it came about.
func testNoWriteSkew(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	for range 5 {
		update(t, s, func(tx searchpack.Tx) error {
			if err := tx.PutSecret(ctx, "a", make([]byte, 1)); err != nil {
				return err
			}
			return tx.PutSecret(ctx, "b", make([]byte, 1))
		})
		var all sync.WaitGroup
		for _, mine := range []string{"a", "b"} {
			all.Go(func() {
				err := s.Update(ctx, func(tx searchpack.Tx) error {
					a, err := counter(ctx, tx, "a")
					if err != nil {
						return err
					}
					b, err := counter(ctx, tx, "b")
					if err != nil {
						return err
					}
					if a+b < 2 {
						return nil // somebody must stay
					}
					return tx.PutSecret(ctx, mine, nil)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if left := readCounter(t, s, "a") + readCounter(t, s, "b"); left != 1 {
			t.Fatalf("%d stayed, want 1", left)
		}
	}
}

// After a statement that failed, f cannot commit the rest, whatever it returns.
func testFailedStatement(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	err := s.Update(ctx, func(tx searchpack.Tx) error {
		if err := increment(ctx, tx, "n"); err != nil {
			return err
		}
		tx.PutReport(ctx, "nobody", &searchpack.Report{}, t0) //nolint:errcheck // the point
		increment(ctx, tx, "n")                               //nolint:errcheck // the point
		return nil
	})
	wantCode(t, err, searchpack.ErrNotFound, "agent", "nobody")
	if n := readCounter(t, s, "n"); n != 0 {
		t.Errorf("%d writes of a failed transaction are there", n)
	}
}

func testViewSnapshot(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	update(t, s, func(tx searchpack.Tx) error { return increment(ctx, tx, "n") })
	err := s.View(ctx, func(tx searchpack.Tx) error {
		for range 2 {
			n, err := counter(ctx, tx, "n")
			if err != nil {
				return err
			}
			if m, err := counter(ctx, tx, "m"); err != nil || n != 1 || m != 0 {
				t.Errorf("the view shows %d and %d (%v), want 1 and 0", n, m, err)
			}
			update(t, s, func(tx searchpack.Tx) error {
				if err := increment(ctx, tx, "n"); err != nil {
					return err
				}
				return increment(ctx, tx, "m")
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := readCounter(t, s, "n"); n != 3 {
		t.Errorf("the next view shows %d, want 3", n)
	}
}

func testViewReadOnly(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	err := s.View(ctx, func(tx searchpack.Tx) error { return increment(ctx, tx, "n") })
	if err == nil {
		t.Error("a View wrote")
	}
	if n := readCounter(t, s, "n"); n != 0 {
		t.Error("what a View wrote is there")
	}
}

func testEndedContext(t *testing.T, s searchpack.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx searchpack.Tx) error {
		if err := increment(ctx, tx, "n"); err != nil {
			return err
		}
		cancel()
		return increment(ctx, tx, "n")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update returned %v, want the context's error", err)
	}
	if err := s.View(ctx, func(searchpack.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View returned %v, want the context's error", err)
	}
	if _, err := s.Claim(ctx, t0, 0, "w"); !errors.Is(err, context.Canceled) {
		t.Errorf("Claim returned %v, want the context's error", err)
	}
	if n := readCounter(t, s, "n"); n != 0 {
		t.Errorf("%d writes of a cancelled transaction are there", n)
	}
	update(t, s, func(tx searchpack.Tx) error { return increment(t.Context(), tx, "n") }) // nothing is locked
}
