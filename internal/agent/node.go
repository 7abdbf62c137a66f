package agent

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/usage"
)

// OpenSearch is the node beside which the agent runs. Adapter: internal/opensearch. Every call is
// bounded in time by the adapter too, so that a node that hangs cannot hang the agent.
type OpenSearch interface {
	// Facts reads what the node says of itself and its cluster, from its own cluster state.
	Facts(ctx context.Context) (*searchpack.NodeFacts, error)
	// Analyze sends an inline _analyze without an index to this node. What went wrong is in the
	// answer.
	Analyze(ctx context.Context, body string) usage.Answer
	// State reads the filtered cluster state from the elected manager; truncated: it is too much.
	State(ctx context.Context) (raw json.RawMessage, clusterUUID string, term, version int64, truncated bool, err error)
	// Metadata reads what needs.Read reads from the elected manager; truncated: it is too much.
	Metadata(ctx context.Context) (raw json.RawMessage, term, version int64, truncated bool, err error)
	// SettingKeys lists the settings that the node was started with, and the cluster's own.
	SettingKeys(ctx context.Context) (node, cluster []string, err error)
	// StateVersion asks the elected manager which state is the newest.
	StateVersion(ctx context.Context) (clusterUUID string, term, version int64, err error)
	// RefreshSearchAnalyzers refreshes one index; noAPI: there is no route for it. An index that is
	// gone or closed is no error. cached: see searchpack.Duty.
	RefreshSearchAnalyzers(ctx context.Context, index string, cached bool) (out searchpack.IndexRefresh, noAPI bool, err error)
	// ClearRequestCache clears the request caches of indices; those that are gone are no error.
	ClearRequestCache(ctx context.Context, indices []string) error
	// RerouteRetryFailed is _cluster/reroute?retry_failed=true.
	RerouteRetryFailed(ctx context.Context) error
	// Terms returns the terms that an inline _analyze by this node makes of each text, sorted.
	Terms(ctx context.Context, body string, texts []string) ([][]string, error)
	// Tokens sends an inline _analyze to this node and returns its tokens in their order. ErrInvalid: it
	// refuses the body or what it reads.
	Tokens(ctx context.Context, body string) ([]searchpack.Token, error)
	// LoadedTerms returns the terms that the index's analyzer as this node has it loaded makes of a
	// text, sorted; shard is one that the node holds, field one that is mapped.
	LoadedTerms(ctx context.Context, index string, shard int, field, analyzer string, texts ...string) ([]string, error)
	// LocalShards returns one shard for each index of which this node holds a started copy.
	LocalShards(ctx context.Context, nodeID string) (map[string]int, error)
	// Health reads what decides whether the node may stop, from the elected manager.
	Health(ctx context.Context, nodeID string) (*searchpack.ClusterHealth, error)
	// SetAllocation sets where copies may be allocated; nil values are taken back.
	SetAllocation(ctx context.Context, to searchpack.Allocation) error
	// Flush has all indices written to disk.
	Flush(ctx context.Context) error
	// AskField returns a text or keyword field of the index, "" if it has none.
	AskField(ctx context.Context, index string) (string, error)
	// IndexState reads what usage.Parse needs of the concrete indices that a name stands for.
	IndexState(ctx context.Context, name string) (json.RawMessage, error)
	// AnalyzeIn sends an _analyze body to an index; any node that holds it may answer. Errors as Tokens.
	AnalyzeIn(ctx context.Context, index, body string) ([]searchpack.Token, error)
	// Search counts the hits of a _search body and returns the ids that came; this node's copies answer
	// for their part, and all must answer. ErrInvalid: the query is refused.
	Search(ctx context.Context, index string, body []byte) (hits int64, atLeast bool, ids []string, err error)
}

// filesOnly is a node without an OpenSearch: files are all there is, nobody uses them, and nothing
// can be asked.
type filesOnly struct {
	identity identity
	looks    atomic.Int64
}

// Facts implements OpenSearch with ids of the agent's own.
func (f *filesOnly) Facts(context.Context) (*searchpack.NodeFacts, error) {
	id := "files-only-" + f.identity.AgentID
	return &searchpack.NodeFacts{
		ClusterUUID: f.clusterUUID(),
		ClusterName: f.identity.Domain.Name,
		NodeID:      id, EphemeralID: id, Name: f.identity.Name,
		ManagerID: id, Term: 1, StateVersion: f.looks.Load() + 1,
		Members:   []searchpack.Member{{NodeID: id, EphemeralID: id, Name: f.identity.Name}},
		FilesOnly: true,
	}, nil
}

