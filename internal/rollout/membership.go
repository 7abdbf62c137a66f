package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// OwedAfter is how long a node that is in no cluster state blocks before its proof is only owed: a
// restart takes less, a node that is gone should not hold up the others.
const OwedAfter = 2 * time.Minute

// Standing says what a node's proof means for ACTIVE.
type Standing string

// The standings.
const (
	MustProve Standing = "must prove"
	Blocks    Standing = "blocks"  // must prove and cannot
	Owed      Standing = "owed"    // down: proves when it is back
	Ignored   Standing = "ignored" // a member without an agent, which the domain's policy accepts
)

// NodeStanding is one node of a domain: an agent in service, a member of the cluster, or both.
type NodeStanding struct {
	AgentID  string // "": a member without an agent
	NodeID   string // "" before the first report
	Name     string
	Standing Standing
	Reason   string // why it blocks or owes: "its agent has been silent for more than 30 s"
	Member   bool   // in the node list that counts
	Manager  bool   // the elected cluster manager
	Fresh    bool   // its agent was heard within FreshFor
	Do       string // what a person does about it, with what to type; "" = nothing. Only Members says it
	// Until is when time alone changes this; zero = only news do.
	Until time.Time
}

// Membership is who must prove.
type Membership struct {
	Nodes []NodeStanding // by name, agent id, node id
	// Frozen says why nothing at all may move, not even orders; "" if it may.
	Frozen string
	// Differ says which elected cluster managers the agents name, if not one; "" if it is one. For
	// DifferPatience that only holds rollouts up: elections take a moment to get around.
	Differ string
	// Hold says why no rollout goes on for the moment, although orders are kept up; "" if they do.
	Hold string
	// ClusterUUID and Term of the cluster state that the members come from; zero if none.
	ClusterUUID string
	Term        int64
	// ManagerAgent is the agent beside the elected cluster manager; "" if it has none.
	ManagerAgent string
}

// DifferPatience is how long agents may name different elected managers before the domain freezes.
const DifferPatience = 60 * time.Second

// noNodeReports is what a domain waits for in which no node reports.
const noNodeReports = "no node of the domain reports"

// Members tells who must prove, who owes, who blocks and why.
func Members(w World) Membership {
	nodes := nodesOf(w)
	m := membersOf(w, nodes)
	m.advise(w, nodes)
	return m
}

// membersOf binds identities, sets the nodes' standing and lists it.
func membersOf(w World, nodes []*node) Membership {
	m := Membership{}
	if w.Domain.FilesOnly {
		bind(nodes)
		m.hear(w, nodes)
	} else {
		if m.Frozen = frozen(nodes); m.Frozen == "" {
			findConflicts(nodes)
			m.Differ = differ(nodes)
			m.Frozen = frozenByManagers(w, m.Differ)
		}
		if m.Frozen == "" {
			bind(nodes)
		}
		m.readState(w, nodes)
	}
	m.sort()
	return m
}

// sort moves indices, not the nodes: they are large, and there may be thousands.
func (m *Membership) sort() {
	order := make([]int, len(m.Nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := &m.Nodes[i], &m.Nodes[j]
		if c := cmp.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.AgentID, b.AgentID), cmp.Compare(a.NodeID, b.NodeID))
	})
	sorted := make([]NodeStanding, len(order))
	for i, from := range order {
		sorted[i] = m.Nodes[from]
	}
	m.Nodes = sorted
}

// hear is membership where there is no OpenSearch: every agent in service is a node.
func (m *Membership) hear(w World, nodes []*node) {
	for _, n := range nodes {
		s := absent(w, n)
		if n.fresh {
			s.Standing, s.Reason, s.Member, s.Until = MustProve, "", true, n.ReportedAt.Add(FreshFor)
		}
		m.add(n, s)
	}
	if !slices.ContainsFunc(nodes, func(n *node) bool { return n.standing == MustProve }) {
		m.Hold = noNodeReports
	}
}

