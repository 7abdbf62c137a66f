package opensearch

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

const maxState = usage.MaxState

// noIndex matches no index, so that the metadata in an answer is the term and little more, however
// many indices there are (TransportClusterStateAction.buildResponse).
const noIndex = "searchpack-matches-no-index-*"

// stateAnswer is the part of a cluster state that is read here.
type stateAnswer struct {
	ClusterName string `json:"cluster_name"`
	ClusterUUID string `json:"cluster_uuid"`
	Version     int64  `json:"version"`
	Manager     string `json:"cluster_manager_node"`
	Master      string `json:"master_node"` // the same before 2.0
	Nodes       map[string]struct {
		Name        string `json:"name"`
		EphemeralID string `json:"ephemeral_id"`
	} `json:"nodes"`
	Metadata struct {
		Coordination struct {
			Term   int64    `json:"term"`
			Voting []string `json:"last_committed_config"`
		} `json:"cluster_coordination"`
	} `json:"metadata"`
}

// uuid is "" before the node has joined a cluster.
func (s *stateAnswer) uuid() string {
	if s.ClusterUUID == "_na_" {
		return ""
	}
	return s.ClusterUUID
}

type nodeAnswer struct {
	ClusterName string `json:"cluster_name"`
	Nodes       map[string]struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		Roles   []string `json:"roles"`
		HTTP    struct {
			Address string `json:"publish_address"`
		} `json:"http"`
		JVM struct {
			Version string `json:"version"`
			Start   int64  `json:"start_time_in_millis"`
		} `json:"jvm"`
		Plugins []struct {
			Name      string `json:"name"`
			Version   string `json:"version"`
			ClassName string `json:"classname"`
		} `json:"plugins"`
	} `json:"nodes"`
}

// Facts asks the node who it is and what its own (local) cluster state says. Two small calls that
// need no elected manager, and one more once per start of the node. ErrUnavailable: OpenSearch does
// not answer; ErrDenied: it refuses the user.
func (c *Client) Facts(ctx context.Context) (*searchpack.NodeFacts, error) {
	var nodes nodeAnswer
	err := c.get(ctx, "/_nodes/_local/http,plugins,jvm", url.Values{"filter_path": {
		"cluster_name,nodes.*.name,nodes.*.version,nodes.*.roles,nodes.*.http.publish_address," +
			"nodes.*.plugins.name,nodes.*.plugins.version,nodes.*.plugins.classname," +
			"nodes.*.jvm.version,nodes.*.jvm.start_time_in_millis"}}, &nodes)
	if err != nil {
		return nil, err
	}
	var st stateAnswer
	err = c.get(ctx, "/_cluster/state/version,nodes,cluster_manager_node,metadata/"+noIndex, url.Values{
		"local": {"true"},
		"filter_path": {"cluster_name,cluster_uuid,version,cluster_manager_node,master_node," +
			"nodes.*.name,nodes.*.ephemeral_id,metadata.cluster_coordination.term"}}, &st)
	if err != nil {
		return nil, err
	}
	if len(nodes.Nodes) != 1 {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch names %d nodes as itself", len(nodes.Nodes))
	}
	f := &searchpack.NodeFacts{
		ClusterUUID: st.uuid(), ClusterName: st.ClusterName,
		ManagerID: cmp.Or(st.Manager, st.Master), Term: st.Metadata.Coordination.Term, StateVersion: st.Version,
	}
	for id, n := range nodes.Nodes {
		f.NodeID, f.Name, f.Version, f.Roles, f.HTTPAddress = id, n.Name, n.Version, n.Roles, n.HTTP.Address
		slices.Sort(f.Roles)
		f.Java = javaRelease(n.JVM.Version)
		if n.JVM.Start > 0 {
			f.StartedAt = time.UnixMilli(n.JVM.Start).UTC()
		}
		for _, p := range n.Plugins {
			f.Plugins = append(f.Plugins, searchpack.LoadedPlugin{Name: p.Name, Version: p.Version, ClassName: p.ClassName})
		}
	}
	for id, n := range st.Nodes {
		f.Members = append(f.Members, searchpack.Member{NodeID: id, EphemeralID: n.EphemeralID, Name: n.Name})
		if id == f.NodeID {
			f.EphemeralID = n.EphemeralID
		}
	}
	slices.SortFunc(f.Members, func(a, b searchpack.Member) int { return cmp.Compare(a.NodeID, b.NodeID) })
	if f.EphemeralID == "" {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "node %s is not in its own cluster state yet", f.Name)
	}
	if f.RefreshAPI, err = c.hasRefresh(ctx, f.EphemeralID); err != nil {
		return nil, err
	}
	return f, nil
}

