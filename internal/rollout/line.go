package rollout

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

// Plugins of one name for several versions of OpenSearch are a line: World.Lines. A node is given the
// version that serves if that is made for its OpenSearch, else another of the line that is.

// maxAlternatives bounds the other versions that an order names of one plugin: more versions of OpenSearch
// than a cluster is ever upgraded across while its agents are away.
const maxAlternatives = 16

// starts is the OpenSearch with which the node starts next, as it reports; "" = not known.
func (d *decider) starts(n *node) string {
	switch {
	case d.Domain.FilesOnly:
		return strings.TrimPrefix(d.Domain.EngineVersion, "OpenSearch_")
	case n.Report == nil:
		return ""
	case n.Report.OpenSearch == "" && n.Report.Node != nil: // its agent knows no home, or is older
		return n.Report.Node.Version
	}
	return n.Report.OpenSearch
}

// runs is the OpenSearch that runs there; while none answers, the one with which it starts next.
func (d *decider) runs(n *node) string {
	if !d.Domain.FilesOnly && n.Report != nil && n.Report.Node != nil {
		return n.Report.Node.Version
	}
	return d.starts(n)
}

// madeForText is for which OpenSearch a version of a plugin is made, as descriptors write it; "" = not
// known.
func (d *decider) madeForText(v searchpack.Version) string {
	return madeForText(d.Packages[v.PackageID], v)
}

// MadeForEngine reports whether nodes of some patch of an EngineVersion take a version of a plugin.
func MadeForEngine(p searchpack.Package, v searchpack.Version, engine string) bool {
	text := madeForText(p, v)
	return text == "" || plugin.Fits(text, strings.TrimPrefix(engine, "OpenSearch_"))
}

func madeForText(p searchpack.Package, v searchpack.Version) string {
	switch engine, isOne := strings.CutPrefix(p.EngineVersion, "OpenSearch_"); {
	case v.Plugin == nil:
		return ""
	case v.Plugin.OpenSearch != "":
		return v.Plugin.OpenSearch
	case isOne: // imported by an older Searchpack, which held it against this
		return "~" + engine + ".0"
	}
	return ""
}

// madeFor: nodes of that OpenSearch take the version. What is not known is left to them.
func (d *decider) madeFor(v searchpack.Version, openSearch string) bool {
	text := d.madeForText(v)
	if text == "" || openSearch == "" || d.off.line {
		return true
	}
	key := [2]string{text, openSearch}
	fits, known := d.fits[key]
	if !known {
		fits = plugin.Fits(text, openSearch)
		d.fits[key] = fits
	}
	return fits
}

// fitting is what a node of that OpenSearch is to have where a version of a plugin is wanted; the version
// itself if no other of its line is made for it.
func (d *decider) fitting(v searchpack.Version, openSearch string) searchpack.Version {
	if d.madeFor(v, openSearch) {
		return v
	}
	key := [2]string{v.ID, openSearch}
	found, made := d.fitted[key]
	if !made {
		found = v
		if i := slices.IndexFunc(d.lineOf(v), func(other searchpack.Version) bool { return d.madeFor(other, openSearch) }); i >= 0 {
			found = d.lineOf(v)[i]
		}
		d.fitted[key] = found
	}
	return found
}

// maxLine bounds the versions of a line that a rollout remembers. It is more than orders name, since they
// name one for each range.
const maxLine = 4 * maxAlternatives

// lineNow is the line of a step's plugin as the rollout that begins is to remember it; of those for the same
// versions of OpenSearch the first, which is the one that nodes are given.
func (d *decider) lineNow(s searchpack.RolloutStep) []string {
	v, known := d.Versions[cmp.Or(s.VersionID, s.FormerID)]
	if !known || !d.isPlugin(s.PackageID) || d.off.line {
		return nil
	}
	var ids []string
	seen := map[string]bool{}
	for _, other := range d.lineOf(v) {
		if text := d.madeForText(other); !seen[text] && len(ids) < maxLine {
			seen[text] = true
			ids = append(ids, other.ID)
		}
	}
	return ids
}

