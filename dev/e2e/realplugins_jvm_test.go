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
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/searchpack/searchpack/dev/internal/stack"
)

// realPacks are packages of the plugins that others have made for this engine.
func realPacks(t *testing.T, u *up, engine string) []*pack {
	t.Helper()
	var out []*pack
	for _, r := range realPlugins {
		if r.engine == engine {
			z := r.fetch(t)
			out = append(out, newPlug(t, u, r.name, engine, func(int) []byte { return z }))
		}
	}
	if len(out) == 0 {
		t.Fatalf("no plugin that others have made is known for %s", engine)
	}
	return out
}

// together associates all packages in one call, or dissociates them.
func together(t *testing.T, u *up, packs []*pack, associate bool) {
	t.Helper()
	es, _ := clients(u.document())
	var list []types.PackageDetailsForAssociation
	var ids []string
	for _, p := range packs {
		list = append(list, types.PackageDetailsForAssociation{PackageID: aws.String(p.id)})
		ids = append(ids, p.id)
	}
	var err error
	if associate {
		_, err = es.AssociatePackages(t.Context(), &opensearch.AssociatePackagesInput{DomainName: aws.String("demo"), PackageList: list})
	} else {
		_, err = es.DissociatePackages(t.Context(), &opensearch.DissociatePackagesInput{DomainName: aws.String("demo"), PackageList: ids})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tokensOf are those that the node makes of a text.
func tokensOf(t *testing.T, n stack.NodeEntry, path string, body object) []string {
	t.Helper()
	var a struct{ Tokens []struct{ Token string } }
	if err := ask(t.Context(), n, http.MethodPost, path, body, &a); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, token := range a.Tokens {
		out = append(out, token.Token)
	}
	return out
}

// realWorks shows that the node has what the plugins of its engine bring.
func realWorks(t *testing.T, n stack.NodeEntry, engine string) {
	t.Helper()
	if strings.HasPrefix(engine, "OpenSearch_2.") { // the job scheduler runs the jobs of other plugins
		if got := listed(t, n, "opensearch-job-scheduler"); !slices.Equal(got, []string{"2.19.0.0"}) {
			t.Errorf("%s lists the job scheduler as %v", n.Name, got)
		}
		return
	}
	for _, tt := range []struct {
		body object
		want []string
	}{
		{object{"tokenizer": "icu_tokenizer", "filter": []any{"icu_folding"}, "text": "Crème Brûlée"}, []string{"creme", "brulee"}},
		{object{"tokenizer": "standard", "filter": []any{object{"type": "phonetic", "encoder": "metaphone", "replace": true}}, "text": "Smith Smyth"}, []string{"SM0", "SM0"}},
	} {
		if got := tokensOf(t, n, "/_analyze", tt.body); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v becomes %v, want %v", n.Name, tt.body, got, tt.want)
		}
	}
}

// ofOthers takes the plugins that others have made for this engine through their life, all in one call
// each: a node is restarted once for all of them.
func (c *plugged) ofOthers(t *testing.T) {
	defer explainFailure(t, c.u)
	packs := realPacks(t, c.u, c.engine)
	before, elected := c.settings(t), manager(t, c.u)
	c.restarts.taken(c.u)
	together(t, c.u, packs, true)
	for _, p := range packs {
		p.becomes(t, rolloutPatience, "ACTIVE v1")
	}
	c.restarts.once(t, c.u, elected, false)
	for _, n := range c.u.document().Domains[0].Nodes {
		realWorks(t, n, c.engine)
	}
	c.sameSettings(t, before)
	c.green(t)

	elected = manager(t, c.u)
	together(t, c.u, packs, false)
	for _, p := range packs {
		p.becomes(t, rolloutPatience, "none")
	}
	c.restarts.once(t, c.u, elected, true)
	for _, n := range c.u.document().Domains[0].Nodes {
		left, err := filepath.Glob(filepath.Join(n.Home, "plugins", "*"))
		if err != nil || slices.ContainsFunc(left, func(p string) bool { return !strings.Contains(p, "refresh") }) {
			t.Errorf("%s: left under plugins are %v (%v)", n.Name, left, err)
		}
	}
	c.sameSettings(t, before)
	c.green(t)
}

// onlyNode: a domain of one node is restarted although every index is away meanwhile, and copies that
// never had a place do not count.
func (c *cluster) onlyNode(t *testing.T) {
	defer explainFailure(t, c.u)
	engine := c.u.document().Domains[0].EngineVersion
	packs := realPacks(t, c.u, engine)
	old := c.u.document().Domains[0].Nodes[0]
	require(t, old, http.MethodDelete, "/catalogue-1*", nil) // those that are left show the same
	together(t, c.u, packs, true)
	for _, p := range packs {
		p.becomes(t, rolloutPatience, "ACTIVE v1")
	}
	n := nodeOf(t, c.u, "n1")
	if n.PID == old.PID {
		t.Error("the node was not restarted")
	}
	realWorks(t, n, engine)
	together(t, c.u, packs, false)
	for _, p := range packs {
		p.becomes(t, rolloutPatience, "none")
		if _, err := os.Stat(filepath.Join(n.Home, "plugins", fmt.Sprint(p.name))); !os.IsNotExist(err) {
			t.Errorf("the folder of %s: %v", p.name, err)
		}
	}
	var health struct{ Status string }
	if err := ask(t.Context(), nodeOf(t, c.u, "n1"), http.MethodGet, "/_cluster/health", nil, &health); err != nil || health.Status != "yellow" {
		t.Errorf("the cluster is %q, %v", health.Status, err)
	}
}