// javaRelease reads "17.0.15" and "1.8.0_292"; 0 = it is something else.
func javaRelease(version string) int {
	first, rest, _ := strings.Cut(version, ".")
	if first == "1" {
		first, _, _ = strings.Cut(rest, ".")
	}
	first, _, _ = strings.Cut(first, "-")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// hasRefresh asks whether the refresh route exists; plugins change only with a restart, and with it
// the ephemeral id. Without an index the route does nothing but answer 400 "Missing indices".
func (c *Client) hasRefresh(ctx context.Context, ephemeral string) (bool, error) {
	c.mu.Lock()
	has, known := c.refresh[ephemeral]
	c.mu.Unlock()
	if known {
		return has, nil
	}
	a, err := c.do(ctx, c.timeout, http.MethodPost, refreshPath, nil, nil, maxAnswer)
	if err != nil {
		return false, err
	}
	typ, _ := a.problem()
	switch {
	case a.noRoute():
	case a.status == http.StatusBadRequest && typ != "", a.status == http.StatusForbidden:
		has = true
	default: // busy, or something in between: not known yet
		return false, a.failure(refreshPath)
	}
	c.mu.Lock()
	c.refresh = map[string]bool{ephemeral: has}
	c.mu.Unlock()
	return has, nil
}

// State reads the filtered cluster state (usage.StatePath) from the elected manager, with all that
// the manager was at work on when it was asked. More than usage.MaxState: truncated, raw is nil, and
// the numbers are those of a second, small call.
func (c *Client) State(ctx context.Context) (raw json.RawMessage, clusterUUID string, term, version int64, truncated bool, err error) {
	if err := c.published(ctx); err != nil {
		return nil, "", 0, 0, false, err
	}
	q := usage.StateQuery()
	q.Set("cluster_manager_timeout", c.timeout.String())
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, usage.StatePath, q, nil, c.maxState)
	if err != nil {
		return nil, "", 0, 0, false, err
	}
	if a.status != http.StatusOK {
		return nil, "", 0, 0, false, a.failure(usage.StatePath)
	}
	if a.cut {
		clusterUUID, term, version, err = c.StateVersion(ctx)
		return nil, clusterUUID, term, version, err == nil, err
	}
	var st stateAnswer
	if err := a.decode(usage.StatePath, &st); err != nil {
		return nil, "", 0, 0, false, err
	}
	if st.uuid() == "" || st.Metadata.Coordination.Term == 0 {
		return nil, "", 0, 0, false, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch has not joined a cluster yet")
	}
	return a.body, st.uuid(), st.Metadata.Coordination.Term, st.Version, false, nil
}

// StateVersion asks the elected manager for the cluster's id and the term and version of its state:
// a cheap way to see whether anything has changed.
func (c *Client) StateVersion(ctx context.Context) (clusterUUID string, term, version int64, err error) {
	var st stateAnswer
	err = c.get(ctx, "/_cluster/state/version,metadata/"+noIndex, url.Values{
		"cluster_manager_timeout": {c.timeout.String()},
		"filter_path":             {"cluster_uuid,version,metadata.cluster_coordination.term"}}, &st)
	if err != nil {
		return "", 0, 0, err
	}
	if st.uuid() == "" || st.Metadata.Coordination.Term == 0 {
		return "", 0, 0, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch has not joined a cluster yet")
	}
	return st.uuid(), st.Metadata.Coordination.Term, st.Version, nil
}
