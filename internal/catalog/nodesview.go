package catalog

import (
	"time"

	"github.com/searchpack/searchpack"
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
	Owes      []NodeDebt                 `json:"owes,omitempty"` // proofs of what serves that it has not given
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
