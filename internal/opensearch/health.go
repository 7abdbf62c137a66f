package opensearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/searchpack/searchpack"
)

// allocationSetting says which copies may be allocated (EnableAllocationDecider).
const allocationSetting = "cluster.routing.allocation.enable"

// maxRouting bounds the routing table that is read, in bytes: some 200,000 copies.
const maxRouting = 64 << 20

type routingAnswer struct {
	stateAnswer
	Routing struct {
		Indices map[string]struct {
			Shards map[string][]struct {
				State string  `json:"state"`
				Node  *string `json:"node"`
			} `json:"shards"`
		} `json:"indices"`
	} `json:"routing_table"`
}

// Health reads what decides whether the node may stop, from the elected manager's state: which copies
// are unassigned or move, of which indices the node has the only started copy, who votes, and what is
// set for allocation.
func (c *Client) Health(ctx context.Context, nodeID string) (*searchpack.ClusterHealth, error) {
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, "/_cluster/state/version,nodes,routing_table,metadata", url.Values{
		"cluster_manager_timeout": {c.timeout.String()},
		"filter_path": {"cluster_uuid,version,nodes.*.name,metadata.cluster_coordination," +
			"routing_table.indices.*.shards.*.state,routing_table.indices.*.shards.*.node"},
	}, nil, maxRouting)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, a.failure("/_cluster/state")
	}
	if a.cut {
		return nil, searchpack.Errorf(searchpack.ErrUnsupported, "the routing table of this cluster is larger than %d MiB: its nodes cannot be restarted one by one here", maxRouting>>20)
	}
	var st routingAnswer
	if err := a.decode("/_cluster/state", &st); err != nil {
		return nil, err
	}
	if st.uuid() == "" || len(st.Nodes) == 0 {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch has not joined a cluster yet")
	}
	h := &searchpack.ClusterHealth{
		ClusterUUID: st.uuid(), Term: st.Metadata.Coordination.Term, Version: st.Version, Voting: st.Metadata.Coordination.Voting,
	}
	st.count(h, nodeID)
	for id := range st.Nodes {
		h.Present = append(h.Present, id)
	}
	slices.Sort(h.Present)
	slices.Sort(h.Voting)
	h.Allocation, err = c.allocation(ctx)
	return h, err
}

// count goes through the copies.
func (st *routingAnswer) count(h *searchpack.ClusterHealth, nodeID string) {
	for index, routing := range st.Routing.Indices {
		alone := false
		for shard, copies := range routing.Shards {
			here, elsewhere, lost := false, false, 0
			for _, c := range copies {
				switch c.State {
				case "UNASSIGNED":
					lost++
					h.Unassigned = append(h.Unassigned, unassigned(index, shard, lost))
				case "INITIALIZING":
					h.Moving++
				case "RELOCATING":
					h.Moving++
					here, elsewhere = here || on(c.Node, nodeID), elsewhere || !on(c.Node, nodeID)
				case "STARTED":
					here, elsewhere = here || on(c.Node, nodeID), elsewhere || !on(c.Node, nodeID)
				}
			}
			alone = alone || here && !elsewhere
		}
		if alone {
			h.Alone = append(h.Alone, index)
		}
	}
	slices.Sort(h.Alone)
	slices.Sort(h.Unassigned)
	if h.More = len(h.Unassigned) - searchpack.MaxUnassigned; h.More > 0 {
		h.Unassigned = h.Unassigned[:searchpack.MaxUnassigned]
	}
	h.More = max(h.More, 0)
}

// unassigned names the nth unassigned copy of a shard. Which of them is the primary changes.
func unassigned(index, shard string, n int) string {
	if n == 1 {
		return fmt.Sprintf("%s[%s]", index, shard)
	}
	return fmt.Sprintf("%s[%s] (%d)", index, shard, n)
}

func on(node *string, id string) bool { return node != nil && *node == id }

// allocation reads the setting as it is set, not as it counts.
func (c *Client) allocation(ctx context.Context) (searchpack.Allocation, error) {
	var set struct {
		Persistent map[string]json.RawMessage `json:"persistent"`
		Transient  map[string]json.RawMessage `json:"transient"`
	}
	if err := c.get(ctx, "/_cluster/settings", url.Values{"flat_settings": {"true"}}, &set); err != nil {
		return searchpack.Allocation{}, err
	}
	value := func(m map[string]json.RawMessage) *string {
		var s string
		if raw, ok := m[allocationSetting]; !ok || json.Unmarshal(raw, &s) != nil {
			return nil
		}
		return &s
	}
	return searchpack.Allocation{Persistent: value(set.Persistent), Transient: value(set.Transient)}, nil
}

// SetAllocation sets both, and takes back what is nil.
func (c *Client) SetAllocation(ctx context.Context, to searchpack.Allocation) error {
	body, err := json.Marshal(map[string]map[string]*string{
		"persistent": {allocationSetting: to.Persistent}, "transient": {allocationSetting: to.Transient},
	})
	if err != nil {
		return err
	}
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodPut, "/_cluster/settings", url.Values{
		"filter_path": {"acknowledged"}}, body, maxAnswer)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return a.failure("/_cluster/settings")
	}
	return nil
}

// Flush has all indices written to disk, so that copies come back soon. That some could not be is no
// error: they only take longer.
func (c *Client) Flush(ctx context.Context) error {
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodPost, "/_flush", url.Values{"filter_path": {"_shards.failed"}}, nil, maxAnswer)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK && a.status != http.StatusConflict {
		return a.failure("/_flush")
	}
	return nil
}
