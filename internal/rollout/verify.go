package rollout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// verifyFailed is the ErrorDetails type of a rollout that a check has ended.
const verifyFailed = "VerifyFailed"

// mayVerify reports whether the version's checks can be run.
func (d *decider) mayVerify(versionID string) bool {
	return len(d.Checks[versionID]) > 0 && !d.Domain.FilesOnly && !d.off.verify && !d.isPlugin(d.Versions[versionID].PackageID)
}

// toVerify reports whether any step brings checks that can be run.
func (d *decider) toVerify(r *searchpack.Rollout) bool {
	return slices.ContainsFunc(r.Steps, func(s searchpack.RolloutStep) bool { return d.mayVerify(s.VersionID) })
}

// beginVerify goes on to the checks. The round stays: what nodes have shown is still asked and answered
// while they run them, and the rollout ends with it.
func (d *decider) beginVerify(r *searchpack.Rollout) bool {
	r.Phase, r.PhaseAt, r.Waiting = searchpack.PhaseVerify, d.Now, ""
	return true
}

// verify waits until every node has run the checks. What nodes have proven must hold all the while; if it
// does not, all is loaded, proven and verified anew.
func (d *decider) verify(r *searchpack.Rollout) bool {
	to := "to run the checks of " + d.stepsText(r)
	if ok, moved := d.proven(r, to); !ok {
		return moved
	}
	for _, n := range d.must() {
		for _, s := range r.Steps {
			if why := d.failedCheck(r, n, s); why != "" {
				return d.undo(r, verifyFailed, why)
			}
		}
	}
	ok := d.everyone(r, to, func(n *node) (bool, string) {
		for _, s := range r.Steps {
			if _, ok, why := d.verified(r, n, s); !ok {
				return false, cmp.Or(why, n.trouble())
			}
		}
		return true, ""
	})
	if !ok {
		return false
	}
	return d.succeed(r)
}

// verifyDuty is what the node is to run for a step. The id says all of it.
func (d *decider) verifyDuty(r *searchpack.Rollout, n *node, s searchpack.RolloutStep) (searchpack.Duty, bool) {
	if !d.mayVerify(s.VersionID) {
		return searchpack.Duty{}, false
	}
	v := d.Versions[s.VersionID]
	task := &searchpack.VerifyTask{PackageID: s.PackageID, Digest: v.Digest, Checks: d.Checks[s.VersionID], Anywhere: n == d.speaker}
	hash, made := d.checkHashes[s.VersionID]
	if !made {
		b, err := json.Marshal(task.Checks)
		if err != nil {
			panic("checks cannot be written: " + err.Error())
		}
		hash = shortHash(s.VersionID, string(v.Digest), string(b))
		d.checkHashes[s.VersionID] = hash
	}
	id := d.dutyID(r, searchpack.DutyVerify, 0) + "-" + hash
	if task.Anywhere {
		id += "-anywhere"
	}
	return searchpack.Duty{ID: id, Kind: searchpack.DutyVerify, Verify: task}, true
}

// verifyDuties of a node in this phase.
func (d *decider) verifyDuties(n *node) []searchpack.Duty {
	r := d.running()
	if r == nil || r.Phase != searchpack.PhaseVerify {
		return nil
	}
	var out []searchpack.Duty
	for _, s := range r.Steps {
		if duty, ok := d.verifyDuty(r, n, s); ok && d.shows(n, s.PackageID, d.Versions[s.VersionID].Digest) {
			out = append(out, duty)
		}
	}
	return out
}

// verified returns what the node says to the step's checks; ok: it has run them all, why: what hinders
// it.
func (d *decider) verified(r *searchpack.Rollout, n *node, s searchpack.RolloutStep) (all []searchpack.CheckResult, ok bool, why string) {
	duty, asked := d.verifyDuty(r, n, s)
	if !asked {
		return nil, true, ""
	}
	res, answered := n.duties[duty.ID]
	if !answered || !res.Done || len(res.Verified) != len(duty.Verify.Checks) {
		return nil, false, res.Error
	}
	return res.Verified, true, ""
}

// failedCheck explains the first check of the step that failed on the node; "" if none did. Of an index
// that goes on with the former version until somebody opens it anew, nothing is believed.
func (d *decider) failedCheck(r *searchpack.Rollout, n *node, s searchpack.RolloutStep) string {
	all, _, _ := d.verified(r, n, s)
	for i, res := range all {
		if res.State == searchpack.CheckFailed && d.kept(s, res.Indices) == "" {
			return d.failureText(n, s, d.Checks[s.VersionID][i], res)
		}
	}
	return ""
}

// kept is the first of the indices that has not loaded the version, which needs more than a reload
// there; "" if there is none.
func (d *decider) kept(s searchpack.RolloutStep, indices []string) string {
	if s.FormerID != "" && d.Versions[s.FormerID].Digest == d.Versions[s.VersionID].Digest {
		return ""
	}
	noAPI := !d.canReload()
	for _, u := range d.uses(s.PackageID) {
		if u.UserKind != searchpack.UserIndex || !slices.Contains(indices, u.Name) {
			continue
		}
		if how, _ := reach(u, noAPI, d.hotReload(u)); how != ReachHot && (how != ReachRestart || s.FormerID != "") {
			return u.Name
		}
	}
	return ""
}

