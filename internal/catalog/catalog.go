package catalog

import (
	"context"
	"crypto/rand"
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
	now    func() time.Time
	limits Limits
	source SourceCheck
	// changed is called after a domain was made or deleted, or was given a change to carry out.
	changed func()
	log     *slog.Logger
}

// SourceCheck reports whether an account may import from a place, without reading it.
type SourceCheck interface {
	Allowed(account string, s searchpack.Source) bool
	// Refused says why nobody may import from the place; "" = nothing stands against it.
	Refused(s searchpack.Source) string
}

// Options for New. Store is required; every other zero value is a sensible default.
type Options struct {
	Store            searchpack.Store
	Now              func() time.Time
	Limits           Limits
	Source           SourceCheck // nil: every source is allowed
	OnDomainsChanged func()
	Logger           *slog.Logger
}

// New returns a catalog.
func New(o Options) *Catalog {
	c := &Catalog{store: o.Store, now: o.Now, limits: o.Limits, source: o.Source, changed: o.OnDomainsChanged, log: o.Logger}
	if c.now == nil {
		c.now = time.Now
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

// newPackageID returns an id as AWS gives to customers' dictionaries: F and digits. Nine digits
// are what AWS shows; a collision is met by trying again.
func newPackageID() string {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000))
	if err != nil {
		panic("no randomness: " + err.Error())
	}
	return fmt.Sprintf("F%d", n.Int64()+100_000_000)
}

// audit adds an event for a mutating call to the same transaction.
func (c *Catalog) audit(ctx context.Context, tx searchpack.Tx, who searchpack.Caller, action, subject, detail string) error {
	return tx.AddEvent(ctx, &searchpack.Event{
		At: c.clock(), Account: who.Account, Region: who.Region, Actor: who.ARN,
		Action: action, Subject: subject, Detail: detail,
	})
}

// pageSize is how many rows a list gives when the caller does not say, and AWS's maximum.
const pageSize = 100

// cut applies a page to rows that come in ascending order of key.
func cut[T any](rows []T, p Page, key func(T) string) ([]T, string) {
	size := p.Max
	if size <= 0 || size > pageSize {
		size = pageSize
	}
	start := 0
	for start < len(rows) && p.After != "" && key(rows[start]) <= p.After {
		start++
	}
	rows = rows[start:]
	if len(rows) <= size {
		return rows, ""
	}
	return rows[:size], key(rows[size-1])
}
