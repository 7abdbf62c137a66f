package searchpack

import (
	"fmt"
	"time"
)

// Report is what a node is like, as its agent saw it. It is complete: each report replaces the
// one before. (Epoch, Seq) orders the reports of one agent; an older one that arrives late is
// dropped.
type Report struct {
	Schema     int    `json:"schema"`     // 1
	Epoch      int64  `json:"epoch"`      // grows with each start of the agent, kept in its state folder
	Seq        int64  `json:"seq"`        // grows with each report of one epoch
	Generation int64  `json:"generation"` // of the order that the agent last took in
	Version    string `json:"version"`    // of the agent
	// Node is nil while OpenSearch does not answer; NodeError then says why.
	Node      *NodeFacts `json:"node,omitempty"`
	NodeError string     `json:"node_error,omitempty"`

	Files      []FileReport      `json:"files,omitempty"`      // every package file that Searchpack placed here
	Candidates []CandidateReport `json:"candidates,omitempty"` // of the candidates ordered
	Probes     []ProbeResult     `json:"probes,omitempty"`     // of the probes ordered
	Duties     []DutyResult      `json:"duties,omitempty"`     // of the duties ordered
	Plugins    []PluginReport    `json:"plugins,omitempty"`    // every plugin that Searchpack brought, or was told to
	// OpenSearch is the version that lies in the node's home, with which it starts next; "" = not known.
	OpenSearch string `json:"opensearch,omitempty"`
	// RestartMode is how this node is restarted.
	RestartMode RestartMode `json:"restart_mode,omitempty"`
	Incidents   []Incident  `json:"incidents,omitempty"` // newest last; sent until the server has them, told apart by id
	// Problems are what a person must mend on this node: "analyzers/ is read-only: ...".
	Problems []string `json:"problems,omitempty"`
}

