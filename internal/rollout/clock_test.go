package rollout

import (
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// setBack sets the clock back: what was written before lies in the future.
func (b *bench) setBack(d time.Duration) { b.w.Now = b.w.Now.Add(-d) }

// A clock that was set back by a day holds up nobody for a day: agents count as silent until they are
// heard again, and waits begin anew.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, phase := range []searchpack.Phase{searchpack.PhaseLook, searchpack.PhaseFetch, searchpack.PhaseProbe, searchpack.PhasePlace, searchpack.PhaseReload, searchpack.PhaseProve} {
		t.Run(string(phase), func(t *testing.T) {
			b := newBench(t, 3)
			b.serve("v1")
			b.ask(searchpack.ActionAssociate, "v2")
			b.until(phase)
			b.setBack(day)
			d := b.step()
			if b.phase() != string(phase) || d.Next.IsZero() || d.Next.Sub(b.w.Now) > time.Minute {
				t.Fatalf("in phase %s, to look again at %v, now is %v", b.phase(), d.Next, b.w.Now)
			}
			for _, n := range Members(b.w).Nodes {
				if n.Fresh {
					t.Errorf("%s counts as heard", n.Name)
				}
			}
			if r := b.w.Rollouts[0]; !r.PhaseAt.Equal(b.w.Now) || !r.StartedAt.Equal(b.w.Now) {
				t.Errorf("began at %v, the phase at %v, now is %v", r.StartedAt, r.PhaseAt, b.w.Now)
			}
			b.later(10 * time.Second) // heartbeats
			b.run()
			if a := b.association(); a.Status != searchpack.Active || a.ServingID != "v2" {
				t.Errorf("%+v", a)
			}
		})
	}
}

// A node that is down since before the clock was set back is waited for as long as any other.
func TestClockSetBackWhileANodeIsDown(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.leave(2)
	b.setBack(time.Hour)
	b.ask(searchpack.ActionAssociate, "v2")
	down := b.w.Agents[2].ReportedAt
	heard := func(d time.Duration) {
		b.later(d, "n3")
		b.w.Agents[2].ReportedAt = down
	}
	heard(time.Second)
	b.run()
	if got := standings(Members(b.w)); got != "n1 must prove, n2 must prove, n3 blocks" {
		t.Errorf("at first: %s", got)
	}
	heard(OwedAfter)
	if got := standings(Members(b.w)); got != "n1 must prove, n2 must prove, n3 owed" {
		t.Errorf("later: %s", got)
	}
	for range 20 {
		b.step()
		b.obey("n1", "n2")
	}
	if a := b.association(); a.Status != searchpack.Active || a.ServingID != "v2" {
		t.Errorf("%+v %s", a, b.waiting())
	}
}

// Small differences are none: servers read the database's clock apart.
func TestClockApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseFetch)
	began := b.w.Rollouts[0].PhaseAt
	b.setBack(time.Second)
	if d := b.step(); len(d.Rollouts) != 0 || !b.w.Rollouts[0].PhaseAt.Equal(began) {
		t.Errorf("%+v", d.Rollouts)
	}
	if got := standings(Members(b.w)); got != "n1 must prove, n2 must prove, n3 must prove" {
		t.Error(got)
	}
}

// After the clock was set back a running rollout is taken to begin now, for who is waited for as for its
// row: else one decision would rest on the former clock, and the next on now.
func TestClockSetBackIsDecidedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	for i := range b.w.Agents {
		b.w.Agents[i].EnrolledAt = b.w.Now.Add(-24 * time.Hour)
	}
	b.leave(2)
	b.ask(searchpack.ActionAssociate, "v2")
	b.step()
	b.setBack(time.Hour)
	before := standings(Members(b.w))
	b.step()
	if after := standings(Members(b.w)); before != after {
		t.Errorf("before the decision: %s; after it: %s", before, after)
	}
}

// A permit that was begun before the clock was set back counts from now: the next node waits for as long as
// after any other, not until the clock is there again.
func TestClockSetBackWhileANodeMayStop(t *testing.T) {
	t.Parallel()
	for _, retired := range []bool{false, true} {
		b := newPlugBench(t, 3)
		b.nodes["n2"].holds = true
		b.wants(install, "p1")
		b.goUntil("n2 has its permit", func() bool { return b.nodes["n2"].permit != "" })
		if b.setBack(24 * time.Hour); retired {
			b.w.Agents[1].RetiredAt = b.w.Now
		} else {
			b.nodes["n2"].permit = "" // its agent has never had the answer
			b.w.Rollouts[0].Abort = "ann"
		}
		b.turn()
		b.turn()
		if last := lastStop(b.w.Permits[0]); b.w.Now.After(last) || last.Sub(b.w.Now) > searchpack.StopWithin+searchpack.StopSlack {
			t.Errorf("retired %v: it is %v, and the permit counts until %v", retired, b.w.Now, last)
		}
		for range 40 { // 2 s each
			b.turn()
		}
		if retired && b.everywhere() != "[p1 - p1]" || !retired && (b.status() != "ASSOCIATION_FAILED" || b.w.Domain.Saved != nil) {
			t.Errorf("retired %v: %s, %s, settings %v, waits: %q", retired, b.everywhere(), b.status(), b.w.Domain.Saved, b.waiting())
		}
	}
}

// A permit that was ended before the clock was put back: what the node has reported since decides what comes
// next, at once.
func TestClockSetBackAfterAPermit(t *testing.T) {
	t.Parallel()
	for unlisted, want := range map[bool]string{false: "ACTIVE p1", true: "ASSOCIATION_FAILED"} {
		b := newPlugBench(t, 3)
		b.wants(install, "p1")
		b.goUntil("n2 has its permit", func() bool { return b.nodes["n2"].permit != "" })
		if b.nodes["n2"].unlisted = unlisted; !unlisted { // the node was not stopped after all
			p, err := End(b.w, "a2", searchpack.PermitEnd{PermitID: b.nodes["n2"].permit})
			if err != nil {
				t.Fatal(err)
			}
			b.put(p)
			b.nodes["n2"].permit = ""
		} else {
			b.turn()
		}
		b.setBack(24 * time.Hour)
		b.reportAll()
		began := b.w.Now
		b.goUntil("its turn is over", func() bool { return !b.inStage(searchpack.StageOffer)() })
		if took := b.w.Now.Sub(began); took > 10*time.Second {
			t.Errorf("%s after %v", want, took)
		}
		b.nodes["n2"].unlisted = false
		if b.finish(); b.status() != want {
			t.Errorf("%s, want %s: %s", b.status(), want, b.says(true))
		}
	}
}
