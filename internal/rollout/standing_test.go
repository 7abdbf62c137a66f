package rollout

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack"
)

// standingBench is a domain of three nodes with the plugin P1, of which v1 serves.
func standingBench(t *testing.T) *bench {
	b := newBench(t, 3)
	b.w.Packages["P1"] = searchpack.Package{ID: "P1", Name: "lemmas", Type: searchpack.TypePlugin, AvailableID: "p2"}
	for i, id := range []string{"p1", "p2"} {
		b.w.Versions[id] = searchpack.Version{
			ID: id, PackageID: "P1", Number: i + 1, Digest: searchpack.DigestOf([]byte(id)), Size: 2,
			Plugin: &searchpack.PluginProperties{Name: "lemmas", Version: id, ClassName: "org.Lemmas"},
		}
	}
	b.w.Associations = []searchpack.Association{{Domain: simDomain, PackageID: "P1", Status: searchpack.Active, ServingID: "p1", WantedID: "p1"}}
	for i := range b.w.Agents {
		b.says(i, func(r *searchpack.Report) {
			r.RestartMode = searchpack.RestartOwn
			r.Plugins = []searchpack.PluginReport{{PackageID: "P1", Name: "lemmas", Installed: b.w.Versions["p1"].Digest, Started: true}}
			r.Node.Plugins = []searchpack.LoadedPlugin{{Name: "lemmas", Version: "p1", ClassName: "org.Lemmas"}}
		})
	}
	return b
}

// says changes what agent i has reported.
func (b *bench) says(i int, change func(r *searchpack.Report)) {
	r := *b.w.Agents[i].Report
	change(&r)
	b.w.Agents[i].Report = &r
}

// rolling has a rollout of v2 under way.
func (b *bench) rolling(phase searchpack.Phase, restart *searchpack.Restart) *searchpack.Rollout {
	b.w.Associations[0].Status, b.w.Associations[0].WantedID = searchpack.Associating, "p2"
	b.w.Rollouts = []searchpack.Rollout{{
		ID: "r1", Domain: simDomain, State: searchpack.RolloutRunning, Phase: phase, PhaseAt: b.w.Now, Restart: restart,
		Steps: []searchpack.RolloutStep{{PackageID: "P1", Action: searchpack.ActionAssociate, VersionID: "p2", FormerID: "p1"}},
	}}
	return &b.w.Rollouts[0]
}

