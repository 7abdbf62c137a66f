package e2e

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

// TestPluginFiles takes a plugin over nodes that have no OpenSearch, so that whoever tests against
// AWS's API needs no Java: placed, brought up to date, taken away.
func TestPluginFiles(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"), "--domain", "demo", "--nodes", "3")
	engine := u.document().Domains[0].EngineVersion
	p := newPlug(t, u, "lemmas", engine, func(version int) []byte { return lemmasZip(t, fmt.Sprintf("1.%d", version)) })
	p.askAssociate(t)
	p.becomes(t, patience, "ACTIVE v1")
	samePlugin(t, p, "lemmas", 1)
	_, list := cli(t, u, "rollouts", "demo", "--limit", "1")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 2 {
		t.Fatalf("one rollout is no line:\n%s", list)
	}
	says(t, u, []string{"rollouts", "demo", strings.Fields(lines[1])[0]}, "placed")

	p.update(t, 2)
	samePlugin(t, p, "lemmas", 1) // until it is associated again
	p.askAssociate(t)
	p.becomes(t, patience, "ACTIVE v2")
	samePlugin(t, p, "lemmas", 2)
	a, err := p.association(t.Context())
	if err != nil || a.ErrorDetails != nil || aws.ToString(a.ReferencePath) != "" {
		t.Errorf("%+v, %v", a, err)
	}

	p.askDissociate(t)
	p.becomes(t, patience, "none")
	for _, n := range u.document().Domains[0].Nodes {
		if left, err := os.ReadDir(filepath.Join(n.Home, "plugins")); err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
			t.Errorf("%s: left under plugins/: %v, %v", n.Name, left, err)
		}
		// The installer keeps it, too: people may have changed it.
		if _, err := os.Stat(filepath.Join(n.Config, "lemmas", "words.txt")); err != nil {
			t.Error(err)
		}
	}
}

// samePlugin checks that the folder of the plugin has on every node the files of the version's zip, but
// for those that go into config/, and no others.
func samePlugin(t *testing.T, p *pack, folder string, version int) {
	t.Helper()
	want := map[string]string{}
	for _, f := range unzipped(t, p.content(version)) {
		if strings.HasPrefix(f.Name, "config/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want[f.Name] = string(b)
	}
	for _, n := range p.u.document().Domains[0].Nodes {
		dir := filepath.Join(n.Home, "plugins", folder)
		have := map[string]string{}
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			b, err := os.ReadFile(path)
			have[filepath.ToSlash(rel)] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s: %s (-zip +folder):\n%.2000s", n.Name, dir, diff)
		}
	}
}
