package cli

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// inspect inspects one file.
func (l *linter) inspect(in *input) (inspect.Result, error) {
	if in.folder || in.as == searchpack.TypePlugin || in.as == searchpack.TypeConfig {
		return l.archive(in)
	}
	if in.as == searchpack.TypeLicense {
		format := strings.TrimPrefix(strings.ToLower(path.Ext(in.name)), ".")
		return l.once(in, func(r io.Reader) (inspect.Result, error) { return inspect.License(r, format) })
	}
	o := inspect.Options{Declared: l.kind, OpenSearch: l.version, DeclareBy: "lint --kind"}
	if in.readers == nil {
		return l.once(in, func(r io.Reader) (inspect.Result, error) { return inspect.Dictionary(r, o) })
	}
	open := func() (io.ReadCloser, error) { return in.open(l.context) }
	if in.path == "" && len(in.readers) == 1 {
		open = func() (io.ReadCloser, error) { return io.NopCloser(l.stdin()), nil }
	} else if err := l.spool(in); err != nil {
		return inspect.Result{}, err
	}
	return inspect.ForReaders(open, o, in.readers)
}

func (l *linter) stdin() io.Reader {
	return &stoppable{ctx: l.context, from: l.context.In, waits: true}
}

// once inspects a file that is read from its beginning to its end.
func (l *linter) once(in *input, inspected func(io.Reader) (inspect.Result, error)) (inspect.Result, error) {
	if in.path == "" {
		return inspected(l.stdin())
	}
	r, err := in.open(l.context)
	if err != nil {
		return inspect.Result{}, err
	}
	defer r.Close()
	return inspected(r)
}

var errLarge = errors.New("standard input has more than 1 GiB, and must be read more than once: give a file")

// spool keeps a copy of standard input.
func (l *linter) spool(in *input) error {
	if in.path != "" || in.file != nil {
		return nil
	}
	return in.keep(func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(l.stdin(), maxPlugin+1))
		if err == nil && n > maxPlugin {
			return errLarge
		}
		return err
	})
}

// archive inspects what is a zip, or a folder that becomes one.
func (l *linter) archive(in *input) (inspect.Result, error) {
	if in.folder && strings.ToLower(path.Ext(in.name)) != ".zip" {
		if err := in.keep(func(w io.Writer) error { return zipped(in.path, w) }); err != nil {
			return inspect.Result{}, err
		}
	}
	if err := l.spool(in); err != nil {
		return inspect.Result{}, err
	}
	r, size, done, err := in.seekable()
	if err != nil {
		return inspect.Result{}, err
	}
	defer done()
	switch {
	case in.folder:
		return inspect.Folder(r, size, maxPlugin, inspect.Options{Declared: searchpack.KindHunspell, OpenSearch: l.version})
	case in.as == searchpack.TypeConfig:
		return inspect.Config(r, size, maxLicense)
	}
	rules := inspect.PluginRules{MaxUnpacked: maxPlugin, AWS: l.aws}
	if l.version != (target.Version{}) {
		rules.EngineVersion = fmt.Sprintf("OpenSearch_%d.%d", l.version.Major, l.version.Minor)
	}
	_, res, err := inspect.Plugin(r, size, rules)
	return res, err
}