// What is said of the plugin of the first node in each situation.
func TestPluginStandings(t *testing.T) {
	t.Parallel()
	waits := func(b *bench) { b.rolling(searchpack.PhaseRestart, nil); b.staged() }
	for name, c := range map[string]struct {
		make  func(b *bench)
		state PluginState
		why   string
		do    string
	}{
		"runs":                 {make: func(*bench) {}, state: PluginRuns},
		"candidates are tried": {make: func(b *bench) { b.rolling(searchpack.PhaseFetch, nil) }, state: PluginRuns},
		"waits for its turn":   {make: waits, state: PluginWaits, why: "its turn has not come"},
		"another one's turn": {make: func(b *bench) {
			waits(b)
			b.w.Rollouts[0].Restart = &searchpack.Restart{AgentID: "a2", Stage: searchpack.StageOffer}
		}, state: PluginWaits, why: "n2 is being restarted"},
		"its turn": {make: func(b *bench) {
			waits(b)
			r := &b.w.Rollouts[0]
			r.Restart, r.Waiting = &searchpack.Restart{AgentID: "a1", Stage: searchpack.StageOffer}, "waiting for n1 to stop"
		}, state: PluginWaits, why: "n1 to stop"},
		"paused": {make: func(b *bench) { waits(b); b.w.Rollouts[0].Paused = "kim" }, state: PluginWaits, why: "paused by kim"},
		"by somebody else": {make: func(b *bench) {
			waits(b)
			b.says(0, func(r *searchpack.Report) { r.RestartMode = searchpack.RestartExternal })
		}, state: PluginWaits, why: "somebody else", do: "restart OpenSearch there"},
		"the agent says why": {make: func(b *bench) {
			waits(b)
			b.plugin(func(p *searchpack.PluginReport) { p.Waits = "the gate is closed" })
		}, state: PluginWaits, why: "the gate is closed"},
		"on the disk already": {make: func(b *bench) {
			b.rolling(searchpack.PhaseRestart, nil)
			b.plugin(func(p *searchpack.PluginReport) { p.Installed, p.Started = b.w.Versions["p2"].Digest, false })
		}, state: PluginWaits, why: "its turn"},
		"not loaded": {make: func(b *bench) { b.plugin(func(p *searchpack.PluginReport) { p.Started = false }) }, state: PluginWaits, why: "at its next start", do: "restart OpenSearch there"},
		"another rollout runs": {make: func(b *bench) {
			b.dictionary()
			b.plugin(func(p *searchpack.PluginReport) { p.Installed, p.Staged = "", b.w.Versions["p1"].Digest })
		}, state: PluginWaits, why: "at its next start", do: "restart OpenSearch there"},
		"did not start": {make: func(b *bench) {
			waits(b)
			b.plugin(func(p *searchpack.PluginReport) {
				p.Failed, p.FailedWhy = b.w.Versions["p2"].Digest, "NoClassDefFoundError"
			})
		}, state: PluginNotStarted, why: "NoClassDefFoundError", do: "push it again"},
		"changed by somebody": {make: func(b *bench) { b.plugin(func(p *searchpack.PluginReport) { p.Error = "a.jar is another" }) }, state: PluginChanged, why: "a.jar", do: "restart OpenSearch there"},
		"refused": {make: func(b *bench) {
			waits(b)
			b.plugin(func(p *searchpack.PluginReport) {
				p.Installed, p.Staged, p.Error = "", "", "the allow file does not name it"
			})
		}, state: PluginRefused, why: "allow file", do: "searchpack agent doctor"},
		"not there yet": {make: func(b *bench) {
			b.rolling(searchpack.PhaseRestart, nil)
			b.plugin(func(p *searchpack.PluginReport) { p.Installed = "" })
		}, state: PluginPrepares},
		"goes back":              {make: func(b *bench) { b.rolling(searchpack.PhaseReturnRestart, nil).ErrorType = "RestartFailed" }, state: PluginRuns},
		"the order is yet to be": {make: func(b *bench) { b.w.Agents[0].Report = nil }, state: PluginPrepares},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := standingBench(t)
			c.make(b)
			got := Restarts(b.w)["a1"]
			if len(got.Plugins) != 1 || got.Permit != nil {
				t.Fatalf("%+v", got)
			}
			p := got.Plugins[0]
			if p.State != c.state || !strings.Contains(p.Why, c.why) || c.why == "" && p.Why != "" || !strings.Contains(p.Do, c.do) || c.do == "" && p.Do != "" {
				t.Errorf("%+v", p)
			}
		})
	}
}

// dictionary has a rollout of another package run.
func (b *bench) dictionary() {
	b.w.Rollouts = []searchpack.Rollout{{
		ID: "r2", Domain: simDomain, State: searchpack.RolloutRunning, Phase: searchpack.PhaseFetch, PhaseAt: b.w.Now,
		Steps: []searchpack.RolloutStep{{PackageID: "F1", Action: searchpack.ActionAssociate, VersionID: "v2"}},
	}}
}

// staged has v2 lie ready on the first node.
func (b *bench) staged() {
	b.plugin(func(p *searchpack.PluginReport) { p.Staged = b.w.Versions["p2"].Digest })
}

// plugin changes what the first node says of its plugin.
func (b *bench) plugin(change func(p *searchpack.PluginReport)) {
	b.says(0, func(r *searchpack.Report) {
		p := r.Plugins[0]
		change(&p)
		r.Plugins = []searchpack.PluginReport{p}
	})
}

// A permit is shown while it is open; what to do about it only when the node stays away.
func TestOpenPermit(t *testing.T) {
	t.Parallel()
	b := standingBench(t)
	b.rolling(searchpack.PhaseRestart, &searchpack.Restart{AgentID: "a1", Stage: searchpack.StageOffer, OfferID: "r1/1"})
	b.w.Permits = []searchpack.Permit{
		{ID: "r1/0", Domain: simDomain, RolloutID: "r1", AgentID: "a2", BegunAt: b.w.Now, EndedAt: b.w.Now},
		{ID: "r1/1", Domain: simDomain, RolloutID: "r1", AgentID: "a1", BegunAt: b.w.Now},
	}
	if got := Restarts(b.w); got["a1"].Permit == nil || got["a1"].Permit.ID != "r1/1" || got["a1"].Do != "" || got["a2"].Permit != nil {
		t.Errorf("%+v", got)
	}
	b.w.Now = b.w.Now.Add(BackPatience)
	do := Restarts(b.w)["a1"].Do
	for _, want := range []string{"start OpenSearch there", "searchpack rollout abort " + simDomain.Name + " r1", "searchpack nodes retire " + simDomain.Name + " a1"} {
		if !strings.Contains(do, want) {
			t.Errorf("%q lacks %q", do, want)
		}
	}
	b.w.Rollouts = nil
	if do := Restarts(b.w)["a1"].Do; strings.Contains(do, "abort") || !strings.Contains(do, "retire") {
		t.Errorf("%q", do)
	}
}

