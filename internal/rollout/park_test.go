package rollout

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

// states of the open rollouts, oldest first: "P1 parked, F1 running".
func (b *plugBench) states() string {
	var out []string
	for _, r := range b.w.Rollouts {
		out = append(out, r.Steps[0].PackageID+" "+string(r.State))
	}
	return strings.Join(out, ", ")
}

// serves is what serves of the dictionary.
func (b *plugBench) serves() string {
	for _, a := range b.w.Associations {
		if a.PackageID == "F1" {
			return strings.TrimSpace(string(a.Status) + " " + a.ServingID)
		}
	}
	return "-"
}

// newWaitingBench makes nodes that wait for somebody to restart them with p1.
func newWaitingBench(t *testing.T, n int) *plugBench {
	t.Helper()
	b := newPlugBench(t, n)
	for _, x := range b.nodes {
		x.mode = searchpack.RestartExternal
	}
	b.wants(install, "p1")
	b.goUntil("they wait", func() bool { return len(strings.Fields(b.told("p1"))) == n })
	return b
}

// comesBetween asks for a version of the dictionary, whose rollout then runs beside the parked one.
func (b *plugBench) comesBetween(version string) {
	b.t.Helper()
	b.ask(install, version)
	b.goUntil("it is parked", func() bool { return b.states() == "P1 parked, F1 running" })
}

// restartAll is somebody else restarting every node.
func (b *plugBench) restartAll() {
	for _, a := range b.w.Agents {
		b.start(a.Order, b.nodes[a.Name])
	}
}

// While a plugin waits for restarts that somebody else makes, dictionaries go through, one after the
// other; nodes keep being told the plugin, and it goes on afterwards.
func TestDictionariesWhilePluginWaits(t *testing.T) {
	t.Parallel()
	b := newWaitingBench(t, 3)
	for _, version := range []string{"v1", "v2"} {
		b.comesBetween(version)
		if want := "waiting for a restart of n1, n2, n3"; b.waiting() != want {
			t.Errorf("the parked one says %q", b.waiting())
		}
		b.goUntil(version+" serves", func() bool {
			if got := b.told("p1"); got != "n1 n2 n3" {
				t.Fatalf("told the plugin: %q", got)
			}
			return b.serves() == "ACTIVE "+version
		})
	}
	b.restartAll()
	b.finish()
	if b.status() != "ACTIVE p1" || b.serves() != "ACTIVE v2" || b.everywhere() != "p1" {
		t.Errorf("%s, %s, nodes run with %s", b.status(), b.serves(), b.everywhere())
	}
}

// The restarts may come while the dictionary's rollout runs: both end.
func TestRestartedWhileParked(t *testing.T) {
	t.Parallel()
	b := newWaitingBench(t, 2)
	b.comesBetween("v1")
	b.restartAll()
	b.finish()
	if b.status() != "ACTIVE p1" || b.serves() != "ACTIVE v1" {
		t.Errorf("%s, %s", b.status(), b.serves())
	}
}

// A paused rollout of a plugin lets dictionaries by once no node may be stopped by it any more and the
// cluster's settings are back; another plugin waits.
func TestPausedIsParked(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(b *plugBench) bool{
		"before anything was placed": func(b *plugBench) bool { return b.phase() == string(searchpack.PhaseFetch) },
		"a node is prepared":         func(b *plugBench) bool { return b.inStage(searchpack.StageHold)() },
		"a node is offered a stop":   func(b *plugBench) bool { return b.inStage(searchpack.StageOffer)() },
		"a node recovers":            func(b *plugBench) bool { return b.inStage(searchpack.StageRecover)() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			b.wants(install, "p1")
			b.goUntil(name, func() bool { return at(b) })
			b.control(CommandPause)
			b.ask(install, "v1")
			b.goUntil("the dictionary serves", func() bool {
				if strings.Contains(b.states(), "F1 running") && b.w.Domain.Saved != nil {
					t.Fatal("the cluster's settings are changed while another rollout runs")
				}
				return b.serves() == "ACTIVE v1"
			})
			b.control(CommandResume)
			b.finish()
			if b.status() != "ACTIVE p1" || b.everywhere() != "p1" {
				t.Errorf("%s, nodes run with %s", b.status(), b.everywhere())
			}
		})
	}
}

