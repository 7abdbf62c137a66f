package sqlstore

import (
	"context"

	"github.com/searchpack/searchpack"
)

const (
	agentRest = "account, region, domain, name, enrolled_at, retired_at, cluster_uuid, node_id"
	agentRows = "SELECT a.id, a.account, a.region, a.domain, a.name, a.enrolled_at, a.retired_at, a.cluster_uuid, " +
		"a.node_id, coalesce(n.heard_at, 0), coalesce(n.report, ''), coalesce(o.doc, '') FROM agent AS a " +
		"LEFT JOIN node AS n ON n.agent_id = a.id LEFT JOIN node_order AS o ON o.agent_id = a.id"
	tokenRest = "account, region, domain, secret_hash, uses, cidr, created_at, expires_at"
	tokenRows = "SELECT id, " + tokenRest + " FROM join_token"
)

// PutAgent inserts or replaces, and leaves report and order alone; ErrNotFound if the domain is gone.
func (t *tx) PutAgent(ctx context.Context, a *searchpack.Agent) error {
	k := a.Domain
	return t.put(ctx, "domain", k.String(), upsert("agent", "id", agentRest),
		a.ID, k.Account, k.Region, k.Name, a.Name, micros(a.EnrolledAt), micros(a.RetiredAt), a.ClusterUUID, a.NodeID)
}

func scanAgent(row scanner) (*searchpack.AgentState, error) {
	var a searchpack.AgentState
	dest := append([]any{&a.ID}, domainColumns(&a.Domain)...)
	err := row.Scan(append(dest, &a.Name, microTime{&a.EnrolledAt}, microTime{&a.RetiredAt}, &a.ClusterUUID, &a.NodeID,
		microTime{&a.ReportedAt}, jsonDoc{&a.Report}, jsonDoc{&a.Order})...)
	return &a, err
}

// Agent returns an agent with its last report and order.
func (t *tx) Agent(ctx context.Context, id string) (*searchpack.AgentState, error) {
	return one(ctx, t, "agent", id, scanAgent, agentRows+" WHERE a.id = $1", id)
}

// Agents of a domain, retired ones too, by name, then id.
func (t *tx) Agents(ctx context.Context, k searchpack.DomainKey) ([]*searchpack.AgentState, error) {
	return list(ctx, t, scanAgent, agentRows+" WHERE a.account = $1 AND a.region = $2 AND a.domain = $3 ORDER BY a.name, a.id",
		k.Account, k.Region, k.Name)
}

// PutJoinToken inserts or replaces; ErrNotFound if the domain is gone.
func (t *tx) PutJoinToken(ctx context.Context, j *searchpack.JoinToken) error {
	k := j.Domain
	return t.put(ctx, "domain", k.String(), upsert("join_token", "id", tokenRest),
		j.ID, k.Account, k.Region, k.Name, string(j.SecretHash), j.Uses, j.CIDR, micros(j.CreatedAt), micros(j.ExpiresAt))
}

func scanJoinToken(row scanner) (*searchpack.JoinToken, error) {
	var j searchpack.JoinToken
	dest := append([]any{&j.ID}, domainColumns(&j.Domain)...)
	err := row.Scan(append(dest, &j.SecretHash, &j.Uses, &j.CIDR, microTime{&j.CreatedAt}, microTime{&j.ExpiresAt})...)
	return &j, err
}

// JoinToken returns a join token.
func (t *tx) JoinToken(ctx context.Context, id string) (*searchpack.JoinToken, error) {
	return one(ctx, t, "join token", id, scanJoinToken, tokenRows+" WHERE id = $1", id)
}

// JoinTokens of a domain, oldest first.
func (t *tx) JoinTokens(ctx context.Context, k searchpack.DomainKey) ([]*searchpack.JoinToken, error) {
	return list(ctx, t, scanJoinToken, tokenRows+ofDomain+" ORDER BY created_at, id", k.Account, k.Region, k.Name)
}

// DeleteJoinToken deletes a join token.
func (t *tx) DeleteJoinToken(ctx context.Context, id string) error {
	return t.remove(ctx, "join token", id, "DELETE FROM join_token WHERE id = $1", id)
}
