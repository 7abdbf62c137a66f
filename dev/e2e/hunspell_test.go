package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/target"
)

// hunspellZip is a dictionary by which, in version 7, notebookversion7 is a form of notebook.
func hunspellZip(version int) []byte {
	z, err := inspecttest.Zip([]inspecttest.File{
		{Name: "en_US/en_US.aff", Data: fmt.Appendf(nil, "SET UTF-8\nSFX V Y 1\nSFX V 0 version%d .\n", version)},
		{Name: "en_US/en_US.dic", Data: []byte("1\nnotebook/V\n")},
	})
	if err != nil {
		panic(err)
	}
	return z
}

// hunspell takes a package that is a folder through its life: two indices analyze with it, one by a
// filter that is updateable; a file in it is damaged; a new version reaches the first by reload, and the
// second would need a restart, which is said; the folder goes when nobody uses it.
func (c *cluster) hunspell(t *testing.T) {
	if v, err := target.Parse(clusterVersion()); err != nil || v.Before(3, 7) {
		t.Skipf("OpenSearch %s does not know ref_path as it is from 3.7 on (%v)", clusterVersion(), err)
	}
	defer explainFailure(t, c.u)
	p := &pack{u: c.u, name: "hunspell", kind: "hunspell", content: hunspellZip, released: c.p.released}
	p.create(t)
	p.askAssociate(t)
	serves := func(version int) {
		t.Helper()
		eventually(t, func() string {
			if s := p.state(t); s != fmt.Sprintf("ACTIVE v%d", version) {
				return s
			}
			for _, n := range c.u.document().Domains[0].Nodes {
				b, err := os.ReadFile(filepath.Join(p.path(n.Config), "hunspell", "en_US", "en_US.aff"))
				if err != nil || !strings.Contains(string(b), fmt.Sprintf("version%d .", version)) {
					return fmt.Sprintf("%s has %q (%v)", n.Name, b, err)
				}
			}
			return ""
		})
	}
	serves(1)
	stems(t, p, "reloaded", true)
	stems(t, p, "kept", false)
	finds := func(index string, version int) {
		t.Helper()
		eventually(t, func() string {
			for _, n := range c.u.document().Domains[0].Nodes {
				if why := hit(t.Context(), n, index, fmt.Sprintf("notebookversion%d", version)); why != "" {
					return why
				}
			}
			return ""
		})
	}
	finds("reloaded", 1)
	finds("kept", 1)

	damaged := filepath.Join(p.path(c.node(t, "n2").Config), "hunspell", "en_US", "en_US.aff")
	if err := os.WriteFile(damaged, []byte("SFX V Y 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	serves(1)

	p.askUpdate(t, 2)
	p.available(t, 2)
	p.askAssociate(t)
	serves(2)
	finds("reloaded", 2)
	finds("kept", 1)
	_, domain := cli(t, c.u, "domains", "demo", "--output", "json")
	if !strings.Contains(domain, "restart needed: index kept: filter.h cannot be reloaded") || strings.Contains(domain, "restart needed: index reloaded") {
		t.Errorf("searchpack domains demo says:\n%s", domain)
	}

	for _, index := range []string{"reloaded", "kept"} {
		if err := ask(t.Context(), c.node(t, "n1"), http.MethodDelete, "/"+index, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	p.askDissociate(t)
	eventually(t, func() string {
		if s := p.state(t); s != "none" {
			return s
		}
		for _, n := range c.u.document().Domains[0].Nodes {
			if _, err := os.Lstat(p.path(n.Config)); err == nil {
				return "the folder is still there on " + n.Name
			}
		}
		return ""
	})
}

// stems makes an index of one document, with a copy on every node, whose search analyzer stems by the
// package.
func stems(t *testing.T, p *pack, name string, updateable bool) {
	t.Helper()
	nodes := p.u.document().Domains[0].Nodes
	body := object{
		"settings": object{"index": object{
			"number_of_shards": 1, "number_of_replicas": len(nodes) - 1,
			"analysis": object{
				"filter": object{"h": object{
					"type": "hunspell", "ref_path": "analyzers/" + p.id, "locale": "en_US", "updateable": updateable}},
				"analyzer": object{"stems": object{
					"type": "custom", "tokenizer": "standard", "filter": []string{"lowercase", "h"}}},
			}}},
		"mappings": object{"properties": object{
			"title": object{"type": "text", "analyzer": "standard", "search_analyzer": "stems"}}},
	}
	fillIndex(t, nodes[0], name, body)
}