// While a permit is out nobody comes in between, however long that takes.
func TestNotParkedWithAPermit(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n2"].holds = true
	b.wants(install, "p1")
	b.goUntil("n2 stops", func() bool { return b.nodes["n2"].permit != "" })
	b.control(CommandPause)
	b.ask(install, "v1")
	for range 20 {
		b.turn()
	}
	if got := b.states(); got != "P1 running, F1 queued" {
		t.Errorf("open: %s", got)
	}
	wantText(t, "the dictionary's", b.w.Rollouts[1].Waiting, "waiting for the rollout of v1 of lemmas to end")
}

// An abort is carried out when the rollout in between has ended, and commands know a parked rollout.
func TestAbortWhileParked(t *testing.T) {
	t.Parallel()
	b := newWaitingBench(t, 2)
	b.comesBetween("v1")
	b.control(CommandAbort)
	b.finish()
	if b.serves() != "ACTIVE v1" || b.told("p1") != "" {
		t.Errorf("%s; told %s", b.serves(), b.told("p1"))
	}
	wantText(t, "status", b.status(), "ASSOCIATION_FAILED")
	wantText(t, "reason", b.failure(), "Aborted by kim.")
}

// An abort waits for the dictionary that runs, not for those that are queued behind it.
func TestAbortGoesBeforeQueuedDictionaries(t *testing.T) {
	t.Parallel()
	b := newWaitingBench(t, 2)
	b.comesBetween("v1")
	p := searchpack.Package{ID: "F2", Name: "more-words", Type: searchpack.TypeDictionary, AvailableID: "w1"}
	v := b.w.Versions["v2"]
	v.ID, v.PackageID = "w1", "F2"
	b.w.Packages["F2"], b.w.Versions["w1"] = p, v
	b.made(Associate(b.call(), Ask{PackageID: "F2"}))
	b.control(CommandAbort)
	b.goUntil("the first has ended", func() bool { return b.serves() == "ACTIVE v1" })
	if got := b.w.Rollouts[0].Phase; got != searchpack.PhaseReturnRestart {
		t.Errorf("then the plugin is in %s: %s", got, b.states())
	}
	b.finish()
	if b.status() != "ASSOCIATION_FAILED" || b.row("F2").Status != searchpack.Active {
		t.Errorf("%s, %+v", b.status(), b.row("F2"))
	}
}

// A dictionary whose prerequisite is the plugin waits for it.
func TestParkedPrerequisite(t *testing.T) {
	t.Parallel()
	b := newWaitingBench(t, 2)
	b.restartAll()
	b.finish()
	b.wants(install, "p2")
	b.goUntil("they wait", func() bool { return b.told("p2") == "n1 n2" })
	p := b.w.Packages["F1"]
	p.AvailableID = "v1"
	b.w.Packages["F1"] = p
	b.made(Associate(b.call(), Ask{PackageID: "F1", Prerequisites: []string{"P1"}}))
	for range 10 {
		b.turn()
	}
	if got := b.states(); got != "P1 running, F1 queued" {
		t.Errorf("open: %s", got)
	}
	b.restartAll()
	b.finish()
	if b.status() != "ACTIVE p2" || b.serves() != "ACTIVE v1" {
		t.Errorf("%s, %s", b.status(), b.serves())
	}
}

// A rollout that is aborted right after a permit was begun leaves the cluster's settings as they are until
// the node is back, or nobody can stop it by that permit any more: it stops all the same.
func TestSettingsWaitForThePermit(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"it is ended": true, "it never is": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			b.nodes["n2"].busy = "busy" // the test asks in its place
			b.wants(install, "p1")
			b.goUntil("n2 is offered a restart", b.offered("n2"))
			a := &b.w.Agents[b.named("n2")]
			got := b.asks(a, a.Order.Restart.ID)
			b.put(*got.Permit)
			begun := b.w.Now
			b.control(CommandAbort)
			for range 5 {
				b.turn()
			}
			if got := b.says(true); got != "set primaries/-" {
				t.Errorf("happened while n2 may stop: %s", got)
			}
			if ends {
				p, err := End(b.w, a.ID, searchpack.PermitEnd{PermitID: got.Permit.ID})
				if err != nil {
					t.Fatal(err)
				}
				b.put(p)
			}
			b.goUntil("the settings are back", func() bool { return b.w.Domain.Saved == nil })
			if took := b.w.Now.Sub(begun); ends == (took > searchpack.StopWithin+searchpack.StopSlack) {
				t.Errorf("the settings were back after %s", took)
			}
		})
	}
}
