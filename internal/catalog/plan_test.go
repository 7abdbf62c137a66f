package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

func (b *bench) plan(p *searchpack.Package, number int) *PlanView {
	b.t.Helper()
	v, err := b.Plan(b.t.Context(), b.who, "products", p.ID, number, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// The plan refuses what the call refuses, in the same words, and leaves everything as it was.
func TestPlanSaysWhatTheCallAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status          searchpack.AssociationStatus
		serving, wanted int
		open            searchpack.RolloutState
		before          int
	}{
		"none":                     {},
		"first, waits":             {status: searchpack.Associating, wanted: 2, open: searchpack.RolloutQueued, before: 1},
		"an older one waits":       {status: searchpack.Associating, wanted: 1, open: searchpack.RolloutQueued},
		"the newest is rolled out": {status: searchpack.Associating, serving: 1, wanted: 2, open: searchpack.RolloutRunning, before: 1},
		"active at the newest":     {status: searchpack.Active, serving: 2, wanted: 2},
		"active, a newer is there": {status: searchpack.Active, serving: 1, wanted: 1},
		"failed update":            {status: searchpack.AssociationFailed, serving: 1, wanted: 2},
		"on its way out":           {status: searchpack.Dissociating, serving: 2, wanted: 2, open: searchpack.RolloutRunning, before: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, p := inState(t, c.status, c.serving, c.wanted, c.open)
			b.work()
			v := b.plan(p, 0)
			if got := b.work(); len(got) > 0 {
				t.Errorf("the plan queued %v", got)
			}
			if v.Version.Number != 2 || len(v.Before) != c.before || (v.Former == nil) != (c.serving == 0) || v.Former != nil && v.Former.Number != c.serving {
				t.Errorf("%+v", v)
			}
			_, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: p.ID})
			switch {
			case (err == nil) != (v.Refused == nil):
				t.Errorf("the plan says %v, the call %v", v.Refused, err)
			case err != nil && (v.Refused.Code != searchpack.ErrorCode(err) || v.Refused.Message != searchpack.ErrorMessage(err)):
				t.Errorf("the plan says %v, the call %v", v.Refused, err)
			}
		})
	}
}

func TestPlanByNumber(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Active, 2, 2, "")
	v := b.plan(p, 1)
	if v.Version.Number != 1 || v.Former.Number != 2 || v.Refused != nil || v.Serves || v.Identical {
		t.Errorf("%+v", v)
	}
	for number, code := range map[int]searchpack.Code{3: searchpack.ErrNotFound} {
		_, err := b.Plan(t.Context(), b.who, "products", p.ID, number, nil)
		wantCode(t, err, code)
	}
	_, err := b.Plan(t.Context(), b.who, "nix", p.ID, 0, nil)
	wantCode(t, err, searchpack.ErrNotFound)
	_, err = b.Plan(t.Context(), b.who, "products", "F000000000", 0, nil)
	wantCode(t, err, searchpack.ErrNotFound)
	_, err = b.Plan(t.Context(), stranger, "products", p.ID, 0, nil)
	wantCode(t, err, searchpack.ErrNotFound)
}

func TestPlanOfNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	v := b.plan(b.pkg("synonyms"), 0)
	if v.Version != nil || v.Refused == nil || v.Refused.Code != searchpack.ErrInvalid || !strings.Contains(v.Refused.Message, "COPYING") {
		t.Errorf("%+v", v)
	}
}

// A full domain refuses one more package, and no other version of one that it has.
func TestPlanKnowsTheQuota(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Limits.PackagesPerDomain = 1 })
	b.domain("products")
	first, second := b.imported(b.pkg("first")), b.imported(b.pkg("second"))
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: first.ID}); err != nil {
		t.Fatal(err)
	}
	if v := b.plan(second, 0); v.Refused == nil || v.Refused.Code != searchpack.ErrInvalid || len(v.Before) != 1 || v.Names[first.ID] != "first" || v.Versions[first.AvailableID] == nil {
		t.Errorf("%+v, %v, %v", v.Refused, v.Names, v.Versions)
	}
}

