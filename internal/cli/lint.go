package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// LintCmd inspects files here, as a server does when they are imported. It asks no server.
type LintCmd struct {
	File        []string `arg:"" help:"Dictionaries, folders of Hunspell files, plugin zips; - is standard input."`
	Kind        string   `env:"-" placeholder:"KIND" help:"What the dictionaries are, for example words; else it is guessed."`
	OpenSearch  string   `env:"-" name:"opensearch" placeholder:"VERSION" help:"The version that reads the files. Without it, every version that is served; a plugin, the version that it says it is made for."`
	Analyzer    string   `env:"-" placeholder:"FILE" help:"Settings of the index that reads the files, as JSON: what GET INDEX/_settings answers."`
	Type        string   `env:"-" placeholder:"TYPE" help:"The PackageType, for example PACKAGE-LICENSE; else a .zip is what it holds, and everything else a dictionary."`
	PluginRules string   `env:"-" enum:"cluster,aws" default:"cluster" help:"Which plugins are accepted: what a cluster takes, or only what AWS does (cluster, aws)."`
	Name        string   `env:"-" placeholder:"NAME" help:"What to call standard input."`
	Strict      bool     `env:"-" help:"Fail on warnings, and on what most analyzers refuse, too."`
}

// Help stands below the flags.
func (*LintCmd) Help() string {
	return "Examples:\n" +
		"  searchpack lint synonyms.txt stop/*.txt\n" +
		"  searchpack lint stop.txt --kind words\n" +
		"  searchpack lint synonyms.txt --analyzer settings.json --opensearch 3.8\n" +
		"  searchpack lint plugin.zip --opensearch 3.8.0 --plugin-rules aws\n" +
		"  searchpack lint - --name synonyms.txt --output sarif < synonyms.txt\n" +
		"It ends with 0 if nothing that it found is an error, with 1 if something is, with 2 if it could not be asked so."
}

// ErrFound is what Lint returns when it found errors: exit status 1, and its text is a summary.
var ErrFound = errors.New("found")

type foundError struct{ summary string }

func (f foundError) Error() string      { return f.summary }
func (foundError) Is(target error) bool { return target == ErrFound }

// linter is a command line that was understood.
type linter struct {
	context  *Context
	kind     searchpack.Kind
	as       searchpack.PackageType // "": by what the file is
	version  target.Version
	settings []byte // nil: none given
	aws      bool
}

// linted is what was found in one file.
type linted struct {
	name   string
	as     searchpack.PackageType
	result inspect.Result
	folder bool // a folder here, not a zip: its files have paths that editors and forges open
}

// file is the name of the file that the finding is in, and the finding with what it says beyond that.
func (l linted) file(f searchpack.Finding) (string, searchpack.Finding) {
	if !l.folder || f.Path == "" {
		return l.name, f
	}
	name := filepath.Join(l.name, filepath.FromSlash(f.Path))
	f.Path = ""
	return name, f
}

// Run inspects the files, in the order given. All are looked for before the first is inspected.
func (l *LintCmd) Run(c *Context) error {
	lint, err := l.understood(c)
	if err != nil {
		return err
	}
	var inputs []*input
	defer func() {
		for _, in := range inputs {
			in.close()
		}
	}()
	for _, name := range l.File {
		in, err := lint.input(name, l.Name)
		if err != nil {
			return err
		}
		inputs = append(inputs, in)
	}
	report := c.lintReport()
	var total tally
	for _, in := range inputs {
		if err := c.Err(); err != nil {
			return err
		}
		res, err := lint.inspect(in)
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		total.add(&res, l.Strict)
		if err := report.file(linted{in.name, in.as, res, in.folder && in.file != nil}); err != nil {
			return err
		}
	}
	if err := report.end(total); err != nil {
		return err
	}
	if total.failed > 0 {
		return foundError{total.String()}
	}
	return nil
}

// understood checks the flags, and reads the settings.
func (l *LintCmd) understood(c *Context) (*linter, error) {
	out := &linter{context: c, kind: searchpack.Kind(l.Kind), as: searchpack.PackageType(l.Type), aws: l.PluginRules == "aws"}
	if l.Kind != "" && !slices.Contains(searchpack.Kinds, out.kind) {
		return nil, usagef("--kind %q is none of %s", l.Kind, names(searchpack.Kinds))
	}
	types := []searchpack.PackageType{searchpack.TypeDictionary, searchpack.TypePlugin, searchpack.TypeLicense, searchpack.TypeConfig}
	if l.Type != "" && !slices.Contains(types, out.as) {
		return nil, usagef("--type %q is none of %s", l.Type, names(types))
	}
	if l.OpenSearch != "" {
		var err error
		if out.version, err = target.Parse(l.OpenSearch); err != nil {
			return nil, usage{err}
		}
		if why := out.version.Impossible(); why != "" {
			return nil, usagef("--opensearch %s is no version of OpenSearch: %s", l.OpenSearch, why)
		}
		if far := out.version.Unserved(); far != "" {
			c.note("%s: files are judged as that one reads them", far)
		}
	}
	if l.Name != "" && !slices.Contains(l.File, "-") {
		return nil, usagef("--name is for standard input: give - as the file")
	}
	if i := slices.Index(l.File, "-"); i >= 0 && slices.Contains(l.File[i+1:], "-") {
		return nil, usagef("standard input can be read once: - is given twice")
	}
	if l.Analyzer == "" {
		return out, nil
	}
	f, err := os.Open(l.Analyzer)
	if err != nil {
		return nil, usage{err}
	}
	defer f.Close()
	if out.settings, err = io.ReadAll(io.LimitReader(f, analyzer.MaxSettings+1)); err != nil {
		return nil, usage{err}
	}
	return out, nil
}

func names[T ~string](all []T) string {
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}

// tally counts over all files.
type tally struct{ files, failed, errors, others int }

// add counts a file. One fails by an error; with strict by a warning, too. Findings that were not
// kept are no more severe than those that were.
func (t *tally) add(r *inspect.Result, strict bool) {
	t.files++
	t.errors += r.ErrorCount
	t.others += r.FindingCount - r.ErrorCount
	if r.Failed() || strict && slices.ContainsFunc(r.Findings, func(f searchpack.Finding) bool { return f.Severity != searchpack.SeverityNote }) {
		t.failed++
	}
}

// String says it in a line: "2 errors and 1 other finding; 1 of 3 files fails", "nothing found in 2
// files".
func (t tally) String() string {
	switch {
	case t.errors+t.others == 0:
		return "nothing found in " + counted(t.files, "file")
	case t.failed == 0:
		return fmt.Sprintf("%s in %s; no file fails", counted(t.others, "finding"), counted(t.files, "file"))
	}
	verb := "fail"
	if t.failed == 1 {
		verb = "fails"
	}
	return fmt.Sprintf("%s and %s; %d of %s %s", counted(t.errors, "error"), counted(t.others, "other finding"), t.failed, counted(t.files, "file"), verb)
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
