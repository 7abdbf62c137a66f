package runner

import (
	"testing"

	"github.com/searchpack/searchpack"
)

// following is a bench whose package serves v1, follows the latest version, and has v2 available.
func following(t *testing.T, change func(*searchpack.Association)) *bench {
	t.Helper()
	b := setup(t)
	b.untilActive(1)
	b.r.texts = nil
	b.publish("v2", 2)
	a := b.association()
	a.Track = searchpack.TrackLatest
	if change != nil {
		change(a)
	}
	b.update(func(tx searchpack.Tx) error { return tx.PutAssociation(t.Context(), a) })
	return b
}

// publish makes a new version the one that is available.
func (b *bench) publish(id string, number int) {
	b.t.Helper()
	ctx := b.t.Context()
	b.update(func(tx searchpack.Tx) error {
		p, err := tx.Package(ctx, "F1")
		if err != nil {
			return err
		}
		p.AvailableID, p.AvailableNumber = id, number
		v := &searchpack.Version{ID: id, PackageID: p.ID, Number: number, Status: searchpack.PackageAvailable, Digest: searchpack.DigestOf([]byte(id)), Size: 2, CreatedAt: start}
		if err := tx.PutVersion(ctx, v); err != nil {
			return err
		}
		return tx.PutPackage(ctx, p)
	})
}

// rolled are the versions of the domain's rollouts, newest first.
func (b *bench) rolled() []searchpack.Rollout {
	b.t.Helper()
	var out []searchpack.Rollout
	err := b.store.View(b.t.Context(), func(tx searchpack.Tx) error {
		rs, err := tx.Rollouts(b.t.Context(), key, 10)
		out = values(rs)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// The newest version is rolled out once, and serves in the end.
func TestFollowsTheLatest(t *testing.T) {
	t.Parallel()
	b := following(t, nil)
	res := b.reconcile(func() {})
	if rs := b.rolled(); len(rs) != 2 || rs[0].Steps[0].VersionID != "v2" || !rs[0].State.Open() || !res.At.Equal(b.now) {
		t.Fatalf("%+v, again at %v", rs, res.At)
	}
	if a := b.association(); a.Status != searchpack.Associating || a.WantedID != "v2" || a.ServingID != "v" {
		t.Errorf("%+v", a)
	}
	b.untilActive(30)
	if a := b.association(); a.ServingID != "v2" || a.Track != searchpack.TrackLatest || len(b.rolled()) != 2 {
		t.Errorf("%+v, %d rollouts", a, len(b.rolled()))
	}
}

// Nobody follows: pinned, as calls say, busy, or tried in vain.
func TestDoesNotFollow(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(a *searchpack.Association){
		"pinned":        func(a *searchpack.Association) { a.Track = searchpack.TrackPinned },
		"as calls say":  func(a *searchpack.Association) { a.Track = searchpack.TrackCalls },
		"tried in vain": func(a *searchpack.Association) { a.Status, a.WantedID = searchpack.AssociationFailed, "v2" },
	} {
		b := following(t, change)
		b.reconcile(func() {})
		if rs := b.rolled(); len(rs) != 1 {
			t.Errorf("%s: %+v", name, rs)
		}
	}
}

// A package that needs what is not there is left for later, and does not keep the worker busy.
func TestFollowsNotWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()
	b := following(t, func(a *searchpack.Association) { a.Prerequisites = []string{"F9"} })
	if res := b.reconcile(func() {}); res.At.Equal(b.now) || len(b.rolled()) != 1 {
		t.Errorf("again at %v, %+v", res.At, b.rolled())
	}
}

// What comes between the look and the writing counts: the newest of then is rolled out, and a call
// that pinned the version meanwhile is obeyed.
func TestFollowsWhatIsThereInTheTransaction(t *testing.T) {
	t.Parallel()
	b := following(t, nil)
	b.reconcile(func() { b.publish("v3", 3) })
	if rs := b.rolled(); len(rs) != 2 || rs[0].Steps[0].VersionID != "v3" {
		t.Errorf("%+v", rs)
	}
	b = following(t, nil)
	b.reconcile(func() {
		a := b.association()
		a.Track = searchpack.TrackPinned
		b.update(func(tx searchpack.Tx) error { return tx.PutAssociation(t.Context(), a) })
	})
	if rs := b.rolled(); len(rs) != 1 {
		t.Errorf("pinned meanwhile: %+v", rs)
	}
}

// A domain that is being taken down gets nothing new.
func TestFollowsNotInADeletedDomain(t *testing.T) {
	t.Parallel()
	b := following(t, nil)
	b.update(func(tx searchpack.Tx) error {
		return tx.PutDomain(t.Context(), &searchpack.Domain{DomainKey: key, FilesOnly: true, CreatedAt: start, DeletedAt: b.now})
	})
	b.reconcile(func() {})
	if rs := b.rolled(); len(rs) != 1 {
		t.Errorf("%+v", rs)
	}
}

// A package that its owner does not share any more is kept as it is: newer versions are not the domain's to have.
func TestFollowsNotWhatIsNotSharedAnyMore(t *testing.T) {
	t.Parallel()
	b := following(t, nil)
	b.share(nil)
	b.reconcile(func() {})
	if rs := b.rolled(); len(rs) != 1 {
		t.Errorf("%+v", rs)
	}
	b.share([]string{key.Account})
	b.reconcile(func() {})
	if rs := b.rolled(); len(rs) != 2 {
		t.Errorf("shared again: %+v", rs)
	}
}

// share makes the package somebody else's, who shares it with these.
func (b *bench) share(with []string) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) error {
		p, err := tx.Package(b.t.Context(), "F1")
		if err != nil {
			return err
		}
		p.Account, p.SharedWith = "999900001111", with
		return tx.PutPackage(b.t.Context(), p)
	})
}
