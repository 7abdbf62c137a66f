package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func page(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The pages name every command, every kind and every rule of the inspection, with its severity.
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
	dictionaries, packages := page(t, "docs", "dictionaries.md"), page(t, "docs", "packages.md")
	for _, kind := range searchpack.Kinds {
		if !strings.Contains(dictionaries, "`"+string(kind)+"`") {
			t.Errorf("docs/dictionaries.md does not name the kind %s", kind)
		}
	}
	rules := regexp.MustCompile(`(?m)^//\t([a-z]+\.[a-z-]+) +(error|warning|note) `).FindAllStringSubmatch(page(t, "internal", "inspect", "inspect.go"), -1)
	if len(rules) < 10 {
		t.Fatalf("the package comment of internal/inspect lists %d rules", len(rules))
	}
	for _, rule := range rules {
		name, text := "dictionaries.md", dictionaries
		if group, _, _ := strings.Cut(rule[1], "."); group == "archive" || group == "plugin" || group == "license" {
			name, text = "packages.md", packages
		}
		if !strings.Contains(text, "| `"+rule[1]+"` | "+rule[2]) {
			t.Errorf("docs/%s does not name the rule %s as %s", name, rule[1], rule[2])
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
