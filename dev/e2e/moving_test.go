package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// movingTarget: the only copy of an index is on its way to another node while a version is rolled out.
// It builds its analyzers when it sets out, from the file that lies there then, and a refresh passes it
// over; so it would arrive with the former version. At the first moment at which anybody sees ACTIVE,
// the node where it has arrived must answer by the new version.
func (c *cluster) movingTarget(t *testing.T) {
	defer explainFailure(t, c.u)
	from, to := c.node(t, "n1"), c.node(t, "n2")
	heavyIndex(t, c.p, "moving", from)
	c.next(t)
	letGo := slowly(t, "moving", to)
	c.p.askAssociate(t)
	c.reloadWaits(t, "moving")
	letGo()
	word, arrived, former, began := fmt.Sprintf("version%d", c.version), false, false, time.Now()
	eventually(t, func() string {
		s := c.p.state(t)
		terms, err := loadedTerms(t, to, "moving", word)
		if err == nil && !arrived {
			arrived, former = true, !terms["notebook"]
		}
		if s != fmt.Sprintf("ACTIVE v%d", c.version) {
			return "it does not become ACTIVE: " + s
		}
		// The terms were read after the status, so they are at most newer.
		if terms, err = loadedTerms(t, to, "moving", word); err != nil || !terms["notebook"] {
			t.Fatalf("%s, and the target has loaded %v for %q (%v)", s, terms, word, err)
		}
		if why := hit(t.Context(), to, "moving", word); why != "" {
			t.Fatalf("%s, and %s", s, why)
		}
		return ""
	})
	t.Logf("the copy arrived with the former version: %v; ACTIVE %.1f s after it was let go", former, time.Since(began).Seconds())
	c.p.active(t, c.version)
}

// reloadWaits waits until the new files lie on every node and the rollout waits for the copy of the
// index that is on its way. If that arrives before, the test shows nothing.
func (c *cluster) reloadWaits(t *testing.T, index string) {
	t.Helper()
	text := ""
	eventually(t, func() string {
		if s := c.p.state(t); !strings.HasPrefix(s, "ASSOCIATING") {
			t.Fatalf("while the copy was on its way: %s", s)
		}
		r := rollouts(t, c.u, 1)[0]
		if r.Phase != searchpack.PhaseReload || !strings.Contains(r.Waiting, "copy of index "+index) {
			return fmt.Sprintf("it does not wait for the copy of %s: %+v", index, r)
		}
		text = r.Waiting
		return ""
	})
	if !onItsWay(t, c.node(t, "n1"), index) {
		t.Fatalf("the copy of %s has arrived too early for this test", index)
	}
	if why := c.p.onDisk(c.version); why != "" {
		t.Errorf("it waits for a reload (%s), and %s", text, why)
	}
	t.Logf("while the copy was on its way: %s", text)
}

// oddNodeOut: between the placing and the reload somebody writes other bytes into the file of one node,
// and its agent is too slow to see it. The window is held open by a copy of the index that is on its way,
// for which the reload waits. The node then loads what nobody released, and everything else looks well.
func (c *cluster) oddNodeOut(t *testing.T) {
	defer explainFailure(t, c.u)
	n := c.byRole(t)
	heavyIndex(t, c.p, "odd", n.speaker, n.odd)
	c.next(t)
	letGo := slowly(t, "odd", n.other, n.odd)
	c.p.askAssociate(t)
	c.reloadWaits(t, "odd")

	agent, err := agentPID(c.u, n.odd.Name)
	if err != nil || syscall.Kill(agent, syscall.SIGSTOP) != nil {
		t.Fatalf("the agent of %s cannot be stopped: %v", n.odd.Name, err)
	}
	wake := func() { _ = syscall.Kill(agent, syscall.SIGCONT) }
	defer wake()
	if err := os.WriteFile(c.p.path(n.odd.Config), []byte("laptop, notebook\nnobodys, notebook\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	letGo()
	eventually(t, func() string {
		if s := c.p.state(t); !strings.HasPrefix(s, "ASSOCIATING") {
			t.Fatalf("while %s has something else loaded: %s", n.odd.Name, s)
		}
		return hit(t.Context(), n.odd, "odd", "nobodys")
	})
	c.names(t, n.odd.Name)

	wake()
	// Two indices of the node have loaded it; the first is named, and the other counted.
	word, named, says := fmt.Sprintf("version%d", c.version), "", fmt.Sprintf("%s to load v%d of %s: index ", n.odd.Name, c.version, c.p.name)
	eventually(t, func() string {
		if waiting := rollouts(t, c.u, 1)[0].Waiting; strings.Contains(waiting, says) {
			named = waiting
		}
		if s := c.p.state(t); s != fmt.Sprintf("ACTIVE v%d", c.version) {
			return "it does not become ACTIVE: " + s
		}
		// At the first moment at which it is ACTIVE the odd node is none any more.
		if terms, err := loadedTerms(t, n.odd, "odd", word); err != nil || !terms["notebook"] {
			t.Fatalf("ACTIVE, and %s has loaded %v for %q (%v)", n.odd.Name, terms, word, err)
		}
		return ""
	})
	t.Logf("while it went on with other bytes: %s", named)
	c.p.active(t, c.version)
	for _, node := range c.u.document().Domains[0].Nodes {
		if terms, err := loadedTerms(t, node, "odd", "nobodys"); err == nil && terms["notebook"] {
			t.Errorf("%s goes on with what nobody released: %v", node.Name, terms)
		}
	}
	if why := hit(t.Context(), n.odd, "odd", word); why != "" {
		t.Error(why)
	}
	seen := c.nodes(t)[n.odd.Name]
	if len(seen.Incidents) == 0 || seen.Incidents[0].Kind != searchpack.IncidentChanged || !seen.Incidents[0].Healed {
		t.Errorf("searchpack nodes does not tell what happened on %s: %+v", n.odd.Name, seen)
	}
	if _, events := cli(t, c.u, "events", "--action", "reload repeated"); !strings.Contains(events, says) {
		t.Errorf("the audit log does not tell it:\n%s", events)
	}
	searchable(t, c.p, "books", c.version)
}

// roles are the nodes by what the scenario does to them.
type roles struct{ speaker, other, odd stack.NodeEntry }

// byRole makes the odd node one whose agent does not speak for the domain: others go on without it.
func (c *cluster) byRole(t *testing.T) roles {
	t.Helper()
	var r roles
	eventually(t, func() string {
		views := c.nodes(t)
		r = roles{}
		for _, n := range c.u.document().Domains[0].Nodes {
			switch {
			case views[n.Name].Speaker:
				r.speaker = n
			case r.odd.Name == "":
				r.odd = n
			default:
				r.other = n
			}
		}
		if r.speaker.Name == "" || r.other.Name == "" {
			return "no node speaks for the domain"
		}
		return ""
	})
	return r
}
