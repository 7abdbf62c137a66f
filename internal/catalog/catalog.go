package catalog

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"github.com/google/uuid"

	"github.com/searchpack/searchpack"
)

// Catalog is the application behind the API edges. Its methods return *searchpack.Error for
// everything a caller can mend.
type Catalog struct {
	store  searchpack.Store
	blobs  searchpack.BlobStore
	now    func() time.Time
	limits Limits
	source SourceCheck
	// authorize decides what a caller may do beside the call itself.
	authorize   searchpack.Authorizer
	differences Differences
	// changed is called after a domain was made or deleted, or was given a change to carry out.
	changed     func()
	log         *slog.Logger
	previewWait time.Duration
	// comparing holds one value for each comparison that is under way.
	comparing chan struct{}
}

// SourceCheck reports whether an account may import from a place, without reading it.
type SourceCheck interface {
	Allowed(account string, s searchpack.Source) bool
	// Refused says why nobody may import from the place; "" = nothing stands against it.
	Refused(s searchpack.Source) string
}

// Options for New. Store is required; every other zero value is a sensible default.
type Options struct {
	Store  searchpack.Store
	Blobs  searchpack.BlobStore // that Diff reads; nil: it cannot
	Now    func() time.Time
	Limits Limits
	Source SourceCheck // nil: every source is allowed
	// Authorize is asked for what a call makes Searchpack do with the caller's rights: read an S3
	// object, pass a role. nil: everything is allowed.
	Authorize searchpack.Authorizer
	// Differences is asked what a version changes, for plans; nil: plans do not say.
	Differences      Differences
	OnDomainsChanged func()
	// PreviewWait is how long Preview waits for a node's answer; 0 = 20 s.
	PreviewWait time.Duration
	Logger      *slog.Logger
}

// New returns a catalog.
func New(o Options) *Catalog {
	c := &Catalog{
		store: o.Store, blobs: o.Blobs, comparing: make(chan struct{}, comparisons), now: o.Now, limits: o.Limits, source: o.Source, authorize: o.Authorize,
		differences: o.Differences, changed: o.OnDomainsChanged, log: o.Logger,
		previewWait: cmp.Or(o.PreviewWait, previewWait),
	}
	if c.differences == nil && c.blobs != nil {
		c.differences = c.planned
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.authorize == nil {
		c.authorize = func(searchpack.Caller, string, string, map[string]string) error { return nil }
	}
	if c.changed == nil {
		c.changed = func() {}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c
}

// clock returns now as it is stored: UTC, microseconds.
func (c *Catalog) clock() time.Time { return c.now().UTC().Truncate(time.Microsecond) }

// newID returns a sortable unique id for rows of our own.
func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic("no randomness: " + err.Error()) // crypto/rand never fails on the systems we support
	}
	return id.String()
}

// newPackageID returns an id as AWS gives them: F and nine digits to dictionaries, pkg- and forty
// hexadecimal digits to everything else. A collision is met by trying again.
func newPackageID(t searchpack.PackageType) string {
	if t != searchpack.TypeDictionary {
		var b [20]byte
		_, _ = rand.Read(b[:]) // never fails, as its documentation says
		return "pkg-" + hex.EncodeToString(b[:])
	}
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000))
	if err != nil {
		panic("no randomness: " + err.Error())
	}
	return fmt.Sprintf("F%d", n.Int64()+100_000_000)
}

// audit adds an event for a mutating call that succeeds, to its own transaction. The edge notes the
// ones that fail.
func (c *Catalog) audit(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, action, subject, detail string) error {
	return tx.AddEvent(ctx, &searchpack.Event{
		At: c.clock(), Account: who.Account, Region: who.Region, Actor: who.ARN,
		Action: action, Subject: subject, Detail: detail,
		Result: ResultOK, AccessKey: who.AccessKey, SourceIP: who.SourceIP, RequestID: who.RequestID,
	})
}

// pageSize is how many rows a list gives when the caller does not say, and AWS's maximum.
const pageSize = 100

// size is how many rows the page has.
func (p Page) size() int {
	if p.Max <= 0 || p.Max > pageSize {
		return pageSize
	}
	return p.Max
}

// cut applies a page to rows that come in ascending order of key. A place is a key, not a count, so
// rows that come and go meanwhile neither repeat nor hide others.
func cut[T any](rows []T, p Page, key func(T) string) ([]T, string) {
	size, start := p.size(), 0
	for start < len(rows) && p.After != "" && key(rows[start]) <= p.After {
		start++
	}
	rows = rows[start:]
	if len(rows) <= size {
		return rows, ""
	}
	return rows[:size], key(rows[size-1])
}
