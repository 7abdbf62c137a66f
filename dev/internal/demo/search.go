package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

const analyzerName = "with_synonyms"

type object = map[string]any

// indexBody has one shard with a copy on every node, so that every node can be asked.
func (j *job) indexBody() object {
	return object{
		"settings": object{"index": object{
			"number_of_shards": 1, "number_of_replicas": len(j.nodes) - 1,
			"analysis": object{
				"filter": object{"synonyms": object{
					"type": "synonym_graph", "synonyms_path": searchpack.ReferencePath(j.id), "updateable": true}},
				"analyzer": object{analyzerName: object{
					"type": "custom", "tokenizer": "standard", "filter": []string{"lowercase", "synonyms"}}},
			}}},
		"mappings": object{"properties": object{
			"title": object{"type": "text", "analyzer": "standard", "search_analyzer": analyzerName}}},
	}
}

// search is step 3.
func (j *job) search(ctx context.Context) (string, error) {
	first := j.nodes[0]
	if err := j.nodeCall(ctx, first, http.MethodPut, "/"+j.name, j.indexBody(), nil); err != nil {
		return "", err
	}
	j.out.call("PUT /"+j.name, fmt.Sprintf("search analyzer %s reads %s", analyzerName, searchpack.ReferencePath(j.id)), "")
	for i, title := range []string{"Notebook, 13 inch", "Sofa for three", "Lamp"} {
		if err := j.nodeCall(ctx, first, http.MethodPut, fmt.Sprintf("/%s/_doc/%d?refresh=true", j.name, i+1), object{"title": title}, nil); err != nil {
			return "", err
		}
		j.out.call("PUT /"+j.name+"/_doc", title, "")
	}
	err := j.nodeCall(ctx, first, http.MethodGet, "/_cluster/health/"+j.name+"?wait_for_status=green&timeout=60s", nil, nil)
	if err != nil {
		return "", err
	}
	if j.starts, err = j.jvmStarts(ctx); err != nil {
		return "", err
	}
	if err := j.everyNode(ctx, "laptop", "Notebook, 13 inch"); err != nil {
		return "", err
	}
	if hit, err := j.ask(ctx, first, "couch"); err != nil || len(hit) != 0 {
		return "", fmt.Errorf("couch hits %q before there is such a synonym (%w)", hit, err)
	}
	return fmt.Sprintf("\"laptop\" finds \"Notebook, 13 inch\" on %d of %d nodes", len(j.nodes), len(j.nodes)), nil
}

