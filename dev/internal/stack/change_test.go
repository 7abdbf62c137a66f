package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

const was, to = "OpenSearch_3.7", "OpenSearch_3.8"

var owner = searchpack.Caller{Account: "000000000000", Region: "us-east-1", ARN: "arn:aws:iam::000000000000:user/admin"}

// reports makes agents report as soon as they run, as another agent after a retirement.
func (r *rig) reports() *rig {
	enrolled := map[string]int{}
	r.agents.joined = func(a AgentSpec) {
		domain, _, _ := strings.Cut(a.Process, ".")
		err := r.store.Update(context.Background(), func(tx searchpack.Tx) error {
			agents, err := tx.Agents(context.Background(), key(domain))
			if err != nil {
				return err
			}
			var id string
			if known := inService(agents, a.Node); known != nil {
				id = known.ID
			} else {
				enrolled[a.Process]++
				id = fmt.Sprintf("%s %d", a.Process, enrolled[a.Process])
				if err := tx.PutAgent(context.Background(), &searchpack.Agent{ID: id, Domain: key(domain), Name: a.Node, EnrolledAt: time.Now()}); err != nil {
					return err
				}
			}
			return tx.PutReport(context.Background(), id, &searchpack.Report{Schema: 1, Epoch: time.Now().UnixNano(), Seq: 1, Node: &searchpack.NodeFacts{
				NodeID: "id " + id, Members: make([]searchpack.Member, 9)}}, time.Now())
		})
		if err != nil {
			r.t.Error(err)
		}
	}
	return r
}

// demo makes domain demo with nodes of the former engine and waits until all report.
func (r *rig) demo(nodes int) (stop func()) {
	r.t.Helper()
	if _, err := r.catalog.CreateDomain(r.t.Context(), owner, catalog.CreateDomainInput{
		Name: "demo", EngineVersion: was, InstanceCount: nodes, Options: fmt.Sprintf(`{"ClusterConfig":{"InstanceCount":%d}}`, nodes),
	}); err != nil {
		r.t.Fatal(err)
	}
	stop = r.run()
	r.await("demo is up", func(e map[string]DomainEntry, w map[string]string) bool {
		return allUp(e["demo"], nodes) && w["demo"] == ""
	})
	return stop
}

func (r *rig) resize(nodes int) {
	r.t.Helper()
	_, ch, err := r.catalog.UpdateDomainConfig(r.t.Context(), owner, catalog.UpdateDomainInput{
		Name: "demo", Options: fmt.Sprintf(`{"ClusterConfig":{"InstanceCount":%d}}`, nodes)})
	if err != nil || ch == nil || !ch.Status.Open() {
		r.t.Fatalf("%+v, %v", ch, err)
	}
}

func (r *rig) upgrade() {
	r.t.Helper()
	ch, err := r.catalog.UpgradeDomain(r.t.Context(), owner, catalog.UpgradeInput{Name: "demo", TargetVersion: to})
	if err != nil || !ch.Status.Open() {
		r.t.Fatalf("%+v, %v", ch, err)
	}
}

// change returns the newest change of domain demo.
func (r *rig) change() *searchpack.DomainChange {
	r.t.Helper()
	all, err := r.catalog.DomainChanges(r.t.Context(), owner, "demo", "")
	if err != nil || len(all) == 0 {
		r.t.Fatalf("no change: %v", err)
	}
	return all[0]
}

// ends waits until the change has ended so; "": well.
func (r *rig) ends(failure string) {
	r.t.Helper()
	r.await("the change has ended", func(map[string]DomainEntry, map[string]string) bool { return !r.change().Status.Open() })
	ch := r.change()
	if (failure == "") != (ch.Status == searchpack.ChangeCompleted) || !strings.Contains(ch.Error, failure) || strings.Contains(ch.Error, "\n") {
		r.t.Errorf("the change has ended: %+v, want %q", ch, failure)
	}
}

// notes waits until the open change says so.
func (r *rig) notes(note string) *searchpack.DomainChange {
	r.t.Helper()
	var ch *searchpack.DomainChange
	r.await("the note "+note, func(map[string]DomainEntry, map[string]string) bool {
		ch = r.change()
		return strings.Contains(ch.Note, note)
	})
	return ch
}

