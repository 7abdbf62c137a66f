package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// foreign is a file of somebody else in the configuration folders.
const foreign = "somebodys-words.txt"

// brokenBefore: an analyzer also reads somebody else's file, which has gone since. No version of the
// package can mend that, and none is blamed for it: an index that is not reloaded goes on, and is named
// as one about which nothing can be said; one that would be reloaded cannot be, which ends the rollout
// with the same words.
func (c *cluster) brokenBefore(t *testing.T, p *pack, texts *[]string) {
	t.Helper()
	foreignFile := func(there bool) {
		t.Helper()
		for _, n := range c.u.document().Domains[0].Nodes {
			path := filepath.Join(n.Config, foreign)
			if there {
				writeReadable(t, path, "the\n")
			} else if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	next := func() int {
		*texts = append(*texts, strings.ReplaceAll((*texts)[0], "version1", fmt.Sprintf("version%d", len(*texts)+1)))
		p.update(t, len(*texts))
		p.askAssociate(t)
		return len(*texts)
	}
	makes := func(name string, hot bool) {
		t.Helper()
		body := object{
			"settings": object{"number_of_shards": 1, "number_of_replicas": 0, "analysis": object{
				"filter": object{
					"theirs": object{"type": "stop", "stopwords_path": foreign},
					"s":      object{"type": "synonym_graph", "synonyms_path": "analyzers/" + p.id, "updateable": hot},
				},
				"analyzer": object{"mixed": object{"type": "custom", "tokenizer": "standard", "filter": []string{"theirs", "s"}}}}},
			"mappings": object{"properties": object{"mixed": object{"type": "text", "analyzer": "standard", "search_analyzer": "mixed"}}},
		}
		require(t, c.node(t, "n1"), http.MethodPut, "/"+name, body)
		c.green(t, name)
	}
	foreignFile(true)
	makes("ways-broken", false)
	foreignFile(false)
	p.active(t, next())
	said := p.findings(t)
	var names []string
	for _, n := range c.u.document().Domains[0].Nodes {
		names = append(names, n.Name)
	}
	if !slices.ContainsFunc(said, func(line string) bool {
		return strings.Contains(line, "cannot be probed: index ways-broken, analyzer mixed on "+strings.Join(names, ", "))
	}) {
		t.Errorf("searchpack domains does not name the chain that was broken before:\n%s", strings.Join(said, "\n"))
	}

	foreignFile(true)
	makes("ways-broken-hot", true)
	foreignFile(false)
	serving := p.serving(t)
	next()
	message := p.failed(t, "ASSOCIATION_FAILED")
	for _, want := range []string{"index ways-broken-hot", "analyzer mixed", "before", fmt.Sprintf("v%d of %s still serves", serving, p.name)} {
		if !strings.Contains(message, want) {
			t.Errorf("a reload that no file can make good does not say %q: %s", want, message)
		}
	}
	t.Log(message)
	foreignFile(true) // the remedy
	p.askAssociate(t)
	p.active(t, len(*texts))
	foreignFile(false)
}