// ask searches on one node, in the copy that this node holds.
func (j *job) ask(ctx context.Context, n stack.NodeEntry, text string) ([]string, error) {
	var a struct {
		Hits struct {
			Hits []struct {
				Source struct {
					Title string `json:"title"`
				} `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	body := object{"query": object{"match": object{"title": text}}}
	err := j.nodeCall(ctx, n, http.MethodPost, "/"+j.name+"/_search?preference="+url.QueryEscape("_only_local")+"&request_cache=false", body, &a)
	var titles []string
	for _, h := range a.Hits.Hits {
		titles = append(titles, h.Source.Title)
	}
	return titles, err
}

// everyNode checks that the search finds exactly the title on every node.
func (j *job) everyNode(ctx context.Context, text, title string) error {
	for _, n := range j.nodes {
		hits, err := j.ask(ctx, n, text)
		if err != nil {
			return err
		}
		if len(hits) != 1 || hits[0] != title {
			return fmt.Errorf("%s: a search for %q finds %q, want %q", n.Name, text, hits, title)
		}
		j.out.call("POST /"+j.name+"/_search", fmt.Sprintf("on %s: %q", n.Name, text), fmt.Sprintf("%q", hits[0]))
	}
	return nil
}

// jvmStarts tells each node's process from a restarted one: JVM start time and process id.
func (j *job) jvmStarts(ctx context.Context) (map[string]string, error) {
	starts := map[string]string{}
	for _, n := range j.nodes {
		var a struct {
			Nodes map[string]struct {
				JVM struct {
					PID   int   `json:"pid"`
					Start int64 `json:"start_time_in_millis"`
				} `json:"jvm"`
			} `json:"nodes"`
		}
		if err := j.nodeCall(ctx, n, http.MethodGet, "/_nodes/_local/jvm", nil, &a); err != nil {
			return nil, err
		}
		for id, v := range a.Nodes {
			starts[n.Name] = fmt.Sprintf("%s %d %d", id, v.JVM.PID, v.JVM.Start)
		}
	}
	return starts, nil
}

// updatePromise is how soon a search must hit through a new synonym after AssociatePackage answered.
const updatePromise = 5 * time.Second

// update is step 4.
func (j *job) update(ctx context.Context) (string, error) {
	p, err := j.updatePackage(ctx, textV2, "couches")
	if err != nil {
		return "", err
	}
	if p.PackageStatus != types.PackageStatusAvailable {
		return "", fmt.Errorf("the update is %s%s", p.PackageStatus, details(p.ErrorDetails))
	}
	if err := j.askAssociate(ctx); err != nil {
		return "", err
	}
	answered := time.Now()
	shown := "ACTIVE"
	if j.searches {
		if shown, err = j.measure(ctx, answered); err != nil {
			return "", err
		}
	}
	a, err := j.awaitAssociation(ctx)
	if err != nil {
		return "", err
	}
	if a == nil || a.DomainPackageStatus != types.DomainPackageStatusActive {
		return "", errors.New("the association did not become ACTIVE")
	}
	active := time.Since(answered)
	j.serving = textV2
	if err := j.showProofs(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; ACTIVE after %.1f s", shown, active.Seconds()), nil
}

// measure searches on every node until all of them hit through the new synonym.
func (j *job) measure(ctx context.Context, answered time.Time) (string, error) {
	missing := j.nodes
	err := j.poll(ctx, `searching for "couch" on every node`, func() (bool, error) {
		var still []stack.NodeEntry
		for _, n := range missing {
			hits, err := j.ask(ctx, n, "couch")
			if err != nil {
				return false, err
			}
			if len(hits) == 0 {
				still = append(still, n)
			}
		}
		missing = still
		return len(missing) == 0, nil
	})
	if err != nil {
		return "", err
	}
	took := time.Since(answered)
	if err := j.everyNode(ctx, "couch", "Sofa for three"); err != nil {
		return "", err
	}
	now, err := j.jvmStarts(ctx)
	if err != nil {
		return "", err
	}
	for _, n := range j.nodes {
		if now[n.Name] != j.starts[n.Name] {
			return "", fmt.Errorf("%s was restarted: %s, before %s", n.Name, now[n.Name], j.starts[n.Name])
		}
	}
	if took > updatePromise {
		return "", fmt.Errorf("the new synonym hit on every node only after %.1f s, promised are %.0f s", took.Seconds(), updatePromise.Seconds())
	}
	return fmt.Sprintf("\"couch\" finds \"Sofa for three\" on every node %.1f s after AssociatePackage answered", took.Seconds()), nil
}

// badUpdates is step 5.
func (j *job) badUpdates(ctx context.Context) (string, error) {
	p, err := j.updatePackage(ctx, textTwoArrows, "two arrows")
	if err != nil {
		return "", err
	}
	text := details(p.ErrorDetails)
	if p.PackageStatus != types.PackageStatusValidationFailed || !names(text, "line 2") {
		return "", fmt.Errorf("a => b => c ended %s%s, want VALIDATION_FAILED naming line 2", p.PackageStatus, text)
	}
	if err := j.stillServes(ctx); err != nil {
		return "", err
	}
	if !j.searches {
		return "a => b => c is VALIDATION_FAILED with its line (without OpenSearch nobody can refuse ---, foo)", nil
	}
	if p, err = j.updatePackage(ctx, textDashes, "dashes"); err != nil {
		return "", err
	}
	if p.PackageStatus != types.PackageStatusAvailable {
		return "", fmt.Errorf("---, foo ended %s%s; only the index's own analyzer can refuse it", p.PackageStatus, details(p.ErrorDetails))
	}
	if err := j.askAssociate(ctx); err != nil {
		return "", err
	}
	a, err := j.awaitAssociation(ctx)
	if err != nil {
		return "", err
	}
	if a == nil || a.DomainPackageStatus != types.DomainPackageStatusAssociationFailed {
		return "", errors.New("---, foo did not end ASSOCIATION_FAILED")
	}
	text = details(a.ErrorDetails)
	if !names(text, "line 3", j.name, analyzerName) || !j.namesNode(text) {
		return "", fmt.Errorf("ASSOCIATION_FAILED does not name line 3, node, index %s and analyzer %s: %s", j.name, analyzerName, text)
	}
	if err := j.stillServes(ctx); err != nil {
		return "", err
	}
	return "a => b => c is VALIDATION_FAILED, ---, foo is ASSOCIATION_FAILED, each with its line; every node serves v2", nil
}

// names reports whether a text names everything.
func names(text string, what ...string) bool {
	for _, w := range what {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(w)) {
			return false
		}
	}
	return true
}

func (j *job) namesNode(text string) bool {
	for _, n := range j.nodes {
		if names(text, n.Name) {
			return true
		}
	}
	return false
}

// stillServes checks disks and, where there is an OpenSearch, searches on every node.
func (j *job) stillServes(ctx context.Context) error {
	if err := j.servesOnDisk(j.serving); err != nil {
		return err
	}
	if !j.searches {
		return nil
	}
	if err := j.everyNode(ctx, "laptop", "Notebook, 13 inch"); err != nil {
		return err
	}
	return j.everyNode(ctx, "couch", "Sofa for three")
}
