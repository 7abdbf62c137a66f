package e2e

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

const (
	// yellowIndices have names of 255 bytes, the longest that OpenSearch takes.
	yellowIndices = 200
	yellowClosed  = 5
	// rollovers of the data stream are made from the moment that the update is asked for.
	rollovers = 8
)

// TestOneNode does to a domain of one node what needs no more. It runs on 2.19.0, where one node is up in
// half the time, and where nodes are asked other questions than in TestCluster.
func TestOneNode(t *testing.T) {
	needsJVM(t)
	version := cmp.Or(os.Getenv("SEARCHPACK_E2E_OPENSEARCH"), oldVersion)
	u := startOn(t, filepath.Join(openDir(t), "data"), version, jvmPatience, "--domain", "demo", "--nodes", "1", "--plugin-rules", "cluster")
	c := &cluster{u: u}
	t.Run("nodes are asked rightly about files", c.probedRight)
	t.Run("yellow for life", c.yellowForLife)
	t.Run("plugins on the only node, which stays yellow", c.onlyNode)
}

// yellowForLife: no replica ever finds a place; there are many indices of long names, some closed, and a
// data stream that rolls over while its analyzers reload. An update becomes ACTIVE all the same, and what
// was cached of the version before is not served any more.
func (c *cluster) yellowForLife(t *testing.T) {
	u := c.u
	defer explainFailure(t, u)
	p := newPack(t, u, "synonyms", 100)
	p.askAssociate(t)
	p.active(t, 1)
	n := nodeOf(t, u, "n1")
	names := makeYellow(t, n, p)
	for _, name := range names[:yellowClosed] {
		require(t, n, http.MethodPost, "/"+name+"/_close", nil)
	}
	require(t, n, http.MethodPost, "/events/_doc?refresh=true", object{"@timestamp": "2026-01-01T00:00:00Z", "title": "notebook"})
	cached(t, n, "version2", 0, 0)
	cached(t, n, "version1", yellowIndices-yellowClosed, 1)

	p.update(t, 2)
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rolled := rollAllTheTime(ctx, n)
	p.askAssociate(t)
	p.activeWithin(t, 2*patience, 2)
	took := time.Since(began)
	cancel()
	documents, err := rolled()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d indices and %d rollovers of a data stream: ACTIVE after %.1f s", yellowIndices, documents, took.Seconds())
	if documents == 0 {
		t.Error("the data stream did not roll over")
	}
	// What the cache says now is what counts: no index was written to since.
	counts(t, n, "catalogue-*", "version2", yellowIndices-yellowClosed)
	counts(t, n, "catalogue-*", "version1", 0)
	require(t, n, http.MethodPost, "/events/_refresh", nil)
	counts(t, n, "events", "version2", documents+1)
	counts(t, n, "events", "version1", 0)
	var health struct{ Status string }
	if err := ask(t.Context(), n, http.MethodGet, "/_cluster/health", nil, &health); err != nil || health.Status != "yellow" {
		t.Errorf("the cluster is %q, %v", health.Status, err)
	}
	for _, name := range names[:yellowClosed] {
		require(t, n, http.MethodPost, "/"+name+"/_open", nil)
		require(t, n, http.MethodGet, "/_cluster/health/"+name+"?wait_for_status=yellow&timeout=60s", nil)
		counts(t, n, name, "version2", 1)
	}
}

// makeYellow makes the indices, each with a document and a replica that nothing can take, and a data
// stream.
func makeYellow(t *testing.T, n stack.NodeEntry, p *pack) []string {
	t.Helper()
	template := object{
		"settings": object{"index": object{"number_of_shards": 1, "number_of_replicas": 1}, "analysis": reads(p)["analysis"]},
		"mappings": object{"properties": object{"title": object{"type": "text", "analyzer": "standard", "search_analyzer": "with_synonyms"}}},
	}
	require(t, n, http.MethodPut, "/_index_template/catalogue", object{"index_patterns": []string{"catalogue-*"}, "template": template})
	require(t, n, http.MethodPut, "/_index_template/events", object{"index_patterns": []string{"events"}, "data_stream": object{}, "template": template})
	began := time.Now()
	var names []string
	var wg sync.WaitGroup
	places := make(chan struct{}, 8)
	for i := range yellowIndices {
		name := fmt.Sprintf("catalogue-%03d-", i)
		name += strings.Repeat("x", 255-len(name))
		names = append(names, name)
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if err := ask(t.Context(), n, http.MethodPut, "/"+name+"?wait_for_active_shards=1", nil, nil); err != nil {
				t.Error(err)
				return
			}
			if err := ask(t.Context(), n, http.MethodPut, "/"+name+"/_doc/1?refresh=true", object{"title": "notebook"}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("%d indices made in %.1f s", len(names), time.Since(began).Seconds())
	return names
}

// found counts by a search that the request cache answers if it can.
func found(ctx context.Context, n stack.NodeEntry, index, word string) (int, error) {
	var a struct {
		Shards struct{ Failed int } `json:"_shards"`
		Hits   struct{ Total struct{ Value int } }
	}
	query := object{"size": 0, "track_total_hits": true, "query": object{"match": object{"title": word}}}
	err := ask(ctx, n, http.MethodPost, "/"+index+"/_search?request_cache=true", query, &a)
	if err == nil && a.Shards.Failed > 0 {
		err = fmt.Errorf("%d shards failed", a.Shards.Failed)
	}
	return a.Hits.Total.Value, err
}

func counts(t *testing.T, n stack.NodeEntry, index, word string, want int) {
	t.Helper()
	if got, err := found(t.Context(), n, index, word); err != nil || got != want {
		t.Errorf("a search for %s in %.40s finds %d documents, not %d (%v)", word, index, got, want, err)
	}
}

// cached searches until the answers come from the request caches.
func cached(t *testing.T, n stack.NodeEntry, word string, indices, stream int) {
	t.Helper()
	hits := func() int {
		var s struct {
			All struct {
				Total struct {
					Cache struct {
						Hits int `json:"hit_count"`
					} `json:"request_cache"`
				}
			} `json:"_all"`
		}
		if err := ask(t.Context(), n, http.MethodGet, "/_stats/request_cache?filter_path=_all.total.request_cache", nil, &s); err != nil {
			t.Fatal(err)
		}
		return s.All.Total.Cache.Hits
	}
	counts(t, n, "catalogue-*", word, indices)
	counts(t, n, "events", word, stream)
	before := hits()
	counts(t, n, "catalogue-*", word, indices)
	counts(t, n, "events", word, stream)
	if served := hits() - before; served < yellowIndices-yellowClosed {
		t.Errorf("only %d shards answer a search for %s from their caches", served, word)
	}
}

// rollAllTheTime rolls the data stream over, with a document after each, until ctx ends or enough were
// made. The result waits and returns how many documents there are more.
func rollAllTheTime(ctx context.Context, n stack.NodeEntry) func() (int, error) {
	made, failure, done := 0, error(nil), make(chan struct{})
	go func() {
		defer close(done)
		for made < rollovers && ctx.Err() == nil {
			// Not ended with ctx: whether it was made must be known.
			whole := context.WithoutCancel(ctx)
			if failure = ask(whole, n, http.MethodPost, "/events/_rollover", nil, nil); failure != nil {
				return
			}
			if failure = ask(whole, n, http.MethodPost, "/events/_doc", object{"@timestamp": "2026-01-01T00:00:00Z", "title": "notebook"}, nil); failure != nil {
				return
			}
			made++
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	return func() (int, error) { <-done; return made, failure }
}
