package runner

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/sqlstore"
)

var (
	key   = searchpack.DomainKey{Account: "111122223333", Region: "us-east-1", Name: "products"}
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// bench is a domain of two files-only nodes with one package to be associated.
type bench struct {
	t     *testing.T
	store *sqlstore.Store
	r     *Runner
	now   time.Time
	// noTexts is why texts cannot be made; made counts how often they were.
	noTexts error
	made    int
}

func (b *bench) makeTexts(_ context.Context, former, v *searchpack.Version) ([]string, error) {
	b.made++
	if former != nil || v.ID != "v" {
		b.t.Errorf("texts of %v and %v were asked for", former, v)
	}
	return []string{"laptop"}, b.noTexts
}

func setup(t *testing.T) *bench {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	b := &bench{t: t, store: store, now: start}
	b.r = New(store, b.makeTexts, func() time.Time { return b.now }, nil)
	ctx := t.Context()
	b.update(func(tx searchpack.Tx) error {
		if err := tx.PutDomain(ctx, &searchpack.Domain{DomainKey: key, FilesOnly: true, CreatedAt: start}); err != nil {
			return err
		}
		for _, id := range []string{"n1", "n2"} {
			if err := tx.PutAgent(ctx, &searchpack.Agent{ID: id, Domain: key, Name: id, EnrolledAt: start}); err != nil {
				return err
			}
		}
		v := &searchpack.Version{ID: "v", PackageID: "F1", Number: 1, Status: searchpack.PackageAvailable, Digest: searchpack.DigestOf([]byte("x")), Size: 1, CreatedAt: start}
		p := &searchpack.Package{ID: "F1", Account: key.Account, Region: key.Region, Name: "synonyms", Type: searchpack.TypeDictionary, Status: searchpack.PackageAvailable, AvailableID: "v", AvailableNumber: 1, CreatedAt: start}
		if err := tx.PutPackage(ctx, p); err != nil {
			return err
		}
		if err := tx.PutVersion(ctx, v); err != nil {
			return err
		}
		a := &searchpack.Association{Domain: key, PackageID: "F1", Status: searchpack.Associating, WantedID: "v", CreatedAt: start}
		if err := tx.PutAssociation(ctx, a); err != nil {
			return err
		}
		return tx.PutRollout(ctx, &searchpack.Rollout{
			ID: "r", Domain: key, State: searchpack.RolloutQueued, CreatedAt: start,
			Steps: []searchpack.RolloutStep{{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: "v"}},
		})
	})
	return b
}

func (b *bench) update(f func(tx searchpack.Tx) error) {
	b.t.Helper()
	if err := b.store.Update(b.t.Context(), f); err != nil {
		b.t.Fatal(err)
	}
}

// obey reports, for each agent, that what was ordered is so.
func (b *bench) obey(seq int64) {
	b.t.Helper()
	ctx := b.t.Context()
	b.update(func(tx searchpack.Tx) error {
		agents, err := tx.Agents(ctx, key)
		if err != nil {
			return err
		}
		for _, a := range agents {
			r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: seq, Generation: a.Order.Generation, Node: &searchpack.NodeFacts{NodeID: a.ID, Name: a.Name, ClusterUUID: "c", FilesOnly: true}}
			for _, f := range a.Order.Files {
				r.Files = append(r.Files, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Digest: f.Digest, Size: f.Size})
			}
			for _, c := range a.Order.Candidates {
				r.Candidates = append(r.Candidates, searchpack.CandidateReport{Digest: c.Digest, Ready: true, Fetched: c.Size})
			}
			if err := tx.PutReport(ctx, a.ID, r, b.now); err != nil {
				return err
			}
		}
		return tx.Enqueue(ctx, searchpack.WorkReconcile, key.String(), b.now)
	})
}

// reconcile does one item of work as the loop would, with f between deciding and writing.
func (b *bench) reconcile(f func()) searchpack.WorkResult {
	b.t.Helper()
	w := &searchpack.Work{Kind: searchpack.WorkReconcile, Key: key.String()}
	res, effects, err := b.r.Handle(b.t.Context(), w)
	if err != nil {
		b.t.Fatal(err)
	}
	f()
	if effects != nil {
		b.update(effects)
	}
	return res
}

