package cli

import (
	"net/url"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// UsageCmd shows who uses packages.
type UsageCmd struct {
	Package string `arg:"" help:"Name or id."`
	Domain  string `required:"" env:"-" placeholder:"DOMAIN" help:"In this domain."`
}

// Help stands below the flags.
func (*UsageCmd) Help() string {
	return "Example:\n  searchpack usage synonyms --domain products"
}

// useLine is a use of the extension API, whose chains are a number only.
type useLine struct {
	searchpack.Use
	Chains int `json:"chains"`
}

// Run shows who uses a package.
func (u *UsageCmd) Run(c *Context) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	id, err := cl.packageID(c, u.Package, u.Domain)
	if err != nil {
		return err
	}
	var answer struct {
		Known     bool                    `json:"known"`
		Truncated bool                    `json:"truncated"`
		At        time.Time               `json:"at"`
		Uses      []useLine               `json:"uses"`
		Needs     *searchpack.NeedsReport `json:"needs"`
	}
	path := "/domains/" + url.PathEscape(u.Domain) + "/usage?package_id=" + url.QueryEscape(id)
	document, err := cl.call(c, "GET", path, nil, &answer)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		switch {
		case !answer.Known:
			p.line("No node of %s has said yet what its indices use (files-only nodes have none).", u.Domain)
			return
		case answer.Needs != nil:
			u.plugin(p, answer.Needs)
			return
		case answer.Truncated:
			p.line("The cluster state is too large to send: usage truncated.")
		case len(answer.Uses) == 0:
			p.line("Nothing in %s used it %s: no index and no template.", u.Domain, c.ago(answer.At))
			return
		}
		if at := answer.Uses[0].Path; at != "" {
			p.line("The file was adopted at %s.", at)
		}
		t := newTable("USED BY", "NAME", "COMPONENT", "KEY", "ANALYZERS", "A NEW VERSION COMES BY", "FIELDS")
		for _, x := range answer.Uses {
			t.row(x.UserKind, x.Name, x.Component, x.Key, strings.Join(x.Analyzers, ", "), reached(x.Use), strings.Join(x.Fields, ", "))
		}
		p.table(t)
	})
}

// plugin says who needs one, and what cannot be seen.
func (u *UsageCmd) plugin(p *page, r *searchpack.NeedsReport) {
	switch {
	case r.Truncated:
		p.line("The cluster's metadata is too large to be read: not everybody who needs the plugin is known.")
	case len(r.Needs) == 0:
		p.line("Nothing in %s was seen that needs the plugin.", u.Domain)
	}
	t := newTable("NEEDED BY", "KIND", "NAME", "NOTE")
	for _, x := range r.Needs {
		t.row(x.User, x.Kind, x.Name, "")
	}
	for _, x := range r.Doubts {
		note := "does not keep the plugin from being removed"
		if x.Other != "" {
			note = "plugin " + x.Other + " may supply it too: " + note
		}
		t.row(x.User, x.Kind, x.Name, note)
	}
	if len(r.Needs)+len(r.Doubts) > 0 {
		p.table(t)
	}
	if more := r.MoreNeeds + r.MoreDoubts; more > 0 {
		p.line("And %d more.", more)
	}
	p.line("Queries and scripts of applications cannot be seen, nor names that a plugin puts together at run time. The nodes' own configuration is looked at when the plugin is removed.")
}

// reached says how a new version reaches a user of the file.
func reached(u searchpack.Use) string {
	switch {
	case u.FileKind == searchpack.KindHunspell && u.HotReload && u.UserKind == searchpack.UserIndex && !u.Closed:
		return "hot reload (OpenSearch 3.7 or newer), else restart"
	case u.FileKind == searchpack.KindHunspell:
		return "restart of the nodes"
	case u.UserKind != searchpack.UserIndex:
		return "each new index"
	case u.Closed:
		return "opening the index"
	case u.HotReload:
		return "hot reload"
	}
	return "close and open, or reindex"
}
