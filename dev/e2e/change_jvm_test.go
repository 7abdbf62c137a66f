package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"

	"github.com/searchpack/searchpack/dev/internal/nodeload"
	"github.com/searchpack/searchpack/internal/catalog"
)

// The OpenSearch that TestClusterChanges begins and ends with: the upgrade over a major version,
// each with a JDK of its own.
const (
	oldVersion, oldEngine = "2.19.0", "OpenSearch_2.19"
	newVersion, newEngine = "3.8.0", "OpenSearch_3.8"
)

// TestClusterChanges does to a real cluster what its owner asks for, while somebody searches all the
// time: a node comes, goes, and the engine is upgraded. It has a cluster of its own, since no other
// test could go on with what it leaves.
func TestClusterChanges(t *testing.T) {
	needsJVM(t)
	u := startOn(t, filepath.Join(openDir(t), "data"), oldVersion, jvmPatience, "--opensearch", newVersion, "--domain", "demo", "--nodes", "3")
	p := newPack(t, u, "synonyms", 100)
	p.askAssociate(t)
	p.active(t, 1)
	makeIndex(t, p, "books")
	// A copy on every node, also on those that come.
	require(t, nodeOf(t, u, "n1"), http.MethodPut, "/books/_settings", object{"index.auto_expand_replicas": "0-all"})
	searchable(t, p, "books", 1)
	offersBoth(t, u)
	s := searchAllTheTime(t, u, "books", "version1")
	c := &cluster{u: u, p: p, version: 1}
	for _, part := range []struct {
		name string
		run  func(*cluster, *testing.T)
	}{
		{"a node comes", (*cluster).grows},
		{"a node goes", (*cluster).shrinks},
		{"the engine is upgraded", (*cluster).upgrades},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(c, t) }) {
			break // what follows would only wait
		}
		s.check(t)
	}
	s.end(t)
	if t.Failed() {
		return
	}
	c.next(t) // the domain goes on as before
	p.askAssociate(t)
	p.active(t, 2)
	searchable(t, p, "books", 2)
}

// offersBoth checks that clients are told of exactly the versions that were asked for.
func offersBoth(t *testing.T, u *up) {
	t.Helper()
	es, _ := clients(u.document())
	all, err := es.ListVersions(t.Context(), &opensearch.ListVersionsInput{})
	if err != nil || !slices.Equal(all.Versions, []string{newEngine, oldEngine}) {
		t.Errorf("ListVersions: %+v, %v", all, err)
	}
	to, err := es.GetCompatibleVersions(t.Context(), &opensearch.GetCompatibleVersionsInput{DomainName: aws.String("demo")})
	if err != nil || len(to.CompatibleVersions) != 1 || !slices.Equal(to.CompatibleVersions[0].TargetVersions, []string{newEngine}) {
		t.Errorf("GetCompatibleVersions: %+v, %v", to, err)
	}
}

// TestKilledDuringUpgrade kills searchpack-dev, and with it OpenSearch, while the node restarts with
// the new version. The next one finishes the upgrade and sets back what the killed one had set.
func TestKilledDuringUpgrade(t *testing.T) {
	needsJVM(t)
	both := []string{"--opensearch", newVersion, "--domain", "demo", "--nodes", "1"}
	u := startOn(t, filepath.Join(openDir(t), "data"), oldVersion, jvmPatience, both...)
	p := newPack(t, u, "synonyms", 100)
	p.askAssociate(t)
	p.active(t, 1)
	makeIndex(t, p, "books")
	before := nodeOf(t, u, "n1").PID
	upgradeTo(t, u, newEngine)
	eventually(t, func() string {
		if n := nodeOf(t, u, "n1"); n.PID == 0 || n.PID == before {
			return "n1 does not restart"
		}
		return ""
	})
	u.signal(syscall.SIGKILL)
	nothingBelow(t, u.data)
	u = startOn(t, u.data, oldVersion, jvmPatience, both...)
	p.u = u
	changed(t, u, jvmPatience)
	hasNodes(t, u, 1, newEngine)
	(&cluster{u: u, p: p, version: 1}).leftNoSetting(t)
	searchable(t, p, "books", 1)
}

func (c *cluster) grows(t *testing.T) {
	defer explainFailure(t, c.u)
	resize(t, c.u, 4)
	changed(t, c.u, jvmPatience)
	hasNodes(t, c.u, 4, oldEngine)
	searchable(t, c.p, "books", 1)
}

