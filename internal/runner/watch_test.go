package runner

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// What the reconcile remembers of the cluster is in the domain's row: since when two managers are
// named, and since when the domain is frozen for it. The rest of the row stays, and both ends are told.
func TestWatchIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	report := func(seq int64, managers ...string) {
		b.update(func(tx searchpack.Tx) error {
			for i, id := range []string{"n1", "n2"} {
				r := &searchpack.Report{Schema: 1, Epoch: 1, Seq: seq, Node: &searchpack.NodeFacts{
					ClusterUUID: "c", NodeID: id, Name: id, ManagerID: managers[i], Term: 1, StateVersion: 1,
					Members: []searchpack.Member{{NodeID: "n1"}, {NodeID: "n2"}},
				}}
				if err := tx.PutReport(ctx, id, r, b.now); err != nil {
					return err
				}
			}
			return tx.Enqueue(ctx, searchpack.WorkReconcile, key.String(), b.now)
		})
		b.reconcile(func() {})
	}
	b.update(func(tx searchpack.Tx) error {
		d, err := tx.Domain(ctx, key)
		if err != nil {
			return err
		}
		d.FilesOnly, d.Policy.AbsentNodes = false, searchpack.AbsentWait
		return tx.PutDomain(ctx, d)
	})
	row := func() (d *searchpack.Domain) {
		b.update(func(tx searchpack.Tx) (err error) { d, err = tx.Domain(ctx, key); return err })
		return d
	}
	report(1, "n1", "n2")
	if w := row().Watch; !w.DifferSince.Equal(start) || !w.FrozenSince.IsZero() {
		t.Errorf("at first %+v", w)
	}
	b.now = start.Add(time.Minute)
	report(2, "n1", "n2")
	d := row()
	if !d.Watch.DifferSince.Equal(start) || !d.Watch.FrozenSince.Equal(b.now) || d.Policy.AbsentNodes != searchpack.AbsentWait {
		t.Errorf("after a minute %+v", d)
	}
	b.now = b.now.Add(time.Minute)
	report(3, "n1", "n1")
	if w := row().Watch; w != (searchpack.DomainWatch{}) {
		t.Errorf("in the end %+v", w)
	}
	var told []string
	b.update(func(tx searchpack.Tx) error {
		told = nil
		es, err := tx.Events(ctx, key.Account, key.Region, 0, 0)
		for _, e := range es {
			if e.Subject == key.Name {
				told = append([]string{e.Action}, told...)
			}
		}
		return err
	})
	if d := cmp.Diff([]string{"domain frozen", "domain moves again"}, told); d != "" {
		t.Errorf("events: %s", d)
	}
}

// An incident that the reconcile ends is loaded, and written as ended.
func TestTurnedBackIsEnded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.update(func(tx searchpack.Tx) error {
		if err := tx.DeleteAssociation(ctx, key, "F1"); err != nil {
			return err
		}
		i := &searchpack.NodeIncident{Domain: key, AgentID: "n1", Incident: searchpack.Incident{
			ID: searchpack.TurnedBackID + "F1-1", Kind: searchpack.IncidentTurnedBack, PackageID: "F1", At: start.Add(-time.Hour), Index: "shop",
		}}
		if err := tx.PutIncident(ctx, i); err != nil {
			return err
		}
		return tx.Enqueue(ctx, searchpack.WorkReconcile, key.String(), b.now)
	})
	b.reconcile(func() {})
	b.update(func(tx searchpack.Tx) error {
		is, err := tx.Incidents(ctx, key, 0)
		if err == nil && (len(is) != 1 || !is[0].Healed || !is[0].HealedAt.Equal(start) || is[0].Index != "shop") {
			t.Errorf("%+v", is)
		}
		return err
	})
}
