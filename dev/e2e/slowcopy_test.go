package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

const (
	// crawlRate is the recovery rate, in bytes a second, at which the copy of a heavy index is on its
	// way for half a minute: longer than a rollout takes to place its files on a busy machine.
	crawlRate = "100kb"
	// heavyDocs documents of heavyDoc bytes make an index that takes that long. A piece is 512 kB, so a
	// copy that is let go still takes up to 5 s.
	heavyDocs = 16
	heavyDoc  = 192 << 10
)

// heavyIndex makes an index whose search analyzer reads the package and whose one shard takes long to
// move, with its copies on the nodes named.
func heavyIndex(t *testing.T, p *pack, name string, on ...stack.NodeEntry) {
	t.Helper()
	body := object{
		"settings": object{"index": object{
			"number_of_shards": 1, "number_of_replicas": len(on) - 1,
			"routing":  object{"allocation": object{"include": object{"_name": names(on)}}},
			"analysis": readsFile("analyzers/" + p.id),
		}},
		"mappings": object{"properties": object{
			"title":   object{"type": "text", "analyzer": "standard", "search_analyzer": "with_synonyms"},
			"ballast": object{"type": "keyword", "index": false, "doc_values": false}}},
	}
	fillIndex(t, on[0], name, body)
	t.Cleanup(func() { _ = ask(context.Background(), on[0], http.MethodDelete, "/"+name, nil, nil) })
	random := make([]byte, heavyDoc*3/4)
	for i := range heavyDocs {
		_, _ = rand.Read(random) // what compresses would not be heavy; it never fails
		doc := object{"ballast": base64.StdEncoding.EncodeToString(random)}
		require(t, on[0], http.MethodPut, fmt.Sprintf("/%s/_doc/ballast%d", name, i), doc)
	}
	require(t, on[0], http.MethodPost, "/"+name+"/_flush?force=true&wait_if_ongoing=true", nil)
}

// names joins the names of nodes as OpenSearch's allocation filters take them.
func names(nodes []stack.NodeEntry) string {
	text := ""
	for _, n := range nodes {
		text += "," + n.Name
	}
	return text[1:]
}

// setRecoveryRate bounds how fast copies move; nil is OpenSearch's own rate.
func setRecoveryRate(t *testing.T, n stack.NodeEntry, rate any) {
	t.Helper()
	body := object{"persistent": object{"indices.recovery.max_bytes_per_sec": rate}}
	require(t, n, http.MethodPut, "/_cluster/settings", body)
}

// slowly sends the copies of the index to other nodes, at crawlRate, and returns when one is on its way.
// letGo has it arrive.
func slowly(t *testing.T, name string, to ...stack.NodeEntry) (letGo func()) {
	t.Helper()
	setRecoveryRate(t, to[0], crawlRate)
	letGo = func() { setRecoveryRate(t, to[0], nil) }
	t.Cleanup(func() {
		body := object{"persistent": object{"indices.recovery.max_bytes_per_sec": nil}}
		_ = ask(context.Background(), to[0], http.MethodPut, "/_cluster/settings", body, nil)
	})
	filter := object{"index.routing.allocation.include._name": names(to)}
	require(t, to[0], http.MethodPut, "/"+name+"/_settings", filter)
	eventually(t, func() string {
		if !onItsWay(t, to[0], name) {
			return "no copy of " + name + " moves"
		}
		return ""
	})
	return letGo
}

// onItsWay: a copy of the index is moving or starting.
func onItsWay(t *testing.T, n stack.NodeEntry, name string) bool {
	t.Helper()
	var copies []struct{ State string }
	if err := ask(t.Context(), n, http.MethodGet, "/_cat/shards/"+name+"?format=json&h=state", nil, &copies); err != nil {
		t.Fatal(err)
	}
	for _, c := range copies {
		if c.State == "RELOCATING" || c.State == "INITIALIZING" {
			return true
		}
	}
	return false
}

// loadedTerms are what the analyzer that this node itself has loaded for the index makes of a word; an
// error if it holds no copy.
func loadedTerms(t *testing.T, n stack.NodeEntry, index, word string) (map[string]bool, error) {
	t.Helper()
	var a struct {
		Vectors map[string]struct {
			Terms map[string]object
		} `json:"term_vectors"`
	}
	body := object{"doc": object{"title": word}, "per_field_analyzer": object{"title": "with_synonyms"}}
	path := "/" + index + "/_termvectors?preference=_shards:0|_only_local&realtime=false&positions=false&offsets=false&field_statistics=false"
	if err := ask(t.Context(), n, http.MethodPost, path, body, &a); err != nil {
		return nil, err
	}
	terms := map[string]bool{}
	for term := range a.Vectors["title"].Terms {
		terms[term] = true
	}
	return terms, nil
}
