package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/server"
)

func page(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The pages name every command and every kind of dictionary.
func TestPagesAreComplete(t *testing.T) {
	t.Parallel()
	cli := page(t, "docs", "cli.md")
	for _, leaf := range leaves(t) {
		_, path, _ := strings.Cut(leaf.FullPath(), " ")
		words := strings.Fields(strings.TrimSuffix(path, " list"))
		if !strings.Contains(cli, strings.Join(words, " ")) && !strings.Contains(cli, "`"+words[len(words)-1]+"`") {
			t.Errorf("docs/cli.md does not name %q", path)
		}
	}
	dictionaries := page(t, "docs", "dictionaries.md")
	for _, kind := range searchpack.Kinds {
		if !strings.Contains(dictionaries, "`"+string(kind)+"`") {
			t.Errorf("docs/dictionaries.md does not name the kind %s", kind)
		}
	}
}

// docs/api.md has a row for every operation of the extension API.
func TestExtensionIsListed(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]map[string]struct{ Summary string }
	}
	if err := json.Unmarshal([]byte(page(t, "internal", "extapi", "openapi.json")), &doc); err != nil {
		t.Fatal(err)
	}
	api := page(t, "docs", "api.md")
	for path, methods := range doc.Paths {
		for method, o := range methods {
			if row := "| `" + strings.ToUpper(method) + " " + path + "` | " + o.Summary + " |"; !strings.Contains(api, row) {
				t.Errorf("docs/api.md lacks the row %s", row)
			}
		}
	}
}

// docs/access.md states the bounds as they are.
func TestBoundsAreStated(t *testing.T) {
	t.Parallel()
	access := page(t, "docs", "access.md")
	for _, says := range []string{
		fmt.Sprintf("A user has up to %d,", catalog.MaxKeys), fmt.Sprintf("A user has up to %d at once", catalog.MaxTemporaryKeys),
		fmt.Sprintf("An account has up to %d users, a key up to %d policies", catalog.MaxUsers, catalog.MaxPolicies),
		fmt.Sprintf("forgotten after %d days", server.DefaultKeepEvents/(24*time.Hour)),
	} {
		if !strings.Contains(access, says) {
			t.Errorf("docs/access.md does not say %q", says)
		}
	}
}

// docs/access.md has a row for the IAM action of every operation of the extension API, and names
// operations of AWS's API that there are, among them all that are about packages.
func TestActionsAreListed(t *testing.T) {
	t.Parallel()
	access := page(t, "docs", "access.md")
	var doc struct {
		Paths map[string]map[string]struct {
			Action string `json:"x-iam-action"`
		}
	}
	if err := json.Unmarshal([]byte(page(t, "internal", "extapi", "openapi.json")), &doc); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for path, methods := range doc.Paths {
		for method, o := range methods {
			if o.Action == "" {
				continue // health and this description: open to everybody
			}
			rows++
			resource := "`*`"
			if strings.Contains(path, "{domain}") {
				resource = "the domain"
			}
			if row := "| `" + o.Action + "` | `" + strings.ToUpper(method) + " " + path + "` | " + resource + " |"; !strings.Contains(access, row) {
				t.Errorf("docs/access.md lacks the row %s", row)
			}
		}
	}
	if got := strings.Count(access, "\n| `searchpack:"); got != rows {
		t.Errorf("docs/access.md has %d rows of the extension API, which has %d operations", got, rows)
	}
	var model struct {
		Operations []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(page(t, "internal", "awsapi", "model", "api.json")), &model); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, o := range model.Operations {
		there[o.Name] = true
		if strings.Contains(o.Name, "Package") && o.Version == "2021-01-01" && !strings.Contains(access, "`es:"+o.Name+"`") {
			t.Errorf("docs/access.md does not name es:%s", o.Name)
		}
	}
	for _, m := range regexp.MustCompile("`es:([A-Za-z]+)`").FindAllStringSubmatch(access, -1) {
		if !there[m[1]] {
			t.Errorf("docs/access.md names es:%s, which AWS's API does not have", m[1])
		}
	}
}

// .pre-commit-hooks.yaml has what pre-commit demands of a hook, and runs a command that there is.
func TestPreCommitHooks(t *testing.T) {
	t.Parallel()
	var hooks []struct {
		ID, Name, Description, Entry, Language string
		Types                                  []string
	}
	d := yaml.NewDecoder(strings.NewReader(page(t, ".pre-commit-hooks.yaml")))
	d.KnownFields(true)
	if err := d.Decode(&hooks); err != nil {
		t.Fatal(err)
	}
	for _, h := range hooks {
		if h.ID == "" || h.Name == "" || h.Description == "" || h.Language != "golang" || len(h.Types) == 0 {
			t.Errorf("%+v", h)
		}
		command, ours := strings.CutPrefix(h.Entry, "searchpack ")
		if !ours || !slices.ContainsFunc(leaves(t), func(n *kong.Node) bool { return strings.HasSuffix(n.FullPath(), " "+command) }) {
			t.Errorf("%s runs %q, which is no command", h.ID, h.Entry)
		}
		if !strings.Contains(page(t, "docs", "dictionaries.md"), "id: "+h.ID) {
			t.Errorf("docs/dictionaries.md does not show %s", h.ID)
		}
	}
	if len(hooks) == 0 {
		t.Error("no hooks")
	}
}

// No link of the pages leads nowhere.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(pages, filepath.Join("..", "..", "README.md"), filepath.Join("..", "..", "CONTRIBUTING.md")) {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(p), m[1])); err != nil {
				t.Errorf("%s links to %s", filepath.Base(p), m[1])
			}
		}
	}
}
