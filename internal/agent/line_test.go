package agent

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/searchpack/searchpack"
)

// upgraded has a package manager bring another OpenSearch: its jars, and nothing of plugins/.
func (p *plugins) upgraded(version string) {
	p.t.Helper()
	jars, err := filepath.Glob(filepath.Join(p.home, "lib", "opensearch-*.jar"))
	if err != nil || len(jars) != 1 {
		p.t.Fatal(jars, err)
	}
	if err := os.Rename(jars[0], filepath.Join(p.home, "lib", "opensearch-"+version+".jar")); err != nil {
		p.t.Fatal(err)
	}
}

// build is a version of the plugin lemmas for an OpenSearch, whose bytes are in the local store.
func (p *plugins) build(version, openSearch string) searchpack.PluginOrder {
	o := p.zip("lemmas", "version="+version+"\nopensearch.version="+openSearch)
	o.OpenSearch = openSearch
	return o
}

// forget takes bytes out of the local store.
func (p *plugins) forget(o searchpack.PluginOrder) {
	p.t.Helper()
	if err := p.store.tree.root.Remove(blobName(o.Digest)); err != nil {
		p.t.Fatal(err)
	}
}

// lines takes an order in: the plugin, and others for other versions.
func (p *plugins) lines(o searchpack.PluginOrder, others ...searchpack.PluginOrder) {
	p.ordered(searchpack.Order{Plugins: []searchpack.PluginOrder{o}, Alternatives: others})
}

// placed is the version of the plugin that lies under plugins/.
func (p *plugins) placedVersion() string {
	text, _ := os.ReadFile(filepath.Join(p.home, "plugins", "lemmas", "plugin-descriptor.properties"))
	for line := range strings.Lines(string(text)) {
		if v, is := strings.CutPrefix(line, "version="); is {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// A package manager brings another OpenSearch while nobody looks: the start of the node brings the plugin
// for that, and back again, without the server.
func TestStartAfterAPackageUpgrade(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alone", "beside"} {
		p := newPlugins(t, nil)
		o, next, other := p.build("1", "3.8.0"), p.build("2", "3.8.1"), p.build("3", "~3.9.0")
		p.lines(o, other, next)
		p.restarts()
		for _, step := range []struct{ openSearch, want string }{{"3.8.1", "2"}, {"3.9.7", "3"}, {"3.8.0", "1"}} {
			p.upgraded(step.openSearch)
			if err := startsOf(p)[name](); err != nil || p.placedVersion() != step.want || p.lie() != "lemmas" {
				t.Errorf("%s: with %s: %v, version %s, %q", name, step.openSearch, err, p.placedVersion(), p.lie())
			}
			p.starts()
			if r := p.report(o.PackageID); r.Installed == "" || !r.Started || r.Error != "" {
				t.Errorf("%s: with %s: %+v", name, step.openSearch, r)
			}
		}
	}
}

// No version fits, or the one that does is not here: the node does not start, nothing is changed, and it is
// said which plugin, which versions and what to do.
func TestNoStartWithAPluginOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alone", "beside"} {
		p := newPlugins(t, nil)
		o, next := p.build("1", "3.8.0"), p.build("2", "3.8.1")
		p.lines(o, next)
		p.restarts()
		p.upgraded("3.8.2")
		err := startsOf(p)[name]()
		for _, want := range []string{"plugin lemmas", "OpenSearch 3.8.2", p.home, `v1 is for "3.8.0"`, `v1 for "3.8.1"`, "searchpack push", "install the former OpenSearch"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v lacks %q", name, err, want)
			}
		}
		if p.placedVersion() != "1" {
			t.Errorf("%s: plugins/ was changed: %s", name, p.placedVersion())
		}
		if name == "beside" {
			continue // it waits for the agent that runs: see TestStartBesideAnAgentThatFetches
		}
		p.upgraded("3.8.1")
		p.forget(next)
		err = startsOf(p)[name]()
		if searchpack.ErrorCode(err) != searchpack.ErrNotFound || !strings.Contains(err.Error(), "lemmas v1, made for OpenSearch 3.8.1") {
			t.Errorf("%s: not here: %v", name, err)
		}
		if p.placedVersion() != "1" {
			t.Errorf("%s: plugins/ was changed: %s", name, p.placedVersion())
		}
	}
}

