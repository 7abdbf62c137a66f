package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// plugBench is a bench whose agents handle plugins and restart their nodes: "P1" is a plugin in the
// versions p1 and p2.
type plugBench struct {
	*bench
	cluster searchpack.ClusterHealth // what every node says of it; Allocation is what is set
	nodes   map[string]*plugNode     // by name
	// happened is what was done to nodes and settings: "stop n2", "set primaries/-".
	happened []string
	done     map[string]bool // duties of the cluster
	// needs is what a node says who needs the plugin; nil = nobody does.
	needs func(node string, q *searchpack.NeedsTask) searchpack.DutyResult
}

// plugNode is a node with its plugin.
type plugNode struct {
	disk, runs, bad searchpack.Digest
	mode            searchpack.RestartMode
	refuses         string // what its preflight says
	fails           string // why it does not start with another plugin than it has
	busy            string // its agent does not ask for a permit, and says why
	waits           string // what the answer to its agent's last call was
	holds           bool   // its agent has a permit and the node does not come back
	error           string
	permit          string
	lacks           string // why its agent cannot fetch the plugin
	asleep          bool   // its agent: it hears and says nothing
	home            string // OpenSearch that it has; "" = nobody cares
	unlisted        bool   // its own list does not have the plugin
	foreign         bool   // its own list has one of that name that somebody else installed
	restarts        int
	parts           map[string]searchpack.Digest // what belongs to the plugin, by package
}

func newPlugBench(t *testing.T, n int) *plugBench {
	t.Helper()
	b := &plugBench{bench: newBench(t, n), nodes: map[string]*plugNode{}, done: map[string]bool{}}
	b.w.Packages["P1"] = searchpack.Package{ID: "P1", Name: "lemmas", Type: searchpack.TypePlugin}
	for i, id := range []string{"p1", "p2"} {
		b.w.Versions[id] = searchpack.Version{
			ID: id, PackageID: "P1", Number: i + 1, Digest: searchpack.DigestOf([]byte(id)), Size: 2,
			Plugin: &searchpack.PluginProperties{Name: "lemmas", Version: id, ClassName: "org.Lemmas"},
		}
	}
	b.cluster = searchpack.ClusterHealth{ClusterUUID: "C", Term: 3, Version: 7}
	for _, a := range b.w.Agents {
		b.nodes[a.Name] = &plugNode{mode: searchpack.RestartOwn, parts: map[string]searchpack.Digest{}}
		b.cluster.Voting = append(b.cluster.Voting, "id-"+a.Name)
		b.cluster.Present = append(b.cluster.Present, "id-"+a.Name)
	}
	b.reportAll()
	return b
}

// wants queues a rollout of the plugin.
func (b *plugBench) wants(action searchpack.Action, version string) {
	b.t.Helper()
	p := b.w.Packages["P1"]
	p.AvailableID = version
	b.w.Packages["P1"] = p
	if action == searchpack.ActionDissociate {
		b.made(Dissociate(b.call(), "P1"))
		return
	}
	b.made(Associate(b.call(), Ask{PackageID: "P1"}))
}

// has puts a version on all nodes by a rollout.
func (b *plugBench) has(version string) {
	b.t.Helper()
	b.wants(searchpack.ActionAssociate, version)
	b.finish()
	if got := b.status(); got != "ACTIVE "+version {
		b.t.Fatalf("%s does not serve: %s", version, got)
	}
	b.happened = nil
	b.bench.done = nil
}

// status of the association and what serves.
func (b *plugBench) status() string {
	for _, a := range b.w.Associations {
		if a.PackageID == "P1" {
			return strings.TrimSpace(string(a.Status) + " " + a.ServingID)
		}
	}
	return "-"
}

func (b *plugBench) failure() string {
	for _, a := range b.w.Associations {
		if a.PackageID == "P1" && a.Error != nil {
			return a.Error.Type + ": " + a.Error.Message
		}
	}
	return ""
}

// turn decides and has every agent obey once.
func (b *plugBench) turn() {
	b.t.Helper()
	b.step()
	b.w.Now = b.w.Now.Add(time.Second)
	for i := range b.w.Agents {
		b.obeyPlugin(&b.w.Agents[i])
	}
	b.w.Now = b.w.Now.Add(time.Second)
	b.reportAll()
}

