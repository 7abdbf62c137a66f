package rollout

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
)

// offeredBench is a bench whose n2 is offered its restart and has not asked yet.
func offeredBench(t *testing.T) (*plugBench, string) {
	t.Helper()
	b := newPlugBench(t, 3)
	b.nodes["n2"].busy = "in a moment"
	b.wants(install, "p1")
	b.goUntil("n2 is offered", b.offered("n2"))
	return b, b.w.Agents[1].Order.Restart.ID
}

func at(epoch, seq int64) searchpack.Attempt { return searchpack.Attempt{Epoch: epoch, Seq: seq} }

// permitOf is one that was given to an agent by the rollout at a moment before now.
func (b *plugBench) permitOf(agent, id string, attempt searchpack.Attempt, ago time.Duration) searchpack.Permit {
	return searchpack.Permit{
		ID: id, Domain: simDomain, RolloutID: b.w.Rollouts[0].ID, AgentID: agent, Attempt: attempt, BegunAt: b.w.Now.Add(-ago),
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	bad := func(a *searchpack.PermitAsk) { a.Health.Alone = []string{"shop"} }
	long := searchpack.StopWithin + searchpack.StopSlack
	tests := []struct {
		name    string
		edit    func(b *plugBench, ask *searchpack.PermitAsk)
		revoked bool   // the permit before is taken back
		want    string // part of the refusal; "" = the permit is given
	}{
		{"offered", func(*plugBench, *searchpack.PermitAsk) {}, false, ""},
		{"by another", func(b *plugBench, a *searchpack.PermitAsk) { a.OfferID = "r1/1" }, false, "the offer was withdrawn"},
		{"no rollout", func(b *plugBench, _ *searchpack.PermitAsk) { b.w.Rollouts = nil }, false, "the offer was withdrawn"},
		{"recovering", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Rollouts[0].Restart.Stage = searchpack.StageRecover
		}, false, "the offer was withdrawn"},
		{"offered to another", func(b *plugBench, _ *searchpack.PermitAsk) { b.w.Rollouts[0].Restart.AgentID = "a3" }, false, "the offer was withdrawn"},
		{"paused", func(b *plugBench, _ *searchpack.PermitAsk) { b.w.Rollouts[0].Paused = "ann" }, false, "paused by ann"},
		{"aborted", func(b *plugBench, _ *searchpack.PermitAsk) { b.w.Rollouts[0].Abort = "ann" }, false, "the offer was withdrawn"},
		{"paused, then aborted", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Rollouts[0].Paused, b.w.Rollouts[0].Abort = "ann", "bob"
		}, false, "withdrawn"},
		{"on the way back, aborted", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Rollouts[0].Phase, b.w.Rollouts[0].Abort = searchpack.PhaseReturnRestart, "ann"
		}, false, ""},
		{"retired", func(b *plugBench, _ *searchpack.PermitAsk) { b.w.Agents[1].RetiredAt = b.w.Now }, false, "its agent was retired"},
		{"frozen", func(b *plugBench, _ *searchpack.PermitAsk) {
			f := *b.w.Agents[2].Report.Node
			f.ClusterUUID = "D"
			b.report(2, &f)
		}, false, "frozen"},
		{"claimed twice", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Agents[2].NodeID = ""
			f := *b.w.Agents[1].Report.Node
			b.report(2, &f)
		}, false, "claimed by"},
		{"its health is of another cluster", func(_ *plugBench, a *searchpack.PermitAsk) { a.Health.ClusterUUID = "D" }, false, "another cluster"},
		{"its health is of another node", func(_ *plugBench, a *searchpack.PermitAsk) {
			a.Health.Voting, a.Health.Present = []string{"id-n1", "new", "id-n3"}, []string{"id-n1", "new"}
		}, false, "does not name it"},
		{"the gate", func(_ *plugBench, a *searchpack.PermitAsk) { bad(a) }, false, "only started copy of a shard of shop"},
		{"the gate, by policy", func(b *plugBench, a *searchpack.PermitAsk) { bad(a); b.w.Domain.Policy.Restart = "any" }, false, ""},
		{"as bad as before the rollout", func(b *plugBench, a *searchpack.PermitAsk) {
			b.w.Rollouts[0].Baseline = &searchpack.ClusterHealth{Unassigned: []string{"a[0]"}}
			a.Health.Unassigned = []string{"a[0]"}
		}, false, ""},
		{"worse than before the rollout", func(_ *plugBench, a *searchpack.PermitAsk) { a.Health.Unassigned = []string{"a[0]"} }, false, "a[0]"},

		{"the same call again", func(b *plugBench, a *searchpack.PermitAsk) {
			b.put(b.permitOf("a2", a.OfferID, a.Attempt, time.Second))
			bad(a) // what it says now does not count: it has the permit
		}, false, ""},
		{"an older call", func(b *plugBench, a *searchpack.PermitAsk) {
			b.put(b.permitOf("a2", a.OfferID, at(4, 9), time.Second))
		}, false, "older than another of its agent"},
		{"a call of an earlier life", func(b *plugBench, a *searchpack.PermitAsk) {
			b.put(b.permitOf("a2", a.OfferID, at(5, 1), time.Second))
		}, false, "older than another of its agent"},
		{"a newer call", func(b *plugBench, a *searchpack.PermitAsk) {
			b.put(b.permitOf("a2", a.OfferID, at(4, 6), time.Second))
		}, false, ""},
		{"a newer call for a newer offer", func(b *plugBench, a *searchpack.PermitAsk) {
			b.put(b.permitOf("a2", "r1/1", at(4, 6), time.Second))
		}, true, ""},
		{"a newer call that is refused", func(b *plugBench, a *searchpack.PermitAsk) {
			b.put(b.permitOf("a2", a.OfferID, at(4, 6), time.Second))
			bad(a)
		}, true, "shop"},
		{"a newer call while paused", func(b *plugBench, a *searchpack.PermitAsk) {
			b.put(b.permitOf("a2", a.OfferID, at(4, 6), time.Second))
			b.w.Rollouts[0].Paused = "ann"
		}, true, "paused"},
		{"ended", func(b *plugBench, a *searchpack.PermitAsk) {
			p := b.permitOf("a2", a.OfferID, at(4, 6), time.Minute)
			p.EndedAt = b.w.Now
			b.put(p)
		}, false, "this permit has ended"},

		{"another's has ended", func(b *plugBench, _ *searchpack.PermitAsk) {
			p := b.permitOf("a3", "r1/1", at(1, 1), time.Second)
			p.EndedAt = b.w.Now
			b.put(p)
		}, false, ""},
		{"another has not come back", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.put(b.permitOf("a3", "r1/1", at(1, 1), 24*time.Hour))
		}, false, "n3 has not come back by its permit"},
		{"another, retired, may still stop", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Agents[2].RetiredAt = b.w.Now
			b.put(b.permitOf("a3", "r1/1", at(1, 1), long-time.Second))
		}, false, "the permit of the retired agent a3 has not ended; it counts until 00:"},
		{"another, retired, may not stop any more", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Agents[2].RetiredAt = b.w.Now
			b.put(b.permitOf("a3", "r1/1", at(1, 1), long))
		}, false, ""},
		{"another, of an earlier rollout, may still stop", func(b *plugBench, _ *searchpack.PermitAsk) {
			p := b.permitOf("a3", "r0/1", at(1, 1), long-time.Second)
			p.RolloutID = "r0"
			b.put(p)
		}, false, "has not ended"},
		{"another, of an earlier rollout, may not any more", func(b *plugBench, _ *searchpack.PermitAsk) {
			p := b.permitOf("a3", "r0/1", at(1, 1), long)
			p.RolloutID = "r0"
			b.put(p)
		}, false, ""},
		{"another may still stop, and this one was aborted", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Rollouts[0].Phase, b.w.Rollouts[0].Abort = searchpack.PhaseReturnRestart, "ann"
			b.put(b.permitOf("a3", "r1/1", at(1, 1), long-time.Second))
		}, false, "has not ended"},
		{"another may not any more, and this one was aborted", func(b *plugBench, _ *searchpack.PermitAsk) {
			b.w.Rollouts[0].Phase, b.w.Rollouts[0].Abort = searchpack.PhaseReturnRestart, "ann"
			b.put(b.permitOf("a3", "r1/1", at(1, 1), long))
		}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, offer := offeredBench(t)
			restart := *b.w.Rollouts[0].Restart
			b.w.Rollouts[0].Restart = &restart
			ask := searchpack.PermitAsk{OfferID: offer, Attempt: at(4, 7), Health: b.cluster}
			tt.edit(b, &ask)
			got := Begin(b.w, "a2", ask)
			if (got.Refused == "") != (tt.want == "") || (got.Permit == nil) != (got.Refused != "") || (got.Revoked != "") != tt.revoked {
				t.Fatalf("%+v", got)
			}
			if wantText(t, "refusal", got.Refused, tt.want); got.Permit != nil && (got.Permit.ID != offer || got.Permit.AgentID != "a2" || got.Permit.Attempt != ask.Attempt) {
				t.Errorf("permit %+v", got.Permit)
			}
		})
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	b, offer := offeredBench(t)
	b.put(b.permitOf("a2", offer, at(1, 1), time.Minute))
	for _, x := range []struct{ agent, id string }{{"a3", offer}, {"a2", "r1/0"}, {"", ""}} {
		if _, err := End(b.w, x.agent, searchpack.PermitEnd{PermitID: x.id}); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			t.Errorf("%v: %v", x, err)
		}
	}
	p, err := End(b.w, "a2", searchpack.PermitEnd{PermitID: offer, Failed: "boom"})
	if err != nil || !p.EndedAt.Equal(b.w.Now) || p.Failed != "boom" {
		t.Fatalf("%+v, %v", p, err)
	}
	b.put(p)
	b.w.Now = b.w.Now.Add(time.Hour)
	again, err := End(b.w, "a2", searchpack.PermitEnd{PermitID: offer})
	if err != nil || again != p {
		t.Errorf("ended twice: %+v, %v", again, err)
	}
}

