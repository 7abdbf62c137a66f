package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// DomainsCmd lists domains.
type DomainsCmd struct {
	Name []string `arg:"" optional:"" help:"Only these domains."`
}

// Help stands below the flags.
func (*DomainsCmd) Help() string {
	return "Examples:\n  searchpack domains\n  searchpack domains products"
}

type domainLine struct {
	Name       string            `json:"name"`
	Engine     string            `json:"engine_version,omitempty"`
	Processing bool              `json:"processing"`
	Endpoint   string            `json:"endpoint,omitempty"`
	Packages   []associationLine `json:"packages"`
}

// associationLine is an association of the extension API.
type associationLine struct {
	PackageID string                   `json:"package_id"`
	Name      string                   `json:"name"`
	Status    string                   `json:"status"`
	Serving   string                   `json:"serving,omitempty"`
	Wanted    string                   `json:"wanted,omitempty"`
	Error     *searchpack.ErrorDetails `json:"error,omitempty"`
	Note      string                   `json:"note,omitempty"`
	Findings  []searchpack.Finding     `json:"findings"`
}

// version is the one that serves and, beside it, another one that is wanted.
func (a associationLine) version() string {
	switch {
	case a.Serving == "" || a.Serving == a.Wanted || a.Wanted == "":
		return cmp.Or(a.Serving, a.Wanted)
	}
	return a.Serving + ", wanted " + a.Wanted
}

// note says what is wrong, or what is waited for.
func (a associationLine) note() string {
	texts := []string{a.Note}
	if a.Error != nil {
		texts[0] = a.Error.Message
	}
	for _, f := range a.Findings {
		texts = append(texts, f.Message)
	}
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

// Run lists domains.
func (d *DomainsCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	names := d.Name
	if len(names) == 0 {
		all, err := cl.aws().ListDomainNames(c, &opensearch.ListDomainNamesInput{})
		if err != nil {
			return cl.plain(err)
		}
		for _, each := range all.DomainNames {
			names = append(names, aws.ToString(each.DomainName))
		}
	}
	lines := []domainLine{}
	for _, name := range names {
		line, err := cl.domain(c, name)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	return c.print(lines, func(p *page) {
		t := newTable("DOMAIN", "ENGINE", "STATE", "ENDPOINT", "PACKAGE", "NAME", "STATUS", "VERSION", "NOTE")
		for _, l := range lines {
			state := "ready"
			if l.Processing {
				state = "processing"
			}
			if len(l.Packages) == 0 {
				t.row(l.Name, l.Engine, state, l.Endpoint)
			}
			for _, a := range l.Packages {
				t.row(l.Name, l.Engine, state, l.Endpoint, a.PackageID, a.Name, a.Status, a.version(), a.note())
			}
		}
		p.table(t)
	})
}

func (cl *client) domain(c *Context, name string) (domainLine, error) {
	got, err := cl.aws().DescribeDomain(c, &opensearch.DescribeDomainInput{DomainName: &name})
	if err != nil {
		return domainLine{}, cl.plain(err)
	}
	s := got.DomainStatus
	if s == nil {
		return domainLine{}, fmt.Errorf("%s answers something that is not the OpenSearch service's API", cl.endpoint)
	}
	line := domainLine{
		Name: name, Engine: aws.ToString(s.EngineVersion), Processing: aws.ToBool(s.Processing),
		Endpoint: aws.ToString(s.Endpoint), Packages: []associationLine{},
	}
	var answer struct {
		Associations []associationLine `json:"associations"`
	}
	if _, err := cl.call(c, "GET", "/domains/"+url.PathEscape(name)+"/associations", nil, &answer); err != nil {
		return line, err
	}
	line.Packages = append(line.Packages, answer.Associations...)
	return line, nil
}

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
	if len(n.Files) == 0 {
		t.row(n.Name, n.State, version, role, heard, "", "", "", "", n.Note)
	}
	for _, f := range n.Files {
		file := fmt.Sprintf("%s %s", f.State, f.Digest.Short())
		if f.Version > 0 {
			file = fmt.Sprintf("%s v%d %s", f.State, f.Version, f.Digest.Short())
		}
		proof, since := "owed", ""
		if f.Proof != nil {
			proof, since = fmt.Sprintf("v%d %s (%s)", f.Proof.Version, f.Proof.Level, proofText(f.Proof)), c.ago(f.Proof.At)
		}
		t.row(n.Name, n.State, version, role, heard, f.PackageID, file, proof, since, strings.Trim(n.Note+"; "+f.Error, "; "))
	}
}

// addTroubles writes what is wrong with a node below the table.
func addTroubles(p *page, n catalog.NodeView) {
	if n.NodeError != "" {
		p.line("%s: OpenSearch does not answer its agent: %s", n.Name, n.NodeError)
	}
	for _, problem := range n.Problems {
		p.line("%s: problem: %s", n.Name, problem)
	}
	for _, i := range n.Incidents {
		what := "had other bytes (" + i.Found.Short() + ")"
		switch {
		case i.Kind == searchpack.IncidentMissing:
			what = "was gone"
		case i.Found == "":
			what = "was replaced by something that is no file"
		}
		done := "not healed yet"
		if i.Healed {
			done = "healed"
		}
		p.line("%s: incident at %s: %s %s, %s", n.Name, i.At.Format(time.RFC3339), i.PackageID, what, done)
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
