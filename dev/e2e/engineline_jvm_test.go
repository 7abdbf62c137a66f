package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"

	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/refreshplugin"
)

// runs checks that the node has loaded exactly that version of the plugin and tags by it. It has no index
// that needs it: this is for upgrades across which none could be read.
func (c *plugged) runs(t *testing.T, node string, version int) {
	t.Helper()
	n := nodeOf(t, c.u, node)
	if got := c.loaded(t, n); !slices.Equal(got, []string{fmt.Sprintf("%d.0.0", version)}) {
		t.Errorf("%s has loaded %v, want version %d", node, got, version)
		return
	}
	c.version = version
	c.tags(t, n, "/_analyze", object{"tokenizer": "whitespace", "filter": []string{"tag"}, "text": "fox"})
}

// tagging is an index whose analyzer needs the plugin.
var tagging = object{
	"filter":   object{"tagging": object{"type": "tag"}},
	"analyzer": object{"tagging": object{"type": "custom", "tokenizer": "whitespace", "filter": []string{"tagging"}}},
}

// TestUpgradeDomainWithPlugin upgrades a real cluster of three nodes that has a plugin, and an index that
// needs it, by UpgradeDomain: refused before anything is stopped while the plugin has no build for the new
// version; then each node gets that build before it starts, and the association becomes its package's.
func TestUpgradeDomainWithPlugin(t *testing.T) {
	needsJVM(t)
	const from, to = "3.7.0", "3.8.0"
	jar := compiled(t, from)
	c := &plugged{jar: jar, engine: "OpenSearch_3.7"}
	c.u = startOn(t, filepath.Join(openDir(t), "data"), from, jvmPatience, "--opensearch", to, "--domain", "demo", "--nodes", "3")
	c.p = newPlug(t, c.u, tagFilter, c.engine, func(v int) []byte { return tagZip(t, from, jar, v) })
	c.p.askAssociate(t)
	c.p.becomes(t, rolloutPatience, "ACTIVE v1")
	n1 := nodeOf(t, c.u, "n1")
	fillIndex(t, n1, plainIndex, indexOf("standard", nil))
	fillIndex(t, n1, taggedIndex, indexOf("tagging", tagging))
	search := searchAllTheTime(t, c.u, plainIndex, "notebook")
	restarts := watchRestarts(t, c.u)

	upgradeTo(t, c.u, "OpenSearch_3.8")
	es, _ := clients(c.u.document())
	out, err := es.GetUpgradeStatus(t.Context(), &opensearch.GetUpgradeStatusInput{DomainName: aws.String("demo")})
	if err != nil || out.StepStatus != "FAILED" || out.UpgradeStep != "PRE_UPGRADE_CHECK" {
		t.Fatalf("without a build for 3.8: %+v, %v", out, err)
	}
	history, err := es.GetUpgradeHistory(t.Context(), &opensearch.GetUpgradeHistoryInput{DomainName: aws.String("demo")})
	if err != nil {
		t.Fatal(err)
	}
	issues := strings.Join(history.UpgradeHistories[0].StepsList[0].Issues, " ")
	for _, want := range []string{tagFilter, c.p.id, "OpenSearch_3.8"} {
		if !strings.Contains(issues, want) {
			t.Errorf("the check says %q, without %s", issues, want)
		}
	}
	t.Log(issues)
	if started := restarts.taken(c.u); len(started) > 0 {
		t.Fatalf("nodes were restarted: %v", started)
	}

	next := newPlug(t, c.u, tagFilter, "OpenSearch_3.8", func(int) []byte { return tagZip(t, to, jar, 2) })
	if _, err := es.AssociatePackage(t.Context(), &opensearch.AssociatePackageInput{PackageID: aws.String(next.id), DomainName: aws.String("demo")}); err == nil || !strings.Contains(err.Error(), c.p.id) {
		t.Errorf("two packages of one line were associated: %v", err)
	}
	upgradeTo(t, c.u, "OpenSearch_3.8")
	changed(t, c.u, jvmPatience)
	hasNodes(t, c.u, 3, "OpenSearch_3.8")
	for _, n := range []string{"n1", "n2", "n3"} {
		c.runs(t, n, 2)
		c.tags(t, nodeOf(t, c.u, n), "/"+taggedIndex+"/_analyze", object{"analyzer": "tagging", "text": "fox"})
	}
	next.becomes(t, patience, "ACTIVE v1")
	if state := c.p.state(t); state != "none" {
		t.Errorf("the former package is still associated: %s", state)
	}
	c.green(t)
	search.end(t)

	if os.Getenv("SEARCHPACK_DRILL") == "" {
		return
	}
	// It goes on as that package's: an update of it is rolled out.
	next.content = func(int) []byte { return tagZip(t, to, jar, 1) }
	next.update(t, 2)
	next.askAssociate(t)
	next.becomes(t, rolloutPatience, "ACTIVE v2")
	c.runs(t, "n2", 1)
}

