package cli

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/searchpack/searchpack/internal/catalog"
)

// NodesCmd shows nodes and retires them.
type NodesCmd struct {
	List   NodesListCmd   `cmd:"" default:"withargs" help:"Show each node of a domain (the default)."`
	Retire NodesRetireCmd `cmd:"" help:"Forget a node that will not come back: its agent may not return, it proves nothing and blocks nothing."`
}

// NodesListCmd shows nodes.
type NodesListCmd struct {
	Domain string `arg:"" help:"The domain."`
}

// Help stands below the flags.
func (*NodesListCmd) Help() string {
	return "docs/cli.md says what the states mean.\n\nExamples:\n  searchpack nodes products\n  searchpack nodes products --output json"
}

// Run shows nodes.
func (n *NodesListCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var v catalog.NodesView
	document, err := cl.call(c, "GET", "/domains/"+url.PathEscape(n.Domain)+"/nodes", nil, &v)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		if v.Frozen != "" {
			p.line("Nothing moves in %s: %s", v.Domain, v.Frozen)
		}
		t := newTable("NODE", "STATE", "OPENSEARCH", "ROLE", "HEARD", "PACKAGE", "FILE", "PROOF", "SINCE", "NOTE")
		for _, node := range v.Nodes {
			addNode(c, t, node)
		}
		p.table(t)
		if plugins := pluginTable(c, v.Nodes); plugins != nil {
			p.line("")
			p.table(plugins)
		}
		for _, node := range v.Nodes {
			addTroubles(p, node)
		}
	})
}

func addNode(c *Context, t *table, n catalog.NodeView) {
	version, role := n.OpenSearch, ""
	if version == "" && n.NodeError != "" {
		version = "away"
	}
	if n.Manager {
		role = "manager"
	}
	heard := ""
	if n.ReportedAt != nil {
		heard = c.ago(*n.ReportedAt)
	}
	if len(n.Files)+len(n.Owes) == 0 {
		t.row(n.Name, n.State, version, role, heard, "", "", "", "", n.Note)
	}
	debts := map[string]catalog.NodeDebt{}
	for _, d := range n.Owes {
		debts[d.PackageID] = d
	}
	for _, f := range n.Files {
		file := fmt.Sprintf("%s %s", f.State, f.Digest.Short())
		if f.Version > 0 {
			file = fmt.Sprintf("%s v%d %s", f.State, f.Version, f.Digest.Short())
		}
		if f.Path != "" {
			file += " at " + f.Path
		}
		proof, since := "", ""
		switch d, owed := debts[f.PackageID]; {
		case f.Proof != nil:
			proof, since = fmt.Sprintf("v%d %s (%s)", f.Proof.Version, f.Proof.Level, proofText(f.Proof)), c.ago(f.Proof.At)
		case owed:
			proof = owes(d)
		}
		t.row(n.Name, n.State, version, role, heard, f.PackageID, file, proof, since, strings.Trim(n.Note+"; "+f.Error, "; "))
		delete(debts, f.PackageID)
	}
	for _, d := range n.Owes { // of what does not lie there at all
		if _, left := debts[d.PackageID]; left {
			t.row(n.Name, n.State, version, role, heard, d.PackageID, "", owes(d), "", n.Note)
		}
	}
}

// owes is a debt in the column of proofs.
func owes(d catalog.NodeDebt) string {
	if d.Behind {
		return fmt.Sprintf("owed, behind v%d", d.Version)
	}
	return fmt.Sprintf("owed v%d", d.Version)
}

// addTroubles writes what is owed and wrong with a node below the table, and what to do.
func addTroubles(p *page, n catalog.NodeView) {
	for _, d := range n.Owes {
		p.line("%s: owes the proof of v%d of %s: %s", n.Name, d.Version, d.PackageID, d.Why)
	}
	if n.NodeError != "" {
		p.line("%s: OpenSearch does not answer its agent: %s", n.Name, n.NodeError)
	}
	for _, problem := range n.Problems {
		p.line("%s: problem: %s", n.Name, problem)
	}
	for _, i := range n.Incidents {
		done := "not healed yet"
		if i.Healed {
			done = "healed"
		}
		if !i.HealedAt.IsZero() {
			done += " at " + i.HealedAt.Format(time.RFC3339)
		}
		p.line("%s: incident at %s: %s %s, %s", n.Name, i.At.Format(time.RFC3339), i.PackageID, i.Words(), done)
	}
	addPluginTroubles(p, n)
	if n.Do != "" {
		p.line("%s: to do: %s", n.Name, n.Do)
	}
}

// NodesRetireCmd retires a node.
type NodesRetireCmd struct {
	Domain string `arg:"" help:"The domain."`
	Node   string `arg:"" help:"Name or agent id."`
}

// Help stands below the flags.
func (*NodesRetireCmd) Help() string {
	return "Example:\n  searchpack nodes retire products n3"
}

// Run retires a node.
func (n *NodesRetireCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var answer struct {
		Name    string `json:"name"`
		AgentID string `json:"agent_id"`
	}
	path := "/domains/" + url.PathEscape(n.Domain) + "/nodes/" + url.PathEscape(n.Node) + "/retire"
	document, err := cl.call(c, "POST", path, nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) { p.line("%s (%s) retired", answer.Name, answer.AgentID) })
}
