package rollout

import (
	"fmt"

	"github.com/searchpack/searchpack"
)

// advise says of each node that does not prove what a person does about it. Commands name the domain,
// and the node as `searchpack nodes retire` takes it.
func (m *Membership) advise(w World, nodes []*node) {
	byID, named := map[string]*node{}, map[string]int{}
	for _, n := range nodes {
		byID[n.ID] = n
		named[n.Name]++
	}
	for i := range m.Nodes {
		s := &m.Nodes[i]
		n := byID[s.AgentID]
		if s.Standing == MustProve || s.Standing == Ignored {
			continue
		}
		if n == nil {
			s.Do = fmt.Sprintf("start an agent beside it (searchpack token create --domain %s makes its token), or accept members without one: "+
				"searchpack domains policy %s --unmanaged-nodes ignore", w.Domain.Name, w.Domain.Name)
			continue
		}
		// What it is called for commands: its own name if no other agent has the same.
		name := n.Name
		if name == "" || named[name] > 1 {
			name = n.ID
		}
		s.Do = adviceFor(n, *s, "searchpack nodes retire "+w.Domain.Name+" "+name)
		if !s.Member && n.conflict == "" && w.Domain.Policy.AbsentNodes == searchpack.AbsentWait {
			s.Do += fmt.Sprintf("; not to wait for absent nodes: searchpack domains policy %s --absent-nodes owe", w.Domain.Name)
		}
	}
}

// adviceFor is the advice for a node that has an agent and blocks or owes. retire is the command.
func adviceFor(n *node, s NodeStanding, retire string) string {
	gone := "; if the node is gone for good: " + retire
	const look = "look at its agent on that machine: systemctl status searchpack-agent, then searchpack agent doctor"
	switch {
	case n.conflict != "":
		return "stop the agent that does not belong to that node (a state folder must not be copied), then, for that one: " + retire
	case s.Member:
		return look
	case n.ReportedAt.IsZero():
		return look + gone
	case !n.fresh:
		return "start the machine, OpenSearch and the agent on it" + gone
	case n.Report.Node == nil:
		return "start OpenSearch there: systemctl status opensearch; if it runs: searchpack agent doctor" + gone
	case n.Report.Node.ManagerID == "":
		return "see in OpenSearch's log there why it finds no cluster manager (discovery.seed_hosts, network, port 9300)" + gone
	}
	return "see in OpenSearch's log there why it left the cluster" + gone
}

// Debt is the proof of a version that serves, or is to, which a node owes.
type Debt struct {
	PackageID string
	Version   searchpack.Version
	Behind    bool   // it has another version in place, and may be serving that
	Why       string // "its file is not there yet"
}

// Debts lists the proofs that nodes in service owe, by agent id, then package id: of every version that
// serves and is not proven there.
func Debts(w World) map[string][]Debt {
	d := newDecider(w, guards{})
	out := map[string][]Debt{}
	for _, n := range d.nodes {
		for _, as := range w.Associations {
			v, ok := w.Versions[as.ServingID]
			if !ok || d.proves(n, &as) {
				continue
			}
			debt := Debt{PackageID: as.PackageID, Version: v}
			if d.isPlugin(as.PackageID) {
				debt.Version = d.fitting(v, d.runs(n))
				debt.Behind, debt.Why = d.pluginDebt(n, as.PackageID, debt.Version)
			} else {
				debt.Behind, debt.Why = debtOf(w, n.AgentState, v)
			}
			out[n.ID] = append(out[n.ID], debt)
		}
	}
	return out
}

// debtOf says why a node has not proven a version, by its last report.
func debtOf(w World, a searchpack.AgentState, v searchpack.Version) (behind bool, why string) {
	f, there := searchpack.FileReport{}, false
	if a.Report != nil {
		for _, x := range a.Report.Files {
			if x.PackageID == v.PackageID {
				f, there = x, true
			}
		}
	}
	switch {
	case a.Report == nil:
		return false, "its agent has not reported yet"
	case !there || f.State != searchpack.FileLive || f.Digest == "":
		return false, "its file is not there yet"
	case f.Digest != v.Digest:
		return true, "it has another version in place"
	case !fresh(w.Now, a):
		return false, "the file is there; its agent was silent since"
	case a.Report.Node == nil:
		return false, "the file is there; OpenSearch does not answer"
	}
	return false, "the file is there; it has not shown yet that it has loaded it"
}

// pluginDebt says the same of a plugin.
func (d *decider) pluginDebt(n *node, packageID string, v searchpack.Version) (behind bool, why string) {
	p := n.plugins[packageID]
	none, _ := d.noneFits(n, d.installed(packageID, d.fitting(v, d.starts(n))))
	switch {
	case n.Report == nil:
		return false, "its agent has not reported yet"
	case none != "":
		return false, none
	case p.Installed != "" && p.Installed != v.Digest:
		return true, "it has another version in place"
	case p.Error != "":
		return false, quote(p.Error)
	case p.Installed == "":
		return false, "the plugin is not there yet"
	case !n.fresh:
		return false, "the plugin is there; its agent was silent since"
	case n.Report.Node == nil:
		return false, "the plugin is there; OpenSearch does not answer"
	case !p.Started && !d.Domain.FilesOnly:
		return false, "the plugin is there; OpenSearch was not started since"
	}
	return false, "the plugin is there; the node's own list has not shown it yet"
}
