package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// LookPatience is how long an answer to a look may be on its way after the speaker has said that it
// was given. Then it was lost, and the look is asked anew.
const LookPatience = time.Minute

// maxNames bounds the index names of one refresh, in bytes: they go into a URL, and OpenSearch
// takes 4 KB of it by default.
const maxNames = 4 << 10

// dutyID names a duty of this phase, so that it is asked anew after a phase change and stays the
// same when the speaker changes.
func (d *decider) dutyID(r *searchpack.Rollout, kind searchpack.DutyKind, index int) string {
	round := r.Round
	if d.off.rounds {
		round = 0
	}
	return fmt.Sprintf("%s/%d/%s%d", r.ID, round, kind, index)
}

// duties is what the speaker is to do for the running rollout.
func (d *decider) duties() []searchpack.Duty {
	r := d.running()
	if r == nil || d.Domain.FilesOnly || d.paused(r) && !d.recovers(r) {
		return nil
	}
	if restarts(r.Phase) {
		return d.restartDuties(r)
	}
	look := []searchpack.Duty{{ID: d.dutyID(r, searchpack.DutyLook, 0), Kind: searchpack.DutyLook}}
	switch r.Phase {
	case searchpack.PhaseLook, searchpack.PhaseLookAgain:
		return look
	case searchpack.PhaseReload:
		// What is known to use the files is reloaded at once: they lie everywhere. The look says whether
		// that was all; what it finds besides is reloaded then.
		return append(look, d.refreshDuties(r)...)
	case searchpack.PhaseReturnReload:
		if ok, _ := d.lookedLongEnough(r); !ok {
			return look
		}
		out := d.refreshDuties(r)
		if d.refreshed(r).done {
			out = append(out, d.reroute(r))
		}
		return out
	case searchpack.PhaseUnhide:
		if d.restoredEverywhere(r) {
			return []searchpack.Duty{d.reroute(r)}
		}
	}
	return nil
}

// answered reports whether the look of this phase was answered.
func (d *decider) answered(r *searchpack.Rollout) bool {
	u := d.usage()
	return u != nil && u.DutyID == d.dutyID(r, searchpack.DutyLook, 0)
}

// looked is answered with what is waited for. A look whose answer was lost is asked anew.
func (d *decider) looked(r *searchpack.Rollout) (bool, string) {
	if d.Domain.FilesOnly || d.answered(r) {
		return true, ""
	}
	res, by := d.result(d.dutyID(r, searchpack.DutyLook, 0))
	if res.Done && d.Now.Sub(r.PhaseAt) >= LookPatience {
		d.askAgain(r)
		return false, d.askText()
	}
	if res.Error != "" {
		return false, fmt.Sprintf("waiting for the cluster state (%s says: %s)", by.called(), quote(res.Error))
	}
	return false, d.askText()
}

// askAgain makes the ids of this phase's duties new.
func (d *decider) askAgain(r *searchpack.Rollout) {
	if !d.off.askAgain {
		r.Round, r.PhaseAt = r.Round+1, d.Now
	}
}

func (d *decider) askText() string {
	if d.speaker == nil {
		return "waiting for a node that can read the cluster state"
	}
	return "waiting for " + d.speaker.called() + " to read the cluster state"
}

// lookedLongEnough is looked for a rollout that has failed already: it goes on with what was known
// before rather than ask anew.
func (d *decider) lookedLongEnough(r *searchpack.Rollout) (bool, string) {
	if len(d.returning(r)) == 0 || d.answered(r) || d.Now.Sub(r.PhaseAt) >= LookPatience {
		return true, ""
	}
	return false, d.askText()
}

// result returns what came of a duty and who says so: a node that has done it, else one that
// cannot.
func (d *decider) result(id string) (searchpack.DutyResult, *node) {
	var failed searchpack.DutyResult
	var by *node
	for _, n := range d.nodes {
		res, ok := n.duties[id]
		if ok && res.Done {
			return res, n
		}
		if ok && res.Error != "" && by == nil {
			failed, by = res, n
		}
	}
	return failed, by
}

// refreshDuties are the refreshes of this phase, in batches. A step that brings the bytes that serve is
// reloaded with the others: a node may have been seen not to have them loaded.
func (d *decider) refreshDuties(r *searchpack.Rollout) []searchpack.Duty {
	steps := r.Steps
	if r.Phase == searchpack.PhaseReturnReload || d.off.stale {
		steps = d.changed(r)
	}
	if r.Phase == searchpack.PhaseReturnReload {
		steps = slices.DeleteFunc(steps, func(s searchpack.RolloutStep) bool { return s.FormerID == "" })
	}
	var uses []searchpack.Use
	for _, s := range steps {
		uses = append(uses, d.uses(s.PackageID)...)
	}
	return d.refreshes(d.dutyID(r, searchpack.DutyRefresh, 0), uses)
}

