package inspect

import (
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/rule"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// maxProperty is how many characters AWS shows of a property.
const maxProperty = 1024

// PluginRules are what a plugin is held against.
type PluginRules struct {
	// EngineVersion is the package's: "OpenSearch_3.8"; "" = the version that the plugin is made for.
	EngineVersion string
	MaxUnpacked   int64 // bytes of all files together
	// AWS: the plugin must be made for X.Y.0 and be of a kind that AWS takes. Else any patch of X.Y
	// and any kind will do.
	AWS bool
}

// Plugin inspects a ZIP-PLUGIN. The properties are nil if there is an error among the findings. The
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
	if err != nil || out.Errors() > 0 {
		return nil, Result{}.with(&out), err
	}
	return &searchpack.PluginProperties{
		Name: cutTo(facts.Name), Description: cutTo(facts.Description), Version: cutTo(facts.Version),
		ClassName: cutTo(facts.ClassName), UncompressedSize: a.Unpacked(),
	}, Result{Manifest: manifest}.with(&out), nil
}

// cutTo cuts a property to what AWS shows of it.
func cutTo(s string) string {
	if r := []rune(s); len(r) > maxProperty {
		return string(r[:maxProperty])
	}
	return s
}