// NodeFacts is what the node says of itself and of its cluster, all from its own (local) cluster
// state.
type NodeFacts struct {
	ClusterUUID  string   `json:"cluster_uuid"`
	ClusterName  string   `json:"cluster_name"`
	NodeID       string   `json:"node_id"`
	EphemeralID  string   `json:"ephemeral_id"`
	Name         string   `json:"name"`
	Version      string   `json:"version"` // of OpenSearch: "3.8.0"
	Roles        []string `json:"roles"`
	HTTPAddress  string   `json:"http_address"` // host:port that the node publishes
	ManagerID    string   `json:"manager_id"`   // node id of the elected manager; "" = none known
	Term         int64    `json:"term"`
	StateVersion int64    `json:"state_version"`
	Members      []Member `json:"members"` // the node list of that cluster state
	RefreshAPI   bool     `json:"refresh_api"`
	// Java is the release that runs the node, StartedAt when its JVM started, by the node's clock.
	Java      int       `json:"java,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	// Plugins that the node has loaded.
	Plugins []LoadedPlugin `json:"plugins,omitempty"`
	// FilesOnly: there is no OpenSearch; ids are the agent's own.
	FilesOnly bool `json:"files_only,omitempty"`
}

// Member is one node in a cluster state's node list.
type Member struct {
	NodeID      string `json:"node_id"`
	EphemeralID string `json:"ephemeral_id"`
	Name        string `json:"name"`
}

// FileReport is one package file on the node's disk, by digest, not by belief.
type FileReport struct {
	PackageID string `json:"package_id"`
	// State is live or hidden. FileRemoved: known before, now gone as ordered. FileAdopt: looked at only.
	// FileReleased: left as it is, as ordered.
	State FileState `json:"state"`
	Path  string    `json:"path,omitempty"` // of an adopted file
	// Digest of the bytes that lie there now. Of a folder that is as its zip says, the zip's; of every
	// other folder, one of its names and files.
	Digest Digest `json:"digest"`
	Size   int64  `json:"size"`
	Tree   bool   `json:"tree,omitempty"` // a folder lies there
	// Refused: the node does not let the file be adopted, or it cannot be; Error says why. A person must
	// change that.
	Refused bool   `json:"refused,omitempty"`
	Error   string `json:"error,omitempty"` // why it is not as ordered
}

// CandidateReport is how far a candidate has come.
type CandidateReport struct {
	Digest  Digest `json:"digest"`
	Ready   bool   `json:"ready"`   // verified, lies at CandidatePath
	Fetched int64  `json:"fetched"` // bytes so far
	Error   string `json:"error,omitempty"`
	// Refused says why the node would not take or not survive a plugin; "" if nothing is known against
	// it. Nothing was changed.
	Refused string `json:"refused,omitempty"`
}

// ProbeResult answers a Probe.
type ProbeResult struct {
	ID      string  `json:"id"`
	Digest  Digest  `json:"digest"` // of the bytes that were read
	Verdict Verdict `json:"verdict"`
	Status  int     `json:"status,omitempty"` // HTTP
	Reason  string  `json:"reason,omitempty"` // OpenSearch's words, cut to 500 characters
}

// DutyResult answers a Duty.
type DutyResult struct {
	ID   string `json:"id"`
	Done bool   `json:"done"` // carried out; look into Refreshed for what came of it
	// Error says why it is not done. The agent tries again by itself while the duty is ordered.
	Error     string         `json:"error,omitempty"`
	Refreshed []IndexRefresh `json:"refreshed,omitempty"`
	// NoRefreshAPI: OpenSearch has no route for it (no index-management).
	NoRefreshAPI bool `json:"no_refresh_api,omitempty"`
	// Witnessed answers the witnesses of the duty, in their order.
	Witnessed []WitnessReport `json:"witnessed,omitempty"`
	// Health answers DutyHealth.
	Health *ClusterHealth `json:"health,omitempty"`
	// Preview answers the preview of the duty.
	Preview *PreviewReport `json:"preview,omitempty"`
	// Verified answers the checks of the duty, in their order.
	Verified []CheckResult `json:"verified,omitempty"`
	// Needs answers DutyNeeds.
	Needs *NeedsReport `json:"needs,omitempty"`
}

// WitnessState is what an analyzer that a node has loaded turned out to be.
type WitnessState string

// The witness states. All but WitnessFormer, WitnessOther and WitnessUnanswered are as good as a
// proof can be.
const (
	// WitnessMatched: the terms are those of the live file, and not those of the former file or of what
	// was loaded before.
	WitnessMatched WitnessState = "matched"
	// WitnessSame: no text tells live and former file apart here.
	WitnessSame    WitnessState = "indistinguishable"
	WitnessBlind   WitnessState = "not observable" // no usable field, or the chain cannot be asked
	WitnessNothing WitnessState = "nothing loaded" // the node holds no started copy of the index
	WitnessFormer  WitnessState = "former"         // the terms are those of the former file
	WitnessOther   WitnessState = "other"          // neither
	// WitnessUnanswered: the node gave no answer, Reason says why.
	WitnessUnanswered WitnessState = "unanswered"
)

// Loaded reports whether the state allows for a proof at LevelLoaded.
func (s WitnessState) Loaded() bool {
	return s == WitnessMatched || s == WitnessSame || s == WitnessBlind || s == WitnessNothing
}

// WitnessReport is what one node's loaded analyzers gave for one witness.
type WitnessReport struct {
	// Counts of the points by state.
	Counts map[WitnessState]int `json:"counts"`
	// Open lists points that are not loaded, MaxOpenWitnesses at most.
	Open []WitnessFinding `json:"open,omitempty"`
}

// MaxOpenWitnesses bounds the points that a report names.
const MaxOpenWitnesses = 20

// WitnessFinding is one point that does not show the live file. The terms that came back stay on the
// node: a chain may read files that are nobody else's business.
type WitnessFinding struct {
	WitnessPlace
	State  WitnessState `json:"state"`
	Text   string       `json:"text,omitempty"` // that was sent
	Reason string       `json:"reason,omitempty"`
}

// IndexRefresh is what refreshing one index's search analyzers gave.
type IndexRefresh struct {
	Index     string   `json:"index"`
	Gone      bool     `json:"gone,omitempty"` // deleted or closed since
	Analyzers []string `json:"analyzers,omitempty"`
	Failed    int      `json:"failed,omitempty"` // copies
	Reason    string   `json:"reason,omitempty"`
}

// IncidentKind says what was found.
type IncidentKind string

// The incidents.
const (
	IncidentChanged IncidentKind = "changed" // a placed file had other bytes
	IncidentMissing IncidentKind = "missing" // a placed file was gone
	// IncidentRights: a placed file had another owner, group or mode; its bytes were right.
	IncidentRights IncidentKind = "rights"
	// IncidentTurnedBack: a node that had proven a version showed by witness that it has another one
	// loaded. The server finds it, by what the node shows; the others are found by agents.
	IncidentTurnedBack IncidentKind = "turned back"
)

// Incident is one thing that went wrong on a node behind Searchpack's back.
type Incident struct {
	ID        string       `json:"id"`
	Kind      IncidentKind `json:"kind"`
	PackageID string       `json:"package_id"`
	Found     Digest       `json:"found,omitempty"` // what lay there; "" if it has no digest or is not known
	Wanted    Digest       `json:"wanted"`
	Healed    bool         `json:"healed"`
	At        time.Time    `json:"at"`                 // the clock of who found it: the agent's, or the server's
	HealedAt  time.Time    `json:"healed_at,omitzero"` // the same clock; zero while not healed
	// Index, Analyzer and Text say by what a node turned out to have turned back.
	Index    string `json:"index,omitempty"`
	Analyzer string `json:"analyzer,omitempty"`
	Text     string `json:"text,omitempty"`
}

// TurnedBackID begins the ids of the server's own incidents; agents may give none such.
const TurnedBackID = "turned-back-"

// Words say what was found, without the package: "had other bytes (0123456789ab)".
func (i *Incident) Words() string {
	switch {
	case i.Kind == IncidentMissing:
		return "was gone"
	case i.Kind == IncidentRights:
		return "had another owner or mode"
	case i.Kind == IncidentTurnedBack:
		return fmt.Sprintf("is not what index %s, analyzer %s has loaded (text %q)", i.Index, i.Analyzer, i.Text)
	case i.Found == "":
		return "was replaced by something that is no file"
	}
	return "had other bytes (" + i.Found.Short() + ")"
}

// Later reports whether r is newer than old.
func (r *Report) Later(old *Report) bool {
	return old == nil || r.Epoch > old.Epoch || (r.Epoch == old.Epoch && r.Seq > old.Seq)
}
