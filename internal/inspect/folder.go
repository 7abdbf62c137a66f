package inspect

import (
	"bytes"
	"errors"
	"io"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/dict"
	"github.com/searchpack/searchpack/internal/inspect/hunspell"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// zipMark begins a zip.
const zipMark = "PK\x03\x04"

// Folder inspects a TXT-DICTIONARY that is a zip and becomes a folder on nodes: Hunspell dictionaries.
// Its Result has the Manifest of the folder, nil if there is an error among the findings. The error is
// the reader's.
func Folder(r io.ReaderAt, size, maxUnpacked int64, o Options) (Result, error) {
	res := Result{Kind: searchpack.KindHunspell, Confidence: 100, Zip: true}
	res.Declared = o.Declared == searchpack.KindHunspell
	res.Learnt = !res.Declared && o.Learnt == searchpack.KindHunspell
	var out rule.Tally
	tree, err := hunspell.Open(r, size, maxUnpacked, &out)
	if err != nil || tree == nil {
		return res.with(&out), err
	}
	if res.Manifest, err = tree.Manifest(&out); err != nil || res.Manifest == nil {
		return res.with(&out), err
	}
	if known := o.OpenSearch.String() != ""; !known || o.OpenSearch.Before(3, 7) {
		hunspell.NeedsVersion(&out, known)
	}
	c := &dict.Config{Findings: &out, Entry: o.Entry, OpenSearch: o.OpenSearch}
	for _, l := range tree.Locales {
		if err := hunspell.Read(l, tree.OpenFile, c); err != nil {
			if fault := (*archive.Fault)(nil); !errors.As(err, &fault) {
				return Result{}, err
			}
			if err := archive.Charge(err, &out); err != nil {
				return Result{}, err
			}
		}
	}
	if out.Errors() > 0 {
		res.Manifest = nil
	}
	return res.with(&out), nil
}

// isZip reports whether a dictionary of the kind is a zip that Folder must look at.
func isZip(kind searchpack.Kind, head []byte) bool {
	return kind == searchpack.KindHunspell && bytes.HasPrefix(head, []byte(zipMark))
}
