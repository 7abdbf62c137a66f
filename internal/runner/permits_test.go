package runner

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

// permitBench is a domain of three nodes on a store that two servers share. A rollout offers n2 its
// restart.
type permitBench struct {
	t      *testing.T
	stores [2]*sqlstore.Store
	agents map[string]searchpack.Agent
	health searchpack.ClusterHealth
}

func permitSetup(t *testing.T) *permitBench {
	t.Helper()
	b := &permitBench{t: t, agents: map[string]searchpack.Agent{}, health: searchpack.ClusterHealth{ClusterUUID: "C", Term: 1, Version: 1}}
	file := filepath.Join(t.TempDir(), "db")
	for i := range b.stores {
		store, err := sqlstore.Open(t.Context(), "sqlite:"+file, sqlstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		b.stores[i] = store
	}
	ctx, now := t.Context(), time.Now()
	var members []searchpack.Member
	for _, name := range []string{"n1", "n2", "n3"} {
		members = append(members, searchpack.Member{NodeID: "id-" + name, Name: name})
		b.health.Voting = append(b.health.Voting, "id-"+name)
	}
	b.health.Present = b.health.Voting
	b.update(func(tx searchpack.Tx) error {
		if err := tx.PutDomain(ctx, &searchpack.Domain{DomainKey: key, CreatedAt: now}); err != nil {
			return err
		}
		for _, m := range members {
			a := searchpack.Agent{ID: m.Name, Domain: key, Name: m.Name, ClusterUUID: "C", NodeID: m.NodeID, EnrolledAt: now}
			b.agents[m.Name] = a
			if err := tx.PutAgent(ctx, &a); err != nil {
				return err
			}
			r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Node: &searchpack.NodeFacts{
				ClusterUUID: "C", NodeID: m.NodeID, Name: m.Name, ManagerID: "id-n1", Term: 1, StateVersion: 1, Members: members,
			}}
			if err := tx.PutReport(ctx, m.Name, r, now); err != nil {
				return err
			}
		}
		p := &searchpack.Package{ID: "P1", Account: key.Account, Region: key.Region, Name: "lemmas", Type: searchpack.TypePlugin, Status: searchpack.PackageAvailable, CreatedAt: now}
		if err := tx.PutPackage(ctx, p); err != nil {
			return err
		}
		return tx.PutAssociation(ctx, &searchpack.Association{Domain: key, PackageID: "P1", Status: searchpack.Associating, WantedID: "v", CreatedAt: now})
	})
	b.offer("n2")
	return b
}

func (b *permitBench) update(f func(tx searchpack.Tx) error) {
	b.t.Helper()
	if err := b.stores[0].Update(context.Background(), f); err != nil {
		b.t.Fatal(err)
	}
}

// offer makes it the node's turn. It does so whatever was before, as no rollout does.
func (b *permitBench) offer(agent string) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) error {
		return tx.PutRollout(context.Background(), &searchpack.Rollout{
			ID: "r", Domain: key, State: searchpack.RolloutRunning, Phase: searchpack.PhaseRestart, Round: 3, CreatedAt: time.Now(), PhaseAt: time.Now(),
			Steps:   []searchpack.RolloutStep{{PackageID: "P1", Action: searchpack.ActionAssociate, VersionID: "v"}},
			Restart: &searchpack.Restart{AgentID: agent, Stage: searchpack.StageOffer, OfferID: "r/" + agent},
		})
	})
}

func (b *permitBench) begin(server int, agent string, seq int64) (searchpack.PermitGrant, error) {
	return NewPermits(b.stores[server]).Begin(context.Background(), b.agents[agent], searchpack.PermitAsk{
		OfferID: "r/" + agent, Attempt: searchpack.Attempt{Epoch: 1, Seq: seq}, Health: b.health,
	})
}

