package rollout

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// FreshFor is how long a report stands for what its node is like now.
const FreshFor = 30 * time.Second

// node is an agent in service with everything that follows from its last report.
type node struct {
	searchpack.AgentState
	fresh    bool
	conflict string // why it does not count: its node is claimed twice
	bound    bool   // its identity was (re)bound by this decision
	standing Standing
	member   bool // in the node list that counts
	inside   bool // its cluster state names the node itself, and an elected manager

	files  map[string]searchpack.FileReport
	ready  map[searchpack.Digest]searchpack.CandidateReport
	probes map[string]searchpack.ProbeResult
	duties map[string]searchpack.DutyResult
	// plugins by package id; pluginIDs sorted.
	plugins   map[string]searchpack.PluginReport
	pluginIDs []string
}

// nodesOf returns the agents in service, by id.
func nodesOf(w World) []*node {
	out := make([]*node, 0, len(w.Agents))
	places := placesOf(w.Agents)
	for _, a := range w.Agents {
		if !a.RetiredAt.IsZero() {
			continue
		}
		n := &node{AgentState: a}
		n.fresh = fresh(w.Now, a)
		n.inside = a.Report != nil && a.Report.Node != nil && places.inOwnCluster(a.Report.Node)
		n.index()
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b *node) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// fresh reports whether the last report still stands.
func fresh(now time.Time, a searchpack.AgentState) bool {
	return a.Report != nil && !a.ReportedAt.IsZero() && now.Sub(a.ReportedAt) < FreshFor && !setBack(now, a.ReportedAt)
}

// setBack reports whether a time lies further ahead than clocks differ: the clock was put back since
// it was written, and it says nothing about now. What such a time began is taken to begin now, else
// it would last for as long as the clock was put back.
func setBack(now, written time.Time) bool { return written.Sub(now) > searchpack.ClockStep }

func (n *node) index() {
	if n.Report == nil {
		return
	}
	n.files = indexed(n.Report.Files, func(f searchpack.FileReport) string { return f.PackageID })
	n.ready = indexed(n.Report.Candidates, func(c searchpack.CandidateReport) searchpack.Digest { return c.Digest })
	n.probes = indexed(n.Report.Probes, func(p searchpack.ProbeResult) string { return p.ID })
	n.plugins = indexed(n.Report.Plugins, func(p searchpack.PluginReport) string { return p.PackageID })
	n.pluginIDs = slices.Sorted(maps.Keys(n.plugins))
	n.duties = indexed(n.Report.Duties, func(t searchpack.DutyResult) string { return t.ID })
}

// indexed is a list by key; nil if it is empty: of thousands of nodes most have nothing to say.
func indexed[K comparable, V any](list []V, key func(V) K) map[K]V {
	if len(list) == 0 {
		return nil
	}
	m := make(map[K]V, len(list))
	for _, v := range list {
		m[key(v)] = v
	}
	return m
}

// facts is what a live OpenSearch says of itself; nil when the agent is silent or its node does
// not answer.
func (n *node) facts() *searchpack.NodeFacts {
	if !n.fresh {
		return nil
	}
	return n.Report.Node
}

// called is the node's name for people. It comes from the node, so it is bounded.
func (n *node) called() string {
	if n.Report != nil && n.Report.Node != nil && n.Report.Node.Name != "" {
		return quote(n.Report.Node.Name)
	}
	return cmp.Or(n.Name, n.ID)
}

// ordered is what the stored order says of a package's file; the zero value if nothing.
func (n *node) ordered(packageID string) searchpack.FileOrder {
	for _, f := range n.Order.Files {
		if f.PackageID == packageID {
			return f
		}
	}
	return searchpack.FileOrder{}
}

// settled reports whether the last report was made with the stored order in hand: only then does it
// say what came of that order, and nothing ordered before can still come.
func (d *decider) settled(n *node) bool {
	return d.off.settled || n.Report != nil && n.Report.Generation >= n.Order.Generation
}

// isLive: ordered live with these bytes where the file lies in this domain, taken in, and reported so.
// A file that is being adopted lies there already.
func (d *decider) isLive(n *node, packageID string, digest searchpack.Digest) bool {
	o := n.ordered(packageID)
	return lies(o.State) && o.Digest == digest && o.Path == d.adopted(packageID) && d.settled(n) && d.shows(n, packageID, digest)
}

// shows reports whether the last report has the file live with these bytes.
func (d *decider) shows(n *node, packageID string, digest searchpack.Digest) bool {
	f := n.files[packageID]
	return lies(f.State) && f.Digest == digest && f.Path == d.adopted(packageID)
}

// lies: the file is under its final name.
func lies(s searchpack.FileState) bool { return s == searchpack.FileLive || s == searchpack.FileAdopt }

// isAway: ordered hidden or removed, taken in, and reported so (or without such a file). An agent
// that cannot look reports the state it was told, with an error: that says nothing. What never lies
// on nodes is away. An adopted file is never hidden, and away when the node has released it.
func (d *decider) isAway(n *node, packageID string, state searchpack.FileState) bool {
	switch {
	case !d.onNodes(packageID):
		return true
	case d.adopted(packageID) == "":
	case state == searchpack.FileHidden:
		return true
	default:
		state = searchpack.FileReleased
	}
	if n.ordered(packageID).State != state || !d.settled(n) {
		return false
	}
	f, listed := n.files[packageID]
	return !listed || f.Error == "" && (f.State == state || f.State == searchpack.FileRemoved)
}
