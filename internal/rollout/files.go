package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// fileFor says how a package's file should be on a node now. false: it is not listed, so the agent
// leaves it as it is.
func (d *decider) fileFor(n *node, packageID string) (searchpack.FileOrder, bool) {
	a := d.associations[packageID]
	if a == nil {
		return d.leftOver(n, packageID)
	}
	if !d.onNodes(packageID) {
		return searchpack.FileOrder{}, false
	}
	r, s := d.step(packageID)
	switch {
	case r == nil && a.ServingID == "" && n.files[packageID].State == searchpack.FileHidden:
		return d.leftOver(n, packageID) // was away when it was dissociated, and it is associated anew
	case r == nil:
		return d.serving(n, a)
	case d.adopting(s):
		return d.lookAt(n, a, s)
	case a.Path != "" && s.Action == searchpack.ActionDissociate:
		return d.release(n, a, r)
	}
	switch r.Phase {
	case searchpack.PhasePlace, searchpack.PhaseReload, searchpack.PhaseProve, searchpack.PhaseVerify:
		if d.mayServe(n, s) {
			return d.live(d.Versions[s.VersionID]), true
		}
		if d.off.keepServing {
			return searchpack.FileOrder{}, false
		}
	case searchpack.PhaseHide, searchpack.PhaseLookAgain:
		if d.hideNow(n, packageID) {
			return searchpack.FileOrder{PackageID: packageID, State: searchpack.FileHidden}, true
		}
	case searchpack.PhaseRemove:
		return searchpack.FileOrder{PackageID: packageID, State: searchpack.FileRemoved}, true
	case searchpack.PhaseUnhide:
		return d.restored(n, packageID)
	}
	return d.serving(n, a)
}

// onNodes reports whether packages of its type are files for analyzers: dictionaries are. All others are
// plugins, or belong to one.
func (d *decider) onNodes(packageID string) bool {
	switch d.Packages[packageID].Type {
	case searchpack.TypePlugin, searchpack.TypeLicense, searchpack.TypeConfig:
		return d.off.plugins
	}
	return true
}

func (d *decider) anyOnNodes(r *searchpack.Rollout) bool {
	return slices.ContainsFunc(r.Steps, func(s searchpack.RolloutStep) bool {
		plugin := d.isPlugin(s.PackageID) && (d.part(s.PackageID) == searchpack.PartPlugin || d.hostOf(s.PackageID) != "")
		if plugin && r.Phase == searchpack.PhaseLook { // later nodes have let go of it, and are yet to be started without it
			return d.pluginOnNodes(s.PackageID)
		}
		return plugin || d.onNodes(s.PackageID)
	})
}

// pluginOnNodes: some node has the plugin, or may get it at its next start. One of that name that somebody else
// installed does not count: it stays in the node's own list however often that is restarted.
func (d *decider) pluginOnNodes(packageID string) bool {
	return d.off.plugins || slices.ContainsFunc(d.nodes, func(n *node) bool {
		told, listed := n.orderedPlugin(packageID)
		return n.plugins[packageID].Installed != "" || listed && (told.State == searchpack.PluginInstalled || !d.settled(n))
	})
}

func (d *decider) live(v searchpack.Version) searchpack.FileOrder {
	return searchpack.FileOrder{
		PackageID: v.PackageID, State: searchpack.FileLive, Path: d.adopted(v.PackageID),
		VersionID: v.ID, Version: v.Number, Digest: v.Digest, Size: v.Size, Tree: v.Tree,
	}
}

// serving is the version that serves, on every node, whatever happens elsewhere. When none does,
// what an earlier attempt left is not touched.
func (d *decider) serving(n *node, a *searchpack.Association) (searchpack.FileOrder, bool) {
	if a.ServingID == "" {
		return searchpack.FileOrder{}, false
	}
	if v, ok := d.Versions[a.ServingID]; ok && v.Digest != "" {
		return d.live(v), true
	}
	o := n.ordered(a.PackageID) // its row is gone, which cannot be: keep what was said
	return o, o.State != ""
}

// mayServe: the node may place the new version, because it has passed all its probes there. Once
// told so it stays so, even if the agent forgets its answers. While the rollout is paused nobody else
// is told.
func (d *decider) mayServe(n *node, s searchpack.RolloutStep) bool {
	switch r := d.running(); {
	case d.toldToPlace(n, s):
		return true
	case r != nil && d.paused(r):
		return false
	case d.off.newcomers:
		return true
	}
	return n.ready[d.Versions[s.VersionID].Digest].Ready && d.passed(n, d.candidateProbes(n, s))
}

// hideNow: first on the elected manager, which is what refuses new use; then everywhere. What is
// hidden stays so while the manager changes.
func (d *decider) hideNow(n *node, packageID string) bool {
	if n.ordered(packageID).State == searchpack.FileHidden {
		return true
	}
	if r := d.running(); r != nil && d.paused(r) {
		return false
	}
	if n.ID == d.who.ManagerAgent {
		return true
	}
	if m := d.byID[d.who.ManagerAgent]; m != nil {
		return d.isAway(m, packageID, searchpack.FileHidden)
	}
	return true // the manager has no agent, or there is no OpenSearch
}

// restored is what a node gets back when a dissociation is refused after hiding: the version that
// serves; where none does, the bytes that were hidden there.
func (d *decider) restored(n *node, packageID string) (searchpack.FileOrder, bool) {
	a := d.associations[packageID]
	if a == nil {
		return searchpack.FileOrder{}, false
	}
	if a.ServingID != "" {
		return d.serving(n, a)
	}
	if f := n.files[packageID]; f.State == searchpack.FileHidden && f.Digest != "" {
		return searchpack.FileOrder{PackageID: packageID, State: searchpack.FileLive, Digest: f.Digest, Size: f.Size, Tree: f.Tree}, true
	}
	o := n.ordered(packageID)
	return o, o.State == searchpack.FileLive
}

// leftOver is a file of a package that this domain has dissociated: on a node that was away then.
// It goes, unless somebody names it again, which a component template can.
func (d *decider) leftOver(n *node, packageID string) (searchpack.FileOrder, bool) {
	f := n.files[packageID]
	if f.Path != "" {
		return released(packageID, f.Path), f.State == searchpack.FileLive
	}
	switch f.State {
	case searchpack.FileLive, searchpack.FileHidden:
		return searchpack.FileOrder{PackageID: packageID, State: searchpack.FileRemoved}, len(d.uses(packageID)) == 0
	}
	return searchpack.FileOrder{}, false
}
