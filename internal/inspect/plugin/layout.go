package plugin

import (
	"path"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

var (
	oldStructure = &rule.Rule{
		ID: "plugin.old-structure", Severity: searchpack.SeverityError, Title: "a folder opensearch/",
		Message: "the zip has a folder opensearch/, as plugins of old had; OpenSearch's installer refuses every zip with such a folder",
		Remedy:  "zip the files of the plugin themselves, or give the folder another name",
	}
	noJar = &rule.Rule{
		ID: "plugin.no-jar", Severity: searchpack.SeverityError, Title: "no jar",
		Message: "the plugin has no jar at its root; it is installed, and then nodes refuse to start: Unable to load plugin class",
		Remedy:  "put the jars beside plugin-descriptor.properties",
	}
	jarElsewhere = &rule.Rule{
		ID: "plugin.jar-elsewhere", Severity: searchpack.SeverityWarning, Title: "a jar that is not loaded",
		Message: "nodes load the jars at the plugin's root, and no others: this one is not loaded",
		Remedy:  "put it beside plugin-descriptor.properties, or leave it out",
	}
	looseClass = &rule.Rule{
		ID: "plugin.loose-class", Severity: searchpack.SeverityWarning, Title: "classes outside of jars",
		Message: "nodes load classes from jars only: this one is not loaded",
		Remedy:  "pack it into a jar",
	}
	supportFolder = &rule.Rule{
		ID: "plugin.support-folder", Severity: searchpack.SeverityError, Title: "bin, config or shared is not as the installer wants it",
		Message: "%s; OpenSearch's installer refuses the plugin",
		Remedy:  "put files only, without folders, into bin, config and shared",
	}
	configFolder = &rule.Rule{
		ID: "plugin.config-folder", Severity: searchpack.SeverityWarning, Title: "a folder in config",
		Message: "the folder config has folders; the installer of OpenSearch 2.19.4 and newer takes them, those of 2.19.0 to 2.19.3 refuse the plugin",
		Remedy:  "put the files into config itself, or see to it that all nodes are new enough",
	}
	scripts = &rule.Rule{
		ID: "plugin.scripts", Severity: searchpack.SeverityNote, Title: "files for people to run",
		Message: "the files of the folder bin are installed in OpenSearch's own folder bin, and everybody may execute them",
		Remedy:  "leave the folder out if nobody needs it",
	}
	configKept = &rule.Rule{
		ID: "plugin.config-kept", Severity: searchpack.SeverityNote, Title: "files for config",
		Message: "the files of the folder config are copied to OpenSearch's own folder config; a file that is there already stays as it is, also when the plugin is updated",
		Remedy:  "have the plugin read old files too, or give changed ones another name",
	}
)

var layoutRules = []*rule.Rule{oldStructure, noJar, jarElsewhere, looseClass, supportFolder, configFolder, scripts, configKept}

// layout looks at where the files lie, and finds the jars that nodes load.
func (in *inspection) layout() {
	told := map[*rule.Rule]bool{} // what is said once for the whole plugin
	once := func(r *rule.Rule, place string) {
		if !told[r] {
			r.Report(in.out, rule.Place{Path: place})
			told[r] = true
		}
	}
	for _, e := range in.archive.Entries() {
		folder, rest, inFolder := strings.Cut(e.Path, "/")
		switch {
		case folder == "opensearch" && (inFolder || e.Dir):
			once(oldStructure, "")
		case e.Dir:
		case !inFolder:
			in.rootFile(e)
		case folder == "bin", folder == "config", folder == "shared":
			in.supportFile(e, folder, rest, once)
		case path.Ext(e.Path) == ".jar":
			in.others = append(in.others, e)
		case path.Ext(e.Path) == ".class":
			once(looseClass, e.Path)
		}
	}
	if len(in.loaded) == 0 {
		noJar.Report(in.out, rule.Place{})
	}
}

// rootFile looks at a file of the plugin's root.
func (in *inspection) rootFile(e archive.Entry) {
	switch {
	case strings.HasSuffix(e.Path, ".jar"): // the pattern of PluginsService.Bundle
		in.loaded = append(in.loaded, e)
	case path.Ext(e.Path) == ".class":
		looseClass.Report(in.out, rule.Place{Path: e.Path})
	case e.Path == "bin", e.Path == "config", e.Path == "shared" && in.target.Version.SharedFolder():
		supportFolder.Report(in.out, rule.Place{Path: e.Path}, e.Path+" is a file and has to be a folder")
	}
}

// supportFile looks at a file of bin/, config/ or shared/; rest is its path in there.
func (in *inspection) supportFile(e archive.Entry, folder, rest string, once func(*rule.Rule, string)) {
	nested := strings.Contains(rest, "/")
	all, some := in.target.Version.ConfigFolders()
	if in.target.Exact {
		some = all // the node's own patch is known
	}
	switch {
	case folder == "shared" && !in.target.Version.SharedFolder():
		if path.Ext(e.Path) == ".jar" {
			in.others = append(in.others, e)
		}
	case nested && (folder != "config" || !some):
		supportFolder.Report(in.out, rule.Place{Path: e.Path}, "the folder "+folder+" has a folder in it")
	case folder == "shared" && strings.HasSuffix(rest, ".jar"):
		in.loaded = append(in.loaded, e)
	case folder == "bin":
		once(scripts, "bin")
	case folder == "config":
		if nested && !all {
			once(configFolder, e.Path)
		}
		once(configKept, "config")
	}
}
