package runner

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

// BenchmarkManyAgents is one reconcile of a domain of 5,000 agents that orders something of each: what
// is read, decided and written in one transaction. It must be done well within the lease of its work.
func BenchmarkManyAgents(b *testing.B) {
	const agents = 5000
	ctx := b.Context()
	store, err := sqlstore.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "db"), sqlstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	now := start
	r := New(store, nil, func() time.Time { return now }, nil)
	update := func(f func(tx searchpack.Tx) error) {
		b.Helper()
		if err := store.Update(ctx, f); err != nil {
			b.Fatal(err)
		}
	}
	update(func(tx searchpack.Tx) error {
		return tx.PutDomain(ctx, &searchpack.Domain{DomainKey: key, FilesOnly: true, CreatedAt: start})
	})
	for i := range agents {
		id := fmt.Sprintf("agent-%05d", i)
		update(func(tx searchpack.Tx) error {
			if err := tx.PutAgent(ctx, &searchpack.Agent{ID: id, Domain: key, Name: id, EnrolledAt: start}); err != nil {
				return err
			}
			return tx.PutReport(ctx, id, &searchpack.Report{Schema: 1, Epoch: 1, Seq: 1, Version: "1.0.0", Node: &searchpack.NodeFacts{
				ClusterUUID: "c", ClusterName: key.Name, NodeID: id, EphemeralID: id, Name: id, ManagerID: id, Term: 1, StateVersion: 1, FilesOnly: true,
				Members: []searchpack.Member{{NodeID: id, EphemeralID: id, Name: id}},
			}}, now)
		})
	}
	reconcile := func() {
		_, effects, err := r.Handle(ctx, &searchpack.Work{Kind: searchpack.WorkReconcile, Key: key.String()})
		if err != nil || effects == nil {
			b.Fatal(err, "nothing to write")
		}
		update(effects)
	}
	reconcile() // binds all
	n := 0
	for b.Loop() {
		n++
		id := fmt.Sprintf("F%d", n)
		update(func(tx searchpack.Tx) error {
			v := &searchpack.Version{ID: id, PackageID: id, Number: 1, Status: searchpack.PackageAvailable, Digest: searchpack.DigestOf([]byte(id)), Size: 1, CreatedAt: start}
			p := &searchpack.Package{ID: id, Account: key.Account, Region: key.Region, Name: id, Type: searchpack.TypeDictionary, Status: searchpack.PackageAvailable, AvailableID: id, AvailableNumber: 1, CreatedAt: start}
			if err := tx.PutPackage(ctx, p); err != nil {
				return err
			}
			if err := tx.PutVersion(ctx, v); err != nil {
				return err
			}
			if err := tx.PutAssociation(ctx, &searchpack.Association{Domain: key, PackageID: id, Status: searchpack.Associating, WantedID: id, CreatedAt: start}); err != nil {
				return err
			}
			last := &searchpack.Rollout{ID: fmt.Sprintf("r%d", n-1), Domain: key, State: searchpack.RolloutAborted, CreatedAt: start}
			if n > 1 {
				if err := tx.PutRollout(ctx, last); err != nil {
					return err
				}
			}
			return tx.PutRollout(ctx, &searchpack.Rollout{ID: fmt.Sprintf("r%d", n), Domain: key, State: searchpack.RolloutQueued, CreatedAt: start,
				Steps: []searchpack.RolloutStep{{PackageID: id, Action: searchpack.ActionAssociate, VersionID: id}}})
		})
		reconcile()
	}
}
