package agentapi

import (
	"context"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// flushEvery is how often heartbeats are written. A node counts as silent after 30 s, and an agent
// reports every 10 s, so what is stored is never older than 20 s while the agent is well.
const flushEvery = 10 * time.Second

// heartbeats remembers, in this process, when agents were last heard and which report was newest,
// and which of that is not in the store yet.
type heartbeats struct {
	mu     sync.Mutex
	agents map[string]heartbeat
	dirty  map[string]time.Time
}

type heartbeat struct {
	epoch, seq int64
	at         time.Time
}

func (h *heartbeats) init() {
	h.agents, h.dirty = map[string]heartbeat{}, map[string]time.Time{}
}

// newer reports whether the report is later than every one that this process saw of the agent.
func (h *heartbeats) newer(agentID string, r *searchpack.Report) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.agents[agentID]
	return !ok || r.Later(&searchpack.Report{Epoch: b.epoch, Seq: b.seq})
}

// last returns when the agent was heard, here or as stored.
func (h *heartbeats) last(agentID string, stored time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := h.agents[agentID].at; at.After(stored) {
		return at
	}
	return stored
}

func (h *heartbeats) note(agentID string, r *searchpack.Report, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.agents[agentID]
	if !r.Later(&searchpack.Report{Epoch: b.epoch, Seq: b.seq}) {
		return // two at once: the later one was faster
	}
	h.agents[agentID] = heartbeat{epoch: r.Epoch, seq: r.Seq, at: at}
	h.dirty[agentID] = at
}

// take returns what is not written yet and forgets agents that were not heard for an hour.
func (h *heartbeats) take(now time.Time) map[string]time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, b := range h.agents {
		if now.Sub(b.at) > time.Hour {
			delete(h.agents, id)
		}
	}
	d := h.dirty
	h.dirty = map[string]time.Time{}
	return d
}

// giveBack keeps what could not be written for the next time.
func (h *heartbeats) giveBack(d map[string]time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, at := range d {
		if at.After(h.dirty[id]) {
			h.dirty[id] = at
		}
	}
}

func (s *Server) flushHeartbeats(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			// The last ones too, so that a restart does not make well nodes look silent.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			s.flush(last)
			return
		case <-tick.C:
			s.flush(ctx)
		}
	}
}

func (s *Server) flush(ctx context.Context) {
	d := s.heard.take(s.now())
	if len(d) == 0 {
		return
	}
	err := s.cfg.Store.Update(ctx, func(tx searchpack.Tx) error { return tx.Heard(ctx, d) })
	if err != nil {
		s.heard.giveBack(d)
		s.cfg.Logger.Warn("cannot write heartbeats; trying again", "error", err)
	}
}
