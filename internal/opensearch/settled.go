package opensearch

import (
	"context"
	"net/http"
	"net/url"

	"github.com/searchpack/searchpack"
)

// settleWait is how long OpenSearch itself waits for copies before it answers that they still move.
const settleWait = "5s"

// settled returns nil when no copy of the index is starting or moving. Such a copy has built its
// analyzers from the file that lay there when it began, and a refresh passes it over: it would
// start serving the former version. Those that begin after a file was placed need no waiting, so
// the order is place, settle, refresh.
//
// The elected manager answers. It applies a state last, when the others may be at work on it for a
// second already; wait_for_events makes it answer after the state that it is just publishing.
func (c *Client) settled(ctx context.Context, index string) error {
	const health = "/_cluster/health/"
	path := health + url.PathEscape(index)
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, path, url.Values{
		"wait_for_events": {"immediate"}, "wait_for_no_initializing_shards": {"true"}, "wait_for_no_relocating_shards": {"true"},
		"timeout": {settleWait},
	}, nil, maxAnswer)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK && a.status != http.StatusRequestTimeout {
		return a.failure(health)
	}
	var h struct {
		TimedOut   bool `json:"timed_out"`
		Active     *int `json:"active_shards"`
		Starting   *int `json:"initializing_shards"`
		Moving     *int `json:"relocating_shards"`
		Unassigned *int `json:"unassigned_shards"`
	}
	if err := a.decode(health, &h); err != nil {
		return err
	}
	if h.Active == nil || h.Starting == nil || h.Moving == nil || h.Unassigned == nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch's answer to %s holds no numbers of shards", health)
	}
	switch n := *h.Starting + *h.Moving; {
	case n == 1:
		return searchpack.Errorf(searchpack.ErrUnavailable, "1 copy of index %s is still starting or moving", index)
	case n > 1:
		return searchpack.Errorf(searchpack.ErrUnavailable, "%d copies of index %s are still starting or moving", n, index)
	case h.TimedOut && *h.Active+*h.Unassigned > 0:
		return searchpack.Errorf(searchpack.ErrUnavailable, "the elected cluster manager is too busy to tell whether copies of index %s are starting", index)
	}
	return nil // none at all: the index is gone or closed, which the refresh will say
}

// published returns nil when the elected manager has no cluster state under way: one that it is
// publishing is nowhere to be read, and may come from a request that read a package's file before it
// was hidden. (An index whose creation waits for a slow node would be missing in both looks, and its
// file deleted.) The wait is a task in the manager's queue: it runs when the publication before it
// has ended, and what comes after it reads the files as they lie now.
func (c *Client) published(ctx context.Context) error {
	const health = "/_cluster/health"
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, health, url.Values{
		"wait_for_events": {"immediate"}, "timeout": {settleWait}, "filter_path": {"timed_out"},
	}, nil, maxAnswer)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK && a.status != http.StatusRequestTimeout {
		return a.failure(health)
	}
	var h struct {
		TimedOut *bool `json:"timed_out"`
	}
	if err := a.decode(health, &h); err != nil {
		return err
	}
	if h.TimedOut == nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch's answer to %s does not say whether it timed out", health)
	}
	if *h.TimedOut {
		return searchpack.Errorf(searchpack.ErrUnavailable, "the elected cluster manager is still publishing a cluster state")
	}
	return nil
}
