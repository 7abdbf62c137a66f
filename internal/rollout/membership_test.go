package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// standings writes a membership in a line: "n1 must prove, n2 blocks".
func standings(m Membership) string {
	var out []string
	for _, n := range m.Nodes {
		out = append(out, fmt.Sprintf("%s %s", n.Name, n.Standing))
	}
	return strings.Join(out, ", ")
}

func TestMembers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bench)
		want   string
		hold   string
		frozen string
		reason string // of some node
	}{
		"all well": {change: func(*bench) {}, want: "n1 must prove, n2 must prove, n3 must prove"},
		"silent member": {
			change: func(b *bench) { b.later(31*time.Second, "n3") },
			want:   "n1 must prove, n2 must prove, n3 blocks", reason: "its agent has been silent",
		},
		"silent member, unmanaged ignored": {
			change: func(b *bench) {
				b.later(time.Hour, "n3")
				b.w.Domain.Policy.UnmanagedNodes = "ignore"
			},
			want: "n1 must prove, n2 must prove, n3 blocks",
		},
		"member without agent": {
			change: func(b *bench) { b.w.Agents = b.w.Agents[:2] },
			want:   "n1 must prove, n2 must prove, n3 blocks", reason: "it has no Searchpack agent",
		},
		"member without agent, ignored": {
			change: func(b *bench) {
				b.w.Agents = b.w.Agents[:2]
				b.w.Domain.Policy.UnmanagedNodes = "ignore"
			},
			want: "n1 must prove, n2 must prove, n3 ignored",
		},
		"down for a minute": {
			change: func(b *bench) { b.leave(2); b.later(time.Minute, "n3") },
			want:   "n1 must prove, n2 must prove, n3 blocks",
		},
		"down for long": {
			change: func(b *bench) { b.leave(2); b.later(2*time.Minute, "n3") },
			want:   "n1 must prove, n2 must prove, n3 owed",
		},
		"down for long, to be waited for": {
			change: func(b *bench) {
				b.leave(2)
				b.later(2*time.Minute, "n3")
				b.w.Domain.Policy.AbsentNodes = "wait"
			},
			want: "n1 must prove, n2 must prove, n3 blocks", reason: "wait for absent nodes",
		},
		"agent well beside a dead node, during a rollout": {
			change: func(b *bench) {
				b.leave(2)
				b.w.Agents[2].Report.Node = nil
				b.w.Rollouts = []searchpack.Rollout{{State: searchpack.RolloutRunning, StartedAt: b.w.Now}}
				b.later(time.Minute)
			},
			want: "n1 must prove, n2 must prove, n3 blocks", reason: "its node is in no cluster",
		},
		"agent well beside a dead node, later": {
			change: func(b *bench) {
				b.leave(2)
				b.w.Agents[2].Report.Node = nil
				b.w.Rollouts = []searchpack.Rollout{{State: searchpack.RolloutRunning, StartedAt: b.w.Now}}
				b.later(2 * time.Minute)
			},
			want: "n1 must prove, n2 must prove, n3 owed",
		},
		"enrolled just now": {
			change: func(b *bench) {
				b.leave(2)
				b.w.Agents[2].Report, b.w.Agents[2].ReportedAt, b.w.Agents[2].EnrolledAt = nil, time.Time{}, b.w.Now
			},
			want: "n1 must prove, n2 must prove, n3 blocks", reason: "has not reported yet",
		},
		"retired": {
			change: func(b *bench) { b.leave(2); b.w.Agents[2].RetiredAt = b.w.Now },
			want:   "n1 must prove, n2 must prove",
		},
		"newest state wins": {
			change: func(b *bench) {
				f := b.facts(1)
				f.StateVersion, f.Members = 8, f.Members[:2]
				b.report(1, f)
				b.later(0)
				b.w.Agents[2].EnrolledAt = b.w.Now.Add(-time.Hour)
			},
			want: "n1 must prove, n2 must prove, n3 owed",
		},
		"newer, but not in its own list": {
			change: func(b *bench) {
				f := b.facts(1)
				f.StateVersion, f.Members = 8, f.Members[:1]
				b.report(1, f)
			},
			want: "n1 must prove, n2 must prove, n3 must prove",
		},
		"nobody reports": {
			change: func(b *bench) { b.later(time.Hour, "n1", "n2", "n3") },
			want:   "n1 owed, n2 owed, n3 owed", hold: noNodeReports,
		},
		"no manager": {
			change: func(b *bench) {
				for i := range b.w.Agents {
					f := b.facts(i)
					f.ManagerID = ""
					b.report(i, f)
				}
			},
			want: "n1 owed, n2 owed, n3 owed", hold: "know no elected cluster manager",
		},
		"two managers": {
			change: func(b *bench) {
				f := b.facts(1)
				f.ManagerID = "id-n2"
				b.report(1, f)
			},
			want: "n1 must prove, n2 must prove, n3 must prove", hold: "n1, n3: node id-n1; n2: node id-n2",
		},
		"two clusters": {
			change: func(b *bench) {
				f := b.facts(2)
				f.ClusterUUID, f.ManagerID, f.Members = "D", "id-n3", f.Members[2:]
				b.report(2, f)
			},
			want: "n1 must prove, n2 must prove, n3 blocks, n3 owed", hold: "different elected", frozen: "n1, n2 of cluster C, n3 of cluster D",
		},
		"two live agents of one node": {
			change: func(b *bench) { b.report(2, b.facts(1)) },
			want:   "n1 must prove, n2 blocks, n2 blocks, n3 blocks", reason: "claimed by n2 (agent a2) and n2 (agent a3)",
		},
		"agent of a silent agent's node": {
			change: func(b *bench) {
				b.step()
				b.report(2, b.facts(1))
				b.later(time.Minute, "n2")
			},
			want: "n1 must prove, n2 blocks, n2 blocks, n3 blocks", reason: "retire all but one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			b.step() // binds
			c.change(b)
			m := Members(b.w)
			if got := standings(m); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			wantText(t, "hold", m.Hold, c.hold)
			wantText(t, "frozen", m.Frozen, c.frozen)
			if c.hold == "" && m.Hold != "" || c.frozen == "" && m.Frozen != "" {
				t.Errorf("hold %q, frozen %q", m.Hold, m.Frozen)
			}
			var reasons string
			for _, n := range m.Nodes {
				reasons += n.Reason + "\n"
			}
			wantText(t, "the reasons", reasons, c.reason)
		})
	}
}

