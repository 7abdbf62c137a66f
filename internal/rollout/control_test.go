package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func (b *bench) control(o Command) {
	b.t.Helper()
	r, err := Control(b.w.Rollouts[0], o, "kim")
	if err != nil {
		b.t.Fatal(err)
	}
	b.w.Rollouts[0] = r
}

// Before anything was placed an abort just ends it; later the former version comes back first.
func TestAbort(t *testing.T) {
	t.Parallel()
	for _, at := range []searchpack.Phase{"", searchpack.PhaseProbe, searchpack.PhasePlace, searchpack.PhaseReload, searchpack.PhaseProve} {
		b := newBench(t, 3)
		b.serve("v1")
		b.uses = []searchpack.Use{indexUse("shop")}
		b.ask(searchpack.ActionAssociate, "v2")
		for range 50 {
			if at == "" || b.w.Rollouts[0].Phase == at {
				break
			}
			b.step()
			b.obey()
			if len(b.w.Rollouts) == 0 {
				t.Fatalf("it went past %q", at)
			}
		}
		b.control(CommandAbort)
		b.run()
		a := b.w.Associations[0]
		if a.Status != searchpack.AssociationFailed || a.ServingID != "v1" || a.Error.Type != aborted || !strings.Contains(a.Error.Message, "Aborted by kim.") {
			t.Errorf("aborted in %q: %s serving %s, %+v", at, a.Status, a.ServingID, a.Error)
		}
		for _, n := range b.w.Agents {
			if f := n.Report.Files; len(f) != 1 || f[0].Digest != b.w.Versions["v1"].Digest {
				t.Errorf("aborted in %q: %s has %+v", at, n.Name, f)
			}
		}
	}
}

