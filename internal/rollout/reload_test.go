package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// TestReloadNamesIndices: open indices with an analyzer that a refresh rebuilds, also for the sake of
// another of its filters, in batches, while the speaker looks once more; duties go to the speaker only.
func TestReloadNamesIndices(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	closed, fixed, template := indexUse("closed"), indexUse("fixed"), indexUse("logs")
	closed.Closed, fixed.Updateable, fixed.HotReload, template.UserKind = true, false, false, searchpack.UserTemplate
	beside, partly, unused := indexUse("beside"), fixed, indexUse("unused")
	beside.Updateable, unused.Updateable, unused.Analyzers = false, false, nil
	partly.Name, partly.Witnesses = "partly", []searchpack.WitnessPoint{{Analyzer: "srch"}}
	b.uses = []searchpack.Use{closed, fixed, template, beside, partly, unused, indexUse("shop"), indexUse("shop")}
	for i := range 30 {
		b.uses = append(b.uses, indexUse(fmt.Sprintf("%0250d", i)))
	}
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseReload)
	var names []string
	duties := slices.Clone(b.w.Agents[0].Order.Duties)
	if len(duties) == 0 || duties[0].Kind != searchpack.DutyLook {
		t.Fatalf("it does not look: %v", duties)
	}
	duties = duties[1:]
	for _, d := range duties {
		size := 0
		for _, name := range d.Indices {
			size += len(name) + 1
		}
		if d.Kind != searchpack.DutyRefresh || size > maxNames || size == 0 {
			t.Errorf("duty %s has %d bytes of names", d.ID, size)
		}
		names = append(names, d.Indices...)
	}
	if len(duties) != 2 || len(names) != 33 || slices.Contains(names, "closed") || slices.Contains(names, "fixed") || slices.Contains(names, "unused") || !slices.Contains(names, "beside") || !slices.Contains(names, "partly") || !slices.Contains(names, "shop") {
		t.Errorf("%d duties for %d indices", len(duties), len(names))
	}
	if len(b.w.Agents[1].Order.Duties) > 0 || b.w.Agents[1].Order.Speaker {
		t.Error("a node that is not the speaker has duties")
	}
}

// TestFailedReload: the former version comes back, is loaded again, unassigned copies are tried
// again, and the reason names index and OpenSearch's words. A refresh that fails again does not
// hang.
func TestFailedReload(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		b := newBench(t, 3)
		b.serve("v1")
		b.uses = []searchpack.Use{indexUse("shop")}
		refreshed := 0
		b.refresh = func(searchpack.Duty) searchpack.DutyResult {
			refreshed++
			bad := b.file("n1") == "live v2" || again
			x := searchpack.IndexRefresh{Index: "shop"}
			if bad {
				x.Failed, x.Reason = 2, "Failed to build synonyms"
			}
			return searchpack.DutyResult{Done: true, Refreshed: []searchpack.IndexRefresh{x, {Index: "old", Failed: 1, Gone: true}}}
		}
		b.ask(searchpack.ActionAssociate, "v2")
		got := strings.Join(b.run(), " ")
		if got != "look fetch probe place reload return return-reload " {
			t.Errorf("it went through %s", got)
		}
		a := b.association()
		if a.Status != searchpack.AssociationFailed || a.ServingID != "v1" || a.Error.Type != "ReloadFailed" || b.files() != "live v1, live v1, live v1" {
			t.Fatalf("%+v, files %s", a, b.files())
		}
		wantText(t, "the reason", a.Error.Message, "v2 of shop-words cannot be loaded", "index shop on 2 copies", "Failed to build synonyms", "v1 of shop-words still serves")
		if again != strings.Contains(a.Error.Message, "Loading the former version again failed") {
			t.Errorf("again %v: %s", again, a.Error.Message)
		}
		if refreshed < 2 {
			t.Error("the former version was not loaded again")
		}
	}
}

// TestFailedReloadOfWhatWasBroken: the reason says that the chain could be built with no file before
// anything was placed, and where.
func TestFailedReloadOfWhatWasBroken(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.uses = []searchpack.Use{indexUse("shop")}
	b.verdict = func(string, searchpack.Probe) (searchpack.Verdict, string) {
		return searchpack.VerdictNone, "the control probe fails too: file not readable"
	}
	b.refresh = func(searchpack.Duty) searchpack.DutyResult {
		return searchpack.DutyResult{Done: true, Refreshed: []searchpack.IndexRefresh{{Index: "shop", Failed: 1, Reason: "file not readable"}}}
	}
	b.ask(searchpack.ActionAssociate, "v2")
	b.run()
	a := b.association()
	if a.Status != searchpack.AssociationFailed || a.ServingID != "v1" || len(a.Findings) != 1 {
		t.Fatalf("%+v", a)
	}
	wantText(t, "the reason", a.Error.Message, "index shop on 1 copy",
		"Broken before that, whatever the file: index shop, analyzer srch on n1, n2: OpenSearch says: the control probe fails too: file not readable. v1 of shop-words still serves")
}