// leave has the others report that node i has left the cluster.
func (b *bench) leave(gone int) {
	for i := range b.w.Agents {
		if i == gone {
			continue
		}
		f := b.facts(i)
		f.StateVersion++
		f.Members = append(f.Members[:gone:gone], f.Members[gone+1:]...)
		b.report(i, f)
	}
}

// TestNodesThatHoldUp are named, and so is what a node says itself.
func TestNodesThatHoldUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.ask(searchpack.ActionAssociate, "v1")
	b.until(searchpack.PhaseFetch)
	b.later(FreshFor, "n3")
	for i := range b.w.Agents[:2] {
		b.w.Agents[i].Report.Candidates = []searchpack.CandidateReport{{Digest: b.w.Versions["v1"].Digest, Error: "no space\nleft"}}
	}
	b.step()
	want := "waiting for n3: its agent has been silent for more than 30 s; n1, n2 to fetch v1 of shop-words (n1 says: no space left)"
	if b.waiting() != want || b.association().Note != want {
		t.Errorf("waiting %q, note %q", b.waiting(), b.association().Note)
	}
	b.later(time.Second, "n3")
	if d := b.step(); !nothing(d) {
		t.Errorf("a second later something is written: %s", brief(d))
	}
}

// TestOwedProof: a node that is down does not hold up the others; it gets the version when it is
// back, before its proof is there.
func TestOwedProof(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.leave(2)
	b.later(3*time.Minute, "n3")
	b.ask(searchpack.ActionAssociate, "v2")
	for range 20 {
		b.step()
		b.obey("n1", "n2")
	}
	if a := b.association(); a.Status != searchpack.Active || b.file("n3") != "live v2" {
		t.Fatalf("%+v, n3 has %s, waiting %q", a, b.file("n3"), b.waiting())
	}
	for i := range b.w.Agents {
		b.report(i, b.facts(i))
	}
	for range 3 {
		b.obey()
		b.step()
	}
	for _, p := range b.w.Proofs {
		if p.VersionID != "v2" {
			t.Errorf("proof %+v", p)
		}
	}
	if b.association().Status != searchpack.Active {
		t.Errorf("it is %s", b.association().Status)
	}
}