// A dissociation that is aborted puts the file back.
func TestAbortDissociation(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.ask(searchpack.ActionDissociate, "")
	for range 50 {
		if b.w.Rollouts[0].Phase == searchpack.PhaseHide {
			break
		}
		b.step()
		b.obey()
	}
	b.control(CommandAbort)
	b.run()
	if a := b.w.Associations[0]; a.Status != searchpack.DissociationFailed || a.ServingID != "v1" {
		t.Errorf("%+v", a)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.ask(searchpack.ActionAssociate, "v2")
	b.step()
	b.control(CommandPause)
	for range 20 {
		b.step()
		b.obey()
		b.later(time.Second)
	}
	r := b.w.Rollouts[0]
	if !r.State.Open() || placed(r.Phase) || !strings.Contains(r.Waiting, "paused by kim") {
		t.Errorf("paused, but %s in %s, waiting %q", r.State, r.Phase, r.Waiting)
	}
	b.control(CommandResume)
	b.run()
	if a := b.w.Associations[0]; a.Status != searchpack.Active || a.ServingID != "v2" {
		t.Errorf("resumed: %+v", a)
	}
}

func TestControlTable(t *testing.T) {
	t.Parallel()
	running := func(p searchpack.Phase) searchpack.Rollout {
		return searchpack.Rollout{State: searchpack.RolloutRunning, Phase: p}
	}
	for name, c := range map[string]struct {
		r    searchpack.Rollout
		o    Command
		code searchpack.Code
	}{
		"ended":                    {searchpack.Rollout{State: searchpack.RolloutDone}, CommandAbort, searchpack.ErrConflict},
		"queued":                   {searchpack.Rollout{State: searchpack.RolloutQueued}, CommandAbort, ""},
		"running":                  {running(searchpack.PhasePlace), CommandPause, ""},
		"on its way back":          {running(searchpack.PhaseReturn), CommandAbort, searchpack.ErrConflict},
		"on its way back, resumed": {running(searchpack.PhaseReturn), CommandResume, ""},
		"files are being deleted":  {running(searchpack.PhaseRemove), CommandPause, searchpack.ErrConflict},
		"aborted, then paused":     {searchpack.Rollout{State: searchpack.RolloutRunning, Abort: "x"}, CommandPause, searchpack.ErrConflict},
		"nonsense":                 {running(searchpack.PhasePlace), "dance", searchpack.ErrInvalid},
	} {
		next, err := Control(c.r, c.o, "kim")
		if searchpack.ErrorCode(err) != c.code && (err != nil || c.code != "") {
			t.Errorf("%s: %v, want code %q", name, err, c.code)
		}
		if again, err2 := Control(next, c.o, "lee"); err == nil && (err2 != nil || again.Paused != next.Paused || again.Abort != next.Abort) {
			t.Errorf("%s: the same order again: %+v, %v", name, again, err2)
		}
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	row := func(track searchpack.Track, s searchpack.AssociationStatus, wanted string) searchpack.Association {
		return searchpack.Association{PackageID: "F1", Track: track, Status: s, ServingID: "v1", WantedID: wanted}
	}
	for name, c := range map[string]struct {
		a    searchpack.Association
		want bool
	}{
		"follows":              {row(searchpack.TrackLatest, searchpack.Active, "v1"), true},
		"has it":               {row(searchpack.TrackLatest, searchpack.Active, "v2"), false},
		"tried it in vain":     {row(searchpack.TrackLatest, searchpack.AssociationFailed, "v2"), false},
		"failed an older one":  {row(searchpack.TrackLatest, searchpack.AssociationFailed, "v1"), true},
		"is getting one":       {row(searchpack.TrackLatest, searchpack.Associating, "v1"), false},
		"goes":                 {row(searchpack.TrackLatest, searchpack.Dissociating, "v1"), false},
		"pinned":               {row(searchpack.TrackPinned, searchpack.Active, "v1"), false},
		"as calls say":         {row(searchpack.TrackCalls, searchpack.Active, "v1"), false},
		"of another available": {row(searchpack.TrackLatest, searchpack.DissociationFailed, "v1"), false},
	} {
		call := Call{
			Packages:     map[string]searchpack.Package{"F1": {ID: "F1", AvailableID: "v2"}},
			Associations: map[string]searchpack.Association{"F1": c.a},
		}
		got := slices.ContainsFunc(Follow(call), func(a Ask) bool { return a.PackageID == "F1" })
		if got != c.want {
			t.Errorf("%s: follows %v", name, got)
		}
	}
}

// A pinned package takes a version by its number only.
func TestPinned(t *testing.T) {
	t.Parallel()
	call := Call{
		Domain: simDomain, Packages: map[string]searchpack.Package{"F1": {ID: "F1", AvailableID: "v3"}}, RolloutID: "r",
		Associations: map[string]searchpack.Association{"F1": {PackageID: "F1", Track: searchpack.TrackPinned, Status: searchpack.Active, ServingID: "v1", WantedID: "v1"}},
	}
	if _, err := Associate(call, Ask{PackageID: "F1"}); searchpack.ErrorCode(err) != searchpack.ErrConflict || !strings.Contains(searchpack.ErrorMessage(err), "pinned") {
		t.Errorf("the newest: %v", err)
	}
	ch, err := Associate(call, Ask{PackageID: "F1", VersionID: "v2"})
	if err != nil || ch.Rollout.Steps[0].VersionID != "v2" || ch.Associations[0].Track != searchpack.TrackPinned {
		t.Errorf("by number: %+v, %v", ch, err)
	}
}

// An abort of what waits is carried out at once: it need not wait for what it waits for.
func TestAbortWhatWaits(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n2"].busy = "in a moment"
	b.wants(install, "p1")
	b.goUntil("n2 is offered", b.offered("n2"))
	b.w.Packages["F1"] = searchpack.Package{ID: "F1", Name: "words", Type: searchpack.TypePlugin, AvailableID: "w1"}
	b.w.Versions["w1"] = searchpack.Version{ID: "w1", PackageID: "F1", Number: 1, Digest: searchpack.DigestOf([]byte("w1")), Size: 2, Plugin: &searchpack.PluginProperties{Name: "words"}}
	b.made(Associate(b.call(), Ask{PackageID: "F1"}))
	b.turn()
	last := &b.w.Rollouts[len(b.w.Rollouts)-1]
	if len(b.w.Rollouts) != 2 || last.State != searchpack.RolloutQueued {
		t.Fatalf("%+v", b.w.Rollouts)
	}
	last.Abort = "ann"
	b.turn()
	if len(b.w.Rollouts) != 1 || b.phase() != string(searchpack.PhaseRestart) {
		t.Errorf("%d rollouts, %s", len(b.w.Rollouts), b.phase())
	}
	for _, a := range b.w.Associations {
		if a.PackageID == "F1" && (a.Status != searchpack.AssociationFailed || a.Error == nil || !strings.Contains(a.Error.Message, "Aborted by ann. Nothing was placed.")) {
			t.Errorf("%+v, %+v", a, a.Error)
		}
	}
}
