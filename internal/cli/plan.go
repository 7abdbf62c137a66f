package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/searchpack/searchpack"
)

// PlanCmd shows what associating a version would do.
type PlanCmd struct {
	Package string `arg:"" help:"Name or id."`
	Domain  string `required:"" env:"-" placeholder:"DOMAIN" help:"In this domain."`
	Version string `env:"-" placeholder:"V" help:"Of this version, as v3 or 3; without it, of the one that AssociatePackage takes."`
}

// Help stands below the flags.
func (*PlanCmd) Help() string {
	return "Nothing is changed. What nodes and other callers do meanwhile may change what then happens.\n\n" +
		"Examples:\n  searchpack plan synonyms --domain products\n  searchpack plan synonyms --domain products --version v3"
}

// planLine is what is shown of a plan of the extension API.
type planLine struct {
	Domain    string `json:"domain"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	Former    string `json:"former"`
	File      string `json:"file"`
	Serves    bool   `json:"serves"`
	Identical bool   `json:"identical"`
	Refused   *struct {
		Message string `json:"message"`
	} `json:"refused"`
	Frozen string `json:"frozen"`
	Hold   string `json:"hold"`
	Nodes  []struct {
		Name     string `json:"name"`
		Standing string `json:"standing"`
		Note     string `json:"note"`
		Manager  bool   `json:"manager"`
	} `json:"nodes"`
	Before []struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Waiting string `json:"waiting"`
		Steps   []struct {
			stepLine
			Name string `json:"name"`
		} `json:"steps"`
	} `json:"before"`
	Probes struct {
		Chains  int  `json:"chains"`
		Generic bool `json:"generic"`
	} `json:"probes"`
	Users []planUser `json:"users"`
	Usage struct {
		Known     bool `json:"known"`
		Truncated bool `json:"truncated"`
	} `json:"usage"`
	Witnesses struct {
		Analyzers int    `json:"analyzers"`
		Blind     int    `json:"not_observable"`
		Reason    string `json:"reason"`
	} `json:"witnesses"`
	Checks struct {
		Count  int    `json:"count"`
		Reason string `json:"reason"`
	} `json:"checks"`
	Findings struct {
		Count      int                         `json:"count"`
		BySeverity map[searchpack.Severity]int `json:"by_severity"`
	} `json:"findings"`
	Restarts *planRestarts `json:"restarts"`
	Change   *struct {
		Added   int      `json:"added"`
		Removed int      `json:"removed"`
		Changed int      `json:"changed"`
		Texts   []string `json:"texts"`
		Note    string   `json:"note"`
	} `json:"change"`
}

type planUser struct {
	UserKind  string   `json:"user_kind"`
	Name      string   `json:"name"`
	Component string   `json:"component"`
	Analyzers []string `json:"analyzers"`
	Reach     string   `json:"reach"`
	Note      string   `json:"note"`
	Blind     []struct {
		Analyzer string `json:"analyzer"`
		Reason   string `json:"reason"`
	} `json:"not_observable"`
}

// Run shows the plan.
func (p *PlanCmd) Run(c *Context) error {
	version := ""
	if p.Version != "" {
		name, err := versionName(p.Version)
		if err != nil {
			return err
		}
		version = "?version=" + strings.TrimPrefix(name, "v")
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	id, err := cl.packageID(c, p.Package, p.Domain)
	if err != nil {
		return err
	}
	plan, document, err := cl.plan(c, p.Domain, id, version)
	if err != nil {
		return err
	}
	return c.print(document, plan.show)
}

func (cl *client) plan(ctx context.Context, domain, id, version string) (*planLine, json.RawMessage, error) {
	var plan planLine
	document, err := cl.call(ctx, "GET", "/domains/"+url.PathEscape(domain)+"/packages/"+url.PathEscape(id)+"/plan"+version, nil, &plan)
	return &plan, document, err
}

// show puts the plan on a page: what is decided, then who must prove, then who uses the file.
func (x *planLine) show(p *page) {
	x.head(p)
	if x.Version == "" {
		return
	}
	if x.Restarts != nil {
		x.Restarts.show(p, x)
	} else {
		x.contents(p)
	}
	p.line("")
	t := newTable("NODE", "STANDING", "ROLE", "NOTE")
	for _, n := range x.Nodes {
		role := ""
		if n.Manager {
			role = "manager"
		}
		t.row(n.Name, n.Standing, role, n.Note)
	}
	p.table(t)
	if len(x.Users) == 0 {
		return
	}
	p.line("")
	t = newTable("USED BY", "NAME", "COMPONENT", "ANALYZERS", "REACHED BY", "NOTE")
	for _, u := range x.Users {
		notes := []string{u.Note}
		for _, b := range u.Blind {
			notes = append(notes, fmt.Sprintf("not observable: analyzer %s: %s", b.Analyzer, b.Reason))
		}
		t.row(u.UserKind, u.Name, u.Component, strings.Join(u.Analyzers, ", "), u.Reach, strings.TrimPrefix(strings.Join(notes, "; "), "; "))
	}
	p.table(t)
}

// head says what would be rolled out, and what stands in its way.
func (x *planLine) head(p *page) {
	former := "nothing serves yet"
	if x.Former != "" {
		former = x.Former + " serves"
	}
	switch {
	case x.Version == "":
		p.line("%s in %s: no version is available, %s", x.Name, x.Domain, former)
	case x.Serves:
		p.line("%s in %s: %s serves already, nothing would change", x.Name, x.Domain, x.Version)
	case x.Identical:
		p.line("%s in %s: %s, with the bytes of %s that serve: proven anew, not reloaded", x.Name, x.Domain, x.Version, x.Former)
	default:
		p.line("%s in %s: %s, %s", x.Name, x.Domain, x.Version, former)
	}
	if x.File != "" {
		p.line("file: %s", x.File)
	}
	if x.Refused != nil {
		p.line("refused: %s", x.Refused.Message)
	}
	if x.Frozen != "" {
		p.line("nothing moves: %s", x.Frozen)
	}
	if x.Hold != "" {
		p.line("it waits: %s", x.Hold)
	}
	for _, r := range x.Before {
		var steps []string
		for _, s := range r.Steps {
			steps = append(steps, strings.TrimSpace(fmt.Sprintf("%s %s %s", s.Action, orID(s.Name, s.PackageID), s.Version)))
		}
		line := fmt.Sprintf("first: rollout %s (%s): %s", r.ID, r.State, strings.Join(steps, ", "))
		if r.Waiting != "" {
			line += ": " + r.Waiting
		}
		p.line("%s", line)
	}
}

func orID(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

// contents says what is in the version and how it is tried.
func (x *planLine) contents(p *page) {
	x.changes(p)
	p.line("findings: %s", x.found())
	switch {
	case x.Probes.Chains == 0:
		p.line("probes: none, nodes cannot be asked about this file before it is placed")
	case x.Probes.Generic:
		p.line("probes: the generic chain of the kind, on each node, before anything is placed")
	default:
		p.line("probes: %d of the chains that use the file, on each node, before anything is placed", x.Probes.Chains)
	}
	switch w := x.Witnesses; {
	case w.Reason != "":
		p.line("witnesses: none: %s", w.Reason)
	default:
		p.line("witnesses: %s can be seen to have it loaded, %d cannot", counted(w.Analyzers, "analyzer"), w.Blind)
	}
	switch {
	case x.Checks.Reason != "":
		p.line("checks: none is run: %s", x.Checks.Reason)
	case x.Checks.Count > 0 && x.Former != "":
		p.line("checks: %d, run at the end on each node; one that fails brings %s back", x.Checks.Count, x.Former)
	case x.Checks.Count > 0:
		p.line("checks: %d, run at the end on each node", x.Checks.Count)
	}
	switch {
	case !x.Usage.Known:
		p.line("users: no node has said yet what its indices use")
	case x.Usage.Truncated:
		p.line("users: usage truncated, the cluster state is too large to see every index")
	case len(x.Users) == 0:
		p.line("users: no index and no template uses the file")
	}
}

// changes says what differs from the version that serves.
func (x *planLine) changes(p *page) {
	ch := x.Change
	if ch == nil {
		return
	}
	line := fmt.Sprintf("changes: %d added, %d removed, %d changed", ch.Added, ch.Removed, ch.Changed)
	if ch.Added+ch.Removed+ch.Changed == 0 && ch.Note != "" {
		line = "changes: " + ch.Note
	} else if ch.Note != "" {
		line += " (" + ch.Note + ")"
	}
	if len(ch.Texts) > 0 {
		line += ": " + strings.Join(ch.Texts, ", ")
	}
	p.line("%s", line)
}

// found counts the findings by severity, the gravest first.
func (x *planLine) found() string {
	return cmp.Or(bySeverity(x.Findings.BySeverity, x.Findings.Count), "none")
}
