package extapi

import (
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// maxEvents is how many events one answer holds.
const maxEvents = 1000

func (e *edge) events(c call) (any, error) {
	q := catalog.EventQuery{Action: c.query.Get("action"), Subject: c.query.Get("subject")}
	limit, err := c.number("limit", 1, maxEvents, 100)
	if err != nil {
		return nil, err
	}
	q.Limit = int(limit)
	if q.Before, err = c.number("before", 1, 1<<62, 0); err != nil {
		return nil, err
	}
	if q.After, err = c.number("after", 0, 1<<62, 0); err != nil {
		return nil, err
	}
	if since := c.query.Get("since"); since != "" {
		if q.Since, err = time.Parse(time.RFC3339, since); err != nil {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "since is a time like 2026-01-02T15:04:05Z.")
		}
	}
	page, err := e.Catalog.Events(c.Context(), c.who, q)
	if err != nil {
		return nil, err
	}
	return eventsJSON(*page), nil
}

// eventsJSON is a page of the audit log.
type eventsJSON struct {
	Events []*searchpack.Event `json:"events"`
	Next   int64               `json:"next_before,omitempty"`
	Newest int64               `json:"newest,omitempty"`
}
