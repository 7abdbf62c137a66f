package searchpack

import "time"

// RolloutState says whether a rollout waits, runs or has ended.
type RolloutState string

// The rollout states. At most one rollout of a domain is RolloutRunning, and at most one RolloutParked: it
// has begun, and lets others run while it waits for somebody.
const (
	RolloutQueued  RolloutState = "queued"
	RolloutRunning RolloutState = "running"
	RolloutParked  RolloutState = "parked"
	RolloutDone    RolloutState = "done"
	RolloutFailed  RolloutState = "failed"
	RolloutAborted RolloutState = "aborted"
)

// Open reports whether the rollout has not ended.
func (s RolloutState) Open() bool { return s == RolloutQueued || s.Begun() }

// Begun reports whether the rollout has begun and has not ended.
func (s RolloutState) Begun() bool { return s == RolloutRunning || s == RolloutParked }

// Phase is how far a running rollout has come. Associate steps go through PhaseLook to PhaseProve, and
// those with checks through PhaseVerify; on failure after PhasePlace through PhaseReturn and
// PhaseReturnReload; dissociate steps through PhaseLook, PhaseHide, PhaseLookAgain, and PhaseRemove or
// PhaseUnhide. Plugins also go through PhaseRestart, and back through PhaseReturnRestart.
type Phase string

// The phases.
const (
	PhaseLook   Phase = "look"   // read the cluster state: who uses the file
	PhaseFetch  Phase = "fetch"  // candidates on every node
	PhaseProbe  Phase = "probe"  // one node first, then the others
	PhasePlace  Phase = "place"  // all nodes at once, by rename
	PhaseReload Phase = "reload" // refresh search analyzers
	PhaseProve  Phase = "prove"  // every node proves the live file
	PhaseVerify Phase = "verify" // the checks that were shipped with the version

	// PhaseRestart: one node after the other gets its plugins changed, at a start of its own.
	PhaseRestart       Phase = "restart"
	PhaseReturnRestart Phase = "return-restart" // the nodes that have them get the former ones back

	PhaseReturn       Phase = "return"        // the former version back everywhere
	PhaseReturnReload Phase = "return-reload" // and loaded again

	PhaseHide      Phase = "hide"       // renamed away, elected manager first
	PhaseLookAgain Phase = "look-again" // on a cluster state newer than the last hide
	PhaseRemove    Phase = "remove"
	PhaseUnhide    Phase = "unhide" // somebody names it: renamed back everywhere
)

// Action of a rollout step.
type Action string

// The actions.
const (
	ActionAssociate  Action = "associate"
	ActionDissociate Action = "dissociate"
)

// RolloutStep is one package's part of a rollout.
type RolloutStep struct {
	PackageID string `json:"package_id"`
	Action    Action `json:"action"`
	VersionID string `json:"version_id,omitempty"` // to associate
	FormerID  string `json:"former_id,omitempty"`  // what served when the rollout began running
	// Line are the versions of the plugin's line when the rollout began running, by preference: what is
	// published later changes nothing on the way. Empty for what is no plugin.
	Line []string `json:"line,omitempty"`
	// Texts that the version and the former one may turn into different terms. The worker makes them
	// when the rollout begins to run; TextsMade says that it has, also when there are none.
	Texts     []string `json:"texts,omitempty"`
	TextsMade bool     `json:"texts_made,omitempty"`
	// Stale, of the first step, is what the reload was last repeated for: a node that had something else
	// loaded, and in which index.
	Stale string `json:"stale,omitempty"`
}

// Rollout is the ordered association steps that a domain carries out as one. What Decide cannot
// derive from what is wanted and reported stands here: phase, former versions, the reason of a
// failure, and Round.
type Rollout struct {
	ID        string
	Domain    DomainKey
	State     RolloutState
	Phase     Phase
	Steps     []RolloutStep
	Round     int    // grows with each phase change; part of duty ids, so that a duty is asked anew
	FirstNode string // agent id of the node that probes first
	Reason    string // why it failed or was aborted; shown to users
	ErrorType string // the ErrorDetails type that goes with Reason
	Waiting   string // what it waits for now, in one sentence
	// Baseline are the copies that were unassigned before the first node was restarted; nil = not read
	// yet. Restart is the node being restarted; nil = none.
	Baseline *ClusterHealth
	Restart  *Restart
	// Paused says who holds the rollout where it is; "" = nobody. Abort says who wants it to end: what
	// was placed goes back first.
	Paused    string
	Abort     string
	CreatedAt time.Time
	StartedAt time.Time // zero while queued
	PhaseAt   time.Time // when the phase began
	EndedAt   time.Time // zero while open
}

// Proof is what ACTIVE rests on, for one node and one package.
type Proof struct {
	Domain    DomainKey `json:"-"`
	AgentID   string    `json:"agent_id"`
	NodeName  string    `json:"node"`
	PackageID string    `json:"package_id"`
	VersionID string    `json:"version_id"`
	Version   int       `json:"version"`
	Level     Level     `json:"level"`
	Digest    Digest    `json:"digest"`
	Probe     string    `json:"probe"` // what was probed, in words: "3 chains of 2 indices", "generic chain", "no OpenSearch"
	// Witness says what the node's analyzers have loaded, in words: "2 analyzers matched"; "" = not
	// asked.
	Witness string    `json:"witness,omitempty"`
	At      time.Time `json:"at"` // since when, by the server's clock
}
