package rollout

import (
	"fmt"
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
)

// simAdopted is a package whose file somebody laid on the nodes, at simPath; simLaid what they laid.
const (
	simAdopted = "F4"
	simPath    = "analysis/f4.txt"
)

// someAdoption is what people do about such a file: lay it, name it, adopt it, update it, release it.
func (s *sim) someAdoption() {
	v := s.server
	switch s.rng.IntN(10) {
	case 0, 1:
		s.lay()
	case 2, 3, 4: // mostly what lies there, else another version
		id := fmt.Sprintf("%s-v%d", simAdopted, 1+s.rng.IntN(v.packages[simAdopted].AvailableNumber))
		if s.chance(0.8) && s.mayLay() {
			s.layAll(v.versions[id].Digest)
		}
		ch, err := Associate(v.call(), Ask{PackageID: simAdopted, Path: simPath, VersionID: id})
		s.made("adopt "+id, ch, err, searchpack.Associating, simAdopted)
	case 5:
		s.server.update(simAdopted, s.someBadness())
		s.call(searchpack.ActionAssociate, false, simAdopted)
	case 6:
		s.cluster.create(simUser{kind: searchpack.UserIndex, pkg: simAdopted, path: simPath, strict: s.chance(0.3)})
	case 7:
		s.call(searchpack.ActionDissociate, false, simAdopted)
	case 8:
		s.call(searchpack.ActionDissociate, false, simAdopted, fmt.Sprintf("F%d", 1+s.rng.IntN(3)))
	case 9:
		s.someChoice(simAdopted)
	}
}

// mayLay: whoever lays the file does so only while it is not Searchpack's and not being looked at. (After
// that, agents mend what changed between a report and the decision that rests on it.)
func (s *sim) mayLay() bool {
	_, there := s.server.associations[simAdopted]
	busy := slices.ContainsFunc(s.server.world().Rollouts, func(r searchpack.Rollout) bool { return stepOf(r, simAdopted) >= 0 })
	return !busy && (!there || s.server.associations[simAdopted].ServingID == "")
}

// lay changes what lies on one node.
func (s *sim) lay() {
	if !s.mayLay() {
		return
	}
	n := s.agents[s.rng.IntN(len(s.agents))].node
	switch s.rng.IntN(3) {
	case 0:
		delete(n.at, simPath)
	case 1:
		n.at[simPath] = searchpack.DigestOf([]byte("something else"))
	case 2:
		n.at[simPath] = s.server.versions[simAdopted+"-v1"].Digest
	}
	s.log("%s has %s at %s", n.name, n.at[simPath].Short(), simPath)
}

func (s *sim) layAll(d searchpack.Digest) {
	for _, a := range s.agents {
		a.node.at[simPath] = d
	}
	s.log("all have %s at %s", d.Short(), simPath)
}

// checkAdopted: nobody is told to write where a file is to be adopted before it serves, which takes that
// every member was seen to have it; and an adopted file is never hidden or removed.
func (v *simServer) checkAdopted(d Decision, id string, f searchpack.FileOrder) {
	a, there := v.associations[f.PackageID]
	for _, x := range d.Associations {
		if x.PackageID == f.PackageID {
			a = x
		}
	}
	switch {
	case f.Path != "" && f.State == searchpack.FileLive && a.ServingID == "":
		v.fail("%s is told to write to %s, which is not adopted yet", id, f.Path)
	case there && a.Path != "" && f.Path == "" && f.State == searchpack.FileLive:
		v.fail("%s is told to place %s, which is adopted, under analyzers", id, f.PackageID)
	case there && a.Path != "" && (f.State == searchpack.FileHidden || f.State == searchpack.FileRemoved):
		v.fail("%s is told to take %s away, which is adopted", id, f.PackageID)
	case f.State == searchpack.FileLive || f.State == searchpack.FileAdopt:
		if o := d.Orders[id]; o.Schema != schemaOf(o) {
			v.fail("the order of %s has schema %d", id, o.Schema)
		}
	}
}

// schemaOf is the lowest schema whose agents carry the order out as it is meant.
func schemaOf(o searchpack.Order) int {
	switch {
	case slices.ContainsFunc(o.Plugins, func(p searchpack.PluginOrder) bool { return p.PackageID == simLicense }),
		slices.ContainsFunc(o.Candidates, func(c searchpack.Candidate) bool { return c.PackageID == simLicense }):
		return searchpack.OrderSchemaParts
	case slices.ContainsFunc(o.Files, func(f searchpack.FileOrder) bool { return f.Path != "" }):
		return searchpack.OrderSchemaPaths
	}
	return 1
}

// checkFirst: a file that comes to serve where it was adopted is as it was laid, on every member.
func (v *simServer) checkFirst(a, old searchpack.Association) {
	if a.Path == "" || old.ServingID != "" {
		return
	}
	for _, m := range v.must() {
		if got := m.agent.node.at[a.Path]; got != v.versions[a.ServingID].Digest {
			v.fail("%s is adopted, but %s has %s", a.Path, m.agent.node.name, got.Short())
		}
		// A node that was away when the file was released has it from before.
		if !v.released[a.Path] && slices.Contains(slices.Collect(maps.Values(m.agent.node.kept)), a.Path) && m.agent.order.Generation == v.agents[m.agent.id].Order.Generation {
			v.fail("%s is kept by %s before it serves", a.Path, m.agent.node.name)
		}
	}
}
