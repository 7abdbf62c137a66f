package cli

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/analyzer"
)

// input is one file to inspect: a file of the machine, standard input, or a folder.
type input struct {
	name   string // as it is shown
	as     searchpack.PackageType
	folder bool   // a folder of Hunspell files, or a zip of one
	path   string // of the file or folder; "" = standard input
	// readers are those of the settings; nil = no settings were given, or it is no dictionary.
	readers []analyzer.Reader
	file    *os.File // a copy of standard input, or the folder as a zip; nil = path is opened
}

// Bounds of what is inspected: those of a server.
const (
	maxPlugin  = 1 << 30 // bytes, of a zip and of what is in it
	maxLicense = 10 << 20
)

// input finds the file, what it is and who reads it. Whatever is wrong here is the command line's
// fault.
func (l *linter) input(name, stdin string) (*input, error) {
	in, err := l.find(name, stdin)
	switch {
	case err != nil:
		return nil, err
	case in.as == searchpack.TypeDictionary && !in.folder && l.settings != nil:
		if in.readers, err = analyzer.Readers(l.settings, in.name, l.kind); err != nil {
			return nil, usagef("--analyzer: %w", err)
		}
	}
	return in, nil
}

func (l *linter) find(name, stdin string) (*input, error) {
	if name == "-" {
		in := &input{name: "stdin", as: searchpack.TypeDictionary}
		if stdin != "" {
			in.name = stdin
		}
		if l.as != "" {
			in.as = l.as
		}
		return in, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, usage{err}
	}
	in := &input{name: filepath.ToSlash(name), path: name, as: searchpack.TypeDictionary}
	switch {
	case info.IsDir():
		found, err := os.ReadDir(name)
		if err != nil {
			return nil, usage{err}
		}
		if !slices.ContainsFunc(found, func(e os.DirEntry) bool { return hunspellFile(e.Name()) }) {
			return nil, usagef("%s is a folder without .aff and .dic files: name the files in it", name)
		}
		in.folder = true
	case l.as != "":
		in.as = l.as
	case strings.EqualFold(path.Ext(in.name), ".zip"):
		in.as, in.folder = zipFileHolds(name, info.Size())
	}
	return in, nil
}

func hunspellFile(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".aff" || ext == ".dic"
}

// zipFileHolds is zipHolds of a file by its name.
func zipFileHolds(name string, size int64) (as searchpack.PackageType, folder bool) {
	f, err := os.Open(name)
	if err != nil {
		return searchpack.TypePlugin, false
	}
	defer f.Close()
	return zipHolds(f, size)
}

// zipHolds says what a zip is by what it holds. One that cannot be listed is taken for a plugin, whose
// inspection says what is wrong with it.
func zipHolds(f io.ReaderAt, size int64) (as searchpack.PackageType, folder bool) {
	if size > maxPlugin {
		return searchpack.TypePlugin, false
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return searchpack.TypePlugin, false
	}
	holds := func(what func(name string) bool) bool {
		return slices.ContainsFunc(z.File, func(f *zip.File) bool { return what(f.Name) })
	}
	switch {
	case holds(func(n string) bool { return path.Base(n) == "plugin-descriptor.properties" || path.Ext(n) == ".jar" }):
		return searchpack.TypePlugin, false
	case holds(hunspellFile):
		return searchpack.TypeDictionary, true
	}
	return searchpack.TypeConfig, false
}

// open gives the bytes from the beginning, until the command is stopped.
func (in *input) open(ctx context.Context) (io.ReadCloser, error) {
	if in.file != nil {
		return io.NopCloser(&stoppable{ctx: ctx, from: io.NewSectionReader(in.file, 0, math.MaxInt64)}), nil
	}
	f, err := os.Open(in.path)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&stoppable{ctx: ctx, from: f}, f}, nil
}

// seekable gives the bytes in any order, and how many there are.
func (in *input) seekable() (io.ReaderAt, int64, func(), error) {
	f, done := in.file, func() {}
	if f == nil {
		var err error
		if f, err = os.Open(in.path); err != nil {
			return nil, 0, nil, err
		}
		done = func() { f.Close() }
	}
	info, err := f.Stat()
	if err != nil {
		done()
		return nil, 0, nil, err
	}
	return f, info.Size(), done, nil
}

// keep makes a file that goes away with the program, for what must be read more than once.
func (in *input) keep(write func(io.Writer) error) error {
	f, err := os.CreateTemp("", "searchpack-lint-*")
	if err != nil {
		return err
	}
	in.file = f
	return write(f)
}

// close removes what keep made.
func (in *input) close() {
	if in.file != nil {
		in.file.Close()
		_ = os.Remove(in.file.Name()) // a temporary file
	}
}

// zipped makes a zip of the files of a folder, as its owner would to upload it. What is no file (a
// folder in it, a link) is no part of a dictionary.
func zipped(folder string, to io.Writer) error {
	found, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	z, left := zip.NewWriter(to), int64(maxPlugin)
	for _, e := range found {
		if !e.Type().IsRegular() {
			continue
		}
		n, err := zipFile(z, folder, e.Name(), left)
		if err != nil {
			return err
		}
		if left -= n; left < 0 {
			return fmt.Errorf("the files of the folder have more than %d bytes", maxPlugin)
		}
	}
	return z.Close()
}

// zipFile adds a file, and at most one byte more than limit. It is packed: what is only stored has a data
// descriptor behind it when it is written in one pass, which archive.descriptor refuses.
func zipFile(z *zip.Writer, folder, name string, limit int64) (int64, error) {
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return 0, err
	}
	return io.Copy(w, io.LimitReader(f, limit+1))
}
