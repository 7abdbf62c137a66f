package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func TestDissociate(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.ask(searchpack.ActionDissociate, "")
	b.until(searchpack.PhaseHide)
	if b.files() != "hidden, live v1, live v1" {
		t.Errorf("the elected manager hides first, but files are %s", b.files())
	}
	b.obey()
	b.step()
	if b.files() != "hidden, hidden, hidden" {
		t.Errorf("then all, but files are %s", b.files())
	}
	first := b.w.Usage.DutyID
	b.until(searchpack.PhaseLookAgain)
	if b.w.Agents[0].Order.Duties[0].ID == first {
		t.Error("the second look has the id of the first")
	}
	b.until(searchpack.PhaseRemove)
	if b.files() != "removed, removed, removed" || b.association().Status != searchpack.Dissociating {
		t.Errorf("files %s, %s", b.files(), b.association().Status)
	}
	if b.run(); len(b.w.Associations) != 0 || len(b.done) != 1 || b.done[0].State != searchpack.RolloutDone {
		t.Errorf("it ends with %+v, %+v", b.w.Associations, b.done)
	}
	if b.step(); len(b.w.Proofs) != 0 || b.files() != "-, -, -" {
		t.Errorf("afterwards: %d proofs, files %s", len(b.w.Proofs), b.files())
	}
}

// TestReportFromBeforeTheHide does not count as hidden, even if it says so.
func TestReportFromBeforeTheHide(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.serve("v1")
	b.ask(searchpack.ActionDissociate, "")
	b.until(searchpack.PhaseHide)
	b.w.Agents[0].Report.Files[0].State = searchpack.FileHidden
	if b.step(); b.phase() != "hide" {
		t.Errorf("it is in %s", b.phase())
	}
	b.w.Agents[0].Report.Files = nil
	if b.step(); b.phase() != "hide" {
		t.Errorf("without the file it is in %s", b.phase())
	}
	b.off.settled = true
	if b.step(); b.phase() == "hide" {
		t.Error("this test would not notice the rule missing")
	}
}

// TestUnreadableFolder: an agent that cannot look says what it was told, with an error.
func TestUnreadableFolder(t *testing.T) {
	t.Parallel()
	for _, at := range []searchpack.Phase{searchpack.PhaseHide, searchpack.PhaseRemove} {
		b := newBench(t, 1)
		b.serve("v1")
		b.ask(searchpack.ActionDissociate, "")
		b.until(at)
		b.obey()
		state := b.w.Agents[0].Order.Files[0].State
		b.w.Agents[0].Report.Files = []searchpack.FileReport{{PackageID: "F1", State: state, Error: "input/output error"}}
		if b.step(); b.phase() != string(at) {
			t.Errorf("from %s it goes on to %q", at, b.phase())
		}
		wantText(t, "what is waited for", b.waiting(), "n1 says: input/output error")
	}
}

func TestInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	template, component := indexUse("logs"), indexUse("base")
	template.UserKind, component.UserKind = searchpack.UserTemplate, searchpack.UserComponentTemplate
	closed := indexUse("attic")
	closed.Closed = true
	b.uses = []searchpack.Use{template, component, indexUse("shop"), indexUse("shop"), closed}
	b.ask(searchpack.ActionDissociate, "")
	if got := strings.Join(b.run(), " "); got != "look " {
		t.Errorf("it went through %s", got)
	}
	a := b.association()
	if a.Status != searchpack.DissociationFailed || a.Error == nil || a.Error.Type != "InUse" || a.ServingID != "v1" {
		t.Fatalf("%+v", a)
	}
	wantText(t, "the reason", a.Error.Message, "index attic (closed), index shop, component template base, index template logs", "analyzers/F1", "dissociate again")
	if b.files() != "live v1, live v1, live v1" {
		t.Errorf("files %s", b.files())
	}

	b.uses = nil
	for i := range 14 {
		b.uses = append(b.uses, indexUse(fmt.Sprintf("i%02d", i)))
	}
	b.ask(searchpack.ActionDissociate, "")
	b.run()
	wantText(t, "the reason", b.association().Error.Message, "index i09 and 4 more")
}

// TestUserAppears between the looks: everything goes back.
func TestUserAppears(t *testing.T) {
	t.Parallel()
	for _, at := range []searchpack.Phase{searchpack.PhaseHide, searchpack.PhaseLookAgain} {
		b := newBench(t, 3)
		b.serve("v1")
		b.ask(searchpack.ActionDissociate, "")
		b.until(at)
		b.uses = []searchpack.Use{indexUse("shop")}
		if at == searchpack.PhaseHide { // told by the speaker unasked
			b.w.Usage.Uses = b.uses
		}
		b.until(searchpack.PhaseUnhide)
		if b.files() != "live v1, live v1, live v1" {
			t.Errorf("files %s", b.files())
		}
		b.obey()
		b.step()
		duties := b.w.Agents[0].Order.Duties
		if len(duties) != 1 || duties[0].Kind != searchpack.DutyReroute {
			t.Errorf("duties %+v", duties)
		}
		if b.run(); b.association().Status != searchpack.DissociationFailed || b.association().ServingID != "v1" {
			t.Errorf("it ends %+v", b.association())
		}
	}
}

