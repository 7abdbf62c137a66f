package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/dev/internal/stack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// plugged is what the parts of TestPluginRollout share.
type plugged struct {
	u        *up
	engine   string
	jar      []byte
	p        *pack
	version  int // of p, that serves
	restarts *restarts
	load     *indexer
	search   *searcher
}

// pluginPart is a part of TestPluginRollout.
type pluginPart struct {
	name string
	run  func(*plugged, *testing.T)
}

// The indices of TestPluginRollout: one that knows nothing of the plugin, and one that needs it.
const (
	plainIndex  = "books"
	loadedIndex = "notes"
	taggedIndex = "tagged"
)

// rolloutPatience bounds a rollout of a plugin: three restarts, one after the other, on a machine with
// other things to do.
const rolloutPatience = 10 * time.Minute

// TestPluginRollout takes a plugin through its life on a real cluster of three nodes while somebody
// searches and somebody else writes all the time: installed, upgraded, a version that no node starts
// with, versions that the nodes refuse, a removal while it is in use, one while an agent dies; and plugins
// that others have made. Not one request may fail. The parts build on each other. make test has it on 3.8.0,
// which starts more slowly, so that requests have longer to fail; 2.19.0 is a drill.
func TestPluginRollout(t *testing.T) {
	needsJVM(t)
	version := clusterVersion()
	c := &plugged{jar: compiled(t, version)}
	c.u = startOn(t, filepath.Join(openDir(t), "data"), version, jvmPatience, "--domain", "demo", "--nodes", "3",
		"--plugin-rules", "cluster") // those of AWS know no patch versions
	c.engine = c.u.document().Domains[0].EngineVersion
	n1 := nodeOf(t, c.u, "n1")
	for _, index := range []string{plainIndex, loadedIndex} {
		fillIndex(t, n1, index, indexOf("standard", nil))
	}
	c.p = newPlug(t, c.u, tagFilter, c.engine, func(v int) []byte {
		if v == lacksClass {
			return tagZip(t, version, withoutClass(t, c.jar, "searchpack/tags/Tags$Name.class"), v)
		}
		return tagZip(t, version, c.jar, v)
	})
	c.restarts = watchRestarts(t, c.u)
	c.search = searchAllTheTime(t, c.u, plainIndex, "notebook")
	c.load = indexAllTheTime(c.u)
	c.load.into(loadedIndex)
	parts := []pluginPart{
		{"installed", (*plugged).installs},
		{"upgraded", (*plugged).upgrades},
		{"its constructor throws", (*plugged).throws},
		{"nodes refuse it", (*plugged).refuses},
		{"in use", (*plugged).isInUse},
		{"its configuration and its license", (*plugged).configures},
		{"removed, and an agent dies while its node is down", (*plugged).removes},
		{"plugins of others", (*plugged).ofOthers},
	}
	if os.Getenv("SEARCHPACK_DRILL") != "" { // to a cluster it is what a constructor that throws is
		parts = slices.Insert(parts, 3, pluginPart{"a class of it is missing", (*plugged).lacks})
	}
	for _, part := range parts {
		if !t.Run(part.name, func(t *testing.T) { part.run(c, t) }) {
			break // what follows would only wait
		}
		c.search.check(t)
		c.load.check(t)
	}
	c.search.end(t)
	c.load.end(t)
	if !t.Failed() {
		c.load.has(t, c.u, loadedIndex)
	}
}

// indexOf is an index with a copy on each of three nodes, whose field title has the analyzer.
func indexOf(analyzer string, analysis any) object {
	settings := object{"number_of_shards": 1, "number_of_replicas": 2}
	if analysis != nil {
		settings["analysis"] = analysis
	}
	return object{
		"settings": object{"index": settings},
		"mappings": object{"properties": object{"title": object{"type": "text", "analyzer": analyzer}}},
	}
}

// serves checks that every node has loaded exactly the version that serves, and tags tokens by it.
func (c *plugged) serves(t *testing.T) {
	t.Helper()
	for _, n := range c.u.document().Domains[0].Nodes {
		if got := c.loaded(t, n); !slices.Equal(got, []string{fmt.Sprintf("%d.0.0", c.version)}) {
			t.Errorf("%s has loaded %v, want version %d", n.Name, got, c.version)
			continue
		}
		c.tags(t, n, "/_analyze", object{"tokenizer": "whitespace", "filter": []string{"tag"}, "text": "fox"})
	}
}

