package opensearch

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// Permission is one kind of call that an agent makes, and whether the node lets its user.
type Permission struct {
	Call    string // as docs/operations.md lists it
	Name    string // the permission of the security plugin
	Refused bool   // 403 of the security plugin
	Err     error  // why it is not known
}

// noConcreteIndex is a name of no index, for calls that take no pattern.
const noConcreteIndex = "searchpack-matches-no-index"

// trial is one call.
type trial struct {
	call, name   string
	method, path string
	query        url.Values
	body         string
}

// trials are the calls of an agent, made so that nothing can change: of no index, or as a dry run.
var trials = []trial{
	{"GET _nodes/_local", "cluster:monitor/nodes/info", http.MethodGet, "/_nodes/_local/http", url.Values{"filter_path": {"cluster_name"}}, ""},
	{"GET _cluster/state", "cluster:monitor/state", http.MethodGet, usage.StatePath + "/" + noIndex, url.Values{"local": {"true"}, "filter_path": {"cluster_uuid"}}, ""},
	{"GET _cluster/health", "cluster:monitor/health", http.MethodGet, "/_cluster/health", url.Values{"filter_path": {"timed_out"}, "timeout": {"1s"}}, ""},
	{"POST _analyze", "indices:admin/analyze", http.MethodPost, "/_analyze", nil, `{"tokenizer":"keyword","text":"searchpack"}`},
	{"POST <index>/_termvectors", "indices:data/read/tv", http.MethodPost, "/" + noConcreteIndex + "/_termvectors", nil, `{"doc":{}}`},
	{"GET <index>/_mapping", "indices:admin/mappings/get", http.MethodGet, "/" + noIndex + "/_mapping", url.Values{"local": {"true"}}, ""},
	{"POST _plugins/_refresh_search_analyzers/<index>", "indices:admin/refresh_search_analyzers", http.MethodPost, refreshPath + "/" + noIndex, nil, ""},
	{"POST <index>/_cache/clear", "indices:admin/cache/clear", http.MethodPost, "/" + noIndex + "/_cache/clear", url.Values{"request": {"true"}, "ignore_unavailable": {"true"}, "filter_path": {"_shards"}}, ""},
	{"POST _cluster/reroute", "cluster:admin/reroute", http.MethodPost, "/_cluster/reroute", url.Values{"dry_run": {"true"}, "retry_failed": {"true"}, "filter_path": {"acknowledged"}}, ""},
}

// pluginTrials are the further calls of an agent that brings plugins. A setting that there is not cannot
// be set: the call is refused after the user was found to be allowed.
var pluginTrials = []trial{
	{"PUT _cluster/settings", "cluster:admin/settings/update", http.MethodPut, "/_cluster/settings", nil, `{"transient":{"searchpack.no_such_setting":null}}`},
	{"POST _flush", "indices:admin/flush", http.MethodPost, "/" + noIndex + "/_flush", url.Values{"filter_path": {"_shards"}}, ""},
}

// Permissions makes each call that an agent makes once, so that nothing changes, and says which are
// refused; plugins: also those that it makes for plugins. Another answer than 403 and 401, that there is
// no such index for example, is no refusal.
func (c *Client) Permissions(ctx context.Context, plugins bool) []Permission {
	all := trials
	if plugins {
		all = slices.Concat(trials, pluginTrials)
	}
	out := make([]Permission, len(all))
	for i, t := range all {
		out[i] = Permission{Call: t.call, Name: t.name}
		var body []byte
		if t.body != "" {
			body = []byte(t.body)
		}
		a, err := c.do(ctx, c.timeout, t.method, t.path, t.query, body, maxAnswer)
		switch {
		case err != nil:
			out[i].Err = err
		case a.status == http.StatusForbidden:
			typ, _ := a.problem()
			out[i].Refused = typ == "security_exception" || typ == ""
		case a.status == http.StatusUnauthorized || a.status >= 500:
			out[i].Err = a.failure(t.path)
		}
	}
	return out
}

// ConfigPath returns the configuration folder that the node was started with (path.conf), as the
// node names it: in a container that may be another name than here. "": it does not say.
func (c *Client) ConfigPath(ctx context.Context) (string, error) {
	const property = "-Dopensearch.path.conf="
	var doc struct {
		Nodes map[string]struct {
			JVM struct {
				Arguments []string `json:"input_arguments"`
			} `json:"jvm"`
		} `json:"nodes"`
	}
	if err := c.get(ctx, "/_nodes/_local/jvm", url.Values{"filter_path": {"nodes.*.jvm.input_arguments"}}, &doc); err != nil {
		return "", err
	}
	if len(doc.Nodes) > 1 {
		return "", searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch names %d nodes as itself", len(doc.Nodes))
	}
	path := ""
	for _, n := range doc.Nodes {
		for _, a := range n.JVM.Arguments { // the JVM takes the last
			if v, ok := strings.CutPrefix(a, property); ok {
				path = v
			}
		}
	}
	return path, nil
}
