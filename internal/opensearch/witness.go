package opensearch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
)

// LoadedTerms returns the terms that this node's loaded analyzer of the index makes of the texts, each by
// itself, as Terms does; those of all texts together. The shard is one that the node holds, started; the
// field is mapped. An analyzer that the index does not have is answered with the field's own: the caller
// knows the names.
func (c *Client) LoadedTerms(ctx context.Context, index string, shard int, field, analyzer string, texts ...string) ([]string, error) {
	doc := map[string]any{field: texts}
	if len(texts) == 1 {
		doc[field] = texts[0]
	}
	a, err := c.termVectors(ctx, index, shard, doc, field, analyzer)
	if err != nil {
		return nil, err
	}
	if at := a.demandsTimestamp(); at != "" && at != field {
		doc[at] = anyTime
		if a, err = c.termVectors(ctx, index, shard, doc, field, analyzer); err != nil {
			return nil, err
		}
	}
	if a.status != http.StatusOK {
		_, reason := a.problem()
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "OpenSearch answers %s with %d: %s", termVectors, a.status, cut(reason))
	}
	most := len(strings.Join(texts, " ")) + 1 // a term comes no oftener, whatever the node says
	return a.termsOf(field, most)
}

const (
	termVectors = "/_termvectors"
	// anyTime is the time of a document that is never stored.
	anyTime = "2000-01-01T00:00:00Z"
)

// termVectors analyzes a document that is not stored.
func (c *Client) termVectors(ctx context.Context, index string, shard int, doc map[string]any, field, analyzer string) (*answer, error) {
	body, err := json.Marshal(map[string]any{"doc": doc, "per_field_analyzer": map[string]string{field: analyzer}})
	if err != nil {
		return nil, err
	}
	return c.do(ctx, c.timeout, http.MethodPost, "/"+url.PathEscape(index)+termVectors, url.Values{
		"preference": {"_shards:" + strconv.Itoa(shard) + "|_only_local"}, "realtime": {"false"},
		"positions": {"false"}, "offsets": {"false"}, "field_statistics": {"false"},
	}, body, maxAnswer)
}

// timestampOf finds the field in the refusal of a data stream's index (DataStreamFieldMapper).
var timestampOf = regexp.MustCompile(`must contain a single-valued timestamp field '([^']+)'`)

// demandsTimestamp is the field without which the index of a data stream takes no document; "" = that is
// not what is wrong.
func (a *answer) demandsTimestamp() string {
	if a.status == http.StatusOK {
		return ""
	}
	_, reason := a.problem()
	if m := timestampOf.FindStringSubmatch(reason); m != nil {
		return m[1]
	}
	return ""
}

// termsOf reads the terms of the field, each at most so many times.
func (a *answer) termsOf(field string, most int) ([]string, error) {
	var doc struct {
		Index   string `json:"_index"`
		Vectors map[string]struct {
			Terms map[string]struct {
				Freq int `json:"term_freq"`
			} `json:"terms"`
		} `json:"term_vectors"`
	}
	if err := a.decode(termVectors, &doc); err != nil {
		return nil, err
	}
	if doc.Index == "" {
		return nil, searchpack.Errorf(searchpack.ErrUnavailable, "the answer to %s is not OpenSearch's", termVectors)
	}
	var terms []string
	for term, t := range doc.Vectors[field].Terms {
		for range min(max(t.Freq, 1), most) {
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
