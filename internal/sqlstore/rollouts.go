package sqlstore

import (
	"context"

	"github.com/searchpack/searchpack"
)

const (
	rolloutRest = "account, region, domain, state, phase, steps, round, first_node, reason, error_type, waiting, " +
		"created_at, started_at, phase_at, ended_at, paused, abort, baseline, restart"
	rolloutRows = "SELECT id, " + rolloutRest + " FROM rollout"
	proofKeys   = "agent_id, package_id"
	proofRest   = "account, region, domain, node, version_id, version, level, digest, probe, at, witness"
)

// PutRollout inserts or replaces; ErrNotFound if the domain is gone.
func (t *tx) PutRollout(ctx context.Context, r *searchpack.Rollout) error {
	steps, err := jsonText(&r.Steps)
	if err != nil {
		return err
	}
	var docs [2]string
	if err := jsonTexts(docs[:], r.Baseline, r.Restart); err != nil {
		return err
	}
	k := r.Domain
	return t.put(ctx, "domain", k.String(), t.s.d.upsertSeq("rollout", "id", rolloutRest),
		r.ID, k.Account, k.Region, k.Name, string(r.State), string(r.Phase), steps, r.Round, r.FirstNode, r.Reason,
		r.ErrorType, r.Waiting, micros(r.CreatedAt), micros(r.StartedAt), micros(r.PhaseAt), micros(r.EndedAt), r.Paused, r.Abort,
		docs[0], docs[1])
}

func scanRollout(row scanner) (*searchpack.Rollout, error) {
	var r searchpack.Rollout
	dest := append([]any{&r.ID}, domainColumns(&r.Domain)...)
	err := row.Scan(append(dest, &r.State, &r.Phase, jsonDoc{&r.Steps}, &r.Round, &r.FirstNode, &r.Reason, &r.ErrorType,
		&r.Waiting, microTime{&r.CreatedAt}, microTime{&r.StartedAt}, microTime{&r.PhaseAt}, microTime{&r.EndedAt},
		&r.Paused, &r.Abort, jsonDoc{&r.Baseline}, jsonDoc{&r.Restart})...)
	return &r, err
}

// Rollout returns a rollout.
func (t *tx) Rollout(ctx context.Context, id string) (*searchpack.Rollout, error) {
	return one(ctx, t, "rollout", id, scanRollout, rolloutRows+" WHERE id = $1", id)
}

// OpenRollouts returns the domain's queued and running rollouts, oldest first.
func (t *tx) OpenRollouts(ctx context.Context, k searchpack.DomainKey) ([]*searchpack.Rollout, error) {
	return list(ctx, t, scanRollout, rolloutRows+ofDomain+" AND state IN ($4, $5, $6) ORDER BY created_at, seq",
		k.Account, k.Region, k.Name, string(searchpack.RolloutQueued), string(searchpack.RolloutRunning), string(searchpack.RolloutParked))
}

// Rollouts returns the newest limit of the domain (0 = all), newest first.
func (t *tx) Rollouts(ctx context.Context, k searchpack.DomainKey, limit int) ([]*searchpack.Rollout, error) {
	return list(ctx, t, scanRollout, rolloutRows+ofDomain+" ORDER BY created_at DESC, seq DESC"+atMost(limit),
		k.Account, k.Region, k.Name)
}

// PutProof inserts or replaces by agent and package; ErrNotFound if the domain is gone.
func (t *tx) PutProof(ctx context.Context, p *searchpack.Proof) error {
	k := p.Domain
	return t.put(ctx, "domain", k.String(), upsert("proof", proofKeys, proofRest),
		p.AgentID, p.PackageID, k.Account, k.Region, k.Name, p.NodeName, p.VersionID, p.Version, string(p.Level),
		string(p.Digest), p.Probe, micros(p.At), p.Witness)
}

// DeleteProof deletes a proof.
func (t *tx) DeleteProof(ctx context.Context, agentID, packageID string) error {
	return t.remove(ctx, "proof", agentID+" of "+packageID,
		"DELETE FROM proof WHERE agent_id = $1 AND package_id = $2", agentID, packageID)
}

// Proofs of a domain, by package id, then node name.
func (t *tx) Proofs(ctx context.Context, k searchpack.DomainKey) ([]*searchpack.Proof, error) {
	return list(ctx, t, func(row scanner) (*searchpack.Proof, error) {
		var p searchpack.Proof
		dest := append([]any{&p.AgentID, &p.PackageID}, domainColumns(&p.Domain)...)
		err := row.Scan(append(dest, &p.NodeName, &p.VersionID, &p.Version, &p.Level, &p.Digest, &p.Probe, microTime{&p.At}, &p.Witness)...)
		return &p, err
	}, "SELECT "+proofKeys+", "+proofRest+" FROM proof"+ofDomain+" ORDER BY package_id, node, agent_id", k.Account, k.Region, k.Name)
}