// TestHiddenWithoutServing: what an earlier failed attempt left goes back as it was.
func TestHiddenWithoutServing(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.w.Associations[0].ServingID, b.w.Associations[0].Status = "", searchpack.AssociationFailed
	b.ask(searchpack.ActionDissociate, "")
	b.until(searchpack.PhaseLookAgain)
	b.uses = []searchpack.Use{indexUse("shop")}
	b.run()
	for _, a := range b.w.Agents {
		f := a.Report.Files
		if len(f) != 1 || f[0].State != searchpack.FileLive || f[0].Digest != b.w.Versions["v1"].Digest {
			t.Errorf("%s has %+v", a.Name, f)
		}
	}
	if a := b.association(); a.Status != searchpack.DissociationFailed || a.ServingID != "" {
		t.Errorf("%+v", a)
	}
}

// TestNodeJoinsBetweenTheLooks with the file in sight: it hides, and the look is asked anew.
func TestNodeJoinsBetweenTheLooks(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	joining := b.w.Agents[2]
	b.w.Agents = b.w.Agents[:2]
	for i := range b.w.Agents {
		b.report(i, b.facts(i))
	}
	b.ask(searchpack.ActionDissociate, "")
	b.until(searchpack.PhaseLookAgain)
	round := b.w.Rollouts[0].Round
	b.w.Agents = append(b.w.Agents, joining)
	for i := range b.w.Agents {
		b.report(i, b.facts(i))
	}
	b.obey("n1", "n2") // the look is answered
	b.step()
	if b.phase() != "hide" || b.w.Rollouts[0].Round == round || b.file("n2") != "hidden" {
		t.Errorf("it is in %s, files %s", b.phase(), b.files())
	}
	b.obey("n1") // still hidden, with its new order in hand
	if b.step(); b.phase() != "hide" || b.file("n3") != "hidden" {
		t.Errorf("it is in %s, files %s", b.phase(), b.files())
	}
	if b.run(); len(b.w.Associations) != 0 || len(b.w.Agents[2].Report.Files) != 0 {
		t.Errorf("it ends with %+v", b.w.Associations)
	}
}

// TestLookOfFormerManager: an answer from before an election is asked anew.
func TestLookOfFormerManager(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.ask(searchpack.ActionDissociate, "")
	b.until(searchpack.PhaseLookAgain)
	b.obey()
	b.w.Usage.Term = 2
	b.step()
	if b.phase() != "look-again" || b.w.Rollouts[0].Round != 4 {
		t.Errorf("it is in %s, round %d", b.phase(), b.w.Rollouts[0].Round)
	}
}

// TestLateNodeAfterDissociation: its file goes, unless somebody names it again.
func TestLateNodeAfterDissociation(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.w.Associations = nil
	b.w.Usage = &searchpack.Usage{ClusterUUID: "C", Uses: []searchpack.Use{indexUse("shop")}}
	if b.step(); b.files() != "-, -" {
		t.Errorf("files %s", b.files())
	}
	b.w.Usage.Uses = nil
	if b.step(); b.files() != "removed, removed" {
		t.Errorf("files %s", b.files())
	}
	b.obey()
	if b.step(); b.files() != "-, -" {
		t.Errorf("afterwards files %s", b.files())
	}
}

// TestDissociateWithoutNodes: with agents that are silent it waits, without any it is done.
func TestDissociateWithoutNodes(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.serve("v1")
	b.ask(searchpack.ActionDissociate, "")
	b.later(time.Hour, "n1")
	if b.step(); b.waiting() != noNodeReports || b.association().Note != noNodeReports {
		t.Errorf("waiting %q, note %q", b.waiting(), b.association().Note)
	}
	b.w.Agents[0].RetiredAt = b.w.Now
	if b.step(); len(b.w.Associations) != 0 {
		t.Errorf("it ends with %+v", b.w.Associations)
	}
}

// TestDissociateOvertakes: before anything was placed the association is aborted; after that it
// ends first, and the status stays what the later call made it.
func TestDissociateOvertakes(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.ask(searchpack.ActionAssociate, "v1")
	b.until(searchpack.PhaseProbe)
	b.ask(searchpack.ActionDissociate, "")
	b.step()
	if len(b.done) != 1 || b.done[0].State != searchpack.RolloutAborted || len(b.w.Agents[0].Order.Candidates) != 0 {
		t.Fatalf("%+v", b.done)
	}
	if b.run(); len(b.w.Associations) != 0 {
		t.Errorf("it ends with %+v", b.w.Associations)
	}

	b = newBench(t, 2)
	b.ask(searchpack.ActionAssociate, "v1")
	b.until(searchpack.PhasePlace)
	b.ask(searchpack.ActionDissociate, "")
	for len(b.done) == 0 {
		b.step()
		b.obey()
		if s := b.association().Status; s != searchpack.Dissociating {
			t.Fatalf("the status is %s in %s", s, b.phase())
		}
	}
	if a := b.association(); a.ServingID != "v1" || b.done[0].State != searchpack.RolloutDone {
		t.Errorf("%+v, %+v", a, b.done)
	}
	if b.run(); len(b.w.Associations) != 0 {
		t.Errorf("it ends with %+v", b.w.Associations)
	}
}