// The alternative that is preferred is not here and cannot be had, because its package was deleted: the next that
// fits is taken, and nothing else.
func TestStartWithTheNextThatFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"alone", "beside"} {
			p := newPlugins(t, nil)
			o, gone, next := p.build("1", "3.8.0"), p.build("2", "3.8.1"), p.build("3", "^3.8.1")
			p.lines(o, gone, next)
			p.restarts()
			p.forget(gone)
			p.upgraded("3.8.1")
			start := func() error {
				if name == "beside" {
					a := &Agent{cfg: Config{Plugins: p.cfg, ConfigDir: p.conf}, log: slog.New(slog.DiscardHandler)}
					return a.swapBeside(t.Context(), p.book.tree)
				}
				return startsOf(p)[name]()
			}
			if err := start(); err != nil || p.placedVersion() != "3" || p.lie() != "lemmas" {
				t.Errorf("%s: %v, version %s, %q", name, err, p.placedVersion(), p.lie())
			}
			p.starts()
			if r := p.report(o.PackageID); r.Installed != next.Digest {
				t.Errorf("%s: %+v", name, r)
			}
			if err := start(); err != nil || p.placedVersion() != "3" {
				t.Errorf("%s: again: %v, version %s", name, err, p.placedVersion())
			}
			p.upgraded("3.8.2") // for which there is only that one
			if err := start(); err != nil || p.placedVersion() != "3" {
				t.Errorf("%s: %v, version %s", name, err, p.placedVersion())
			}
		}
	})
}

// The build for another OpenSearch was pushed a moment before its package manager brought that: the agent
// that holds the state folder hears of it while the node starts.
func TestStartBesideAnAgentThatHears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlugins(t, nil)
		o, next := p.build("1", "3.8.0"), p.build("2", "3.8.1")
		p.lines(o)
		p.restarts()
		p.upgraded("3.8.1")
		done := make(chan error, 1)
		start := startsOf(p)["beside"]
		go func() { done <- start() }()
		synctest.Wait() // it has seen that nothing fits
		if len(done) > 0 {
			t.Fatalf("it did not wait: %v", <-done)
		}
		if err := p.book.takeIn(&searchpack.Order{Schema: 1, Generation: p.book.order().Generation + 1, Plugins: []searchpack.PluginOrder{o}, Alternatives: []searchpack.PluginOrder{next}}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || p.placedVersion() != "2" {
			t.Errorf("%v, version %s", err, p.placedVersion())
		}
	})
}

