package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func testAccess(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	b := &searchpack.Credential{
		AccessKey: "b", Account: account, Name: "admin", Sealed: []byte{0, 255, 1, '\''}, CreatedAt: t0,
		Policies: []string{`{"Version":"2012-10-17","Statement":[]}`, `{}`}, Operator: true, Inactive: true,
		SessionHash: searchpack.DigestOf([]byte("session")), ExpiresAt: at(time.Hour),
	}
	upper := &searchpack.Credential{AccessKey: "B", Account: account}
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.PutCredential(ctx, b); err != nil {
			return err
		}
		return tx.PutCredential(ctx, upper)
	})
	b.Sealed = append(b.Sealed, 7)
	update(t, s, func(tx searchpack.Tx) error { return tx.PutCredential(ctx, b) })
	same(t, "Credential", b, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Credential, error) {
		return tx.Credential(ctx, "b")
	}))
	same(t, "Credentials", []*searchpack.Credential{upper, b},
		read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Credential, error) {
			return tx.Credentials(ctx)
		}))

	b.Policies, b.Operator, b.Inactive, b.SessionHash, b.ExpiresAt = nil, false, false, "", time.Time{}
	update(t, s, func(tx searchpack.Tx) error {
		if err := tx.DeleteCredential(ctx, "B"); err != nil {
			return err
		}
		return tx.PutCredential(ctx, b)
	})
	same(t, "Credentials, one deleted", []*searchpack.Credential{b},
		read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Credential, error) {
			return tx.Credentials(ctx)
		}))

	for _, want := range [][]byte{{1, 0, 2}, {9}} {
		update(t, s, func(tx searchpack.Tx) error { return tx.PutSecret(ctx, "ca", want) })
		same(t, "Secret", want, read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]byte, error) { return tx.Secret(ctx, "ca") }))
	}
}

func testEvents(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	add := func(region, action string) *searchpack.Event {
		e := &searchpack.Event{
			At: t0, Account: account, Region: region, Actor: "arn:aws:iam::000000000000:user/admin", Action: action,
			Subject: "F1", Detail: "d", Result: "denied", AccessKey: "AK", SourceIP: "192.0.2.1", RequestID: "r-" + action,
		}
		update(t, s, func(tx searchpack.Tx) error { return tx.AddEvent(ctx, e) })
		return e
	}
	list := func(before int64, limit int) []*searchpack.Event {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Event, error) {
			return tx.Events(ctx, account, region, before, limit)
		})
	}
	one, _, two, three := add(region, "one"), add("eu-west-1", "elsewhere"), add(region, "two"), add(region, "three")
	if one.ID <= 0 || two.ID <= one.ID || three.ID <= two.ID {
		t.Fatalf("ids %d, %d, %d do not grow", one.ID, two.ID, three.ID)
	}
	same(t, "all", []*searchpack.Event{three, two, one}, list(0, 0))
	same(t, "the newest", []*searchpack.Event{three, two}, list(0, 2))
	same(t, "the next page", []*searchpack.Event{one}, list(two.ID, 2))
	same(t, "the end", nil, list(one.ID, 2))
}

func testDeleteEvents(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	add := func(when time.Duration) *searchpack.Event {
		e := &searchpack.Event{At: at(when), Account: account, Region: region, Action: when.String()}
		update(t, s, func(tx searchpack.Tx) error { return tx.AddEvent(ctx, e) })
		return e
	}
	// Several servers write: the order of ids is not that of times.
	late, early, mid, young := add(3*time.Hour), add(0), add(time.Hour), add(5*time.Hour)
	remove := func(before time.Duration, limit, want int, left ...*searchpack.Event) {
		t.Helper()
		var n int
		update(t, s, func(tx searchpack.Tx) (err error) { n, err = tx.DeleteEvents(ctx, at(before), limit); return err })
		same(t, "deleted", want, n)
		same(t, "left", left, read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Event, error) {
			return tx.Events(ctx, account, region, 0, 0)
		}))
	}
	remove(0, 10, 0, young, mid, early, late)
	remove(4*time.Hour, 2, 2, young, late)
	remove(4*time.Hour, 2, 1, young)
	remove(4*time.Hour, 2, 0, young)
}

