package catalog

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// ResultOK is the Result of an event of a call that was carried out. Failed ones have the code of
// their error.
const ResultOK = "ok"

// EventQuery selects events. Zero values do not restrict.
type EventQuery struct {
	Before, After   int64 // ids, both exclusive
	Since           time.Time
	Action, Subject string // a subject of several words, "F1 products", matches each of them and the whole
	Limit           int    // 0 = maxEvents
}

// Bounds of one look into the audit log: a rare action is not sought through all of it in one
// transaction.
const (
	maxEvents  = 1000
	eventsPage = 500
	maxScanned = 10_000
)

// unordered is how much older an event may be than one with a lower id: the clocks of several
// servers on one database differ.
const unordered = 10 * time.Minute

// EventPage is an answer to an EventQuery.
type EventPage struct {
	Events []*searchpack.Event // newest first
	Next   int64               // the Before to go on with; 0: there are no more
	Newest int64               // the highest id looked at, whether it matched or not: the After to follow with
}

// Events returns events of the caller's account and region.
func (c *Catalog) Events(ctx context.Context, who searchpack.Caller, q EventQuery) (*EventPage, error) {
	if q.Limit <= 0 || q.Limit > maxEvents {
		q.Limit = maxEvents
	}
	var out *EventPage
	err := c.store.View(ctx, func(tx searchpack.Tx) error {
		out = &EventPage{Events: []*searchpack.Event{}, Next: q.Before}
		for scanned := 0; scanned < maxScanned; scanned += eventsPage {
			page, err := tx.Events(ctx, who.Account, who.Region, out.Next, eventsPage)
			if err != nil || out.add(q, page) {
				return err
			}
		}
		return nil
	})
	return out, err
}

// add takes what matches of a page of the store's and reports whether that is enough.
func (p *EventPage) add(q EventQuery, page []*searchpack.Event) (enough bool) {
	for _, e := range page {
		if e.ID <= q.After || e.At.Before(q.Since.Add(-unordered)) {
			p.Next = 0
			return true
		}
		p.Next, p.Newest = e.ID, max(p.Newest, e.ID)
		if q.matches(e) {
			p.Events = append(p.Events, e)
		}
		if len(p.Events) == q.Limit {
			return true
		}
	}
	if len(page) < eventsPage {
		p.Next = 0
		return true
	}
	return false
}

func (q *EventQuery) matches(e *searchpack.Event) bool {
	return !e.At.Before(q.Since) && (q.Action == "" || q.Action == e.Action) &&
		(q.Subject == "" || q.Subject == e.Subject || slices.Contains(strings.Fields(e.Subject), q.Subject))
}

// forgetBatch is how many events one transaction deletes, so that others get their turn.
const forgetBatch = 1000

// ForgetEvents deletes the events of all accounts that are older than before, and says how many
// there were.
func (c *Catalog) ForgetEvents(ctx context.Context, before time.Time) (int, error) {
	for total := 0; ; {
		n := 0
		err := c.store.Update(ctx, func(tx searchpack.Tx) (err error) {
			n, err = tx.DeleteEvents(ctx, before, forgetBatch)
			return err
		})
		total += n
		if err != nil {
			return total - n, err
		}
		if n < forgetBatch {
			return total, nil
		}
	}
}
