package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

var (
	calls  = searchpack.TrackCalls
	pinned = searchpack.TrackPinned
	latest = searchpack.TrackLatest
)

func (b *bench) association(p *searchpack.Package) *searchpack.Association {
	b.t.Helper()
	var a *searchpack.Association
	err := b.store.View(b.t.Context(), func(tx searchpack.Tx) (err error) {
		a, err = tx.Association(b.t.Context(), b.who.Key("products"), p.ID)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// rolled are the rollouts of the domain, newest first, as "associate v1 queued".
func (b *bench) rolled() []string {
	b.t.Helper()
	rs, versions, err := b.Rollouts(b.t.Context(), b.who, "products", 10)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, r := range rs {
		for _, s := range r.Steps {
			line := string(s.Action)
			if v := versions[s.VersionID]; v != nil {
				line += fmt.Sprintf(" v%d", v.Number)
			}
			out = append(out, line+" "+string(r.State))
		}
	}
	return out
}

func TestChooseVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status          searchpack.AssociationStatus
		serving, wanted int
		open            searchpack.RolloutState
		in              ChooseInput

		code   searchpack.Code
		says   string
		after  searchpack.AssociationStatus
		number int // wanted afterwards
		track  searchpack.Track
		rolled []string
	}{
		"back":           {status: searchpack.Active, serving: 2, wanted: 2, in: ChooseInput{Number: 1}, after: searchpack.Associating, number: 1, rolled: []string{"associate v1 queued"}},
		"back and stay":  {status: searchpack.Active, serving: 2, wanted: 2, in: ChooseInput{Number: 1, Track: &pinned}, after: searchpack.Associating, number: 1, track: pinned, rolled: []string{"associate v1 queued"}},
		"pin what is":    {status: searchpack.Active, serving: 1, wanted: 1, in: ChooseInput{Track: &pinned}, after: searchpack.Active, number: 1, track: pinned},
		"pin by number":  {status: searchpack.Active, serving: 1, wanted: 1, in: ChooseInput{Number: 1, Track: &pinned}, after: searchpack.Active, number: 1, track: pinned},
		"follow":         {status: searchpack.Active, serving: 1, wanted: 1, in: ChooseInput{Track: &latest}, after: searchpack.Active, number: 1, track: latest},
		"serves already": {status: searchpack.Active, serving: 2, wanted: 2, in: ChooseInput{Number: 2}, after: searchpack.Active, number: 2},
		"failed, again":  {status: searchpack.AssociationFailed, serving: 1, wanted: 2, in: ChooseInput{Number: 2}, after: searchpack.Associating, number: 2, rolled: []string{"associate v2 queued"}},
		"failed, back to what serves": {
			status: searchpack.AssociationFailed, serving: 1, wanted: 2, in: ChooseInput{Number: 1}, after: searchpack.Associating, number: 1, rolled: []string{"associate v1 queued"},
		},
		"another is queued": {
			status: searchpack.Associating, serving: 1, wanted: 2, open: searchpack.RolloutQueued, in: ChooseInput{Number: 1},
			after: searchpack.Associating, number: 1, rolled: []string{"associate v1 queued", "associate v2 aborted"},
		},
		"another runs":      {status: searchpack.Associating, serving: 1, wanted: 2, open: searchpack.RolloutRunning, in: ChooseInput{Number: 1}, code: searchpack.ErrConflict, says: "Another version"},
		"it goes":           {status: searchpack.Dissociating, serving: 2, wanted: 2, open: searchpack.RolloutRunning, in: ChooseInput{Number: 1}, code: searchpack.ErrConflict, says: "being dissociated"},
		"not associated":    {in: ChooseInput{Number: 1}, code: searchpack.ErrInvalid, says: "not associated"},
		"no such version":   {status: searchpack.Active, serving: 2, wanted: 2, in: ChooseInput{Number: 9}, code: searchpack.ErrNotFound, says: "no version v9"},
		"no former version": {status: searchpack.Active, serving: 2, wanted: 2, in: ChooseInput{Former: true}, code: searchpack.ErrInvalid, says: "choose a version by its number"},
		"nothing asked for": {status: searchpack.Active, serving: 2, wanted: 2, code: searchpack.ErrInvalid, says: "Say which version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, p := inState(t, c.status, c.serving, c.wanted, c.open)
			b.work()
			c.in.PackageID = p.ID
			before := b.rolled()
			v, err := b.ChooseVersion(t.Context(), b.who, "products", c.in)
			wantCode(t, err, c.code)
			if c.code != "" {
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("refused with %q, want %q", err, c.says)
				}
				if d := cmp.Diff(before, b.rolled()); d != "" || len(b.work()) > 0 {
					t.Errorf("refused, and yet: %s", d)
				}
				return
			}
			if v.Status != c.after || v.WantedNumber != c.number || v.Track != c.track {
				t.Errorf("%s, wants v%d, track %q", v.Status, v.WantedNumber, v.Track)
			}
			if d := cmp.Diff(v.Association, *b.association(p)); d != "" {
				t.Errorf("answered and stored differ: %s", d)
			}
			if d := cmp.Diff(c.rolled, b.rolled()); d != "" {
				t.Error(d)
			}
			if got := b.work(); len(got) != 1 || !strings.HasPrefix(got[0], "reconcile/") {
				t.Errorf("queued %v", got)
			}
			events, err := b.Events(t.Context(), b.who, EventQuery{Limit: 1})
			if err != nil || events.Events[0].Action != "ChooseVersion" || events.Events[0].Subject != p.ID+" products" {
				t.Errorf("audited %+v, %v", events, err)
			}
		})
	}
}

