package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"
)

const (
	// togetherRounds of two packages at once: both orders, twice.
	togetherRounds = 4
	// togetherWithin is how far apart the two calls may be.
	togetherWithin = 10 * time.Millisecond
)

// twoAtOnce: one index reads two packages, and both are associated at the same moment. One is well. The
// other has a rule that only a node can find: behind a filter that drops short words, as this index has
// it, nothing is left of one of its terms. A reload of the index for the good one would load whatever
// lies there of the other.
func (c *cluster) twoAtOnce(t *testing.T) {
	defer explainFailure(t, c.u)
	good, bad := newPack(t, c.u, "together-good", 0), newPack(t, c.u, "together-bad", 0)
	for _, p := range []*pack{good, bad} {
		p.askAssociate(t)
		p.active(t, 1)
	}
	pairIndex(t, good, bad)
	onGood, onBad := watch(t, good, false), watch(t, bad, false) // a refused version is none that may ever lie there
	for round := range togetherRounds {
		version := round + 2
		refused := fmt.Sprintf("refused%d", version)
		good.update(t, version)
		bad.refuse(t, version, []byte("laptop, notebook\nab, notebook\n"+refused+", notebook\n"))
		first, second := good, bad
		if round%2 == 1 {
			first, second = bad, good
		}
		associateTogether(t, first, second)
		mixed := func() {
			t.Helper()
			for _, n := range c.u.document().Domains[0].Nodes {
				if why := hitIn(t.Context(), n, "pair", "other", refused); why == "" {
					t.Fatalf("%s finds by the refused file", n.Name)
				}
			}
		}
		eventually(t, func() string {
			mixed()
			g, b := good.state(t), bad.state(t)
			if strings.HasPrefix(b, "ACTIVE v"+fmt.Sprint(version)) {
				t.Fatalf("the bad package is %s", b)
			}
			if g != fmt.Sprintf("ACTIVE v%d", version) || !strings.HasPrefix(b, "ASSOCIATION_FAILED v1") {
				return fmt.Sprintf("the good package is %s, the bad one %s", g, b)
			}
			return ""
		})
		if s := bad.state(t); !strings.Contains(s, "index pair") || !strings.Contains(s, "analyzer bad") {
			t.Errorf("it does not say what refuses it: %s", s)
		}
		c.pairServes(t, good, version, bad)
	}
	onGood.end(t)
	onBad.end(t)
}

// pairServes: after both have ended every node has the good version and the bad one's former, on disk and
// in its analyzers.
func (c *cluster) pairServes(t *testing.T, good *pack, version int, bad *pack) {
	t.Helper()
	if why := good.onDisk(version) + bad.onDisk(1); why != "" {
		t.Error(why)
	}
	for _, n := range c.u.document().Domains[0].Nodes {
		for field, word := range map[string]string{"title": fmt.Sprintf("version%d", version), "other": "version1"} {
			if why := hitIn(t.Context(), n, "pair", field, word); why != "" {
				t.Errorf("%s by field %s", why, field)
			}
		}
		if why := hitIn(t.Context(), n, "pair", "title", fmt.Sprintf("version%d", version-1)); why == "" {
			t.Errorf("%s still finds by v%d", n.Name, version-1)
		}
	}
}

// refuse makes a version that imports well and that no node will take.
func (p *pack) refuse(t *testing.T, version int, text []byte) {
	t.Helper()
	putObject(t, p.u, p.name, text)
	es, _ := clients(p.u.document())
	_, err := es.UpdatePackage(t.Context(), &opensearch.UpdatePackageInput{
		PackageID: aws.String(p.id), PackageSource: &types.PackageSource{S3BucketName: aws.String(bucket), S3Key: aws.String(p.name)},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.available(t, version)
}

// associateTogether calls AssociatePackage for both within togetherWithin, the first one first.
func associateTogether(t *testing.T, first, second *pack) {
	t.Helper()
	es, _ := clients(first.u.document())
	call := func(p *pack) (time.Time, error) {
		began := time.Now()
		_, err := es.AssociatePackage(t.Context(), &opensearch.AssociatePackageInput{PackageID: aws.String(p.id), DomainName: aws.String("demo")})
		return began, err
	}
	type called struct {
		at  time.Time
		err error
	}
	go1 := make(chan called, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		at, err := call(first)
		go1 <- called{at, err}
	}()
	<-started
	at, err := call(second)
	one := <-go1
	if one.err != nil || err != nil {
		t.Fatalf("associate %s: %v; %s: %v", first.name, one.err, second.name, err)
	}
	if apart := at.Sub(one.at).Abs(); apart > togetherWithin {
		t.Errorf("the calls were %v apart", apart)
	}
}

// pairIndex makes the index pair, whose field title is searched by one package and other by the other.
func pairIndex(t *testing.T, good, bad *pack) {
	t.Helper()
	nodes := good.u.document().Domains[0].Nodes
	synonyms := func(p *pack) object {
		return object{"type": "synonym_graph", "synonyms_path": "analyzers/" + p.id, "updateable": true}
	}
	analyzer := func(filters ...string) object {
		return object{"type": "custom", "tokenizer": "standard", "filter": filters}
	}
	fillIndex(t, nodes[0], "pair", object{
		"settings": object{"index": object{
			"number_of_shards": 1, "number_of_replicas": len(nodes) - 1,
			"analysis": object{
				"filter": object{"good": synonyms(good), "bad": synonyms(bad), "words": object{"type": "length", "min": 3}},
				"analyzer": object{
					"good": analyzer("lowercase", "good"), "bad": analyzer("lowercase", "words", "bad"),
				}}}},
		"mappings": object{"properties": object{
			"title": object{"type": "text", "analyzer": "standard", "search_analyzer": "good", "copy_to": "other"},
			"other": object{"type": "text", "analyzer": "standard", "search_analyzer": "bad"},
		}},
	})
	t.Cleanup(func() { _ = ask(context.Background(), nodes[0], http.MethodDelete, "/pair", nil, nil) })
}
