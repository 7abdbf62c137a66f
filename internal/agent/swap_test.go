package agent

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/allow"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
)

// What a start of the node does to its plugins, by the agent that holds the state folder (sync) and beside
// one that does.
func startsOf(p *plugins) map[string]func() error {
	r := &run{pluginer: p.pluginer, book: p.book, log: slog.New(slog.DiscardHandler)}
	a := &Agent{cfg: Config{Plugins: p.cfg, ConfigDir: p.conf}, log: slog.New(slog.DiscardHandler)}
	return map[string]func() error{
		"alone": func() error { return r.syncPlugins(p.t.Context(), errors.New("the server is away")) },
		"beside": func() error {
			ctx, cancel := context.WithTimeout(p.t.Context(), 4*time.Second) // it waits for the agent that runs
			defer cancel()
			return a.swapBeside(ctx, p.book.tree)
		},
	}
}

// eachStart runs f for both, each on a node of its own with a plugin that nobody has ordered yet.
func eachStart(t *testing.T, f func(name string, p *plugins, o searchpack.PluginOrder, start func() error)) {
	t.Helper()
	for _, name := range []string{"alone", "beside"} {
		p := newPlugins(t, nil)
		f(name, p, p.zip("lemmas", ""), startsOf(p)[name])
	}
}

func TestPluginsAtAStart(t *testing.T) {
	t.Parallel()
	eachStart(t, func(name string, p *plugins, o searchpack.PluginOrder, start func() error) {
		if err := start(); err != nil {
			t.Errorf("%s: nothing ordered: %v", name, err)
		}
		p.installs(o)
		end := processOf(t, p.home)
		if err := start(); err != nil || p.lie() != "" {
			t.Errorf("%s: while the node runs: %v, %q", name, err, p.lie())
		}
		end()
		for range 2 {
			if err := start(); err != nil || p.lie() != "lemmas" {
				t.Errorf("%s: %v, %q", name, err, p.lie())
			}
		}
		p.installs(removedPlugin(o))
		if err := start(); err != nil || p.lie() != "" {
			t.Errorf("%s: removed: %v, %q", name, err, p.lie())
		}
	})
}

// Files of a plugin that somebody has changed are put back at a start, by a process that knows nothing yet.
func TestChangedPluginIsPutBackAtAStart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alone", "beside"} {
		p := newPlugins(t, nil)
		o := p.zip("lemmas", "")
		p.installs(o)
		p.restarts()
		change := func(file string) string {
			t.Helper()
			full := filepath.Join(p.home, "plugins", "lemmas", file)
			if err := os.WriteFile(full, []byte("changed"), 0o644); err != nil {
				t.Fatal(err)
			}
			return full
		}
		begin := func() {
			t.Helper()
			fresh := *p
			fresh.pluginer = newPluginer(p.cfg, p.conf, p.fetch, p.book, p.log, func() {})
			if err := startsOf(&fresh)[name](); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		jar := change("lemmas.jar")
		begin()
		if got, err := os.ReadFile(jar); err != nil || string(got) == "changed" {
			t.Errorf("%s: it is not put back: %v", name, err)
		}
		if err := os.RemoveAll(filepath.Dir(jar)); err != nil {
			t.Fatal(err)
		}
		begin()
		if p.lie() != "lemmas" {
			t.Errorf("%s: the folder is not put back: %q", name, p.lie())
		}
		other := change(plugin.DescriptorName)
		p.pass(t.Context())
		begin() // that is another plugin: nothing is touched, and the node starts
		if got, err := os.ReadFile(other); err != nil || string(got) != "changed" {
			t.Errorf("%s: another plugin: %q, %v", name, got, err)
		}
	}
}

