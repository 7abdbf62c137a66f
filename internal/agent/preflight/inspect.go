package preflight

import (
	"io"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/policy"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// maxUnpacked is what a plugin's files may have together, in bytes: what a server takes at most.
const maxUnpacked = 1 << 30

// Candidate is what was learnt of a zip for one node.
type Candidate struct {
	Bundle   Bundle
	Facts    plugin.Facts
	Manifest []searchpack.ManifestEntry
	// Permissions are those that the plugin's policy asks for, explained for the node's version. Opaque:
	// there is a policy that was not understood.
	Permissions []policy.Permission
	Opaque      bool
}

// Inspect reads a plugin's zip for the node, and says why the node would refuse it whatever else is
// installed. The candidate is nil if the zip or its descriptor cannot be used. The error is the
// reader's.
func Inspect(zip io.ReaderAt, size int64, n Node) (*Candidate, []Refusal, error) {
	var out rule.Tally
	a, err := archive.Open(zip, size, archive.Limits{Unpacked: maxUnpacked}, &out)
	if err != nil || a == nil {
		return nil, refusals("", &out), err
	}
	manifest, err := a.Manifest(&out)
	if err != nil || manifest == nil {
		return nil, refusals("", &out), err
	}
	facts, err := plugin.Inspect(a, plugin.Options{Target: n.target()}, &out)
	if err != nil || facts == nil {
		return nil, refusals("", &out), err
	}
	c := &Candidate{Facts: *facts, Manifest: manifest, Bundle: bundleOf(facts)}
	if err := c.readJars(a); err != nil {
		return nil, nil, err
	}
	if err := c.readPolicy(a, n.Version, &out); err != nil {
		return nil, nil, err
	}
	all := refusals(facts.Name, &out)
	if hasShared(a) && n.Version.SharedFolder() {
		all = append(all, Refusal{facts.Name, "the plugin has a folder shared/, whose jars OpenSearch's installer copies to plugins/lib for all plugins; Searchpack does not",
			"put the jars beside plugin-descriptor.properties"})
	}
	return c, all, nil
}

func bundleOf(f *plugin.Facts) Bundle {
	return Bundle{Name: f.Name, Folder: f.Folder, Version: f.OpenSearch, Java: f.Java, Extends: f.Extends}
}

// target is the node as the inspection of plugins wants to know it. Which plugins are installed is
// Check's business.
func (n Node) target() plugin.Target {
	t := plugin.TargetOf(n.Version)
	t.Exact = true
	if n.Java > 0 {
		t.Java = target.Java{Min: n.Java, Max: n.Java}
	}
	known := t.Modules
	t.Modules = []target.Module{}
	for _, b := range n.Bundles {
		if !b.Module {
			continue
		}
		m := target.Module{Name: b.Name}
		if i := slices.IndexFunc(known, func(k target.Module) bool { return k.Name == b.Name }); i >= 0 {
			m.Extensible = known[i].Extensible
		}
		t.Modules = append(t.Modules, m)
	}
	// Names of modules are refused where the node lacks the module too: the installer has a list.
	for _, k := range known {
		if !slices.ContainsFunc(t.Modules, func(m target.Module) bool { return m.Name == k.Name }) {
			t.Modules = append(t.Modules, k)
		}
	}
	if n.Lib != nil {
		t.Lib, t.LibVersion = n.Lib, n.Version
	}
	return t
}

// said are the rules of the inspection that Check applies itself, in OpenSearch's own words.
var said = []string{plugin.EngineVersion, plugin.JavaVersion}

// refusals are the errors that were found.
func refusals(name string, out *rule.Tally) []Refusal {
	var all []Refusal
	for _, f := range out.Findings() {
		if f.Severity == searchpack.SeverityError && !slices.Contains(said, f.Rule) {
			where := ""
			if f.Path != "" {
				where = f.Path + ": "
			}
			all = append(all, Refusal{name, where + f.Message, f.Remedy})
		}
	}
	return all
}

// readJars notes the classes of the jars that JarHell sees.
func (c *Candidate) readJars(a *archive.Archive) error {
	for _, e := range a.Entries() {
		if e.Dir || strings.Contains(e.Path, "/") || !strings.HasSuffix(e.Path, ".jar") {
			continue
		}
		j, err := a.Jar(e, archive.Limits{Unpacked: maxJar})
		if err = archive.Charge(err, &rule.Tally{}); err != nil {
			return err
		}
		jar := Jar{Path: "plugins/" + c.Bundle.Folder + "/" + e.Path}
		if j != nil { // else the inspection has said why
			jar.Classes = classes(j)
		}
		c.Bundle.Jars = append(c.Bundle.Jars, jar)
	}
	return nil
}

func classes(j *archive.Jar) []string {
	var out []string
	for _, e := range j.Entries() {
		if strings.HasSuffix(e.Name, ".class") {
			out = append(out, target.ClassName(e.Name))
		}
	}
	return out
}

// readPolicy explains what the plugin asks for, if it asks.
func (c *Candidate) readPolicy(a *archive.Archive, v target.Version, out *rule.Tally) error {
	e, there := a.Find(policy.Name)
	if !there || e.Dir {
		return nil
	}
	if e.Size > policy.MaxSize {
		c.Opaque = true
		return nil
	}
	text, err := a.ReadFile(e, policy.MaxSize)
	if err != nil {
		return archive.ChargeIn(policy.Name, err, out)
	}
	conf := policy.Config{OpenSearch: v, Jars: []string{}}
	for _, j := range c.Bundle.Jars {
		conf.Jars = append(conf.Jars, j.Path[strings.LastIndexByte(j.Path, '/')+1:])
	}
	before := out.Errors()
	c.Permissions = policy.Policy(text, conf, out)
	c.Opaque = out.Errors() > before
	return nil
}

func hasShared(a *archive.Archive) bool {
	return slices.ContainsFunc(a.Entries(), func(e archive.Entry) bool { return !e.Dir && strings.HasPrefix(e.Path, "shared/") })
}
