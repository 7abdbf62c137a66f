package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// standing is the row of the node of that name, and with several of that agent.
func (b *bench) standing(agent string) NodeStanding {
	b.t.Helper()
	for _, s := range Members(b.w).Nodes {
		if s.AgentID == agent {
			return s
		}
	}
	b.t.Fatalf("there is no %q", agent)
	return NodeStanding{}
}

// TestRows: each row of the table of memberships, what is said of the node, and what to type.
func TestRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*bench)
		agent    string // "" = the member without an agent
		standing Standing
		reason   string
		do       []string // texts in the advice; nil = there is none
	}{
		"member with agent": {func(*bench) {}, "a3", MustProve, "", nil},
		"dedicated cluster manager": {func(b *bench) {
			f := b.facts(0)
			f.Roles = []string{"cluster_manager"}
			b.report(0, f)
		}, "a1", MustProve, "", nil},
		"coordinating node": {func(b *bench) {
			f := b.facts(2)
			f.Roles = []string{}
			b.report(2, f)
		}, "a3", MustProve, "", nil},
		"dedicated cluster manager, its agent silent": {func(b *bench) {
			f := b.facts(0)
			f.Roles = []string{"cluster_manager"}
			b.report(0, f)
			b.later(31*time.Second, "n1")
		}, "a1", Blocks, "silent", []string{"systemctl status searchpack-agent", "searchpack agent doctor"}},
		"member without agent": {
			func(b *bench) { b.w.Agents = b.w.Agents[:2] }, "", Blocks, "no Searchpack agent",
			[]string{"searchpack token create --domain shop", "searchpack domains policy shop --unmanaged-nodes ignore"},
		},
		"member without agent, accepted": {func(b *bench) {
			b.w.Agents = b.w.Agents[:2]
			b.w.Domain.Policy.UnmanagedNodes = searchpack.UnmanagedIgnore
		}, "", Ignored, "the domain's policy ignores", nil},
		"down": {func(b *bench) { b.leave(2); b.later(3*time.Minute, "n3") }, "a3", Owed, "silent", []string{"start the machine", "searchpack nodes retire shop n3"}},
		"back after days": {func(b *bench) {
			b.leave(2)
			b.later(72*time.Hour, "n3")
			b.report(2, b.facts(2))
			f := b.facts(0)
			f.StateVersion = 9
			b.report(0, f)
		}, "a3", MustProve, "", nil},
		"down, to be waited for": {func(b *bench) {
			b.leave(2)
			b.later(3*time.Minute, "n3")
			b.w.Domain.Policy.AbsentNodes = searchpack.AbsentWait
		}, "a3", Blocks, "wait for absent nodes", []string{"searchpack domains policy shop --absent-nodes owe", "searchpack nodes retire shop n3"}},
		"OpenSearch down, agent up": {func(b *bench) {
			b.leave(2)
			b.report(2, nil)
			b.later(3 * time.Minute)
		}, "a3", Owed, "OpenSearch does not answer", []string{"systemctl status opensearch"}},
		"cut off from the cluster": {func(b *bench) {
			b.leave(2)
			f := b.facts(2)
			f.ManagerID = ""
			b.report(2, f)
			b.later(3 * time.Minute)
		}, "a3", Owed, "knows no elected cluster manager", []string{"discovery.seed_hosts"}},
		"thrown out, and not aware of it": {func(b *bench) {
			b.leave(2)
			b.later(3 * time.Minute)
		}, "a3", Owed, "the others do not list it", []string{"OpenSearch's log"}},
		"cut off from the server, in the cluster": {func(b *bench) { b.later(time.Hour, "n3") }, "a3", Blocks, "silent", []string{"searchpack agent doctor"}},
		"enrolled, silent so far": {func(b *bench) {
			b.leave(2)
			b.w.Agents[2].Report, b.w.Agents[2].ReportedAt = nil, time.Time{}
		}, "a3", Owed, "has not reported", []string{"searchpack agent doctor", "searchpack nodes retire shop n3"}},
		"two live agents of one node": {func(b *bench) { b.report(2, b.facts(1)) }, "a3", Blocks, "claimed by", []string{"stop the agent", "searchpack nodes retire shop n3"}},
		"two agents of one name, one down": {func(b *bench) {
			b.w.Agents[2].Name = "n1"
			b.leave(2)
			b.later(3*time.Minute, "n1") // both
			b.report(0, b.facts(0))
		}, "a3", Owed, "silent", []string{"searchpack nodes retire shop a3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			b.step()
			c.change(b)
			s := b.standing(c.agent)
			if s.Standing != c.standing || (s.Do == "") != (c.do == nil) {
				t.Errorf("%+v", s)
			}
			wantText(t, "the reason", s.Reason, c.reason)
			wantText(t, "the advice", s.Do, c.do...)
		})
	}
}

