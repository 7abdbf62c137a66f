package rollout

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// noPlugin is the ErrorDetails type of a license or configuration that belongs to no plugin.
const noPlugin = "NoPlugin"

// part of a plugin that the package brings.
func (d *decider) part(packageID string) searchpack.PluginPart {
	part, _ := searchpack.PartOf(d.Packages[packageID].Type)
	return part
}

// hostOf is the plugin package that a license or configuration belongs to; "" if its association names
// none, or several.
func (d *decider) hostOf(packageID string) string {
	a := d.associations[packageID]
	if a == nil {
		return ""
	}
	return hostOf(d.Packages, *a)
}

// hostOf finds the one plugin among the prerequisites.
func hostOf(packages map[string]searchpack.Package, a searchpack.Association) string {
	host := ""
	for _, id := range a.Prerequisites {
		switch {
		case packages[id].Type != searchpack.TypePlugin:
		case host != "":
			return ""
		default:
			host = id
		}
	}
	return host
}

// hostless names licenses and configurations that no rollout can place: their associations are from before
// they had to name a plugin.
func (d *decider) hostless(r *searchpack.Rollout) string {
	for _, s := range r.Steps {
		if d.isPlugin(s.PackageID) && d.part(s.PackageID) != searchpack.PartPlugin && d.hostOf(s.PackageID) == "" {
			return needsPlugin(s.PackageID, d.Packages[s.PackageID].Type) + " " + d.nothingPlaced(r)
		}
	}
	return ""
}

func needsPlugin(id string, t searchpack.PackageType) string {
	return fmt.Sprintf("Package %s is a %s and belongs to a plugin: name that plugin's package, and no other plugin, in PrerequisitePackageIDList.", id, t)
}

// addParts says of the licenses and configurations in a node's order to which plugin they belong, and
// where a license lies: its plugin's version has the last word on that, and both go to the node at one
// start.
func (d *decider) addParts(lines []searchpack.PluginOrder) []searchpack.PluginOrder {
	for i, o := range lines {
		if o.Part != searchpack.PartLicense || o.State != searchpack.PluginInstalled {
			continue
		}
		host := d.hostOf(o.PackageID)
		version := ""
		if at := slices.IndexFunc(lines, func(x searchpack.PluginOrder) bool { return x.PackageID == host }); at >= 0 {
			version = lines[at].VersionID
		}
		lines[i].Path = d.licensePath(d.Versions[o.VersionID], host, version)
	}
	return slices.DeleteFunc(lines, func(o searchpack.PluginOrder) bool { return o.Name == "" }) // nobody can say whose it is
}

// comes is the version of a plugin that nodes have, or will: one that was wanted and failed is neither.
func comes(a searchpack.Association) string {
	if a.Status == searchpack.Associating || a.ServingID == "" {
		return a.WantedID
	}
	return a.ServingID
}

// licensePath is where the license goes for that version of its plugin; "" = the one that comes.
func (d *decider) licensePath(v searchpack.Version, host, version string) string {
	if a := d.associations[host]; version == "" && a != nil {
		version = comes(*a)
	}
	if c := d.Versions[version].Configuration; c != nil && c.LicenseFilepath != "" {
		if at := path.Clean(c.LicenseFilepath); searchpack.CheckLicensePath(at) == nil {
			return at
		}
	}
	return "license" + strings.ToLower(path.Ext(v.Source.Key))
}

// candidate is what nodes hold ready of a step.
func (d *decider) candidate(s searchpack.RolloutStep) searchpack.Candidate {
	v := d.Versions[s.VersionID]
	c := searchpack.Candidate{PackageID: s.PackageID, Digest: v.Digest, Size: v.Size, Kind: v.Kind, Tree: v.Tree}
	if !d.isPlugin(s.PackageID) {
		return c
	}
	c.Plugin, c.Signature, c.Part = true, v.Source.Signature, d.part(s.PackageID)
	if c.Part != searchpack.PartPlugin {
		c.Tree, c.For = false, d.pluginName(s.PackageID, s.VersionID)
	}
	if c.Part == searchpack.PartLicense {
		c.Path = d.licensePath(v, d.hostOf(s.PackageID), "")
	}
	return c
}

// hasParts: an agent that knows no parts of plugins would take them for plugins.
func hasParts(o searchpack.Order) bool {
	return slices.ContainsFunc(o.Plugins, func(p searchpack.PluginOrder) bool { return p.Part != searchpack.PartPlugin }) ||
		slices.ContainsFunc(o.Candidates, func(c searchpack.Candidate) bool { return c.Part != searchpack.PartPlugin })
}
