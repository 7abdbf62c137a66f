package opensearch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/searchpack/searchpack"
)

// IndexState reads what usage.Parse needs of the concrete indices that a name stands for, by this
// node's own cluster state: an index, an alias, a data stream. A name that stands for nothing gives a
// state without indices.
func (c *Client) IndexState(ctx context.Context, name string) (json.RawMessage, error) {
	path := "/_cluster/state/metadata/" + url.PathEscape(name)
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, path, url.Values{
		"local":            {"true"},
		"expand_wildcards": {"all"},
		// The cluster's id is there also when no index is.
		"filter_path": {"metadata.cluster_uuid,metadata.indices.*.state,metadata.indices.*.settings.index.analysis"},
	}, nil, maxAnswer)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusNotFound { // some versions refuse a name that stands for nothing
		if typ, _ := a.problem(); typ == "index_not_found_exception" {
			return json.RawMessage(`{"metadata":{}}`), nil
		}
	}
	if a.status != http.StatusOK {
		return nil, a.failure("/_cluster/state")
	}
	var doc struct {
		Metadata *json.RawMessage `json:"metadata"`
	}
	if err := a.decode("/_cluster/state", &doc); err != nil {
		return nil, err
	}
	if doc.Metadata == nil {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch's answer to /_cluster/state holds no metadata")
	}
	return a.body, nil
}

// Search sends a _search body to the indices that a name stands for, and returns how many hits there
// are and the ids of those that came, of which there are as many as the body asks for. Copies on this
// node answer for their part; all copies must. ErrInvalid: the query is refused.
func (c *Client) Search(ctx context.Context, index string, body []byte) (hits int64, atLeast bool, ids []string, err error) {
	const action = "/_search"
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodPost, "/"+url.PathEscape(index)+action, url.Values{
		"preference": {"_local"}, "request_cache": {"false"}, "allow_partial_search_results": {"false"},
		"filter_path": {"timed_out,_shards.failed,_shards.total,hits.total,hits.hits._id,error,status"},
	}, body, maxAnswer)
	if err != nil {
		return 0, false, nil, err
	}
	if a.status != http.StatusOK {
		return 0, false, nil, a.refusedSearch(action)
	}
	var doc struct {
		TimedOut *bool `json:"timed_out"`
		Shards   struct {
			Total  int `json:"total"`
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Total struct {
				Value    int64  `json:"value"`
				Relation string `json:"relation"`
			} `json:"total"`
			Hits []struct {
				ID string `json:"_id"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := a.decode(action, &doc); err != nil {
		return 0, false, nil, err
	}
	switch {
	case doc.TimedOut == nil:
		return 0, false, nil, searchpack.Errorf(searchpack.ErrUnavailable, "the answer to %s is not OpenSearch's", action)
	case *doc.TimedOut || doc.Shards.Failed > 0 || doc.Shards.Total == 0:
		return 0, false, nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch answers %s for a part of the index only", action)
	}
	for _, h := range doc.Hits.Hits {
		ids = append(ids, h.ID)
	}
	return doc.Hits.Total.Value, doc.Hits.Total.Relation == "gte", ids, nil
}

// refusedSearch tells a query that is refused from a copy that cannot answer now. What OpenSearch says
// of a search that failed on every shard has the cause below.
func (a *answer) refusedSearch(path string) error {
	type cause struct {
		Type string `json:"type"`
	}
	var doc struct {
		Error struct {
			Type   string  `json:"type"`
			Causes []cause `json:"root_cause"`
		} `json:"error"`
	}
	if json.Unmarshal(a.body, &doc) == nil && doc.Error.Type == "search_phase_execution_exception" {
		another := func(c cause) bool { return !slices.Contains(refusedQueries, c.Type) }
		if len(doc.Error.Causes) == 0 || slices.ContainsFunc(doc.Error.Causes, another) { // without a cause: no copy of some shard
			_, reason := a.problem()
			return searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch answers %s with %d: %s", path, a.status, cut(reason))
		}
	}
	return a.refusal(path)
}

// refusedQueries are what a shard says of a query that it will never carry out.
var refusedQueries = []string{"query_shard_exception", "illegal_argument_exception", "parsing_exception", "parse_exception", "illegal_state_exception"}
