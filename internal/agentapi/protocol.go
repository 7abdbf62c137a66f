// Package agentapi is the agents' edge: the messages between an agent and the server, the server
// side that stores reports and hands out orders and blobs, and the client that agents use.
//
// The server never calls an agent, and no message says "run this". Reports and usage go into the
// store together with the work they ask for; orders come out of it, written by internal/runner.
// The package decides nothing about packages or rollouts, and trusts a message no further than the
// certificate it came with.
package agentapi

import (
	"time"

	"github.com/searchpack/searchpack"
)

// Protocol is the version of the messages, sent as ProtocolHeader with every message and answer.
const (
	Protocol       = "1"
	ProtocolHeader = "Searchpack-Protocol"
)

// The paths. A blob's digest follows PathBlobs.
const (
	PathEnroll = "/agent/v1/enroll"
	PathRenew  = "/agent/v1/renew"
	PathOrder  = "/agent/v1/order" // ?generation=N&wait=30s
	PathReport = "/agent/v1/report"
	PathUsage  = "/agent/v1/usage"
	PathBlobs  = "/agent/v1/blobs/"

	PathPermitBegin = "/agent/v1/permits/begin"
	PathPermitEnd   = "/agent/v1/permits/end"
)

// Bounds. A report of 100 files and 10,000 probe results has some 2 MiB.
const (
	maxEnroll = 32 << 10
	maxReport = 4 << 20
	maxUsage  = 16 << 20
	maxOrder  = 16 << 20 // what a client takes as an answer
	maxAnswer = 1 << 20  // every other answer
	maxWait   = 60 * time.Second

	// maxElements bounds what a report is decoded into; 20,000 probe results are some 100,000.
	maxElements = 250_000
)

// Bounds of what is kept of a report: those of an order, which it answers, with room for what the
// order does not list.
const (
	maxFiles      = 2000
	maxCandidates = 1000
	maxProbes     = 20_000
	maxDuties     = 100
	maxRefreshed  = 50_000
	maxMembers    = 2000 // OpenSearch's own clusters end at some hundred nodes
	maxProblems   = 1000
)

// EnrollRequest asks for an identity.
type EnrollRequest struct {
	Token string `json:"token"`
	CSR   string `json:"csr"` // PEM; only its public key counts
	Name  string `json:"name"`
}

// EnrollAnswer gives an identity. Asking again with the same key gives the same one.
type EnrollAnswer struct {
	AgentID     string               `json:"agent_id"`
	Name        string               `json:"name"`
	Domain      searchpack.DomainKey `json:"domain"`
	Certificate string               `json:"certificate"` // PEM
	Authority   string               `json:"authority"`   // PEM
}

// RenewRequest asks for a new certificate for the same agent.
type RenewRequest struct {
	CSR string `json:"csr"`
}

// RenewAnswer is a new certificate.
type RenewAnswer struct {
	Certificate string `json:"certificate"`
	Authority   string `json:"authority"`
}

// ReportAnswer says what the server has now.
type ReportAnswer struct {
	Incidents []string  `json:"incidents,omitempty"` // ids of the report's incidents that are stored
	Now       time.Time `json:"now"`                 // the server's clock
}

// errorBody is every error's body.
type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Codes beside searchpack.Code on this edge's wire.
const (
	codeProtocol = "protocol" // another version of the protocol
	codeRetired  = "retired"  // the agent, or its domain, is no more
	codeExpired  = "expired"  // the certificate's time is over: renew it
)
