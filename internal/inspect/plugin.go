package inspect

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// descriptorName is PluginInfo.OPENSEARCH_PLUGIN_PROPERTIES.
const descriptorName = "plugin-descriptor.properties"

// maxDescriptor bounds the descriptor, in bytes: a name, a description and some versions.
const maxDescriptor = 64 << 10

// maxProperty is how many characters AWS shows of a property.
const maxProperty = 1024

// RuleEngineVersion is the rule of a plugin made for another version of OpenSearch.
const RuleEngineVersion = "plugin.engine-version"

const ruleDescriptor = "plugin.descriptor"

// PluginRules are what a plugin is held against.
type PluginRules struct {
	EngineVersion string // of the package: "OpenSearch_3.8"
	MaxUnpacked   int64  // bytes of all files together
	// PatchZero: the plugin must be made for X.Y.0, as AWS has it. Else any patch of X.Y does.
	PatchZero bool
}

// Plugin inspects a ZIP-PLUGIN: that it is a zip with one way to read it (package archive), within the
// bounds and proven to its last byte, and that it has a descriptor at its root which names the plugin, its
// class and the version of OpenSearch of the package. It does not look at jars, Java versions and
// policies; nothing is said here about whether a node can load the plugin.
//
// The properties are nil if there is an error among the findings. The error is the reader's; a bad
// file is no error but findings.
func Plugin(r io.ReaderAt, size int64, rules PluginRules) (*searchpack.PluginProperties, Result, error) {
	var out rule.Tally
	a, manifest, err := unpacked(r, size, rules.MaxUnpacked, &out)
	if err != nil || a == nil {
		return nil, Result{}.with(&out), err
	}
	properties, err := readDescriptor(a, &out)
	if err != nil || properties == nil {
		return nil, Result{}.with(&out), err
	}
	if message := rules.check(properties["opensearch.version"]); message != "" {
		out.Add(failure(RuleEngineVersion, message, "build the plugin for that version, or create the package with the EngineVersion that it is made for"))
		return nil, Result{}.with(&out), nil
	}
	return &searchpack.PluginProperties{
		Name: cutTo(properties["name"]), Description: cutTo(properties["description"]),
		Version: cutTo(properties["version"]), ClassName: cutTo(properties["classname"]), UncompressedSize: a.Unpacked(),
	}, Result{Manifest: manifest}.with(&out), nil
}

// readDescriptor reads the descriptor; nil if it is missing or misses something.
func readDescriptor(a *archive.Archive, out *rule.Tally) (map[string]string, error) {
	e, found := a.Find(descriptorName)
	if !found || e.Dir {
		out.Add(failure(ruleDescriptor, "the zip has no "+descriptorName+" at its root", "zip the files of the plugin themselves, not the folder that holds them"))
		return nil, nil
	}
	b, err := a.ReadFile(e, maxDescriptor)
	if err != nil {
		return nil, archive.Charge(err, out)
	}
	properties, err := parseProperties(b)
	if err != nil {
		out.Add(failure(ruleDescriptor, descriptorName+": "+err.Error(), "make the zip again"))
		return nil, nil
	}
	for _, name := range []string{"name", "description", "version", "classname", "opensearch.version"} {
		if strings.TrimSpace(properties[name]) == "" {
			out.Add(failure(ruleDescriptor, "the property "+name+" is missing in "+descriptorName, "add it and make the zip again"))
		}
	}
	if out.Errors() > 0 {
		return nil, nil
	}
	return properties, nil
}

// releaseVersion is what OpenSearch's Version.fromString takes.
var releaseVersion = regexp.MustCompile(`^([0-9]+)\.([0-9]+)\.([0-9]+)(-[0-9A-Za-z]+)*$`)

// check says what is wrong with the version that the plugin is made for; "" if nothing is. The
// message has AWS's words, which clients look for.
func (rules PluginRules) check(version string) string {
	version = strings.TrimSpace(version)
	m := releaseVersion.FindStringSubmatch(version)
	if m != nil && "OpenSearch_"+m[1]+"."+m[2] == rules.EngineVersion && (!rules.PatchZero || m[3]+m[4] == "0") {
		return ""
	}
	message := fmt.Sprintf("the opensearch.version %s of %s doesn't matches with the provided EngineVersion %s",
		rule.Shown([]byte(version)), descriptorName, rules.EngineVersion)
	if wanted, ok := strings.CutPrefix(rules.EngineVersion, "OpenSearch_"); ok && rules.PatchZero {
		message += ": it must be " + wanted + ".0"
	}
	return message
}

// cutTo cuts a property to what AWS shows of it.
func cutTo(s string) string {
	if r := []rune(s); len(r) > maxProperty {
		return string(r[:maxProperty])
	}
	return s
}
