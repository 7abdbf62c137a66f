package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// witnessBench is a domain that serves v1 in index shop, proven at level loaded by all but the nodes
// of the map, which show what it says.
func witnessBench(t *testing.T, n int, shows map[string]searchpack.WitnessState) *bench {
	t.Helper()
	b := newBench(t, n)
	b.witness = func(agent string, q searchpack.Witness) searchpack.WitnessReport {
		state, odd := shows[agent]
		if !odd {
			return searchpack.WitnessReport{Counts: map[searchpack.WitnessState]int{searchpack.WitnessMatched: len(q.Points)}}
		}
		return searchpack.WitnessReport{
			Counts: map[searchpack.WitnessState]int{state: len(q.Points)},
			Open:   []searchpack.WitnessFinding{{WitnessPlace: q.Points[0], State: state, Text: "sofa"}},
		}
	}
	for i := range b.w.Agents {
		b.report(i, b.facts(i))
	}
	u := indexUse("shop")
	u.Witnesses = []searchpack.WitnessPoint{{Analyzer: "srch", Field: "title", Body: u.Chains[0].Body}}
	b.w.Usage = &searchpack.Usage{ClusterUUID: "C", Term: 3, Version: 7, Uses: []searchpack.Use{u}}
	b.w.Associations = []searchpack.Association{{
		Domain: simDomain, PackageID: "F1", Status: searchpack.Active, ServingID: "v1", WantedID: "v1", Texts: []string{"sofa"},
	}}
	b.run()
	b.run()
	b.step()
	return b
}

// duty is the first of that kind that the node is ordered.
func (b *bench) duty(name string, kind searchpack.DutyKind) searchpack.Duty {
	for _, a := range b.w.Agents {
		for _, d := range a.Order.Duties {
			if a.Name == name && d.Kind == kind {
				return d
			}
		}
	}
	return searchpack.Duty{}
}

func (b *bench) proof(name string) (searchpack.Proof, bool) {
	i := slices.IndexFunc(b.w.Proofs, func(p searchpack.Proof) bool { return p.NodeName == name && p.PackageID == "F1" })
	if i < 0 {
		return searchpack.Proof{}, false
	}
	return b.w.Proofs[i], true
}

// A node that owes the proof is asked for the texts of what serves, and nothing is compared with a
// former version: it may never have had one.
func TestLateNodeShowsWhatServes(t *testing.T) {
	t.Parallel()
	b := witnessBench(t, 2, nil)
	for _, name := range []string{"n1", "n2"} {
		if p, ok := b.proof(name); !ok || p.Level != searchpack.LevelLoaded || p.Witness != "1 analyzer matched" {
			t.Errorf("%s has the proof %+v", name, p)
		}
	}
	b.w.Proofs = slices.DeleteFunc(b.w.Proofs, func(p searchpack.Proof) bool { return p.NodeName == "n2" })
	b.step()
	d := b.duty("n2", searchpack.DutyWitness)
	if len(d.Witnesses) != 1 {
		t.Fatalf("n2 is asked %+v", d)
	}
	w := d.Witnesses[0]
	if w.Former != "" || !slices.Equal(w.Texts, []string{"sofa"}) || w.Digest != b.w.Versions["v1"].Digest || !strings.Contains(w.Live, searchpack.ReferencePath("F1")) {
		t.Errorf("n2 is asked %+v", w)
	}
	for _, a := range b.w.Agents {
		if len(a.Order.Candidates) > 0 {
			t.Errorf("%s is to fetch %+v for it", a.Name, a.Order.Candidates)
		}
	}
	b.obey()
	b.step()
	if p, ok := b.proof("n2"); !ok || p.Level != searchpack.LevelLoaded {
		t.Errorf("the proof is %+v", p)
	}
}

