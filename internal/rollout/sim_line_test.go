package rollout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

// simSibling is the namesake of simPlugin for OpenSearch 3.
const simSibling = "pkg-3"

// simEngines are the versions across which nodes are upgraded.
var simEngines = []string{"2.19.0", "2.19.1", "3.8.0"}

// engines: in this run nodes have versions of OpenSearch, and their owner upgrades them.
func (s *sim) engines() bool { return s.seed%4 == 2 && s.nodes <= 9 && s.script == nil }

// slot is where the plugin of a package lies: namesakes bring the same.
func slot(pkg string) string {
	if pkg == simSibling {
		return simPlugin
	}
	return pkg
}

// madeFor is for what the next version of the plugin is made: mostly for what a node has.
func (v *simServer) madeFor(pkg string) string {
	if !v.engines() {
		return ""
	}
	var some []string
	for _, n := range v.cluster.nodes {
		if (n.home >= "3") == (pkg == simSibling) {
			some = append(some, n.home)
		}
	}
	switch {
	case len(some) > 0:
		return some[v.upgrades.IntN(len(some))]
	case pkg == simSibling:
		return "^3.0.0"
	}
	return "2.19.0"
}

// plug is the package of the line that is associated; else the one for what most nodes have.
func (s *sim) plug() string {
	for _, pkg := range []string{simPlugin, simSibling} {
		if _, there := s.server.associations[pkg]; there {
			return pkg
		}
	}
	if s.engines() && s.cluster.nodes[0].home >= "3" {
		return simSibling
	}
	return simPlugin
}

// takes: the OpenSearch in the node's home takes the version.
func (n *simNode) takes(v searchpack.Version) bool {
	return n.home == "" || v.Plugin == nil || v.Plugin.OpenSearch == "" || plugin.Fits(v.Plugin.OpenSearch, n.home)
}

// version of a zip.
func (v *simServer) version(d searchpack.Digest) searchpack.Version {
	for _, x := range v.versions {
		if x.Digest == d {
			return x
		}
	}
	return searchpack.Version{}
}

// chosen is the zip that the agent takes for a line of its order, by the OpenSearch in the home; false:
// none fits.
func (n *simNode) chosen(o searchpack.PluginOrder) (searchpack.Digest, bool) {
	for _, x := range append([]searchpack.PluginOrder{o}, n.agent.order.Alternatives...) {
		if x.PackageID == o.PackageID && (n.home == "" || x.OpenSearch == "" || plugin.Fits(x.OpenSearch, n.home)) {
			return x.Digest, true
		}
	}
	return o.Digest, false
}

// unfit: the node must not start, because of a plugin there is no version for its OpenSearch.
func (n *simNode) unfit() bool {
	for _, o := range n.agent.order.Plugins {
		if o.State != searchpack.PluginInstalled {
			continue
		}
		d, fits := n.chosen(o)
		if !fits || n.refusal(d) != "" {
			return true
		}
		if n.plugins.bad[d] != "" { // it stays with what lies there
			if lies := n.plugins.disk[slot(o.PackageID)]; lies != "" && !n.takes(n.server.version(lies)) {
				return true
			}
		}
	}
	return false
}

// checkBoot: OpenSearch is never started with a plugin that is made for another.
func (n *simNode) checkBoot() {
	for _, d := range n.plugins.disk {
		if v := n.server.version(d); d != "" && !n.takes(v) {
			n.fail("%s is started blindly: it has OpenSearch %s and %s for %s", n.name, n.home, v.ID, v.Plugin.OpenSearch)
		}
	}
}

// planUpgrades has the owner of the nodes bring them another OpenSearch, one after the other or many at
// once, back and forth, with the plugin's build before it or after. Chances are its own.
func (s *sim) planUpgrades() {
	if !s.engines() {
		return
	}
	rng := s.upgrades
	if s.now.Equal(simStart) {
		s.installSoon()
	}
	s.after(2*time.Minute+time.Duration(rng.Int64N(int64(3*time.Minute))), func() {
		if s.calm {
			return
		}
		s.upgrade(simEngines[rng.IntN(len(simEngines))])
		s.planUpgrades()
	})
}

// installSoon has the domain have the plugin, most of the time.
func (s *sim) installSoon() {
	s.after(30*time.Second+time.Duration(s.upgrades.Int64N(int64(time.Minute))), func() {
		if s.calm {
			return
		}
		s.installSoon()
		if _, there := s.server.associations[s.plug()]; !there {
			s.call(searchpack.ActionAssociate, false, s.plug())
		}
	})
}

// upgrade brings all nodes, or most, an OpenSearch.
func (s *sim) upgrade(to string) {
	rng := s.upgrades
	pause := time.Duration(rng.Int64N(int64(90 * time.Second)))
	pushed := time.Duration(rng.Int64N(int64(5 * time.Minute)))
	s.log("upgrade to %s, one each %v", to, pause.Round(time.Second))
	s.after(pushed, func() { s.pushFor(to) })
	for i, n := range s.cluster.nodes {
		if rng.IntN(8) == 0 {
			continue
		}
		restart := rng.IntN(4) > 0 // else its files change under it, and somebody restarts it later
		s.after(time.Minute+time.Duration(i)*pause, func() {
			if !restart {
				s.log("node %s has the files of OpenSearch %s", n.name, to)
				n.home = to
				return
			}
			n.stop()
			n.home = to
			s.log("node %s has OpenSearch %s", n.name, to)
			s.after(time.Second+time.Duration(rng.Int64N(int64(20*time.Second))), n.start)
		})
	}
}

