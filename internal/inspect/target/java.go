package target

import "fmt"

// Java is which releases of Java may run a node.
type Java struct {
	Min int // the oldest that starts it
	Max int // the newest that does; 0 = no end is known
}

// Java returns which Java runs nodes of the version. OpenSearch 3 checks for Java 21 at its start
// (org.opensearch.tools.java_version_checker.JavaVersionChecker). OpenSearch 2 is compiled for 11, and
// needs a security manager, which Java 24 no longer has (JEP 486).
func (v Version) Java() Java {
	if v.Major < 3 {
		return Java{Min: 11, Max: 23}
	}
	return Java{Min: 21}
}

// String names the releases: "11 to 23", "21 or newer".
func (j Java) String() string {
	switch {
	case j.Max == 0:
		return fmt.Sprintf("%d or newer", j.Min)
	case j.Max == j.Min:
		return fmt.Sprint(j.Min)
	}
	return fmt.Sprintf("%d to %d", j.Min, j.Max)
}

// SharedFolder reports whether the installer copies a plugin's folder shared/ to plugins/lib, from
// where nodes load its jars: InstallPluginCommand since OpenSearch 3.7.
func (v Version) SharedFolder() bool { return !v.Before(3, 7) }

// ConfigFolders reports whether a plugin's folder config/ may have folders: in every patch of the
// version's minor, and in some of them. InstallPluginCommand refused them until 2.19.3 and 3.2.
func (v Version) ConfigFolders() (all, some bool) {
	if v.Major == 2 && v.Minor == 19 {
		return v.Patch > 3, true
	}
	return !v.Before(3, 3), !v.Before(3, 3)
}

// OptionalParents reports whether jar hell is looked for between a plugin and one that it extends
// optionally: PluginsService.checkBundleJarHell of 2.19.0 does, those of 3.7 and 3.8 do not. The versions
// between are taken for such that do not: their nodes have the last word.
func (v Version) OptionalParents() bool { return v.Before(3, 0) }

// CommonAncestors reports whether two plugins that a third extends may extend a common one: in 2.19.0 that
// is jar hell, in 3.7 and 3.8 it is only logged. The versions between are taken for these.
func (v Version) CommonAncestors() bool { return !v.Before(3, 0) }