// A late node that answers otherwise is not proven, has its index reloaded, and is asked again.
func TestLateNodeIsAskedAgain(t *testing.T) {
	t.Parallel()
	shows := map[string]searchpack.WitnessState{"n2": searchpack.WitnessFormer}
	b := witnessBench(t, 2, shows)
	if _, ok := b.proof("n2"); ok {
		t.Fatal("n2 is proven")
	}
	asked := b.duty("n2", searchpack.DutyWitness)
	refresh := b.duty("n1", searchpack.DutyRefresh)
	if asked.ID == "" || !slices.Equal(refresh.Indices, []string{"shop"}) {
		t.Fatalf("asked %q, refreshed %+v", asked.ID, refresh)
	}
	gaps := []time.Duration{}
	for range 4 {
		from := b.w.Now
		for b.duty("n2", searchpack.DutyWitness).ID == asked.ID {
			b.later(10 * time.Second)
			b.step()
		}
		gaps = append(gaps, b.w.Now.Sub(from))
		asked = b.duty("n2", searchpack.DutyWitness)
		b.obey()
		b.step()
	}
	if !slices.IsSorted(gaps) || gaps[0] > 2*time.Minute || gaps[3] < 4*time.Minute {
		t.Errorf("asked again after %s", gaps)
	}
	delete(shows, "n2")
	b.later(WitnessEvery)
	b.step()
	b.obey()
	b.step()
	if _, ok := b.proof("n2"); !ok || b.duty("n1", searchpack.DutyRefresh).ID != "" {
		t.Errorf("proven %v, still refreshed: %+v", ok, b.duty("n1", searchpack.DutyRefresh))
	}
}

// A node that turned back: the association stays ACTIVE, the proof goes, an event tells it, the index
// is reloaded, and the proof comes back.
func TestTurnedBack(t *testing.T) {
	t.Parallel()
	shows := map[string]searchpack.WitnessState{}
	b := witnessBench(t, 3, shows)
	if d := b.duty("n2", searchpack.DutyWitness); d.ID != "" {
		t.Errorf("asked again in the turn of the proof: %s", d.ID)
	}
	shows["n2"], shows["n3"] = searchpack.WitnessOther, searchpack.WitnessUnanswered
	b.later(WitnessEvery)
	b.step()
	if d := b.duty("n2", searchpack.DutyWitness); !strings.HasPrefix(d.ID, "again/v1/") || len(d.Witnesses) != 1 {
		t.Fatalf("n2 is asked %+v", d)
	}
	b.obey()
	b.step()
	_, odd := b.proof("n2")
	_, silent := b.proof("n3")
	if odd || !silent || b.association().Status != searchpack.Active || !slices.Contains(b.events, "node turned back") {
		t.Errorf("n2 proven %v, n3 proven %v, %s, events %q", odd, silent, b.association().Status, b.events)
	}
	want := searchpack.NodeIncident{Domain: simDomain, AgentID: "a2", Incident: searchpack.Incident{
		Kind: searchpack.IncidentTurnedBack, PackageID: "F1", Wanted: b.w.Versions["v1"].Digest, At: b.w.Now,
		Index: "shop", Analyzer: "srch", Text: "sofa",
	}}
	if len(b.incidents) != 1 {
		t.Fatalf("incidents %+v", b.incidents)
	}
	want.ID = b.incidents[0].ID
	if diff := cmp.Diff(want, b.incidents[0]); diff != "" || want.ID == "" {
		t.Errorf("incident %q (-want +got):\n%s", want.ID, diff)
	}
	b.obey()
	b.step()
	if d := b.duty("n1", searchpack.DutyRefresh); !slices.Equal(d.Indices, []string{"shop"}) {
		t.Errorf("refreshed %+v", d)
	}
	delete(shows, "n2")
	b.later(2 * time.Minute)
	b.step()
	b.obey()
	b.step()
	if _, ok := b.proof("n2"); !ok || b.duty("n1", searchpack.DutyRefresh).ID != "" {
		t.Errorf("proven %v, orders %+v", ok, b.duty("n1", searchpack.DutyRefresh))
	}
	want.Healed, want.HealedAt = true, b.w.Now
	if diff := cmp.Diff([]searchpack.NodeIncident{want}, b.incidents[1:]); diff != "" || len(b.w.Incidents) > 0 || !slices.Contains(b.events, "node shows it again") {
		t.Errorf("healed (-want +got), events %q:\n%s", b.events, diff)
	}
	if n := len(slices.DeleteFunc(b.events, func(e string) bool { return e != "node turned back" })); n != 1 {
		t.Errorf("%d events", n)
	}
}