// TestTwoLiveAgentsFreezeBoth: neither proves, nothing is bound, until one is retired.
func TestTwoLiveAgentsFreezeBoth(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.report(2, b.facts(1))
	b.ask(searchpack.ActionAssociate, "v2")
	for range 20 {
		b.step()
		b.obey("n1")
	}
	if b.association().ServingID != "v1" || !strings.Contains(b.waiting(), "claimed by n2") {
		t.Fatalf("serves %s, waiting %q", b.association().ServingID, b.waiting())
	}
	b.w.Agents[2].RetiredAt = b.w.Now
	f := b.facts(1)
	f.Members, f.StateVersion = f.Members[:2], 9
	b.report(1, f)
	if b.run(); b.association().ServingID != "v2" {
		t.Errorf("after one was retired: %+v, waiting %q", b.association(), b.waiting())
	}
}

// TestTwoManagers hold rollouts up at once and freeze the domain after 60 seconds: an order that is
// owed is written in between, and not any more then. What ends it is told.
func TestTwoManagers(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	split := func(id string) {
		f := b.facts(2)
		f.ManagerID = id
		b.report(2, f)
	}
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseFetch)
	split("id-n3")
	b.events = nil
	d := b.step()
	if !d.Next.Equal(b.w.Now.Add(FreshFor)) || b.w.Domain.Watch.DifferSince != b.w.Now {
		t.Errorf("next %s, watch %+v", d.Next, b.w.Domain.Watch)
	}
	wantText(t, "what is waited for", b.waiting(), "name different elected cluster managers (n1, n2: node id-n1; n3: node id-n3)")
	since := b.w.Now
	b.later(DifferPatience - time.Second)
	b.w.Agents[1].Order = searchpack.Order{} // lost, to see that orders are kept up
	if d := b.step(); len(d.Orders) != 1 || Members(b.w).Frozen != "" || !d.Next.Equal(since.Add(DifferPatience)) {
		t.Errorf("before its time: orders %d, frozen %q, next %s", len(d.Orders), Members(b.w).Frozen, d.Next)
	}
	b.later(time.Second)
	b.w.Agents[1].Order = searchpack.Order{}
	if d := b.step(); len(d.Orders) != 0 {
		t.Errorf("orders while it is frozen: %s", brief(d))
	}
	wantText(t, "what is waited for", b.waiting(), "the domain is frozen, because the nodes name different elected", "60 s", "retire")
	wantText(t, "the note", b.association().Note, "frozen")
	b.later(time.Hour)
	b.step()
	split("id-n1")
	b.step()
	if diff := cmp.Diff([]string{"domain frozen", "domain moves again"}, b.events); diff != "" || b.w.Domain.Watch != (searchpack.DomainWatch{}) {
		t.Errorf("watch %+v, events (-want +got):\n%s", b.w.Domain.Watch, diff)
	}
	if b.run(); b.association().ServingID != "v2" {
		t.Errorf("afterwards %+v, waiting %q", b.association(), b.waiting())
	}
}

// TestElection: names that differ for less than that, again and again, freeze nothing.
func TestElection(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	for range 5 {
		f := b.facts(2)
		f.ManagerID = "id-n2"
		b.report(2, f)
		b.step()
		b.later(50 * time.Second)
		b.step()
		b.report(2, b.facts(2))
		b.step()
		b.later(20 * time.Second)
		b.step()
	}
	if slices.Contains(b.events, "domain frozen") || b.w.Domain.Watch != (searchpack.DomainWatch{}) {
		t.Errorf("events %q, watch %+v", b.events, b.w.Domain.Watch)
	}
}

// TestSilenceEndsTheDifference: of a node that is not heard nobody knows what it names.
func TestSilenceEndsTheDifference(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	f := b.facts(2)
	f.ManagerID = "id-n3"
	b.report(2, f)
	b.step()
	b.later(2 * time.Minute)
	if b.step(); Members(b.w).Frozen == "" {
		t.Fatal("not frozen")
	}
	d := b.step()
	b.later(d.Next.Sub(b.w.Now), "n3")
	if b.step(); Members(b.w).Frozen != "" || b.w.Domain.Watch != (searchpack.DomainWatch{}) {
		t.Errorf("frozen %q, watch %+v", Members(b.w).Frozen, b.w.Domain.Watch)
	}
}

