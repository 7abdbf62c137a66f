package agentapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/searchpack/searchpack"
)

// slowStore commits slowly, keeps what was committed, and does not take what bad says.
type slowStore struct {
	searchpack.Store
	mu        sync.Mutex
	commits   int
	reports   map[string]int64 // agent -> seq
	asked     int
	bad, odd  string // agents whose report the database does not take, or that make it panic
	forgotten string
}

type slowTx struct {
	searchpack.Tx
	s       *slowStore
	reports map[string]int64
	asked   int
}

func (s *slowStore) Update(_ context.Context, f func(searchpack.Tx) error) error {
	tx := &slowTx{s: s, reports: map[string]int64{}}
	if err := f(tx); err != nil {
		return err
	}
	time.Sleep(time.Second) // of the bubble
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	s.asked += tx.asked
	for id, seq := range tx.reports {
		s.reports[id] = seq
	}
	return nil
}

func (t *slowTx) Agent(_ context.Context, id string) (*searchpack.AgentState, error) {
	if id == t.s.forgotten {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "no agent")
	}
	return &searchpack.AgentState{Agent: searchpack.Agent{ID: id}}, nil
}

func (t *slowTx) PutReport(_ context.Context, id string, r *searchpack.Report, _ time.Time) error {
	switch id {
	case t.s.bad:
		return errors.New("the database does not take it")
	case t.s.odd:
		panic("odd")
	}
	t.reports[id] = r.Seq
	return nil
}

func (t *slowTx) Enqueue(context.Context, searchpack.WorkKind, string, time.Time) error {
	t.asked++
	return nil
}

func (s *slowStore) keepAll(t *testing.T, k *reportKeeper, n int) []error {
	errs := make([]error, n)
	for i := range n {
		go func() {
			a := &searchpack.AgentState{Agent: searchpack.Agent{ID: fmt.Sprint(i)}}
			errs[i] = k.keep(t.Context(), s, &keptReport{agent: a, in: &searchpack.Report{Epoch: 1, Seq: 7}})
		}()
	}
	synctest.Wait()
	time.Sleep(time.Minute)
	synctest.Wait()
	return errs
}

// Reports that come while one is being committed share transactions.
func TestReportsAreKeptTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, k := &slowStore{reports: map[string]int64{}}, &reportKeeper{}
		for i, err := range s.keepAll(t, k, 3*maxTogether) {
			if err != nil || s.reports[fmt.Sprint(i)] != 7 {
				t.Errorf("report %d: %v, kept %d", i, err, s.reports[fmt.Sprint(i)])
			}
		}
		if s.commits > 5 || s.asked != 3*maxTogether {
			t.Errorf("%d transactions, %d wishes", s.commits, s.asked)
		}
		if k.busy || len(k.waiting) > 0 {
			t.Error("it is still busy")
		}
	})
}

// One report that cannot be kept, or must not, takes no other one with it.
func TestReportsFailAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{reports: map[string]int64{}, bad: "3", odd: "4", forgotten: "5"}
		for i, err := range s.keepAll(t, &reportKeeper{}, 10) {
			id := fmt.Sprint(i)
			kept := s.reports[id] == 7
			if bad := id == s.bad || id == s.odd || id == s.forgotten; bad == kept || bad == (err == nil) {
				t.Errorf("report %d: %v, kept %v", i, err, kept)
			}
			if gone := isGone(err); gone != (id == s.forgotten) {
				t.Errorf("report %d: %v", i, err)
			}
		}
	})
}

// Who does not wait any longer holds up nobody.
func TestReportsOfWhoWent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, k := &slowStore{reports: map[string]int64{}}, &reportKeeper{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		a := &searchpack.AgentState{Agent: searchpack.Agent{ID: "a"}}
		if err := k.keep(ctx, s, &keptReport{agent: a, in: &searchpack.Report{Epoch: 1, Seq: 1}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		for i, err := range s.keepAll(t, k, 2) {
			if err != nil {
				t.Errorf("report %d: %v", i, err)
			}
		}
		if s.reports["a"] != 1 {
			t.Error("a report that was begun is not kept")
		}
	})
}

// While the database hangs nothing piles up: who gave up is forgotten, who still waits is not.
func TestReportsOfManyWhoWent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, k := &slowStore{reports: map[string]int64{}}, &reportKeeper{}
		ctx, cancel := context.WithCancel(t.Context())
		send := func(ctx context.Context, id string) {
			a := &searchpack.AgentState{Agent: searchpack.Agent{ID: id}}
			_ = k.keep(ctx, s, &keptReport{agent: a, in: &searchpack.Report{Epoch: 1, Seq: 1}})
		}
		go send(t.Context(), "begun")
		synctest.Wait()
		for i := range 10 {
			go send(ctx, fmt.Sprint("went ", i))
			if i == 5 {
				go send(t.Context(), "waits")
			}
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if n := len(k.waiting); n != 1 {
			t.Errorf("%d reports wait, of which one has somebody who waits for it", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(s.reports) != 2 || s.reports["begun"] != 1 || s.reports["waits"] != 1 || k.busy {
			t.Errorf("kept %v, busy: %v", s.reports, k.busy)
		}
	})
}
