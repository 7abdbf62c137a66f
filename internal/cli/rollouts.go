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
	ID     string `arg:"" optional:"" help:"Only this one, of the newest 100: its steps, and what each node has proven of its packages."`
	Limit  int    `env:"-" default:"20" help:"At most this many, the newest."`
}

// maxRollouts is how many rollouts the extension API gives at once.
const maxRollouts = 100

// Help stands below the flags.
func (*RolloutsCmd) Help() string {
	return "Examples:\n  searchpack rollouts products --limit 5\n  searchpack rollouts products ID"
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
	domain, limit := "/domains/"+url.PathEscape(r.Domain), r.Limit
	if r.ID != "" {
		limit = maxRollouts
	}
	if _, err := cl.call(c, "GET", fmt.Sprintf("%s/rollouts?limit=%d", domain, limit), nil, &document); err != nil {
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
	if r.ID != "" {
		i := slices.IndexFunc(rollouts, func(x rolloutLine) bool { return x.ID == r.ID })
		if i < 0 {
			return fmt.Errorf("there is no rollout %s among the newest %d of domain %s: searchpack rollouts %s lists them", r.ID, maxRollouts, r.Domain, r.Domain)
		}
		rollouts = rollouts[i : i+1]
		document.Rollouts, document.Proofs = only(document.Rollouts, func(x rolloutLine) bool { return x.ID == r.ID }), only(document.Proofs, rollouts[0].concerns)
		proofs = slices.DeleteFunc(proofs, func(x searchpack.Proof) bool { return !rollouts[0].concerns(x) })
	}
	names, err := cl.restarted(c, domain, rollouts)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		if r.ID != "" {
			rollouts[0].show(p, c, r.Domain, names, proofs)
			return
		}
		t := newTable("ROLLOUT", "STARTED", "TOOK", "STATE", "PHASE", "STEPS", "WHY")
		for _, x := range rollouts {
			started, took := x.times(c)
			t.row(x.ID, started, took, x.State, phaseText(x, names), x.steps(), x.why())
		}
		p.table(t)
		for _, x := range rollouts {
			x.showOpen(p, r.Domain)
		}
	})
}

// only keeps those of a list of the extension API for which keep is true, as they came.
func only[T any](list json.RawMessage, keep func(T) bool) json.RawMessage {
	var all []json.RawMessage
	_ = json.Unmarshal(list, &all) // it was read before
	out := slices.DeleteFunc(all, func(one json.RawMessage) bool {
		var x T
		return json.Unmarshal(one, &x) != nil || !keep(x)
	})
	text, err := json.Marshal(out)
	if err != nil {
		return list
	}
	return text
}

// concerns: the proof is of one of the rollout's packages.
func (r *rolloutLine) concerns(p searchpack.Proof) bool {
	return slices.ContainsFunc(r.Steps, func(s stepLine) bool { return s.PackageID == p.PackageID })
}

// show puts all of a rollout on a page: its steps, and what each node has proven.
func (r *rolloutLine) show(p *page, c *Context, domain string, names map[string]string, proofs []searchpack.Proof) {
	started, took := r.times(c)
	t := newTable("STARTED", "TOOK", "ACTION", "PACKAGE", "VERSION", "FORMER", "STATE", "PHASE", "WHY")
	for _, s := range r.Steps {
		t.row(started, took, s.Action, s.PackageID, s.Version, s.Former, r.State, phaseText(*r, names), r.why())
	}
	p.table(t)
	r.showOpen(p, domain)
	if len(proofs) == 0 {
		return
	}
	p.line("")
	t = newTable("PACKAGE", "NODE", "VERSION", "LEVEL", "DIGEST", "SINCE", "PROBE", "")
	for _, x := range proofs {
		t.row(x.PackageID, x.NodeName, fmt.Sprintf("v%d", x.Version), x.Level, x.Digest.Short(), c.ago(x.At), proofText(&x))
	}
	p.table(t)
}

func (r *rolloutLine) showOpen(p *page, domain string) {
	if r.State.Open() {
		p.line("open: %s (searchpack rollout pause, resume or abort %s %s)", r.ID, domain, r.ID)
	}
}

// steps in one line: "associate F1 v2 (v1 before), dissociate F2".
func (r *rolloutLine) steps() string {
	var all []string
	for _, s := range r.Steps {
		text := strings.TrimSpace(fmt.Sprintf("%s %s %s", s.Action, s.PackageID, s.Version))
		if s.Former != "" {
			text += " (" + s.Former + " before)"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// why it ended so, or what it waits for.
func (r *rolloutLine) why() string {
	if r.State.Open() {
		return r.Waiting
	}
	return r.Reason
}

// times are when it began and how long it took; "" = not yet.
func (r *rolloutLine) times(c *Context) (started, took string) {
	if r.StartedAt != nil {
		started = c.ago(*r.StartedAt)
		if r.EndedAt != nil {
			took = r.EndedAt.Sub(*r.StartedAt).Round(time.Millisecond).String()
		}
	}
	return started, took
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

// proofText says what was probed, and what the node has loaded.
func proofText(p *searchpack.Proof) string {
	if p.Witness == "" {
		return p.Probe
	}
	return p.Probe + "; " + p.Witness
}
