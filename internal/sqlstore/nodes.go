package sqlstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// laterHeard keeps the later of two heard_at: heartbeats are written in batches, behind reports. One
// that lies further ahead than searchpack.ClockStep was written before the clock was put back.
var laterHeard = fmt.Sprintf("heard_at = CASE WHEN excluded.heard_at > node.heard_at OR node.heard_at - excluded.heard_at > %d "+
	"THEN excluded.heard_at ELSE node.heard_at END", searchpack.ClockStep.Microseconds())

// PutReport replaces the agent's report and counts as hearing of it; ErrNotFound if the agent is
// gone. Which report is newer is the caller's to judge.
func (t *tx) PutReport(ctx context.Context, agentID string, r *searchpack.Report, at time.Time) error {
	doc, err := jsonText(r)
	if err != nil {
		return err
	}
	return t.put(ctx, "agent", agentID, "INSERT INTO node (agent_id, heard_at, report) VALUES ($1, $2, $3) "+
		"ON CONFLICT (agent_id) DO UPDATE SET report = excluded.report, "+laterHeard, agentID, micros(at), doc)
}

// heardAtOnce is how many heartbeats one INSERT writes.
const heardAtOnce = 1000

// Heard writes heartbeats. Agents that are gone are passed over; time goes back only with the clock.
func (t *tx) Heard(ctx context.Context, at map[string]time.Time) error {
	// In order of id, so that two servers' batches cannot wait for each other.
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(at)), heardAtOnce) {
		var rows []string
		var args []any
		for _, id := range ids {
			rows = append(rows, fmt.Sprintf("(CAST($%d AS TEXT), CAST($%d AS BIGINT))", len(args)+1, len(args)+2))
			args = append(args, id, micros(at[id]))
		}
		_, err := t.exec(ctx, "INSERT INTO node (agent_id, heard_at, report) SELECT a.id, v.column2, '' FROM (VALUES "+
			strings.Join(rows, ", ")+") AS v JOIN agent AS a ON a.id = v.column1 WHERE 1 = 1 "+
			"ON CONFLICT (agent_id) DO UPDATE SET "+laterHeard, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// PutOrder replaces the agent's order; ErrNotFound if the agent is gone.
func (t *tx) PutOrder(ctx context.Context, agentID string, o *searchpack.Order) error {
	doc, err := jsonText(o)
	if err != nil {
		return err
	}
	return t.put(ctx, "agent", agentID, upsert("node_order", "agent_id", "generation, doc"), agentID, o.Generation, doc)
}

// OrderGenerations returns the generation of every order of agents in service.
func (t *tx) OrderGenerations(ctx context.Context) (map[string]int64, error) {
	generations := map[string]int64{}
	_, err := list(ctx, t, func(row scanner) (none struct{}, err error) {
		var id string
		var generation int64
		err = row.Scan(&id, &generation)
		generations[id] = generation
		return none, err
	}, "SELECT o.agent_id, o.generation FROM node_order AS o JOIN agent AS a ON a.id = o.agent_id WHERE a.retired_at = 0")
	return generations, err
}

const (
	incidentKeys = "agent_id, id"
	incidentRest = "account, region, domain, kind, package_id, found, wanted, healed, at, healed_at, shown_index, shown_analyzer, shown_text"
)

// keptIncidents of each agent are kept, the newest: a node that finds something wrong all the time, or
// says so, fills no disk.
const keptIncidents = 1000

// PutIncident keeps an incident once; only a healed one replaces. ErrNotFound if the domain is gone.
func (t *tx) PutIncident(ctx context.Context, i *searchpack.NodeIncident) error {
	k := i.Domain
	err := t.put(ctx, "domain", k.String(), upsert("incident", incidentKeys, incidentRest)+" WHERE excluded.healed = 1",
		i.AgentID, i.ID, k.Account, k.Region, k.Name, string(i.Kind), i.PackageID, string(i.Found), string(i.Wanted),
		flag(i.Healed), micros(i.At), micros(i.HealedAt), i.Index, i.Analyzer, i.Text)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "DELETE FROM incident WHERE agent_id = $1 AND id IN (SELECT id FROM incident WHERE agent_id = $1 "+
		"ORDER BY at DESC, id"+atMost(0)+" OFFSET $2)", i.AgentID, keptIncidents)
	return err
}

func scanIncident(row scanner) (*searchpack.NodeIncident, error) {
	var i searchpack.NodeIncident
	dest := append([]any{&i.AgentID, &i.ID}, domainColumns(&i.Domain)...)
	err := row.Scan(append(dest, &i.Kind, &i.PackageID, &i.Found, &i.Wanted, flagOf{&i.Healed}, microTime{&i.At}, microTime{&i.HealedAt},
		&i.Index, &i.Analyzer, &i.Text)...)
	return &i, err
}

const incidentsOf = "SELECT " + incidentKeys + ", " + incidentRest + " FROM incident" + ofDomain

// Incidents of a domain, the newest limit (0 = all), newest first.
func (t *tx) Incidents(ctx context.Context, k searchpack.DomainKey, limit int) ([]*searchpack.NodeIncident, error) {
	return list(ctx, t, scanIncident, incidentsOf+" ORDER BY at DESC, agent_id, id"+atMost(limit), k.Account, k.Region, k.Name)
}

// OpenIncidents of a domain and kind are those that are not healed, oldest first.
func (t *tx) OpenIncidents(ctx context.Context, k searchpack.DomainKey, kind searchpack.IncidentKind) ([]*searchpack.NodeIncident, error) {
	return list(ctx, t, scanIncident, incidentsOf+" AND kind = $4 AND healed = 0 ORDER BY at, agent_id, id",
		k.Account, k.Region, k.Name, string(kind))
}