func (c *cluster) shrinks(t *testing.T) {
	defer explainFailure(t, c.u)
	n1, four := c.node(t, "n1"), c.node(t, "n4")
	// An index whose only copy lies on the node that goes.
	const onNode = "index.routing.allocation.require._name"
	for _, call := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPut, "/rare", object{"settings": object{"number_of_shards": 1, "number_of_replicas": 0, onNode: "n4"}}},
		{http.MethodPut, "/rare/_doc/1?refresh=true", object{"title": "incunable"}},
		{http.MethodPut, "/rare/_settings", object{onNode: nil}},
	} {
		require(t, n1, call.method, call.path, call.body)
	}
	resize(t, c.u, 3)
	changed(t, c.u, jvmPatience)
	hasNodes(t, c.u, 3, oldEngine)
	if alive(four.PID) || alive(four.AgentPID) {
		t.Error("n4 or its agent runs")
	}
	if n := c.nodes(t)["n4"]; n.State != catalog.NodeRetired {
		t.Errorf("the agent of n4 is %q", n.State)
	}
	var count struct{ Count int }
	if err := ask(t.Context(), n1, http.MethodGet, "/rare/_count", nil, &count); err != nil || count.Count != 1 {
		t.Errorf("of the index that was on n4 alone %d documents are left, %v", count.Count, err)
	}
	c.leftNoSetting(t)
	searchable(t, c.p, "books", 1)
}

func (c *cluster) upgrades(t *testing.T) {
	defer explainFailure(t, c.u)
	upgradeTo(t, c.u, newEngine)
	changed(t, c.u, jvmPatience)
	hasNodes(t, c.u, 3, newEngine)
	for _, n := range c.u.document().Domains[0].Nodes {
		var who struct{ Version struct{ Number string } }
		if err := ask(t.Context(), n, http.MethodGet, "/", nil, &who); err != nil || who.Version.Number != newVersion {
			t.Errorf("%s says it is %s, %v", n.Name, who.Version.Number, err)
		}
		if _, err := os.Stat(n.Home + ".next"); !os.IsNotExist(err) {
			t.Errorf("the former program of %s is still there (%v)", n.Name, err)
		}
	}
	c.leftNoSetting(t)
	searchable(t, c.p, "books", 1)
}

// leftNoSetting checks that a change has set back what it had set, and kept nobody out of votes.
func (c *cluster) leftNoSetting(t *testing.T) {
	t.Helper()
	n1 := c.node(t, "n1")
	var settings struct{ Persistent, Transient map[string]any }
	if err := ask(t.Context(), n1, http.MethodGet, "/_cluster/settings?flat_settings=true", nil, &settings); err != nil {
		t.Fatal(err)
	}
	for name := range settings.Persistent {
		if strings.HasPrefix(name, "cluster.routing.allocation") {
			t.Errorf("left in the cluster's settings: %v", settings)
		}
	}
	var state struct {
		Metadata struct {
			Coordination struct {
				Exclusions []any `json:"voting_config_exclusions"`
			} `json:"cluster_coordination"`
		}
	}
	if err := ask(t.Context(), n1, http.MethodGet, "/_cluster/state/metadata?filter_path=metadata.cluster_coordination", nil, &state); err != nil {
		t.Fatal(err)
	}
	if len(state.Metadata.Coordination.Exclusions) != 0 {
		t.Errorf("kept out of votes: %v", state.Metadata.Coordination.Exclusions)
	}
}

// searcher searches an index through a synonym all the time, as a client does that knows all nodes:
// when one does not answer it asks the next.
type searcher struct{ load *nodeload.Load }

func searchAllTheTime(t *testing.T, u *up, index, word string) *searcher {
	s := &searcher{nodeload.Start(nodeload.Config{Nodes: loadedNodes(u), Pause: 10 * time.Millisecond, Ask: func(ctx context.Context, n nodeload.Node, _ int) error {
		return searchOnce(ctx, n, index, word)
	}})}
	t.Cleanup(func() { s.load.End() })
	return s
}

// searchOnce wants the whole answer.
func searchOnce(ctx context.Context, n nodeload.Node, index, word string) error {
	var a struct {
		Shards struct{ Failed int } `json:"_shards"`
		Hits   struct{ Total struct{ Value int } }
	}
	query := object{"query": object{"match": object{"title": word}}}
	if err := ask(ctx, asEntry(n), http.MethodPost, "/"+index+"/_search?request_cache=false", query, &a); err != nil {
		return err
	}
	if a.Shards.Failed > 0 || a.Hits.Total.Value != 1 {
		return nodeload.Wrong{Why: fmt.Sprintf("%s answers with %d hits, %d shards failed", n.Name, a.Hits.Total.Value, a.Shards.Failed)}
	}
	return nil
}

// check fails the test for searches that failed so far.
func (s *searcher) check(t *testing.T) {
	t.Helper()
	c := s.load.Count()
	for _, why := range c.Failures {
		t.Error("a search failed: ", why)
	}
	t.Logf("%d searches, the slowest took %v", c.Done, c.Slowest.Round(time.Millisecond))
	if c.Done == 0 {
		t.Error("nothing was searched")
	}
}

func (s *searcher) end(t *testing.T) {
	t.Helper()
	s.load.End()
	s.check(t)
}