// finish goes on until no rollout is open, and the settings are back.
func (b *plugBench) finish() {
	b.t.Helper()
	for range 200 {
		if b.turn(); len(b.w.Rollouts) == 0 && b.w.Domain.Saved == nil {
			b.turn()
			return
		}
	}
	b.t.Fatalf("does not end: %s, %s, saved %v\n%s", b.phase(), b.waiting(), b.w.Domain.Saved, strings.Join(b.happened, "\n"))
}

// goUntil goes on until something is so.
func (b *plugBench) goUntil(what string, ok func() bool) {
	b.t.Helper()
	for range 200 {
		if ok() {
			return
		}
		b.turn()
	}
	b.t.Fatalf("never: %s; %s, %s\n%s", what, b.phase(), b.waiting(), strings.Join(b.happened, "\n"))
}

// offered: the node is offered its restart.
func (b *plugBench) offered(name string) func() bool {
	return func() bool { return b.w.Agents[b.named(name)].Order.Restart != nil }
}

func (b *plugBench) named(name string) int {
	return slices.IndexFunc(b.w.Agents, func(a searchpack.AgentState) bool { return a.Name == name })
}

func (b *plugBench) inStage(s searchpack.RestartStage) func() bool {
	return func() bool {
		return len(b.w.Rollouts) > 0 && b.w.Rollouts[0].Restart != nil && b.w.Rollouts[0].Restart.Stage == s
	}
}

// obeyPlugin does what the node's order says.
func (b *plugBench) obeyPlugin(a *searchpack.AgentState) {
	n := b.nodes[a.Name]
	if !a.RetiredAt.IsZero() || n.asleep {
		return
	}
	b.obeyOne(a)
	r := *a.Report
	n.try(a.Order.Candidates, r.Candidates)
	for i, d := range a.Order.Duties {
		switch d.Kind {
		case searchpack.DutyHealth:
			h := b.cluster
			r.Duties[i].Health = &h
		case searchpack.DutyNeeds:
			r.Duties[i].Needs = &searchpack.NeedsReport{}
			if b.needs != nil {
				r.Duties[i] = b.needs(a.Name, d.Needs)
				r.Duties[i].ID = d.ID
			}
		case searchpack.DutyAllocation:
			if !b.done[d.ID] {
				b.done[d.ID] = true
				b.cluster.Allocation = *d.Allocation
				b.happened = append(b.happened, "set "+allocationText(*d.Allocation))
			}
		}
	}
	a.Report = &r
	switch {
	case n.permit != "" && !n.holds:
		b.comeBack(a, n)
	case n.permit == "" && a.Order.Restart != nil && n.busy == "" && n.mode == searchpack.RestartOwn:
		b.begin(a, n)
	}
}

// try says what becomes of candidates.
func (n *plugNode) try(ordered []searchpack.Candidate, said []searchpack.CandidateReport) {
	for i, c := range ordered {
		if c.Plugin && n.refuses != "" && c.Digest != n.disk {
			said[i].Ready, said[i].Refused = false, n.refuses
		}
		if c.Plugin && n.lacks != "" {
			said[i].Ready, said[i].Error = false, n.lacks
		}
	}
}

func (b *plugBench) asks(a *searchpack.AgentState, offer string) Begun {
	h := b.cluster
	attempt := searchpack.Attempt{Epoch: 1, Seq: a.Report.Seq}
	return Begin(b.w, a.ID, searchpack.PermitAsk{OfferID: offer, Attempt: attempt, Health: h})
}

func (b *plugBench) begin(a *searchpack.AgentState, n *plugNode) {
	got := b.asks(a, a.Order.Restart.ID)
	b.w.Permits = slices.DeleteFunc(b.w.Permits, func(p searchpack.Permit) bool { return p.ID == got.Revoked })
	if got.Permit == nil {
		n.waits = got.Refused
		return
	}
	b.put(*got.Permit)
	n.permit, n.waits = got.Permit.ID, ""
	b.happened = append(b.happened, "stop "+a.Name)
}

func (b *plugBench) put(p searchpack.Permit) {
	b.w.Permits = append(slices.DeleteFunc(slices.Clone(b.w.Permits), func(x searchpack.Permit) bool { return x.ID == p.ID }), p)
}

