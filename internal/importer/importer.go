// Package importer is the worker that turns an S3 object into a package version: it streams the
// object into the blob store once (COPYING), the inspection of a dictionary looking on, then judges
// what was found, or opens the blob of a zip or license (VALIDATING), and writes
// what came of it: AVAILABLE, COPY_FAILED or VALIDATION_FAILED.
//
// Bytes come from an ObjectSource and go to a BlobStore; rows go to the Store. It never talks to a
// node and starts no rollout. Every import may be killed at any instruction and is then done again
// from the beginning: the blob is the same blob, statuses only move forward, and the result is
// written in the transaction that ends the lease.
package importer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect"
	"github.com/searchpack/searchpack/internal/inspect/vuln"
)

// The largest packages, in bytes, if the options do not say otherwise. That of plugins is AWS's.
const (
	DefaultMaxDictionary int64 = 2 << 30
	DefaultMaxPlugin     int64 = 1 << 30
	DefaultMaxLicense    int64 = 10 << 20
)

// Options of New. The zero value is the default.
type Options struct {
	MaxDictionary int64 // bytes; 0 = DefaultMaxDictionary
	// MaxPlugin bounds the zip of a plugin and what is in it, unpacked; 0 = DefaultMaxPlugin.
	MaxPlugin int64
	// MaxLicense bounds a license, the zip of a configuration, and what is in that; 0 =
	// DefaultMaxLicense.
	MaxLicense int64
	// PluginRulesAWS demands of a plugin what AWS demands: that it is made for patch 0, and of a kind that AWS takes.
	PluginRulesAWS bool
	// Vulnerabilities is what the libraries of plugins are compared with; nil = nothing.
	Vulnerabilities *vuln.Database
	// WarnVulnerable: a plugin with vulnerable libraries is taken, with warnings.
	WarnVulnerable bool
	// Authorize decides whether who asked for an import may read the checks that its object names; nil:
	// everybody may.
	Authorize searchpack.Authorizer
	Now       func() time.Time // nil = time.Now
	Logger    *slog.Logger     // nil = none
}

// Importer handles work of kind WorkImport.
type Importer struct {
	store    searchpack.Store
	blobs    searchpack.BlobStore
	source   searchpack.ObjectSource
	inspect  inspector
	limits   map[searchpack.PackageType]limit
	awsRules bool

	vulnerabilities *vuln.Database
	warnVulnerable  bool
	authorize       searchpack.Authorizer

	now func() time.Time
	log *slog.Logger
}

// limit is how large an object may be.
type limit struct {
	bytes int64
	of    string // whose limit it is: "dictionaries"
	flag  string // of the server, that raises it
}

// New makes an Importer.
func New(store searchpack.Store, blobs searchpack.BlobStore, source searchpack.ObjectSource, opts Options) *Importer {
	i := &Importer{
		store: store, blobs: blobs, source: source, inspect: inspect.Dictionary,
		limits: map[searchpack.PackageType]limit{
			searchpack.TypeDictionary: {cmp.Or(opts.MaxDictionary, DefaultMaxDictionary), "dictionaries", "--max-dictionary"},
			searchpack.TypePlugin:     {cmp.Or(opts.MaxPlugin, DefaultMaxPlugin), "plugins", "--max-plugin"},
			searchpack.TypeLicense:    {cmp.Or(opts.MaxLicense, DefaultMaxLicense), "licenses", "--max-license"},
			searchpack.TypeConfig:     {cmp.Or(opts.MaxLicense, DefaultMaxLicense), "configurations", "--max-license"},
		},
		vulnerabilities: opts.Vulnerabilities, warnVulnerable: opts.WarnVulnerable, authorize: opts.Authorize,
		awsRules: opts.PluginRulesAWS, now: opts.Now, log: opts.Logger,
	}
	if i.now == nil {
		i.now = time.Now
	}
	if i.log == nil {
		i.log = slog.New(slog.DiscardHandler)
	}
	return i
}

// job is one import.
type job struct {
	version *searchpack.Version
	pkg     *searchpack.Package
}

