package extapi

import (
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/rollout"
)

// planJSON is what would happen if a version were associated now.
type planJSON struct {
	Domain    string          `json:"domain"`
	PackageID string          `json:"package_id"`
	Name      string          `json:"name"`
	Version   string          `json:"version,omitempty"` // absent: none is available
	Former    string          `json:"former,omitempty"`  // the version that serves; absent: none
	Kind      searchpack.Kind `json:"kind,omitempty"`
	File      string          `json:"file,omitempty"` // where it would lie on the nodes; absent: nowhere (plugins)
	Serves    bool            `json:"serves"`         // already: there is nothing to roll out
	Identical bool            `json:"identical"`      // the same bytes serve
	Refused   *refusedJSON    `json:"refused,omitempty"`
	// Frozen and Hold say why nothing would move.
	Frozen string            `json:"frozen,omitempty"`
	Hold   string            `json:"hold,omitempty"`
	Nodes  []planNodeJSON    `json:"nodes"`
	Before []planRolloutJSON `json:"before"`
	Probes planProbesJSON    `json:"probes"`
	Users  []planUserJSON    `json:"users"`
	Usage  planUsageJSON     `json:"usage"`
	Seen   planWitnessJSON   `json:"witnesses"`
	Checks planChecksJSON    `json:"checks"`
	Found  planFindingsJSON  `json:"findings"`
	// Restarts of nodes that a plugin takes; absent: it is no plugin.
	Restarts *planRestartsJSON   `json:"restarts,omitempty"`
	Change   *catalog.Difference `json:"change,omitempty"` // from the former version; absent: not known
}

// planRestartsJSON is what a plugin's rollout does with the nodes.
type planRestartsJSON struct {
	Nodes     []planRestartJSON `json:"nodes"`      // in the order of their turns
	Policy    string            `json:"policy"`     // careful, or any
	OneNode   bool              `json:"one_node"`   // every index is away while it starts
	FilesOnly bool              `json:"files_only"` // nothing is restarted
	// Expected by former restarts of the domain; absent: not known, or no agent restarts a node.
	Expected *planExpectedJSON `json:"expected,omitempty"`
}

type planExpectedJSON struct {
	Seconds        int64 `json:"seconds"` // for the nodes that their agents restart
	SecondsANode   int64 `json:"seconds_a_node"`
	FormerRestarts int   `json:"former_restarts"` // that say so
}

type planRestartJSON struct {
	Name    string `json:"name"`
	AgentID string `json:"agent_id"`
	Manager bool   `json:"manager"`
	Restart string `json:"restart"` // own, or external
	Note    string `json:"note,omitempty"`
}

func restartsOf(v *catalog.PlanView) *planRestartsJSON {
	r := v.Restarts
	if r == nil {
		return nil
	}
	x := &planRestartsJSON{Nodes: []planRestartJSON{}, Policy: restartCareful, OneNode: r.OneNode, FilesOnly: r.FilesOnly}
	if r.Any {
		x.Policy = searchpack.RestartAny
	}
	own := 0
	for _, n := range r.Nodes {
		by := catalog.RestartsExternal
		if n.Own {
			by, own = catalog.RestartsOwn, own+1
		}
		x.Nodes = append(x.Nodes, planRestartJSON{n.Name, n.AgentID, n.Manager, by, n.Note})
	}
	if turn := v.TurnTime; own > 0 && turn > 0 {
		x.Expected = &planExpectedJSON{seconds(time.Duration(own) * turn), seconds(turn), v.FormerRestarts}
	}
	return x
}

// seconds are whole ones, at least one.
func seconds(d time.Duration) int64 { return max(1, int64(d.Round(time.Second)/time.Second)) }

type refusedJSON struct {
	Code    searchpack.Code `json:"code"`
	Message string          `json:"message"`
}

type planNodeJSON struct {
	Name     string           `json:"name"`
	AgentID  string           `json:"agent_id,omitempty"`
	NodeID   string           `json:"node_id,omitempty"`
	Standing rollout.Standing `json:"standing"`
	Note     string           `json:"note,omitempty"`
	Manager  bool             `json:"manager"`
}

// planRolloutJSON is an open rollout that ends first.
type planRolloutJSON struct {
	ID      string                  `json:"id"`
	State   searchpack.RolloutState `json:"state"`
	Phase   searchpack.Phase        `json:"phase,omitempty"`
	Waiting string                  `json:"waiting,omitempty"`
	Steps   []planStepJSON          `json:"steps"`
}

type planStepJSON struct {
	stepJSON
	Name string `json:"name,omitempty"`
}

type planProbesJSON struct {
	Chains  int  `json:"chains"`  // that each node is asked to build before anything is placed
	Generic bool `json:"generic"` // none of an index or template
}

