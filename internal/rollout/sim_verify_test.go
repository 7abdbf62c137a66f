package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// checksOf are the checks of a version: one about whatever index uses the package. Every fifth version
// has none, unless its bytes fail one.
func (v *simServer) checksOf(ver searchpack.Version) []searchpack.Check {
	if v.checks == nil {
		v.checks = map[string][]searchpack.Check{}
	}
	all, made := v.checks[ver.ID]
	if !made {
		if ver.Number%5 != 0 || v.truth[ver.Digest] == "check" {
			all = []searchpack.Check{{
				Name: "check of " + ver.ID, Index: "any", Analyze: &searchpack.AnalyzeCheck{Analyzer: "srch", Text: "text"},
				Expect: searchpack.Expectation{Contains: []string{"other"}},
			}}
		}
		v.checks[ver.ID] = all
	}
	return all
}

// verify answers DutyVerify by what this node has loaded of the indices that use the package; the one
// that asks anywhere sees other nodes' copies, too.
func (a *simAgent) verify(d searchpack.Duty) searchpack.DutyResult {
	q, res := d.Verify, searchpack.DutyResult{ID: d.ID, Done: true}
	if a.node.lies(q.PackageID, a.pathOf(q.PackageID)) != q.Digest {
		return searchpack.DutyResult{ID: d.ID, Error: "the file is not the one to ask about"}
	}
	one := searchpack.CheckResult{State: searchpack.CheckSkipped, Reason: "there is no index any"}
	for _, u := range a.cluster.usedBy(q.PackageID) {
		if u.kind != searchpack.UserIndex {
			continue
		}
		if one.State == searchpack.CheckSkipped {
			one = searchpack.CheckResult{State: searchpack.CheckElsewhere}
		}
		loaded, there := a.node.loaded[u.name]
		for _, n := range a.cluster.upNodes() {
			if !there && q.Anywhere {
				loaded, there = n.loaded[u.name]
			}
		}
		switch {
		case !there && q.Anywhere: // no copy of it is there: OpenSearch answers 503
			return searchpack.DutyResult{ID: d.ID, Error: "no shard available"}
		case !there:
		case a.truth[loaded] == "check":
			one = searchpack.CheckResult{State: searchpack.CheckFailed, Indices: []string{u.name}, Tokens: []string{"text"}, Missing: []string{"other"}}
			res.Verified = []searchpack.CheckResult{one}
			return res
		default:
			one = searchpack.CheckResult{State: searchpack.CheckPassed, Indices: []string{u.name}}
		}
	}
	for range q.Checks {
		res.Verified = append(res.Verified, one)
	}
	return res
}

// checkVerified: a version that fails its check never comes to serve where an index shows it. Indices
// that were made while the nodes were asked may not have been seen.
func (v *simServer) checkVerified(w World, ver searchpack.Version) {
	before, _ := running(w, Decision{})
	if v.truth[ver.Digest] != "check" || before.ID == "" {
		return
	}
	for _, u := range v.cluster.usedBy(ver.PackageID) {
		if u.kind == searchpack.UserIndex && u.created.Before(before.StartedAt) {
			v.fail("%s serves, but its check fails in index %s", ver.ID, u.name)
		}
	}
}

// checkRefusals: a rollout that fails by a check names one of a version whose check does fail.
func (v *simServer) checkRefusals(d Decision) {
	for _, r := range d.Rollouts {
		if r.State != searchpack.RolloutFailed || r.ErrorType != verifyFailed {
			continue
		}
		named := slices.ContainsFunc(r.Steps, func(s searchpack.RolloutStep) bool {
			return v.truth[v.versions[s.VersionID].Digest] == "check" && strings.HasPrefix(r.Reason, `Check "check of `+s.VersionID+`" of `)
		})
		if !named {
			v.fail("%s failed by a check that does not fail: %s", r.ID, r.Reason)
		}
		v.refused++
	}
}

// TestSameEndByCheck is TestSameEnd for a version whose check fails: what served before does again, and
// one that passes comes after it.
func TestSameEndByCheck(t *testing.T) {
	t.Parallel()
	script := []simCall{
		{action: searchpack.ActionAssociate, pkg: "F1"},
		{action: searchpack.ActionAssociate, pkg: "F2", fault: "check"}, // nobody uses it: nothing to ask
		{create: true, pkg: "F1"},
		{action: searchpack.ActionAssociate, pkg: "F1", fault: ""},
		{action: searchpack.ActionAssociate, pkg: "F1", fault: "check"},
		{action: searchpack.ActionAssociate, pkg: "F3", fault: "-"},
		{create: true, pkg: "F3"},
		{action: searchpack.ActionAssociate, pkg: "F3", fault: "check"},
		{action: searchpack.ActionAssociate, pkg: "F3", with: []string{"F1"}, fault: ""}, // F1's is tried again
	}
	calm := endOf(t, simConfig{seed: 1, nodes: 4, length: 10 * time.Minute, rest: 25 * time.Minute, script: slices.Clone(script)})
	for _, want := range []string{
		"F1 ASSOCIATION_FAILED serving F1-v3 wanted F1-v4 VerifyFailed", "F2 ACTIVE serving F2-v2",
		"F3 ASSOCIATION_FAILED serving F3-v1 wanted F3-v3 VerifyFailed",
	} {
		if !strings.Contains(calm, want) {
			t.Errorf("without faults the end is\n%s\nwithout %s", calm, want)
		}
	}
	sameEnd(t, calm, script, 6)
}