// readState is membership by the newest cluster state that a member reports.
func (m *Membership) readState(w World, nodes []*node) {
	src := newestState(nodes)
	byIdentity := map[identity]*node{}
	for _, n := range nodes {
		if byIdentity[n.claim()] == nil || n.conflict == "" {
			byIdentity[n.claim()] = n
		}
	}
	listed := map[*node]bool{}
	if src != nil {
		m.ClusterUUID, m.Term = src.ClusterUUID, src.Term
		for _, member := range src.Members {
			n := byIdentity[identity{src.ClusterUUID, member.NodeID}]
			listed[n] = true
			m.add(n, standingOf(w, member, n, src))
			if n != nil && member.NodeID == src.ManagerID {
				m.ManagerAgent = n.ID
			}
		}
	}
	for _, n := range nodes {
		if !listed[n] {
			m.add(n, absent(w, n))
		}
	}
	m.Hold = hold(nodes, src)
}

func (m *Membership) add(n *node, s NodeStanding) {
	if n != nil {
		n.standing, n.member = s.Standing, s.Member
	}
	m.Nodes = append(m.Nodes, s)
}

// newestState returns the facts that count: of the highest (term, version) among live nodes that
// are in their own list and know the elected manager. nil: there are none.
func newestState(nodes []*node) *searchpack.NodeFacts {
	var best *searchpack.NodeFacts
	for _, n := range nodes {
		f := n.facts()
		if f == nil || n.conflict != "" || !n.inside {
			continue
		}
		if best == nil || f.Term > best.Term || f.Term == best.Term && f.StateVersion > best.StateVersion {
			best = f
		}
	}
	return best
}

// places says where a node id stands in a node list: of thousands of reports, each with a list of
// thousands, nearly all have the same one.
type places map[string]int

func placesOf(agents []searchpack.AgentState) places {
	var longest []searchpack.Member
	for _, a := range agents {
		if a.Report != nil && a.Report.Node != nil && len(a.Report.Node.Members) > len(longest) {
			longest = a.Report.Node.Members
		}
	}
	p := make(places, len(longest))
	for i, m := range longest {
		p[m.NodeID] = i
	}
	return p
}

// inOwnCluster: the node knows the elected manager, and its own list has the node. It looks from
// where the node stands elsewhere to both sides.
func (p places) inOwnCluster(f *searchpack.NodeFacts) bool {
	if f.ManagerID == "" || !(identity{f.ClusterUUID, f.NodeID}).known() {
		return false
	}
	left := min(p[f.NodeID], len(f.Members)-1)
	for right := left + 1; left >= 0 || right < len(f.Members); left, right = left-1, right+1 {
		if left >= 0 && f.Members[left].NodeID == f.NodeID || right < len(f.Members) && f.Members[right].NodeID == f.NodeID {
			return true
		}
	}
	return false
}

// frozenByManagers: two managers for so long are no election, but a split cluster.
func frozenByManagers(w World, differ string) string {
	since := w.Domain.Watch.DifferSince
	if differ == "" || since.IsZero() || w.Now.Sub(since) < DifferPatience {
		return ""
	}
	return freezeText + differ + ", for longer than 60 s. Nothing moves until they name the same one: mend the network between the nodes, " +
		"or retire the agents of those that do not belong to the cluster"
}

// hold says why no rollout may go on: nobody says who the members are, or they disagree about the
// elected manager, which a moment usually settles.
func hold(nodes []*node, src *searchpack.NodeFacts) string {
	if src == nil {
		for _, n := range nodes {
			if n.facts() != nil {
				return "the nodes that report know no elected cluster manager"
			}
		}
		return noNodeReports
	}
	return differ(nodes)
}

