package searchpack

import "time"

// Agent is the Searchpack process beside one OpenSearch process of a domain.
type Agent struct {
	ID         string // given at enrolment; the node's identity for Searchpack
	Domain     DomainKey
	Name       string // asked for at enrolment: "n1"
	EnrolledAt time.Time
	RetiredAt  time.Time // zero: in service
	// ClusterUUID and NodeID are bound on the first report that names them.
	ClusterUUID string
	NodeID      string
}

// AgentState is an agent with what it last said and what it was last told.
type AgentState struct {
	Agent
	Report     *Report   // nil before the first
	ReportedAt time.Time // when the server last heard of it, by the server's clock; zero = never
	Order      Order     // Generation 0 before the first
}

// ClockStep is by how much the server's clock may be behind a time that it wrote itself (servers'
// clocks differ) before that counts as written by a clock that was wrong.
const ClockStep = 10 * time.Minute

// JoinToken lets an agent enrol. The secret itself is never stored.
type JoinToken struct {
	ID         string
	Domain     DomainKey
	SecretHash Digest // of the secret
	Uses       int    // left; -1 = no limit
	CIDR       string // from where; "" = anywhere
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero = never
}

// Credential belongs to an account.
type Credential struct {
	AccessKey string
	Account   string
	Name      string // of the user, "admin"; the last part of the ARN. A user may have several keys
	Sealed    []byte // the secret, sealed with the master key
	CreatedAt time.Time
	// Policies are identity policies, JSON documents in IAM's language, checked when they were set.
	Policies []string
	Operator bool // may manage the credentials of every account
	Inactive bool // kept, and refused
	// SessionHash is the digest of the session token that must come with a temporary key; "" for a
	// lasting one, which takes none.
	SessionHash Digest
	ExpiresAt   time.Time // zero = never
}

// ARN of the user, as AWS writes it.
func (c *Credential) ARN() string { return "arn:aws:iam::" + c.Account + ":user/" + c.Name }

// Event is one line of the audit log.
type Event struct {
	ID      int64     `json:"id"` // given by the store
	At      time.Time `json:"at"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Actor   string    `json:"actor"`   // ARN of the caller, "agent <id>" or "searchpack"
	Action  string    `json:"action"`  // "CreatePackage", "rollout failed"
	Subject string    `json:"subject"` // package id, domain name or both
	Detail  string    `json:"detail,omitempty"`
	// The rest stands in events of calls only.
	Result    string `json:"result,omitempty"` // "ok", or the code of the error: "denied"
	AccessKey string `json:"access_key,omitempty"`
	SourceIP  string `json:"source_ip,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// NodeIncident is an incident as stored: on which node.
type NodeIncident struct {
	Incident
	Domain  DomainKey `json:"-"`
	AgentID string    `json:"agent_id"`
}
