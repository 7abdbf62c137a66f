package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

func TestAssociate(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.ask(searchpack.ActionAssociate, "v1")
	if diff := cmp.Diff([]string{"look", "fetch", "probe", "place", "reload", "prove", ""}, b.run()); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	a := b.association()
	if a.Status != searchpack.Active || a.ServingID != "v1" || a.Note != "" || a.Error != nil {
		t.Errorf("the association is %+v", a)
	}
	if len(b.w.Proofs) != 3 {
		t.Fatalf("there are %d proofs", len(b.w.Proofs))
	}
	for _, p := range b.w.Proofs {
		if p.Level != searchpack.LevelProbed || p.Probe != "generic chain" || p.Digest != b.w.Versions["v1"].Digest || p.Version != 1 {
			t.Errorf("proof %+v", p)
		}
	}
	b.step()
	for _, x := range b.w.Agents {
		if o := x.Order; len(o.Candidates)+len(o.Probes)+len(o.Duties) > 0 {
			t.Errorf("afterwards %s still has %+v", x.Name, o)
		}
	}
	if !slices.Equal(b.events, []string{"rollout started", "rollout done"}) {
		t.Errorf("events %v", b.events)
	}
}

// TestOneNodeProbesFirst: a bad file meets one node.
func TestOneNodeProbesFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.ask(searchpack.ActionAssociate, "v1")
	b.until(searchpack.PhaseProbe)
	asked := func() (names []string) {
		for _, a := range b.w.Agents {
			if len(a.Order.Probes) > 0 {
				names = append(names, a.Name)
			}
		}
		return names
	}
	if got := asked(); !slices.Equal(got, []string{"n1"}) {
		t.Errorf("first %v are asked", got)
	}
	b.obey()
	b.step()
	if got := asked(); len(got) != 3 {
		t.Errorf("then %v are asked", got)
	}
	if b.files() != "-, -, -" {
		t.Errorf("while probing the files are %s", b.files())
	}
}

// A file that costs the first node its life meets no other one, until that node is back.
func TestNodeLostWhileAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseProbe)
	b.leave(0)
	b.later(3*time.Minute, "n1")
	for range 4 {
		b.step()
		b.obey("n2", "n3")
	}
	if b.phase() != string(searchpack.PhaseProbe) || !strings.HasPrefix(b.waiting(), "waiting for n1, which went away while it was asked") {
		t.Errorf("%s, %q", b.phase(), b.waiting())
	}
	for _, x := range b.w.Agents[1:] {
		if len(x.Order.Probes) > 0 {
			t.Errorf("%s was asked as well", x.Name)
		}
	}
	for i := range b.w.Agents {
		b.report(i, b.facts(i))
	}
	b.run()
	if a := b.association(); a.Status != searchpack.Active || a.ServingID != "v2" {
		t.Errorf("with the node back: %+v, %q", a, b.waiting())
	}
}

func TestRefusedCandidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		uses     []searchpack.Use
		findings []searchpack.Finding
		reason   string
		want     []string
		not      string
	}{
		"line known": {
			uses: []searchpack.Use{indexUse("shop")},
			findings: []searchpack.Finding{
				{Rule: "file.bom", Line: 1}, {Rule: "synonyms.alone", Severity: searchpack.SeverityWarning, Line: 1},
				{Rule: "synonyms.eliminated", Severity: searchpack.SeverityMostly, Line: 3, Text: "---, foo"},
			},
			reason: "Failed to build synonyms",
			want:   []string{"Node n2 refuses v2 of shop-words", "index shop, analyzer srch", "Failed to build synonyms", "line 3 (`---, foo`)", "v1 of shop-words still serves"},
			not:    "line 1",
		},
		"line unknown": {
			uses: []searchpack.Use{indexUse("shop")}, reason: "Failed to build synonyms",
			want: []string{"OpenSearch does not say which line"},
		},
		"OpenSearch says the line": {
			reason: "Line [2]: Invalid mapping rule : [quick]",
			want:   []string{"generic chain", "Line [2]"}, not: "does not say",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 3)
			b.serve("v1")
			b.uses = c.uses
			b.w.Findings["v2"] = c.findings
			b.verdict = func(agent string, p searchpack.Probe) (searchpack.Verdict, string) {
				if agent == "n2" && p.Digest == b.w.Versions["v2"].Digest {
					return searchpack.VerdictBad, c.reason
				}
				return searchpack.VerdictGood, ""
			}
			b.ask(searchpack.ActionAssociate, "v2")
			if got := b.run(); slices.Contains(got, "place") {
				t.Errorf("it went through %v", got)
			}
			a := b.association()
			if a.Status != searchpack.AssociationFailed || a.ServingID != "v1" || a.Error == nil || a.Error.Type != probeFailed {
				t.Fatalf("the association is %+v", a)
			}
			wantText(t, "the reason", a.Error.Message, c.want...)
			if c.not != "" && strings.Contains(a.Error.Message, c.not) {
				t.Errorf("the reason %q has %q", a.Error.Message, c.not)
			}
			if b.files() != "live v1, live v1, live v1" {
				t.Errorf("the files are %s", b.files())
			}
		})
	}
}

