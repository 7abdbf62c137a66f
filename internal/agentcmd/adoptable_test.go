package agentcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A path of --adopt is looked at as the agent takes it: no links, and its files change in their own folder.
func TestAdoptable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, d := range []string{"analysis/old", "real"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"synonyms.txt", "analysis/words.txt", "real/words.txt"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		place, link, err string
		there            bool
	}{
		"analysis":           {place: "analysis", there: true},
		"analysis/old":       {place: "analysis/old", there: true},
		"analysis/words.txt": {place: "analysis", there: true},
		"analysis/gone.txt":  {place: "analysis"},
		"synonyms.txt":       {place: ".", there: true},
		"gone":               {},
		"link/words.txt":     {link: "link"},
		"../other":           {err: "folder"},
		".":                  {err: "as a whole"},
	} {
		a := adoptable(dir, name)
		place := ""
		if a.Place.Path != "" {
			place, _ = filepath.Rel(dir, a.Place.Path)
		}
		if a.There != c.there || a.Link != c.link || place != c.place || (a.Error == "") != (c.err == "") || !strings.Contains(a.Error, c.err) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a := adoptable(filepath.Join(dir, "nowhere"), "analysis"); a.There || a.Error != "" {
		t.Errorf("%+v", a)
	}
}
