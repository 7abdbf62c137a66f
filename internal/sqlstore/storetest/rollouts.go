package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func testRollouts(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d", "other")
	full := &searchpack.Rollout{
		ID: "z", Domain: key("d"), State: searchpack.RolloutRunning, Phase: searchpack.PhaseReload,
		Steps: []searchpack.RolloutStep{
			{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: "v2", FormerID: "v1"},
			{PackageID: "F2", Action: searchpack.ActionDissociate},
		},
		Baseline: &searchpack.ClusterHealth{ClusterUUID: "C", Unassigned: []string{"shop[0] replica"}},
		Restart:  &searchpack.Restart{AgentID: "agent-2", Stage: searchpack.StageOffer, OfferID: "z/4"},
		Round:    4, FirstNode: "agent-1", Reason: "because", ErrorType: "t", Waiting: "waits for n3",
		CreatedAt: t0, StartedAt: at(1 * time.Second), PhaseAt: at(2 * time.Second), EndedAt: at(3 * time.Second),
	}
	queued := func(id string, d string, created time.Time) *searchpack.Rollout {
		return &searchpack.Rollout{ID: id, Domain: key(d), State: searchpack.RolloutQueued, CreatedAt: created}
	}
	// m and a have the same time: the order in which they came counts.
	m, a := queued("m", "d", at(time.Second)), queued("a", "d", at(time.Second))
	update(t, s, func(tx searchpack.Tx) error {
		for _, r := range []*searchpack.Rollout{full, m, a, queued("o", "other", t0)} {
			if err := tx.PutRollout(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
	open := func() []*searchpack.Rollout {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Rollout, error) {
			return tx.OpenRollouts(ctx, key("d"))
		})
	}
	newest := func(limit int) []*searchpack.Rollout {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Rollout, error) {
			return tx.Rollouts(ctx, key("d"), limit)
		})
	}
	same(t, "open", []*searchpack.Rollout{full, m, a}, open())
	full.State = searchpack.RolloutParked
	update(t, s, func(tx searchpack.Tx) error { return tx.PutRollout(ctx, full) })
	same(t, "open, one parked", []*searchpack.Rollout{full, m, a}, open())
	same(t, "newest two", []*searchpack.Rollout{a, m}, newest(2))
	same(t, "all", []*searchpack.Rollout{a, m, full}, newest(0))
	m.State = searchpack.RolloutRunning
	for _, ended := range []searchpack.RolloutState{searchpack.RolloutDone, searchpack.RolloutFailed, searchpack.RolloutAborted} {
		full.State = ended
		update(t, s, func(tx searchpack.Tx) error {
			if err := tx.PutRollout(ctx, full); err != nil {
				return err
			}
			return tx.PutRollout(ctx, m)
		})
		same(t, "open, one "+string(ended), []*searchpack.Rollout{m, a}, open())
	}
	same(t, "Rollout", full, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Rollout, error) {
		return tx.Rollout(ctx, "z")
	}))
}

func testProofs(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d", "other")
	proof := func(d, agent, node, packageID string) *searchpack.Proof {
		return &searchpack.Proof{
			Domain: key(d), AgentID: agent, NodeName: node, PackageID: packageID, VersionID: "v1", Version: 1,
			Level: searchpack.LevelProbed, Digest: searchpack.DigestOf([]byte(node)), Probe: "generic chain", Witness: "2 analyzers matched", At: t0,
		}
	}
	one, two, three := proof("d", "a9", "n1", "F1"), proof("d", "a1", "n2", "F1"), proof("d", "a9", "n1", "F2")
	update(t, s, func(tx searchpack.Tx) error {
		for _, p := range []*searchpack.Proof{three, two, one, proof("other", "b1", "n1", "F1")} {
			if err := tx.PutProof(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	list := func() []*searchpack.Proof {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Proof, error) {
			return tx.Proofs(ctx, key("d"))
		})
	}
	same(t, "Proofs", []*searchpack.Proof{one, two, three}, list())
	two.Version, two.VersionID, two.At = 2, "v2", at(time.Hour)
	update(t, s, func(tx searchpack.Tx) error { return tx.PutProof(ctx, two) })
	same(t, "replaced", []*searchpack.Proof{one, two, three}, list())
	update(t, s, func(tx searchpack.Tx) error { return tx.DeleteProof(ctx, "a9", "F1") })
	same(t, "one deleted", []*searchpack.Proof{two, three}, list())
}
