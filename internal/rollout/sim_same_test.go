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

// TestSameEnd makes the same calls in the same order without faults and with ever other faults:
// statuses, serving versions, errors and every file on every node must be the same in the end
// (rule 8). Bad versions are bad everywhere, so that what a node refuses does not depend on who is
// away.
func TestSameEnd(t *testing.T) {
	t.Parallel()
	script := []simCall{
		{action: searchpack.ActionAssociate, pkg: "F1"},
		{action: searchpack.ActionAssociate, pkg: "F2", fault: "all"},
		{create: true, pkg: "F1"},
		{action: searchpack.ActionAssociate, pkg: "F1", fault: ""},
		{action: searchpack.ActionAssociate, pkg: "F1", fault: "all"},
		{action: searchpack.ActionAssociate, pkg: "F1", fault: "load"},
		{action: searchpack.ActionDissociate, pkg: "F1"}, // in use
		{action: searchpack.ActionAssociate, pkg: "F3"},
		{action: searchpack.ActionDissociate, pkg: "F3"},
		{action: searchpack.ActionAssociate, pkg: "F2", fault: ""},
		{action: searchpack.ActionDissociate, pkg: "F2"},
		{action: searchpack.ActionAssociate, pkg: "F2", fault: "-"},
	}
	calm := endOf(t, simConfig{seed: 1, nodes: 4, length: 10 * time.Minute, rest: 25 * time.Minute, script: script})
	if !strings.Contains(calm, "F1 DISSOCIATION_FAILED serving F1-v3") || !strings.Contains(calm, "F2 ACTIVE serving F2-v3") || strings.Contains(calm, "F3 ") {
		t.Fatalf("without faults the end is\n%s", calm)
	}
	sameEnd(t, calm, script, 6)
}

// TestSameEndTogether is TestSameEnd for calls of several packages.
func TestSameEndTogether(t *testing.T) {
	t.Parallel()
	script := []simCall{
		{action: searchpack.ActionAssociate, pkg: "F1", with: []string{"F2", "F3"}},
		{create: true, pkg: "F3"},
		{action: searchpack.ActionAssociate, pkg: "F1", fault: "all"},
		{action: searchpack.ActionDissociate, pkg: "F3", with: []string{"F2"}}, // one is in use
		{delete: true, pkg: "F3"},
		{action: searchpack.ActionDissociate, pkg: "F3", with: []string{"F2"}},
		{action: searchpack.ActionAssociate, pkg: simPlugin, fault: "-", with: []string{simLicense, "F2"}},
		{action: searchpack.ActionAssociate, pkg: simLicense, fault: ""},
		{action: searchpack.ActionDissociate, pkg: "F2"},
		{action: searchpack.ActionDissociate, pkg: simPlugin}, // takes the license along
		{action: searchpack.ActionAssociate, pkg: simPlugin, fault: "-", with: []string{simLicense}},
		{action: searchpack.ActionDissociate, pkg: simLicense},
	}
	calm := endOf(t, simConfig{seed: 1, nodes: 4, length: 10 * time.Minute, rest: 25 * time.Minute, script: slices.Clone(script)})
	for _, want := range []string{"F1 ASSOCIATION_FAILED serving F1-v2 wanted F1-v3 ProbeFailed", simPlugin + " ACTIVE serving pkg-2-v1"} {
		if !strings.Contains(calm, want) || strings.Contains(calm, "F3 ") || strings.Contains(calm, "F2 ") || strings.Contains(calm, simLicense) {
			t.Fatalf("without faults the end is\n%s", calm)
		}
	}
	sameEnd(t, calm, script, 4)
}

// sameEnd runs the script with ever other faults.
func sameEnd(t *testing.T, calm string, script []simCall, seeds uint64) {
	t.Helper()
	for seed := range seeds {
		got := endOf(t, simConfig{seed: seed, nodes: 4, faults: true, length: time.Hour, rest: 25 * time.Minute, script: script})
		if diff := cmp.Diff(calm, got); diff != "" {
			t.Errorf("seed %d ends otherwise (-calm +faults):\n%s", seed, diff)
		}
	}
}

// endOf runs a script and writes down what it led to.
func endOf(t *testing.T, cfg simConfig) string {
	t.Helper()
	s := newSim(cfg)
	if failure := s.run(); failure != "" {
		t.Fatalf("seed %d: %s\n%s", cfg.seed, failure, s.tail(60))
	}
	if len(s.script) > 0 {
		t.Fatalf("seed %d: %d calls were not made\n%s", cfg.seed, len(s.script), s.tail(60))
	}
	var out []string
	for id, a := range s.server.associations {
		text := fmt.Sprintf("%s %s serving %s wanted %s", id, a.Status, a.ServingID, a.WantedID)
		if a.Error != nil {
			text += " " + a.Error.Type
		}
		out = append(out, text)
	}
	for _, a := range s.agents {
		for id, d := range a.node.files {
			out = append(out, fmt.Sprintf("%s has %s %s", a.node.name, id, d.Short()))
		}
		for id, d := range a.node.plugins.runs {
			out = append(out, fmt.Sprintf("%s runs with %s %s", a.node.name, id, d.Short()))
		}
		for id := range a.node.hidden {
			out = append(out, fmt.Sprintf("%s hides %s", a.node.name, id))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
