package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/rollout"
)

// Each state of a plugin on a node stands in words, and what to do once.
func TestNodePlugins(t *testing.T) {
	t.Parallel()
	for state, want := range map[rollout.PluginState]string{
		rollout.PluginRuns:       "plugin lemmas runs: why",
		rollout.PluginWaits:      "plugin lemmas waits for a restart: why",
		rollout.PluginPrepares:   "plugin lemmas is being made ready: why",
		rollout.PluginChanged:    "plugin lemmas was changed: why",
		rollout.PluginRefused:    "plugin lemmas is refused: why",
		rollout.PluginNotStarted: "plugin lemmas was taken out again, OpenSearch did not start with it: why",
	} {
		p := &page{}
		x := catalog.NodePlugin{Name: "lemmas", State: state, Why: "why", Do: "restart it"}
		addTroubles(p, catalog.NodeView{Name: "n1", Plugins: []catalog.NodePlugin{x, x}})
		got := p.text.String()
		if !strings.Contains(got, "n1: "+want) || strings.Count(got, "n1: to do: restart it") != 1 {
			t.Errorf("%s: %q", state, got)
		}
	}
}

func TestNodePermit(t *testing.T) {
	t.Parallel()
	p := &page{}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	addTroubles(p, catalog.NodeView{Name: "n1", Permit: &catalog.NodePermit{ID: "r/1", RolloutID: "r", Since: at, Do: "start it"}})
	if got := p.text.String(); !strings.Contains(got, "by the permit r/1 since 2026-01-02T03:04:05Z") || !strings.Contains(got, "to do: start it") {
		t.Errorf("%q", got)
	}
}

// What comes with the next start is said only where it is something else.
func TestNextStart(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]catalog.NodePlugin{
		"":          {State: rollout.PluginRuns, Version: 1, Wanted: 2},
		"removed":   {State: rollout.PluginWaits, Version: 1},
		"v2 staged": {State: rollout.PluginWaits, Version: 1, Wanted: 2, Staged: true},
		"v2":        {State: rollout.PluginPrepares, Version: 1, Wanted: 2},

		"v1 of pkg-2 staged": {State: rollout.PluginWaits, Version: 1, Wanted: 1, WantedOf: "pkg-2", Staged: true},
	} {
		if got := nextStart(p); got != want {
			t.Errorf("%+v: %q, not %q", p, got, want)
		}
	}
}