// Handle imports the version whose id is w.Key. It is a work.Handler.
func (i *Importer) Handle(ctx context.Context, w *searchpack.Work) (searchpack.WorkResult, func(searchpack.Tx) error, error) {
	j, err := i.load(ctx, w.Key)
	if err != nil || j == nil {
		return searchpack.WorkResult{}, nil, err
	}
	out, err := i.run(ctx, j)
	if errors.Is(err, errGone) {
		i.log.Info("import ended: the package was deleted", "package", j.pkg.ID, "version", j.version.ID)
		return searchpack.WorkResult{}, nil, nil
	}
	var phase *phaseError
	switch {
	case err == nil:
	case context.Cause(ctx) != nil || !errors.As(err, &phase):
		return searchpack.WorkResult{}, nil, err // told to end, or the database failed: not the import
	default:
		var again *searchpack.WorkResult
		if out, again = i.failed(j, w, phase); again != nil {
			return *again, nil, nil
		}
	}
	i.log.Info("import ended", "package", j.pkg.ID, "version", j.version.ID, "status", out.status,
		"digest", out.copied.digest.Short(), "size", out.copied.size, "findings", out.inspected.FindingCount)
	at := i.time()
	write := context.WithoutCancel(ctx) // a result is written also while the program stops
	return searchpack.WorkResult{}, func(tx searchpack.Tx) error { return out.write(write, tx, j.version.ID, at) }, nil
}

// run is the way of an import through its statuses.
func (i *Importer) run(ctx context.Context, j *job) (outcome, error) {
	if _, known := i.limits[j.pkg.Type]; !known {
		return refused(searchpack.PackageValidationFailed, "packages of the type "+string(j.pkg.Type)+" are not offered by Searchpack"), nil
	}
	kind, err := i.learnt(ctx, j.pkg)
	if err != nil {
		return outcome{}, err
	}
	c, res, err := i.copy(ctx, j, kind)
	if err != nil {
		return outcome{}, err
	}
	shipped, err := i.readChecks(ctx, j, c)
	if err != nil {
		return outcome{}, err
	}
	if err := i.validating(ctx, j, c); err != nil {
		return outcome{}, err
	}
	if err := i.kept(ctx, c); err != nil {
		return outcome{}, err
	}
	var out outcome
	if j.pkg.Type == searchpack.TypeDictionary && !res.Zip {
		out = judged(c, res, explain(res))
	} else if out, err = i.validate(ctx, j, c, res); err != nil {
		return outcome{}, err
	}
	return out.with(shipped), nil
}

// load reads what is to be imported; nil if that has ended or is gone.
func (i *Importer) load(ctx context.Context, versionID string) (*job, error) {
	var j job
	err := i.store.View(ctx, func(tx searchpack.Tx) (err error) {
		if j.version, err = tx.Version(ctx, versionID); err != nil {
			return err
		}
		j.pkg, err = tx.Package(ctx, j.version.PackageID)
		return err
	})
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ended(j.version) {
		return nil, nil
	}
	return &j, nil
}

// ended reports whether the version's import has come to its end, which it does once.
func ended(v *searchpack.Version) bool {
	return v.Status != searchpack.PackageCopying && v.Status != searchpack.PackageValidating
}

// validating shows clients that the bytes are there. Another worker may be doing the same import
// (this one's lease may be lost without its knowing), so a status only moves forward here.
func (i *Importer) validating(ctx context.Context, j *job, c copied) error {
	return i.store.Update(ctx, func(tx searchpack.Tx) error {
		v, p, err := current(ctx, tx, j.version.ID)
		if err != nil {
			return err
		}
		if v == nil {
			return errGone
		}
		c.describe(v)
		v.Status = searchpack.PackageValidating
		if err := tx.PutVersion(ctx, v); err != nil {
			return err
		}
		if p.ImportID != v.ID {
			return nil
		}
		p.Status, p.Error, p.UpdatedAt = searchpack.PackageValidating, nil, i.time()
		return tx.PutPackage(ctx, p)
	})
}

// kept looks whether the blob is there once the version names it. Bytes that were stored already may
// have been swept away before; from that moment on no sweep touches them (internal/sweeper).
func (i *Importer) kept(ctx context.Context, c copied) error {
	b, err := i.blobs.Open(ctx, c.digest)
	if err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		return copyError(err)
	}
	if err == nil {
		defer b.Close()
		if b.Size() == c.size {
			return nil
		}
	}
	return copyError(searchpack.Errorf(searchpack.ErrUnavailable, "the server's blob store has lost what was just copied"))
}

// current returns the version and its package as they are now; nil if either is gone or the import
// has ended.
func current(ctx context.Context, tx searchpack.Tx, versionID string) (*searchpack.Version, *searchpack.Package, error) {
	v, err := tx.Version(ctx, versionID)
	if err == nil && !ended(v) {
		var p *searchpack.Package
		if p, err = tx.Package(ctx, v.PackageID); err == nil {
			return v, p, nil
		}
	}
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		err = nil
	}
	return nil, nil, err
}

// time is now as the store keeps it.
func (i *Importer) time() time.Time { return i.now().UTC().Truncate(time.Microsecond) }
