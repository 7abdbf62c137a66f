package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// awayLong is how far the server's clock is moved on while a node is away: its proof is owed after two
// minutes, and a node that serves without its agent must never be passed over. All moves together are less
// than the hour by which certificates are dated back: the agents' clocks stay where they are.
const awayLong = 15 * time.Minute

// nodesAway: versions are rolled out while a node is away, in each of the ways in which it can be away
// and come back, and while one serves whose agent is dead.
func (c *cluster) nodesAway(t *testing.T) {
	defer c.withoutAgents(t)()
	s := newSite(t, c.u)
	defer s.close() // before the agents of the stack start again
	defer s.explain()
	s.nextVersion()
	s.associate()
	s.becomesActive("")
	makeIndex(t, &pack{u: c.u, id: s.id}, "away")
	var others []string // than the elected manager, whose end would cost an election each time
	elected := manager(t, c.u)
	for _, n := range c.u.document().Domains[0].Nodes {
		if n.Name != elected {
			others = append(others, n.Name)
		}
	}
	a := &awayNodes{site: s, away: others[0], dead: others[1]}
	for _, part := range []struct {
		name string
		run  func(*awayNodes, *testing.T)
	}{
		{"OpenSearch away with its agent there and started while the server is down", (*awayNodes).openSearchAway},
		{"the whole host away and an agent dead beside a node that serves", (*awayNodes).hostAwayAgentDead},
		{"the whole host away and started while the server is down", (*awayNodes).hostAwayServerDown},
	} {
		if !t.Run(part.name, func(t *testing.T) { s.t = t; part.run(a, t) }) {
			break
		}
	}
	s.t = t
	if err := ask(t.Context(), c.node(t, others[1]), http.MethodDelete, "/away", nil, nil); err != nil {
		t.Error(err)
	}
}

// withoutAgents stops the agents of the stack and puts their state aside, so that the stack starts nodes
// without a sync of its own. The function that it returns undoes it.
func (c *cluster) withoutAgents(t *testing.T) (undo func()) {
	t.Helper()
	nodes := c.u.document().Domains[0].Nodes
	for _, n := range nodes {
		if code, out := command(t, "agent", "stop", "demo/"+n.Name, "--data", c.u.data); code != 0 {
			t.Fatalf("agent stop: %d %s", code, out)
		}
		if err := os.Rename(n.AgentState, n.AgentState+".aside"); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, n := range nodes {
			if err := os.Rename(n.AgentState+".aside", n.AgentState); err != nil {
				t.Error(err)
			}
			c.start(t, "node", n.Name)
			c.start(t, "agent", n.Name)
		}
	}
}

// awayNodes are a site with the node that goes away, and the one whose agent dies.
type awayNodes struct {
	*site
	away, dead string
}

// serves checks the very first answer of the node that was away: by the version, and no other.
func (a *awayNodes) serves(version, not int) {
	a.t.Helper()
	word, other := fmt.Sprintf("version%d", version), fmt.Sprintf("version%d", not)
	if found := firstQuery(a.t, nodeOf(a.t, a.stack, a.away), "away", word, other); !found[word] || found[other] {
		a.t.Errorf("the first answer of %s finds by %v, want by %s and not by %s", a.away, found, word, other)
	}
}

// rollOutWithout rolls the next version out while the node is away: it is waited for first, and then owes
// its proof.
func (a *awayNodes) rollOutWithout() {
	a.t.Helper()
	a.nextVersion()
	a.associate()
	a.waitsFor(a.away)
	a.later(awayLong)
	a.becomesActive("proven 2/3, owed " + a.away)
	if n := a.node(a.away); n.State != catalog.NodeOwes {
		a.t.Errorf("%s is shown as %+v", a.away, n)
	}
}

// (a) OpenSearch is down while its agent gets the new version; the server is down when it starts.
func (a *awayNodes) openSearchAway(t *testing.T) {
	a.shutdown(a.away)
	a.rollOutWithout()
	a.serverDown()
	a.boot(a.away)
	a.serves(a.version, a.version-1)
	a.serverUp()
	a.becomesActive("")
	a.proven(t)
}