// An incident ends, too, when there is nothing left to show: the package is dissociated. Of a retired
// node nobody knows.
func TestIncidentsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bench)
		healed bool
	}{
		"not shown yet": {change: func(b *bench) { b.w.Proofs = nil }},
		"shown":         {change: func(*bench) {}, healed: true},
		"retired":       {change: func(b *bench) { b.w.Agents[1].RetiredAt = b.w.Now }},
		"dissociated":   {change: func(b *bench) { b.w.Associations, b.w.Proofs = nil, nil }, healed: true},
		"clock put back": {change: func(b *bench) {
			b.later(-5 * time.Minute)
			b.w.Incidents[0].At = b.w.Now.Add(time.Minute)
		}, healed: true},
	} {
		b := witnessBench(t, 2, map[string]searchpack.WitnessState{})
		b.w.Incidents = []searchpack.NodeIncident{{AgentID: "a2", Incident: searchpack.Incident{ID: "i", PackageID: "F1", At: b.w.Now}}}
		c.change(b)
		d := Decide(b.w)
		if healed := len(d.Incidents) == 1 && d.Incidents[0].Healed && !d.Incidents[0].HealedAt.Before(d.Incidents[0].At); healed != c.healed {
			t.Errorf("%s: %+v", name, d.Incidents)
		}
	}
}

// No refresh while a rollout has files changed: it would load whatever lies there.
func TestNoMendingMeanwhile(t *testing.T) {
	t.Parallel()
	b := witnessBench(t, 2, map[string]searchpack.WitnessState{"n2": searchpack.WitnessOther})
	if b.duty("n1", searchpack.DutyRefresh).ID == "" {
		t.Fatal("nothing is reloaded")
	}
	b.w.Rollouts = []searchpack.Rollout{{
		ID: "r", State: searchpack.RolloutRunning, Phase: searchpack.PhasePlace, Round: 4, StartedAt: b.w.Now, PhaseAt: b.w.Now,
		Steps: []searchpack.RolloutStep{{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: "v2", FormerID: "v1"}},
	}}
	b.step()
	if d := b.duty("n1", searchpack.DutyRefresh); d.ID != "" {
		t.Errorf("%s of %s", d.ID, d.Indices)
	}
}

// In one turn every node is asked once, and only a part of many at a time.
func TestTurns(t *testing.T) {
	t.Parallel()
	const nodes = 3000
	ticks := int64(WitnessEvery / witnessTick)
	most, asked := int64(0), int64(0)
	former := map[int]int64{}
	for tick := range ticks + 1 {
		d := &decider{World: World{Now: simStart.Add(time.Duration(tick) * witnessTick)}}
		now := int64(0)
		for i := range nodes {
			n := &node{}
			n.ID = fmt.Sprintf("agent-%d", i)
			number, began := d.turn(n)
			if began.After(d.Now) || d.Now.Sub(began) >= WitnessEvery {
				t.Fatalf("at %s the turn of %s began %s", d.Now, n.ID, began)
			}
			if tick > 0 && number != former[i] {
				now++
			}
			former[i] = number
		}
		most, asked = max(most, now), asked+now
	}
	if asked != nodes || most > 2*nodes/ticks {
		t.Errorf("%d of %d were asked, at most %d at a time", asked, nodes, most)
	}
}

// Many analyzers take several turns, and none is left out.
func TestManyAnalyzersTakeTurns(t *testing.T) {
	t.Parallel()
	var all []chainPlace
	for i := range 2*maxRepeated + 1 {
		all = append(all, chainPlace{place: searchpack.WitnessPlace{Index: fmt.Sprint(i)}})
	}
	seen := map[string]bool{}
	for turn := range int64(3) {
		part := ofTurn(all, 7*3+turn)
		if len(part) > maxRepeated {
			t.Errorf("a turn asks about %d", len(part))
		}
		for _, p := range part {
			seen[p.place.Index] = true
		}
	}
	if len(seen) != len(all) || len(ofTurn(all, noTurn)) != len(all) {
		t.Errorf("%d of %d are asked", len(seen), len(all))
	}
}
