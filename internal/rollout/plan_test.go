package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// available makes a version the one that AssociatePackage takes.
func (b *bench) available(version string) {
	p := b.w.Packages["F1"]
	p.AvailableID = version
	b.w.Packages["F1"] = p
}

func (b *bench) reloads() {
	for i := range b.w.Agents {
		f := b.facts(i)
		f.RefreshAPI = true
		b.report(i, f)
	}
}

func (b *bench) used(uses ...searchpack.Use) {
	b.w.Usage = &searchpack.Usage{ClusterUUID: "C", Uses: uses}
}

func TestPlanChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.reloads()
	b.available("v2")
	b.used(indexUse("shop"))
	was := cmp.Diff(World{}, b.w)
	first := Plan(b.w, Ask{PackageID: "F1"}, nil)
	if now := cmp.Diff(World{}, b.w); now != was {
		t.Errorf("the world has changed")
	}
	if d := cmp.Diff(first, Plan(b.w, Ask{PackageID: "F1"}, nil)); d != "" {
		t.Errorf("asked again: %s", d)
	}
}

// What is foreseen of an update is what then happens.
func TestPlanOfAnUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.reloads()
	b.leave(2)
	b.later(OwedAfter+time.Second, "n3")
	for _, a := range b.w.Agents[:2] {
		a.Report.Node.RefreshAPI = true
	}
	b.available("v2")
	use := indexUse("shop")
	use.Witnesses = []searchpack.WitnessPoint{{Analyzer: "srch", Field: "title", Body: `{"path":"` + searchpack.PathMark + `"}`}, {Analyzer: "odd", Blind: "it cannot be written inline"}}
	b.used(use)
	got := Plan(b.w, Ask{PackageID: "F1"}, nil)
	if got.Refused != nil || got.Serves || got.Identical || got.NoWitness != "" || got.Points != 1 || got.Probes != 1 || got.Generic || !got.UsageKnown {
		t.Errorf("%+v", got)
	}
	if d := cmp.Diff("n1 must prove, n2 must prove, n3 owed", standings(got.Members)); d != "" {
		t.Error(d)
	}
	if u := got.Users[0]; u.Reach != ReachHot || u.Name != "shop" {
		t.Errorf("%+v", u)
	}
}

// How the version reaches each user.
func TestPlanReaches(t *testing.T) {
	t.Parallel()
	use := func(f func(u *searchpack.Use)) searchpack.Use {
		u := indexUse("shop")
		f(&u)
		return u
	}
	for name, c := range map[string]struct {
		use     searchpack.Use
		version string
		noAPI   bool
		want    Reach
		note    string
	}{
		"hot":            {use: indexUse("shop"), want: ReachHot},
		"no refresh API": {use: indexUse("shop"), noAPI: true, want: ReachReopen, note: "_refresh_search_analyzers"},
		"not updateable": {use: use(func(u *searchpack.Use) { u.HotReload, u.Updateable = false, false }), want: ReachReopen, note: "filter.syn cannot be reloaded"},
		"at index time": {
			use:  use(func(u *searchpack.Use) { u.HotReload, u.Updateable, u.Fields = false, false, []string{"title (index)"} }),
			want: ReachReindex, note: "old terms",
		},
		"closed":     {use: use(func(u *searchpack.Use) { u.Closed = true }), want: ReachNothing, note: "opened"},
		"template":   {use: use(func(u *searchpack.Use) { u.UserKind = searchpack.UserTemplate }), want: ReachNothing, note: "each index that it makes"},
		"same bytes": {use: indexUse("shop"), version: "v3", want: ReachNothing, note: "same bytes"},
	} {
		b := newBench(t, 1)
		v3 := b.w.Versions["v3"]
		v3.Digest = b.w.Versions["v1"].Digest
		b.w.Versions["v3"] = v3
		b.serve("v1")
		if !c.noAPI {
			b.reloads()
		}
		b.available("v2")
		b.used(c.use)
		got := Plan(b.w, Ask{PackageID: "F1", VersionID: c.version}, nil)
		if len(got.Users) != 1 || got.Users[0].Reach != c.want || !strings.Contains(got.Users[0].Note, c.note) {
			t.Errorf("%s: %+v", name, got.Users)
		}
		if got.Identical != (c.version == "v3") {
			t.Errorf("%s: identical is %v", name, got.Identical)
		}
	}
}

