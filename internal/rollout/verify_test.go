package rollout

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// verifyBench serves v1, and v2 comes with two checks of an index that uses the package.
func verifyBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, 3)
	b.witness = func(string, searchpack.Witness) searchpack.WitnessReport {
		return searchpack.WitnessReport{Counts: map[searchpack.WitnessState]int{searchpack.WitnessMatched: 1}}
	}
	for i := range b.w.Agents {
		b.report(i, b.facts(i))
	}
	b.uses = []searchpack.Use{indexUse("shop")}
	b.serve("v1")
	b.w.Checks = map[string][]searchpack.Check{"v2": {
		{
			Name: "laptop finds notebook", Index: "shop", Analyze: &searchpack.AnalyzeCheck{Analyzer: "srch", Text: "laptop"},
			Expect: searchpack.Expectation{Contains: []string{"notebook"}, Excludes: []string{"tablet"}},
		}, {
			Name: "is found", Index: "shop", Search: &searchpack.SearchCheck{Match: map[string]searchpack.CheckQuery{"title": {Query: "laptop"}}},
			Expect: searchpack.Expectation{MinHits: ptr(int64(1)), IDs: []string{"1", "2"}},
		},
	}}
	b.ask(searchpack.ActionAssociate, "v2")
	b.textsMade()
	b.events = nil
	return b
}

// textsMade does what the worker does once a rollout runs.
func (b *bench) textsMade() {
	for i := range b.w.Rollouts {
		for k := range b.w.Rollouts[i].Steps {
			b.w.Rollouts[i].Steps[k].TextsMade = true
		}
	}
}

func ptr[T any](v T) *T { return &v }

