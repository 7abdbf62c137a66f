package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func ptr[T any](v T) *T { return &v }

func TestUpdateDomainPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		was    searchpack.DomainPolicy
		change PolicyChange
		want   searchpack.DomainPolicy
		detail string // of the event; "" = refused
	}{
		"ignore": {
			change: PolicyChange{UnmanagedNodes: ptr("ignore")},
			want:   searchpack.DomainPolicy{UnmanagedNodes: "ignore"}, detail: "unmanaged_nodes ignore",
		},
		"block again": {
			was: searchpack.DomainPolicy{UnmanagedNodes: "ignore", AbsentNodes: "wait"}, change: PolicyChange{UnmanagedNodes: ptr("")},
			want: searchpack.DomainPolicy{AbsentNodes: "wait"}, detail: "unmanaged_nodes block",
		},
		"all": {
			change: PolicyChange{Level: ptr(searchpack.LevelProbed), UnmanagedNodes: ptr("ignore"), AbsentNodes: ptr("wait"), Restart: ptr("any")},
			want:   searchpack.DomainPolicy{Level: searchpack.LevelProbed, UnmanagedNodes: "ignore", AbsentNodes: "wait", Restart: "any"},
			detail: "level probed, unmanaged_nodes ignore, absent_nodes wait, restart any",
		},
		"highest": {
			was: searchpack.DomainPolicy{Level: searchpack.LevelPlaced}, change: PolicyChange{Level: ptr(searchpack.Level(""))}, detail: "level highest",
		},
		"careful again": {
			was: searchpack.DomainPolicy{Restart: "any"}, change: PolicyChange{Restart: ptr("")}, detail: "restart careful",
		},
		"nothing":             {},
		"no such restart":     {change: PolicyChange{Restart: ptr("all")}},
		"no such level":       {change: PolicyChange{Level: ptr(searchpack.Level("sure"))}},
		"no such wish":        {change: PolicyChange{AbsentNodes: ptr("forget")}},
		"one good, one wrong": {change: PolicyChange{AbsentNodes: ptr("wait"), UnmanagedNodes: ptr("block")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.domain("products")
			ctx := t.Context()
			key := b.who.Key("products")
			err := b.store.Update(ctx, func(tx searchpack.Tx) error {
				d, err := tx.Domain(ctx, key)
				if err != nil {
					return err
				}
				d.Policy = c.was
				return tx.PutDomain(ctx, d)
			})
			if err != nil {
				t.Fatal(err)
			}
			b.work()
			got, err := b.UpdateDomainPolicy(ctx, b.who, "products", c.change)
			if c.detail == "" {
				wantCode(t, err, searchpack.ErrInvalid)
				c.want = c.was
			} else if err != nil || *got != c.want {
				t.Fatalf("%+v, %v", got, err)
			}
			read, err := b.DomainPolicy(ctx, b.who, "products")
			if err != nil || *read != c.want {
				t.Errorf("stored %+v, %v", read, err)
			}
			if n := len(b.work()); n != 1 && c.detail != "" || n > 0 && c.detail == "" {
				t.Errorf("%d pieces of work", n)
			}
			page, err := b.Events(ctx, b.who, EventQuery{Limit: 10, Action: "UpdateDomainPolicy"})
			var details []string
			for _, e := range page.Events {
				details = append(details, e.Detail)
			}
			var want []string
			if c.detail != "" {
				want = []string{c.detail}
			}
			if d := cmp.Diff(want, details); d != "" || err != nil {
				t.Errorf("events %v: %s", err, d)
			}
		})
	}
}

func TestDomainPolicyOfNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.DomainPolicy(t.Context(), b.who, "nix")
	wantCode(t, err, searchpack.ErrNotFound)
	_, err = b.UpdateDomainPolicy(t.Context(), b.who, "nix", PolicyChange{AbsentNodes: ptr("wait")})
	wantCode(t, err, searchpack.ErrNotFound)
}