// Whatever calls come, late and repeated, in a rollout that nobody ends: between the begins of two
// agents there is an end, and no permit is given twice.
func TestPermitsAreOneAtATime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := newPlugBench(t, 3)
		for _, n := range b.nodes {
			n.busy = "by hand"
		}
		b.wants(install, "p1")
		held := map[string]string{} // agent -> permit, from a begin to its end
		var sent []searchpack.PermitAsk
		var by []string
		seq := int64(0)
		for range rapid.IntRange(5, 40).Draw(rt, "calls") {
			for range rapid.IntRange(0, 3).Draw(rt, "turns") {
				if b.turn(); len(b.w.Rollouts) == 0 {
					return
				}
			}
			a := &b.w.Agents[rapid.IntRange(0, 2).Draw(rt, "agent")]
			switch rapid.IntRange(0, 2).Draw(rt, "call") {
			case 0:
				if a.Order.Restart == nil {
					continue
				}
				seq++
				sent, by = append(sent, searchpack.PermitAsk{OfferID: a.Order.Restart.ID, Attempt: at(1, seq), Health: b.cluster}), append(by, a.ID)
			case 1:
				if id := held[a.ID]; id != "" {
					p, err := End(b.w, a.ID, searchpack.PermitEnd{PermitID: id})
					if err != nil {
						rt.Fatal(err)
					}
					b.put(p)
					b.start(a.Order, b.nodes[a.Name])
					delete(held, a.ID)
				}
				continue
			}
			if len(sent) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(sent)-1).Draw(rt, "sent") // any of before, late or once more
			got := Begin(b.w, by[i], sent[i])
			if got.Revoked != "" {
				for j, p := range b.w.Permits {
					if p.ID == got.Revoked {
						b.w.Permits = append(b.w.Permits[:j:j], b.w.Permits[j+1:]...)
						break
					}
				}
				delete(held, by[i])
			}
			if got.Permit == nil {
				continue
			}
			for _, p := range b.w.Permits {
				if p.ID == got.Permit.ID && !p.EndedAt.IsZero() {
					rt.Fatalf("%s was given once more after its end", p.ID)
				}
			}
			for agent := range held {
				if agent != by[i] {
					rt.Fatalf("%s may stop while %s is away", by[i], agent)
				}
			}
			b.put(*got.Permit)
			held[by[i]] = got.Permit.ID
		}
	})
}