// lineOf lists the versions of a plugin's line by preference: first as a rollout that has begun found them;
// then those that lie on nodes, so that a new one changes nothing before it is called for; last one that was
// called for and does not serve (yet); else the newest first.
func (d *decider) lineOf(v searchpack.Version) []searchpack.Version {
	if sorted, made := d.lines[v.ID]; made {
		return sorted
	}
	wanted := map[string]bool{}
	for _, a := range d.associations {
		wanted[a.WantedID] = a.WantedID != a.ServingID
	}
	found := d.lineFound()
	rank := func(x searchpack.Version) int {
		at, remembered := found[x.ID]
		switch {
		case remembered:
			return at - len(found)
		case d.lying()[x.Digest]:
			return 0
		case wanted[x.ID]:
			return 2
		}
		return 1
	}
	var line []searchpack.Version
	for _, id := range d.Lines[v.PackageID] {
		x := d.Versions[id]
		if x.Digest != "" && x.Plugin != nil && v.Plugin != nil && x.Plugin.Name == v.Plugin.Name {
			line = append(line, x)
		}
	}
	slices.SortStableFunc(line, func(a, b searchpack.Version) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Number, a.Number))
	})
	d.lines[v.ID] = line
	return line
}

// lineFound is where each version stands that a rollout found in a line when it began.
func (d *decider) lineFound() map[string]int {
	found := map[string]int{}
	for _, r := range d.rollouts {
		if !r.State.Begun() {
			continue
		}
		for _, s := range r.Steps {
			for _, id := range s.Line {
				found[id] = len(found)
			}
		}
	}
	return found
}

// lying are the zips of the plugins that lie on nodes.
func (d *decider) lying() map[searchpack.Digest]bool {
	if d.lie == nil {
		d.lie = map[searchpack.Digest]bool{}
		for _, n := range d.nodes {
			for _, p := range n.plugins {
				d.lie[p.Installed] = true
			}
		}
	}
	return d.lie
}

// brings is what a step brings to a node of that OpenSearch. A version that is made for no node at all is
// brought to all, so that they refuse it in their own words.
func (d *decider) brings(s searchpack.RolloutStep, openSearch string) searchpack.Version {
	v := d.Versions[s.VersionID]
	if !d.isPlugin(s.PackageID) || !d.madeForSome(v) {
		return v
	}
	return d.fitting(v, openSearch)
}

// madeForSome: there is a node that takes the version, be it silent for the moment.
func (d *decider) madeForSome(v searchpack.Version) bool {
	if d.engines == nil {
		d.engines = map[string]bool{}
		for _, n := range d.nodes {
			d.engines[d.starts(n)] = true
		}
	}
	for openSearch := range d.engines {
		if d.madeFor(v, openSearch) {
			return true
		}
	}
	return len(d.engines) == 0
}

// Suits reports whether some node of the domain takes the newest version of a package that follows the
// latest. A plugin's build for an OpenSearch that no node has waits until one has it.
func Suits(w World, packageID string) bool {
	d := newDecider(w, guards{})
	v, known := w.Versions[w.Packages[packageID].AvailableID]
	return !known || !d.isPlugin(packageID) || d.madeForSome(v)
}

// candidatesFor are those that the node is to try: of a plugin the version for its own OpenSearch.
func (d *decider) candidatesFor(n *node, all []searchpack.Candidate) []searchpack.Candidate {
	own := all
	for i, c := range all {
		r, s := d.step(c.PackageID)
		if !c.Plugin || r == nil || c.Digest != d.Versions[s.VersionID].Digest {
			continue
		}
		if v := d.brings(s, d.starts(n)); v.ID != s.VersionID {
			if &own[0] == &all[0] {
				own = slices.Clone(all)
			}
			own[i].Digest, own[i].Size, own[i].Signature = v.Digest, v.Size, v.Source.Signature
		}
	}
	return own
}

