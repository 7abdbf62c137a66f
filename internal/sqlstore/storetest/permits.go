package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func testPermits(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d", "other")
	permit := func(id, d, rollout string, begun, ended time.Time) *searchpack.Permit {
		return &searchpack.Permit{
			ID: id, Domain: key(d), RolloutID: rollout, AgentID: "agent-1", Attempt: searchpack.Attempt{Epoch: 3, Seq: 7},
			BegunAt: begun, EndedAt: ended,
		}
	}
	open := permit("r2/4", "d", "r2", t0, time.Time{})
	ended := permit("r2/2", "d", "r2", at(-time.Second), t0)
	ended.Failed = "constructor „throws“\nat line 2"
	old, lost := permit("r1/2", "d", "r1", at(-time.Minute), t0), permit("r1/4", "d", "r1", at(-2*time.Second), time.Time{})
	update(t, s, func(tx searchpack.Tx) error {
		for id, state := range map[string]searchpack.RolloutState{"r1": searchpack.RolloutAborted, "r2": searchpack.RolloutRunning} {
			if err := tx.PutRollout(ctx, &searchpack.Rollout{ID: id, Domain: key("d"), State: state, CreatedAt: t0}); err != nil {
				return err
			}
		}
		for _, p := range []*searchpack.Permit{open, ended, old, lost, permit("o", "other", "r9", t0, time.Time{})} {
			if err := tx.PutPermit(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	all := func() []*searchpack.Permit {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Permit, error) {
			return tx.Permits(ctx, key("d"))
		})
	}
	// What has ended counts while its rollout is open; what has not ended counts always.
	same(t, "permits", []*searchpack.Permit{lost, ended, open}, all())
	open.EndedAt, open.Attempt.Seq = at(time.Second), 8
	update(t, s, func(tx searchpack.Tx) error { return tx.PutPermit(ctx, open) })
	same(t, "ended", []*searchpack.Permit{lost, ended, open}, all())
	newest := func(n int) []*searchpack.Permit {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Permit, error) {
			return tx.EndedPermits(ctx, key("d"), n)
		})
	}
	same(t, "all that have ended", []*searchpack.Permit{old, ended, open}, newest(10))
	same(t, "the newest two", []*searchpack.Permit{ended, open}, newest(2))
	update(t, s, func(tx searchpack.Tx) error { return tx.DeletePermit(ctx, "r1/4") })
	same(t, "deleted", []*searchpack.Permit{ended, open}, all())
}