// TestQuestionsByVersion: a node is asked about the chains that its OpenSearch builds, one that does not
// say its version about all.
func TestQuestionsByVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	use := indexUse("shop")
	use.Chains = []searchpack.Chain{
		{Analyzer: "srch", Body: `["` + searchpack.PathMark + `","both"]`},
		{Analyzer: "srch", Body: `["` + searchpack.PathMark + `","new"]`, Since: "3.6"},
		{Analyzer: "srch", Body: `["` + searchpack.PathMark + `","old"]`, Before: "3.6"},
	}
	b.uses = []searchpack.Use{use}
	b.ask(searchpack.ActionAssociate, "v1")
	b.until(searchpack.PhaseProbe)
	d := newDecider(b.w, guards{})
	v := b.w.Versions["v1"]
	for version, want := range map[string]string{
		"2.19.0": "both old", "3.5.0": "both old", "3.6.0": "both new", "3.10.1": "both new", "4.0.0": "both new", "": "both new old",
	} {
		var got []string
		for _, q := range d.questionsTo(version, v) {
			for _, word := range []string{"both", "new", "old"} {
				if strings.Contains(q.body, word) {
					got = append(got, word)
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("OpenSearch %q is asked %v, want %s", version, got, want)
		}
	}
	old, current := d.nodes[0], d.nodes[1]
	old.Report.Node.Version, current.Report.Node.Version = "2.19.0", "3.8.0"
	if a, b := d.liveProbes(old, v), d.liveProbes(current, v); len(a) != 2 || len(b) != 2 || a[1].ID == b[1].ID {
		t.Errorf("asked is %+v and %+v", a, b)
	}
}

// TestFirstVersionFails: there is nothing to return to, and no file is removed.
func TestFirstVersionFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.verdict = func(agent string, p searchpack.Probe) (searchpack.Verdict, string) {
		if agent == "n2" && p.Path == searchpack.ReferencePath("F1") {
			return searchpack.VerdictBad, "no"
		}
		return searchpack.VerdictGood, ""
	}
	b.ask(searchpack.ActionAssociate, "v1")
	b.run()
	if a := b.association(); a.Status != searchpack.AssociationFailed || a.ServingID != "" || b.files() != "-, -" {
		t.Errorf("%+v, files %s", a, b.files())
	}
}

// TestWayBackEnds: a speaker that cannot refresh holds others up for ten minutes, not for ever.
func TestWayBackEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.uses = []searchpack.Use{indexUse("shop")}
	b.refresh = func(searchpack.Duty) searchpack.DutyResult {
		if b.file("n1") == "live v2" {
			return searchpack.DutyResult{Done: true, Refreshed: []searchpack.IndexRefresh{{Index: "shop", Failed: 1, Reason: "no"}}}
		}
		return searchpack.DutyResult{Error: "403 from OpenSearch"}
	}
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseReturnReload)
	b.run()
	wantText(t, "what is waited for", b.waiting(), "search analyzers of shop", "n1 says: 403 from OpenSearch")
	b.later(ReturnPatience)
	b.step()
	a := b.association()
	if a.Status != searchpack.AssociationFailed {
		t.Fatalf("%+v", a)
	}
	wantText(t, "the reason", a.Error.Message, "could not be confirmed within 10 min")
}

// TestWhatIsNotReloaded becomes findings.
func TestWhatIsNotReloaded(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	stop, indexed, closed := indexUse("stop"), indexUse("indexed"), indexUse("closed")
	stop.Updateable, stop.HotReload = false, false
	indexed.Updateable, indexed.HotReload, indexed.Fields = false, false, []string{"body (index)"}
	closed.HotReload, closed.Closed = false, true
	b.uses = []searchpack.Use{closed, indexed, indexUse("shop"), stop}
	b.refresh = func(searchpack.Duty) searchpack.DutyResult {
		return searchpack.DutyResult{Done: true, NoRefreshAPI: true}
	}
	b.ask(searchpack.ActionAssociate, "v2")
	b.run()
	a := b.association()
	var got []string
	for _, f := range a.Findings {
		got = append(got, f.Message)
	}
	want := []string{
		"reindex needed: index indexed: filter.syn is used at index time, so documents that are there keep their old terms",
		"reopen needed: index shop: OpenSearch here has no _refresh_search_analyzers",
		"reopen needed: index stop: filter.syn cannot be reloaded while the index is open",
	}
	if a.Status != searchpack.Active || !slices.Equal(got, want) {
		t.Errorf("%s with findings %q", a.Status, got)
	}
	b.refresh, b.uses = nil, []searchpack.Use{indexUse("shop")}
	b.ask(searchpack.ActionAssociate, "v3")
	if b.run(); len(b.association().Findings) != 0 {
		t.Errorf("old findings stay: %+v", b.association().Findings)
	}
}

