package rollout

import (
	"time"

	"github.com/searchpack/searchpack"
)

// World is everything Decide looks at: one domain at one moment.
type World struct {
	Now    time.Time // the server's clock
	Domain searchpack.Domain
	// Agents of the domain, retired ones too.
	Agents       []searchpack.AgentState
	Associations []searchpack.Association
	// Rollouts that are open, oldest first.
	Rollouts []searchpack.Rollout
	// Packages and Versions that associations, rollouts and previews name, by id.
	Packages map[string]searchpack.Package
	Versions map[string]searchpack.Version
	// Lines has for each plugin's package the ids of the AVAILABLE versions of it and of its namesakes of
	// the same owner that the domain's account may use: each is made for other versions of OpenSearch.
	Lines map[string][]string
	// Findings of those versions whose rollouts may fail: they name the line of a bad rule.
	Findings map[string][]searchpack.Finding
	// Checks of those versions that rollouts bring, by version id.
	Checks map[string][]searchpack.Check
	// Usage is the latest, nil before the first.
	Usage *searchpack.Usage
	// Proofs as stored.
	Proofs []searchpack.Proof
	// Previews as stored, oldest first.
	Previews []searchpack.Preview
	// Permits that have not ended, and those of open rollouts.
	Permits []searchpack.Permit
	// Incidents are those of nodes that turned back which are not healed, oldest first.
	Incidents []searchpack.NodeIncident
}

// Decision is what is to be written. Values not named stay as they are.
type Decision struct {
	// Orders of agents whose order is to change, by agent id, with Generation already grown.
	Orders       map[string]searchpack.Order
	Rollouts     []searchpack.Rollout      // new content of changed ones
	Permits      []searchpack.Permit       // begun before the clock was put back: they count from now
	Associations []searchpack.Association  // new content of changed ones
	Dissociated  []string                  // package ids whose association row goes
	Proofs       []searchpack.Proof        // new or changed
	Unproven     []searchpack.Proof        // to delete (agent id and package id count)
	Bound        []searchpack.Agent        // agents whose identity was bound
	Previews     []searchpack.Preview      // answered now
	Forgotten    []string                  // ids of previews whose time is over
	Incidents    []searchpack.NodeIncident // found or healed now
	Watch        *searchpack.DomainWatch   // the domain's, if it is another one now
	Settings     *Settings                 // the domain's saved ones, if they are others now
	Events       []searchpack.Event        // ID, Account and Region are filled in by the caller
	// Next is when to decide again although nothing was reported; zero = only on news.
	Next time.Time
}

// Settings are the cluster settings that a rollout has changed; nil = none.
type Settings struct{ Saved *searchpack.SavedAllocation }