func (b *permitBench) permits() []*searchpack.Permit {
	b.t.Helper()
	var out []*searchpack.Permit
	err := b.stores[0].View(context.Background(), func(tx searchpack.Tx) (err error) {
		out, err = tx.Permits(context.Background(), key)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// wanted reports whether a reconcile is asked for, and forgets it.
func (b *permitBench) wanted() bool {
	b.t.Helper()
	ctx := context.Background()
	w, err := b.stores[0].Claim(ctx, time.Now(), time.Minute, "test", searchpack.WorkReconcile)
	if err != nil {
		b.t.Fatal(err)
	}
	if w == nil {
		return false
	}
	if err := b.stores[0].Finish(ctx, time.Now(), w, searchpack.WorkResult{}, nil); err != nil {
		b.t.Fatal(err)
	}
	return true
}

func TestPermitBeginAndEnd(t *testing.T) {
	t.Parallel()
	b := permitSetup(t)
	ctx := t.Context()
	grant, err := b.begin(0, "n2", 1)
	if err != nil || grant != (searchpack.PermitGrant{PermitID: "r/n2", StopWithin: 30}) {
		t.Fatalf("%+v, %v", grant, err)
	}
	if !b.wanted() {
		t.Error("the rollout does not hear of the begin")
	}
	again, err := b.begin(1, "n2", 1) // the answer was lost
	if err != nil || again != grant || len(b.permits()) != 1 {
		t.Errorf("the same call: %+v, %v, %v", again, err, b.permits())
	}
	if _, err := b.begin(1, "n3", 1); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("another: %v", err)
	}
	for _, end := range []struct{ agent, id string }{{"n3", "r/n2"}, {"n2", "r/n3"}} {
		if err := NewPermits(b.stores[1]).End(ctx, b.agents[end.agent], searchpack.PermitEnd{PermitID: end.id}); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			t.Errorf("%v: %v", end, err)
		}
	}
	b.wanted()
	for range 2 {
		if err := NewPermits(b.stores[1]).End(ctx, b.agents["n2"], searchpack.PermitEnd{PermitID: "r/n2", Failed: "boom"}); err != nil {
			t.Fatal(err)
		}
	}
	if ps := b.permits(); len(ps) != 1 || ps[0].EndedAt.IsZero() || ps[0].Failed != "boom" || ps[0].BegunAt.IsZero() || !b.wanted() {
		t.Errorf("%+v", ps[0])
	}
	if _, err := b.begin(0, "n2", 2); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("begun once more after its end: %v", err)
	}
}

// A call that is refused takes back what an earlier call of the same agent was given: it has never had
// that answer.
func TestPermitIsRevoked(t *testing.T) {
	t.Parallel()
	b := permitSetup(t)
	if _, err := b.begin(0, "n2", 1); err != nil {
		t.Fatal(err)
	}
	b.health.Moving = 1
	if _, err := b.begin(1, "n2", 2); searchpack.ErrorCode(err) != searchpack.ErrConflict || len(b.permits()) != 0 {
		t.Errorf("%v, %v", err, b.permits())
	}
}

func TestPermitOfNoDomain(t *testing.T) {
	t.Parallel()
	b := permitSetup(t)
	a := b.agents["n2"]
	a.Domain.Name = "gone"
	p := NewPermits(b.stores[0])
	if _, err := p.Begin(t.Context(), a, searchpack.PermitAsk{}); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("begin: %v", err)
	}
	if err := p.End(t.Context(), a, searchpack.PermitEnd{}); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("end: %v", err)
	}
}

// Two servers are asked at once, by two agents that each have seen an offer, while the turn goes from
// one to the other: one of them may stop.
func TestPermitsOfTwoServers(t *testing.T) {
	t.Parallel()
	b := permitSetup(t)
	var mu sync.Mutex
	var given []string
	var wg sync.WaitGroup
	for i := range 12 {
		agent := []string{"n2", "n3"}[i%2]
		wg.Go(func() {
			_, err := b.begin(i/2%2, agent, int64(1+i%2)) // the same call, which a proxy may repeat
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				given = append(given, agent)
			} else if searchpack.ErrorCode(err) != searchpack.ErrConflict {
				t.Error(err)
			}
		})
		if i == 5 {
			wg.Go(func() { b.offer("n3") })
		}
	}
	wg.Wait()
	slices.Sort(given)
	open := b.permits()
	if len(slices.Compact(given)) > 1 || len(open) != 1 || len(given) > 0 && open[0].AgentID != given[0] {
		t.Errorf("may stop: %v; %d permits", given, len(open))
	}
}

// A permit from before the clock was put back is written anew: it counts from now.
func TestPermitFromBeforeTheClockWasPutBack(t *testing.T) {
	t.Parallel()
	b := permitSetup(t)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	b.update(func(tx searchpack.Tx) error {
		return tx.PutPermit(ctx, &searchpack.Permit{ID: "r/n2", Domain: key, RolloutID: "r", AgentID: "n2", BegunAt: now.Add(24 * time.Hour)})
	})
	_, write, err := New(b.stores[0], nil, func() time.Time { return now }, nil).Handle(ctx, &searchpack.Work{Key: key.String()})
	if err != nil || write == nil {
		t.Fatal(err)
	}
	b.update(write)
	if p := b.permits()[0]; !p.BegunAt.Equal(now) || !p.EndedAt.IsZero() {
		t.Errorf("%+v", p)
	}
}
