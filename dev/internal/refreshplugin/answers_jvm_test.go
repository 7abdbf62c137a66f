package refreshplugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/dev/internal/cluster"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/refreshplugin"
)

// node is a running OpenSearch with the plugin, asked as a client would.
type node struct {
	t    *testing.T
	url  string
	file string // analyzers/F123456789 in its configuration
	home distro.Home
}

// startNodes starts a cluster.
func startNodes(t *testing.T, version string, count int) []node {
	t.Helper()
	if os.Getenv("SEARCHPACK_JVM") != "1" {
		t.Skip("starts OpenSearch: set SEARCHPACK_JVM=1")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "searchpack-refresh-") // t.TempDir is closed to the nodes' user
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755))

	cache, err := distro.OpenCache(nil)
	check(t, err)
	o := cluster.Options{Name: "refresh", Dir: dir}
	for i := range count {
		home, err := distro.Layout(ctx, version, filepath.Join(dir, fmt.Sprintf("n%d", i+1)), distro.Options{Log: func(s string) { t.Log(s) }})
		if errors.Is(err, distro.ErrNoJDK) {
			t.Fatal(err) // asked for by SEARCHPACK_JVM: a missing JDK is a failure
		}
		check(t, err)
		check(t, refreshplugin.Install(ctx, cache, home))
		o.Homes = append(o.Homes, home)
	}
	c, err := cluster.Create(o)
	check(t, err)
	t.Cleanup(c.Close)
	began := time.Now()
	check(t, c.Start(ctx))
	t.Logf("%d nodes of OpenSearch %s on Java %s answered after %.1fs", count, version, o.Homes[0].JDK.Version, time.Since(began).Seconds())
	var nodes []node
	for _, n := range c.Nodes() {
		nodes = append(nodes, node{t: t, url: n.URL(), home: n.Home(), file: filepath.Join(n.Config(), "analyzers", "F123456789")})
	}
	return nodes
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (n node) ask(method, path, body string) (int, string) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url+path, strings.NewReader(body))
	check(n.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // nothing is to linger
	resp, err := http.DefaultClient.Do(req)
	check(n.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	check(n.t, err)
	return resp.StatusCode, string(text)
}

func (n node) do(method, path, body string) {
	n.t.Helper()
	if status, text := n.ask(method, path, body); status/100 != 2 {
		n.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
}

func (n node) place(text string) {
	n.t.Helper()
	check(n.t, os.WriteFile(n.file, []byte(text), 0o644))
}

func (n node) hits(index, word string) int {
	n.t.Helper()
	status, text := n.ask("GET", "/"+index+"/_search?preference=_local&q=t:"+word, "")
	var answer struct {
		Hits struct{ Total struct{ Value int } }
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
		n.t.Fatalf("search: %d %s", status, text)
	}
	return answer.Hits.Total.Value
}

const route = "/_plugins/_refresh_search_analyzers/"

// refreshed asks the route and compares the whole answer, as JSON.
func (n node) refreshed(method, path string, status int, want string) {
	n.t.Helper()
	got, text := n.ask(method, path, "")
	if got != status {
		n.t.Errorf("%s %s: status %d, want %d: %s", method, path, got, status, text)
		return
	}
	var have, wanted any
	check(n.t, json.Unmarshal([]byte(text), &have))
	check(n.t, json.Unmarshal([]byte(want), &wanted))
	if diff := cmp.Diff(wanted, have); diff != "" {
		n.t.Errorf("%s %s (-want +got):\n%s", method, path, diff)
	}
}

// refused asks the route and compares status, type and reason.
func (n node) refused(path string, status int, kind, reason string) {
	n.t.Helper()
	got, text := n.ask("POST", path, "")
	var answer struct {
		Error struct{ Type, Reason string }
	}
	check(n.t, json.Unmarshal([]byte(text), &answer))
	if got != status || answer.Error.Type != kind || !strings.Contains(answer.Error.Reason, reason) {
		n.t.Errorf("POST %s: %d %s, want %d %s with %q", path, got, text, status, kind, reason)
	}
}

func index(shards, further, updateable string) string {
	return `{"settings":{"number_of_shards":` + shards + `,"number_of_replicas":0,` + further + `"analysis":{
		"filter":{"syn":{"type":"synonym_graph","synonyms_path":"analyzers/F123456789"` + updateable + `}},
		"analyzer":{"srch":{"tokenizer":"standard","filter":["lowercase","syn"]}}}},
		"mappings":{"properties":{"t":{"type":"text","analyzer":"standard","search_analyzer":"srch"}}}}`
}

const updateable = `,"updateable":true`

// The answers are those of index-management, seen on real clusters.
func TestAnswers(t *testing.T) {
	for _, version := range []string{"2.19.0", "2.19.1", "3.7.0", "3.8.0"} {
		t.Run(version, func(t *testing.T) { // one after the other: a node takes half a gigabyte
			n := startNodes(t, version, 1)[0]
			n.place("laptop, notebook\n")
			n.do("PUT", "/shop", index("2", "", updateable))
			n.do("PUT", "/shop/_doc/1?refresh=true", `{"t":"notebook"}`)
			n.checkReload()
			n.checkFailures()
			n.checkNames()
			n.checkKinds()
			n.checkVersion()
		})
	}
}

const (
	allWell   = `{"_shards":{"total":2,"successful":2,"failed":0},"successful_refresh_details":[{"index":"shop","refreshed_analyzers":["srch"]}]}`
	noneThere = `{"_shards":{"total":0,"successful":0,"failed":0},"successful_refresh_details":[]}`
)

func failing(reason string) string {
	return `{"_shards":{"total":2,"successful":0,"failed":2,"failures":[{"shard":0,"index":"shop","status":"BAD_REQUEST",
		"reason":{"type":"illegal_argument_exception","reason":"` + reason + `"}}]},"successful_refresh_details":[]}`
}

// checkReload: the file is read by a refresh and not before, under both prefixes.
func (n node) checkReload() {
	n.t.Helper()
	if n.hits("shop", "laptop") != 1 || n.hits("shop", "slate") != 0 {
		n.t.Fatal("the first rule does not serve")
	}
	n.place("laptop, notebook, slate\n")
	if n.hits("shop", "slate") != 0 {
		n.t.Error("the new rule serves before the refresh")
	}
	status, text := n.ask("POST", route+"shop", "")
	if status != 200 || text != allWell { // the order of members too
		n.t.Errorf("refresh: %d %s", status, text)
	}
	if n.hits("shop", "slate") != 1 {
		n.t.Error("the new rule does not serve after the refresh")
	}
	n.refreshed("POST", "/_opendistro/_refresh_search_analyzers/shop", 200, allWell)
	if status, _ := n.ask("GET", route+"shop", ""); status != 405 { // POST only, as index-management
		n.t.Errorf("GET answers %d", status)
	}
}

// checkFailures: failures are grouped, and what served goes on serving.
func (n node) checkFailures() {
	n.t.Helper()
	n.place("a => b => c\n")
	n.refreshed("POST", route+"shop", 200, failing("Failed to build synonyms"))
	n.place("caf\xe9, tea\n") // not UTF-8
	n.refreshed("POST", route+"shop", 200, failing("Failed to build synonyms"))
	n.refused(route+"shop?group_shard_failures=false", 400, "illegal_argument_exception", "unrecognized parameter: [group_shard_failures]")
	check(n.t, os.Remove(n.file))
	n.refreshed("POST", route+"shop", 200, failing("IOException while reading synonyms_path_path: file not readable"))
	if n.hits("shop", "slate") != 1 {
		n.t.Error("the former rules no longer serve after a refresh that failed")
	}
	n.place("laptop, notebook, slate\n")
	n.refreshed("POST", route+"shop", 200, allWell)
}

// checkNames: which indices may be named.
func (n node) checkNames() {
	n.t.Helper()
	n.refused("/_plugins/_refresh_search_analyzers", 400, "illegal_argument_exception", "Missing indices")
	n.refused("/_opendistro/_refresh_search_analyzers", 400, "illegal_argument_exception", "Missing indices")
	n.refused(route+"nothere", 404, "index_not_found_exception", "no such index [nothere]")
	n.do("PUT", "/shut", index("1", "", updateable))
	n.do("POST", "/shut/_close", "")
	n.refused(route+"shut", 400, "index_closed_exception", "closed")
	n.refreshed("POST", route+"shu*", 200, noneThere)
	n.refreshed("POST", route+"sho*", 200, allWell)
}

// checkKinds: indices that have nothing to refresh, or no copy that could.
func (n node) checkKinds() {
	n.t.Helper()
	n.do("PUT", "/plain", index("1", "", ""))
	n.refreshed("POST", route+"plain", 200,
		`{"_shards":{"total":1,"successful":1,"failed":0},"successful_refresh_details":[{"index":"plain","refreshed_analyzers":[]}]}`)
	n.do("PUT", "/nowhere?wait_for_active_shards=0", index("2", `"index.routing.allocation.include._name":"nobody",`, updateable))
	n.refreshed("POST", route+"nowhere", 200,
		`{"_shards":{"total":2,"successful":0,"failed":0},"successful_refresh_details":[]}`)
	n.refreshed("POST", route+"plain,shop,nowhere", 200,
		`{"_shards":{"total":5,"successful":3,"failed":0},"successful_refresh_details":[{"index":"plain","refreshed_analyzers":[]},{"index":"shop","refreshed_analyzers":["srch"]}]}`)
}

// checkVersion: what changed from version to version.
func (n node) checkVersion() {
	n.t.Helper()
	cached := route + "shop?reload_cached_resources=true"
	if n.home.AtLeast(3, 7) {
		n.refreshed("POST", cached, 200, allWell)
	} else {
		n.refused(cached, 400, "illegal_argument_exception", "contains unrecognized parameter: [reload_cached_resources]")
	}
	n.do("PUT", "/shop/_settings", `{"index.blocks.read_only":true}`)
	if n.home.AtLeast(3, 0) {
		n.refreshed("POST", route+"shop", 200, allWell)
	} else {
		n.refused(route+"shop", 403, "cluster_block_exception", "index [shop] blocked by: [FORBIDDEN/5/index read-only (api)];")
	}
	status, text := n.ask("GET", "/_cat/plugins?h=component,version", "")
	if status != 200 || strings.Join(strings.Fields(text), " ") != refreshplugin.Name+" 1.0.0" {
		n.t.Errorf("plugins: %d %q", status, text)
	}
}

// One of three copies cannot be reloaded: the answer counts it and leaves the index out, the other
// two serve the new rules.
func TestAnswersOfThreeNodes(t *testing.T) {
	for _, version := range []string{"2.19.0", "3.8.0"} {
		t.Run(version, func(t *testing.T) {
			nodes := startNodes(t, version, 3)
			for _, n := range nodes {
				n.place("laptop, notebook\n")
			}
			body := strings.Replace(index("1", "", updateable), `"number_of_replicas":0`, `"number_of_replicas":2`, 1)
			nodes[0].do("PUT", "/shop?wait_for_active_shards=all", body)
			nodes[0].do("PUT", "/shop/_doc/1?refresh=true&wait_for_active_shards=all", `{"t":"notebook"}`)
			for i, n := range nodes {
				n.place([]string{"laptop, notebook, slate\n", "a => b => c\n"}[i%2]) // n2 gets the bad one
			}
			nodes[2].refreshed("POST", route+"shop", 200, `{"_shards":{"total":3,"successful":2,"failed":1,"failures":[{"shard":0,"index":"shop","status":"BAD_REQUEST",
				"reason":{"type":"illegal_argument_exception","reason":"Failed to build synonyms"}}]},"successful_refresh_details":[]}`)
			for i, want := range []int{1, 0, 1} {
				if got := nodes[i].hits("shop", "slate"); got != want {
					t.Errorf("n%d: %d hits by the new rule, want %d", i+1, got, want)
				}
				if nodes[i].hits("shop", "laptop") != 1 {
					t.Errorf("n%d: the former rule does not serve", i+1)
				}
			}
			nodes[1].place("laptop, notebook, slate\n")
			nodes[1].refreshed("POST", route+"shop", 200,
				`{"_shards":{"total":3,"successful":3,"failed":0},"successful_refresh_details":[{"index":"shop","refreshed_analyzers":["srch"]}]}`)
			if nodes[1].hits("shop", "slate") != 1 {
				t.Error("n2 does not serve the new rule")
			}
		})
	}
}
