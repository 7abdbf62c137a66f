package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// answers is a node's answer to DutyNeeds.
func answers(r searchpack.NeedsReport) searchpack.DutyResult {
	return searchpack.DutyResult{Done: true, Needs: &r}
}

// tagged is an index that uses a token filter of the plugin.
var tagged = searchpack.Need{User: "index tagged", Kind: "token filter", Name: "tag"}

// usedBy makes every node that is asked about the cluster say that it needs the plugin.
func (b *plugBench) usedBy(all ...searchpack.Need) {
	b.needs = func(_ string, q *searchpack.NeedsTask) searchpack.DutyResult {
		if !q.Cluster {
			return answers(searchpack.NeedsReport{})
		}
		return answers(searchpack.NeedsReport{Term: 3, Version: 8, Needs: all})
	}
}

// A removal is refused beforehand while something needs the plugin: nothing is stopped or set.
func TestPluginInUse(t *testing.T) {
	t.Parallel()
	template := searchpack.Need{User: "index template logs", Kind: "analyzer", Name: "tags"}
	for name, c := range map[string]struct {
		needs func(node string, q *searchpack.NeedsTask) searchpack.DutyResult
		want  []string
	}{
		"index and template": {func(_ string, q *searchpack.NeedsTask) searchpack.DutyResult {
			if !q.Cluster {
				return answers(searchpack.NeedsReport{})
			}
			return answers(searchpack.NeedsReport{Term: 3, Needs: []searchpack.Need{tagged, template}, MoreNeeds: 7})
		}, []string{"InUse: Package lemmas is in use by index tagged (token filter tag), index template logs (analyzer tags), 7 more uses. Delete", "dissociate again"}},
		"a node's own configuration": {func(node string, q *searchpack.NeedsTask) searchpack.DutyResult {
			if q.Cluster || node != "n3" {
				return answers(searchpack.NeedsReport{Term: 3})
			}
			return answers(searchpack.NeedsReport{Needs: []searchpack.Need{{User: "opensearch.yml", Kind: "node setting", Name: "lemmas.mode"}}})
		}, []string{"InUse: ", "n3: opensearch.yml (node setting lemmas.mode)"}},
		"too much to see": {func(_ string, q *searchpack.NeedsTask) searchpack.DutyResult {
			return answers(searchpack.NeedsReport{Term: 3, Truncated: q.Cluster})
		}, []string{"InUse: ", "than can be looked at"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			b.has("p1")
			b.needs = c.needs
			b.wants(remove, "")
			b.finish()
			if b.status() != "DISSOCIATION_FAILED p1" || b.says(true) != "" || b.everywhere() != "p1" {
				t.Errorf("%s; %s; %s", b.status(), b.says(true), b.everywhere())
			}
			wantText(t, "reason", b.failure(), c.want...)
			b.needs = nil // and when nobody needs it any more
			b.wants(remove, "")
			b.finish()
			if b.status() != "-" || b.everywhere() != "-" {
				t.Errorf("afterwards %s; %s", b.status(), b.everywhere())
			}
		})
	}
}

// What came in between is seen by the look before the first node stops.
func TestPluginComesInUse(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.has("p1")
	asked := 0
	b.needs = func(_ string, q *searchpack.NeedsTask) searchpack.DutyResult {
		r := searchpack.NeedsReport{Term: 3}
		if q.Cluster {
			if asked++; b.phase() == string(searchpack.PhaseRestart) {
				r.Needs = []searchpack.Need{tagged}
			}
		}
		return answers(r)
	}
	b.wants(remove, "")
	b.finish()
	if asked < 2 {
		t.Errorf("it was asked %d times", asked)
	}
	if b.status() != "DISSOCIATION_FAILED p1" || b.says(false) != "" || b.everywhere() != "p1" {
		t.Errorf("%s; %s; %s", b.status(), b.says(false), b.everywhere())
	}
	wantText(t, "reason", b.failure(), "index tagged", "v1 of lemmas still serves")
}