// (b) The whole host is down, and the server is there when it starts. Meanwhile another node serves
// without its agent: nobody knows by what, so that is never passed over.
func (a *awayNodes) hostAwayAgentDead(t *testing.T) {
	a.stopAgent(a.away)
	a.shutdown(a.away)
	a.stopAgent(a.dead)
	a.nextVersion()
	a.associate()
	a.waitsFor(a.dead)
	a.later(awayLong)
	a.waitsFor(a.dead)
	eventually(t, func() string { // by now the node that is away only owes its proof
		text := a.waiting()
		if strings.Contains(text, a.away) || !strings.Contains(text, a.dead) {
			return "it waits for others than " + a.dead + ": " + text
		}
		t.Logf("after %v: %s", awayLong, text)
		return ""
	})
	if got := a.association(); got.Status != string(searchpack.Associating) {
		t.Errorf("with an agent dead beside a node that serves: %+v", got)
	}
	if n := a.node(a.dead); n.State != catalog.NodeBlocks || !strings.Contains(n.Note, "silent") {
		t.Errorf("%s is shown as %+v", a.dead, n)
	}
	if why := hit(t.Context(), nodeOf(t, a.stack, a.dead), "away", fmt.Sprintf("version%d", a.version-1)); why != "" {
		t.Errorf("the node without an agent does not serve what it has: %s", why)
	}
	a.startAgent(a.dead)
	a.becomesActive("proven 2/3, owed " + a.away)
	a.boot(a.away)
	a.serves(a.version, a.version-1)
	a.startAgent(a.away)
	a.becomesActive("")
	a.proven(t)
}

// (c) The whole host is down, and so is the server when it starts: it serves what it was told last, which
// is shown once the server is there, and is mended when its agent is heard.
func (a *awayNodes) hostAwayServerDown(t *testing.T) {
	a.stopAgent(a.away)
	a.shutdown(a.away)
	a.rollOutWithout()
	a.serverDown()
	a.boot(a.away)
	a.serves(a.version-1, a.version)
	a.serverUp()
	a.becomesActive(fmt.Sprintf("proven 2/3, owed %s; behind, with another version: %[1]s", a.away))
	if n := a.node(a.away); n.State != catalog.NodeBlocks || len(n.Files) != 1 || n.Files[0].Version != a.version-1 || len(n.Owes) != 1 || !n.Owes[0].Behind {
		t.Errorf("%s is shown as %+v", a.away, n)
	}
	a.startAgent(a.away)
	a.becomesActive("")
	a.proven(t)
	a.serves(a.version, a.version-1)
}

// later moves the server's clock on.
func (s *site) later(d time.Duration) { s.ahead.Add(int64(d)) }

// becomesActive waits until the newest version is ACTIVE with that note.
func (s *site) becomesActive(note string) {
	s.t.Helper()
	began := time.Now()
	eventually(s.t, func() string {
		if a := s.association(); !a.active(s.version) || a.Note != note {
			return fmt.Sprintf("v%d does not become ACTIVE with the note %q: %+v", s.version, note, a)
		}
		return ""
	})
	s.t.Logf("after %.1f s v%d is ACTIVE: %q", time.Since(began).Seconds(), s.version, note)
}

// waitsFor waits until the rollout says that it waits for the node. It must not end meanwhile.
func (s *site) waitsFor(node string) {
	s.t.Helper()
	eventually(s.t, func() string {
		a := s.association()
		if a.Status != string(searchpack.Associating) {
			s.t.Fatalf("while %s is waited for it is %+v", node, a)
		}
		if !strings.Contains(a.Note, "waiting for") || !strings.Contains(a.Note, node+": ") {
			return "it does not wait for " + node + ": " + a.Note
		}
		return ""
	})
}

// proven: the node that was away has proven the version as the others have.
func (a *awayNodes) proven(t *testing.T) {
	t.Helper()
	n := a.node(a.away)
	if len(n.Files) != 1 || n.Files[0].Version != a.version || n.Files[0].Proof == nil || n.Files[0].Proof.Level != searchpack.LevelLoaded {
		t.Errorf("%s is shown as %+v", a.away, n)
	}
}
