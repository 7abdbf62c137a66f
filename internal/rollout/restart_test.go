package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

var (
	install = searchpack.ActionAssociate
	remove  = searchpack.ActionDissociate
)

func TestInstall(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.wants(install, "p1")
	b.finish()
	// The elected manager is last, and the settings are back in the end.
	want := "set primaries/-, stop n2, set all/-, set primaries/-, stop n3, set all/-, set primaries/-, stop n1, set all/-, set -/-"
	if got := b.says(true); got != want {
		t.Errorf("happened: %s", got)
	}
	if b.status() != "ACTIVE p1" || b.everywhere() != "p1" {
		t.Errorf("%s, nodes run with %s", b.status(), b.everywhere())
	}
	if len(b.w.Proofs) != 3 || b.w.Proofs[0].Level != searchpack.LevelLoaded {
		t.Errorf("proofs: %+v", b.w.Proofs)
	}
	for name, n := range b.nodes {
		if n.restarts != 1 {
			t.Errorf("%s was restarted %d times", name, n.restarts)
		}
	}
}

func TestUpgradeThenRemove(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.has("p1")
	b.wants(install, "p2")
	b.finish()
	if got := b.says(false); got != "stop n2, stop n3, stop n1" || b.status() != "ACTIVE p2" || b.everywhere() != "p2" {
		t.Errorf("upgrade: %s; %s, %s", got, b.status(), b.everywhere())
	}
	b.happened = nil
	b.wants(remove, "")
	b.finish()
	// The elected manager is first: from then on it refuses indices that need the plugin.
	if got := b.says(false); got != "stop n1, stop n2, stop n3" || b.status() != "-" || b.everywhere() != "-" {
		t.Errorf("removal: %s; %s, %s", got, b.status(), b.everywhere())
	}
}

// A preflight that refuses ends the rollout before anything is stopped or set.
func TestPreflightRefuses(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n3"].refuses = "jar hell!"
	b.wants(install, "p1")
	b.finish()
	if b.says(true) != "" || b.everywhere() != "-" {
		t.Errorf("happened: %s", b.says(true))
	}
	wantText(t, "status", b.status(), "ASSOCIATION_FAILED")
	wantText(t, "reason", b.failure(), "n3", "jar hell!", "Nothing was placed.")
}

// The first node costs one restart of that node, which its agent does by itself, and nothing else.
func TestFirstDoesNotComeBackWithIt(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.has("p1")
	for _, n := range b.nodes {
		n.fails, n.restarts = "uncaught exception: boom", 0
	}
	b.wants(install, "p2")
	told := ""
	for range 200 {
		if b.turn(); len(b.w.Rollouts) == 0 {
			break
		}
		if got := b.told("p2"); got != "" {
			told = got
		}
	}
	b.finish()
	if got := b.says(true); got != "set primaries/-, stop n2, set all/-, set -/-" {
		t.Errorf("happened: %s", got)
	}
	if told != "n2" || b.nodes["n1"].restarts+b.nodes["n3"].restarts != 0 {
		t.Errorf("told to have it: %s", told)
	}
	if b.status() != "ASSOCIATION_FAILED p1" || b.everywhere() != "p1" {
		t.Errorf("%s, nodes run with %s", b.status(), b.everywhere())
	}
	wantText(t, "reason", b.failure(), "RestartFailed: n2 did not start with", "boom", "v1 of", "still serves")
}

// A later node: those that were done get their former plugins back, one by one.
func TestSecondDoesNotComeBackWithIt(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n3"].fails = "boom"
	b.wants(install, "p1")
	b.finish()
	if got := b.says(false); got != "stop n2, stop n3, stop n2" || b.everywhere() != "-" || b.status() != "ASSOCIATION_FAILED" {
		t.Errorf("happened: %s; %s, %s", got, b.status(), b.everywhere())
	}
	if b.cluster.Allocation != (searchpack.Allocation{}) {
		t.Errorf("settings are %s", allocationText(b.cluster.Allocation))
	}
}