// TestServersClockJumps: forward, everybody seems silent until the next heartbeats; back, what was
// heard "later" counts as long as clocks of servers may differ, and no longer. Nothing is proven or
// given up for it.
func TestServersClockJumps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		jump  time.Duration
		hold  string
		until string // standings
	}{
		"forward":       {3 * time.Hour, noNodeReports, "n1 owed, n2 owed, n3 owed"},
		"back a little": {-5 * time.Minute, "", "n1 must prove, n2 must prove, n3 must prove"},
		"far back":      {-3 * time.Hour, noNodeReports, "n1 blocks, n2 blocks, n3 blocks"},
	} {
		b := newBench(t, 3)
		b.serve("v1")
		b.ask(searchpack.ActionAssociate, "v2")
		b.until(searchpack.PhaseProbe)
		b.w.Now = b.w.Now.Add(c.jump) // and nobody was heard yet
		b.step()
		m := Members(b.w)
		if got := standings(m); got != c.until || m.Hold != c.hold || b.association().ServingID != "v1" || len(b.w.Proofs) != 3 {
			t.Errorf("%s: %s, hold %q, serves %s, %d proofs", name, got, m.Hold, b.association().ServingID, len(b.w.Proofs))
		}
		b.later(time.Second)
		if b.run(); b.association().ServingID != "v2" {
			t.Errorf("%s: afterwards %+v, waiting %q", name, b.association(), b.waiting())
		}
	}
}

// TestFrozenSinceTomorrow: a difference that a clock put back has not seen yet is counted anew.
func TestFrozenSinceTomorrow(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.w.Domain.Watch.DifferSince = b.w.Now.Add(24 * time.Hour)
	f := b.facts(2)
	f.ManagerID = "id-n3"
	b.report(2, f)
	if b.step(); b.w.Domain.Watch.DifferSince != b.w.Now {
		t.Errorf("watch %+v", b.w.Domain.Watch)
	}
}

// TestNewNodeIsOwed: a node that joins late, or one with a new disk, gets what serves and owes the
// proof; what is ACTIVE stays so.
func TestNewNodeIsOwed(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.w.Agents = append(b.w.Agents, searchpack.AgentState{
		Agent: searchpack.Agent{ID: "a3", Domain: simDomain, Name: "n3", EnrolledAt: b.w.Now},
	})
	b.step()
	if b.file("n3") != "live v1" {
		t.Errorf("before its first report it is ordered %s", b.file("n3"))
	}
	if got := Debts(b.w)["a3"]; len(got) != 1 || got[0].Why != "its agent has not reported yet" {
		t.Errorf("%+v", got)
	}
	for i := range b.w.Agents {
		f := b.facts(i)
		f.StateVersion = 9
		b.report(i, f)
	}
	b.step()
	if a := b.association(); a.Status != searchpack.Active {
		t.Errorf("it is %s", a.Status)
	}
	b.obey()
	b.step()
	b.obey()
	b.step()
	if got := Debts(b.w)["a3"]; len(got) != 0 {
		t.Errorf("in the end it owes %+v", got)
	}
}

// TestDebts says why a proof is owed.
func TestDebts(t *testing.T) {
	t.Parallel()
	file := func(b *bench, f searchpack.FileReport) { b.w.Agents[1].Report.Files = []searchpack.FileReport{f} }
	for name, c := range map[string]struct {
		change func(*bench)
		behind bool
		why    string
	}{
		"nothing owed": {change: func(*bench) {}},
		"unproven":     {change: func(b *bench) { b.w.Proofs = b.w.Proofs[:1] }, why: "has not shown yet that it has loaded it"},
		"behind": {change: func(b *bench) {
			b.w.Proofs = b.w.Proofs[:1]
			file(b, searchpack.FileReport{PackageID: "F1", State: searchpack.FileLive, Digest: b.w.Versions["v3"].Digest})
		}, behind: true, why: "another version in place"},
		"gone": {change: func(b *bench) { b.w.Proofs = b.w.Proofs[:1]; b.w.Agents[1].Report.Files = nil }, why: "not there yet"},
		"hidden": {change: func(b *bench) {
			b.w.Proofs = b.w.Proofs[:1]
			file(b, searchpack.FileReport{PackageID: "F1", State: searchpack.FileHidden, Digest: b.w.Versions["v1"].Digest})
		}, why: "not there yet"},
		"silent":              {change: func(b *bench) { b.w.Proofs = b.w.Proofs[:1]; b.later(time.Minute, "n2") }, why: "silent since"},
		"no OpenSearch":       {change: func(b *bench) { b.w.Proofs = b.w.Proofs[:1]; b.report(1, nil) }, why: "OpenSearch does not answer"},
		"proven an older one": {change: func(b *bench) { b.w.Proofs[1].VersionID = "v0" }, why: "has not shown"},
	} {
		b := newBench(t, 2)
		b.serve("v1")
		b.step()
		slices.SortFunc(b.w.Proofs, func(x, y searchpack.Proof) int { return strings.Compare(x.AgentID, y.AgentID) })
		c.change(b)
		got := Debts(b.w)["a2"]
		if c.why == "" {
			if len(got) != 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Behind != c.behind || !strings.Contains(got[0].Why, c.why) || got[0].Version.ID != "v1" || got[0].PackageID != "F1" {
			t.Errorf("%s: %+v", name, got)
		}
		if len(Debts(b.w)["a1"]) != 0 {
			t.Errorf("%s: others owe, too", name)
		}
	}
}
