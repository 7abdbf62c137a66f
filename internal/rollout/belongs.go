package rollout

import (
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
)

// A license or configuration belongs to the plugin that its association names: all on the nodes goes by
// the plugin and the type. So each has one plugin, always the same, and no plugin two of one type.

// owned are the licenses, or the configurations, of a plugin.
type owned struct {
	plugin string
	kind   searchpack.PackageType
}

// belonging sorts them by plugin; "" = none, or several. A domain may have a thousand of them with a
// thousand prerequisites each.
func (c Call) belonging(rows map[string]searchpack.Association) map[owned][]string {
	out := map[owned][]string{}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		kind := c.Packages[id].Type
		if part, is := searchpack.PartOf(kind); is && part != searchpack.PartPlugin {
			key := owned{hostOf(c.Packages, rows[id]), kind}
			out[key] = append(out[key], id)
		}
	}
	return out
}

// belong checks what a call would leave behind: that each belongs where it may, and that each plugin which
// the call is about has what its PackageConfiguration demands.
func (c Call) belong(rows map[string]searchpack.Association, asked []string) error {
	all, in, plugins := c.belonging(rows), setOf(asked), map[string]bool{}
	for _, id := range asked {
		part, is := searchpack.PartOf(c.Packages[id].Type)
		if is && part == searchpack.PartPlugin {
			plugins[id] = true
		}
	}
	for key, ids := range all {
		for _, id := range ids {
			if !in[id] {
				continue
			}
			if err := c.belongs(id, key.plugin, ids); err != nil {
				return err
			}
			plugins[key.plugin] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(plugins)) {
		if err := c.demands(rows, id, all, in); err != nil {
			return err
		}
	}
	return nil
}

// belongs refuses a license or configuration without a plugin, of another plugin than before, or beside
// another one; all are those of the plugin.
func (c Call) belongs(id, plugin string, all []string) error {
	kind := c.Packages[id].Type
	if plugin == "" {
		return searchpack.Errorf(searchpack.ErrInvalid, "%s", needsPlugin(id, kind))
	}
	if before := hostOf(c.Packages, c.Associations[id]); before != "" && before != plugin {
		return searchpack.Errorf(searchpack.ErrConflict,
			"Package %s belongs to the plugin %s on domain %s. Dissociate it before it is associated for %s.", id, before, c.Domain.Name, plugin)
	}
	if len(all) > 1 {
		other := all[0]
		if other == id {
			other = all[1]
		}
		return searchpack.Errorf(searchpack.ErrConflict,
			"The plugin %s has a %s on domain %s already, package %s, or gets it with this call. One plugin has one: update that package, or dissociate it first.",
			plugin, kind, c.Domain.Name, other)
	}
	return nil
}

// demands holds a plugin that is, or comes to be, on the domain against its RequirementLevels. in are the
// packages of the call, which are there with it or not at all.
func (c Call) demands(rows map[string]searchpack.Association, plugin string, all map[owned][]string, in map[string]bool) error {
	conf := c.configuration(plugin, comes(rows[plugin]))
	for _, x := range levels(conf) {
		has := ""
		for _, id := range all[owned{plugin, x.kind}] {
			if a := rows[id]; a.Status != searchpack.Dissociating && (a.ServingID != "" || in[id]) {
				has = id
			}
		}
		switch {
		case x.level == searchpack.RequirementRequired && has == "":
			return searchpack.Errorf(searchpack.ErrInvalid,
				"The plugin %s does not go without a %s (its %s is %s). Associate both by one AssociatePackages, the %s with %s in its PrerequisitePackageIDList.",
				plugin, x.kind, x.member, x.level, x.kind, plugin)
		case x.level == searchpack.RequirementNone && has != "":
			return searchpack.Errorf(searchpack.ErrInvalid,
				"The plugin %s takes no %s (its %s is %s). Leave package %s out, or dissociate it first.", plugin, x.kind, x.member, x.level, has)
		}
	}
	return nil
}

// demand is one RequirementLevel of a plugin.
type demand struct {
	kind   searchpack.PackageType
	member string
	level  searchpack.RequirementLevel
}

func levels(conf *searchpack.PackageConfiguration) []demand {
	if conf == nil {
		return nil
	}
	return []demand{
		{searchpack.TypeLicense, "LicenseRequirement", conf.License},
		{searchpack.TypeConfig, "ConfigurationRequirement", conf.Configuration},
	}
}

// configuration is what the version of a plugin demands; nil = nothing.
func (c Call) configuration(plugin, version string) *searchpack.PackageConfiguration {
	if p := c.Packages[plugin]; version == p.AvailableID {
		return p.AvailableConfiguration
	}
	return c.Versions[version].Configuration
}

// kept refuses to take away what a plugin that stays cannot do without: its nodes would not start.
func (c Call) kept(going []string) error {
	gone := setOf(going)
	for _, id := range going {
		was := c.Associations[id]
		plugin := hostOf(c.Packages, was)
		if part, is := searchpack.PartOf(c.Packages[id].Type); !is || part == searchpack.PartPlugin || plugin == "" || gone[plugin] ||
			was.ServingID == "" && was.Status != searchpack.Associating {
			continue
		}
		a := c.Associations[plugin]
		for _, version := range []string{a.ServingID, a.WantedID} {
			for _, x := range levels(c.configuration(plugin, version)) {
				if version != "" && a.Status != searchpack.Dissociating && x.kind == c.Packages[id].Type && x.level == searchpack.RequirementRequired {
					return searchpack.Errorf(searchpack.ErrConflict,
						"The plugin %s on domain %s does not go without package %s (its %s is %s). Dissociate the plugin, which takes it along; a newer version of it takes its place by AssociatePackage.",
						plugin, c.Domain.Name, id, x.member, x.level)
				}
			}
		}
	}
	return nil
}
