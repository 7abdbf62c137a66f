package opensearch

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

const (
	refreshPath = "/_plugins/_refresh_search_analyzers"
	// stateTimeout of reading the filtered state of a large cluster.
	stateTimeout = 30 * time.Second
	// maxNames of one request line, in bytes: OpenSearch refuses lines over 4 KB
	// (http.max_initial_line_length).
	maxNames = 3 << 10
)

// Analyze sends an inline _analyze body to this node. The node itself carries it out: without an
// index it asks nobody else. Trouble on the way is in Answer.Err.
func (c *Client) Analyze(ctx context.Context, body string) usage.Answer {
	a, err := c.do(ctx, max(c.timeout, ReadTimeout), http.MethodPost, "/_analyze", nil, []byte(body), maxAnswer)
	switch {
	case err != nil:
		return usage.Answer{Err: searchpack.ErrorMessage(err)}
	case a.status == http.StatusOK && bytes.HasPrefix(bytes.TrimSpace(a.body), []byte(`{"tokens":`)):
		return usage.Answer{Status: a.status}
	case a.status == http.StatusOK: // something in between answers everything with 200
		return usage.Answer{Status: a.status, Reason: "the answer is not OpenSearch's answer to _analyze"}
	}
	typ, reason := a.problem()
	if a.status == http.StatusUnauthorized || (a.status == http.StatusForbidden && typ == "security_exception") {
		reason = a.failure("/_analyze").Message
	}
	return usage.Answer{Status: a.status, Type: typ, Reason: reason}
}

// RefreshSearchAnalyzers has every copy of one concrete index reload its search analyzers, once none
// is starting or moving. The answer names neither node nor content: that no copy failed does not
// prove what is loaded. noAPI: the node has no such route (no index-management). An error: not
// carried out, ask again. cached: what the nodes keep for all indices, Hunspell dictionaries, is read
// anew first; OpenSearch before 3.7 refuses that.
func (c *Client) RefreshSearchAnalyzers(ctx context.Context, index string, cached bool) (out searchpack.IndexRefresh, noAPI bool, err error) {
	out.Index = index
	if err := c.settled(ctx, index); err != nil {
		return out, false, err
	}
	path := refreshPath + "/" + url.PathEscape(index)
	var query url.Values
	if cached {
		query = url.Values{"reload_cached_resources": {"true"}}
	}
	a, err := c.do(ctx, max(c.timeout, ReadTimeout), http.MethodPost, path, query, nil, maxAnswer)
	if err != nil {
		return out, false, err
	}
	typ, reason := a.problem()
	switch {
	case a.status == http.StatusOK:
		return out, false, a.refreshed(path, &out)
	case a.noRoute():
		return out, true, nil
	case typ == "index_not_found_exception", typ == "index_closed_exception":
		out.Gone = true
		return out, false, nil
	case a.status == http.StatusForbidden && typ == "cluster_block_exception":
		// 2.19 refuses indices that are read-only (3.7 does not): no copy has reloaded.
		out.Failed, out.Reason = 1, reason
		return out, false, nil
	}
	return out, false, a.failure(path)
}

// refreshed reads a 200, which comes with failures too.
func (a *answer) refreshed(path string, out *searchpack.IndexRefresh) error {
	var doc struct {
		Shards *struct {
			Failed   int `json:"failed"`
			Failures []struct {
				Index  string  `json:"index"`
				Reason problem `json:"reason"`
			} `json:"failures"`
		} `json:"_shards"`
		Details []struct {
			Index     string   `json:"index"`
			Analyzers []string `json:"refreshed_analyzers"`
		} `json:"successful_refresh_details"`
	}
	if err := a.decode(path, &doc); err != nil {
		return err
	}
	if doc.Shards == nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch's answer to %s holds no _shards", path)
	}
	out.Failed = doc.Shards.Failed
	if len(doc.Shards.Failures) > 0 { // equal failures are grouped; the first says enough
		out.Reason = cut(strings.Join(doc.Shards.Failures[0].Reason.reasons(0), ": "))
		out.Failed = max(out.Failed, 1)
	}
	for _, d := range doc.Details {
		if d.Index == out.Index {
			out.Analyzers = d.Analyzers
		}
	}
	return nil
}

// ClearRequestCache clears the request caches of the indices. Those that are gone are passed over.
func (c *Client) ClearRequestCache(ctx context.Context, indices []string) error {
	for _, names := range batches(indices) {
		path := "/" + names + "/_cache/clear"
		a, err := c.do(ctx, c.timeout, http.MethodPost, path, url.Values{
			"request": {"true"}, "ignore_unavailable": {"true"}, "filter_path": {"_shards"}}, nil, maxAnswer)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK && a.status != http.StatusNotFound {
			return a.failure("/_cache/clear")
		}
	}
	return nil
}

// batches joins escaped names with commas, each batch short enough for a request line.
func batches(names []string) []string {
	var out []string
	for _, n := range names {
		n = url.PathEscape(n)
		if last := len(out) - 1; last >= 0 && len(out[last])+1+len(n) <= maxNames {
			out[last] += "," + n
		} else {
			out = append(out, n)
		}
	}
	return out
}

// RerouteRetryFailed has the manager try copies again that it had given up (5 attempts).
func (c *Client) RerouteRetryFailed(ctx context.Context) error {
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodPost, "/_cluster/reroute", url.Values{
		"retry_failed": {"true"}, "filter_path": {"acknowledged"}}, nil, maxAnswer)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return a.failure("/_cluster/reroute")
	}
	return nil
}
