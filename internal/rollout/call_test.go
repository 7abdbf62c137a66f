package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func TestCalls(t *testing.T) {
	t.Parallel()
	step := func(version string) searchpack.RolloutStep {
		return searchpack.RolloutStep{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: version}
	}
	open := func(state searchpack.RolloutState, steps ...searchpack.RolloutStep) []searchpack.Rollout {
		return []searchpack.Rollout{{ID: "old", State: state, Steps: steps}}
	}
	row := func(s searchpack.AssociationStatus, serving, wanted string) *searchpack.Association {
		a := &searchpack.Association{PackageID: "F1", Status: s, ServingID: serving, WantedID: wanted, Note: "waiting"}
		if s == searchpack.AssociationFailed || s == searchpack.DissociationFailed {
			a.Error = &searchpack.ErrorDetails{Type: "X"}
		}
		return a
	}
	associate := func(c Call) (Change, error) { return Associate(c, Ask{PackageID: "F1"}) }
	dissociate := func(c Call) (Change, error) { return Dissociate(c, "F1") }
	other := searchpack.RolloutStep{PackageID: "F2", Action: searchpack.ActionAssociate, VersionID: "x"}
	for name, c := range map[string]struct {
		call     func(Call) (Change, error)
		row      *searchpack.Association
		open     []searchpack.Rollout
		none     bool // no version is available
		code     searchpack.Code
		message  string
		serving  string
		replaced searchpack.RolloutState
	}{
		"new":                              {call: associate},
		"not available":                    {call: associate, none: true, code: searchpack.ErrInvalid},
		"active at newest":                 {call: associate, row: row(searchpack.Active, "v2", "v2"), code: searchpack.ErrConflict, message: "Package is already in desired state"},
		"active, newer there":              {call: associate, row: row(searchpack.Active, "v1", "v1"), serving: "v1"},
		"associating the same":             {call: associate, row: row(searchpack.Associating, "", "v2"), open: open(searchpack.RolloutRunning, step("v2")), code: searchpack.ErrConflict, message: "Package is already in desired state"},
		"associating an older one, queued": {call: associate, row: row(searchpack.Associating, "", "v1"), open: open(searchpack.RolloutQueued, step("v1")), replaced: searchpack.RolloutAborted},
		"queued together with another":     {call: associate, row: row(searchpack.Associating, "", "v1"), open: open(searchpack.RolloutQueued, other, step("v1")), replaced: searchpack.RolloutQueued},
		"associating an older one":         {call: associate, row: row(searchpack.Associating, "", "v1"), open: open(searchpack.RolloutRunning, step("v1")), code: searchpack.ErrConflict},
		"failed":                           {call: associate, row: row(searchpack.AssociationFailed, "v1", "v2"), serving: "v1"},
		"dissociating":                     {call: associate, row: row(searchpack.Dissociating, "v1", "v1"), code: searchpack.ErrConflict},
		"dissociation failed":              {call: associate, row: row(searchpack.DissociationFailed, "v2", "v2"), serving: "v2"},

		"dissociate nothing":           {call: dissociate, code: searchpack.ErrInvalid, message: "Package is not associated to this domain"},
		"dissociate active":            {call: dissociate, row: row(searchpack.Active, "v2", "v2"), serving: "v2"},
		"dissociate failed":            {call: dissociate, row: row(searchpack.AssociationFailed, "v1", "v2"), serving: "v1"},
		"dissociate queued":            {call: dissociate, row: row(searchpack.Associating, "", "v2"), open: open(searchpack.RolloutQueued, step("v2")), replaced: searchpack.RolloutAborted},
		"dissociate running":           {call: dissociate, row: row(searchpack.Associating, "", "v2"), open: open(searchpack.RolloutRunning, step("v2"))},
		"dissociate dissociating":      {call: dissociate, row: row(searchpack.Dissociating, "v2", "v2"), code: searchpack.ErrConflict},
		"dissociate after a refusal":   {call: dissociate, row: row(searchpack.DissociationFailed, "v2", "v2"), serving: "v2"},
		"dissociate an unimported one": {call: dissociate, none: true, row: row(searchpack.Active, "v1", "v1"), serving: "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := searchpack.Package{ID: "F1", AvailableID: "v2", Status: searchpack.PackageAvailable}
			if c.none {
				p.AvailableID, p.Status = "", searchpack.PackageCopying
			}
			call := Call{
				Domain: simDomain, Packages: map[string]searchpack.Package{"F1": p}, Associations: map[string]searchpack.Association{},
				Open: c.open, RolloutID: "new", Now: simStart,
			}
			if c.row != nil {
				call.Associations["F1"] = *c.row
			}
			got, err := c.call(call)
			if code := searchpack.ErrorCode(err); code != c.code {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				if c.message != "" && searchpack.ErrorMessage(err) != c.message {
					t.Errorf("message %q", searchpack.ErrorMessage(err))
				}
				return
			}
			checkChange(t, got, c.row == nil, c.serving)
			switch {
			case c.replaced == "" && len(got.Replaced) > 0:
				t.Errorf("replaces %+v", got.Replaced)
			case c.replaced != "" && (len(got.Replaced) != 1 || got.Replaced[0].State != c.replaced):
				t.Errorf("replaces %+v", got.Replaced)
			case c.replaced == searchpack.RolloutAborted && (got.Replaced[0].EndedAt.IsZero() || got.Replaced[0].Reason == ""):
				t.Errorf("aborts %+v", got.Replaced[0])
			case c.replaced == searchpack.RolloutQueued:
				if diff := cmp.Diff([]searchpack.RolloutStep{other}, got.Replaced[0].Steps); diff != "" {
					t.Errorf("steps (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// checkChange holds what every change must have.
func checkChange(t *testing.T, got Change, created bool, serving string) {
	t.Helper()
	if len(got.Associations) != 1 || len(got.Rollout.Steps) != 1 {
		t.Fatalf("changes %+v", got)
	}
	a, r := got.Associations[0], got.Rollout
	want := searchpack.Associating
	if r.Steps[0].Action == searchpack.ActionDissociate {
		want = searchpack.Dissociating
	} else if a.WantedID != "v2" || r.Steps[0].VersionID != "v2" {
		t.Errorf("wants %s, step %+v", a.WantedID, r.Steps[0])
	}
	if a.Status != want || a.ServingID != serving || a.Error != nil || a.Note != "" || !a.UpdatedAt.Equal(simStart) {
		t.Errorf("association %+v", a)
	}
	if created != a.CreatedAt.Equal(simStart) {
		t.Errorf("created at %v", a.CreatedAt)
	}
	if r.ID != "new" || r.State != searchpack.RolloutQueued || r.Domain != simDomain || !r.CreatedAt.Equal(simStart) || !r.StartedAt.Equal(time.Time{}) {
		t.Errorf("rollout %+v", r)
	}
}
