package rollout

import (
	"fmt"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// joins is a node that comes while something goes on; its agent cannot fetch anything yet.
func (b *plugBench) joins(name string, mode searchpack.RestartMode) *plugNode {
	n := &plugNode{mode: mode, lacks: "no route to the server", parts: map[string]searchpack.Digest{}, home: b.nodes["n1"].home}
	b.nodes[name] = n
	b.w.Agents = append(b.w.Agents, searchpack.AgentState{Agent: searchpack.Agent{ID: "a" + name[1:], Domain: simDomain, Name: name, EnrolledAt: b.w.Now}})
	b.cluster.Voting = append(b.cluster.Voting, "id-"+name)
	b.cluster.Present = append(b.cluster.Present, "id-"+name)
	b.reportAll()
	return n
}

// Whenever a node joins, it is stopped once, when it has what it is to get, and before the elected manager,
// unless that one's turn has come.
func TestNodeJoinsDuringARollout(t *testing.T) {
	t.Parallel()
	for turn := range 20 {
		b := newPlugBench(t, 3)
		b.has("p1")
		for _, n := range b.nodes {
			n.restarts = 0
		}
		b.wants(install, "p2")
		for range turn {
			b.turn()
		}
		if r := b.w.Rollouts[0].Restart; r != nil && r.AgentID == "a1" {
			return
		}
		n4 := b.joins("n4", searchpack.RestartOwn)
		for range 30 {
			b.turn()
		}
		if n4.restarts+b.nodes["n1"].restarts > 0 || b.cluster.Allocation != (searchpack.Allocation{}) {
			t.Errorf("joins in turn %d: happened before it has the plugin: %s", turn, b.says(true))
		}
		wantText(t, fmt.Sprint("joins in turn ", turn, ": waiting"), b.waiting(), "n4 to fetch v2 of lemmas (n4 says: no route to the server)")
		n4.lacks = ""
		b.finish()
		if b.everywhere() != "p2" || b.status() != "ACTIVE p2" || !strings.HasSuffix(b.says(false), "stop n4, stop n1") {
			t.Errorf("joins in turn %d: %s, %s, %s", turn, b.status(), b.everywhere(), b.says(false))
		}
		for name, n := range b.nodes {
			if n.restarts != 1 {
				t.Errorf("joins in turn %d: %s was restarted %d times: %s", turn, name, n.restarts, b.says(false))
			}
		}
	}
	t.Error("the elected manager's turn never came")
}

// Nobody is asked for a restart that would bring nothing, and dictionaries wait for what comes by itself.
func TestExternalNodeJoins(t *testing.T) {
	t.Parallel()
	b := newWaitingBench(t, 1)
	n2 := b.joins("n2", searchpack.RestartExternal)
	b.turn()
	b.turn()
	if got := b.waiting(); got != "waiting for n2 to fetch v1 of lemmas (n2 says: no route to the server); a restart of n1" {
		t.Errorf("waiting: %s", got)
	}
	b.comesBetween("v1")
	b.goUntil("it has run", func() bool { return b.serves() == "ACTIVE v1" })
	b.start(b.w.Agents[0].Order, b.nodes["n1"])
	b.turn()
	b.turn()
	b.ask(install, "v2")
	for range 10 {
		b.turn()
	}
	if got := b.states(); got != "P1 running, F1 queued" {
		t.Errorf("while n2 fetches: %s, %s", got, b.waiting())
	}
	n2.lacks = ""
	b.goUntil("the dictionary goes between", func() bool { return b.serves() == "ACTIVE v2" })
	b.goUntil("n2 is told", func() bool { return b.told("p1") == "n1 n2" })
	b.restartAll()
	if b.finish(); b.status() != "ACTIVE p1" || b.everywhere() != "p1" {
		t.Errorf("%s, %s", b.status(), b.everywhere())
	}
}

// The order of a plugin holds whoever restarts the nodes: it comes to the elected manager last, and goes from
// it first.
func TestOrderWithExternalNodes(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n3"].mode = searchpack.RestartExternal
	b.wants(install, "p1")
	b.goUntil("it waits for n3", func() bool { return b.waiting() == "waiting for a restart of n3" })
	for range 20 {
		b.turn()
	}
	if got := b.says(false); got != "stop n2" || b.w.Domain.Saved != nil || b.cluster.Allocation != (searchpack.Allocation{}) {
		t.Errorf("while n3 waits happened: %s, settings %s", got, allocationText(b.cluster.Allocation))
	}
	b.start(b.w.Agents[2].Order, b.nodes["n3"])
	if b.finish(); b.says(false) != "stop n2, stop n1" || b.status() != "ACTIVE p1" || b.everywhere() != "p1" {
		t.Errorf("happened: %s; %s, %s", b.says(false), b.status(), b.everywhere())
	}

	b.happened = nil
	b.nodes["n3"].mode, b.nodes["n1"].mode = searchpack.RestartOwn, searchpack.RestartExternal
	b.reportAll()
	b.wants(remove, "")
	b.goUntil("it waits for n1", func() bool { return b.waiting() == "waiting for a restart of n1" })
	for range 20 {
		b.turn()
	}
	if got := b.says(false); got != "" {
		t.Errorf("while n1 waits happened: %s", got)
	}
	b.start(b.w.Agents[0].Order, b.nodes["n1"])
	if b.finish(); b.says(false) != "stop n2, stop n3" || b.status() != "-" || b.everywhere() != "-" {
		t.Errorf("happened: %s; %s, %s", b.says(false), b.status(), b.everywhere())
	}
}

// A node that is silent when only the elected manager is left may have no plugin yet: the manager waits.
func TestManagerWaitsForSilentNodes(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n3"].busy = "not yet"
	b.wants(install, "p1")
	b.goUntil("n2 has it", func() bool { return b.nodes["n2"].restarts == 1 })
	b.nodes["n3"].asleep = true
	for range 60 {
		b.turn()
	}
	if got := b.says(false); got != "stop n2" {
		t.Errorf("while n3 is silent happened: %s", got)
	}
	wantText(t, "waiting", b.waiting(), "n3: "+silentText)
	b.nodes["n3"].asleep, b.nodes["n3"].busy = false, ""
	if b.finish(); b.says(false) != "stop n2, stop n3, stop n1" || b.status() != "ACTIVE p1" {
		t.Errorf("happened: %s; %s", b.says(false), b.status())
	}
}
