package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/searchpack/searchpack"
)

// EventsCmd shows the audit log.
type EventsCmd struct {
	Action  string `env:"-" placeholder:"ACTION" help:"Only of this action, for example CreatePackage."`
	Subject string `env:"-" placeholder:"SUBJECT" help:"Only about this package id, domain or access key."`
	Since   Span   `env:"-" placeholder:"TIME" help:"Only of the last 90m, 24h, 7d, …"`
	Limit   int    `default:"50" env:"-" help:"At most this many, the newest."`
	Before  int64  `env:"-" help:"Only events older than the one with this id." placeholder:"ID"`
	Follow  bool   `env:"-" short:"f" help:"Go on with what happens from now on, one event a line, until stopped."`

	// Every is how often --follow asks; 0 = followEvery.
	Every time.Duration `kong:"-"`
}

// followEvery is how often --follow asks: soon for a person, little for a server.
const followEvery = 2 * time.Second

// maxAsked is how many events the extension API gives at once.
const maxAsked = 1000

// Help stands below the flags.
func (*EventsCmd) Help() string {
	return `Calls that changed something, calls that were to change something and failed, and what the server and the agents did by themselves.

Examples:
  searchpack events --limit 10
  searchpack events --action DeletePackage --since 24h
  searchpack events --subject F123456789 --output json
  searchpack events --follow`
}

// eventsPage is an answer of the extension API, its events as they came.
type eventsPage struct {
	Events []json.RawMessage `json:"events"`
	Next   int64             `json:"next_before,omitempty"`
	Newest int64             `json:"newest,omitempty"`
}

// Run shows the audit log.
func (e *EventsCmd) Run(c *Context) error {
	switch {
	case e.Limit < 1:
		return usagef("--limit is a number above 0")
	case e.Since < 0:
		return usagef("--since is a time above 0, for example 1h")
	case e.Follow && e.Before > 0:
		return usagef("--follow looks ahead, --before back: give one of them")
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	document, err := e.ask(c, cl, 0, e.Limit)
	if err != nil {
		return err
	}
	if e.Follow {
		return e.follow(c, cl, document)
	}
	events, err := document.decode(cl)
	if err != nil {
		return err
	}
	return c.print(document, func(p *page) {
		t := newTable("ID", "AT", "WHO", "KEY", "FROM", "ACTION", "SUBJECT", "RESULT", "REQUEST", "DETAIL")
		for _, x := range events {
			t.row(x.ID, x.At.Format(time.RFC3339), x.Actor, x.AccessKey, x.SourceIP, x.Action, x.Subject, x.Result, x.RequestID, x.Detail)
		}
		p.table(t)
	})
}

// ask reads up to limit events newer than after, newest first, in as many answers as it takes.
func (e *EventsCmd) ask(c *Context, cl *client, after int64, limit int) (*eventsPage, error) {
	query := url.Values{}
	for name, value := range map[string]string{"action": e.Action, "subject": e.Subject} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if e.Since > 0 {
		query.Set("since", c.Now().Add(-time.Duration(e.Since)).UTC().Format(time.RFC3339))
	}
	if after > 0 {
		query.Set("after", strconv.FormatInt(after, 10))
	}
	all := &eventsPage{Events: []json.RawMessage{}, Next: e.Before}
	for {
		query.Set("limit", strconv.Itoa(min(limit-len(all.Events), maxAsked)))
		if all.Next > 0 {
			query.Set("before", strconv.FormatInt(all.Next, 10))
		}
		var answer eventsPage
		if _, err := cl.call(c, "GET", "/events?"+query.Encode(), nil, &answer); err != nil {
			return nil, err
		}
		if answer.Next < 0 || all.Next > 0 && answer.Next >= all.Next {
			return nil, fmt.Errorf("%s gives pages of the audit log that do not come to an end", cl.endpoint)
		}
		all.Events = append(all.Events, answer.Events...)
		all.Next, all.Newest = answer.Next, max(all.Newest, answer.Newest)
		if all.Next == 0 || len(all.Events) >= limit {
			return all, nil
		}
	}
}

func (p *eventsPage) decode(cl *client) ([]searchpack.Event, error) {
	out := make([]searchpack.Event, len(p.Events))
	for i, raw := range p.Events {
		if json.Unmarshal(raw, &out[i]) != nil {
			return nil, fmt.Errorf("%s answers something that is not Searchpack's extension API", cl.endpoint)
		}
	}
	return out, nil
}

// follow prints events as they come, oldest first, until the context ends.
func (e *EventsCmd) follow(c *Context, cl *client, first *eventsPage) error {
	tick := time.NewTicker(cmp.Or(e.Every, followEvery))
	defer tick.Stop()
	after := int64(0)
	for page := first; ; {
		if err := e.printLines(c, cl, page); err != nil {
			return err
		}
		after = max(after, page.Newest)
		select {
		case <-c.Done():
			return nil
		case <-tick.C:
		}
		next, err := e.ask(c, cl, after, maxAsked)
		switch {
		case c.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		page = next
	}
}

// printLines prints each event as one line, oldest first.
func (e *EventsCmd) printLines(c *Context, cl *client, from *eventsPage) error {
	events, err := from.decode(cl)
	if err != nil {
		return err
	}
	p := &page{terminal: c.Terminal}
	for i, x := range slices.Backward(events) {
		if c.Globals.Output == "json" {
			if _, err := io.WriteString(c.Out, escapeJSON(string(from.Events[i]))+"\n"); err != nil {
				return err
			}
			continue
		}
		p.line("%d  %s  %s  %s  %s  %s  %s  %s  %s  %s", x.ID, x.At.Format(time.RFC3339), dash(x.Actor), dash(x.AccessKey),
			dash(x.SourceIP), x.Action, dash(x.Subject), dash(x.Result), dash(x.RequestID), x.Detail)
	}
	_, err = io.WriteString(c.Out, p.text.String())
	return err
}

// dash stands for what an event lacks, so that the columns of a line can be counted.
func dash(s string) string { return cmp.Or(s, "-") }