// A node that was started with the plugin and does not list it would not after another restart either.
func TestStartedAndNotListed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(*plugNode)
		want string
	}{
		"not in its list": {func(n *plugNode) { n.unlisted = true }, "its own list of plugins does not have lemmas"},
		"changed":         {func(n *plugNode) { n.error = "plugins/lemmas is not as it was placed" }, "is not as it was placed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			b.wants(install, "p1")
			b.goUntil("n2 is stopped", func() bool { return b.nodes["n2"].permit != "" })
			tt.edit(b.nodes["n2"])
			b.goUntil("it has failed", func() bool { return len(b.w.Rollouts) > 0 && b.w.Rollouts[0].ErrorType == restartFailed })
			wantText(t, "reason", b.w.Rollouts[0].Reason, tt.want)
			b.nodes["n2"].unlisted, b.nodes["n2"].error = false, ""
			b.finish()
			if got := b.says(false); got != "stop n2, stop n2" || b.everywhere() != "-" {
				t.Errorf("happened: %s; %s", got, b.everywhere())
			}
		})
	}
}

// Abort in each stage: what was begun is finished, what was done goes back, the settings too.
func TestAbortARestart(t *testing.T) {
	t.Parallel()
	for stage, want := range map[searchpack.RestartStage]string{
		searchpack.StageHold: "", searchpack.StageOffer: "", searchpack.StageRecover: "stop n2, stop n2",
	} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			if stage == searchpack.StageOffer {
				b.nodes["n2"].busy = "not yet"
			}
			b.wants(install, "p1")
			b.goUntil("the stage", b.inStage(stage))
			b.w.Rollouts[0].Abort = "ann"
			b.nodes["n2"].busy = ""
			b.finish()
			if got := b.says(false); got != want || b.everywhere() != "-" {
				t.Errorf("happened: %s; nodes run with %s", got, b.everywhere())
			}
			wantText(t, "reason", b.failure(), "Aborted by ann.")
			if b.cluster.Allocation != (searchpack.Allocation{}) {
				t.Errorf("settings are %s", allocationText(b.cluster.Allocation))
			}
		})
	}
}

// Aborted while a node is away by its permit: nobody else stops until that one cannot be stopped any
// more, or is back.
func TestAbortWhileANodeIsAway(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n3"].holds = true
	b.wants(install, "p1")
	b.goUntil("n3 is away", func() bool { return b.nodes["n3"].permit != "" })
	began := b.w.Now
	b.w.Rollouts[0].Abort = "ann"
	b.happened = nil
	b.goUntil("n2 is stopped", func() bool { return b.nodes["n2"].permit != "" })
	if waited := b.w.Now.Sub(began); waited < searchpack.StopWithin+searchpack.StopSlack-5*time.Second {
		t.Errorf("n2 was stopped %v after n3", waited)
	}
	b.nodes["n3"].holds = false
	b.finish()
	if b.everywhere() != "-" {
		t.Errorf("nodes run with %s", b.everywhere())
	}
}

// Aborted before any node was stopped: none has a turn on the way back, and the cluster's settings go back
// without another word to it.
func TestAbortBeforeARestart(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n2"].busy = "not yet"
	b.wants(install, "p1")
	b.goUntil("a node is offered its restart", b.inStage(searchpack.StageOffer))
	b.w.Rollouts[0].Abort = "ann"
	for range 5 { // nobody has taken in yet that it is over
		b.step()
		b.w.Now = b.w.Now.Add(time.Second)
	}
	if r := b.w.Rollouts[0]; r.Phase != searchpack.PhaseReturnRestart || r.Restart != nil {
		t.Fatalf("in %s a node has a turn: %+v", r.Phase, r.Restart)
	}
	wantText(t, "it says", b.waiting(), "to confirm what is to lie there at their next start")
	b.finish()
	if b.status() != "ASSOCIATION_FAILED" {
		t.Error(b.status())
	}
	if b.w.Domain.Saved != nil || b.cluster.Allocation != (searchpack.Allocation{}) || b.everywhere() != "-" {
		t.Errorf("settings are %s, nodes run with %s", allocationText(b.cluster.Allocation), b.everywhere())
	}
}