// differ says which elected managers the nodes name, "" if all name one.
func differ(nodes []*node) string {
	named := map[string][]string{}
	for _, n := range nodes {
		if f := n.facts(); f != nil && n.conflict == "" && n.inside {
			named[f.ManagerID] = append(named[f.ManagerID], n.called())
		}
	}
	if len(named) < 2 {
		return ""
	}
	var parts []string
	for id, names := range named {
		parts = append(parts, fmt.Sprintf("%s: node %s", list(names), id))
	}
	slices.Sort(parts)
	return "the nodes name different elected cluster managers (" + strings.Join(parts, "; ") + ")"
}

// standingOf is the standing of a member; n is its agent, nil if it has none.
func standingOf(w World, member searchpack.Member, n *node, src *searchpack.NodeFacts) NodeStanding {
	s := NodeStanding{
		NodeID: member.NodeID, Name: quote(member.Name), Standing: Blocks,
		Member: true, Manager: member.NodeID == src.ManagerID,
	}
	if n != nil {
		s.AgentID, s.Fresh = n.ID, n.fresh
		s.Name = cmp.Or(s.Name, n.called())
	}
	switch {
	case n == nil && w.Domain.Policy.UnmanagedNodes == searchpack.UnmanagedIgnore:
		s.Standing, s.Reason = Ignored, "it has no Searchpack agent, and the domain's policy ignores such nodes"
	case n == nil:
		s.Reason = "it has no Searchpack agent"
	case n.conflict != "":
		s.Reason = n.conflict
	case !n.fresh:
		s.Reason = silentText
	default:
		s.Standing, s.Until = MustProve, n.ReportedAt.Add(FreshFor)
	}
	return s
}

// whyInNone says why the node of an agent that is heard is in no cluster.
func whyInNone(n *node) string {
	switch f := n.Report.Node; {
	case f == nil:
		return "OpenSearch does not answer"
	case f.ManagerID == "":
		return "it knows no elected cluster manager"
	}
	return "the others do not list it"
}

const silentText = "its agent has been silent for more than 30 s"

// absent is the standing of an agent whose node is in no cluster state. An agent that is well
// beside a dead OpenSearch is heard all the time; it holds up a rollout for the same two minutes,
// counted from the rollout's start.
func absent(w World, n *node) NodeStanding {
	s := NodeStanding{AgentID: n.ID, NodeID: n.NodeID, Name: n.called(), Fresh: n.fresh, Standing: Owed}
	if n.conflict != "" {
		s.Standing, s.Reason, s.Until = Blocks, n.conflict, n.ReportedAt.Add(FreshFor)
		return s
	}
	since := n.EnrolledAt
	switch {
	case n.fresh:
		s.Reason = "its node is in no cluster: " + whyInNone(n)
		since = later(since, rolloutStart(w))
	case setBack(w.Now, n.ReportedAt): // it was heard, and nobody knows when
		s.Reason = silentText
		since = later(since, rolloutStart(w))
	case n.ReportedAt.IsZero():
		s.Reason = "it was enrolled but has not reported yet"
	default:
		s.Reason = silentText
		since = later(since, n.ReportedAt)
	}
	owedAt := since.Add(OwedAfter)
	switch {
	case w.Domain.Policy.AbsentNodes == searchpack.AbsentWait:
		s.Standing = Blocks
		s.Reason += ", and the domain's policy is to wait for absent nodes"
	case w.Now.Before(owedAt):
		s.Standing, s.Until = Blocks, owedAt
	}
	if fresh := n.ReportedAt.Add(FreshFor); n.fresh && (s.Until.IsZero() || fresh.Before(s.Until)) {
		s.Until = fresh
	}
	return s
}

// rolloutStart is when the running rollout began; zero if none runs.
func rolloutStart(w World) time.Time {
	for _, r := range w.Rollouts {
		if r.State == searchpack.RolloutRunning {
			if setBack(w.Now, r.StartedAt) { // it is taken to begin now, here as in its row
				return w.Now
			}
			return r.StartedAt
		}
	}
	return time.Time{}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