// refreshes reload the indices of the uses, as far as a refresh does it. The names are part of the ids:
// an index that is new in a later usage is refreshed too.
func (d *decider) refreshes(id string, uses []searchpack.Use) []searchpack.Duty {
	var plain, cached []string
	for _, u := range uses {
		switch {
		case !d.refreshReaches(u):
		case u.FileKind == searchpack.KindHunspell:
			cached = append(cached, u.Name)
		default:
			plain = append(plain, u.Name)
		}
	}
	slices.Sort(cached)
	cached = slices.Compact(cached)
	slices.Sort(plain)
	plain = slices.DeleteFunc(slices.Compact(plain), func(name string) bool { return slices.Contains(cached, name) })
	var out []searchpack.Duty
	for _, batch := range batches(plain) {
		out = append(out, searchpack.Duty{ID: id + "-" + shortHash(batch...), Kind: searchpack.DutyRefresh, Indices: batch})
	}
	for _, batch := range batches(cached) {
		out = append(out, searchpack.Duty{
			ID: id + "-cached-" + shortHash(batch...), Kind: searchpack.DutyRefresh, Indices: batch, CachedResources: true,
		})
	}
	return out
}

// refreshReaches: an open index has an analyzer that a refresh rebuilds with the file, for the sake of the
// component that names it or of another beside it.
func (d *decider) refreshReaches(u searchpack.Use) bool {
	switch {
	case u.UserKind != searchpack.UserIndex || u.Closed:
		return false
	case u.FileKind == searchpack.KindHunspell:
		return d.hotReload(u)
	}
	return u.Updateable || len(u.Witnesses) > 0 || u.HotReload && len(u.Analyzers) > 0
}

// hotReload reports whether a refresh reaches the use on the nodes that are there.
func (d *decider) hotReload(u searchpack.Use) bool {
	if u.FileKind != searchpack.KindHunspell {
		return u.HotReload
	}
	return u.HotReload && !slices.ContainsFunc(d.nodes, func(n *node) bool {
		return n.Report != nil && n.Report.Node != nil && !reloadsCached(n.Report.Node.Version)
	})
}

// reloadsCached reports whether this version of OpenSearch, "3.8.0", can read Hunspell dictionaries
// anew: from 3.7 on.
func reloadsCached(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return err == nil && (major > 3 || major == 3 && minor >= 7)
}

func batches(names []string) [][]string {
	var out [][]string
	size := maxNames + 1
	for _, name := range names {
		if size+len(name)+1 > maxNames {
			out, size = append(out, nil), 0
		}
		size += len(name) + 1
		out[len(out)-1] = append(out[len(out)-1], name)
	}
	return out
}

// refreshResult is what came of the refreshes of a phase.
type refreshResult struct {
	done    bool
	waiting string
	failed  []string        // "index shop: <OpenSearch's words>"
	noAPI   map[string]bool // indices that could not be refreshed because there is no such route
}

func (d *decider) refreshed(r *searchpack.Rollout) refreshResult {
	out := refreshResult{done: true, noAPI: map[string]bool{}}
	for _, duty := range d.refreshDuties(r) {
		res, by := d.result(duty.ID)
		if !res.Done {
			out.done = false
			out.waiting = "waiting for the search analyzers of " + list(duty.Indices) + " to be refreshed"
			if by != nil {
				out.waiting += fmt.Sprintf(" (%s says: %s)", by.called(), quote(res.Error))
			}
			continue
		}
		for _, name := range duty.Indices {
			out.noAPI[name] = out.noAPI[name] || res.NoRefreshAPI
		}
		for _, x := range res.Refreshed {
			if x.Failed > 0 && !x.Gone {
				out.failed = append(out.failed, fmt.Sprintf("index %s on %s: OpenSearch says: %s",
					x.Index, count(x.Failed, "copy", "copies"), strings.TrimSuffix(quote(x.Reason), ".")))
			}
		}
	}
	if len(out.failed) > maxNamed {
		out.failed = append(out.failed[:maxNamed:maxNamed], fmt.Sprintf("and %d more indices", len(out.failed)-maxNamed))
	}
	return out
}

// reroute has copies tried again whose allocation was given up while a file was bad or away.
func (d *decider) reroute(r *searchpack.Rollout) searchpack.Duty {
	return searchpack.Duty{ID: d.dutyID(r, searchpack.DutyReroute, 0), Kind: searchpack.DutyReroute}
}

func (d *decider) rerouted(r *searchpack.Rollout) (bool, string) {
	return d.done(d.reroute(r), "unassigned copies to be tried again")
}