// A node that starts with empty folders while a rollout waits for its restart, as a new pod does, has the plugin
// as a candidate and as ordered, and nothing made ready.
func TestStartOfANewPodDuringARollout(t *testing.T) {
	t.Parallel()
	eachStart(t, func(name string, p *plugins, o searchpack.PluginOrder, start func() error) {
		err := p.book.takeIn(&searchpack.Order{
			Schema: 1, Generation: 1, Plugins: []searchpack.PluginOrder{o},
			Candidates: []searchpack.Candidate{{PackageID: o.PackageID, Digest: o.Digest, Size: o.Size, Plugin: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := start(); err != nil || p.lie() != "lemmas" {
			t.Errorf("%s: %v, %q", name, err, p.lie())
		}
	})
}

// A plugin whose folder is gone, and that is nowhere on this machine: the node does not start without it.
func TestNoStartWithoutAPluginThatIsGone(t *testing.T) {
	t.Parallel()
	eachStart(t, func(name string, p *plugins, o searchpack.PluginOrder, start func() error) {
		p.installs(o)
		p.restarts()
		if err := errors.Join(os.RemoveAll(filepath.Join(p.home, "plugins", "lemmas")), p.store.tree.root.Remove(blobName(o.Digest))); err != nil {
			t.Fatal(err)
		}
		if err := start(); err == nil || !strings.Contains(err.Error(), "plugins/lemmas is missing and cannot be put back") {
			t.Errorf("%s: %v", name, err)
		}
	})
}

// A node that is being given its former plugins back starts with those, also when what failed was a removal.
func TestStartLeavesTheFormerPlugins(t *testing.T) {
	t.Parallel()
	eachStart(t, func(name string, p *plugins, o searchpack.PluginOrder, start func() error) {
		p.installs(o)
		p.restarts()
		p.ordered(searchpack.Order{Plugins: []searchpack.PluginOrder{removedPlugin(o)}, Restart: &searchpack.RestartOffer{ID: "r"}})
		if err := p.apply(t.Context(), p.book.order()); err != nil || p.lie() != "" {
			t.Fatal(err, p.lie())
		}
		if err := p.restore(t.Context(), "unknown setting [lemmas.path]"); err != nil || p.lie() != "lemmas" {
			t.Fatal(err, p.lie())
		}
		if err := p.book.setRestart(&restart{Permit: "r", Stage: restartRestored, Failed: "it ended"}); err != nil {
			t.Fatal(err)
		}
		if err := start(); err != nil || p.lie() != "lemmas" {
			t.Errorf("%s: %v, %q", name, err, p.lie())
		}
	})
}

// What is ordered and not here is fetched at a start while the server answers, else the node must not start
// without it.
func TestStartWithoutThePlugin(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	here, gone := p.zip("lemmas", ""), p.zip("other", "")
	if err := p.store.tree.root.Remove(blobName(gone.Digest)); err != nil {
		t.Fatal(err)
	}
	if err := p.book.takeIn(&searchpack.Order{Schema: 1, Generation: 1, Plugins: []searchpack.PluginOrder{here, gone}}); err != nil {
		t.Fatal(err)
	}
	if err := startsOf(p)["alone"](); searchpack.ErrorCode(err) != searchpack.ErrNotFound || p.lie() != "" {
		t.Errorf("%v, %q", err, p.lie())
	}
	if err := p.book.takeIn(&searchpack.Order{Schema: 1, Generation: 2, Plugins: []searchpack.PluginOrder{here}}); err != nil {
		t.Fatal(err)
	}
	if err := startsOf(p)["alone"](); err != nil || p.lie() != "lemmas" {
		t.Errorf("staged at the start: %v, %q", err, p.lie())
	}
}

// A refusal says which allow file it was, on the node.
func TestRefusalNamesTheAllowFile(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	p.cfg.AllowAll, p.cfg.Allow = false, filepath.Join(t.TempDir(), "plugins.yml")
	if err := os.WriteFile(p.cfg.Allow, []byte("schema: 1\nplugins: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := p.allowed(allow.Plugin{Name: "lemmas"}); !strings.Contains(got, "names none ("+p.cfg.Allow+")") {
		t.Error(got)
	}
	p.cfg.Allow = ""
	if got := p.allowed(allow.Plugin{Name: "lemmas"}); !strings.Contains(got, "allow-plugins") {
		t.Error(got)
	}
}
