package configfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/searchpack/searchpack/internal/configfile"
)

type run struct {
	ConfigFile configfile.Path `type:"path"`
	Name       string          `default:"built-in"`
	Account    string
	Count      int
	Wait       time.Duration
	Fast       bool
	Must       string   `required:""`
	Sources    []string `name:"allow-source"`
	Secret     string   `hidden:""`
}

type program struct {
	Global string
	Run    run      `cmd:""`
	Other  struct{} `cmd:""`
	Group  struct {
		One struct {
			ConfigFile configfile.Path
			Both, Mine string
		} `cmd:""`
		Two struct {
			ConfigFile configfile.Path
			Both       string
			Theirs     string `required:""`
			Internal   string `hidden:""`
		} `cmd:""`
	} `cmd:""`
}

// parse runs the parser as main does.
func parse(t *testing.T, args ...string) (run, error) {
	t.Helper()
	var p program
	k, err := kong.New(&p, kong.DefaultEnvars("CFTEST"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	p.Run.ConfigFile = ""
	return p.Run, err
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "searchpack.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const whole = `
# every form there is
name: from-file
account: 000000000012
count: 0x10
wait: 90s
fast: true
must: "yes"
allow-source:
  - "*:*"
  - 000000000012:bucket/with,comma
`

func TestEveryForm(t *testing.T) {
	t.Parallel()
	got, err := parse(t, "run", "--config-file", file(t, whole))
	if err != nil {
		t.Fatal(err)
	}
	want := run{
		Name: "from-file", Account: "000000000012", Count: 16, Wait: 90 * time.Second, Fast: true, Must: "yes",
		Sources: []string{"*:*", "000000000012:bucket/with,comma"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Command line before environment before file before default.
func TestOrder(t *testing.T) {
	path := file(t, "name: file\nmust: file\naccount: file\n")
	t.Setenv("CFTEST_MUST", "environment")
	t.Setenv("CFTEST_ACCOUNT", "environment")
	t.Setenv("CFTEST_CONFIG_FILE", path)
	got, err := parse(t, "run", "--account", "flag")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(run{Name: "file", Must: "environment", Account: "flag"}, got); d != "" {
		t.Error(d)
	}
}

// The variable of the flag does not disturb a command that has no such flag.
func TestOtherCommand(t *testing.T) {
	t.Setenv("CFTEST_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	if _, err := parse(t, "other"); err != nil {
		t.Error(err)
	}
}

// Commands of one group share a file; flags of the other have no effect.
func TestGroupSharesAFile(t *testing.T) {
	t.Parallel()
	shared := file(t, "both: b\nmine: m\ntheirs: t\n")
	for _, command := range []string{"one", "two"} {
		var p program
		k, err := kong.New(&p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Parse([]string{"group", command, "--config-file", shared}); err != nil {
			t.Fatal(err)
		}
		one, two := p.Group.One, p.Group.Two
		if got := one.Both + one.Mine + two.Both + two.Theirs; got != map[string]string{"one": "bm", "two": "bt"}[command] {
			t.Errorf("%s: %q", command, got)
		}
	}
	for _, text := range []string{"internal: x\n", "name: x\n", "config-file: x\n"} {
		if _, err := parse(t, "group", "one", "--config-file", file(t, text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestEmptyFileGivesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n", "~\n"} {
		got, err := parse(t, "run", "--must", "x", "--config-file", file(t, text))
		if err != nil || got.Name != "built-in" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"unknown":         {"must: x\nnome: y\n", `run has no setting "nome"`},
		"another's":       {"must: x\nglobal: y\n", `has no setting "global"`},
		"itself":          {"config-file: other.yml\n", `has no setting "config-file"`},
		"hidden":          {"secret: x\n", `has no setting "secret"`},
		"help":            {"help: true\n", `has no setting "help"`},
		"twice":           {"must: x\nmust: y\n", `line 2: "must" stands there twice`},
		"nested":          {"must:\n  a: b\n", `"must": is neither`},
		"nested list":     {"allow-source: [[a]]\n", "a list holds plain values only"},
		"null":            {"must:\n", `"must": has no value`},
		"no mapping":      {"- a\n", "line 1: write key: value"},
		"two documents":   {"must: x\n---\nmust: y\n", "more than one document"},
		"no YAML":         {"must: [x\n", "yaml: "},
		"alias":           {"name: &a x\nmust: *a\n", `"must": is neither`},
		"wrong type":      {"must: x\ncount: many\n", "--count"},
		"list for scalar": {"must: [x, y]\n", "--must"},
		"required unset":  {"name: x\n", "--must"},
		"huge":            {"must: " + strings.Repeat("x", 2<<20) + "\n", "over 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, "run", "--config-file", file(t, c.text))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("want %q, got %v", c.says, err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
	if _, err := parse(t, "run", "--config-file", filepath.Join(t.TempDir(), "none.yml")); err == nil {
		t.Error("a file that is not there is no error")
	}
}
