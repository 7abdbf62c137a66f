package rollout

import (
	"slices"

	"github.com/searchpack/searchpack"
)

// isPlugin reports whether the package is a plugin or belongs to one: nodes restart for it.
func (d *decider) isPlugin(packageID string) bool {
	_, is := searchpack.PartOf(d.Packages[packageID].Type)
	return is && !d.off.plugins
}

// plugins lists the steps of a rollout for which nodes restart.
func (d *decider) plugins(r *searchpack.Rollout) []searchpack.RolloutStep {
	return slices.DeleteFunc(slices.Clone(r.Steps), func(s searchpack.RolloutStep) bool { return !d.isPlugin(s.PackageID) })
}

// has reports whether the node shows the version: the bytes under their final name, and of a plugin
// that its node was started with it.
func (d *decider) has(n *node, packageID string, v searchpack.Version) bool {
	if d.isPlugin(packageID) {
		return d.hasPlugin(n, d.installed(packageID, d.fitting(v, d.runs(n))))
	}
	return d.shows(n, packageID, v.Digest)
}

// pluginProof says what a node has proven of a plugin.
func (d *decider) pluginProof(v searchpack.Version) (searchpack.Level, string) {
	switch {
	case d.Domain.FilesOnly:
		return searchpack.LevelPlaced, "no OpenSearch"
	case d.part(v.PackageID) != searchpack.PartPlugin:
		return searchpack.LevelLoaded, "on its disk as inspected, and the node was started since with the plugin"
	}
	return searchpack.LevelLoaded, "in the node's own list of plugins, and on its disk as inspected"
}

// installed is the version, which may be of another package of the line, as that of the package that is
// associated.
func (d *decider) installed(packageID string, v searchpack.Version) searchpack.PluginOrder {
	return searchpack.PluginOrder{
		PackageID: packageID, State: searchpack.PluginInstalled, Part: d.part(packageID), Name: d.pluginName(packageID, v.ID),
		VersionID: v.ID, Version: v.Number, Digest: v.Digest, Size: v.Size, Signature: v.Source.Signature, OpenSearch: d.madeForText(v),
	}
}

// hasPlugin reports whether the node is as the line of the order says, by the manifest on its disk and
// by its own list of what it has loaded.
func (d *decider) hasPlugin(n *node, o searchpack.PluginOrder) bool {
	rep, known := n.plugins[o.PackageID]
	if n.Report == nil || rep.Error != "" {
		return false
	}
	if o.State == searchpack.PluginRemoved {
		gone := o.Part != searchpack.PartPlugin || !n.lists(o.Name, nil) // of a configuration its plugin may stay
		return rep.Installed == "" && (d.Domain.FilesOnly || n.Report.Node != nil && gone)
	}
	return known && rep.Installed == o.Digest &&
		(d.Domain.FilesOnly || rep.Started && n.lists(o.Name, d.Versions[o.VersionID].Plugin))
}

// lists reports whether the node's own list has the plugin; with properties, exactly that one.
func (n *node) lists(name string, p *searchpack.PluginProperties) bool {
	if n.Report.Node == nil {
		return false
	}
	return slices.ContainsFunc(n.Report.Node.Plugins, func(l searchpack.LoadedPlugin) bool {
		return l.Name == name && (p == nil || l.Version == p.Version && l.ClassName == p.ClassName)
	})
}

// pluginOrders are what the node is to have under plugins/ when it next starts, by package id.
func (d *decider) pluginOrders(n *node) []searchpack.PluginOrder {
	var out []searchpack.PluginOrder
	for _, id := range d.ids() {
		if o, listed := d.pluginFor(n, id); listed {
			out = append(out, o)
		}
	}
	return append(d.addParts(out), d.leftPlugins(n)...)
}

// leftPlugins are to go: they were dissociated while the node was away.
func (d *decider) leftPlugins(n *node) []searchpack.PluginOrder {
	var out []searchpack.PluginOrder
	for _, id := range n.pluginIDs {
		if rep := n.plugins[id]; d.associations[id] == nil && rep.Installed != "" && !d.movedOn(rep.Part, rep.Name) {
			out = append(out, removed(id, rep.Part, rep.Name))
		}
	}
	return out
}

// movedOn: of a plugin of that name a version of another package serves, so that what lies there is that one's.
func (d *decider) movedOn(part searchpack.PluginPart, name string) bool {
	return slices.ContainsFunc(d.ids(), func(id string) bool {
		a := d.associations[id]
		return a.ServingID != "" && d.isPlugin(id) && d.part(id) == part && name != "" && d.pluginName(id, a.ServingID) == name
	})
}

func removed(id string, part searchpack.PluginPart, name string) searchpack.PluginOrder {
	return searchpack.PluginOrder{PackageID: id, State: searchpack.PluginRemoved, Part: part, Name: name}
}