// The agent that was offered a restart, and does not speak for the cluster, falls asleep, and the rollout is
// aborted: what it heard last may still come for so long, then the settings go back, before it counts as silent.
func TestAbortWhileAnAgentSleeps(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		b := newPlugBench(t, n)
		b.nodes["n2"].busy = "not yet"
		b.wants(install, "p1")
		b.goUntil("n2 is offered its restart", b.inStage(searchpack.StageOffer))
		began := b.w.Now
		b.nodes["n2"].asleep = true
		b.w.Rollouts[0].Abort = "ann"
		b.goUntil("the settings are back", func() bool { return b.w.Domain.Saved == nil && b.cluster.Allocation == (searchpack.Allocation{}) })
		if took := b.w.Now.Sub(began); took > searchpack.ConfirmWithin+searchpack.ConfirmSlack+6*time.Second {
			t.Errorf("of %d nodes: they were back after %v: %s", n, took, strings.Join(b.happened, ", "))
		}
	}
}

// Paused: a node that has not stopped does not, one that has comes back, and the settings go back.
func TestPauseARestart(t *testing.T) {
	t.Parallel()
	for _, stage := range []searchpack.RestartStage{searchpack.StageHold, searchpack.StageOffer, searchpack.StageRecover} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			b.nodes["n2"].busy = "not yet"
			if stage == searchpack.StageRecover {
				b.nodes["n2"].busy = ""
			}
			b.wants(install, "p1")
			b.goUntil("the stage", b.inStage(stage))
			b.w.Rollouts[0].Paused = "ann"
			stopped := b.says(false)
			b.nodes["n2"].busy = ""
			for range 60 {
				b.turn()
			}
			if got := b.says(false); got != stopped || b.waiting() != "paused by ann: nothing moves until it is resumed or aborted" {
				t.Errorf("happened while paused: %s; %s", got, b.waiting())
			}
			if b.w.Domain.Saved != nil || b.cluster.Allocation != (searchpack.Allocation{}) {
				t.Errorf("settings while paused are %s", allocationText(b.cluster.Allocation))
			}
			if slices.ContainsFunc(b.w.Agents, func(a searchpack.AgentState) bool { return a.Order.Restart != nil }) {
				t.Error("a node is offered its restart while paused")
			}
			b.w.Rollouts[0].Paused = ""
			b.finish()
			if b.status() != "ACTIVE p1" || b.everywhere() != "p1" || b.cluster.Allocation != (searchpack.Allocation{}) {
				t.Errorf("%s; %s; %s", b.status(), b.everywhere(), allocationText(b.cluster.Allocation))
			}
		})
	}
}

// Paused while a node is away: it comes back and ends its permit, and nothing else moves.
func TestPauseWhileANodeIsAway(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n2"].holds = true
	b.wants(install, "p1")
	b.goUntil("n2 is away", func() bool { return b.nodes["n2"].permit != "" })
	b.w.Rollouts[0].Paused = "ann"
	for range 10 {
		b.turn()
	}
	if b.w.Rollouts[0].Restart == nil {
		t.Error("the restart of a node that is away was let go")
	}
	b.nodes["n2"].holds = false
	b.goUntil("the settings are back", func() bool { return b.w.Domain.Saved == nil })
	if got := b.says(false); got != "stop n2" || b.nodes["n2"].permit != "" || b.w.Rollouts[0].Paused == "" {
		t.Errorf("happened: %s", got)
	}
	b.w.Rollouts[0].Paused = ""
	b.finish()
	if got := b.says(false); got != "stop n2, stop n3, stop n1" || b.status() != "ACTIVE p1" {
		t.Errorf("happened: %s; %s", got, b.status())
	}
}

