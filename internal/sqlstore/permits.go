package sqlstore

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
)

const permitRest = "account, region, domain, rollout_id, agent_id, epoch, attempt, begun_at, ended_at, failed"

// PutPermit inserts or replaces; ErrNotFound if the domain is gone.
func (t *tx) PutPermit(ctx context.Context, p *searchpack.Permit) error {
	k := p.Domain
	return t.put(ctx, "domain", k.String(), upsert("permit", "id", permitRest),
		p.ID, k.Account, k.Region, k.Name, p.RolloutID, p.AgentID, p.Attempt.Epoch, p.Attempt.Seq,
		micros(p.BegunAt), micros(p.EndedAt), p.Failed)
}

// DeletePermit deletes a permit.
func (t *tx) DeletePermit(ctx context.Context, id string) error {
	return t.remove(ctx, "permit", id, "DELETE FROM permit WHERE id = $1", id)
}

// Permits returns those of a domain that have not ended, and those of its open rollouts, by begin.
func (t *tx) Permits(ctx context.Context, k searchpack.DomainKey) ([]*searchpack.Permit, error) {
	return list(ctx, t, scanPermit, "SELECT id, "+permitRest+" FROM permit"+ofDomain+
		" AND (ended_at = 0 OR rollout_id IN (SELECT id FROM rollout"+ofDomain+" AND state IN ($4, $5, $6))) ORDER BY begun_at, id",
		k.Account, k.Region, k.Name, string(searchpack.RolloutQueued), string(searchpack.RolloutRunning), string(searchpack.RolloutParked))
}

// EndedPermits returns the newest n of a domain that have ended, by begin.
func (t *tx) EndedPermits(ctx context.Context, k searchpack.DomainKey, n int) ([]*searchpack.Permit, error) {
	all, err := list(ctx, t, scanPermit, "SELECT id, "+permitRest+" FROM permit"+ofDomain+" AND ended_at <> 0 ORDER BY begun_at DESC, id DESC LIMIT $4",
		k.Account, k.Region, k.Name, n)
	slices.Reverse(all)
	return all, err
}

func scanPermit(row scanner) (*searchpack.Permit, error) {
	var p searchpack.Permit
	dest := append([]any{&p.ID}, domainColumns(&p.Domain)...)
	err := row.Scan(append(dest, &p.RolloutID, &p.AgentID, &p.Attempt.Epoch, &p.Attempt.Seq,
		microTime{&p.BegunAt}, microTime{&p.EndedAt}, &p.Failed)...)
	return &p, err
}
