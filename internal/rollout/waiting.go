package rollout

import (
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// everyone reports whether ok holds on every node that must prove, and no node blocks. If not, the
// rollout waits and names whom for. ok's text is what the node itself says is in the way.
func (d *decider) everyone(r *searchpack.Rollout, to string, ok func(*node) (bool, string)) bool {
	var late []string
	parts, trouble := d.blockers(), ""
	for _, n := range d.must() {
		good, why := ok(n)
		if good {
			continue
		}
		late = append(late, n.called())
		trouble = firstTrouble(trouble, n, why)
	}
	if len(late) > 0 {
		slices.Sort(late)
		parts = append(parts, list(late)+" "+to+trouble)
	}
	if len(parts) == 0 {
		return true
	}
	return d.waitForAll(r, parts)
}

// waitForAll waits for several nodes, and bounds the sentence about it.
func (d *decider) waitForAll(r *searchpack.Rollout, parts []string) bool {
	if len(parts) > maxNamed {
		parts = append(parts[:maxNamed:maxNamed], "and others")
	}
	return d.wait(r, "waiting for "+strings.Join(parts, "; "))
}

// blockers are the nodes that block, and why.
func (d *decider) blockers() []string {
	var parts []string
	for _, s := range d.who.Nodes {
		if s.Standing == Blocks && !d.off.blockers {
			parts = append(parts, s.Name+": "+s.Reason)
		}
	}
	return parts
}

// firstTrouble adds what a node says, for a sentence about waiting, if no other has said anything.
func firstTrouble(said string, n *node, why string) string {
	if why == "" || said != "" {
		return said
	}
	return " (" + n.called() + " says: " + quote(why) + ")"
}

// trouble is what the agent says is wrong with its node, for a sentence about waiting.
func (n *node) trouble() string {
	if n.Report == nil || n.Report.Node != nil {
		return ""
	}
	return n.Report.NodeError
}

// sayWhatIsWaitedFor writes the notes of rollouts that wait and of their associations.
func (d *decider) sayWhatIsWaitedFor() {
	ahead := d.running()
	if ahead == nil {
		ahead = d.inState(searchpack.RolloutParked)
	}
	for _, r := range d.rollouts {
		switch {
		case !r.State.Open():
		case d.who.Frozen != "":
			r.Waiting = d.who.Frozen
		case r.State == searchpack.RolloutQueued && ahead != nil:
			r.Waiting = "waiting for the rollout of " + d.stepsText(ahead) + " to end"
		}
	}
	for _, a := range d.associations {
		a.Note = d.note(a)
	}
}

func (d *decider) firstOpen() *searchpack.Rollout {
	for _, r := range d.rollouts {
		if r.State.Open() {
			return r
		}
	}
	return nil
}

// note is what the package's first open rollout waits for; when none is open, which nodes owe the proof
// of what serves.
func (d *decider) note(a *searchpack.Association) string {
	for _, r := range d.rollouts {
		if !r.State.Open() {
			continue
		}
		for _, s := range r.Steps {
			if s.PackageID == a.PackageID {
				return r.Waiting
			}
		}
	}
	return d.owedNote(a)
}

// sayWhenToLookAgain finds the earliest moment at which time alone changes something. While no
// rollout is open and nothing is frozen, only the speaker's silence does.
func (d *decider) sayWhenToLookAgain() {
	if d.again {
		d.next = d.Now
		return
	}
	first := d.firstOpen()
	for _, s := range d.who.Nodes {
		speaks := d.speaker != nil && s.AgentID == d.speaker.ID
		if first != nil || d.who.Frozen != "" || speaks {
			d.lookAgainAt(s.Until)
		}
	}
	if d.who.Differ != "" {
		d.lookAgainAt(d.Domain.Watch.DifferSince.Add(DifferPatience))
	}
	if d.who.Frozen != "" || d.who.Differ != "" { // a node that falls silent may end it
		for _, n := range d.nodes {
			if n.fresh {
				d.lookAgainAt(n.ReportedAt.Add(FreshFor))
			}
		}
	}
	for _, p := range d.World.Previews {
		d.lookAgainAt(p.ExpiresAt)
	}
	if r := d.running(); r != nil {
		d.lookAgainAt(r.PhaseAt.Add(LookPatience))
		d.lookAgainAt(r.PhaseAt.Add(ReturnPatience))
	}
}

// lookAgainAt asks for a decision at t, if that is still to come.
func (d *decider) lookAgainAt(t time.Time) {
	if t.After(d.Now) && (d.next.IsZero() || t.Before(d.next)) {
		d.next = t
	}
}
