package opensearch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
)

// LoadedTerms returns the terms that this node's loaded analyzer of the index makes of the text, as
// Terms does. The shard is one that the node holds, started; the field is mapped. An analyzer that
// the index does not have is answered with the field's own: the caller knows the names.
func (c *Client) LoadedTerms(ctx context.Context, index string, shard int, field, analyzer, text string) ([]string, error) {
	body, err := json.Marshal(map[string]any{
		"doc": map[string]string{field: text}, "per_field_analyzer": map[string]string{field: analyzer},
	})
	if err != nil {
		return nil, err
	}
	const action = "/_termvectors"
	a, err := c.do(ctx, c.timeout, http.MethodPost, "/"+url.PathEscape(index)+action, url.Values{
		"preference": {"_shards:" + strconv.Itoa(shard) + "|_only_local"}, "realtime": {"false"},
		"positions": {"false"}, "offsets": {"false"}, "field_statistics": {"false"},
	}, body, maxAnswer)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		_, reason := a.problem()
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch answers %s with %d: %s", action, a.status, cut(reason))
	}
	var doc struct {
		Index   string `json:"_index"`
		Vectors map[string]struct {
			Terms map[string]struct {
				Freq int `json:"term_freq"`
			} `json:"terms"`
		} `json:"term_vectors"`
	}
	if err := a.decode(action, &doc); err != nil {
		return nil, err
	}
	if doc.Index == "" {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "the answer to %s is not OpenSearch's", action)
	}
	var terms []string
	for term, t := range doc.Vectors[field].Terms {
		for range min(max(t.Freq, 1), len(text)+1) {
			terms = append(terms, term)
		}
	}
	slices.Sort(terms)
	return terms, nil
}

// LocalShards returns, for each index of which this node holds a started copy by its own cluster
// state, the number of one such shard.
func (c *Client) LocalShards(ctx context.Context, nodeID string) (map[string]int, error) {
	const path = "/_cluster/state/routing_nodes"
	if strings.ContainsAny(nodeID, ",*") {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "%q is no node id", nodeID)
	}
	at := "routing_nodes.nodes." + nodeID + "."
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, path, url.Values{
		"local": {"true"}, "filter_path": {"cluster_name," + at + "index," + at + "shard," + at + "state"},
	}, nil, maxAnswer)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, a.failure(path)
	}
	var doc struct {
		Cluster *string `json:"cluster_name"`
		Routing struct {
			Nodes map[string][]struct {
				State string `json:"state"`
				Index string `json:"index"`
				Shard int    `json:"shard"`
			} `json:"nodes"`
		} `json:"routing_nodes"`
	}
	if err := a.decode(path, &doc); err != nil {
		return nil, err
	}
	if doc.Cluster == nil {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "the answer to %s is not OpenSearch's", path)
	}
	out := map[string]int{}
	for _, s := range doc.Routing.Nodes[nodeID] {
		if s.State == "STARTED" || s.State == "RELOCATING" { // one that leaves serves until it is gone
			out[s.Index] = s.Shard
		}
	}
	return out, nil
}

// AskField returns a text field of the index, else a keyword field, "" if it has neither: the one
// whose name is the smallest, so that every node takes the same. Fields of nested objects belong to
// documents of their own, which _termvectors does not see.
func (c *Client) AskField(ctx context.Context, index string) (string, error) {
	const action = "/_mapping"
	a, err := c.do(ctx, max(c.timeout, stateTimeout), http.MethodGet, "/"+url.PathEscape(index)+action, url.Values{
		"local": {"true"}, "filter_path": {"*.mappings.**.type,*.mappings.**.index"},
	}, nil, maxAnswer)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", a.failure(action)
	}
	var doc map[string]struct {
		Mappings map[string]any `json:"mappings"`
	}
	if err := a.decode(action, &doc); err != nil {
		return "", err
	}
	best := map[string]string{}
	for _, d := range doc {
		fieldsOf(d.Mappings, "", 0, best)
	}
	if best["text"] != "" {
		return best["text"], nil
	}
	return best["keyword"], nil
}

// maxFieldDepth of mappings; OpenSearch's own default is 20.
const maxFieldDepth = 64

// fieldsOf keeps the smallest name of each type of field.
func fieldsOf(m map[string]any, prefix string, depth int, best map[string]string) {
	if depth > maxFieldDepth {
		return
	}
	for _, key := range []string{"properties", "fields"} {
		props, _ := m[key].(map[string]any)
		for name, v := range props {
			def, ok := v.(map[string]any)
			t, _ := def["type"].(string)
			if !ok || t == "nested" {
				continue
			}
			path := prefix + name
			if old, seen := best[t]; t != "" && def["index"] != false && (!seen || path < old) {
				best[t] = path
			}
			fieldsOf(def, path+".", depth+1, best)
		}
	}
}
