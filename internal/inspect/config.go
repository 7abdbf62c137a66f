package inspect

import (
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// Config inspects a PACKAGE-CONFIG: a zip with one way to read it (package archive), within the
// bounds, proven to its last byte. The error is the reader's; a bad file is no error but findings.
func Config(r io.ReaderAt, size, maxUnpacked int64) (Result, error) {
	var out rule.Tally
	_, manifest, err := unpacked(r, size, maxUnpacked, &out)
	return Result{Manifest: manifest}.with(&out), err
}

// unpacked reads a zip in one pass, strictly; the archive is nil if something is wrong with it.
func unpacked(r io.ReaderAt, size, maxUnpacked int64, out *rule.Tally) (*archive.Archive, []searchpack.ManifestEntry, error) {
	a, err := archive.Open(r, size, archive.Limits{Unpacked: maxUnpacked}, out)
	if err != nil || a == nil {
		return nil, nil, err
	}
	manifest, err := a.Manifest(out)
	if err != nil || manifest == nil {
		return nil, nil, err
	}
	return a, manifest, nil
}
