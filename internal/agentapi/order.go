package agentapi

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// order answers with the agent's order at once when it is another than the agent has, else as soon
// as it is, else with 204 when the wait is over.
func (s *Server) order(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
	q := r.URL.Query()
	have, err := strconv.ParseInt(q.Get("generation"), 10, 64)
	if err != nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "generation is not a number.")
	}
	wait, err := time.ParseDuration(q.Get("wait"))
	if err != nil || wait < 0 {
		return searchpack.Errorf(searchpack.ErrInvalid, "wait is not a duration such as 30s.")
	}
	// Whatever the listener's own limit is, a long poll may last that long.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxWait + answerTime))
	// Registered before the order is read, so that a change in between is not missed.
	news, cancel := s.waiters.add(a.ID, have)
	defer cancel()
	timeout := time.NewTimer(min(wait, maxWait))
	defer timeout.Stop()
	for {
		var err error
		if a, err = s.inService(r.Context(), enrolledAs(a)); err != nil {
			return err
		}
		if a.Order.Generation != have {
			o := a.Order
			o.Schema = max(o.Schema, 1) // none was ever made
			writeJSON(w, http.StatusOK, o)
			return nil
		}
		select {
		case <-news:
		case <-timeout.C:
			w.WriteHeader(http.StatusNoContent)
			return nil
		case <-s.ending:
			return errEnding
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
}

// pollEvery is how soon the orders that other servers wrote are seen.
const pollEvery = time.Second

// waiters are the agents that wait for an order.
type waiters struct {
	mu    sync.Mutex
	next  int
	by    map[int]waiter
	asked chan struct{} // somebody waits, or Wake was called
}

type waiter struct {
	agentID string
	have    int64
	news    chan struct{} // has room for one
}

func (w *waiters) init() {
	w.by, w.asked = map[int]waiter{}, make(chan struct{}, 1)
}

func (w *waiters) wake() {
	select {
	case w.asked <- struct{}{}:
	default:
	}
}

// add registers a waiter; its channel gets a value when its order seems to have changed.
func (w *waiters) add(agentID string, have int64) (<-chan struct{}, func()) {
	news := make(chan struct{}, 1)
	w.mu.Lock()
	key := w.next
	w.next++
	w.by[key] = waiter{agentID: agentID, have: have, news: news}
	first := len(w.by) == 1
	w.mu.Unlock()
	if first {
		w.wake()
	}
	return news, func() {
		w.mu.Lock()
		delete(w.by, key)
		w.mu.Unlock()
	}
}

func (w *waiters) any() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.by) > 0
}

// tell wakes those whose order is another than they have, or who are no longer in service.
func (w *waiters) tell(generations map[string]int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.by {
		if g, ok := generations[x.agentID]; ok && g == x.have || !ok && x.have == 0 {
			continue
		}
		select {
		case x.news <- struct{}{}:
		default:
		}
	}
}

// watchGenerations is the one poller of this process. It asks the store only while somebody waits.
func (s *Server) watchGenerations(ctx context.Context) {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.waiters.asked:
		case <-timer.C:
		}
		if s.waiters.any() {
			s.tellChanges(ctx)
			timer.Reset(pollEvery)
		}
	}
}

func (s *Server) tellChanges(ctx context.Context) {
	var generations map[string]int64
	err := s.cfg.Store.View(ctx, func(tx searchpack.Tx) error {
		var err error
		generations, err = tx.OrderGenerations(ctx)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Logger.Warn("cannot look for changed orders; trying again", "error", err)
		}
		return
	}
	s.waiters.tell(generations)
}