// What the call would be answered.
func TestPlanRefusals(t *testing.T) {
	t.Parallel()
	quota := searchpack.Errorf(searchpack.ErrInvalid, "The domain is full.")
	for name, c := range map[string]struct {
		prepare func(b *bench)
		version string
		allowed error
		code    searchpack.Code
		says    string
		serves  bool
	}{
		"nothing against it":   {prepare: func(b *bench) { b.available("v2") }},
		"desired already":      {prepare: func(*bench) {}, code: searchpack.ErrConflict, says: "desired state", serves: true},
		"the same, by number":  {prepare: func(b *bench) { b.available("v2") }, version: "v1", code: searchpack.ErrConflict, says: "desired state", serves: true},
		"an older one":         {prepare: func(b *bench) { b.available("v2") }, version: "v3"},
		"nothing is available": {prepare: func(b *bench) { b.available("") }, code: searchpack.ErrInvalid, says: "is not available"},
		"pinned": {prepare: func(b *bench) {
			b.available("v2")
			b.w.Associations[0].Track = searchpack.TrackPinned
		}, code: searchpack.ErrConflict, says: "is pinned"},
		"pinned, by number": {prepare: func(b *bench) {
			b.available("v2")
			b.w.Associations[0].Track = searchpack.TrackPinned
		}, version: "v2"},
		"no room": {prepare: func(b *bench) { b.available("v2") }, allowed: quota, code: searchpack.ErrInvalid, says: "full"},
		"a license": {prepare: func(b *bench) {
			b.available("v2")
			p := b.w.Packages["F1"]
			p.Type = searchpack.TypeLicense
			b.w.Packages["F1"] = p
		}, code: searchpack.ErrInvalid, says: "PrerequisitePackageIDList"},
	} {
		b := newBench(t, 1)
		b.available("v1")
		b.serve("v1")
		c.prepare(b)
		got := Plan(b.w, Ask{PackageID: "F1", VersionID: c.version}, c.allowed)
		if got.Serves != c.serves {
			t.Errorf("%s: serves is %v", name, got.Serves)
		}
		switch {
		case got.Refused == nil && c.code != "":
			t.Errorf("%s is not refused", name)
		case got.Refused != nil && (got.Refused.Code != c.code || !strings.Contains(got.Refused.Message, c.says)):
			t.Errorf("%s: %q, %v", name, got.Refused.Code, got.Refused)
		}
	}
}

// Rollouts that end first; one that the call makes pointless is none of them.
func TestPlanWaitsForOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.w.Associations = []searchpack.Association{{Domain: simDomain, PackageID: "F1", Status: searchpack.Associating, WantedID: "v1"}}
	b.available("v2")
	b.w.Rollouts = []searchpack.Rollout{
		{ID: "other", State: searchpack.RolloutRunning, Steps: []searchpack.RolloutStep{{PackageID: "F2", Action: searchpack.ActionAssociate}}},
		{ID: "mine", State: searchpack.RolloutQueued, Steps: []searchpack.RolloutStep{{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: "v1"}}},
	}
	got := Plan(b.w, Ask{PackageID: "F1"}, nil)
	if len(got.Before) != 1 || got.Before[0].ID != "other" || got.Refused != nil {
		t.Errorf("%+v, %v", got.Before, got.Refused)
	}
	b.w.Rollouts[1].State = searchpack.RolloutRunning
	if got = Plan(b.w, Ask{PackageID: "F1"}, nil); got.Refused == nil || got.Refused.Code != searchpack.ErrConflict || len(got.Before) != 2 {
		t.Errorf("%+v, %v", got.Before, got.Refused)
	}
}

// Where nothing can be asked, the reason is named.
func TestPlanWithoutWitness(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(b *bench){
		"no OpenSearch":             func(b *bench) { b.w.Domain.FilesOnly = true },
		"policy is level probed":    func(b *bench) { b.w.Domain.Policy.Level = searchpack.LevelProbed },
		noNodeReports:               func(b *bench) { b.w.Agents = nil },
		"_refresh_search_analyzers": func(b *bench) { b.report(0, b.facts(0)) },
		"same bytes serve":          func(b *bench) { b.available("v1") },
	} {
		b := newBench(t, 1)
		b.serve("v1")
		b.reloads()
		b.available("v2")
		b.used(indexUse("shop"))
		change(b)
		if got := Plan(b.w, Ask{PackageID: "F1"}, nil); !strings.Contains(got.NoWitness, says) || got.Points != 0 {
			t.Errorf("%q is not said: %q, %d points", says, got.NoWitness, got.Points)
		}
	}
}

// A domain of which nobody has told yet is asked by the generic chain.
func TestPlanBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.available("v1")
	got := Plan(b.w, Ask{PackageID: "F1"}, nil)
	if got.UsageKnown || got.Probes != 1 || !got.Generic || got.Refused != nil || len(got.Users) != 0 {
		t.Errorf("%+v", got)
	}
}
