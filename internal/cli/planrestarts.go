package cli

import (
	"fmt"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// planRestarts is what a plugin's rollout does with the nodes.
type planRestarts struct {
	Nodes []struct {
		Name    string `json:"name"`
		Manager bool   `json:"manager"`
		Restart string `json:"restart"`
		Note    string `json:"note"`
	} `json:"nodes"`
	Policy    string `json:"policy"`
	OneNode   bool   `json:"one_node"`
	FilesOnly bool   `json:"files_only"`
	Expected  *struct {
		Seconds        int64 `json:"seconds"`
		SecondsANode   int64 `json:"seconds_a_node"`
		FormerRestarts int   `json:"former_restarts"`
	} `json:"expected"`
}

// show says who restarts which node in which order, and what that puts at risk.
func (r *planRestarts) show(p *page, x *planLine) {
	x.changes(p)
	p.line("findings: %s", x.found())
	own := 0
	for _, n := range r.Nodes {
		if n.Restart == catalog.RestartsOwn {
			own++
		}
	}
	switch others := len(r.Nodes) - own; {
	case r.FilesOnly:
		p.line("restarts: none, the domain has no OpenSearch")
		return
	case len(r.Nodes) == 0:
		p.line("restarts: none, every node has it already")
		return
	case others == 0:
		p.line("restarts: %d, by the nodes' agents, one node after the other; the next only when the cluster is as well as before", own)
	case own == 0:
		p.line("restarts: %d, by somebody else: the rollout waits until each node was restarted", others)
	default:
		p.line("restarts: %d by the nodes' agents, one after the other; then %d by somebody else, for which the rollout waits", own, others)
	}
	loose := ""
	if own < len(r.Nodes) {
		loose = "; what somebody else restarts is not held back"
	}
	switch {
	case r.OneNode:
		p.line("indices at risk: all, the domain has one node: nothing answers while it starts")
	case own == 0:
		p.line("indices at risk: what whoever restarts the nodes does not look at; Searchpack does not hold them back")
	case r.Policy == searchpack.RestartAny:
		p.line("indices at risk: those without a replica, for as long as their node starts (policy restart: any)%s", loose)
	default:
		p.line("indices at risk: none loses its last copy; a node that has the only one of a shard (looked at before each stop, not here), or without which no cluster manager can be elected, is not stopped: the rollout waits%s", loose)
	}
	if own > 0 {
		p.line("expected duration: %s", r.expected(own < len(r.Nodes)))
		p.line("if the first does not come back: it gets its former plugins back, and no other node is restarted")
	}
	p.line("")
	t := newTable("TURN", "NODE", "RESTARTED BY", "ROLE")
	for i, n := range r.Nodes {
		turn, role := fmt.Sprint(i+1), ""
		if n.Restart != catalog.RestartsOwn {
			turn = "any"
		}
		if n.Manager {
			role = "manager"
		}
		t.row(turn, n.Name, restartedBy(n.Restart), role)
	}
	p.table(t)
	for _, n := range r.Nodes {
		if n.Note != "" {
			p.line("%s: %s", n.Name, n.Note)
		}
	}
}

// expected says how long the restarts take; others: somebody else restarts nodes, too.
func (r *planRestarts) expected(others bool) string {
	more := ""
	if others {
		more = "; how long somebody else takes is not known"
	}
	e := r.Expected
	if e == nil {
		return "not known: no agent has restarted a node of this domain yet" + more
	}
	return fmt.Sprintf("about %s, %s a node, by %d former restarts in this domain%s", time.Duration(e.Seconds)*time.Second, time.Duration(e.SecondsANode)*time.Second, e.FormerRestarts, more)
}