// TestFreeze: nothing moves, not even orders, and it is said once.
func TestFreeze(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseProbe)
	f := b.facts(2)
	f.ClusterUUID = "D"
	b.obey()
	b.report(2, f)
	b.events = nil
	d := b.step()
	if len(d.Orders) > 0 || len(d.Bound) > 0 || b.phase() != "probe" {
		t.Errorf("something moves: %s", brief(d))
	}
	wantText(t, "note", b.association().Note, "the domain is frozen", "n3 of cluster D")
	if diff := cmp.Diff([]string{"domain frozen"}, b.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if !d.Next.Equal(b.w.Now.Add(FreshFor)) {
		t.Errorf("next %v", d.Next)
	}
	b.report(2, b.facts(2))
	if b.run(); b.association().ServingID != "v2" {
		t.Errorf("afterwards %+v, waiting %q", b.association(), b.waiting())
	}
}

// TestBinding: the first report binds, a new node id under the same agent binds anew.
func TestBinding(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	if d := b.step(); len(d.Bound) != 2 || d.Bound[0].NodeID != "id-n1" || d.Bound[0].ClusterUUID != "C" {
		t.Errorf("%+v", d.Bound)
	}
	f := b.facts(1)
	f.NodeID, f.Members[1].NodeID, f.StateVersion = "new-disk", "new-disk", 8
	b.report(1, f)
	if d := b.step(); len(d.Bound) != 1 || d.Bound[0].NodeID != "new-disk" {
		t.Errorf("%+v", d.Bound)
	}
	f = b.facts(0)
	f.ClusterUUID = noCluster
	b.report(0, f)
	if d := b.step(); len(d.Bound) != 0 {
		t.Errorf("bound before it is in a cluster: %+v", d.Bound)
	}
}

// TestNext: while idle only the speaker's silence changes anything by itself.
func TestNext(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.later(5*time.Second, "n2")
	if d := b.step(); !d.Next.Equal(b.w.Now.Add(FreshFor)) {
		t.Errorf("idle: %v", d.Next)
	}
	b.ask(searchpack.ActionAssociate, "v2")
	if d := b.step(); !d.Next.Equal(b.w.Now.Add(FreshFor - 5*time.Second)) {
		t.Errorf("open: %v", d.Next)
	}
	if d := Decide(World{Now: b.w.Now}); !d.Next.IsZero() || !nothing(d) {
		t.Errorf("empty: %+v", d)
	}
	gone := b.w
	gone.Domain.DeletedAt = b.w.Now
	if d := Decide(gone); !nothing(d) || !d.Next.IsZero() {
		t.Errorf("deleted: %s", brief(d))
	}
}

// TestQueue: one at a time, in order; those that wait say for what.
func TestQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.ask(searchpack.ActionAssociate, "v1")
	b.step()
	b.w.Rollouts = append(b.w.Rollouts, searchpack.Rollout{ID: "r9", State: searchpack.RolloutQueued, Steps: []searchpack.RolloutStep{
		{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: "v2"},
	}})
	b.step()
	if r := b.w.Rollouts[1]; r.State != searchpack.RolloutQueued || r.Waiting != "waiting for the rollout of v1 of shop-words to end" {
		t.Errorf("%+v", r)
	}
	if b.run(); b.association().ServingID != "v2" || len(b.done) != 2 || b.done[1].Steps[0].FormerID != "v1" {
		t.Errorf("%+v, %+v", b.association(), b.done)
	}
}