type planUserJSON struct {
	UserKind  searchpack.UserKind `json:"user_kind"`
	Name      string              `json:"name"`
	Closed    bool                `json:"closed,omitempty"`
	Component string              `json:"component"`
	Analyzers []string            `json:"analyzers,omitempty"`
	Fields    []string            `json:"fields,omitempty"`
	Reach     rollout.Reach       `json:"reach"`
	Note      string              `json:"note,omitempty"`
	Blind     []planBlindJSON     `json:"not_observable,omitempty"`
}

type planBlindJSON struct {
	Analyzer string `json:"analyzer"`
	Reason   string `json:"reason"`
}

type planUsageJSON struct {
	Known     bool       `json:"known"`
	Truncated bool       `json:"truncated"`
	At        *time.Time `json:"at,omitempty"`
}

type planWitnessJSON struct {
	Analyzers int    `json:"analyzers"`        // that nodes are asked about after the reload
	Blind     int    `json:"not_observable"`   // that cannot be asked
	Reason    string `json:"reason,omitempty"` // why nothing is asked
}

type planChecksJSON struct {
	Count  int    `json:"count"`            // that are run at the end
	Reason string `json:"reason,omitempty"` // why those of the version are not
}

type planFindingsJSON struct {
	Count      int                         `json:"count"` // exact
	BySeverity map[searchpack.Severity]int `json:"by_severity"`
}

func (e *edge) plan(c call) (any, error) {
	n, err := c.number("version", 1, maxVersion, 0)
	if err != nil {
		return nil, err
	}
	var prerequisites []string // nil: as before
	if list := c.query.Get("prerequisite"); list != "" {
		prerequisites = strings.Split(list, ",")
	}
	v, err := e.Catalog.Plan(c.Context(), c.who, c.PathValue("domain"), c.PathValue("package"), int(n), prerequisites)
	if err != nil {
		return nil, err
	}
	return planOf(v), nil
}

func planOf(v *catalog.PlanView) planJSON {
	p := planJSON{
		Domain: v.Domain, PackageID: v.Package.ID, Name: v.Package.Name, Serves: v.Serves, Identical: v.Identical,
		Frozen: v.Members.Frozen, Hold: v.Members.Hold, Nodes: []planNodeJSON{}, Before: []planRolloutJSON{}, Users: []planUserJSON{},
		Probes: planProbesJSON{Chains: v.Probes, Generic: v.Generic},
		Usage:  planUsageJSON{Known: v.UsageKnown, Truncated: v.Truncated},
		Seen:   planWitnessJSON{Analyzers: v.Points, Reason: v.NoWitness},
		Checks: planChecksJSON{Count: v.Checks, Reason: v.NoChecks},
		Found:  planFindingsJSON{Count: v.FindingCount, BySeverity: v.Findings},
		Change: v.Difference, Restarts: restartsOf(v),
	}
	if v.Package.Type == searchpack.TypeDictionary {
		p.File = searchpack.FilePath(v.Package.ID, v.Adopted)
	}
	if v.Version != nil {
		p.Version, p.Kind = VersionName(v.Version.Number), v.Version.Kind
	}
	if v.Former != nil {
		p.Former = VersionName(v.Former.Number)
	}
	if v.UsageKnown {
		p.Usage.At = instant(v.UsageAt)
	}
	if v.Refused != nil {
		p.Refused = &refusedJSON{v.Refused.Code, v.Refused.Message}
	}
	for _, s := range v.Members.Nodes {
		p.Nodes = append(p.Nodes, planNodeJSON{s.Name, s.AgentID, s.NodeID, s.Standing, s.Reason, s.Manager})
	}
	for _, r := range v.Before {
		x := planRolloutJSON{ID: r.ID, State: r.State, Phase: r.Phase, Waiting: r.Waiting, Steps: []planStepJSON{}}
		for _, s := range stepsOf(&r, v.Versions) {
			x.Steps = append(x.Steps, planStepJSON{s, v.Names[s.PackageID]})
		}
		p.Before = append(p.Before, x)
	}
	for _, u := range v.Users {
		user := userOf(u)
		p.Users = append(p.Users, user)
		p.Seen.Blind += len(user.Blind)
	}
	return p
}

func userOf(u rollout.UserOutlook) planUserJSON {
	x := planUserJSON{
		UserKind: u.UserKind, Name: u.Name, Closed: u.Closed, Component: u.Component, Analyzers: u.Analyzers, Fields: u.Fields,
		Reach: u.Reach, Note: u.Note,
	}
	for _, w := range u.Witnesses {
		if w.Blind != "" {
			x.Blind = append(x.Blind, planBlindJSON{w.Analyzer, w.Blind})
		}
	}
	return x
}
