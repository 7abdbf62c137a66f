package inspect

import (
	"archive/zip"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/policy"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/sbom"
	"github.com/searchpack/searchpack/internal/inspect/target"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
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
	// Vulnerabilities is what its libraries are compared with; nil = nothing.
	Vulnerabilities *vuln.Database
	WarnVulnerable  bool // a plugin with vulnerable libraries is not refused
	// PatchZero: the plugin must be made for X.Y.0, as AWS has it. Else any patch of X.Y does.
	PatchZero bool
}

// Plugin inspects a ZIP-PLUGIN: that it is a zip that can be listed, within the bounds and without
// paths that lead out of it, and that it has a descriptor at its root which names the plugin, its
// class and the version of OpenSearch of the package; what its policy asks for; which libraries it brings. It does not
// look at classes, Java versions and checksums; nothing is said
// here about whether a node can load the plugin.
//
// The properties are nil if there is an error among the findings. The error is the reader's; a bad
// file is no error but findings.
func Plugin(r io.ReaderAt, size int64, rules PluginRules) (*searchpack.PluginProperties, Result, error) {
	var out rule.Tally
	a, err := openArchive(r, size, rules.MaxUnpacked, &out)
	if err != nil || a == nil {
		return nil, Result{}.with(&out), err
	}
	properties, err := a.descriptor(&out)
	if err != nil || properties == nil {
		return nil, Result{}.with(&out), err
	}
	if message := rules.check(properties["opensearch.version"]); message != "" {
		out.Add(failure(RuleEngineVersion, message, "build the plugin for that version, or create the package with the EngineVersion that it is made for"))
		return nil, Result{}.with(&out), nil
	}
	p := searchpack.PluginProperties{
		Name: cutTo(properties["name"]), Description: cutTo(properties["description"]),
		Version: cutTo(properties["version"]), ClassName: cutTo(properties["classname"]), UncompressedSize: a.unpacked,
	}
	if err := a.permissions(rules, &out); err != nil {
		return nil, Result{}.with(&out), err
	}
	var res Result
	if err := a.libraries(p, rules, &res, &out); err != nil {
		return nil, Result{}.with(&out), err
	}
	if out.Errors() > 0 {
		return nil, res.with(&out), nil
	}
	return &p, res.with(&out), nil
}

// libraries lists what the plugin consists of, and compares it with the known vulnerabilities.
func (a *archive) libraries(p searchpack.PluginProperties, rules PluginRules, res *Result, out *rule.Tally) error {
	components, err := sbom.Components(a.rootFiles())
	switch {
	case a.from.err != nil:
		return fmt.Errorf("read the archive: %w", a.from.err)
	case err != nil:
		out.Add(failure(ruleArchive, "a jar cannot be unpacked ("+err.Error()+")", "make the zip again"))
		return nil
	}
	if rules.Vulnerabilities != nil {
		found := rules.Vulnerabilities.Match(components)
		vuln.Report(found, rules.WarnVulnerable, out)
		res.Vulnerabilities = vuln.Names(found)
	}
	res.SBOM, err = sbom.Document(p, components, time.Time{})
	return err
}

// rootFiles are the files in the plugin's root folder, where its class loader finds jars.
func (a *archive) rootFiles() iter.Seq[sbom.File] {
	return func(yield func(sbom.File) bool) {
		for _, f := range a.files {
			if strings.Contains(f.Name, "/") {
				continue
			}
			open := func() (io.ReadCloser, error) {
				a.from.left += int64(f.CompressedSize64) + maxDirectory //nolint:gosec // budgetReader refuses what is beyond the file
				in, err := f.Open()
				if err != nil {
					return nil, err
				}
				size := int64(f.UncompressedSize64) //nolint:gosec // openArchive compared it with a positive int64
				return struct {
					io.Reader
					io.Closer
				}{io.LimitReader(in, size), in}, nil
			}
			if !yield(sbom.File{Path: f.Name, Size: int64(f.UncompressedSize64), Open: open}) { //nolint:gosec // as above
				return
			}
		}
	}
}

// descriptor reads the descriptor; nil if it is missing or misses something.
func (a *archive) descriptor(out *rule.Tally) (map[string]string, error) {
	var found []*zip.File
	for _, f := range a.files {
		if f.Name == descriptorName {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 0:
		out.Add(failure(ruleDescriptor, "the zip has no "+descriptorName+" at its root", "zip the files of the plugin themselves, not the folder that holds them"))
		return nil, nil
	case len(found) > 1:
		out.Add(failure(ruleDescriptor, fmt.Sprintf("the zip has %d files %s", len(found), descriptorName), "leave one of them"))
		return nil, nil
	}
	b, fault, err := a.read(found[0], maxDescriptor)
	if err != nil {
		return nil, err
	}
	var properties map[string]string
	if fault == "" {
		if properties, err = parseProperties(b); err != nil {
			fault = descriptorName + ": " + err.Error()
		}
	}
	if fault != "" {
		out.Add(failure(ruleDescriptor, fault, "make the zip again"))
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

// permissions looks into the policy, if there is one.
func (a *archive) permissions(rules PluginRules, out *rule.Tally) error {
	c := policy.Config{Jars: []string{}}
	c.OpenSearch, _ = target.Parse(rules.EngineVersion) // what is no version is every version
	var found *zip.File
	for _, f := range a.files {
		if strings.HasSuffix(f.Name, ".jar") && !strings.Contains(f.Name, "/") {
			c.Jars = append(c.Jars, f.Name)
		}
		if f.Name == policy.Name {
			found = f
		}
	}
	if found == nil {
		return nil
	}
	if found.UncompressedSize64 > policy.MaxSize {
		policy.TooLong(out)
		return nil
	}
	text, fault, err := a.read(found, policy.MaxSize)
	if err != nil {
		return err
	}
	if fault != "" {
		out.Add(failure(ruleArchive, fault, "make the zip again"))
		return nil
	}
	policy.Policy(text, c, out)
	return nil
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