// Analyze implements OpenSearch: there is nobody to ask.
func (f *filesOnly) Analyze(context.Context, string) usage.Answer {
	return usage.Answer{Status: http.StatusNotImplemented, Type: "files_only", Reason: "this node has no OpenSearch"}
}

// State implements OpenSearch: no index uses anything. Each look sees a newer state, as looks
// after a change must.
func (f *filesOnly) State(context.Context) (raw json.RawMessage, clusterUUID string, term, version int64, truncated bool, err error) {
	f.looks.Add(1)
	clusterUUID, term, version, _ = f.StateVersion(context.Background())
	raw, err = json.Marshal(map[string]any{
		"cluster_uuid": clusterUUID, "version": version, "metadata": map[string]any{"indices": map[string]any{}},
	})
	return raw, clusterUUID, term, version, false, err
}

// Metadata implements OpenSearch: there is no cluster.
func (f *filesOnly) Metadata(context.Context) (raw json.RawMessage, term, version int64, truncated bool, err error) {
	return nil, 0, 0, false, errFilesOnly
}

// SettingKeys implements OpenSearch: there is no node.
func (f *filesOnly) SettingKeys(context.Context) (node, cluster []string, err error) {
	return nil, nil, errFilesOnly
}

// StateVersion implements OpenSearch.
func (f *filesOnly) StateVersion(context.Context) (clusterUUID string, term, version int64, err error) {
	return f.clusterUUID(), 1, f.looks.Load() + 1, nil
}

// RefreshSearchAnalyzers implements OpenSearch: every index is gone.
func (f *filesOnly) RefreshSearchAnalyzers(_ context.Context, index string, _ bool) (out searchpack.IndexRefresh, noAPI bool, err error) {
	return searchpack.IndexRefresh{Index: index, Gone: true}, false, nil
}

// Terms implements OpenSearch: there is nobody to ask.
func (f *filesOnly) Terms(context.Context, string, []string) ([][]string, error) {
	return nil, errFilesOnly
}

// Tokens implements OpenSearch: there is nobody to ask.
func (f *filesOnly) Tokens(context.Context, string) ([]searchpack.Token, error) {
	return nil, errFilesOnly
}

// LoadedTerms implements OpenSearch: nothing is loaded.
func (f *filesOnly) LoadedTerms(context.Context, string, int, string, string, ...string) ([]string, error) {
	return nil, errFilesOnly
}

// LocalShards implements OpenSearch: there is none.
func (f *filesOnly) LocalShards(context.Context, string) (map[string]int, error) {
	return map[string]int{}, nil
}

// Health implements OpenSearch: there is no cluster.
func (f *filesOnly) Health(context.Context, string) (*searchpack.ClusterHealth, error) {
	return nil, errFilesOnly
}

// SetAllocation implements OpenSearch.
func (f *filesOnly) SetAllocation(context.Context, searchpack.Allocation) error { return errFilesOnly }

// Flush implements OpenSearch.
func (f *filesOnly) Flush(context.Context) error { return errFilesOnly }

// AskField implements OpenSearch: there is no index.
func (f *filesOnly) AskField(context.Context, string) (string, error) { return "", errFilesOnly }

// IndexState implements OpenSearch: there is no index.
func (f *filesOnly) IndexState(context.Context, string) (json.RawMessage, error) {
	return nil, errFilesOnly
}

// AnalyzeIn implements OpenSearch: there is nobody to ask.
func (f *filesOnly) AnalyzeIn(context.Context, string, string) ([]searchpack.Token, error) {
	return nil, errFilesOnly
}

// Search implements OpenSearch: there is nobody to ask.
func (f *filesOnly) Search(context.Context, string, []byte) (hits int64, atLeast bool, ids []string, err error) {
	return 0, false, nil, errFilesOnly
}

var errFilesOnly = searchpack.Errorf(searchpack.ErrUnsupported, "this node has no OpenSearch")

// ClearRequestCache implements OpenSearch.
func (f *filesOnly) ClearRequestCache(context.Context, []string) error { return nil }

// RerouteRetryFailed implements OpenSearch.
func (f *filesOnly) RerouteRetryFailed(context.Context) error { return nil }

// clusterUUID is one for the files-only nodes of a domain.
func (f *filesOnly) clusterUUID() string {
	return "files-only-" + searchpack.DigestOf([]byte(f.identity.Domain.String())).Short()
}