// answers has each node say this of the first check, and that the others have passed.
func (b *bench) answers(first func(agent string, anywhere bool) searchpack.CheckResult) {
	b.checked = func(agent string, d searchpack.Duty) searchpack.DutyResult {
		res := searchpack.DutyResult{Done: true, Verified: b.passed(d)}
		res.Verified[0] = first(agent, d.Verify.Anywhere)
		return res
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	asked := map[string]int{}
	b.checked = func(agent string, d searchpack.Duty) searchpack.DutyResult {
		q := d.Verify
		if q.PackageID != "F1" || q.Digest != b.w.Versions["v2"].Digest || q.Anywhere != (agent == "n1") || cmp.Diff(b.w.Checks["v2"], q.Checks) != "" {
			t.Errorf("%s is asked %+v", agent, q)
		}
		asked[agent]++
		return searchpack.DutyResult{Done: true, Verified: b.passed(d)}
	}
	if diff := cmp.Diff([]string{"look", "fetch", "probe", "place", "reload", "prove", "verify", ""}, b.run()); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	a := b.association()
	if a.Status != searchpack.Active || a.ServingID != "v2" || len(asked) != 3 {
		t.Errorf("%+v, asked %v", a, asked)
	}
	for _, f := range a.Findings {
		if f.Rule == ruleVerify {
			t.Errorf("%+v", f)
		}
	}
	if !slices.Contains(b.events, "version verified") || len(b.w.Proofs) != 3 || b.w.Proofs[0].Witness == "" {
		t.Errorf("events %v, proofs %+v", b.events, b.w.Proofs)
	}
	b.step()
	for _, x := range b.w.Agents {
		for _, d := range x.Order.Duties {
			if d.Kind == searchpack.DutyVerify {
				t.Errorf("%s is still asked", x.Name)
			}
		}
	}
}

// Whatever a check says that fails, the former version is back everywhere, and the reason names check,
// node, what was expected and what came.
func TestFailedCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check int
		res   searchpack.CheckResult
		want  string
	}{
		"tokens": {0, searchpack.CheckResult{Tokens: []string{"laptop", "line\nbreak"}, More: 3, Missing: []string{"notebook"}},
			`Check "laptop finds notebook" of v2 of shop-words failed on node n2: index shop, analyzer srch, text "laptop": expected "notebook" and not "tablet"; "laptop", "line break" and 3 more came. v1 of shop-words still serves.`},
		"no tokens": {0, searchpack.CheckResult{Missing: []string{"notebook"}}, "; no token came. v1"},
		"kept": {0, searchpack.CheckResult{Kept: true, Missing: []string{"notebook"}, Unwanted: []string{"tablet"}},
			`; missing "notebook", unwanted "tablet" (the tokens stay on the node: the index also reads files that Searchpack did not place). v1`},
		"refused": {0, searchpack.CheckResult{Reason: "failed to find analyzer [srch]."}, `; OpenSearch says: failed to find analyzer [srch]. v1`},
		"hits": {1, searchpack.CheckResult{Hits: 0, Missing: []string{"1", "2"}},
			`Check "is found" of v2 of shop-words failed on node n2: index shop, match of "laptop" in title: expected 1 hits or more, the ids "1", "2"; 0 hits, without "1", "2" came. v1`},
		"many hits": {1, searchpack.CheckResult{Hits: 3, AtLeast: true, Unwanted: []string{"9"}}, `; 3 hits or more, with "9" came. v1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := verifyBench(t)
			b.checked = func(agent string, d searchpack.Duty) searchpack.DutyResult {
				res := searchpack.DutyResult{Done: true, Verified: b.passed(d)}
				if agent == "n2" {
					c.res.State, c.res.Indices = searchpack.CheckFailed, []string{"shop"}
					res.Verified[c.check] = c.res
				}
				return res
			}
			phases := b.run()
			if !slices.Equal(phases[len(phases)-4:], []string{"verify", "return", "return-reload", ""}) {
				t.Errorf("phases %v", phases)
			}
			a := b.association()
			if a.Status != searchpack.AssociationFailed || a.ServingID != "v1" || a.Error == nil || a.Error.Type != "VerifyFailed" || !strings.Contains(a.Error.Message, c.want) {
				t.Errorf("%+v %+v\nwant %s", a, a.Error, c.want)
			}
			if got := b.files(); got != "live v1, live v1, live v1" {
				t.Errorf("the files are %s", got)
			}
		})
	}
}

// A node that cannot answer is waited for by name, however long, and never taken for one that failed.
func TestCheckNotAnswered(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	busy := true
	b.checked = func(agent string, d searchpack.Duty) searchpack.DutyResult {
		if agent == "n3" && busy {
			return searchpack.DutyResult{Error: `check "is found": OpenSearch answers /_search with 503`}
		}
		return searchpack.DutyResult{Done: true, Verified: b.passed(d)}
	}
	b.run()
	for range 5 {
		b.later(ReturnPatience)
		b.run()
	}
	if b.phase() != string(searchpack.PhaseVerify) || b.waiting() != `waiting for n3 to run the checks of v2 of shop-words (n3 says: check "is found": OpenSearch answers /_search with 503)` {
		t.Errorf("%s: %s", b.phase(), b.waiting())
	}
	busy = false
	b.run()
	if a := b.association(); a.Status != searchpack.Active || a.ServingID != "v2" {
		t.Errorf("%+v", a)
	}
}

// What cannot be run is said, and stops nothing.
func TestCheckNotRun(t *testing.T) {
	t.Parallel()
	reopen := indexUse("shop")
	reopen.HotReload, reopen.Updateable = false, false
	for name, c := range map[string]struct {
		first func(agent string, anywhere bool) searchpack.CheckResult
		uses  []searchpack.Use
		want  string // in the finding; "" = none
	}{
		"no index": {func(string, bool) searchpack.CheckResult {
			return searchpack.CheckResult{State: searchpack.CheckSkipped, Reason: "there is no index shop"}
		}, nil, `check "laptop finds notebook" was not run: there is no index shop`},
		"no copy": {func(string, bool) searchpack.CheckResult {
			return searchpack.CheckResult{State: searchpack.CheckElsewhere}
		}, nil, "no node holds a copy of index shop"},
		"elsewhere": {func(_ string, anywhere bool) searchpack.CheckResult {
			if anywhere {
				return searchpack.CheckResult{State: searchpack.CheckPassed, Indices: []string{"shop"}}
			}
			return searchpack.CheckResult{State: searchpack.CheckElsewhere}
		}, nil, ""},
		"fails in an index that goes on with what it had": {func(string, bool) searchpack.CheckResult {
			return searchpack.CheckResult{State: searchpack.CheckFailed, Indices: []string{"shop"}}
		}, []searchpack.Use{reopen}, "index shop goes on with what it had loaded before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := verifyBench(t)
			if c.uses != nil {
				b.uses = c.uses
			}
			b.w.Checks["v2"] = b.w.Checks["v2"][:1]
			b.answers(c.first)
			b.run()
			a := b.association()
			if a.Status != searchpack.Active || a.ServingID != "v2" {
				t.Fatalf("%+v %+v, %s", a, a.Error, b.waiting())
			}
			i := slices.IndexFunc(a.Findings, func(f searchpack.Finding) bool { return f.Rule == ruleVerify })
			switch {
			case c.want == "" && i >= 0, c.want != "" && (i < 0 || !strings.Contains(a.Findings[i].Message, c.want)):
				t.Errorf("findings %+v, want %q", a.Findings, c.want)
			}
		})
	}
}

func TestCheckWithoutOpenSearch(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	b.w.Domain.FilesOnly = true
	if p := b.run(); slices.Contains(p, "verify") {
		t.Errorf("phases %v", p)
	}
	a := b.association()
	if a.Status != searchpack.Active || len(a.Findings) != 1 || !strings.Contains(a.Findings[0].Message, "2 checks of the version could not be run: the domain has no OpenSearch") {
		t.Errorf("%+v", a)
	}
}

// What was proven must hold while checks are run: a node that joins then gets the version first, and all
// run the checks anew.
func TestNewcomerDuringChecks(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	b.until(searchpack.PhaseVerify)
	first := b.w.Agents[0].Order.Duties
	b.w.Agents[2].Report.Files = nil // another disk
	b.step()
	if b.phase() != string(searchpack.PhasePlace) {
		t.Fatalf("phase %s: %s", b.phase(), b.waiting())
	}
	b.until(searchpack.PhaseVerify)
	for _, d := range b.w.Agents[0].Order.Duties {
		for _, old := range first {
			if d.Kind == searchpack.DutyVerify && d.ID == old.ID {
				t.Errorf("%s is not asked anew", d.ID)
			}
		}
	}
	b.run()
	if a := b.association(); a.Status != searchpack.Active {
		t.Errorf("%+v", a)
	}
}

// A pause holds the rollout while checks are run, and an abort brings the former version back.
func TestControlDuringChecks(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	b.until(searchpack.PhaseVerify)
	tell := func(o Command) {
		t.Helper()
		r, err := Control(b.w.Rollouts[0], o, "kim")
		if err != nil {
			t.Fatal(err)
		}
		b.w.Rollouts[0] = r
	}
	tell(CommandPause)
	b.run()
	if b.phase() != string(searchpack.PhaseVerify) || !strings.HasPrefix(b.waiting(), "paused by kim") {
		t.Errorf("%s: %s", b.phase(), b.waiting())
	}
	tell(CommandAbort)
	b.run()
	if a := b.association(); a.Status != searchpack.AssociationFailed || a.Error.Type != aborted || a.ServingID != "v1" || b.files() != "live v1, live v1, live v1" {
		t.Errorf("%+v, %s", a, b.files())
	}
}

// The former version's own checks are run when it is chosen again.
func TestVerifyOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	b.run()
	b.w.Checks["v1"] = []searchpack.Check{{Name: "old", Index: "shop", Analyze: &searchpack.AnalyzeCheck{Analyzer: "srch", Text: "x"}, Expect: searchpack.Expectation{Equals: []string{"x"}}}}
	b.answers(func(agent string, _ bool) searchpack.CheckResult {
		return searchpack.CheckResult{State: searchpack.CheckFailed, Indices: []string{"shop"}, Tokens: []string{"y"}}
	})
	b.made(Associate(b.call(), Ask{PackageID: "F1", VersionID: "v1"}))
	b.textsMade()
	b.run()
	a := b.association()
	if a.Status != searchpack.AssociationFailed || a.ServingID != "v2" {
		t.Errorf("%+v", a)
	}
	wantText(t, "reason", a.Error.Message, `Check "old" of v1`, `expected exactly "x"; "y" came`, "v2 of shop-words still serves")
}

func TestPlanCountsChecks(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	v := b.w.Versions["v2"]
	v.CheckCount = 2
	b.w.Versions["v2"] = v
	if out := Plan(b.w, Ask{PackageID: "F1", VersionID: "v2"}, nil); out.Checks != 2 || out.NoChecks != "" {
		t.Errorf("%d checks, %q", out.Checks, out.NoChecks)
	}
	b.w.Domain.FilesOnly = true
	if out := Plan(b.w, Ask{PackageID: "F1", VersionID: "v2"}, nil); out.Checks != 0 || out.NoChecks == "" {
		t.Errorf("without OpenSearch: %d checks, %q", out.Checks, out.NoChecks)
	}
}

// Bytes that serve already are reloaded all the same where a node has others loaded.
func TestSameBytesNotLoaded(t *testing.T) {
	t.Parallel()
	for _, off := range []bool{false, true} {
		if got := sameBytesNotLoaded(t, guards{stale: off}); got == off {
			t.Errorf("without the rule %v, active %v", off, got)
		}
	}
}

// sameBytesNotLoaded reports whether the rollout ends well.
func sameBytesNotLoaded(t *testing.T, off guards) bool {
	b := verifyBench(t)
	b.off = off
	v := b.w.Versions["v2"]
	v.Digest = b.w.Versions["v1"].Digest
	b.w.Versions["v2"] = v
	state := searchpack.WitnessOther
	b.witness = func(string, searchpack.Witness) searchpack.WitnessReport {
		return searchpack.WitnessReport{Counts: map[searchpack.WitnessState]int{state: 1}}
	}
	b.uses[0].Witnesses = []searchpack.WitnessPoint{{Analyzer: "srch", Field: "title", Body: b.uses[0].Chains[0].Body}}
	b.refresh = func(d searchpack.Duty) searchpack.DutyResult {
		state = searchpack.WitnessMatched
		return searchpack.DutyResult{Done: true}
	}
	b.run()
	b.later(ReloadPause)
	b.run()
	a := b.association()
	return a.Status == searchpack.Active && a.ServingID == "v2"
}