// Retired while its rollout is paused: nobody waits for it, so what is lost with it can be made anew.
func TestRetiredWhilePaused(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 4)
	b.nodes["n2"].holds = true
	b.wants(install, "p1")
	b.goUntil("n2 is away", func() bool { return b.nodes["n2"].permit != "" })
	b.w.Rollouts[0].Paused = "ann"
	for range 20 {
		b.turn()
	}
	if allocationText(b.cluster.Allocation) != "primaries/-" {
		t.Errorf("while n2 may come back settings are %s", allocationText(b.cluster.Allocation))
	}
	b.w.Agents[b.named("n2")].RetiredAt = b.w.Now
	b.w.Domain.Policy.UnmanagedNodes = searchpack.UnmanagedIgnore
	for range 40 {
		b.turn()
	}
	if got := b.says(true); got != "set primaries/-, stop n2, set -/-" || b.w.Rollouts[0].Restart != nil || b.w.Domain.Saved != nil {
		t.Errorf("happened: %s; %+v, saved %+v", got, b.w.Rollouts[0].Restart, b.w.Domain.Saved)
	}
}

// Paused when the node has just come back: its copies are not kept away from it for as long as the pause
// lasts.
func TestPauseBeforeCopiesAreBack(t *testing.T) {
	t.Parallel()
	none := "none"
	b := newPlugBench(t, 3)
	b.cluster.Allocation.Transient = &none
	b.wants(install, "p1")
	b.goUntil("n2 is away", func() bool { return b.nodes["n2"].permit != "" })
	b.turn()
	b.step()
	if !b.inStage(searchpack.StageRecover)() || b.says(true) != "set primaries/-, stop n2" {
		t.Fatalf("%+v: %s", b.w.Rollouts[0].Restart, b.says(true))
	}
	b.w.Rollouts[0].Paused = "ann"
	for range 60 {
		b.turn()
	}
	if got := b.says(true); got != "set primaries/-, stop n2, set all/-, set -/none" || b.w.Domain.Saved != nil {
		t.Errorf("happened while paused: %s; saved %+v", got, b.w.Domain.Saved)
	}
	b.w.Rollouts[0].Paused = ""
	b.finish()
	if got := b.says(false); got != "stop n2, stop n3, stop n1" || b.status() != "ACTIVE p1" || allocationText(b.cluster.Allocation) != "-/none" {
		t.Errorf("happened: %s; %s; %s", got, b.status(), allocationText(b.cluster.Allocation))
	}
}

// A removal that turns out to be refused while a node is away waits for that node before it goes back.
func TestRefusedRemovalWaitsForTheNode(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.has("p1")
	b.nodes["n2"].holds = true
	b.wants(remove, "")
	b.goUntil("n2 is away", func() bool { return b.nodes["n2"].permit != "" })
	u := *b.w.Usage
	u.Truncated = true
	b.w.Usage = &u
	for range 100 { // much longer than a permit allows to stop
		b.turn()
	}
	if got := b.says(false); got != "stop n1, stop n2" || b.phase() != string(searchpack.PhaseRestart) {
		t.Errorf("happened while n2 is away: %s; %s", got, b.phase())
	}
	b.nodes["n2"].holds = false
	b.finish()
	if b.everywhere() != "p1" || b.status() != "DISSOCIATION_FAILED p1" {
		t.Errorf("%s; nodes run with %s", b.status(), b.everywhere())
	}
	wantText(t, "reason", b.failure(), "UsageTruncated")
}

