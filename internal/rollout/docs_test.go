package rollout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page that says what nodes go through has the words of this package.
func TestReasonsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "## What nodes go through")
	if !found {
		t.Fatal("there is no such section")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	for _, text := range []string{
		silentText, "its node is in no cluster: OpenSearch does not answer", "it knows no elected cluster manager", "the others do not list it",
		"it has no Searchpack agent", "retire all but one", freezeText + "its agents report nodes of different clusters",
		"the nodes name different elected cluster managers", "is claimed by", "node turned back", "node shows it again", "domain frozen", "domain moves again",
	} {
		if !strings.Contains(table, text) {
			t.Errorf("docs/operations.md does not say %q", text)
		}
	}
}
