package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

type object = map[string]any

// nodeAnswerLimit bounds what is read of a node's answer, in bytes.
const nodeAnswerLimit = 4 << 20

// asksToWait is how long a path lets the node wait before it answers: ?timeout=60s.
func asksToWait(path string) time.Duration {
	u, err := url.Parse(path)
	if err != nil {
		return 0
	}
	wait, _ := time.ParseDuration(u.Query().Get("timeout"))
	return wait
}

// ask calls a node over its own HTTP port.
func ask(ctx context.Context, n stack.NodeEntry, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second+asksToWait(path))
	defer cancel()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, n.HTTP+path, &b)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // nodes come and go
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, nodeAnswerLimit))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s on %s: %s: %.300s", method, path, n.Name, resp.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// require is ask for what must be done, and answers nothing of interest.
func require(t *testing.T, n stack.NodeEntry, method, path string, body any) {
	t.Helper()
	if err := ask(t.Context(), n, method, path, body, nil); err != nil {
		t.Fatal(err)
	}
}

// readsFile is an analysis whose analyzer with_synonyms reads the file.
func readsFile(path string) object {
	return object{
		"filter": object{"synonyms": object{"type": "synonym_graph", "synonyms_path": path, "updateable": true}},
		"analyzer": object{"with_synonyms": object{
			"type": "custom", "tokenizer": "standard", "filter": []string{"lowercase", "synonyms"}}},
	}
}

// makeIndex makes an index of one document, with a copy on every node, whose search analyzer reads
// the package.
func makeIndex(t *testing.T, p *pack, name string) {
	t.Helper()
	makeIndexOf(t, p.u, "analyzers/"+p.id, name)
}

// makeIndexOf is makeIndex for any path of a file of synonyms.
func makeIndexOf(t *testing.T, u *up, path, name string) {
	t.Helper()
	nodes := u.document().Domains[0].Nodes
	body := object{
		"settings": object{"index": object{
			"number_of_shards": 1, "number_of_replicas": len(nodes) - 1, "analysis": readsFile(path)}},
		"mappings": object{"properties": object{
			"title": object{"type": "text", "analyzer": "standard", "search_analyzer": "with_synonyms"}}},
	}
	fillIndex(t, nodes[0], name, body)
}

// fillIndex makes the index with its document, and waits for its copies.
func fillIndex(t *testing.T, n stack.NodeEntry, name string, body object) {
	t.Helper()
	for _, call := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPut, "/" + name, body},
		{http.MethodPut, "/" + name + "/_doc/1?refresh=true", object{"title": "notebook"}},
		{http.MethodGet, "/_cluster/health/" + name + "?wait_for_status=green&timeout=60s", nil},
	} {
		require(t, n, call.method, call.path, call.body)
	}
}

// hit says why a search for the word does not find the document in this node's own copy of the
// index; "" if it does.
func hit(ctx context.Context, n stack.NodeEntry, index, word string) string {
	return hitIn(ctx, n, index, "title", word)
}

// hitIn is hit by another field.
func hitIn(ctx context.Context, n stack.NodeEntry, index, field, word string) string {
	var a struct {
		Hits struct {
			Total struct{ Value int }
		}
	}
	query := object{"query": object{"match": object{field: word}}}
	err := ask(ctx, n, http.MethodPost, "/"+index+"/_search?preference=_only_local&request_cache=false", query, &a)
	switch {
	case err != nil:
		return err.Error()
	case a.Hits.Total.Value != 1:
		return fmt.Sprintf("%s: a search for %q finds %d documents", n.Name, word, a.Hits.Total.Value)
	}
	return ""
}

// terms is what an index makes of a text, through an analyzer or normalizer of its own.
func terms(t *testing.T, n stack.NodeEntry, index string, through object, text string) []string {
	t.Helper()
	var a struct{ Tokens []struct{ Token string } }
	through["text"] = text
	if err := ask(t.Context(), n, http.MethodPost, "/"+index+"/_analyze", through, &a); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, token := range a.Tokens {
		out = append(out, token.Token)
	}
	return out
}

// searchable waits until a search in every node's own copy hits through the version's synonym.
func searchable(t *testing.T, p *pack, index string, version int) {
	t.Helper()
	word := fmt.Sprintf("version%d", version)
	defer explainSearch(t, p, index, version)
	eventually(t, func() string {
		for _, n := range p.u.document().Domains[0].Nodes {
			if why := hit(t.Context(), n, index, word); why != "" {
				return why
			}
		}
		return ""
	})
}

// explainSearch, deferred, logs what each node finds and where its copies are when the test has failed.
func explainSearch(t *testing.T, p *pack, index string, version int) {
	if !t.Failed() {
		return
	}
	ctx := context.Background()
	for _, n := range p.u.document().Domains[0].Nodes {
		for _, word := range []string{"notebook", "laptop", fmt.Sprintf("version%d", version-1), fmt.Sprintf("version%d", version)} {
			t.Logf("%s, search for %s: %q", n.Name, word, hit(ctx, n, index, word))
		}
		var copies []object
		err := ask(ctx, n, http.MethodGet, "/_cat/shards/"+index+"?format=json&h=node,state,prirep,docs,unassigned.reason", nil, &copies)
		t.Logf("%s, copies: %v (%v)", n.Name, copies, err)
	}
}

// manager returns the name of the elected cluster manager.
func manager(t *testing.T, u *up) string {
	t.Helper()
	var a struct {
		ManagerNode string `json:"cluster_manager_node"`
		Nodes       map[string]struct{ Name string }
	}
	if err := ask(t.Context(), u.document().Domains[0].Nodes[0], http.MethodGet, "/_cluster/state/cluster_manager_node,nodes", nil, &a); err != nil {
		t.Fatal(err)
	}
	return a.Nodes[a.ManagerNode].Name
}
