package catalog

import (
	"context"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
	"github.com/searchpack/searchpack/internal/runner"
)

// incidentsShown is how many incidents of a domain a view holds, the newest.
const incidentsShown = 200

// Nodes returns each node of a domain: what is proven, owed, wrong.
func (c *Catalog) Nodes(ctx context.Context, who searchpack.Caller, domain string) (*NodesView, error) {
	var v *NodesView
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		world, err := runner.Load(ctx, tx, key, c.clock())
		if err != nil {
			return err
		}
		incidents, err := tx.Incidents(ctx, key, incidentsShown)
		if err != nil {
			return err
		}
		v, err = nodesView(ctx, tx, world, incidents)
		return err
	})
	return v, err
}

// nodesView puts together standing, report, proofs and incidents.
func nodesView(ctx context.Context, tx searchpack.Tx, w rollout.World, incidents []*searchpack.NodeIncident) (*NodesView, error) {
	m := rollout.Members(w)
	v := &NodesView{Domain: w.Domain.Name, Frozen: m.Frozen, Nodes: []NodeView{}}
	if v.Frozen == "" {
		v.Frozen = m.Hold
	}
	debts := rollout.Debts(w)
	restarts := rollout.Restarts(w)
	agents := map[string]searchpack.AgentState{}
	for _, a := range w.Agents {
		agents[a.ID] = a
	}
	numbers, err := digestNumbers(ctx, tx, w)
	if err != nil {
		return nil, err
	}
	for _, s := range m.Nodes {
		n := NodeView{AgentID: s.AgentID, Name: s.Name, NodeID: s.NodeID, State: stateOf(s), Note: s.Reason, Do: s.Do, Manager: s.Manager, Files: []NodeFile{}}
		if a, ok := agents[s.AgentID]; ok {
			addAgent(&n, a, w, numbers)
			addPlugins(&n, a, w, restarts[a.ID], numbers)
			for _, d := range debts[a.ID] {
				n.Owes = append(n.Owes, NodeDebt{PackageID: d.PackageID, Version: d.Version.Number, Behind: d.Behind, Why: d.Why})
			}
			delete(agents, s.AgentID)
		}
		for _, i := range incidents {
			if i.AgentID == s.AgentID && s.AgentID != "" {
				n.Incidents = append(n.Incidents, i)
			}
		}
		v.Nodes = append(v.Nodes, n)
	}
	for _, a := range w.Agents { // what is left: retired, which are in no membership
		if _, left := agents[a.ID]; left {
			v.Nodes = append(v.Nodes, NodeView{AgentID: a.ID, Name: a.Name, NodeID: a.NodeID, State: NodeRetired, Files: []NodeFile{}})
		}
	}
	return v, nil
}

// stateOf is the standing in the words of the view.
func stateOf(s rollout.NodeStanding) string {
	switch s.Standing {
	case rollout.MustProve:
		return NodeProves
	case rollout.Owed:
		return NodeOwes
	case rollout.Ignored:
		return NodeIgnored
	}
	return NodeBlocks
}

// addAgent adds what the agent last said.
func addAgent(n *NodeView, a searchpack.AgentState, w rollout.World, numbers versionNumbers) {
	n.Speaker = a.Order.Speaker
	if !a.ReportedAt.IsZero() {
		at := a.ReportedAt
		n.ReportedAt = &at
	}
	if a.Report == nil {
		n.State = NodeUnseen
		return
	}
	n.AgentVersion, n.NodeError, n.Problems = a.Report.Version, a.Report.NodeError, a.Report.Problems
	if a.Report.Node != nil {
		n.OpenSearch = a.Report.Node.Version
		if a.Report.Node.FilesOnly {
			n.OpenSearch = "files only"
		}
	}
	for _, f := range a.Report.Files {
		if f.State == searchpack.FileRemoved || f.State == searchpack.FileReleased {
			continue
		}
		file := NodeFile{PackageID: f.PackageID, State: f.State, Path: f.Path, Digest: f.Digest, Version: numbers[versionKey{f.PackageID, f.Digest}].number, Error: f.Error}
		for _, p := range w.Proofs {
			if p.AgentID == a.ID && p.PackageID == f.PackageID && p.Digest == f.Digest {
				file.Proof = &p
			}
		}
		n.Files = append(n.Files, file)
	}
}

// versionKey names bytes of a package; versionNumbers tells which version they are.
type versionKey struct {
	packageID string
	digest    searchpack.Digest
}
type versionNumbers map[versionKey]numberOf

// numberOf is a version's number; of is the package that it is of, if that is a namesake.
type numberOf struct {
	number int
	of     string
}

// digestNumbers looks up the versions of the domain's packages.
func digestNumbers(ctx context.Context, tx searchpack.Tx, w rollout.World) (versionNumbers, error) {
	numbers := versionNumbers{}
	for id := range w.Packages {
		vs, err := tx.Versions(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			if v.Number > 0 {
				numbers[versionKey{id, v.Digest}] = numberOf{number: v.Number}
			}
		}
	}
	for _, a := range w.Associations { // of versions with the same bytes it is the one that was called for
		for _, id := range []string{a.WantedID, a.ServingID} {
			if v, known := w.Versions[id]; known && v.Number > 0 && v.PackageID == a.PackageID {
				numbers[versionKey{a.PackageID, v.Digest}] = numberOf{number: v.Number}
			}
		}
	}
	for id, line := range w.Lines { // what nodes have of a namesake they report as the package's that is associated
		for _, version := range line {
			v := w.Versions[version]
			if _, own := numbers[versionKey{id, v.Digest}]; v.PackageID != id && !own {
				numbers[versionKey{id, v.Digest}] = numberOf{v.Number, v.PackageID}
			}
		}
	}
	return numbers, nil
}

// RetireNode forgets a node that will not come back: named by the agent's name or id. Its agent is
// refused from now on; what lies on its disk stays.
func (c *Catalog) RetireNode(ctx context.Context, who searchpack.Caller, domain, node string) (*searchpack.Agent, error) {
	var retired *searchpack.Agent
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		d, err := domainOf(ctx, tx, who, domain)
		if err != nil {
			return err
		}
		agents, err := tx.Agents(ctx, d.DomainKey)
		if err != nil {
			return err
		}
		var found []*searchpack.AgentState
		for _, a := range agents {
			if a.RetiredAt.IsZero() && (a.ID == node || a.Name == node) {
				found = append(found, a)
			}
		}
		switch len(found) {
		case 0:
			return searchpack.Errorf(searchpack.ErrNotFound, "Domain %s has no node %s in service. searchpack nodes %s lists them.", domain, node, domain)
		case 1:
		default:
			return searchpack.Errorf(searchpack.ErrConflict, "%d nodes of domain %s are named %s: give the agent id of the one to retire.", len(found), domain, node)
		}
		retired = &found[0].Agent
		retired.RetiredAt = c.clock()
		if err := tx.PutAgent(ctx, retired); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, searchpack.WorkReconcile, d.DomainKey.String(), c.clock()); err != nil {
			return err
		}
		return c.audit(ctx, tx, who, "RetireNode", domain, retired.Name+" ("+retired.ID+")")
	})
	return retired, err
}
