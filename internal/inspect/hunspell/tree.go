package hunspell

import (
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Tree is a package's zip as the folder that it becomes on nodes. Server and agents make it of the
// same bytes by the same code, so the zip's digest says what the folder holds.
type Tree struct {
	Folder
	zip *archive.Archive
}

// fileMode is the mode of every file of a tree: nothing in it is run.
const fileMode = 0o644

// Open reads a zip strictly and lays it out; nil if something is wrong with it, and out then says
// what. Its bytes are proven only by Walk. The error is the reader's.
func Open(r io.ReaderAt, size, maxUnpacked int64, out *rule.Tally) (*Tree, error) {
	zip, err := archive.Open(r, size, archive.Limits{Unpacked: maxUnpacked}, out)
	if err != nil || zip == nil {
		return nil, err
	}
	var names []string
	for _, e := range zip.Entries() {
		if !e.Dir {
			names = append(names, e.Path)
		}
	}
	folder := Layout(names, out)
	if folder == nil {
		return nil, nil
	}
	return &Tree{*folder, zip}, nil
}

// Manifest lists the files as they lie in the folder, and proves the zip to its last byte; nil if
// something is wrong with it. The error is the reader's.
func (t *Tree) Manifest(out *rule.Tally) ([]searchpack.ManifestEntry, error) {
	all, err := t.zip.Manifest(out)
	for i := range all {
		all[i].Path, all[i].Mode = t.Place(all[i].Path), fileMode
	}
	return all, err
}

// Walk calls f for each file with its place in the folder. Only after nil what f made of them may be
// used. The error is a *archive.Fault, the reader's, or f's.
func (t *Tree) Walk(f func(place string, size int64, r io.Reader) error) error {
	return t.zip.Walk(func(e archive.Entry, r io.Reader) error { return f(t.Place(e.Path), e.Size, r) })
}

// OpenFile opens a file by its name in the zip.
func (t *Tree) OpenFile(name string) (io.ReadCloser, error) {
	e, ok := t.zip.Find(name)
	if !ok {
		return nil, io.ErrUnexpectedEOF // Layout lists what is there
	}
	return t.zip.Open(e)
}