func (b *bench) association() *searchpack.Association {
	b.t.Helper()
	var a *searchpack.Association
	err := b.store.View(b.t.Context(), func(tx searchpack.Tx) (err error) {
		a, err = tx.Association(b.t.Context(), key, "F1")
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// untilActive lets agents and worker take turns; seq is that of the first report.
func (b *bench) untilActive(seq int64) {
	b.t.Helper()
	for round := range int64(20) {
		if b.association().Status == searchpack.Active {
			return
		}
		b.obey(seq + round)
		b.reconcile(func() {})
	}
	b.t.Fatalf("not ACTIVE after 20 rounds: %+v", b.association())
}

func TestReconcilesUntilActive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.untilActive(1)
	var proofs []*searchpack.Proof
	var events []*searchpack.Event
	err := b.store.View(t.Context(), func(tx searchpack.Tx) (err error) {
		if proofs, err = tx.Proofs(t.Context(), key); err != nil {
			return err
		}
		events, err = tx.Events(t.Context(), key.Account, key.Region, 0, 10)
		return err
	})
	if err != nil || len(proofs) != 2 || proofs[0].Level != searchpack.LevelPlaced {
		t.Errorf("proofs %+v, %v", proofs, err)
	}
	if len(events) == 0 || events[0].Account != key.Account {
		t.Errorf("events %+v", events)
	}
	// Nothing is left to do: the next decision writes nothing.
	_, effects, err := b.r.Handle(t.Context(), &searchpack.Work{Kind: searchpack.WorkReconcile, Key: key.String()})
	if err != nil || effects != nil {
		t.Errorf("a second decision writes (%v)", err)
	}
}

// A license that belongs to no plugin fails before any node hears of it, and goes without one being asked.
func TestLicenseEndsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.update(func(tx searchpack.Tx) error { // nothing else is to be done
		return tx.PutRollout(t.Context(), &searchpack.Rollout{ID: "r", Domain: key, State: searchpack.RolloutAborted, CreatedAt: start})
	})
	steps := map[searchpack.Action]searchpack.AssociationStatus{searchpack.ActionAssociate: searchpack.Associating, searchpack.ActionDissociate: searchpack.Dissociating}
	ask := func(id string, action searchpack.Action) {
		b.update(func(tx searchpack.Tx) error {
			p := &searchpack.Package{ID: "pkg-1", Account: key.Account, Region: key.Region, Name: "lemmas", Type: searchpack.TypeLicense, AvailableID: "p", CreatedAt: start}
			a := &searchpack.Association{Domain: key, PackageID: p.ID, Status: steps[action], WantedID: "p", CreatedAt: start}
			r := &searchpack.Rollout{ID: id, Domain: key, State: searchpack.RolloutQueued, CreatedAt: start.Add(-time.Second), Steps: []searchpack.RolloutStep{{PackageID: p.ID, Action: action, VersionID: "p"}}}
			if err := tx.PutPackage(t.Context(), p); err != nil {
				return err
			}
			if err := tx.PutAssociation(t.Context(), a); err != nil {
				return err
			}
			return tx.PutRollout(t.Context(), r)
		})
		b.reconcile(func() {})
	}
	plugin := func() (a *searchpack.Association) {
		err := b.store.View(t.Context(), func(tx searchpack.Tx) (err error) {
			a, err = tx.Association(t.Context(), key, "pkg-1")
			return err
		})
		if err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			t.Fatal(err)
		}
		return a
	}
	ask("plugin", searchpack.ActionAssociate)
	if a := plugin(); a == nil || a.Status != searchpack.AssociationFailed || a.Error == nil || a.Error.Type != "NoPlugin" {
		t.Fatalf("associated: %+v", a)
	}
	ask("away", searchpack.ActionDissociate)
	if a := plugin(); a != nil {
		t.Errorf("dissociated: %+v", a)
	}
}

// A call that comes between the decision and its writing is not overwritten.
func TestWritesWhatIsDecidedInTheTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.obey(1)
	b.reconcile(func() {
		a := b.association()
		a.Status = searchpack.Dissociating
		b.update(func(tx searchpack.Tx) error {
			if err := tx.PutRollout(t.Context(), &searchpack.Rollout{ID: "s", Domain: key, State: searchpack.RolloutQueued, CreatedAt: start.Add(1), Steps: []searchpack.RolloutStep{{PackageID: "F1", Action: searchpack.ActionDissociate}}}); err != nil {
				return err
			}
			return tx.PutAssociation(t.Context(), a)
		})
	})
	if got := b.association().Status; got != searchpack.Dissociating {
		t.Errorf("status is %s, want what the call made of it", got)
	}
}

func TestDomainGoneOrUnreadableIsDone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.update(func(tx searchpack.Tx) error { return tx.DeleteDomain(t.Context(), key) })
	for _, k := range []string{key.String(), "nonsense"} {
		res, effects, err := b.r.Handle(t.Context(), &searchpack.Work{Kind: searchpack.WorkReconcile, Key: k})
		if err != nil || effects != nil || !res.At.IsZero() {
			t.Errorf("%s: %+v, %v", k, res, err)
		}
	}
}
