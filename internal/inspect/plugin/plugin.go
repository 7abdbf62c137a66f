// Package plugin inspects an OpenSearch plugin: what its descriptor says, how its files lie, and what
// classes its jars hold, against the nodes that it is made for. It mirrors the installer
// (InstallPluginCommand), the descriptor's reader (PluginInfo.readFromProperties), JarHell and what
// PluginsService does with a plugin when a node starts; where it is stricter, the rule says why.
//
// It is pure. The files come from a zip that was listed and bounded (package archive), the nodes are a
// Target: of tables when a package is imported, of the node itself before it installs. Memory is
// bounded whatever the files are.
package plugin

import (
	"slices"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// Options are what a plugin is held against.
type Options struct {
	// EngineVersion is the package's, as findings name it: "OpenSearch_3.8"; "" = none was given.
	EngineVersion string
	// AWS: the plugin must be made for patch 0 of the target's version, and be of one of the five
	// kinds that AWS takes. Else any patch and any kind will do.
	AWS    bool
	Target Target
}

// Target is the nodes that the plugin is for.
type Target struct {
	// Version is the nodes'. Unless Exact is set its patch is not known: a plugin that some patch
	// takes is right. The zero value stands for the version that the plugin says it is made for.
	Version target.Version
	Exact   bool
	Java    target.Java
	// Modules are built in: no plugin may have their names. nil = not known.
	Modules []target.Module
	// Plugins are the names of the installed ones; nil = not known.
	Plugins []string
	// Lib knows the classes of OpenSearch's own lib/, LibVersion says whose lib/ that is; nil = not
	// known.
	Lib        Lib
	LibVersion target.Version
	// Parents are the plugin classes and interfaces of lib/ with what they extend and implement, as
	// class files name them; nil = not known.
	Parents map[string][]string
}

// Lib finds classes of OpenSearch's own lib/.
type Lib interface {
	// Jar names the jar that has the class, whose name is written with dots.
	Jar(class string) (jar string, found bool)
}

// TargetOf is what is known of all nodes of a version, without asking them.
func TargetOf(v target.Version) Target {
	t := Target{Version: v, Java: v.Java()}
	if l := v.Lib(); l != nil {
		t.Modules, t.Lib, t.Parents = l.Modules, l, l.Plugins
		t.LibVersion, _ = target.Parse(l.Version) // the tables were read, so they have one
	}
	return t
}

// Facts are what was learnt of a plugin, for who installs it.
type Facts struct {
	Name, Description, Version, ClassName string // as the descriptor has them
	// Folder is the plugin's own below plugins/, bin/ and config/.
	Folder string
	// OpenSearch is the versions that the plugin says it is made for.
	OpenSearch Range
	// JavaVersion is the property java.version, Java its first number.
	JavaVersion string
	Java        int
	Extends     []Extended
	// Kinds are what the plugin's class is: "AnalysisPlugin", sorted. As far as it can be decided.
	Kinds []string
	// Jars are those that a node loads.
	Jars []Jar
	// ClassJava is the release of Java that the plugin's classes need; 0 = it has none.
	ClassJava int
}

// Jar is a jar that a node loads with the plugin.
type Jar struct {
	Path    string // in the plugin
	Size    int64  // bytes
	Classes int
	Java    int // the release that its classes need; 0 = it has none
}

// Extended is a plugin or module that a plugin extends.
type Extended struct {
	Name     string
	Optional bool // without it the plugin is loaded too
}

// Inspect looks at all files of a plugin and reports to out. The facts are nil if the descriptor
// cannot be used; else they are there whatever else is wrong. The error is the archive's reader's.
func Inspect(a *archive.Archive, o Options, out *rule.Tally) (*Facts, error) {
	d, err := readDescriptor(a, o, out)
	if err != nil || d == nil {
		return nil, err
	}
	in := newInspection(a, d)
	in.layout()
	if err := in.readJars(); err != nil {
		return nil, err
	}
	in.reportHell()
	in.reportJava()
	if err := in.entry(); err != nil {
		return nil, err
	}
	return &d.facts, nil
}

// Rules are all rules of plugins.
func Rules() []*rule.Rule {
	return slices.Concat(descriptorRules, layoutRules, jarRules, entryRules)
}
