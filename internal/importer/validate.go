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
)

// validate judges a package that is no dictionary of one file. Its bytes are looked at where they are stored: a
// zip is read from its end. passing is what was found while a dictionary was copied.
func (i *Importer) validate(ctx context.Context, j *job, c copied, passing inspect.Result) (outcome, error) {
	blob, err := i.blobs.Open(ctx, c.digest)
	if err != nil {
		return outcome{}, &phaseError{searchpack.PackageValidationFailed, err}
	}
	defer blob.Close()
	plugin, res, err := i.look(j, blob)
	if err != nil {
		return outcome{}, &phaseError{searchpack.PackageValidationFailed, err}
	}
	if j.pkg.Type == searchpack.TypeDictionary {
		res.Declared, res.Learnt, res.Confidence = passing.Declared, passing.Learnt, passing.Confidence
		return judged(c, res, explain(res)), nil
	}
	message := ""
	if res.Failed() {
		message = explain(res)
		if j.pkg.Type == searchpack.TypePlugin {
			message = pluginFailure(res) + message
		}
	}
	out := judged(c, res, message)
	out.plugin = plugin
	return out, nil
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
		rules := inspect.PluginRules{EngineVersion: j.pkg.EngineVersion, MaxUnpacked: most, PatchZero: i.awsRules}
		return inspect.Plugin(&blobReader{blob: blob}, blob.Size(), rules)
	case searchpack.TypeDictionary:
		res, err = inspect.Folder(&blobReader{blob: blob}, blob.Size(), most, inspect.Options{Declared: searchpack.KindHunspell})
	case searchpack.TypeConfig:
		res, err = inspect.Config(&blobReader{blob: blob}, blob.Size(), most)
	default:
		format := strings.TrimPrefix(strings.ToLower(path.Ext(j.version.Source.Key)), ".")
		res, err = inspect.License(blob, format)
	}
	return nil, res, err
}

// pluginFailure begins the message of a plugin that was refused, in AWS's words.
func pluginFailure(res inspect.Result) string {
	const reason = "PluginValidationFailureReason : "
	for _, f := range res.Findings {
		if f.Rule == inspect.RuleEngineVersion {
			return reason
		}
	}
	return reason + "The provided plugin could not be loaded. Why: "
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
