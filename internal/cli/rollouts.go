package cli

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// RolloutsCmd shows rollouts and proofs.
type RolloutsCmd struct {
	Domain string `arg:"" help:"The domain."`
	Limit  int    `env:"-" default:"20" help:"At most this many, the newest."`
}

// maxRollouts is how many rollouts the extension API gives at once.
const maxRollouts = 100

// Help stands below the flags.
func (*RolloutsCmd) Help() string {
	return "Example:\n  searchpack rollouts products --limit 1"
}

// rolloutLine is what the table shows of a rollout of the extension API.
type rolloutLine struct {
	ID        string                  `json:"id"`
	State     searchpack.RolloutState `json:"state"`
	Phase     searchpack.Phase        `json:"phase"`
	Steps     []stepLine              `json:"steps"`
	Restart   *restartLine            `json:"restart"`
	Waiting   string                  `json:"waiting"`
	Reason    string                  `json:"reason"`
	StartedAt *time.Time              `json:"started_at"`
	EndedAt   *time.Time              `json:"ended_at"`
}

// restartLine is the node that a rollout is restarting.
type restartLine struct {
	AgentID string                  `json:"agent_id"`
	Stage   searchpack.RestartStage `json:"stage"`
}

type stepLine struct {
	PackageID string            `json:"package_id"`
	Action    searchpack.Action `json:"action"`
	Version   string            `json:"version"`
	Former    string            `json:"former"`
}

// Run shows rollouts and proofs.
func (r *RolloutsCmd) Run(c *Context) error {
	if r.Limit < 1 || r.Limit > maxRollouts {
		return usagef("--limit is a number from 1 to %d", maxRollouts)
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	// The members of two answers of the extension API, as they came.
	var document struct {
		Domain   string          `json:"domain"`
		Rollouts json.RawMessage `json:"rollouts"`
		Proofs   json.RawMessage `json:"proofs"`
	}
	domain := "/domains/" + url.PathEscape(r.Domain)
	if _, err := cl.call(c, "GET", fmt.Sprintf("%s/rollouts?limit=%d", domain, r.Limit), nil, &document); err != nil {
		return err
	}
	if _, err := cl.call(c, "GET", domain+"/proofs", nil, &document); err != nil {
		return err
	}
	var rollouts []rolloutLine
	var proofs []searchpack.Proof
	if json.Unmarshal(document.Rollouts, &rollouts) != nil || json.Unmarshal(document.Proofs, &proofs) != nil {
		return fmt.Errorf("%s answers something that is not Searchpack's extension API", cl.endpoint)
	}
	names, err := cl.restarted(c, domain, rollouts)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		t := newTable("STARTED", "TOOK", "ACTION", "PACKAGE", "VERSION", "FORMER", "STATE", "PHASE", "WHY")
		for _, x := range rollouts {
			addRollout(c, t, x, names)
		}
		p.table(t)
		for _, x := range rollouts {
			if x.State.Open() {
				p.line("open: %s (searchpack rollout pause, resume or abort %s %s)", x.ID, r.Domain, x.ID)
			}
		}
		if len(proofs) == 0 {
			return
		}
		p.line("")
		t = newTable("PACKAGE", "NODE", "VERSION", "LEVEL", "DIGEST", "SINCE", "PROBE", "")
		for _, x := range proofs {
			t.row(x.PackageID, x.NodeName, fmt.Sprintf("v%d", x.Version), x.Level, x.Digest.Short(), c.ago(x.At), proofText(&x))
		}
		p.table(t)
	})
}

// restarted are the names of nodes by agent id, where a rollout names one.
func (cl *client) restarted(c *Context, domain string, rollouts []rolloutLine) (map[string]string, error) {
	if !slices.ContainsFunc(rollouts, func(r rolloutLine) bool { return r.Restart != nil }) {
		return nil, nil
	}
	var v catalog.NodesView
	if _, err := cl.call(c, "GET", domain+"/nodes", nil, &v); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, n := range v.Nodes {
		names[n.AgentID] = n.Name
	}
	return names, nil
}

// phaseText is the phase, and how far it is with which node.
func phaseText(r rolloutLine, names map[string]string) string {
	if r.Restart == nil {
		return string(r.Phase)
	}
	return fmt.Sprintf("%s: %s of %s", r.Phase, r.Restart.Stage, orID(names[r.Restart.AgentID], r.Restart.AgentID))
}

func addRollout(c *Context, t *table, r rolloutLine, names map[string]string) {
	started, took := "", ""
	if r.StartedAt != nil {
		started = c.ago(*r.StartedAt)
		if r.EndedAt != nil {
			took = r.EndedAt.Sub(*r.StartedAt).Round(time.Millisecond).String()
		}
	}
	why := r.Reason
	if r.State.Open() {
		why = r.Waiting
	}
	for _, s := range r.Steps {
		t.row(started, took, s.Action, s.PackageID, s.Version, s.Former, r.State, phaseText(r, names), why)
	}
}

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

// proofText says what was probed, and what the node has loaded.
func proofText(p *searchpack.Proof) string {
	if p.Witness == "" {
		return p.Probe
	}
	return p.Probe + "; " + p.Witness
}
