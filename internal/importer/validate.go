package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

// validate judges a package that is no dictionary of one file. Its bytes are looked at where they are stored: a
// zip is read from its end. passing is what was found while a dictionary was copied.
func (i *Importer) validate(ctx context.Context, j *job, c copied, passing inspect.Result) (outcome, error) {
	blob, err := i.blobs.Open(ctx, c.digest)
	if err != nil {
		return outcome{}, &phaseError{searchpack.PackageValidationFailed, err}
	}
	defer blob.Close()
	plugin, res, err := i.look(ctx, j, blob)
	if err != nil {
		return outcome{}, &phaseError{searchpack.PackageValidationFailed, err}
	}
	if j.pkg.Type == searchpack.TypeDictionary {
		res.Declared, res.Learnt, res.Confidence = passing.Declared, passing.Learnt, passing.Confidence
		return judged(c, res, explain(res)), nil
	}
	message := ""
	if res.Failed() {
		if message = explain(res); j.pkg.Type == searchpack.TypePlugin {
			message = pluginFailure(res)
		}
	}
	out := judged(c, res, message)
	if was := j.pkg.AvailablePlugin; was != nil && plugin != nil && out.details == nil && plugin.Name != was.Name {
		// Each name is a folder of its own on nodes: they would have, and load, both.
		out.status = searchpack.PackageValidationFailed
		out.details = &searchpack.ErrorDetails{Type: typeValidationFailed, Message: fmt.Sprintf("%sthe plugin's name is %q, in the versions before it is %q: "+
			"a package has one plugin, so create a package of its own for this one", pluginReason, plugin.Name, was.Name)}
		return out, nil
	}
	if onlyVulnerable(res) {
		// AWS's words and, strange as it is, its empty type.
		out.details = &searchpack.ErrorDetails{Message: fmt.Sprintf("%sDependency Scan reported %d vulnerabilities for the plugin: %s",
			pluginReason, len(res.Vulnerabilities), listed(res.Vulnerabilities))}
	}
	out.plugin = plugin
	return out, nil
}

// maxListed is how many vulnerabilities a message names: the jars of one plugin can have all there are.
const maxListed = 100

func listed(names []string) string {
	if len(names) <= maxListed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
}

// onlyVulnerable reports that a plugin is refused for vulnerable libraries and nothing else.
func onlyVulnerable(res inspect.Result) bool {
	for _, f := range res.Findings { // errors are kept before all others
		if f.Severity == searchpack.SeverityError && f.Rule != vuln.RuleVulnerable {
			return false
		}
	}
	return res.Failed()
}

// look inspects the blob by the package's type. A panic of the inspection, which reads hostile
// bytes, is an error.
func (i *Importer) look(ctx context.Context, j *job, blob searchpack.Blob) (plugin *searchpack.PluginProperties, res inspect.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the inspection: %v", p)
		}
	}()
	most := i.limits[j.pkg.Type].bytes
	switch j.pkg.Type {
	case searchpack.TypePlugin:
		rules := inspect.PluginRules{
			EngineVersion: j.pkg.EngineVersion, MaxUnpacked: most, AWS: i.awsRules,
			Vulnerabilities: i.vulnerabilities, WarnVulnerable: i.warnVulnerable,
		}
		return inspect.Plugin(&blobReader{ctx: ctx, blob: blob}, blob.Size(), rules)
	case searchpack.TypeDictionary:
		res, err = inspect.Folder(&blobReader{ctx: ctx, blob: blob}, blob.Size(), most, inspect.Options{Declared: searchpack.KindHunspell})
	case searchpack.TypeConfig:
		res, err = inspect.Config(&blobReader{ctx: ctx, blob: blob}, blob.Size(), most)
	default:
		format := strings.TrimPrefix(strings.ToLower(path.Ext(j.version.Source.Key)), ".")
		res, err = inspect.License(blob, format)
	}
	return nil, res, err
}

const pluginReason = "PluginValidationFailureReason : "

// pluginFailure is the message of a plugin that was refused. It begins in AWS's words.
func pluginFailure(res inspect.Result) string {
	for i, f := range res.Findings {
		if f.Rule == plugin.EngineVersion {
			res.Findings = slices.Concat([]searchpack.Finding{f}, res.Findings[:i], res.Findings[i+1:])
			return pluginReason + explain(res)
		}
	}
	return pluginReason + "The provided plugin could not be loaded. Why: " + explain(res)
}

// blobReader reads a blob at any offset, until the context ends: not every blob knows of one, and an
// inspection reads much. One goroutine uses it at a time.
type blobReader struct {
	ctx  context.Context
	blob searchpack.Blob
	at   int64 // where the blob stands
}

// ReadAt implements io.ReaderAt.
func (r *blobReader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if off != r.at { // a seek may cost a request
		at, err := r.blob.Seek(off, io.SeekStart)
		if err != nil {
			return 0, err
		}
		r.at = at
	}
	n, err := io.ReadFull(r.blob, p)
	r.at += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
