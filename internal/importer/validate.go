package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

// validate judges a package that is no dictionary. Its bytes are looked at where they are stored: a
// zip is read from its end.
func (i *Importer) validate(ctx context.Context, j *job, c copied) (outcome, error) {
	blob, err := i.blobs.Open(ctx, c.digest)
	if err != nil {
		return outcome{}, &phaseError{searchpack.PackageValidationFailed, err}
	}
	defer blob.Close()
	plugin, res, err := i.look(j, blob)
	if err != nil {
		return outcome{}, &phaseError{searchpack.PackageValidationFailed, err}
	}
	message := ""
	if res.Failed() {
		message = explain(res)
		if j.pkg.Type == searchpack.TypePlugin {
			message = pluginFailure(res) + message
		}
	}
	out := judged(c, res, message)
	if onlyVulnerable(res) {
		// AWS's words and, strange as it is, its empty type.
		out.details = &searchpack.ErrorDetails{Message: fmt.Sprintf("%sDependency Scan reported %d vulnerabilities for the plugin: %s",
			pluginReason, len(res.Vulnerabilities), strings.Join(res.Vulnerabilities, ", "))}
	}
	out.plugin = plugin
	return out, nil
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
func (i *Importer) look(j *job, blob searchpack.Blob) (plugin *searchpack.PluginProperties, res inspect.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the inspection: %v", p)
		}
	}()
	most := i.limits[j.pkg.Type].bytes
	switch j.pkg.Type {
	case searchpack.TypePlugin:
		rules := inspect.PluginRules{EngineVersion: j.pkg.EngineVersion, MaxUnpacked: most, PatchZero: i.awsRules, Vulnerabilities: i.vulnerabilities, WarnVulnerable: i.warnVulnerable}
		return inspect.Plugin(&blobReader{blob: blob}, blob.Size(), rules)
	case searchpack.TypeConfig:
		res, err = inspect.Config(&blobReader{blob: blob}, blob.Size(), most)
	default:
		format := strings.TrimPrefix(strings.ToLower(path.Ext(j.version.Source.Key)), ".")
		res, err = inspect.License(blob, format)
	}
	return nil, res, err
}

const pluginReason = "PluginValidationFailureReason : "

// pluginFailure begins the message of a plugin that was refused, in AWS's words.
func pluginFailure(res inspect.Result) string {
	for _, f := range res.Findings {
		if f.Rule == inspect.RuleEngineVersion {
			return pluginReason
		}
	}
	return pluginReason + "The provided plugin could not be loaded. Why: "
}

// blobReader reads a blob at any offset. One goroutine uses it at a time.
type blobReader struct {
	blob searchpack.Blob
	at   int64 // where the blob stands
}

// ReadAt implements io.ReaderAt.
func (r *blobReader) ReadAt(p []byte, off int64) (int, error) {
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