// tags checks what becomes of "fox".
func (c *plugged) tags(t *testing.T, n stack.NodeEntry, path string, body object) {
	t.Helper()
	tagsFox(t, n, path, body, tags[c.version-1])
}

// loaded returns the versions of the plugin that the node lists as loaded.
func (c *plugged) loaded(t *testing.T, n stack.NodeEntry) []string {
	t.Helper()
	return listed(t, n, tagFilter)
}

// listed returns the versions of a plugin that the node lists as loaded.
func listed(t *testing.T, n stack.NodeEntry, name string) []string {
	t.Helper()
	var a struct {
		Nodes map[string]struct {
			Plugins []struct{ Name, Version string }
		}
	}
	if err := ask(t.Context(), n, http.MethodGet, "/_nodes/_local/plugins", nil, &a); err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, node := range a.Nodes {
		for _, p := range node.Plugins {
			if p.Name == name {
				versions = append(versions, p.Version)
			}
		}
	}
	return versions
}

// settings are those of the cluster.
func (c *plugged) settings(t *testing.T) object {
	t.Helper()
	var all object
	if err := ask(t.Context(), nodeOf(t, c.u, "n1"), http.MethodGet, "/_cluster/settings?flat_settings=true", nil, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// sameSettings checks that the cluster's settings are as they were.
func (c *plugged) sameSettings(t *testing.T, before object) {
	t.Helper()
	if diff := cmp.Diff(before, c.settings(t)); diff != "" {
		t.Errorf("the cluster's settings are not as before (-before +after):\n%s", diff)
	}
}

// green checks that every copy is there.
func (c *plugged) green(t *testing.T) {
	t.Helper()
	var h struct{ Status string }
	if err := ask(t.Context(), nodeOf(t, c.u, "n1"), http.MethodGet, "/_cluster/health", nil, &h); err != nil || h.Status != "green" {
		t.Errorf("the cluster is %s, %v", h.Status, err)
	}
}

// rollsOut brings the newest version to the nodes, each of which is restarted once, the elected
// manager last.
func (c *plugged) rollsOut(t *testing.T, version int) {
	t.Helper()
	before, elected := c.settings(t), manager(t, c.u)
	c.restarts.taken(c.u)
	c.p.askAssociate(t)
	c.p.becomes(t, rolloutPatience, fmt.Sprintf("ACTIVE v%d", version))
	c.version = version
	c.serves(t)
	c.sameSettings(t, before)
	c.green(t)
	c.restarts.once(t, c.u, elected, false)
}

func (c *plugged) installs(t *testing.T) {
	c.rollsOut(t, 1)
	fillIndex(t, nodeOf(t, c.u, "n1"), taggedIndex, indexOf("tagging", object{
		"filter":   object{"tagging": object{"type": "tag"}},
		"analyzer": object{"tagging": object{"type": "custom", "tokenizer": "whitespace", "filter": []string{"tagging"}}},
	}))
	c.load.into(loadedIndex, taggedIndex)
}

func (c *plugged) upgrades(t *testing.T) {
	c.p.update(t, 2)
	c.rollsOut(t, 2)
	for _, n := range c.u.document().Domains[0].Nodes {
		c.tags(t, n, "/"+taggedIndex+"/_analyze", object{"analyzer": "tagging", "text": "fox"})
	}
	c.load.has(t, c.u, taggedIndex)
}

// configures: a configuration and a license of the plugin come by one call, by one restart of each node.
// OpenSearch reads each log4j2.properties below its configuration folder when it starts, so that one which
// is kept must not be found there.
func (c *plugged) configures(t *testing.T) {
	conf := newPart(t, c.u, types.PackageTypePackageConfig, "tags-config", ".zip", func(v int) []byte {
		z, err := inspecttest.Zip([]inspecttest.File{
			{Name: "words.txt", Data: fmt.Appendf(nil, "words %d", v)},
			{Name: "log4j2.properties", Data: fmt.Appendf(nil, "logger.tags%d.name = org.example.tags%d\nlogger.tags%d.level = info\n", v, v, v)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return z
	})
	license := newPart(t, c.u, types.PackageTypePackageLicense, "tags-license", ".json", func(v int) []byte { return fmt.Appendf(nil, `{"seats": %d}`, v) })
	before, elected := c.settings(t), manager(t, c.u)
	c.restarts.taken(c.u)
	es, _ := clients(c.u.document())
	in := &opensearch.AssociatePackagesInput{DomainName: aws.String("demo")}
	for _, p := range []*pack{conf, license} {
		in.PackageList = append(in.PackageList, types.PackageDetailsForAssociation{PackageID: aws.String(p.id), PrerequisitePackageIDList: []string{c.p.id}})
	}
	if _, err := es.AssociatePackages(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*pack{conf, license} {
		p.becomes(t, rolloutPatience, "ACTIVE v1")
	}
	confIs(t, c.u, tagFilter, "words.txt", "words 1")
	confIs(t, c.u, tagFilter, "license.json", `{"seats": 1}`)
	c.serves(t)
	c.sameSettings(t, before)
	c.green(t)
	c.restarts.once(t, c.u, elected, false)

	elected = manager(t, c.u)
	conf.update(t, 2)
	conf.askAssociate(t)
	conf.becomes(t, rolloutPatience, "ACTIVE v2")
	confIs(t, c.u, tagFilter, "words.txt", "words 2")
	c.restarts.once(t, c.u, elected, false)
}

// throws: the constructor of the plugin's class throws.
func (c *plugged) throws(t *testing.T) { c.doesNotStart(t, 3, "boom") }

// lacks: a class is missing that the constructor of the plugin's class uses, which the inspection does not see.
func (c *plugged) lacks(t *testing.T) { c.doesNotStart(t, lacksClass, "NoClassDefFoundError") }

// doesNotStart: the first node does not start with the version. It costs that node its restarts, and no
// other node anything; what somebody else had set stays set.
func (c *plugged) doesNotStart(t *testing.T, version int, says string) {
	const enable = "cluster.routing.allocation.enable"
	set := func(value any) {
		t.Helper()
		require(t, nodeOf(t, c.u, "n1"), http.MethodPut, "/_cluster/settings", object{"transient": object{enable: value}})
	}
	set("none")
	before, elected := c.settings(t), manager(t, c.u)
	if !strings.Contains(fmt.Sprint(before), enable+":none") {
		t.Fatalf("the setting was not taken: %v", before)
	}
	c.p.update(t, version)
	c.restarts.taken(c.u)
	c.p.askAssociate(t)
	c.p.becomes(t, rolloutPatience, "ASSOCIATION_FAILED v2")
	if why := c.p.state(t); !strings.Contains(why, says) {
		t.Errorf("the node's own words are missing: %s", why)
	} else {
		t.Log(why)
	}
	c.serves(t)
	c.sameSettings(t, before)
	set(nil)
	c.green(t)
	started := slices.Compact(c.restarts.taken(c.u))
	if len(started) != 1 || started[0] == elected {
		t.Errorf("restarted were %v, want one node; the elected manager is %s", started, elected)
	}
}

// refuses: packages that a node could not start with are told from its own folders, before anything
// is stopped.
func (c *plugged) refuses(t *testing.T) {
	version := clusterVersion()
	patch := version[:strings.LastIndex(version, ".")] + ".99"
	c.restarts.taken(c.u)
	for _, r := range []struct {
		name, says string
		zip        []byte
	}{
		{"other-patch", patch, tagZip(t, version, c.jar, 1, "name=other-patch", "opensearch.version="+patch)},
		{"jar-hell", "jar hell", tagZip(t, version, c.jar, 1, "name=jar-hell", "extended.plugins="+tagFilter)},
	} {
		p := newPlug(t, c.u, r.name, c.engine, func(int) []byte { return r.zip })
		p.askAssociate(t)
		p.becomes(t, patience, "ASSOCIATION_FAILED v1")
		if why := p.state(t); !strings.Contains(why, r.says) {
			t.Errorf("%s: %s", r.name, why)
		} else {
			t.Log(why)
		}
		p.askDissociate(t)
		p.becomes(t, patience, "none")
	}
	c.serves(t)
	if started := c.restarts.taken(c.u); len(started) > 0 {
		t.Errorf("nodes were restarted: %v", started)
	}
}

// isInUse: while an index and a template need the plugin, its removal is refused
// before anything is stopped or set, whoever needs it is named, and it goes on serving.
func (c *plugged) isInUse(t *testing.T) {
	n1, before := nodeOf(t, c.u, "n1"), c.settings(t)
	require(t, n1, http.MethodPut, "/_index_template/tags", object{"index_patterns": []string{"tags-*"}, "template": object{
		"settings": object{"index.analysis.analyzer.a": object{"type": "custom", "tokenizer": "whitespace", "filter": []string{"lowercase", "tag"}}},
	}})
	c.restarts.taken(c.u)
	began := time.Now()
	c.p.askDissociate(t)
	c.p.becomes(t, patience, fmt.Sprintf("DISSOCIATION_FAILED v%d", c.version))
	t.Logf("refused after %.1f s", time.Since(began).Seconds())
	why := c.p.state(t)
	for _, user := range []string{"index " + taggedIndex + " (token filter tag)", "index template tags (token filter tag)"} {
		if !strings.Contains(why, user) {
			t.Errorf("%s is not named: %s", user, why)
		}
	}
	t.Log(why)
	if strings.Contains(why, plainIndex) || strings.Contains(why, loadedIndex) {
		t.Errorf("an index is named that does not need it: %s", why)
	}
	require(t, n1, http.MethodDelete, "/_index_template/tags", nil)
	c.serves(t)
	c.sameSettings(t, before)
	if started := c.restarts.taken(c.u); len(started) > 0 {
		t.Errorf("nodes were restarted: %v", started)
	}
}

// losesAgent kills the agent of the first node that stops, while that is down by its permit: the next
// process of the agent starts the node with what was ordered, and the rollout goes on.
func (c *plugged) losesAgent(t *testing.T) {
	t.Helper()
	var down string
	eventually(t, func() string {
		for _, n := range c.u.document().Domains[0].Nodes {
			if n.PID == 0 || !alive(n.PID) {
				down = n.Name
				return ""
			}
		}
		return "no node stops"
	})
	if err := killAgent(t.Context(), c.u, down); err != nil {
		t.Fatal(err)
	}
	t.Logf("the agent of %s was killed while its node was down", down)
}

// removes: the nodes are restarted without the plugin, the elected manager first, since from then on it
// refuses indices that need it.
func (c *plugged) removes(t *testing.T) {
	c.load.into(loadedIndex)
	require(t, nodeOf(t, c.u, "n1"), http.MethodDelete, "/"+taggedIndex, nil)
	before, elected := c.settings(t), manager(t, c.u)
	c.restarts.taken(c.u)
	c.p.askDissociate(t)
	a, err := c.p.association(t.Context())
	if err != nil || a == nil || a.DomainPackageStatus != "DISSOCIATING" {
		t.Errorf("%+v, %v", a, err)
	} else if v := aws.ToString(a.PackageVersion); v != fmt.Sprintf("v%d", c.version) {
		t.Errorf("while it is removed PackageVersion is %q", v)
	}
	c.losesAgent(t)
	c.p.becomes(t, rolloutPatience, "none")
	for _, n := range c.u.document().Domains[0].Nodes {
		if got := c.loaded(t, n); len(got) > 0 {
			t.Errorf("%s has loaded %v", n.Name, got)
		}
		if _, err := os.Stat(filepath.Join(n.Home, "plugins", tagFilter)); !os.IsNotExist(err) {
			t.Errorf("%s has the plugin's folder (%v)", n.Name, err)
		}
	}
	for _, name := range []string{"words.txt", "log4j2.properties", "license.json"} { // its configuration and license went along
		confIs(t, c.u, tagFilter, name, "")
	}
	c.sameSettings(t, before)
	c.green(t)
	c.restarts.once(t, c.u, elected, true)
}