// pushFor makes a version for an OpenSearch, if there is none or the newest is bad.
func (s *sim) pushFor(openSearch string) {
	pkg := simPlugin
	if openSearch >= "3" {
		pkg = simSibling
	}
	newest := searchpack.Version{}
	for _, v := range s.server.versions {
		if isPlugin(v.PackageID) && v.Plugin != nil && plugin.Fits(v.Plugin.OpenSearch, openSearch) && !v.CreatedAt.Before(newest.CreatedAt) && v.Number > newest.Number {
			newest = v
		}
	}
	if newest.ID != "" && s.truth[newest.Digest] == "" {
		return
	}
	s.server.updateFor(pkg, "", openSearch)
	s.server.dirty()
}

// settleEngines ends upgrades: there is a build for every node, and mostly all have the same OpenSearch.
func (s *sim) settleEngines() {
	if !s.engines() {
		return
	}
	for _, n := range s.cluster.nodes {
		s.pushFor(n.home)
	}
	s.server.dirty()
	s.restartOld()
	if s.upgrades.IntN(3) == 0 {
		return // they stay as different as they are
	}
	s.after(10*time.Minute, func() {
		if _, there := s.server.associations[s.plug()]; !there {
			s.call(searchpack.ActionAssociate, false, s.plug())
		}
	})
	to := simEngines[s.upgrades.IntN(len(simEngines))]
	s.after(20*time.Minute, func() { s.pushFor(to) })
	for i, n := range s.cluster.nodes {
		s.after(20*time.Minute+time.Duration(i+1)*time.Minute, func() {
			n.stop()
			n.home = to
			s.log("node %s has OpenSearch %s", n.name, to)
			s.after(5*time.Second, n.start)
		})
	}
}

// restartOld has the owner restart, one after the other, nodes that do not run the OpenSearch that they
// have, and try again those that could not start.
func (s *sim) restartOld() {
	s.after(time.Minute, func() {
		s.restartOld()
		for _, n := range s.cluster.nodes {
			if n.up && n.engine != n.home && len(s.cluster.upNodes()) == s.nodes && len(s.server.world().Rollouts) == 0 {
				n.stop()
				s.after(5*time.Second, n.start)
				return
			}
		}
	})
}

// line are the ids of the versions of both packages, the newest first or not.
func (v *simServer) line() map[string][]string {
	var ids []string
	for _, pkg := range []string{simSibling, simPlugin} {
		for i := range v.packages[pkg].AvailableNumber {
			ids = append(ids, fmt.Sprintf("%s-v%d", pkg, i+1))
		}
	}
	return map[string][]string{simPlugin: ids, simSibling: ids}
}

// right: the node runs with the version, or, if that is made for another OpenSearch, with one that is made
// for its own.
func (n *simNode) right(d searchpack.Digest, serving searchpack.Version) bool {
	if n.takes(serving) {
		return d == serving.Digest
	}
	v := n.server.version(d)
	return d != "" && v.Plugin != nil && n.takes(v)
}

// checkRemoved: an association that moves on to another package takes no plugin away.
func (v *simServer) checkRemoved(d Decision, o searchpack.PluginOrder) {
	for _, a := range d.Associations {
		if o.State == searchpack.PluginRemoved && slot(a.PackageID) == slot(o.PackageID) && a.PackageID != o.PackageID && slices.Contains(d.Dissociated, o.PackageID) {
			v.fail("%s is removed because the association moves on to %s", o.PackageID, a.PackageID)
		}
	}
}

// moved: the association is another package's by now, or another version serves, because nodes have another
// OpenSearch.
func (v *simServer) moved(d Decision, pkg string) bool {
	return isPlugin(pkg) && slices.ContainsFunc(d.Associations, func(a searchpack.Association) bool {
		old := v.associations[pkg]
		return slot(a.PackageID) == slot(pkg) && a.ServingID != old.ServingID && old.ServingID != "" &&
			!slices.ContainsFunc(v.must(), func(m simMember) bool {
				return m.agent.node.takes(v.versions[old.ServingID]) && m.agent.node.home == m.agent.node.engine
			})
	})
}

// checkMoved: at the end what serves is made for a node, if any version that runs is.
func (s *sim) checkMoved() {
	if !s.engines() {
		return
	}
	a, there := s.server.associations[s.plug()]
	if !there || a.ServingID == "" {
		return
	}
	serving, first := s.server.versions[a.ServingID], s.cluster.nodes[0]
	for _, n := range s.cluster.nodes {
		if !n.up || n.home != first.home || n.takes(serving) || n.plugins.runs[simPlugin] != first.plugins.runs[simPlugin] {
			return
		}
	}
	s.fail("rule 8: every node has OpenSearch %s and runs with %s; %s for %s still serves",
		first.home, s.server.version(first.plugins.runs[simPlugin]).ID, serving.ID, serving.Plugin.OpenSearch)
}

func newUpgrades(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 44)) }
