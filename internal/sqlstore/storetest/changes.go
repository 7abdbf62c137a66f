package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func testChanges(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d", "other")
	put := func(all ...*searchpack.DomainChange) {
		update(t, s, func(tx searchpack.Tx) error {
			for _, c := range all {
				if err := tx.PutChange(ctx, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	list := func(limit int) []*searchpack.DomainChange {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.DomainChange, error) {
			return tx.Changes(ctx, key("d"), limit)
		})
	}
	full := &searchpack.DomainChange{
		ID: "z", Domain: key("d"), Kind: searchpack.ChangeUpgrade, Status: searchpack.ChangeProcessing,
		Properties:  []searchpack.ChangedProperty{{Name: "EngineVersion", From: `"OpenSearch_3.7"`, To: `"OpenSearch_3.8"`}},
		FromVersion: "OpenSearch_3.7", ToVersion: "OpenSearch_3.8", CheckOnly: true, Step: searchpack.UpgradeSnapshot,
		Progress: 12.5, Note: "waits for „n3“", Error: "e", StartedAt: t0, UpdatedAt: at(time.Second),
	}
	// The same time: the order in which they came counts, also after a change.
	second := &searchpack.DomainChange{ID: "a", Domain: key("d"), Kind: searchpack.ChangeConfig, StartedAt: t0}
	old := &searchpack.DomainChange{ID: "m", Domain: key("d"), StartedAt: at(-time.Hour), EndedAt: at(-time.Minute)}
	put(full, second, old, &searchpack.DomainChange{ID: "o", Domain: key("other"), StartedAt: at(time.Hour)})
	same(t, "all", []*searchpack.DomainChange{second, full, old}, list(0))
	full.Status, full.Step, full.Note, full.EndedAt = searchpack.ChangeCompleted, searchpack.UpgradeUpgrade, "", at(time.Minute)
	put(full)
	same(t, "the newest, one of them ended", []*searchpack.DomainChange{second, full}, list(2))

	// Of those that have ended the newest hundred stay; what is open stays whatever its age.
	open := &searchpack.DomainChange{ID: "open", Domain: key("d"), StartedAt: at(-48 * time.Hour)}
	put(open)
	for i := range 100 {
		when := at(time.Duration(i+1) * time.Hour)
		put(&searchpack.DomainChange{ID: fmt.Sprintf("c%03d", i), Domain: key("d"), StartedAt: when, EndedAt: when})
	}
	all := list(0)
	if len(all) != 102 {
		t.Fatalf("%d changes are kept, want 100 that ended and 2 that are open", len(all))
	}
	var last []string
	for _, c := range all[99:] {
		last = append(last, c.ID)
	}
	same(t, "the oldest that are kept", []string{"c000", "a", "open"}, last)
	other := read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.DomainChange, error) {
		return tx.Changes(ctx, key("other"), 0)
	})
	if len(other) != 1 {
		t.Errorf("%d changes of the other domain", len(other))
	}
}