func TestPlanCountsFindings(t *testing.T) {
	t.Parallel()
	b, p := inState(t, searchpack.Active, 1, 1, "")
	b.update(func(tx searchpack.Tx) error {
		v, err := tx.Version(t.Context(), p.AvailableID)
		if err != nil {
			return err
		}
		v.FindingCount = 7
		return errors.Join(tx.PutVersion(t.Context(), v), tx.PutFindings(t.Context(), v.ID, []searchpack.Finding{
			{Severity: searchpack.SeverityWarning}, {Severity: searchpack.SeverityWarning}, {Severity: searchpack.SeverityNote},
		}))
	})
	v := b.plan(p, 0)
	if d := cmp.Diff(map[searchpack.Severity]int{searchpack.SeverityWarning: 2, searchpack.SeverityNote: 1}, v.Findings); d != "" || v.FindingCount != 7 {
		t.Errorf("%d of %d: %s", len(v.Findings), v.FindingCount, d)
	}
}

// What differs is asked for once the reading is over; that it cannot be told is part of the plan.
func TestPlanSaysWhatDiffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer *Difference
		err    error
		note   string
		code   searchpack.Code
	}{
		"told":      {answer: &Difference{Added: 2, Texts: []string{"laptop"}}},
		"too large": {err: searchpack.Errorf(searchpack.ErrTooLarge, "It takes too long."), note: "It takes too long."},
		"broken":    {err: errors.New("disk"), code: searchpack.ErrInternal},
	} {
		b, p := inState(t, searchpack.Active, 1, 1, "")
		asked := ""
		b.differences = func(_ context.Context, former, version *searchpack.Version) (*Difference, error) {
			asked += string(rune('0'+former.Number)) + string(rune('0'+version.Number))
			return c.answer, c.err
		}
		v, err := b.Plan(t.Context(), b.who, "products", p.ID, 0, nil)
		wantCode(t, err, c.code)
		if asked != "12" {
			t.Errorf("%s: asked %q", name, asked)
		}
		switch {
		case c.code != "":
		case c.note != "":
			if v.Difference == nil || v.Difference.Note != c.note {
				t.Errorf("%s: %+v", name, v.Difference)
			}
		case v.Difference != c.answer:
			t.Errorf("%s: %+v", name, v.Difference)
		}
		asked = ""
		if v := b.plan(p, 1); asked != "" || v.Difference != nil || v.Users != nil && v.Users[0].Reach != rollout.ReachNothing {
			t.Errorf("%s: the same bytes are compared: %q, %+v", name, asked, v.Difference)
		}
	}
}

// Whoever associates a shared package sees what happens in his domain, and nothing of the file.
func TestPlanOfASharedPackage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.shared("synonyms")
	b.update(func(tx searchpack.Tx) error {
		return tx.PutFindings(t.Context(), p.AvailableID, []searchpack.Finding{{Severity: searchpack.SeverityWarning}})
	})
	b.differences = func(context.Context, *searchpack.Version, *searchpack.Version) (*Difference, error) {
		t.Error("asked what differs")
		return &Difference{Texts: []string{"secret"}}, nil
	}
	other := b.as(neighbour)
	other.domain("products")
	v := other.plan(p, 0)
	if v.Refused != nil || v.Version.Number != 1 || len(v.Findings) > 0 || v.FindingCount > 0 || v.Difference != nil || v.Package.SharedWith != nil {
		t.Errorf("%+v", v)
	}
}

// A plan of a configuration is of the call that names its plugin, as the caller says.
func TestPlanWithAPrerequisite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.domain("products")
	plugin, config := b.ready("lemmas", searchpack.TypePlugin), b.ready("lemmas-config", searchpack.TypeConfig)
	if _, err := b.AssociatePackage(t.Context(), b.who, "products", AssociateInput{PackageID: plugin.ID}); err != nil {
		t.Fatal(err)
	}
	for says, prerequisites := range map[string][]string{"belongs to a plugin": nil, "needs its prerequisites first: " + plugin.ID: {plugin.ID}} { // which does not serve yet
		v, err := b.Plan(t.Context(), b.who, "products", config.ID, 0, prerequisites)
		if err != nil || !strings.Contains(fmt.Sprint(v.Refused), says) {
			t.Errorf("%v: %v, %v", prerequisites, v.Refused, err)
		}
	}
}
