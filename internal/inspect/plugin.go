package inspect

import (
	"fmt"
	"io"
	"strings"

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
	a, err := openArchive(r, size, rules.MaxUnpacked, &out)
	if err != nil || a == nil {
		return nil, Result{}.with(&out), err
	}
	o := plugin.Options{EngineVersion: rules.EngineVersion, AWS: rules.AWS}
	if v, err := target.Parse(rules.EngineVersion); err == nil {
		o.Target = plugin.TargetOf(v)
	}
	facts := plugin.Inspect(a.pluginFiles(), o, &out)
	if a.from.err != nil {
		return nil, Result{}, fmt.Errorf("read the plugin: %w", a.from.err)
	}
	if out.Errors() > 0 {
		return nil, Result{}.with(&out), nil
	}
	return &searchpack.PluginProperties{
		Name: cutTo(facts.Name), Description: cutTo(facts.Description), Version: cutTo(facts.Version),
		ClassName: cutTo(facts.ClassName), UncompressedSize: a.unpacked,
	}, Result{}.with(&out), nil
}

// pluginFiles are the files of the archive as the inspection of plugins takes them.
func (a *archive) pluginFiles() []plugin.File {
	var files []plugin.File
	for _, f := range a.files {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		size := int64(f.UncompressedSize64) //nolint:gosec // openArchive compared it with an int64
		files = append(files, plugin.File{Path: f.Name, Size: size, Open: func() (io.ReadCloser, error) {
			a.from.left += size + maxDirectory // its local header may stand anywhere
			return f.Open()
		}})
	}
	return files
}

// cutTo cuts a property to what AWS shows of it.
func cutTo(s string) string {
	if r := []rune(s); len(r) > maxProperty {
		return string(r[:maxProperty])
	}
	return s
}