// Aborted after the last node was started without the plugin, while the cluster is looked at once more, or
// refused by that look: every node gets it back, as at any other moment.
func TestRemovalGoesBackAfterTheLastNode(t *testing.T) {
	t.Parallel()
	for want, happens := range map[string]func(b *plugBench){
		"Aborted: Aborted by kim.": func(b *plugBench) { b.control(CommandAbort) },
		"UsageTruncated: ": func(b *plugBench) {
			u := *b.w.Usage
			u.Truncated = true
			b.w.Usage = &u
		},
	} {
		for _, n := range []int{1, 3} {
			b := newPlugBench(t, n)
			b.has("p1")
			b.wants(remove, "")
			b.goUntil("no node has it", func() bool { return b.phase() == string(searchpack.PhaseLookAgain) })
			happens(b)
			b.step()
			if got := b.phase(); got != string(searchpack.PhaseUnhide) {
				t.Fatalf("%s: in phase %s", want, got)
			}
			b.finish()
			if b.status() != "DISSOCIATION_FAILED p1" || b.everywhere() != "p1" {
				t.Errorf("%s %d nodes: %s, they run with %s", want, n, b.status(), b.everywhere())
			}
			wantText(t, "reason", b.failure(), want)
		}
	}
}

// Nodes that somebody else restarts are waited for and named, whatever the order; nothing is set.
func TestExternalRestarts(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	for _, n := range b.nodes {
		n.mode = searchpack.RestartExternal
	}
	b.wants(install, "p1")
	b.goUntil("they wait", func() bool { return b.waiting() == "waiting for a restart of n1, n2, n3" })
	if b.told("p1") != "n1 n2 n3" || b.says(true) != "" || b.w.Domain.Saved != nil {
		t.Errorf("told %s, happened: %s", b.told("p1"), b.says(true))
	}
	b.nodes["n3"].error = "no space left"
	b.turn()
	b.turn()
	wantText(t, "waiting", b.waiting(), "n3 says: no space left")
	b.nodes["n3"].error = ""
	for _, name := range []string{"n3", "n1", "n2"} {
		b.start(b.w.Agents[b.named(name)].Order, b.nodes[name])
		b.turn()
		b.turn()
	}
	b.finish()
	if b.status() != "ACTIVE p1" || b.everywhere() != "p1" || b.says(true) != "" {
		t.Errorf("%s; %s; %s", b.status(), b.everywhere(), b.says(true))
	}
}

// One that somebody else has restarted, and that did not start with it, ends the rollout.
func TestExternalNodeDoesNotStart(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 2)
	for _, n := range b.nodes {
		n.mode = searchpack.RestartExternal
	}
	b.nodes["n1"].fails = "boom"
	b.wants(install, "p1")
	b.goUntil("they wait", func() bool { return b.told("p1") == "n1 n2" })
	b.start(b.w.Agents[0].Order, b.nodes["n1"])
	b.finish()
	wantText(t, "reason", b.failure(), "RestartFailed: n1 did not start with", "boom")
}

// Without OpenSearch the tree is placed at once, and proven at that level.
func TestPluginOnFilesOnlyNodes(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 2)
	b.w.Domain.FilesOnly = true
	place := func() {
		for i := range b.w.Agents {
			b.start(b.w.Agents[i].Order, b.nodes[b.w.Agents[i].Name])
		}
	}
	b.wants(install, "p1")
	for range 20 {
		b.turn()
		place()
	}
	if b.status() != "ACTIVE p1" || b.says(true) != "" || len(b.w.Proofs) != 2 || b.w.Proofs[0].Level != searchpack.LevelPlaced {
		t.Errorf("%s; %s; %s", b.status(), b.waiting(), b.says(true))
	}
	b.wants(remove, "")
	for range 20 {
		b.turn()
		place()
	}
	if b.status() != "-" || b.everywhere() != "-" {
		t.Errorf("%s; %s; %s", b.status(), b.waiting(), b.everywhere())
	}
}