// TestUnclearVerdicts: one that says nothing goes on with a finding, one to be repeated waits, one
// about other bytes does not count.
func TestUnclearVerdicts(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.uses = []searchpack.Use{indexUse("shop")}
	b.verdict = func(string, searchpack.Probe) (searchpack.Verdict, string) {
		return searchpack.VerdictNone, "failed to find global filter under [icu]"
	}
	b.ask(searchpack.ActionAssociate, "v1")
	b.run()
	a := b.association()
	if a.Status != searchpack.Active || len(a.Findings) != 1 || b.w.Proofs[0].Level != searchpack.LevelPlaced {
		t.Fatalf("the association is %+v, a proof %+v", a, b.w.Proofs[0])
	}
	wantText(t, "the finding", a.Findings[0].Message, "cannot be probed: index shop, analyzer srch on n1, n2, n3", "under [icu]")

	b.verdict = func(string, searchpack.Probe) (searchpack.Verdict, string) { return searchpack.VerdictRetry, "" }
	b.ask(searchpack.ActionAssociate, "v2")
	b.run()
	if b.phase() != "probe" {
		t.Errorf("with answers to be repeated it is in %q", b.phase())
	}
	b.verdict = nil
	for i := range b.w.Agents {
		for j := range b.w.Agents[i].Report.Probes {
			b.w.Agents[i].Report.Probes[j] = searchpack.ProbeResult{
				ID: b.w.Agents[i].Report.Probes[j].ID, Digest: b.w.Versions["v3"].Digest, Verdict: searchpack.VerdictBad,
			}
		}
	}
	if b.step(); b.phase() != "probe" {
		t.Errorf("a verdict about other bytes counts: %q", b.phase())
	}
}

// TestControl: the live file if the former version lies on that node, else a minimal one.
func TestControl(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.uses = []searchpack.Use{indexUse("shop")}
	b.w.Agents[1].Report.Files = nil
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhaseProbe)
	b.obey("n1")
	b.w.Agents[1].Report.Files = nil
	b.step()
	candidate := searchpack.CandidatePath(b.w.Versions["v2"].Digest)
	for i, control := range []string{searchpack.ReferencePath("F1"), searchpack.ControlPath(searchpack.KindSynonyms)} {
		probes := b.w.Agents[i].Order.Probes
		at := slices.IndexFunc(probes, func(p searchpack.Probe) bool { return p.Path == candidate })
		if at < 0 {
			t.Fatalf("%s is not asked about the candidate", b.w.Agents[i].Name)
		}
		p := probes[at]
		wantText(t, "the body", p.Body, candidate)
		wantText(t, "the control", p.Control, control)
		if p.Index != "shop" || p.Analyzer != "srch" {
			t.Errorf("probe %+v", p)
		}
	}
}

// TestNewcomer: it gets candidate and probes first, then the version; what was loaded before is
// loaded again. A refusal there brings the former version back everywhere.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	for _, bad := range []bool{false, true} {
		b := newBench(t, 3)
		b.serve("v1")
		joining := b.w.Agents[2]
		b.w.Agents = b.w.Agents[:2]
		for i := range b.w.Agents {
			b.report(i, b.facts(i))
		}
		b.ask(searchpack.ActionAssociate, "v2")
		b.until(searchpack.PhaseProve)
		b.w.Agents = append(b.w.Agents, joining)
		for i := range b.w.Agents {
			b.report(i, b.facts(i))
		}
		b.verdict = func(agent string, _ searchpack.Probe) (searchpack.Verdict, string) {
			if bad && agent == "n3" {
				return searchpack.VerdictBad, "no"
			}
			return searchpack.VerdictGood, ""
		}
		b.step()
		if b.phase() != "place" || b.files() != "live v2, live v2, live v1" || len(b.w.Agents[2].Order.Probes) == 0 {
			t.Errorf("it is in %q, files %s", b.phase(), b.files())
		}
		got := b.run()
		want, serving := "place reload prove ", "v2"
		if bad {
			want, serving = "place return return-reload ", "v1"
		}
		if strings.Join(got, " ") != want || b.association().ServingID != serving {
			t.Errorf("bad %v: it went through %v, serving %s", bad, got, b.association().ServingID)
		}
		if b.files() != strings.Repeat("live "+serving+", ", 2)+"live "+serving {
			t.Errorf("bad %v: files %s", bad, b.files())
		}
	}
}