// comeBack swaps, starts the node, and ends its permit.
func (b *plugBench) comeBack(a *searchpack.AgentState, n *plugNode) {
	failed := b.start(a.Order, n)
	p, err := End(b.w, a.ID, searchpack.PermitEnd{PermitID: n.permit, Failed: failed})
	if err != nil {
		b.t.Errorf("end of %s: %v", n.permit, err)
	}
	b.put(p)
	n.permit = ""
}

// start is a start of the node with what it was told last; it returns why it did not start with that.
func (b *plugBench) start(o searchpack.Order, n *plugNode) (failed string) {
	n.restarts++
	former, parts := n.disk, maps.Clone(n.parts)
	for _, x := range o.Plugins {
		switch {
		case x.Part != searchpack.PartPlugin && x.State == searchpack.PluginRemoved:
			delete(n.parts, x.PackageID)
		case x.Part != searchpack.PartPlugin:
			n.parts[x.PackageID] = x.Digest
		case x.State == searchpack.PluginRemoved:
			n.disk = ""
		case x.Digest != n.bad:
			n.disk = x.Digest
		}
	}
	if n.disk != former && n.fails != "" {
		n.bad, n.disk, n.parts, failed = n.disk, former, parts, n.fails
	}
	n.runs = n.disk
	return failed
}

// reportAll has every node say what it has.
func (b *plugBench) reportAll() {
	for i := range b.w.Agents {
		a, n := &b.w.Agents[i], b.nodes[b.w.Agents[i].Name]
		if n.asleep {
			continue
		}
		if n.permit != "" || !a.RetiredAt.IsZero() { // its OpenSearch is stopped: the agent says so
			r := *a.Report
			r.Seq++
			r.Node, r.NodeError = nil, "connection refused"
			a.Report, a.ReportedAt = &r, b.w.Now
			continue
		}
		f := b.facts(i)
		f.Version = n.home
		for _, v := range b.w.Versions {
			if v.Plugin != nil && v.Digest == n.runs && !n.unlisted {
				f.Plugins = []searchpack.LoadedPlugin{{Name: v.Plugin.Name, Version: v.Plugin.Version, ClassName: v.Plugin.ClassName}}
			}
		}
		if n.foreign {
			f.Plugins = []searchpack.LoadedPlugin{{Name: "lemmas", Version: "by hand", ClassName: "org.Lemmas"}}
		}
		b.report(i, f)
		r := *a.Report
		r.RestartMode, r.NodeError, r.Plugins, r.OpenSearch = n.mode, "", nil, n.home
		for _, o := range a.Order.Plugins {
			if o.Part != searchpack.PartPlugin {
				d := n.parts[o.PackageID]
				r.Plugins = append(r.Plugins, searchpack.PluginReport{PackageID: o.PackageID, Part: o.Part, Name: o.Name, Installed: d, Started: d != ""})
				continue
			}
			r.Plugins = append(r.Plugins, searchpack.PluginReport{
				PackageID: o.PackageID, Name: o.Name, Installed: n.disk, Started: n.disk != "" && n.disk == n.runs,
				Error: n.error, Waits: n.busy + n.waits, Failed: n.bad, FailedWhy: n.fails,
			})
		}
		a.Report = &r
	}
}

// says is what happened, without the settings if they do not matter.
func (b *plugBench) says(settings bool) string {
	all := slices.Clone(b.happened)
	if !settings {
		all = slices.DeleteFunc(all, func(s string) bool { return strings.HasPrefix(s, "set ") })
	}
	return strings.Join(all, ", ")
}

// everywhere says what all nodes run with; the first that differs is named.
func (b *plugBench) everywhere() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(b.nodes)) {
		version := "-"
		for _, v := range b.w.Versions {
			if v.Digest == b.nodes[name].runs {
				version = v.ID
			}
		}
		out = append(out, version)
	}
	if len(slices.Compact(slices.Clone(out))) == 1 {
		return out[0]
	}
	return fmt.Sprint(out)
}

// told are the nodes whose orders name the version.
func (b *plugBench) told(version string) string {
	var out []string
	for _, a := range b.w.Agents {
		if slices.ContainsFunc(a.Order.Plugins, func(o searchpack.PluginOrder) bool { return o.VersionID == version }) {
			out = append(out, a.Name)
		}
	}
	return strings.Join(out, " ")
}
