package agentapi

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// agentKinds are the incidents that agents find. The other one is the server's.
var agentKinds = []searchpack.IncidentKind{searchpack.IncidentChanged, searchpack.IncidentMissing, searchpack.IncidentRights}

// toldEach bounds the events about incidents of one agent in toldFor: a node that finds something
// wrong all the time, or says so, must not bury the audit log. All incidents are in `searchpack nodes`.
const (
	toldEach = 100
	toldFor  = time.Hour
)

// told counts the events of each agent.
type told struct {
	mu     sync.Mutex
	agents map[string]tally
}

type tally struct {
	since time.Time
	n     int
}

// may reports whether one more event of the agent is written, and counts it.
func (t *told) may(agentID string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.agents[agentID]
	if age := now.Sub(c.since); age >= toldFor || age < 0 {
		c = tally{since: now}
	}
	c.n++
	if t.agents == nil {
		t.agents = map[string]tally{}
	}
	t.agents[agentID] = c
	return c.n <= toldEach
}

// keep stores what an agent found or mended, and tells it in the audit log.
func (t *told) keep(ctx context.Context, tx searchpack.Tx, a *searchpack.AgentState, i searchpack.Incident, now time.Time) error {
	i.Index, i.Analyzer, i.Text = "", "", "" // of the server's own kind
	switch {
	case !i.Healed:
		i.HealedAt = time.Time{}
	case i.HealedAt.IsZero(): // an older agent
		i.HealedAt = now
	}
	if err := tx.PutIncident(ctx, &searchpack.NodeIncident{Incident: i, Domain: a.Domain, AgentID: a.ID}); err != nil {
		return err
	}
	if !t.may(a.ID, now) {
		return nil
	}
	action := "node incident"
	if i.Healed {
		action = "node healed"
	}
	return tx.AddEvent(ctx, &searchpack.Event{
		At: now, Account: a.Domain.Account, Region: a.Domain.Region, Actor: "agent " + a.ID, Action: action,
		Subject: a.Domain.Name + " " + i.PackageID, Detail: fmt.Sprintf("%s: %s %s", a.Name, i.PackageID, i.Words()),
	})
}
