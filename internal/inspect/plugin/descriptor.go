package plugin

import (
	"fmt"
	"strings"

	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// DescriptorName is where a plugin has its descriptor, in its root folder: PluginInfo.OPENSEARCH_PLUGIN_PROPERTIES.
const DescriptorName = "plugin-descriptor.properties"

// MaxDescriptor bounds the descriptor, in bytes: a name, a description and some versions.
const MaxDescriptor = 64 << 10

// known are the properties that PluginInfo.readFromProperties takes.
var known = map[string]bool{
	"name": true, "description": true, "version": true, "opensearch.version": true, "dependencies": true, "java.version": true, "classname": true,
	"custom.foldername": true, "extended.plugins": true, "has.native.controller": true,
}

// descriptor is a descriptor that is being read.
type descriptor struct {
	properties map[string]property
	o          Options
	out        *rule.Tally
	facts      Facts
}

// readDescriptor reads the descriptor and holds it against the target, as OpenSearch does; it goes on
// where OpenSearch would stop. nil = there is nothing in it to go on with. The error is the reader's.
func readDescriptor(a *archive.Archive, o Options, out *rule.Tally) (*descriptor, error) {
	b, err := descriptorBytes(a, out)
	if b == nil {
		return nil, err
	}
	return parseDescriptor(b, o, out), nil
}

// Descriptor reads the descriptor of a plugin or module that is installed already, at most MaxDescriptor
// bytes, and reports to out. The facts say nothing of jars and classes; they are nil if the descriptor
// cannot be used.
func Descriptor(text []byte, o Options, out *rule.Tally) *Facts {
	d := parseDescriptor(text, o, out)
	if d == nil {
		return nil
	}
	return &d.facts
}

func parseDescriptor(b []byte, o Options, out *rule.Tally) *descriptor {
	list, line, err := parseProperties(b)
	if err != nil {
		noDescriptor.Report(out, rule.Place{Path: DescriptorName, Line: line}, DescriptorName+" cannot be read: "+err.Error())
		return nil
	}
	d := &descriptor{properties: map[string]property{}, o: o, out: out}
	for _, p := range list {
		if before, again := d.properties[p.key]; again {
			propertyRepeated.Report(out, d.at(p), rule.Shown([]byte(p.key)), before.line)
		}
		d.properties[p.key] = p
	}
	for _, p := range list {
		if !known[p.key] && d.properties[p.key] == p {
			propertyUnknown.Report(out, d.at(p), rule.Shown([]byte(p.key)))
		}
	}
	d.identity()
	d.openSearch()
	if d.o.Target.Version == (target.Version{}) { // none was given, and the descriptor has none
		d.o.Target = TargetOf(newest())
	}
	d.java()
	d.controller()
	d.extended()
	d.folder()
	return d
}

// descriptorBytes finds the descriptor; nil if it cannot be used.
func descriptorBytes(a *archive.Archive, out *rule.Tally) ([]byte, error) {
	if e, found := a.Find(DescriptorName); found && !e.Dir {
		b, err := a.ReadFile(e, MaxDescriptor)
		if err != nil {
			return nil, archive.Charge(err, out)
		}
		return append([]byte{}, b...), nil // not nil
	}
	fault := "the zip has no " + DescriptorName + " at its root"
	for _, e := range a.Entries() {
		if folder, found := strings.CutSuffix(e.Path, "/"+DescriptorName); found {
			fault += "; there is one in the folder " + rule.Shown([]byte(folder))
			break
		}
	}
	noDescriptor.Report(out, rule.Place{}, fault)
	return nil, nil
}

// at is the place of a property.
func (d *descriptor) at(p property) rule.Place {
	return rule.Place{Path: DescriptorName, Line: p.line, Text: []byte(p.key + "=" + p.value)}
}

// must returns a property that has to be there. What OpenSearch would take empty, it may be.
func (d *descriptor) must(key string, mayBeEmpty bool) property {
	p, found := d.properties[key]
	switch {
	case !found || p.value == "" && !mayBeEmpty:
		propertyMissing.Report(d.out, rule.Place{Path: DescriptorName, Line: p.line}, key)
	case p.value == "" || strings.TrimRight(p.value, " \t\f") != p.value:
		propertyBlank.Report(d.out, d.at(p), key)
	}
	return p
}

func (d *descriptor) identity() {
	d.facts.Name = d.must("name", false).value
	d.facts.Description = d.must("description", true).value
	d.facts.Version = d.must("version", true).value
	// OpenSearch takes an empty class name here, and finds no such class when the node starts.
	d.facts.ClassName = d.must("classname", false).value
}

// blank mirrors PluginInfo.isBlank.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

func (d *descriptor) openSearch() {
	version, hasVersion := d.properties["opensearch.version"]
	dependencies, hasDependencies := d.properties["dependencies"]
	hasVersion, hasDependencies = hasVersion && !blank(version.value), hasDependencies && !blank(dependencies.value)
	p, text := version, version.value
	switch {
	case hasVersion && hasDependencies:
		versionTwice.Report(d.out, d.at(dependencies))
		return
	case !hasVersion && !hasDependencies:
		propertyMissing.Report(d.out, rule.Place{Path: DescriptorName, Line: version.line}, "opensearch.version")
		return
	case hasDependencies:
		p = dependencies
		var err error
		if text, err = d.dependency(p.value); err != nil {
			propertyValue.Report(d.out, d.at(p), p.key, err)
			return
		}
	}
	reader := d.o.Target.Version
	if reader == (target.Version{}) {
		reader = newest()
	}
	r, err := parseRange(text, reader)
	if err != nil {
		propertyValue.Report(d.out, d.at(p), p.key, err)
		return
	}
	d.facts.OpenSearch = r
	d.match(p, text)
	if d.o.Target.Version == (target.Version{}) {
		d.o.Target = TargetOf(r.first())
	}
}

// dependency takes the range out of the property dependencies.
func (d *descriptor) dependency(text string) (string, error) {
	all, err := parseDependencies(text)
	if err != nil {
		return "", err
	}
	r, found := all["opensearch"]
	switch {
	case len(all) != 1:
		return "", fmt.Errorf("it names %d dependencies and must name one: %w", len(all), errDependencies)
	case !found:
		return "", fmt.Errorf("only opensearch may be a dependency: %w", errDependencies)
	case interval.MatchString(r):
		return r, nil
	}
	ranges := javaSplit(r, ",")
	if len(ranges) != 1 {
		return "", fmt.Errorf("%q is not one range", r)
	}
	return strings.TrimSpace(ranges[0]), nil
}

// newest is the newest version that is served.
func newest() target.Version { return target.Served[len(target.Served)-1] }

// match holds the range against the target.
func (d *descriptor) match(p property, text string) {
	t, engine := d.o.Target, d.o.EngineVersion
	if t.Version == (target.Version{}) && engine == "" {
		if !d.o.AWS {
			return
		}
		t.Version = d.facts.OpenSearch.first() // AWS demands patch 0 of whatever it is made for
		engine = fmt.Sprintf("OpenSearch_%d.%d", t.Version.Major, t.Version.Minor)
	}
	demand := ""
	switch wanted := t.Version; {
	case wanted == (target.Version{}):
		demand = ": that is no version of OpenSearch"
	case t.Exact:
		if d.facts.OpenSearch.Holds(wanted) {
			return
		}
		demand = ": the node runs " + wanted.String()
	case d.o.AWS:
		wanted.Patch = 0
		if d.facts.OpenSearch.Holds(wanted) {
			return
		}
		demand = ": it must be " + wanted.String()
	case d.facts.OpenSearch.holdsAny(wanted):
		return
	}
	engineVersion.Report(d.out, d.at(p), p.key, rule.Shown([]byte(text)), rule.Shown([]byte(engine)), demand)
}

func (d *descriptor) java() {
	p := d.must("java.version", false)
	if p.value == "" {
		return
	}
	release, err := parseJava(p.value)
	if err != nil {
		propertyValue.Report(d.out, d.at(p), p.key, err)
		return
	}
	d.facts.JavaVersion, d.facts.Java = p.value, release
	version, java := d.o.Target.Version, d.o.Target.Java
	switch {
	case java.Max != 0 && release > java.Max:
		javaVersionHigh.Report(d.out, d.at(p), release, version, java)
	case release > java.Min:
		javaVersionNewer.Report(d.out, d.at(p), release, version, java)
	}
}

func (d *descriptor) controller() {
	switch p, found := d.properties["has.native.controller"]; {
	case !found || p.value == "false":
	case p.value == "true":
		nativeController.Report(d.out, d.at(p))
	default:
		propertyValue.Report(d.out, d.at(p), p.key, fmt.Sprintf("it must be true or false, without blanks, and is %q", rule.Shown([]byte(p.value))))
	}
}