// What somebody else had set comes back as it was, transient values too, and each change is put back
// to what was there before that one.
func TestSettingsArePutBack(t *testing.T) {
	t.Parallel()
	none, some := "none", "new_primaries"
	for _, former := range []searchpack.Allocation{{Transient: &none}, {Persistent: &some}, {Persistent: &some, Transient: &none}} {
		t.Run(allocationText(former), func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			b.nodes["n2"].fails = "boom"
			b.cluster.Allocation = former
			b.wants(install, "p1")
			b.finish()
			if got := allocationText(b.cluster.Allocation); got != allocationText(former) {
				t.Errorf("after a failure they are %s", got)
			}
			b.nodes["n2"].fails, b.nodes["n2"].bad = "", ""
			b.cluster.Allocation = searchpack.Allocation{} // somebody has changed them meanwhile
			b.wants(install, "p1")
			b.finish()
			if got := allocationText(b.cluster.Allocation); got != "-/-" || b.status() != "ACTIVE p1" {
				t.Errorf("after the next rollout they are %s; %s", got, b.status())
			}
		})
	}
}

// While an agent may still change the settings by an older order, they are not put back.
func TestPutBackWaitsForLateAgents(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.wants(install, "p1")
	b.goUntil("allocation is held", b.inStage(searchpack.StageHold))
	b.w.Rollouts[0].Abort = "ann"
	ordered := func() bool {
		return slices.ContainsFunc(b.w.Agents, func(a searchpack.AgentState) bool {
			return slices.ContainsFunc(a.Order.Duties, func(d searchpack.Duty) bool { return d.ID == "put-back/"+b.w.Domain.Saved.ID })
		})
	}
	released := b.w.Now
	for range 40 { // the agents are not heard, so that nobody has taken in that the duty is gone
		b.step()
		if ordered() {
			break
		}
		b.w.Now = b.w.Now.Add(time.Second)
	}
	if waited := b.w.Now.Sub(released); !ordered() || waited < searchpack.ConfirmWithin+searchpack.ConfirmSlack {
		t.Errorf("put back %v after an agent may have begun to change them", waited)
	}
}

// A node that is away has not taken in that its duty is gone, and is waited for as long as it may act on
// it. A clock that is put back meanwhile does not make that longer.
func TestPutBackAndTheClock(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.wants(install, "p1")
	b.goUntil("allocation is held", b.inStage(searchpack.StageHold))
	b.w.Rollouts[0].Abort = "ann"
	b.step() // nobody has heard yet that the duty is gone
	if b.w.Domain.Saved == nil || b.w.Domain.Saved.ReleasedAt.IsZero() {
		t.Fatalf("saved: %+v", b.w.Domain.Saved)
	}
	b.w.Now = b.w.Now.Add(-3 * time.Hour)
	b.step()
	over := b.w.Now.Add(searchpack.ConfirmWithin + searchpack.ConfirmSlack)
	for !b.w.Now.After(over) {
		b.w.Now = b.w.Now.Add(time.Second)
		b.step()
	}
	if n := b.w.Agents[0]; !slices.ContainsFunc(n.Order.Duties, func(d searchpack.Duty) bool { return strings.HasPrefix(d.ID, "put-back/") }) {
		t.Errorf("saved %+v, ordered %+v", b.w.Domain.Saved, n.Order.Duties)
	}
}

// A retired node's permit counts until nobody can stop by it any more; then the others go on.
func TestRetiredWhileAway(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 4)
	b.nodes["n2"].holds = true
	b.wants(install, "p1")
	b.goUntil("n2 is away", func() bool { return b.nodes["n2"].permit != "" })
	began := b.w.Now
	b.w.Agents[b.named("n2")].RetiredAt = b.w.Now
	b.w.Domain.Policy.UnmanagedNodes = searchpack.UnmanagedIgnore
	for range 400 {
		if b.turn(); b.nodes["n3"].permit != "" {
			break
		}
	}
	waited := b.w.Now.Sub(began)
	if b.nodes["n3"].permit == "" || waited < searchpack.StopWithin+searchpack.StopSlack-5*time.Second {
		t.Errorf("n3 was stopped %v after n2: %s", waited, b.waiting())
	}
}

