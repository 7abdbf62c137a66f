package opensearch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

// Metadata reads the part of the cluster's metadata that names what plugins supply (needs.MetadataPath)
// from the elected manager, with all that the manager was at work on when it was asked. More than
// needs.MaxMetadata: truncated, raw is nil, and the numbers are those of a second, small call.
func (c *Client) Metadata(ctx context.Context) (raw json.RawMessage, term, version int64, truncated bool, err error) {
	if err := c.published(ctx); err != nil {
		return nil, 0, 0, false, err
	}
	q := needs.MetadataQuery()
	q.Set("cluster_manager_timeout", c.timeout.String())
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, needs.MetadataPath, q, nil, c.maxMetadata)
	if err != nil {
		return nil, 0, 0, false, err
	}
	if a.status != http.StatusOK {
		return nil, 0, 0, false, a.failure(needs.MetadataPath)
	}
	if a.cut {
		_, term, version, err = c.StateVersion(ctx)
		return nil, term, version, err == nil, err
	}
	var st stateAnswer
	if err := a.decode(needs.MetadataPath, &st); err != nil {
		return nil, 0, 0, false, err
	}
	if st.uuid() == "" || st.Metadata.Coordination.Term == 0 {
		return nil, 0, 0, false, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch has not joined a cluster yet")
	}
	return a.body, st.Metadata.Coordination.Term, st.Version, false, nil
}

// SettingKeys returns the keys of the settings that this node was started with, from whatever source,
// and of the cluster's own. Those that hold secrets are not among them.
func (c *Client) SettingKeys(ctx context.Context) (node, cluster []string, err error) {
	flat := url.Values{"flat_settings": {"true"}}
	var nodes struct {
		Nodes map[string]struct {
			Settings map[string]json.RawMessage `json:"settings"`
		} `json:"nodes"`
	}
	if err := c.get(ctx, "/_nodes/_local/settings", flat, &nodes); err != nil {
		return nil, nil, err
	}
	if len(nodes.Nodes) != 1 {
		return nil, nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch names %d nodes as itself", len(nodes.Nodes))
	}
	for _, n := range nodes.Nodes {
		node = keysOf(n.Settings)
	}
	var set struct {
		Persistent map[string]json.RawMessage `json:"persistent"`
		Transient  map[string]json.RawMessage `json:"transient"`
	}
	if err := c.get(ctx, "/_cluster/settings", flat, &set); err != nil {
		return nil, nil, err
	}
	return node, keysOf(set.Persistent, set.Transient), nil
}

// keysOf lists the keys of several documents, sorted.
func keysOf(all ...map[string]json.RawMessage) []string {
	var out []string
	for _, m := range all {
		for key := range m {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