// bring is what a package manager does to the home of a node that is stopped: it replaces the program, and
// leaves plugins/, configuration and data. The refresh plugin of these tests is of the program.
func bring(t *testing.T, u *up, node, version string) {
	t.Helper()
	home := nodeOf(t, u, node).Home
	made, err := distro.Layout(t.Context(), version, home+"-"+version, distro.Options{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := distro.OpenCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := refreshplugin.Install(t.Context(), cache, made); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"lib", "modules", "bin", filepath.Join(distro.PluginsDir, refreshplugin.Name)} {
		if err := os.RemoveAll(filepath.Join(home, dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(made.Dir, dir), filepath.Join(home, dir)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(made.Dir); err != nil {
		t.Fatal(err)
	}
}

// TestPatchUpgradeByHand upgrades the nodes of a real cluster from 2.19.0 to 2.19.1 as people with a package
// manager do, one at a time: a node for whose version the plugin has no build is not started and says so;
// once there is one, each node gets it before it starts, and what runs everywhere serves in the end.
func TestPatchUpgradeByHand(t *testing.T) {
	needsJVM(t)
	if os.Getenv("SEARCHPACK_DRILL") == "" || clusterVersion() != "2.19.0" {
		t.Skip("upgrades three nodes one after the other, which takes minutes: make drill VERSION=2.19.0 CASE=TestPatchUpgradeByHand")
	}
	const from, to = "2.19.0", "2.19.1"
	jar := compiled(t, from)
	c := &plugged{jar: jar}
	c.u = startOn(t, filepath.Join(openDir(t), "data"), from, jvmPatience, "--domain", "demo", "--nodes", "3", "--plugin-rules", "cluster")
	c.engine = c.u.document().Domains[0].EngineVersion
	c.p = newPlug(t, c.u, tagFilter, c.engine, func(v int) []byte {
		return tagZip(t, map[int]string{1: from, 2: to}[v], jar, v)
	})
	c.p.askAssociate(t)
	c.p.becomes(t, rolloutPatience, "ACTIVE v1")
	n1 := nodeOf(t, c.u, "n1")
	fillIndex(t, n1, plainIndex, indexOf("standard", nil))
	fillIndex(t, n1, taggedIndex, indexOf("tagging", tagging))
	search := searchAllTheTime(t, c.u, plainIndex, "notebook")
	stop := func(node string) {
		t.Helper()
		if code, out := command(t, "node", "stop", "demo/"+node, "--data", c.u.data); code != 0 {
			t.Fatalf("node stop: %d %s", code, out)
		}
		bring(t, c.u, node, to)
	}
	up := &cluster{u: c.u, p: c.p}
	health := func() {
		t.Helper()
		require(t, nodeOf(t, c.u, "n3"), http.MethodGet, "/_cluster/health?wait_for_status=green&timeout=120s&wait_for_nodes=3", nil)
	}

	stop("n1")
	code, out := command(t, "node", "start", "demo/n1", "--data", c.u.data)
	if code == 0 || !strings.Contains(out, "no version is known that is made for OpenSearch 2.19.1") || !strings.Contains(out, tagFilter) {
		t.Fatalf("started blindly: %d %s", code, out)
	}
	t.Log(out)
	c.p.update(t, 2)
	eventually(t, func() string {
		if code, out = command(t, "node", "start", "demo/n1", "--data", c.u.data); code != 0 {
			return out
		}
		return ""
	})
	health()
	c.runs(t, "n1", 2)
	c.runs(t, "n2", 1)
	if state := c.p.state(t); state != "ACTIVE v1" {
		t.Errorf("in the middle it is %s", state)
	}
	for _, node := range []string{"n2", "n3"} {
		stop(node)
		up.start(t, "node", node)
		health()
		c.runs(t, node, 2)
	}
	c.p.becomes(t, patience, "ACTIVE v2")
	c.green(t)
	search.end(t)
}