// TestNeedsAnswers: a removal waits for an answer that counts.
func TestNeedsAnswers(t *testing.T) {
	t.Parallel()
	fine := answers(searchpack.NeedsReport{Term: 3})
	for name, c := range map[string]struct {
		needs func(node string, q *searchpack.NeedsTask) searchpack.DutyResult
		waits []string
	}{
		"no node": {func(node string, q *searchpack.NeedsTask) searchpack.DutyResult {
			if node == "n2" {
				return searchpack.DutyResult{Error: "the disk is slow"}
			}
			return fine
		}, []string{"n2 to say whether its configuration needs lemmas", "n2 says: the disk is slow"}},
		"not of the cluster": {func(_ string, q *searchpack.NeedsTask) searchpack.DutyResult {
			if q.Cluster {
				return searchpack.DutyResult{Error: "OpenSearch does not answer"}
			}
			return fine
		}, []string{"to say who needs lemmas", "OpenSearch does not answer"}},
		"done, and nothing said": {func(string, *searchpack.NeedsTask) searchpack.DutyResult {
			return searchpack.DutyResult{Done: true}
		}, []string{"n1, n2, n3 to say whether"}},
		"a plugin that lies there and does not": {func(string, *searchpack.NeedsTask) searchpack.DutyResult {
			return answers(searchpack.NeedsReport{Absent: true})
		}, []string{"n1, n2, n3 to say whether"}},
		"of a manager from before": {func(string, *searchpack.NeedsTask) searchpack.DutyResult {
			return answers(searchpack.NeedsReport{Term: 2})
		}, []string{"read the cluster state"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPlugBench(t, 3)
			b.has("p1")
			b.needs = c.needs
			b.wants(remove, "")
			for range 20 {
				b.turn()
			}
			if b.phase() != string(searchpack.PhaseLook) || b.says(true) != "" {
				t.Errorf("%s; %s", b.phase(), b.says(true))
			}
			if name != "of a manager from before" { // which is asked anew each time
				wantText(t, "waiting", b.waiting(), c.waits...)
			}
			b.needs = nil
			b.finish()
			if b.status() != "-" {
				t.Errorf("afterwards %s, %s", b.status(), b.failure())
			}
		})
	}
}

// An answer from before, repeated, says nothing about now.
func TestOldNeedsAnswer(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.has("p1")
	b.usedBy(tagged)
	b.wants(remove, "")
	b.goUntil("it is refused", func() bool { return b.status() == "DISSOCIATION_FAILED p1" })
	old := b.w.Agents[0].Report.Duties
	b.needs = nil
	b.wants(remove, "")
	b.step()
	if b.w.Agents[0].Report.Duties = old; b.phase() != string(searchpack.PhaseLook) {
		t.Fatal(b.phase())
	}
	b.step()
	if b.status() != "DISSOCIATING p1" {
		t.Errorf("an old answer decides: %s, %s", b.status(), b.failure())
	}
	b.finish()
	if b.status() != "-" {
		t.Errorf("%s, %s", b.status(), b.failure())
	}
}

// What another plugin may supply too does not stop a removal. It is said.
func TestNeedInDoubt(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.has("p1")
	b.needs = func(_ string, q *searchpack.NeedsTask) searchpack.DutyResult {
		doubt := tagged
		doubt.Other = "other"
		return answers(searchpack.NeedsReport{Term: 3, Doubts: []searchpack.Need{doubt}})
	}
	b.wants(remove, "")
	b.finish()
	if b.status() != "-" || !strings.Contains(strings.Join(b.events, ";"), "plugin removal in doubt") {
		t.Errorf("%s; %s", b.status(), b.events)
	}
}

// A plugin that came to no node is nobody's need, and needs no node that could tell.
func TestNeedlessWithoutNodes(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	for _, n := range b.nodes {
		n.refuses = "jar hell!"
	}
	b.wants(install, "p1")
	b.finish()
	b.usedBy(tagged)
	b.wants(remove, "")
	b.finish()
	if b.status() != "-" || b.says(true) != "" {
		t.Errorf("%s; %s", b.status(), b.says(true))
	}
}

// Nodes that somebody else restarts are told nothing before the answers are there, and asked again while
// they wait: an index that comes later brings the plugin back.
func TestNeedsOfExternalNodes(t *testing.T) {
	t.Parallel()
	b := newPlugBench(t, 3)
	b.has("p1")
	for _, n := range b.nodes {
		n.mode = searchpack.RestartExternal
	}
	b.reportAll()
	b.usedBy(tagged)
	b.wants(remove, "")
	b.finish()
	if b.told("-") != "" || b.status() != "DISSOCIATION_FAILED p1" {
		t.Errorf("told %s; %s", b.told("-"), b.status())
	}
	b.needs = func(string, *searchpack.NeedsTask) searchpack.DutyResult { return searchpack.DutyResult{Error: "busy"} }
	b.wants(remove, "")
	for range 5 {
		b.turn()
	}
	for _, a := range b.w.Agents {
		for _, o := range a.Order.Plugins {
			if o.State == searchpack.PluginRemoved {
				t.Errorf("%s is told to remove it", a.Name)
			}
		}
	}
	b.needs = nil
	b.goUntil("they wait", func() bool { return b.waiting() == "waiting for a restart of n1, n2, n3" })
	b.later(time.Minute)
	b.usedBy(tagged)
	b.start(b.w.Agents[b.named("n1")].Order, b.nodes["n1"])
	b.reportAll()
	b.goUntil("it goes back", func() bool { return b.phase() == string(searchpack.PhaseReturnRestart) })
	b.goUntil("n1 is told", func() bool { return strings.Contains(b.told("p1"), "n1") })
	b.start(b.w.Agents[b.named("n1")].Order, b.nodes["n1"])
	b.finish()
	if b.status() != "DISSOCIATION_FAILED p1" || b.everywhere() != "p1" {
		t.Errorf("%s; %s", b.status(), b.everywhere())
	}
}