// Alone it asks the server for an order with a build for the OpenSearch that lies there: which takes a
// moment to be made.
func TestNothingFits(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o, next := p.build("1", "3.8.0"), p.build("2", "3.8.1")
	for name, c := range map[string]struct {
		plugins *pluginer
		order   searchpack.Order
		want    bool
	}{
		"fits":             {p.pluginer, searchpack.Order{Plugins: []searchpack.PluginOrder{o}}, false},
		"another fits":     {p.pluginer, searchpack.Order{Plugins: []searchpack.PluginOrder{next}, Alternatives: []searchpack.PluginOrder{o}}, false},
		"none":             {p.pluginer, searchpack.Order{Plugins: []searchpack.PluginOrder{next}}, true},
		"nothing ordered":  {p.pluginer, searchpack.Order{}, false},
		"knows no plugins": {&pluginer{}, searchpack.Order{Plugins: []searchpack.PluginOrder{next}}, false},
	} {
		if got := c.plugins.nothingFits(&c.order); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The agent that holds the state folder fetches what the start beside it needs.
func TestStartBesideAnAgentThatFetches(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o, next := p.build("1", "3.8.0"), p.build("2", "3.8.1")
	p.lines(o, next)
	p.restarts()
	p.upgraded("3.8.1")
	raw, err := p.store.tree.read(blobName(next.Digest), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	p.forget(next)
	done := make(chan error, 1)
	start := startsOf(p)["beside"]
	go func() { done <- start() }()
	if err := p.store.tree.writeBytes(blobName(next.Digest), raw); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || p.placedVersion() != "2" {
		t.Errorf("%v, version %s", err, p.placedVersion())
	}
}

// A running agent stages what the next start needs, says with which OpenSearch that will be, and restarts
// nothing for which it has no version.
func TestHomeIsUpgradedUnderARunningNode(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o, next := p.build("1", "3.8.0"), p.build("2", "3.8.1")
	p.lines(o, next)
	p.restarts()
	if p.installed() != "3.8.0" || p.another(p.installed()) {
		t.Fatalf("%s", p.installed())
	}
	p.upgraded("3.8.1")
	if p.installed() != "3.8.1" || !p.another(p.installed()) || p.another(p.installed()) {
		t.Errorf("%s", p.installed())
	}
	p.pass(t.Context())
	if r := p.report(o.PackageID); r.Installed != o.Digest || r.Staged != next.Digest || r.Error != "" || p.ready(p.book.order()) != nil {
		t.Errorf("%+v, %v", r, p.ready(p.book.order()))
	}
	p.upgraded("3.9.0")
	if err := p.ready(p.book.order()); err == nil || !strings.Contains(err.Error(), "OpenSearch 3.9.0") {
		t.Errorf("ready: %v", err)
	}
	if err := p.apply(t.Context(), p.book.order()); searchpack.ErrorCode(err) != searchpack.ErrConflict || p.placedVersion() != "1" {
		t.Errorf("apply: %v", err)
	}
	write(t, filepath.Join(p.home, "lib", "opensearch-3.8.0.jar"), "of an upgrade under way")
	for what, err := range map[string]error{
		"ready": p.ready(p.book.order()), "apply": p.apply(t.Context(), p.book.order()), "alone": startsOf(p)["alone"](), "refresh": p.refresh(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "an upgrade is under way") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if p.pass(t.Context()) || p.installed() != "" {
		t.Error("a pass is done while a package manager is at it")
	}
}

// Alternatives are fetched ahead, kept in the store, and checked like every line of an order.
func TestAlternativesAreFetchedAhead(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o, next := p.build("1", "3.8.0"), p.build("2", "3.8.1")
	p.lines(o, next)
	if err := p.fetch.tidy(); err != nil || !p.store.has(next.Digest, next.Size) {
		t.Errorf("tidied away: %v", err)
	}
	if done, err := p.fetch.ahead(t.Context(), p.book.order()); !done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	for _, gone := range []searchpack.PluginOrder{next, o} {
		p.forget(gone)
		if done, err := p.fetch.ahead(t.Context(), p.book.order()); done || !errors.Is(err, errNoServer) {
			t.Errorf("%s: %v, %v", gone.OpenSearch, done, err)
		}
		p.build(map[string]string{o.OpenSearch: "1", next.OpenSearch: "2"}[gone.OpenSearch], gone.OpenSearch)
	}
	if done, err := p.fetch.ahead(t.Context(), &searchpack.Order{Plugins: []searchpack.PluginOrder{removedPlugin(o)}}); !done || err != nil {
		t.Errorf("of what goes: %v, %v", done, err)
	}
	for name, bad := range map[string]searchpack.PluginOrder{
		"removed": removedPlugin(o), "no digest": {PackageID: "F1", Name: "x", State: searchpack.PluginInstalled}, "no name": {PackageID: "F1", State: searchpack.PluginInstalled, Digest: o.Digest, Size: 1},
	} {
		if err := checkOrder(&searchpack.Order{Schema: 1, Generation: 1, Alternatives: []searchpack.PluginOrder{bad}}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	long := searchpack.Order{Schema: 1, Generation: 1, Alternatives: make([]searchpack.PluginOrder, maxFiles+1)}
	if err := checkOrder(&long); err == nil {
		t.Error("endless alternatives are taken")
	}
}

// An order of a server that says nothing of versions is carried out as it was before.
func TestOrderWithoutVersions(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "")
	if err := os.RemoveAll(filepath.Join(p.home, "lib")); err != nil { // nobody reads it
		t.Fatal(err)
	}
	got, err := p.fitted(&searchpack.Order{Plugins: []searchpack.PluginOrder{o, removedPlugin(o)}})
	if err != nil || len(got.Plugins) != 2 || got.Plugins[0] != o || p.unfit(got) != nil {
		t.Errorf("%+v, %v", got, err)
	}
	o.OpenSearch = "3.8.0"
	if _, err := p.fitted(&searchpack.Order{Plugins: []searchpack.PluginOrder{o}}); err == nil {
		t.Error("no home, and no error")
	}
	p.cfg.NoNode = true
	if got, err := p.fitted(&searchpack.Order{Plugins: []searchpack.PluginOrder{o}}); err != nil || got.Plugins[0] != o {
		t.Errorf("without OpenSearch: %+v, %v", got, err)
	}
}

// The version for the OpenSearch that is installed is one with which the node did not start, and what lies
// there is for the former: it does not start with that either.
func TestNoStartWithWhatDidNotStart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alone", "beside"} {
		p := newPlugins(t, nil)
		o, next := p.build("1", "3.8.0"), p.build("2", "3.8.1")
		p.lines(o, next)
		p.restarts()
		p.upgraded("3.8.1")
		if err := p.book.condemn(map[searchpack.Digest]string{next.Digest: "it ended"}); err != nil {
			t.Fatal(err)
		}
		if err := startsOf(p)[name](); err == nil || !strings.Contains(err.Error(), "did not start with the plugin lemmas") || p.placedVersion() != "1" {
			t.Errorf("%s: %v, version %s", name, err, p.placedVersion())
		}
		p.upgraded("3.8.0")
		if err := startsOf(p)[name](); err != nil {
			t.Errorf("%s: with the former OpenSearch: %v", name, err)
		}
	}
}