// names are the names of agents in service.
func (r *rig) names() []string {
	r.t.Helper()
	var names []string
	err := r.store.View(r.t.Context(), func(tx searchpack.Tx) error {
		agents, err := tx.Agents(r.t.Context(), key("demo"))
		for _, a := range agents {
			if a.RetiredAt.IsZero() {
				names = append(names, a.Name)
			}
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// did compares the calls of the clusters from one that is named on.
func (r *rig) did(from string, want ...string) {
	r.t.Helper()
	calls := r.clusters.noted()
	i := slices.Index(calls, from)
	if i < 0 {
		r.t.Fatalf("%s was never called: %q", from, calls)
	}
	if diff := cmp.Diff(want, calls[i:]); diff != "" {
		r.t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func (r *rig) engines(want ...string) {
	r.t.Helper()
	r.await("engines "+strings.Join(want, " "), func(e map[string]DomainEntry, _ map[string]string) bool {
		var have []string
		for _, n := range e["demo"].Nodes {
			have = append(have, n.EngineVersion)
		}
		return slices.Equal(have, want)
	})
}

func TestGrow(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.demo(1)
	r.resize(3)
	r.ends("")
	e := r.await("three nodes", func(e map[string]DomainEntry, w map[string]string) bool {
		return allUp(e["demo"], 3) && w["demo"] == ""
	})
	r.did("Add n2", "Add n2", "Start n2 "+was, "Joined n2", "Add n3", "Start n3 "+was, "Joined n3")
	if got := strings.Join(r.agents.synced, " "); got != "demo.n2.agent demo.n3.agent" {
		t.Errorf("synced before a start: %q", got)
	}
	if e["demo"].Nodes[2].NodeID != "id demo.n3.agent 1" {
		t.Errorf("%+v", e["demo"].Nodes[2])
	}
}

// A node is not started before its agent has the files of every package that serves.
func TestGrowWaitsForFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.demo(1)
	ctx := t.Context()
	if err := r.store.Update(ctx, func(tx searchpack.Tx) error {
		if err := tx.PutPackage(ctx, &searchpack.Package{ID: "F1", Account: owner.Account, Region: owner.Region, Name: "synonyms", Type: searchpack.TypeDictionary, Status: searchpack.PackageAvailable, CreatedAt: day}); err != nil {
			return err
		}
		return tx.PutAssociation(ctx, &searchpack.Association{Domain: key("demo"), PackageID: "F1", Status: searchpack.Active, ServingID: "v1", WantedID: "v1", CreatedAt: day, UpdatedAt: day})
	}); err != nil {
		t.Fatal(err)
	}
	r.resize(2)
	r.notes("The agent of n2 brings the files")
	order := searchpack.Order{Schema: 1, Generation: 1, Files: []searchpack.FileOrder{{PackageID: "F1", State: searchpack.FileLive, Digest: "d"}}}
	id := "demo.n2.agent 1"
	r.await("n2 is known", func(map[string]DomainEntry, map[string]string) bool { return len(r.names()) == 2 })
	if err := r.store.Update(ctx, func(tx searchpack.Tx) error { return tx.PutOrder(ctx, id, &order) }); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(r.clusters.noted(), "Start n2 "+was) {
		t.Error("n2 was started without its files")
	}
	if err := r.store.Update(ctx, func(tx searchpack.Tx) error {
		return tx.PutReport(ctx, id, &searchpack.Report{Schema: 1, Epoch: time.Now().UnixNano(), Seq: 2, Node: &searchpack.NodeFacts{},
			Files: []searchpack.FileReport{{PackageID: "F1", State: searchpack.FileLive, Digest: "d"}}}, time.Now())
	}); err != nil {
		t.Fatal(err)
	}
	r.ends("")
}

func TestInPlace(t *testing.T) {
	t.Parallel()
	serving := []*searchpack.Association{{PackageID: "F0"}, {PackageID: "F1", ServingID: "v"}}
	order := searchpack.Order{Files: []searchpack.FileOrder{{PackageID: "F1", State: searchpack.FileLive, Digest: "d"}}}
	file := func(d searchpack.Digest, s searchpack.FileState) *searchpack.Report {
		return &searchpack.Report{Files: []searchpack.FileReport{{PackageID: "F1", State: s, Digest: d}}}
	}
	for _, tt := range []struct {
		a    searchpack.AgentState
		want string
	}{
		{searchpack.AgentState{Order: order}, "the agent of n4 has not reported"},
		{searchpack.AgentState{Report: &searchpack.Report{}}, "the agent of n4 was not told of package F1"},
		{searchpack.AgentState{Order: order, Report: &searchpack.Report{}}, "n4 does not have the file of package F1"},
		{searchpack.AgentState{Order: order, Report: file("other", searchpack.FileLive)}, "n4 does not have the file of package F1"},
		{searchpack.AgentState{Order: order, Report: file("d", searchpack.FileHidden)}, "n4 does not have the file of package F1"},
		{searchpack.AgentState{Order: order, Report: file("d", searchpack.FileLive)}, ""},
	} {
		tt.a.Name = "n4"
		if got := inPlace(&tt.a, serving); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestGrowFails(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.demo(1)
	r.clusters.fault("Joined n2", errors.New("n2 ended while it joined the cluster\nthe last lines of its log"))
	r.resize(2)
	r.ends("n2 ended while it joined the cluster")
	r.await("one node", func(e map[string]DomainEntry, w map[string]string) bool {
		return allUp(e["demo"], 1) && w["demo"] == ""
	})
	r.did("Joined n2", "Joined n2", "Left n2", "Stay n2", "Drop n2")
	if names := r.names(); !slices.Equal(names, []string{"n1"}) {
		t.Errorf("agents in service: %v", names)
	}
	if _, err := os.Stat(filepath.Join(r.p.dir, "demo", "n2")); !os.IsNotExist(err) {
		t.Errorf("the folder of n2 stays (%v)", err)
	}
	r.clusters.fault("Joined n2", nil) // and now it goes well
	r.resize(2)
	r.ends("")
}

func TestShrink(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.demo(3)
	e := r.await("up", func(e map[string]DomainEntry, _ map[string]string) bool { return allUp(e["demo"], 3) })
	open := r.clusters.gate("Drain n3")
	r.resize(1)
	if ch := r.notes("one shard is left on n3"); ch.Status != searchpack.ChangeProcessing || ch.Progress != 22.5 { // of two nodes
		t.Errorf("%+v", ch)
	}
	if names := r.names(); len(names) != 3 {
		t.Errorf("an agent was retired before its node was empty: %v", names)
	}
	open()
	r.ends("")
	r.await("one node", func(e map[string]DomainEntry, w map[string]string) bool {
		return allUp(e["demo"], 1) && w["demo"] == ""
	})
	r.did("Drain n3", "Drain n3", "Leave n3", "Left n3", "Stay n3", "Drop n3", "Drain n2", "Leave n2", "Left n2", "Stay n2", "Drop n2")
	for _, n := range e["demo"].Nodes[1:] {
		if syscall.Kill(n.PID, 0) == nil || syscall.Kill(n.AgentPID, 0) == nil {
			t.Errorf("something of %s still runs", n.Name)
		}
	}
	if names := r.names(); !slices.Equal(names, []string{"n1"}) {
		t.Errorf("agents in service: %v", names)
	}
	left, err := filepath.Glob(filepath.Join(r.p.dir, "demo", "n*"))
	if err != nil || len(left) != 1 {
		t.Errorf("folders: %v, %v", left, err)
	}
}

// A node that holds what no other takes stays, and everything is as before.
func TestShrinkFails(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"Drain n2", "Leave n2", "Left n2"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := newRig(t).reports()
			r.demo(2)
			r.clusters.fault(fault, errors.New("n2 holds the only copy of shop[0]"))
			r.resize(1)
			r.ends("n2 holds the only copy of shop[0]")
			r.await("two nodes", func(e map[string]DomainEntry, w map[string]string) bool {
				return allUp(e["demo"], 2) && w["demo"] == ""
			})
			if calls := r.clusters.noted(); !slices.Contains(calls, "Stay n2") || slices.Contains(calls, "Drop n2") {
				t.Errorf("calls %q", calls)
			}
			d, err := r.catalog.DescribeDomain(t.Context(), owner, "demo")
			if err != nil || d.Domain.Nodes != 2 || d.Processing {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

// What drains for longer than anybody waits has failed.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.p.deps.patience.drain = 50 * time.Millisecond
	r.clusters.gate("Drain n2")
	r.demo(2)
	r.resize(1)
	r.ends("not done within 50ms")
}

// A stack that is stopped in the middle goes on after the next start.
func TestStopDuringChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at     string
		change func(*rig)
		nodes  int
		engine string
	}{
		{"Drain n2", func(r *rig) { r.resize(1) }, 1, was},
		{"Left n2", func(r *rig) { r.resize(1) }, 1, was},
		{"Joined n3", func(r *rig) { r.resize(3) }, 3, was},
		{"Hold", (*rig).upgrade, 2, to},
		{"Joined n2", (*rig).upgrade, 2, to},
	} {
		t.Run(tt.at, func(t *testing.T) {
			t.Parallel()
			r := newRig(t).reports()
			stop := r.demo(2)
			open := r.clusters.gate(tt.at)
			tt.change(r)
			r.await("it waits there", func(map[string]DomainEntry, map[string]string) bool {
				return slices.Contains(r.clusters.noted(), tt.at)
			})
			stop()
			if ch := r.change(); !ch.Status.Open() {
				t.Fatalf("the stop has ended the change: %+v", ch)
			}
			open()
			r.p.domains, r.entries = map[searchpack.DomainKey]*localDomain{}, nil
			r.run()
			r.ends("")
			r.await("as asked", func(e map[string]DomainEntry, w map[string]string) bool {
				return allUp(e["demo"], tt.nodes) && w["demo"] == "" && e["demo"].EngineVersion == tt.engine && e["demo"].Nodes[0].EngineVersion == tt.engine
			})
		})
	}
}

// What a kill -9 left in a domain's folder goes at the next start.
func TestLeftOversGo(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.demo(1)()
	dir := filepath.Join(r.p.dir, "demo")
	for _, left := range []string{"n2", ".folders.json.123"} {
		if err := os.Mkdir(filepath.Join(dir, left), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.p.domains, r.entries = map[searchpack.DomainKey]*localDomain{}, nil
	r.run()
	r.await("up", func(e map[string]DomainEntry, _ map[string]string) bool { return allUp(e["demo"], 1) })
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != markName || entries[1].Name() != "n1" {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestDeleteDuringChange(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.demo(2)
	r.clusters.gate("Drain n2")
	r.resize(1)
	r.notes("one shard is left")
	r.remove("demo")
	r.await("gone", func(e map[string]DomainEntry, _ map[string]string) bool { return len(e) == 0 })
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	r := newRig(t).reports()
	r.demo(3)
	r.upgrade()
	r.ends("")
	r.engines(to, to, to)
	r.await("the row has it", func(e map[string]DomainEntry, w map[string]string) bool {
		return allUp(e["demo"], 3) && e["demo"].EngineVersion == to && w["demo"] == ""
	})
	want := []string{"Unfit"}
	for _, n := range []string{"n2", "n3", "n1"} { // n1 is the manager
		for _, p := range []string{"n1", "n2", "n3"} {
			if n == "n2" || n == "n3" && p != "n2" || p == n {
				want = append(want, "Prepare "+p)
			}
		}
		want = append(want, "Settle", "Hold", "Switch "+n, "Start "+n+" "+to, "Joined "+n, "Settle")
	}
	r.did("Unfit", want...)
	if got := strings.Join(r.agents.synced, " "); got != "demo.n2.agent demo.n3.agent demo.n1.agent" {
		t.Errorf("synced before a start: %q", got)
	}
	if ch := r.change(); ch.Step != searchpack.UpgradeUpgrade || ch.Progress != 100 {
		t.Errorf("%+v", ch)
	}
}

func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	bad := errors.New("n2 of demo ended while starting (exit status 1)\nthe last lines of its log")
	for _, tt := range []struct {
		name    string
		faults  []string
		says    []string
		engines []string
		down    string // a node that stays down
	}{
		{"a red cluster", []string{"Unfit"}, []string{"cannot be upgraded now: n2 of demo"}, []string{was, was, was}, ""},
		{"not to be had", []string{"Prepare n3"}, []string{"laying out " + to + " for n3"}, []string{was, was, was}, ""},
		{"its folder cannot be changed", []string{"Switch n2"}, []string{"n2 still is " + was}, []string{was, was, was}, ""},
		{"the first node", []string{"Start n2 " + to}, []string{"n2 did not start with " + to + " and has " + was + " again"}, []string{was, was, was}, ""},
		{"the last node", []string{"Start n1 " + to}, []string{"n1 did not start with", "2 of 3 nodes have " + to + " and keep it"}, []string{was, to, to}, ""},
		{"no way back", []string{"Start n3 " + to, "Start n3 " + was}, []string{"n3 does not start with " + to, "and no longer with " + was, "searchpack-dev node start demo/n3", "1 of 3 nodes have"}, []string{was, to, to}, "n3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t).reports()
			r.demo(3)
			for _, f := range tt.faults {
				r.clusters.fault(f, bad)
			}
			r.upgrade()
			for _, s := range tt.says {
				r.ends(s)
			}
			r.engines(tt.engines...)
			r.await("the rest runs", func(e map[string]DomainEntry, _ map[string]string) bool {
				for _, n := range e["demo"].Nodes {
					if (n.PID != 0) != (n.Name != tt.down) || n.AgentPID == 0 {
						return false
					}
				}
				return e["demo"].EngineVersion == was
			})
			if tt.down != "" {
				return // until somebody has mended it
			}
			for _, f := range tt.faults { // and now it goes well
				r.clusters.fault(f, nil)
			}
			r.upgrade()
			r.ends("")
			r.engines(to, to, to)
		})
	}
}