// A node that stays away is named, with what to do; nothing else follows from it.
func TestBackPatience(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n2"].holds = true
	b.wants(install, "p1")
	b.goUntil("n2 is away", func() bool { return b.nodes["n2"].permit != "" })
	b.turn()
	if got := b.waiting(); got != "waiting for n2 to come back with its plugins" {
		t.Errorf("at first: %s", got)
	}
	began := b.w.Permits[0].BegunAt
	if d := Decide(b.w); d.Next.After(began.Add(BackPatience)) {
		t.Errorf("looks again at %v, the patience ends at %v", d.Next, began.Add(BackPatience))
	}
	for b.w.Now.Sub(began) < 12*time.Minute {
		b.w.Now = b.w.Now.Add(10 * time.Second)
		b.turn()
	}
	wantText(t, "waiting", b.waiting(), "n2", "stopped 12 min ago", "See its log and start it, or abort the rollout, or retire the node")
	if got := b.says(false); got != "stop n2" {
		t.Errorf("happened: %s", got)
	}
	b.nodes["n2"].holds = false
	b.finish()
	if b.status() != "ACTIVE p1" {
		t.Error(b.status())
	}
}

// Copies that a node waits for come back only when allocation is not held.
func TestOfferPatience(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n2"].busy = "copies are unassigned"
	b.wants(install, "p1")
	b.goUntil("n2 is offered", b.offered("n2"))
	b.turn()
	wantText(t, "waiting", b.waiting(), "n2 to stop", "copies are unassigned")
	first := b.w.Agents[1].Order.Restart.ID
	b.goUntil("copies come back", b.inStage(searchpack.StageRecover))
	if got := b.asks(&b.w.Agents[1], first); got.Permit != nil || got.Refused == "" {
		t.Errorf("a permit for an offer that was taken back: %+v", got)
	}
	b.goUntil("n2 is offered again", b.offered("n2"))
	if again := b.w.Agents[1].Order.Restart.ID; again == first {
		t.Error("the offer is the same again")
	}
	b.nodes["n2"].busy = ""
	b.finish()
	if got := b.says(false); got != "stop n2, stop n3, stop n1" {
		t.Errorf("happened: %s", got)
	}
}

// A permit that ended without a stop, as after a crash of the agent, has the node's turn come again.
func TestNotStoppedAfterAll(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.nodes["n2"].busy = "in a moment"
	b.wants(install, "p1")
	b.goUntil("n2 is offered", b.offered("n2"))
	got := b.asks(&b.w.Agents[1], b.w.Agents[1].Order.Restart.ID)
	if got.Permit == nil {
		t.Fatal(got.Refused)
	}
	b.put(*got.Permit)
	p, err := End(b.w, "a2", searchpack.PermitEnd{PermitID: got.Permit.ID})
	if err != nil {
		t.Fatal(err)
	}
	b.put(p)
	b.goUntil("its turn is over", b.inStage(searchpack.StageRecover))
	b.nodes["n2"].busy = ""
	b.finish()
	if got := b.says(false); got != "stop n2, stop n3, stop n1" || b.status() != "ACTIVE p1" {
		t.Errorf("happened: %s; %s", got, b.status())
	}
}

// What no node was ever given is dissociated without a restart, also where the nodes' own lists have a plugin of
// that name that somebody else installed: that one stays there, however often they are restarted.
func TestDissociateWhatNobodyWasGiven(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	for _, n := range b.nodes {
		n.foreign, n.refuses = true, "plugins/lemmas was not placed by Searchpack"
	}
	b.reportAll()
	b.wants(install, "p1")
	b.finish()
	if b.status() != "ASSOCIATION_FAILED" {
		t.Fatal(b.status())
	}
	b.wants(searchpack.ActionDissociate, "")
	b.finish()
	if b.status() != "-" || b.says(true) != "" {
		t.Errorf("%s, happened: %s", b.status(), b.says(true))
	}
}
