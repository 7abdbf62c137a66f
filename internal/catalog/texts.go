package catalog

import (
	"bytes"
	"context"
	"errors"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/diff"
)

// maxTexts is how many texts tell two versions apart: each is analyzed on every node.
const maxTexts = 20

// Texts returns texts that the two versions of a dictionary may turn into different terms: left sides
// of rules that were added, removed or changed. Without a former version they are left sides of the
// rules. None: the versions are of different kinds, cannot be compared in time, or differ in nothing
// that has a left side. An error: the bytes cannot be read now. It is a runner.Texts.
func (c *Catalog) Texts(ctx context.Context, former, version *searchpack.Version) ([]string, error) {
	if version.Tree {
		return nil, nil
	}
	if former != nil && (former.Tree || former.Digest == version.Digest) {
		former = nil // nothing to compare with
	}
	d, err := c.difference(ctx, former, version)
	if searchpack.ErrorCode(err) == searchpack.ErrTooLarge {
		return nil, nil
	}
	return d.Witnesses(maxTexts), err
}

func (c *Catalog) difference(ctx context.Context, former, version *searchpack.Version) (diff.Result, error) {
	if former != nil {
		return c.compare(ctx, former, version)
	}
	blob, err := c.openBlob(ctx, version)
	if err != nil {
		return diff.Result{}, err
	}
	defer blob.Close()
	limited, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	nothing := diff.Version{Bytes: bytes.NewReader(nil), Kind: version.Kind}
	d, err := diff.Dictionaries(nothing, diff.Version{Bytes: &timedReader{limited, blob}, Kind: version.Kind}, inspect.Options{})
	if limited.Err() != nil && ctx.Err() == nil || errors.Is(err, diff.ErrTooLarge) {
		return diff.Result{}, searchpack.Errorf(searchpack.ErrTooLarge, "v%d cannot be read in time.", version.Number)
	}
	return d, err
}

// planned says in short what a version changes: it is a Differences.
func (c *Catalog) planned(ctx context.Context, former, version *searchpack.Version) (*Difference, error) {
	if version.Tree || former != nil && former.Tree {
		return &Difference{Note: "folders are not compared here: searchpack diff lists their files"}, nil
	}
	d, err := c.difference(ctx, former, version)
	if err != nil {
		return nil, err
	}
	return &Difference{Added: d.Added, Removed: d.Removed, Changed: d.Changed, Texts: d.Witnesses(maxTexts), Note: d.Note}, nil
}
