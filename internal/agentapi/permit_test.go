package agentapi_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/searchpack/searchpack"
)

// givesPermits answers calls for permits, and keeps them.
type givesPermits struct {
	mu    sync.Mutex
	err   error
	by    []string
	asks  []searchpack.PermitAsk
	ended []searchpack.PermitEnd
}

func (g *givesPermits) Begin(_ context.Context, a searchpack.Agent, ask searchpack.PermitAsk) (searchpack.PermitGrant, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.by, g.asks = append(g.by, a.ID), append(g.asks, ask)
	return searchpack.PermitGrant{PermitID: ask.OfferID, StopWithin: 30}, g.err
}

func (g *givesPermits) End(_ context.Context, a searchpack.Agent, end searchpack.PermitEnd) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.by, g.ended = append(g.by, a.ID), append(g.ended, end)
	return g.err
}

func permitAsk() searchpack.PermitAsk {
	none := "none"
	return searchpack.PermitAsk{OfferID: "r1/2", Attempt: searchpack.Attempt{Epoch: 7, Seq: 3}, Health: searchpack.ClusterHealth{
		ClusterUUID: "U", Term: 1, Version: 2, Unassigned: []string{"a[0]"}, More: 1, Moving: 2, Alone: []string{"b"},
		Voting: []string{"N1"}, Present: []string{"N1", "N2"}, Allocation: searchpack.Allocation{Transient: &none},
	}}
}

func TestPermitOverTheWire(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	ask := permitAsk()
	grant, err := m.BeginPermit(t.Context(), ask)
	if err != nil || grant != (searchpack.PermitGrant{PermitID: "r1/2", StopWithin: 30}) {
		t.Fatalf("%+v, %v", grant, err)
	}
	got := s.gives.asks[0]
	if s.gives.by[0] != m.got.AgentID || got.Attempt != ask.Attempt || got.Health.Alone[0] != "b" || *got.Health.Allocation.Transient != "none" ||
		got.Health.Allocation.Persistent != nil || got.Health.More != 1 || got.Health.Moving != 2 {
		t.Errorf("by %v: %+v", s.gives.by, got)
	}
	if err := m.EndPermit(t.Context(), searchpack.PermitEnd{PermitID: "r1/2", Failed: "boom"}); err != nil {
		t.Fatal(err)
	}
	if s.gives.ended[0] != (searchpack.PermitEnd{PermitID: "r1/2", Failed: "boom"}) {
		t.Errorf("%+v", s.gives.ended)
	}
	// What the server answers decides: a refusal is told with its reason, and what is not known is apart
	// from that.
	for code, text := range map[searchpack.Code]string{searchpack.ErrConflict: "copies are unassigned", searchpack.ErrNotFound: "There is no permit"} {
		s.gives.err = searchpack.Errorf(code, "%s", text)
		if _, err := m.BeginPermit(t.Context(), ask); searchpack.ErrorCode(err) != code || !strings.Contains(err.Error(), text) {
			t.Errorf("begin, %s: %v", code, err)
		}
		if err := m.EndPermit(t.Context(), searchpack.PermitEnd{PermitID: "x"}); searchpack.ErrorCode(err) != code || !strings.Contains(err.Error(), text) {
			t.Errorf("end, %s: %v", code, err)
		}
	}
}

func TestPermitBounds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	for name, edit := range map[string]func(*searchpack.PermitAsk){
		"no offer":        func(a *searchpack.PermitAsk) { a.OfferID = "" },
		"no epoch":        func(a *searchpack.PermitAsk) { a.Attempt.Epoch = 0 },
		"negative number": func(a *searchpack.PermitAsk) { a.Attempt.Seq = -1 },
		"unassigned":      func(a *searchpack.PermitAsk) { a.Health.Unassigned = make([]string, searchpack.MaxUnassigned+1) },
		"alone":           func(a *searchpack.PermitAsk) { a.Health.Alone = make([]string, 10_001) },
		"voting":          func(a *searchpack.PermitAsk) { a.Health.Voting = make([]string, 1001) },
		"present":         func(a *searchpack.PermitAsk) { a.Health.Present = make([]string, 20_001) },
		"elements":        func(a *searchpack.PermitAsk) { a.Health.Present = make([]string, 260_000) },
		"bytes":           func(a *searchpack.PermitAsk) { a.OfferID = strings.Repeat("x", 3<<20) },
	} {
		ask := permitAsk()
		edit(&ask)
		if _, err := m.BeginPermit(t.Context(), ask); err == nil || searchpack.ErrorCode(err) == searchpack.ErrConflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, end := range map[string]searchpack.PermitEnd{
		"no permit": {}, "long": {PermitID: "p", Failed: strings.Repeat("x", searchpack.MaxPermitFailed+1)},
	} {
		if err := m.EndPermit(t.Context(), end); searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.gives.asks)+len(s.gives.ended) > 0 {
		t.Errorf("let through: %+v, %+v", s.gives.asks, s.gives.ended)
	}
	// As much as is allowed of everything passes.
	ask := permitAsk()
	ask.Health.Unassigned, ask.Health.Alone, ask.Health.Voting = make([]string, searchpack.MaxUnassigned), make([]string, 10_000), make([]string, 1000)
	if _, err := m.BeginPermit(t.Context(), ask); err != nil {
		t.Error(err)
	}
}

// A retired agent gets no permit, and its end changes nothing.
func TestPermitOfTheRetired(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.join()
	s.update(func(tx searchpack.Tx) error {
		a := s.agent(m.got.AgentID).Agent
		a.RetiredAt = s.clock.now()
		return tx.PutAgent(context.Background(), &a)
	})
	if _, err := m.BeginPermit(t.Context(), permitAsk()); err == nil || searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		t.Errorf("begin: %v", err)
	}
	if err := m.EndPermit(t.Context(), searchpack.PermitEnd{PermitID: "p"}); err == nil || searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		t.Errorf("end: %v", err)
	}
	if len(s.gives.by) > 0 {
		t.Error("let through")
	}
}