// failureText names the check, the node, what was expected and what came.
func (d *decider) failureText(n *node, s searchpack.RolloutStep, c searchpack.Check, res searchpack.CheckResult) string {
	text := fmt.Sprintf("Check %q of %s failed on node %s: ", quote(c.Name), d.versionText(s), n.called())
	came := "OpenSearch says: " + strings.TrimSuffix(quote(res.Reason), ".")
	if c.Analyze != nil {
		with := "analyzer " + quote(c.Analyze.Analyzer)
		if c.Analyze.Field != "" {
			with = "field " + quote(c.Analyze.Field)
		}
		if res.Reason == "" {
			came = tokensText(res)
		}
		text += fmt.Sprintf("index %s, %s, text %q: expected %s; %s.", quote(c.Index), with, quote(c.Analyze.Text), tokensWanted(c.Expect), came)
	} else {
		if res.Reason == "" {
			came = hitsText(res)
		}
		text += fmt.Sprintf("index %s, %s: expected %s; %s.", quote(c.Index), searchText(c.Search), hitsWanted(c.Expect), came)
	}
	return text
}

// words quotes tokens or ids, at most maxNamed of them.
func words(all []string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = fmt.Sprintf("%q", quote(s))
	}
	return list(out)
}

func tokensWanted(e searchpack.Expectation) string {
	switch {
	case e.Equals != nil && len(e.Equals) == 0:
		return "no token"
	case e.Equals != nil:
		return "exactly " + words(e.Equals)
	}
	var parts []string
	if len(e.Contains) > 0 {
		parts = append(parts, words(e.Contains))
	}
	if len(e.Excludes) > 0 {
		parts = append(parts, "not "+words(e.Excludes))
	}
	return strings.Join(parts, " and ")
}

func tokensText(res searchpack.CheckResult) string {
	if res.Kept {
		var parts []string
		if len(res.Missing) > 0 {
			parts = append(parts, "missing "+words(res.Missing))
		}
		if len(res.Unwanted) > 0 {
			parts = append(parts, "unwanted "+words(res.Unwanted))
		}
		if len(parts) == 0 {
			parts = []string{"others came"}
		}
		return strings.Join(parts, ", ") + " (the tokens stay on the node: the index also reads files that Searchpack did not place)"
	}
	if len(res.Tokens) == 0 {
		return "no token came"
	}
	text := words(res.Tokens)
	if len(res.Tokens) <= maxNamed && res.More > 0 {
		text += fmt.Sprintf(" and %d more", res.More)
	}
	return text + " came"
}

// searchText writes the query in words.
func searchText(s *searchpack.SearchCheck) string {
	kind, fields, query := "multi_match", "", ""
	switch {
	case s.MultiMatch != nil:
		fields, query = list(s.MultiMatch.Fields), s.MultiMatch.Query
	case s.MatchPhrase != nil:
		kind = "match_phrase"
	default:
		kind = "match"
	}
	for _, m := range []map[string]searchpack.CheckQuery{s.Match, s.MatchPhrase} {
		for field, q := range m { // one
			fields, query = field, q.Query
		}
	}
	return fmt.Sprintf("%s of %q in %s", kind, quote(query), quote(fields))
}

func hitsWanted(e searchpack.Expectation) string {
	var parts []string
	if e.MinHits != nil {
		parts = append(parts, fmt.Sprintf("%d hits or more", *e.MinHits))
	}
	if e.MaxHits != nil {
		parts = append(parts, fmt.Sprintf("%d hits or fewer", *e.MaxHits))
	}
	if len(e.IDs) > 0 {
		parts = append(parts, "the ids "+words(e.IDs))
	}
	if len(e.ExcludesIDs) > 0 {
		parts = append(parts, "not the ids "+words(e.ExcludesIDs))
	}
	return strings.Join(parts, ", ")
}

func hitsText(res searchpack.CheckResult) string {
	text := count(int(res.Hits), "hit", "hits")
	if res.AtLeast {
		text += " or more"
	}
	if len(res.Missing) > 0 {
		text += ", without " + words(res.Missing)
	}
	if len(res.Unwanted) > 0 {
		text += ", with " + words(res.Unwanted)
	}
	return text + " came"
}

// unverified names the checks of a version that serves now which no node has run, and why.
func (d *decider) unverified(r *searchpack.Rollout, s searchpack.RolloutStep) []searchpack.Finding {
	all := d.Checks[s.VersionID]
	if len(all) == 0 || d.off.verify {
		return nil
	}
	if d.Domain.FilesOnly {
		return []searchpack.Finding{warning(ruleVerify, fmt.Sprintf("%s of the version could not be run: the domain has no OpenSearch", count(len(all), "check", "checks")), "")}
	}
	var out []searchpack.Finding
	for i, c := range all {
		ran, why := false, ""
		for _, n := range d.must() {
			results, _, _ := d.verified(r, n, s)
			if i >= len(results) {
				continue
			}
			switch res := results[i]; res.State {
			case searchpack.CheckPassed, searchpack.CheckFailed:
				if index := d.kept(s, res.Indices); index != "" {
					why = "index " + index + " goes on with what it had loaded before until it is opened anew"
				} else {
					ran = true
				}
			case searchpack.CheckSkipped:
				why = cmp.Or(why, quote(res.Reason))
			}
		}
		if !ran {
			out = append(out, warning(ruleVerify, fmt.Sprintf("check %q was not run: %s", c.Name, cmp.Or(why, "no node holds a copy of index "+c.Index)), ""))
		}
	}
	return cut(ruleVerify, out)
}

// noteVerified tells the audit log how many checks have passed.
func (d *decider) noteVerified(s searchpack.RolloutStep, unverified []searchpack.Finding) {
	total := len(d.Checks[s.VersionID])
	if !d.mayVerify(s.VersionID) || len(unverified) > maxFindings {
		return
	}
	text := fmt.Sprintf("%d of %s of %s passed", total-len(unverified), count(total, "check", "checks"), d.versionText(s))
	d.event("version verified", d.Domain.Name+" "+s.PackageID, text)
}