// A plugin that was dissociated while its node was away is shown as long as it lies there.
func TestPluginThatIsLeft(t *testing.T) {
	t.Parallel()
	b := standingBench(t)
	b.w.Associations = nil
	got := Restarts(b.w)["a1"].Plugins
	if len(got) != 1 || got[0].State != PluginWaits || got[0].Wanted != "" || got[0].Digest != b.w.Versions["p1"].Digest {
		t.Errorf("%+v", got)
	}
	b.plugin(func(p *searchpack.PluginReport) { p.Installed = "" })
	if got := Restarts(b.w)["a1"].Plugins; len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// Why a plugin's proof is owed.
func TestPluginDebts(t *testing.T) {
	t.Parallel()
	b := standingBench(t)
	for _, c := range []struct {
		change func(p *searchpack.PluginReport)
		behind bool
		why    string
	}{
		{func(*searchpack.PluginReport) {}, false, "own list has not shown it"},
		{func(p *searchpack.PluginReport) { p.Started = false }, false, "not started since"},
		{func(p *searchpack.PluginReport) { p.Error = "refused" }, false, "refused"},
		{func(p *searchpack.PluginReport) { p.Installed = "" }, false, "not there yet"},
		{func(p *searchpack.PluginReport) { p.Installed = b.w.Versions["p2"].Digest }, true, "another version"},
	} {
		before := *b.w.Agents[0].Report
		b.plugin(c.change)
		d := Debts(b.w)["a1"]
		if len(d) != 1 || d[0].Behind != c.behind || !strings.Contains(d[0].Why, c.why) {
			t.Errorf("%s: %+v", c.why, d)
		}
		b.w.Agents[0].Report = &before
	}
	b.w.Now = b.w.Now.Add(time.Hour)
	if d := Debts(b.w)["a1"]; len(d) != 1 || !strings.Contains(d[0].Why, "silent") {
		t.Errorf("%+v", d)
	}
	b.w.Agents[0].Report = nil
	if d := Debts(b.w)["a1"]; len(d) != 1 || !strings.Contains(d[0].Why, "not reported") {
		t.Errorf("%+v", d)
	}
}

// A plan of a plugin names the nodes in the order of their turns: those that somebody else restarts, then
// the elected manager.
func TestPlanOfRestarts(t *testing.T) {
	t.Parallel()
	b := standingBench(t)
	plan := func(version string) *RestartOutlook {
		out := Plan(b.w, Ask{PackageID: "P1", VersionID: version}, nil)
		if out.Restarts == nil || out.Probes != 0 || len(out.Users) != 0 || !strings.Contains(out.NoWitness, "own list") {
			t.Fatalf("%+v", out)
		}
		return out.Restarts
	}
	order := func(r *RestartOutlook) string {
		var names []string
		for _, n := range r.Nodes {
			name := n.Name
			if n.Manager {
				name += " manager"
			}
			if !n.Own {
				name += " external"
			}
			names = append(names, name)
		}
		return strings.Join(names, ", ")
	}
	if got := plan("p2"); order(got) != "n2, n3, n1 manager" || got.Any || got.OneNode || got.FilesOnly {
		t.Errorf("%+v", got)
	}
	b.says(1, func(r *searchpack.Report) { r.RestartMode = searchpack.RestartExternal })
	b.w.Domain.Policy.Restart = searchpack.RestartAny
	was := cmp.Diff(World{}, b.w)
	if got := plan("p2"); order(got) != "n3, n2 external, n1 manager" || !got.Any {
		t.Errorf("%+v", got)
	}
	if now := cmp.Diff(World{}, b.w); now != was {
		t.Error("the world has changed")
	}
	if got := plan("p1"); len(got.Nodes) != 0 {
		t.Errorf("of what every node has: %+v", got)
	}
	b.w.Agents = b.w.Agents[:1]
	b.report(0, b.facts(0))
	if got := plan("p2"); order(got) != "n1 manager" || !got.OneNode || !got.Any {
		t.Errorf("%+v", got)
	}
	b.w.Domain.FilesOnly = true
	if got := plan("p2"); !got.FilesOnly {
		t.Errorf("%+v", got)
	}
}
