package supply

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

const api = " implements org/opensearch/plugins/AnalysisPlugin says "

// homeOf makes a home of jars: path -> classes as inspecttest.Class takes them, one a line.
func homeOf(t *testing.T, jars map[string]string) Home {
	t.Helper()
	dir := t.TempDir()
	for path, lines := range jars {
		var files []inspecttest.File
		for line := range strings.Lines(lines) {
			name, _, _ := strings.Cut(line, " ")
			files = append(files, inspecttest.File{Name: name + ".class", Data: []byte("class " + strings.TrimSpace(line))})
		}
		b, err := inspecttest.Zip(files)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, path), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return Home{Dir: dir, Plugins: filepath.Join(dir, "plugins")}
}

// supplied says what the plugin "p" supplies of the filters, and who else may: "a; b? other".
func supplied(t *testing.T, h Home, going []string, filters ...string) string {
	t.Helper()
	used := needs.NewNames()
	for _, f := range filters {
		used.Add(needs.TokenFilter, f, "index shop")
	}
	own, err := h.Plugin(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	all := used.Candidates(own)
	core, others, err := h.Rest(t.Context(), going, all)
	if err != nil {
		t.Fatal(err)
	}
	r, out := needs.Judge(all, core, others), []string(nil)
	for _, x := range r.Needs {
		out = append(out, x.Name)
	}
	for _, x := range r.Doubts {
		out = append(out, x.Name+"? "+x.Other)
	}
	return strings.Join(out, "; ")
}

func TestHome(t *testing.T) {
	t.Parallel()
	h := homeOf(t, map[string]string{
		"plugins/p/p.jar":        "a/P" + api + "one, two, three, four",
		"plugins/p/more.jar":     "a/More extends org/opensearch/X says five, six",
		"plugins/p/sub/deep.jar": "a/Deep extends org/opensearch/X says seven",
		"plugins/q/q.jar":        "q/Q" + api + "three",
		"lib/opensearch.jar":     "org/opensearch/index/analysis/A says one\norg/opensearch/Other says five",
		"lib/tools/t.jar":        "org/opensearch/index/analysis/T says six",
		"modules/m/m.jar":        "m/M" + api + "two",
	})
	all := []string{"one", "two", "three", "four", "five", "six", "seven", "eight"}
	if got, want := supplied(t, h, []string{"p"}, all...), "five; four; six; three? q"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := supplied(t, h, []string{"p", "q"}, all...), "five; four; six; three"; got != want {
		t.Errorf("together: got %s, want %s", got, want)
	}
	if got := supplied(t, h, []string{"p"}, "eight"); got != "" {
		t.Errorf("nobody's: %s", got)
	}
	// Without candidates nothing else is read.
	if core, others, err := (Home{Dir: "/nowhere", Plugins: "/nowhere"}).Rest(t.Context(), nil, nil); err != nil || len(core)+len(others) > 0 {
		t.Errorf("%v, %v, %v", core, others, err)
	}
}

// Folders and jars may be links, which OpenSearch follows.
func TestLinks(t *testing.T) {
	t.Parallel()
	h := homeOf(t, map[string]string{"elsewhere/p.jar": "a/P" + api + "one"})
	if err := errors.Join(os.Mkdir(h.Plugins, 0o755), os.Symlink(filepath.Join(h.Dir, "elsewhere"), filepath.Join(h.Plugins, "p"))); err != nil {
		t.Fatal(err)
	}
	if got := supplied(t, h, []string{"p"}, "one"); got != "one" {
		t.Errorf("a linked folder: %q", got)
	}
	outside := homeOf(t, map[string]string{"o.jar": "a/O" + api + "two"})
	if err := os.Symlink(filepath.Join(outside.Dir, "o.jar"), filepath.Join(h.Dir, "elsewhere", "o.jar")); err != nil {
		t.Fatal(err)
	}
	if got := supplied(t, h, []string{"p"}, "one", "two"); got != "one; two" {
		t.Errorf("a linked jar: %q", got)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	h := homeOf(t, map[string]string{"plugins/p/p.jar": "a/P" + api + "one"})
	for name, text := range map[string]string{"bad.jar": "no jar", "empty.jar": "", "README": "a stray"} {
		if err := os.WriteFile(filepath.Join(h.Plugins, "p", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{filepath.Join(h.Plugins, "p"), filepath.Join(h.Dir, "lib"), filepath.Join(h.Dir, "modules", "m")} {
		err := errors.Join(os.MkdirAll(dir, 0o755), unix.Mkfifo(filepath.Join(dir, "pipe.jar"), 0o644), os.Symlink("pipe.jar", filepath.Join(dir, "led.jar")),
			os.Symlink("nothing", filepath.Join(dir, "nowhere.jar")), os.Mkdir(filepath.Join(dir, "folder.jar"), 0o755))
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := supplied(t, h, []string{"p"}, "one"); got != "one" {
		t.Errorf("beside jars that Java cannot read: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Plugin(ctx, "p"); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
	r := &reader{ctx: t.Context(), left: 10}
	err := r.jars(h.Plugins, "p", needs.OfPlugin(nil), func(string) bool { return true })
	if err == nil || !strings.Contains(err.Error(), "bytes of classes") {
		t.Errorf("more than may be read: %v", err)
	}
	if list, err := names(filepath.Join(h.Dir, "nothing")); err != nil || !slices.Equal(list, nil) {
		t.Errorf("%q, %v", list, err)
	}
}