// alternatives are, of the plugins ordered, those for other versions of OpenSearch: a node whose package
// manager brings one while its agent is away has to choose by itself.
func (d *decider) alternatives(orders []searchpack.PluginOrder) []searchpack.PluginOrder {
	var out []searchpack.PluginOrder
	for _, o := range orders {
		v, known := d.Versions[o.VersionID]
		if o.State != searchpack.PluginInstalled || o.Part != searchpack.PartPlugin || !known || d.Domain.FilesOnly || d.off.line {
			continue
		}
		for _, other := range d.othersOf(v) {
			out = append(out, d.installed(o.PackageID, other))
		}
	}
	return out
}

// othersOf are the versions of a plugin's line for other versions of OpenSearch, of each range one.
func (d *decider) othersOf(v searchpack.Version) []searchpack.Version {
	if others, made := d.beside[v.ID]; made {
		return others
	}
	var out []searchpack.Version
	seen := map[string]bool{d.madeForText(v): true, "": true}
	for _, other := range d.lineOf(v) {
		if text := d.madeForText(other); !seen[text] && len(out) < maxAlternatives {
			seen[text] = true
			out = append(out, other)
		}
	}
	d.beside[v.ID] = out
	return out
}

// noneFits says why the node has no version of a plugin, and what to do; "" if it has one.
func (d *decider) noneFits(n *node, o searchpack.PluginOrder) (why, do string) {
	v, known := d.Versions[o.VersionID]
	openSearch := d.starts(n)
	if !known || o.State != searchpack.PluginInstalled || d.Domain.FilesOnly || d.madeFor(v, openSearch) {
		return "", ""
	}
	name := d.packageText(o.PackageID)
	return fmt.Sprintf("no version of %s is made for OpenSearch %s, with which the node starts next (v%d is for %s): it would not start with it",
			name, quote(openSearch), v.Number, quote(d.madeForText(v))),
		fmt.Sprintf("push the plugin's build for OpenSearch %s (searchpack push FILE --name %s), or install another OpenSearch there", quote(openSearch), name)
}

// instead names a version that the node would take, if one that it refuses is made for another OpenSearch.
func (d *decider) instead(n *node, v searchpack.Version) string {
	openSearch := d.starts(n)
	if d.madeFor(v, openSearch) {
		return ""
	}
	other := d.fitting(v, openSearch)
	if other.ID == v.ID {
		return ""
	}
	return fmt.Sprintf(" v%d of package %s is made for OpenSearch %s.", other.Number, other.PackageID, quote(openSearch))
}

// forgetLines is called when what counts for the order of a line has changed: see lineOf.
func (d *decider) forgetLines() {
	clear(d.lines)
	clear(d.beside)
	clear(d.fitted)
}

// withoutVersion names the nodes for which no version of a plugin that serves is made; "" if there are none.
func (d *decider) withoutVersion(a *searchpack.Association) string {
	serving, known := d.Versions[a.ServingID]
	if !known || !d.isPlugin(a.PackageID) {
		return ""
	}
	byVersion := map[string][]string{}
	for _, n := range d.nodes {
		o := d.installed(a.PackageID, d.fitting(serving, d.starts(n)))
		if why, _ := d.noneFits(n, o); why != "" {
			byVersion[quote(d.starts(n))] = append(byVersion[quote(d.starts(n))], n.called())
		}
	}
	var parts []string
	for _, openSearch := range slices.Sorted(maps.Keys(byVersion)) {
		names := byVersion[openSearch]
		slices.Sort(names)
		parts = append(parts, fmt.Sprintf("no version is made for OpenSearch %s of %s", openSearch, list(names)))
	}
	return strings.Join(parts, "; ")
}