// done keeps a rollout that brought a version, as Decide leaves it.
func (b *bench) done(id string, p *searchpack.Package, version, former string) {
	b.t.Helper()
	b.now = b.now.Add(1)
	b.update(func(tx searchpack.Tx) error {
		return tx.PutRollout(b.t.Context(), &searchpack.Rollout{
			ID: id, Domain: b.who.Key("products"), State: searchpack.RolloutDone, CreatedAt: b.now,
			Steps: []searchpack.RolloutStep{{PackageID: p.ID, Action: searchpack.ActionAssociate, VersionID: version, FormerID: former}},
		})
	})
}

// The former version is the one before the newest change, not one that a repeated rollout names.
func TestChooseTheFormer(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Active, 2, 2, "")
	vs, err := b.Versions(t.Context(), b.who, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	one, two := vs[0].ID, vs[1].ID
	b.done("r1", p, one, "")
	b.done("r2", p, two, one)
	b.done("r3", p, two, two)
	v, err := b.ChooseVersion(t.Context(), b.who, "products", ChooseInput{PackageID: p.ID, Former: true, Track: &calls})
	if err != nil || v.WantedNumber != 1 || v.Status != searchpack.Associating {
		t.Fatalf("%+v, %v", v, err)
	}
	// An older version stays the caller's choice only until AssociatePackage is called again.
	if got := b.association(p); got.Track != searchpack.TrackCalls || got.ServingID != two {
		t.Errorf("%+v", got)
	}
}

func TestChooseForAnother(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Active, 2, 2, "")
	for name, c := range map[string]struct {
		who    searchpack.Caller
		domain string
		id     string
	}{"stranger": {stranger, "products", p.ID}, "no domain": {b.who, "nix", p.ID}, "no package": {b.who, "products", "F000000000"}} {
		_, err := b.ChooseVersion(t.Context(), c.who, c.domain, ChooseInput{PackageID: c.id, Number: 1})
		if searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestControlRollout(t *testing.T) {
	t.Parallel()
	b, _ := inState(t, searchpack.Associating, 1, 2, searchpack.RolloutRunning)
	b.who.User = "kim"
	b.work()
	r, err := b.ControlRollout(t.Context(), b.who, "products", "r", rollout.CommandPause)
	if err != nil || r.Paused != "kim" {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := b.work(); len(got) != 1 || !strings.HasPrefix(got[0], "reconcile/") {
		t.Errorf("queued %v", got)
	}
	stored, _, err := b.Rollouts(t.Context(), b.who, "products", 1)
	if err != nil || stored[0].Paused != "kim" {
		t.Errorf("stored %+v, %v", stored, err)
	}
	if r, err = b.ControlRollout(t.Context(), b.who, "products", "r", rollout.CommandResume); err != nil || r.Paused != "" {
		t.Errorf("%+v, %v", r, err)
	}
	b.who.User = ""
	if r, err = b.ControlRollout(t.Context(), b.who, "products", "r", rollout.CommandAbort); err != nil || r.Abort != b.who.ARN {
		t.Errorf("%+v, %v", r, err)
	}
	events, err := b.Events(t.Context(), b.who, EventQuery{Limit: 1})
	if err != nil || events.Events[0].Action != "ControlRollout" || events.Events[0].Detail != "abort" {
		t.Errorf("audited %+v, %v", events, err)
	}
}

// Refused orders change nothing; a rollout of another domain is none at all.
func TestControlRolloutRefuses(t *testing.T) {
	t.Parallel()
	b, _ := inState(t, searchpack.Associating, 1, 2, searchpack.RolloutRunning)
	b.domain("others")
	b.update(func(tx searchpack.Tx) error {
		return tx.PutRollout(t.Context(), &searchpack.Rollout{ID: "ended", Domain: b.who.Key("products"), State: searchpack.RolloutDone, Steps: []searchpack.RolloutStep{}})
	})
	b.work()
	for name, c := range map[string]struct {
		domain, id string
		order      rollout.Command
		want       searchpack.Code
	}{
		"no domain":      {"nix", "r", rollout.CommandPause, searchpack.ErrNotFound},
		"no rollout":     {"products", "nix", rollout.CommandPause, searchpack.ErrNotFound},
		"another domain": {"others", "r", rollout.CommandAbort, searchpack.ErrNotFound},
		"ended":          {"products", "ended", rollout.CommandAbort, searchpack.ErrConflict},
		"nonsense":       {"products", "r", "dance", searchpack.ErrInvalid},
	} {
		if _, err := b.ControlRollout(t.Context(), b.who, c.domain, c.id, c.order); searchpack.ErrorCode(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if got := b.work(); len(got) > 0 {
		t.Errorf("queued %v", got)
	}
}