// TestSpeakerChanges: duties move to the next speaker under the same ids.
func TestSpeakerChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.ask(searchpack.ActionAssociate, "v1")
	b.step()
	id := b.w.Agents[0].Order.Duties[0].ID
	b.later(FreshFor, "n1")
	b.step()
	if o := b.w.Agents[1].Order; !o.Speaker || len(o.Duties) != 1 || o.Duties[0].ID != id {
		t.Errorf("the next speaker has %+v, want duty %s", o, id)
	}
	if o := b.w.Agents[0].Order; o.Speaker || len(o.Duties) != 0 {
		t.Errorf("the former speaker has %+v", o)
	}
	b.later(time.Second)
	if b.step(); !b.w.Agents[1].Order.Speaker {
		t.Error("the speaker changed back without need")
	}
}

// TestGenericChains: each kind has a chain that names the path once, or none on purpose.
func TestGenericChains(t *testing.T) {
	t.Parallel()
	none := []searchpack.Kind{searchpack.KindHunspell, searchpack.KindOpaque}
	for _, kind := range append(searchpack.Kinds, searchpack.KindUnknown) {
		body := GenericChain(kind)
		if slices.Contains(none, kind) {
			if body != "" {
				t.Errorf("%s has %s", kind, body)
			}
			continue
		}
		if !json.Valid([]byte(body)) || strings.Count(body, searchpack.PathMark) != 1 {
			t.Errorf("%q has %s", kind, body)
		}
	}
	want := `{"filter":[{"synonyms_path":"` + searchpack.PathMark + `","type":"synonym_graph"}],"text":"searchpack","tokenizer":"whitespace"}`
	if got := GenericChain(searchpack.KindSynonyms); got != want {
		t.Errorf("got %s", got)
	}
}

// TestDigestOnly: a kind that cannot be probed is proven by its bytes alone.
func TestDigestOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	v := b.w.Versions["v1"]
	v.Kind, v.KindDeclared = searchpack.KindHunspell, true
	b.w.Versions["v1"] = v
	b.ask(searchpack.ActionAssociate, "v1")
	b.run()
	if len(b.w.Proofs) != 1 || b.w.Proofs[0].Probe != "digest only" || b.w.Proofs[0].Level != searchpack.LevelPlaced {
		t.Errorf("%+v, waiting %q", b.w.Proofs, b.waiting())
	}
}

// TestRestoredServer: an agent that has seen higher generations still gets its orders.
func TestRestoredServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.serve("v1")
	b.w.Agents[0].Report.Generation = 50
	if b.step(); b.w.Agents[0].Order.Generation != 51 {
		t.Errorf("generation %d", b.w.Agents[0].Order.Generation)
	}
}

// TestBackWhileReturning: a node that was away while the others got the former version again, and is back
// before the rollout has ended, gets it, too, and has it loaded. A rollout does not end as failed while
// a member has the version that failed.
func TestBackWhileReturning(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.uses = []searchpack.Use{indexUse("shop")}
	var loaded []string
	b.refresh = func(searchpack.Duty) searchpack.DutyResult {
		loaded = append(loaded, b.files())
		return searchpack.DutyResult{Done: true, Refreshed: []searchpack.IndexRefresh{{Index: "shop", Failed: 1, Reason: "Failed to build synonyms"}}}
	}
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseReload)
	b.leave(2)
	b.later(3*time.Minute, "n3")
	for range 10 {
		if b.obey("n1", "n2"); b.phase() == string(searchpack.PhaseReturnReload) {
			break
		}
		b.step()
	}
	for i := range b.w.Agents[:2] {
		b.report(i, b.facts(i)) // they see n3 in the cluster
	}
	b.report(2, b.facts(2))
	if f := b.w.Agents[2].Report.Files[0].Digest; f != b.w.Versions["v2"].Digest {
		t.Fatalf("n3 has %s", f)
	}
	b.step()
	if b.phase() != string(searchpack.PhaseReturn) || !strings.Contains(b.waiting(), "n3 to place the former version again") {
		t.Fatalf("in %q, %q", b.phase(), b.waiting())
	}
	before := len(loaded)
	b.run()
	a := b.association()
	if f := b.w.Agents[2].Report.Files[0].Digest; a.Status != searchpack.AssociationFailed || f != b.w.Versions["v1"].Digest || len(loaded) == before {
		t.Errorf("it is %s, n3 has %s, loaded %q", a.Status, f, loaded)
	}
}
