package inspect

import (
	"io"
	"iter"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/policy"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/sbom"
	"github.com/searchpack/searchpack/internal/inspect/target"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

// maxProperty is how many characters AWS shows of a property.
const maxProperty = 1024

// PluginRules are what a plugin is held against.
type PluginRules struct {
	// EngineVersion is the package's: "OpenSearch_3.8"; "" = the version that the plugin is made for.
	EngineVersion string
	MaxUnpacked   int64 // bytes of all files together
	// Vulnerabilities is what its libraries are compared with; nil = nothing.
	Vulnerabilities *vuln.Database
	WarnVulnerable  bool // a plugin with vulnerable libraries is not refused
	// AWS: the plugin must be made for X.Y.0 and be of a kind that AWS takes. Else any patch of X.Y
	// and any kind will do.
	AWS bool
}

// Plugin inspects a ZIP-PLUGIN: the zip itself, its descriptor and jars, what its policy asks for,
// and which libraries it brings. The properties are nil if there is an error among the findings. The
// error is the reader's; a bad file is no error but findings.
func Plugin(r io.ReaderAt, size int64, rules PluginRules) (*searchpack.PluginProperties, Result, error) {
	var out rule.Tally
	a, manifest, err := unpacked(r, size, rules.MaxUnpacked, &out)
	if err != nil || a == nil {
		return nil, Result{}.with(&out), err
	}
	o := plugin.Options{EngineVersion: rules.EngineVersion, AWS: rules.AWS}
	if v, err := target.Parse(rules.EngineVersion); err == nil {
		o.Target = plugin.TargetOf(v)
	}
	facts, err := plugin.Inspect(a, o, &out)
	if err != nil {
		return nil, Result{}.with(&out), err
	}
	if err := permissions(a, o.Target.Version, &out); err != nil {
		return nil, Result{}.with(&out), err
	}
	if facts == nil {
		return nil, Result{}.with(&out), nil
	}
	p := searchpack.PluginProperties{
		Name: cutTo(facts.Name), Description: cutTo(facts.Description), Version: cutTo(facts.Version),
		ClassName: cutTo(facts.ClassName), UncompressedSize: a.Unpacked(),
		OpenSearch: cutTo(facts.OpenSearch.Text),
	}
	res := Result{Manifest: manifest}
	if err := libraries(a, p, rules, &res, &out); err != nil {
		return nil, Result{}.with(&out), err
	}
	if out.Errors() > 0 {
		res.Manifest = nil
		return nil, res.with(&out), nil
	}
	return &p, res.with(&out), nil
}

// permissions looks into the policy, if there is one.
func permissions(a *archive.Archive, v target.Version, out *rule.Tally) error {
	e, there := a.Find(policy.Name)
	if !there || e.Dir {
		return nil
	}
	if e.Size > policy.MaxSize {
		policy.TooLong(out)
		return nil
	}
	text, err := a.ReadFile(e, policy.MaxSize)
	if err != nil {
		return archive.ChargeIn(policy.Name, err, out)
	}
	c := policy.Config{OpenSearch: v, Jars: []string{}}
	for _, e := range a.Entries() {
		if strings.HasSuffix(e.Path, ".jar") && !strings.Contains(e.Path, "/") {
			c.Jars = append(c.Jars, e.Path)
		}
	}
	policy.Policy(text, c, out)
	return nil
}

// libraries lists what the plugin consists of, and compares it with the known vulnerabilities.
func libraries(a *archive.Archive, p searchpack.PluginProperties, rules PluginRules, res *Result, out *rule.Tally) error {
	components, err := sbom.Components(rootFiles(a))
	if err != nil {
		return archive.Charge(err, out)
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
func rootFiles(a *archive.Archive) iter.Seq[sbom.File] {
	return func(yield func(sbom.File) bool) {
		for _, e := range a.Entries() {
			if e.Dir || strings.Contains(e.Path, "/") {
				continue
			}
			if !yield(sbom.File{Path: e.Path, Size: e.Size, Open: func() (io.ReadCloser, error) { return a.Open(e) }}) {
				return
			}
		}
	}
}

// cutTo cuts a property to what AWS shows of it.
func cutTo(s string) string {
	if r := []rune(s); len(r) > maxProperty {
		return string(r[:maxProperty])
	}
	return s
}