// pluginFor says what the node is to have of one package. false: it is not listed.
func (d *decider) pluginFor(n *node, id string) (searchpack.PluginOrder, bool) {
	if !d.isPlugin(id) {
		return searchpack.PluginOrder{}, false
	}
	r, s := d.step(id)
	if r == nil || !placed(r.Phase) || r.Phase == searchpack.PhaseReturnRestart {
		return d.servingPlugin(n, d.associations[id])
	}
	target := d.target(s, d.starts(n))
	switch {
	case d.told(n, r) || d.off.apart && d.toldOne(n, s):
		return target, true // said once, it stays so until the rollout goes back
	case r.Phase == searchpack.PhaseReturn, r.Phase == searchpack.PhaseReturnReload, r.Phase == searchpack.PhaseUnhide:
	case !d.couldStart(n, r) && (!d.off.apart || !n.ready[target.Digest].Ready):
	case r.Phase != searchpack.PhaseRestart, d.itsTurn(r, n):
		return target, true
	}
	return d.servingPlugin(n, d.associations[id])
}

// told: the node was told all that the rollout brings. Of a plugin it may be another version now than it was
// then, because its owner has brought the node another OpenSearch: what belongs to it waits with it.
func (d *decider) told(n *node, r *searchpack.Rollout) bool {
	return !slices.ContainsFunc(d.plugins(r), func(s searchpack.RolloutStep) bool { return !d.toldOne(n, s) })
}

func (d *decider) toldOne(n *node, s searchpack.RolloutStep) bool {
	target := d.target(s, d.starts(n))
	told, listed := n.orderedPlugin(s.PackageID)
	return listed && told.State == target.State && told.Digest == target.Digest
}

// couldStart: as far as can be told the node would start with what the rollout brings, all of it: a plugin
// may not start without its configuration. One that was away while the others were asked has not said so
// yet.
func (d *decider) couldStart(n *node, r *searchpack.Rollout) bool {
	return actionOf(r) == searchpack.ActionDissociate || !slices.ContainsFunc(d.plugins(r), func(s searchpack.RolloutStep) bool {
		return !n.ready[d.brings(s, d.starts(n)).Digest].Ready
	})
}

// target is what a step brings to a node of that OpenSearch.
func (d *decider) target(s searchpack.RolloutStep, openSearch string) searchpack.PluginOrder {
	if s.Action == searchpack.ActionDissociate {
		return removed(s.PackageID, d.part(s.PackageID), d.pluginName(s.PackageID, s.FormerID))
	}
	return d.installed(s.PackageID, d.brings(s, openSearch))
}

// former is what a node of that OpenSearch had before a step.
func (d *decider) former(s searchpack.RolloutStep, openSearch string) searchpack.PluginOrder {
	if v, ok := d.Versions[s.FormerID]; ok && s.FormerID != "" {
		return d.installed(s.PackageID, d.fitting(v, openSearch))
	}
	return removed(s.PackageID, d.part(s.PackageID), d.pluginName(s.PackageID, s.VersionID))
}

// pluginName is the name of the plugin in that version, else in any that the world has. A license or
// configuration has that of its plugin.
func (d *decider) pluginName(packageID, versionID string) string {
	if d.part(packageID) != searchpack.PartPlugin {
		if packageID, versionID = d.hostOf(packageID), ""; packageID == "" {
			return ""
		}
	}
	if v := d.Versions[versionID]; v.Plugin != nil {
		return v.Plugin.Name
	}
	for _, v := range d.Versions {
		if v.PackageID == packageID && v.Plugin != nil {
			return v.Plugin.Name // a package's name never changes
		}
	}
	return ""
}

// servingPlugin is the version that serves. Where none does, what an earlier attempt has brought goes.
func (d *decider) servingPlugin(n *node, a *searchpack.Association) (searchpack.PluginOrder, bool) {
	if a.ServingID != "" {
		if v, ok := d.Versions[a.ServingID]; ok && v.Digest != "" {
			return d.installed(a.PackageID, d.fitting(v, d.starts(n))), true
		}
		return n.orderedPlugin(a.PackageID)
	}
	told, listed := n.orderedPlugin(a.PackageID)
	rep := n.plugins[a.PackageID]
	switch {
	case rep.Installed != "":
		return removed(a.PackageID, d.part(a.PackageID), rep.Name), true
	case listed && !(told.State == searchpack.PluginRemoved && d.settled(n)):
		return removed(a.PackageID, d.part(a.PackageID), told.Name), true
	}
	return searchpack.PluginOrder{}, false
}

func (n *node) orderedPlugin(id string) (searchpack.PluginOrder, bool) {
	for _, o := range n.Order.Plugins {
		if o.PackageID == id {
			return o, true
		}
	}
	return searchpack.PluginOrder{}, false
}

// itsTurn: it is the node's turn to get what the rollout brings: now when it is offered its restart, at
// any start when somebody else restarts it.
func (d *decider) itsTurn(r *searchpack.Rollout, n *node) bool {
	switch {
	case d.paused(r):
		return false
	case d.Domain.FilesOnly:
		return true
	case n.Report != nil && n.Report.RestartMode == searchpack.RestartExternal:
		return d.free
	}
	return r.Restart != nil && r.Restart.AgentID == n.ID && r.Restart.Stage != searchpack.StageHold
}