// TestForgetfulAgent: an agent that restarts and has forgotten its answers keeps the new version.
func TestForgetfulAgent(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	b.ask(searchpack.ActionAssociate, "v2")
	b.until(searchpack.PhasePlace)
	b.w.Agents[1].Report.Probes = nil
	b.step()
	if b.files() != "live v2, live v2, live v2" {
		t.Errorf("files %s", b.files())
	}
	if b.run(); b.association().Status != searchpack.Active {
		t.Errorf("it ends %s", b.association().Status)
	}
}

func TestIdenticalVersionIsNotReloaded(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.serve("v1")
	b.uses = []searchpack.Use{indexUse("shop")}
	same := b.w.Versions["v2"]
	same.Digest = b.w.Versions["v1"].Digest
	b.w.Versions["v2"] = same
	b.ask(searchpack.ActionAssociate, "v2")
	if got := b.run(); slices.Contains(got, "reload") || b.association().ServingID != "v2" {
		t.Errorf("it went through %v, serving %s", got, b.association().ServingID)
	}
	if p := b.w.Proofs[0]; p.VersionID != "v2" || p.Probe != "1 chain of 1 index" {
		t.Errorf("proof %+v", p)
	}
}

func TestFilesOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.w.Domain.FilesOnly = true
	for i := range b.w.Agents {
		b.report(i, &searchpack.NodeFacts{NodeID: "own", Name: b.w.Agents[i].Name, FilesOnly: true})
	}
	b.ask(searchpack.ActionAssociate, "v1")
	if got := b.run(); slices.Contains(got, "reload") || b.association().Status != searchpack.Active {
		t.Errorf("it went through %v: %s", got, b.waiting())
	}
	if p := b.w.Proofs[0]; p.Level != searchpack.LevelPlaced || p.Probe != "no OpenSearch" {
		t.Errorf("proof %+v", p)
	}
	b.ask(searchpack.ActionDissociate, "")
	if b.run(); len(b.w.Associations) != 0 || len(b.w.Agents[0].Report.Files) != 0 {
		t.Errorf("after dissociation: %+v, waiting %q", b.w.Associations, b.waiting())
	}
}

func TestTruncatedUsage(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.ask(searchpack.ActionAssociate, "v1")
	for range 20 {
		b.step()
		b.obey()
		if b.w.Usage != nil {
			b.w.Usage.Truncated = true
		}
	}
	a := b.association()
	if a.Status != searchpack.Active || len(a.Findings) != 1 {
		t.Fatalf("%+v: %s", a, b.waiting())
	}
	wantText(t, "the finding", a.Findings[0].Message, "usage truncated")
	b.ask(searchpack.ActionDissociate, "")
	for range 20 {
		b.step()
		b.obey()
		b.w.Usage.Truncated = true
	}
	if a := b.association(); a.Status != searchpack.DissociationFailed || a.Error.Type != "UsageTruncated" {
		t.Errorf("%+v", a)
	}
}

// TestLostLook: the speaker says that it has answered, but nothing came.
func TestLostLook(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1)
	b.ask(searchpack.ActionAssociate, "v1")
	b.step()
	first := b.w.Agents[0].Order.Duties[0].ID
	b.obey()
	b.w.Usage = nil
	d := b.step()
	if got := b.w.Agents[0].Order.Duties[0].ID; got != first {
		t.Fatalf("asked anew at once: %s", got)
	}
	if want := b.w.Rollouts[0].PhaseAt.Add(FreshFor); !d.Next.Equal(want) {
		t.Errorf("next is %v, want %v", d.Next, want)
	}
	b.later(LookPatience)
	b.step()
	if got := b.w.Agents[0].Order.Duties[0].ID; got == first {
		t.Error("not asked anew after a minute")
	}
	if b.run(); b.association().Status != searchpack.Active {
		t.Errorf("it ends %s", b.association().Status)
	}
}

// TestLateNodeProves: what was owed is asked for and written outside rollouts; a file that changed
// must be proven anew; a retired node's proof goes.
func TestLateNodeProves(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.serve("v1")
	if len(b.w.Proofs) != 3 {
		t.Fatalf("%d proofs", len(b.w.Proofs))
	}
	b.w.Agents[2].Report.Files[0].Digest = searchpack.DigestOf([]byte("damaged"))
	if d := b.step(); len(d.Unproven) != 1 || len(b.w.Agents[2].Order.Probes) == 0 {
		t.Errorf("%+v", brief(d))
	}
	b.later(time.Second)
	b.obey()
	if d := b.step(); len(d.Proofs) != 1 || !d.Proofs[0].At.Equal(b.w.Now) {
		t.Errorf("%+v", brief(d))
	}
	b.w.Agents[2].RetiredAt = b.w.Now
	if d := b.step(); len(d.Unproven) != 1 || d.Unproven[0].AgentID != "a3" {
		t.Errorf("%+v", brief(d))
	}
}
