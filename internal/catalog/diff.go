package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/diff"
)

const (
	// compareTime is how long comparing two versions may take. Dictionaries of half a million rules of
	// three terms each take some ten seconds.
	compareTime = 30 * time.Second
	// comparisons is how many are done at once: each takes a core and up to some 200 MiB.
	comparisons = 1
)

// Diff is what differs between two versions of a package.
type Diff struct {
	From, To *searchpack.Version
	diff.Result
}

// Diff compares two versions of the caller's package, by their numbers: to 0 means the one that is
// available, from 0 the one before to. Errors as Findings; ErrTooLarge
// if it takes too long, ErrUnavailable while the bytes cannot be read.
func (c *Catalog) Diff(ctx context.Context, who searchpack.Caller, id string, from, to int) (*Diff, error) {
	var d Diff
	var p *searchpack.Package
	var before, after []searchpack.ManifestEntry
	err := c.store.View(ctx, func(tx searchpack.Tx) (err error) {
		if p, err = ownPackage(ctx, tx, who, id, "looked into"); err != nil {
			return err
		}
		if to == 0 {
			to = p.AvailableNumber
		}
		if from == 0 {
			from = to - 1
		}
		if to < 1 || from < 1 {
			return searchpack.Errorf(searchpack.ErrNotFound, "Package %s has no two versions to compare.", id)
		}
		if _, d.From, err = ownVersion(ctx, tx, who, id, from); err != nil {
			return err
		}
		if _, d.To, err = ownVersion(ctx, tx, who, id, to); err != nil {
			return err
		}
		if before, err = tx.Manifest(ctx, d.From.ID); err != nil {
			return err
		}
		after, err = tx.Manifest(ctx, d.To.ID)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case d.From.Digest == d.To.Digest:
		d.Result = diff.Identical()
	case before != nil && after != nil:
		d.Result = diff.Files(before, after)
	case p.Type == searchpack.TypePlugin || p.Type == searchpack.TypeConfig:
		d.Result = diff.Result{Way: diff.ByBytes, Note: "the bytes differ; which files are in the zip was not kept when these versions were imported"}
	default:
		d.Result, err = c.compare(ctx, d.From, d.To)
	}
	if p.Type == searchpack.TypePlugin {
		d.Descriptor = diff.Descriptors(d.From.Plugin, d.To.Plugin)
	}
	return &d, err
}

// compare compares the bytes of two versions.
func (c *Catalog) compare(parent context.Context, from, to *searchpack.Version) (diff.Result, error) {
	ctx, cancel := context.WithTimeout(parent, compareTime)
	defer cancel()
	late := searchpack.Errorf(searchpack.ErrTooLarge, "v%d and v%d cannot be compared within %d seconds. Download both and compare them there, or try again when the server has less to do.", from.Number, to.Number, int(compareTime.Seconds()))
	select {
	case c.comparing <- struct{}{}:
		defer func() { <-c.comparing }()
	case <-ctx.Done():
		return diff.Result{}, endedErr(parent, late)
	}
	var sides [2]diff.Version
	for i, v := range []*searchpack.Version{from, to} {
		blob, err := c.openBlob(ctx, v)
		if err != nil {
			return diff.Result{}, err
		}
		defer blob.Close()
		sides[i] = diff.Version{Bytes: &timedReader{ctx, blob}, Kind: v.Kind}
	}
	res, err := diff.Dictionaries(sides[0], sides[1], inspect.Options{})
	switch {
	case ctx.Err() != nil:
		return diff.Result{}, endedErr(parent, late)
	case errors.Is(err, diff.ErrTooLarge):
		return diff.Result{}, searchpack.Errorf(searchpack.ErrTooLarge, "v%d and v%d cannot be compared: %w.", from.Number, to.Number, err)
	case err != nil:
		return diff.Result{}, fmt.Errorf("compare v%d and v%d: %w", from.Number, to.Number, err)
	}
	return res, nil
}

// endedErr is why a comparison ended early: its caller went away, or it was late.
func endedErr(parent context.Context, late error) error {
	if err := parent.Err(); err != nil {
		return err
	}
	return late
}

func (c *Catalog) openBlob(ctx context.Context, v *searchpack.Version) (searchpack.Blob, error) {
	if c.blobs == nil {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "The bytes of versions cannot be read here.")
	}
	blob, err := c.blobs.Open(ctx, v.Digest)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "The bytes of v%d are not in the blob store.", v.Number)
	}
	return blob, err
}

// timedReader fails once the context has ended.
type timedReader struct {
	ctx context.Context
	io.ReadSeeker
}

// Read implements io.Reader.
func (r *timedReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.ReadSeeker.Read(p)
}
