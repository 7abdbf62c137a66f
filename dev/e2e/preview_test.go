package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/searchpack/searchpack"
)

// previewed: what a version would make of a text is shown by a real node before anybody has the version,
// and it comes true. Nothing that is live changes for it.
func (c *cluster) previewed(t *testing.T) {
	defer explainFailure(t, c.u)
	n1, serving := c.node(t, "n1"), c.version
	c.next(t)
	text := fmt.Sprintf("version%d", c.version)
	was, live := c.liveFiles(t), terms(t, n1, "books", object{"analyzer": "with_synonyms"}, text)

	code, out := cli(t, c.u, "preview", c.p.name, "--domain", "demo", "--version", fmt.Sprintf("v%d", c.version), "--index", "books", "--text", text, "--output", "json")
	var shown struct {
		Live, Version, Analyzer string
		Partial                 bool
		Before, After           struct{ Tokens []struct{ Token string } }
	}
	if err := json.Unmarshal([]byte(out), &shown); code != 0 || err != nil {
		t.Fatalf("preview: %d %v\n%s", code, err, out)
	}
	before, after := []string{}, []string{}
	for _, token := range shown.Before.Tokens {
		before = append(before, token.Token)
	}
	for _, token := range shown.After.Tokens {
		after = append(after, token.Token)
	}
	if !same(before, live) || same(before, after) || shown.Partial || shown.Live != fmt.Sprintf("v%d", serving) || shown.Version != fmt.Sprintf("v%d", c.version) {
		t.Errorf("the index makes %v of the text, the preview says %s", live, out)
	}
	if now := c.liveFiles(t); !slices.Equal(was, now) {
		t.Errorf("live files were %v, are %v", was, now)
	}
	if now := terms(t, n1, "books", object{"analyzer": "with_synonyms"}, text); !same(now, live) {
		t.Errorf("after the preview the index makes %v of the text", now)
	}
	if s := c.p.state(t); s != fmt.Sprintf("ACTIVE v%d", serving) {
		t.Errorf("after the preview the association is %s", s)
	}
	candidate := searchpack.CandidatePath(searchpack.DigestOf(c.p.text(c.version)))
	eventually(t, func() string {
		for _, n := range c.u.document().Domains[0].Nodes {
			if _, err := os.Lstat(filepath.Join(n.Config, filepath.FromSlash(candidate))); !os.IsNotExist(err) {
				return fmt.Sprintf("%s still has the version that was previewed (%v)", n.Name, err)
			}
		}
		return ""
	})

	c.p.askAssociate(t)
	c.p.active(t, c.version)
	if now := terms(t, n1, "books", object{"analyzer": "with_synonyms"}, text); !same(now, after) {
		t.Errorf("the preview said %v, the version makes %v of the text", after, now)
	}
}

// same compares what may come in another order: filters give the tokens of one position in any.
func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// liveFiles describes what is under the package's final name, so that any change shows.
func (c *cluster) liveFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, n := range c.u.document().Domains[0].Nodes {
		info, err := os.Stat(c.p.path(n.Config))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %d bytes %v %+v", n.Name, info.Size(), info.ModTime(), inode(info)))
	}
	return out
}