// Everything asked for by its id says what is missing.
func testNotFound(t *testing.T, s searchpack.Store) {
	ctx, k := t.Context(), key("none")
	tests := []struct {
		kind, id string
		do       func(tx searchpack.Tx) error
	}{
		{"package", "F9", func(tx searchpack.Tx) error { _, err := tx.Package(ctx, "F9"); return err }},
		{"package", "F9", func(tx searchpack.Tx) error { return tx.DeletePackage(ctx, "F9") }},
		{"version", "v9", func(tx searchpack.Tx) error { _, err := tx.Version(ctx, "v9"); return err }},
		{"domain", k.String(), func(tx searchpack.Tx) error { _, err := tx.Domain(ctx, k); return err }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.DeleteDomain(ctx, k) }},
		{"association", "F9", func(tx searchpack.Tx) error { _, err := tx.Association(ctx, k, "F9"); return err }},
		{"association", k.String(), func(tx searchpack.Tx) error { return tx.DeleteAssociation(ctx, k, "F9") }},
		{"usage", k.String(), func(tx searchpack.Tx) error { _, err := tx.Usage(ctx, k); return err }},
		{"rollout", "r9", func(tx searchpack.Tx) error { _, err := tx.Rollout(ctx, "r9"); return err }},
		{"preview", "p9", func(tx searchpack.Tx) error { _, err := tx.Preview(ctx, "p9"); return err }},
		{"preview", "p9", func(tx searchpack.Tx) error { return tx.DeletePreview(ctx, "p9") }},
		{"proof", "a9", func(tx searchpack.Tx) error { return tx.DeleteProof(ctx, "a9", "F9") }},
		{"agent", "a9", func(tx searchpack.Tx) error { _, err := tx.Agent(ctx, "a9"); return err }},
		{"join token", "t9", func(tx searchpack.Tx) error { _, err := tx.JoinToken(ctx, "t9"); return err }},
		{"join token", "t9", func(tx searchpack.Tx) error { return tx.DeleteJoinToken(ctx, "t9") }},
		{"credential", "AK", func(tx searchpack.Tx) error { _, err := tx.Credential(ctx, "AK"); return err }},
		{"credential", "AK", func(tx searchpack.Tx) error { return tx.DeleteCredential(ctx, "AK") }},
		{"secret", "ca", func(tx searchpack.Tx) error { _, err := tx.Secret(ctx, "ca"); return err }},
	}
	for _, test := range tests {
		wantCode(t, s.Update(ctx, test.do), searchpack.ErrNotFound, test.kind, test.id)
		// What was not found spoils nothing: the transaction goes on.
		err := s.Update(ctx, func(tx searchpack.Tx) error {
			test.do(tx) //nolint:errcheck // looked at above
			return tx.PutSecret(ctx, "went-on", []byte{1})
		})
		if err != nil {
			t.Errorf("after a missing %s: %v", test.kind, err)
		}
	}
	update(t, s, func(tx searchpack.Tx) error {
		if all, err := tx.Versions(ctx, "F9"); err != nil || len(all) != 0 {
			t.Errorf("versions of no package: %v %v", all, err)
		}
		if all, err := tx.Findings(ctx, "v9"); err != nil || len(all) != 0 {
			t.Errorf("findings of no version: %v %v", all, err)
		}
		return nil
	})
}

// What hangs on a thing that was deleted meanwhile is not written.
func testGoneParents(t *testing.T, s searchpack.Store) {
	ctx, k := t.Context(), key("none")
	tests := []struct {
		kind, id string
		do       func(tx searchpack.Tx) error
	}{
		{"package", "F9", func(tx searchpack.Tx) error { return tx.PutVersion(ctx, fullVersion("v", "F9")) }},
		{"version", "v9", func(tx searchpack.Tx) error { return tx.PutFindings(ctx, "v9", []searchpack.Finding{{Rule: "r"}}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutAssociation(ctx, &searchpack.Association{Domain: k}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutUsage(ctx, k, &searchpack.Usage{}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutRollout(ctx, &searchpack.Rollout{ID: "r", Domain: k}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutPreview(ctx, &searchpack.Preview{ID: "p", Domain: k}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutProof(ctx, &searchpack.Proof{Domain: k}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutAgent(ctx, &searchpack.Agent{ID: "a", Domain: k}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutIncident(ctx, &searchpack.NodeIncident{Domain: k}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutJoinToken(ctx, &searchpack.JoinToken{Domain: k}) }},
		{"domain", k.String(), func(tx searchpack.Tx) error { return tx.PutChange(ctx, &searchpack.DomainChange{ID: "c", Domain: k}) }},
		{"agent", "a9", func(tx searchpack.Tx) error { return tx.PutReport(ctx, "a9", &searchpack.Report{}, time.Time{}) }},
		{"agent", "a9", func(tx searchpack.Tx) error { return tx.PutOrder(ctx, "a9", &searchpack.Order{}) }},
	}
	for _, test := range tests {
		wantCode(t, s.Update(ctx, test.do), searchpack.ErrNotFound, test.kind, test.id)
	}
}
