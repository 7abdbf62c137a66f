package catalog

import (
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// NodesView is a domain's nodes as operators see them.
type NodesView struct {
	Domain string `json:"domain"`
	// Frozen says why nothing moves in this domain, "" if it does.
	Frozen string     `json:"frozen,omitempty"`
	Nodes  []NodeView `json:"nodes"`
}

// NodeView is one node: what its agent last said, what is proven, owed, wrong.
type NodeView struct {
	AgentID      string     `json:"agent_id,omitempty"` // absent: a member of the cluster without an agent
	Name         string     `json:"name"`               // asked for at enrolment, else the node's
	NodeID       string     `json:"node_id,omitempty"`
	State        string     `json:"state"` // NodeProves and its like
	Note         string     `json:"note,omitempty"`
	Do           string     `json:"do,omitempty"` // what a person does about it, with what to type
	Manager      bool       `json:"manager"`      // the elected cluster manager
	Speaker      bool       `json:"speaker"`
	OpenSearch   string     `json:"opensearch,omitempty"` // version; absent while it does not answer
	NodeError    string     `json:"node_error,omitempty"`
	AgentVersion string     `json:"agent_version,omitempty"`
	ReportedAt   *time.Time `json:"reported_at,omitempty"`

	Files     []NodeFile                 `json:"files"`
	Plugins   []NodePlugin               `json:"plugins,omitempty"`
	Restart   string                     `json:"restart,omitempty"` // RestartsOwn or RestartsExternal, of a node with plugins
	Permit    *NodePermit                `json:"permit,omitempty"`  // leave to stop that has not ended
	Owes      []NodeDebt                 `json:"owes,omitempty"`    // proofs of what serves that it has not given
	Problems  []string                   `json:"problems,omitempty"`
	Incidents []*searchpack.NodeIncident `json:"incidents,omitempty"` // newest first
}

// The states of a node in a NodesView.
const (
	NodeProves  = "proves"  // member of the cluster, reports: must prove
	NodeBlocks  = "blocks"  // must prove and cannot: silent, or a member without an agent
	NodeOwes    = "owes"    // down for longer than 2 min: proves when it is back
	NodeIgnored = "ignored" // a member without an agent, which the policy accepts
	NodeRetired = "retired" // forgotten by nodes retire
	NodeUnseen  = "unseen"  // enrolled, has not reported yet
)

// NodeDebt is the proof of a version that serves, which a node owes.
type NodeDebt struct {
	PackageID string `json:"package_id"`
	Version   int    `json:"version"`
	// Behind: it has another version in place, and serves that while it is up.
	Behind bool   `json:"behind"`
	Why    string `json:"why"`
}

// Who restarts a node for its plugins.
const (
	RestartsOwn      = "own"      // its agent, by permits
	RestartsExternal = "external" // somebody else
)

// NodePlugin is one plugin on one node.
type NodePlugin struct {
	PackageID string `json:"package_id"`
	Name      string `json:"name,omitempty"` // of the folder under plugins/
	// Part is "" for the plugin itself, else what belongs to it: its config or license.
	Part    searchpack.PluginPart `json:"part,omitempty"`
	State   rollout.PluginState   `json:"state"`
	Version int                   `json:"version,omitempty"` // that lies on its disk; 0: none, or no known one
	Wanted  int                   `json:"wanted,omitempty"`  // that shall; 0: none
	// The package that they are of, where that is not PackageID but one of its name for another OpenSearch.
	VersionOf string            `json:"version_of,omitempty"`
	WantedOf  string            `json:"wanted_of,omitempty"`
	Digest    searchpack.Digest `json:"digest,omitempty"` // of the zip of Version
	Loaded    string            `json:"loaded,omitempty"` // the plugin's own version in the node's own list
	Staged    bool              `json:"staged"`           // what is wanted lies ready for the next start
	Why       string            `json:"why,omitempty"`    // it is not as it should be, or not yet
	Do        string            `json:"do,omitempty"`
	Proof     *searchpack.Proof `json:"proof,omitempty"`
}

// NodePermit is a node's leave to stop. It ends when the node is back.
type NodePermit struct {
	ID        string    `json:"id"`
	RolloutID string    `json:"rollout_id"`
	Since     time.Time `json:"since"`
	Do        string    `json:"do,omitempty"` // when it lasts too long
}

// NodeFile is one package on one node.
type NodeFile struct {
	PackageID string               `json:"package_id"`
	State     searchpack.FileState `json:"state"`
	Path      string               `json:"path,omitempty"` // of an adopted file
	Digest    searchpack.Digest    `json:"digest"`
	Version   int                  `json:"version,omitempty"` // 0: the bytes are no known version's
	Error     string               `json:"error,omitempty"`
	Proof     *searchpack.Proof    `json:"proof,omitempty"`
}
