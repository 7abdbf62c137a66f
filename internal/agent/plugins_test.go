package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/signature"
)

// plugins is a pluginer beside the folders of a node.
type plugins struct {
	*pluginer
	t    *testing.T
	home string
	node *searchpack.NodeFacts
}

func newPlugins(t *testing.T, edit func(*PluginConfig)) *plugins {
	t.Helper()
	p := &plugins{t: t, home: memoryDir(t), node: &searchpack.NodeFacts{
		NodeID: "N1", EphemeralID: "e1", Version: "3.8.0", Java: 25, StartedAt: time.Now().Add(-time.Hour),
	}}
	for _, dir := range []string{"plugins", "modules", "bin", "config"} {
		if err := os.MkdirAll(filepath.Join(p.home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	jar, err := inspecttest.Zip([]inspecttest.File{{Name: "org/opensearch/plugins/Plugin.class", Data: []byte("class org/opensearch/plugins/Plugin")}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.home, "lib", "opensearch-3.8.0.jar"), string(jar))
	write(t, filepath.Join(p.home, "config", "opensearch.yml"), "")
	tree, dir := testTree(t)
	if err := os.Mkdir(filepath.Join(dir, blobsName), 0o700); err != nil {
		t.Fatal(err)
	}
	b, _, err := openBook(tree, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cfg := &PluginConfig{Home: p.home, AllowAll: true}
	if edit != nil {
		edit(cfg)
	}
	f := newFetcher(&folders{}, newConfigDir(filepath.Join(p.home, "config"), nil), &localStore{tree: tree}, b, func() blobSource { return nil }, func() {})
	p.pluginer = newPluginer(cfg, filepath.Join(p.home, "config"), f, b, slog.New(slog.DiscardHandler), func() {})
	p.facts = func() *searchpack.NodeFacts { return p.node }
	return p
}

// zip puts a plugin into the local store, as if it was fetched: lines of the descriptor replace the usual
// ones. files: "path=text", besides.
func (p *plugins) zip(name, lines string, files ...string) searchpack.PluginOrder {
	p.t.Helper()
	text := map[string]string{
		"name": name, "description": "d", "version": "1", "opensearch.version": "3.8.0", "java.version": "21", "classname": "org.example.P",
	}
	for line := range strings.Lines(lines) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		text[key] = value
	}
	all := ""
	for _, key := range []string{"name", "description", "version", "opensearch.version", "java.version", "classname", "extended.plugins"} {
		all += key + "=" + text[key] + "\n"
	}
	if folder := text["custom.foldername"]; folder != "" {
		all += "custom.foldername=" + folder + "\n"
	}
	raw, err := inspecttest.Zip(append(inspecttest.Texts(files...),
		inspecttest.File{Name: plugin.DescriptorName, Data: []byte(all)},
		inspecttest.File{Name: name + ".jar!/org/example/P.class", Data: []byte("class org/example/P extends org/opensearch/plugins/Plugin java 21")},
	))
	if err != nil {
		p.t.Fatal(err)
	}
	d := searchpack.DigestOf(raw)
	if err := p.store.tree.writeBytes(blobName(d), raw); err != nil {
		p.t.Fatal(err)
	}
	return searchpack.PluginOrder{
		PackageID: "F-" + name, State: searchpack.PluginInstalled, Name: name, VersionID: name + text["version"], Version: 1, Digest: d, Size: int64(len(raw)),
	}
}

func removedPlugin(o searchpack.PluginOrder) searchpack.PluginOrder {
	return searchpack.PluginOrder{PackageID: o.PackageID, State: searchpack.PluginRemoved, Name: o.Name}
}

// ordered takes an order in and makes a pass.
func (p *plugins) ordered(o searchpack.Order) {
	p.t.Helper()
	o.Schema, o.Generation = 1, p.book.order().Generation+1
	if err := checkOrder(&o); err != nil {
		p.t.Fatal(err)
	}
	if err := p.book.takeIn(&o); err != nil {
		p.t.Fatal(err)
	}
	p.pass(p.t.Context())
}

func (p *plugins) installs(all ...searchpack.PluginOrder) { p.ordered(searchpack.Order{Plugins: all}) }

// restarts swaps and starts the node.
func (p *plugins) restarts() {
	p.t.Helper()
	if err := p.apply(p.t.Context(), p.book.order()); err != nil {
		p.t.Fatal(err)
	}
	p.starts()
}

func (p *plugins) starts() {
	p.t.Helper()
	p.node = &searchpack.NodeFacts{NodeID: "N1", EphemeralID: p.node.EphemeralID + "+", Version: p.node.Version, Java: 25, StartedAt: time.Now()}
	if err := p.refresh(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plugins) report(id string) searchpack.PluginReport {
	p.t.Helper()
	for _, r := range p.reports(p.book.order()) {
		if r.PackageID == id {
			return r
		}
	}
	p.t.Fatalf("no report of %s", id)
	return searchpack.PluginReport{}
}

// lies lists what lies under plugins/.
func (p *plugins) lie() string {
	entries, err := os.ReadDir(filepath.Join(p.home, "plugins"))
	if err != nil {
		p.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestPluginIsStagedThenPlacedAtAStart(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "")
	p.ordered(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: o.PackageID, Digest: o.Digest, Size: o.Size, Plugin: true}}})
	c := searchpack.CandidateReport{Digest: o.Digest}
	if p.candidate(&c); !c.Ready || c.Refused != "" || p.lie() != "" {
		t.Fatalf("candidate %+v, plugins/ has %q", c, p.lie())
	}
	p.installs(o)
	if r := p.report(o.PackageID); r.Installed != "" || r.Staged != o.Digest || r.Started || p.ready(p.book.order()) != nil {
		t.Fatalf("before the start: %+v, %v", r, p.ready(p.book.order()))
	}
	if err := p.apply(t.Context(), p.book.order()); err != nil {
		t.Fatal(err)
	}
	_ = p.refresh(t.Context())
	if r := p.report(o.PackageID); r.Installed != o.Digest || r.Started || r.Staged != "" || p.lie() != "lemmas" {
		t.Errorf("swapped, not started: %+v", r)
	}
	p.starts()
	if r := p.report(o.PackageID); r.Installed != o.Digest || !r.Started || r.Error != "" {
		t.Errorf("started: %+v", r)
	}
	p.installs(removedPlugin(o))
	p.restarts()
	if r := p.report(o.PackageID); r.Installed != "" || p.lie() != "" {
		t.Errorf("removed: %+v, %q", r, p.lie())
	}
}

// The node's own start says that it was started, also when its clock was set back.
func TestStartedWhateverTheClockSays(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "")
	p.installs(o)
	p.restarts()
	p.node.StartedAt = time.Now().Add(-24 * time.Hour)
	if p.report(o.PackageID).Started {
		t.Error("an old process counts as started since")
	}
	if err := p.book.change(func(r *record) { r.Started = p.node.EphemeralID }); err != nil {
		t.Fatal(err)
	}
	if !p.report(o.PackageID).Started {
		t.Error("a node that was restarted by its agent counts as not started")
	}
}

func TestPluginIsRefused(t *testing.T) {
	t.Parallel()
	allowFile := filepath.Join(t.TempDir(), "allow.yml")
	for name, tt := range map[string]struct {
		lines string
		edit  func(*PluginConfig)
		want  string
	}{
		"another version":                 {"opensearch.version=3.7.0", nil, "was built for OpenSearch version 3.7.0 but version 3.8.0 is running"},
		"a newer Java":                    {"java.version=99", nil, "Java"},
		"no allow file":                   {"", func(c *PluginConfig) { c.AllowAll = false }, ""},
		"an allow file that is not there": {"", func(c *PluginConfig) { c.AllowAll, c.Allow = false, allowFile }, ""},
	} {
		p := newPlugins(t, tt.edit)
		o := p.zip("lemmas", tt.lines)
		p.ordered(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: o.PackageID, Digest: o.Digest, Size: o.Size, Plugin: true}}})
		c := searchpack.CandidateReport{Digest: o.Digest}
		if p.candidate(&c); c.Ready || c.Refused == "" || !strings.Contains(c.Refused, tt.want) {
			t.Errorf("%s: %+v", name, c)
		}
		p.installs(o)
		if err := p.ready(p.book.order()); tt.edit != nil && (err == nil || err.Error() != c.Refused) {
			t.Errorf("%s: ready: %v", name, err)
		}
	}
	p := newPlugins(t, nil)
	if refused, err := p.stage(t.Context(), wanted{size: maxPlugin + 1}, false); refused == "" || err != nil {
		t.Errorf("too large: %q, %v", refused, err)
	}
	none := newPluginer(nil, "", p.fetch, p.book, p.log, func() {})
	c := searchpack.CandidateReport{}
	if none.candidate(&c); c.Refused != noPlugins || !none.pass(t.Context()) || none.ready(p.book.order()) == nil {
		t.Errorf("an agent without a home: %+v", c)
	}
}

// The classes of a module that the plugin extends count, too.
func TestRefusedForAClassOfAModule(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	jar, err := inspecttest.Zip([]inspecttest.File{{Name: "org/example/P.class", Data: []byte("class org/example/P")}})
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(p.home, "modules", "lang-painless")
	write(t, filepath.Join(module, plugin.DescriptorName), "name=lang-painless\ndescription=d\nversion=3.8.0\nopensearch.version=3.8.0\njava.version=21\nclassname=x\n")
	write(t, filepath.Join(module, "painless.jar"), string(jar))
	o := p.zip("scripts", "extended.plugins=lang-painless")
	p.ordered(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: o.PackageID, Digest: o.Digest, Size: o.Size, Plugin: true}}})
	c := searchpack.CandidateReport{Digest: o.Digest}
	p.candidate(&c)
	if want := "jar hell: class: org.example.P jar1: modules/lang-painless/painless.jar jar2: plugins/scripts/scripts.jar"; c.Ready || !strings.Contains(c.Refused, want) {
		t.Errorf("%+v, want %q", c, want)
	}
}

// What is refused for one node may be taken when the node is another.
func TestRefusedUntilTheNodeIsAnother(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "opensearch.version=3.8.1")
	order := searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: o.PackageID, Digest: o.Digest, Size: o.Size, Plugin: true}}}
	p.ordered(order)
	c := searchpack.CandidateReport{Digest: o.Digest}
	if p.candidate(&c); c.Refused == "" {
		t.Fatal("taken")
	}
	p.upgraded("3.8.1")
	p.node = &searchpack.NodeFacts{NodeID: "N1", EphemeralID: "e2", Version: "3.8.1", Java: 25, StartedAt: time.Now()}
	p.ordered(order)
	c = searchpack.CandidateReport{Digest: o.Digest}
	if p.candidate(&c); !c.Ready || c.Refused != "" {
		t.Errorf("after the upgrade: %+v", c)
	}
	p.node = nil // it does not answer: nothing is known, and what was found stays
	p.pass(t.Context())
	if o2 := p.zip("other", ""); true {
		p.ordered(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: "F2", Digest: o2.Digest, Size: o2.Size, Plugin: true}}})
		c = searchpack.CandidateReport{Digest: o2.Digest}
		if p.candidate(&c); c.Ready || c.Refused != "" || !strings.Contains(c.Error, "does not answer") {
			t.Errorf("while the node does not answer: %+v", c)
		}
	}
}

// A plugin with which the node did not start is put back, left out until no order names it, and may
// then be tried again.
func TestRestoreAndForgive(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	v1, v2 := p.zip("lemmas", "version=1"), p.zip("lemmas", "version=2")
	p.installs(v1)
	p.restarts()
	p.ordered(searchpack.Order{Plugins: []searchpack.PluginOrder{v2}, Restart: &searchpack.RestartOffer{ID: "r"}})
	if err := p.apply(t.Context(), p.book.order()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time after a kill
		if err := p.restore(t.Context(), "boom"); err != nil {
			t.Fatal(err)
		}
	}
	p.restarts() // the order still names it
	if r := p.report(v2.PackageID); r.Installed != v1.Digest || r.Failed != v2.Digest || r.FailedWhy != "boom" {
		t.Errorf("restored: %+v", r)
	}
	p.installs(v1)
	if r := p.report(v1.PackageID); r.Failed != "" || len(p.book.failed()) != 0 {
		t.Errorf("no order names it: %+v", r)
	}
	p.installs(v2)
	p.restarts()
	if r := p.report(v2.PackageID); r.Installed != v2.Digest {
		t.Errorf("tried again: %+v", r)
	}
}

// The former plugin is kept until the node runs with the new one and nothing may want it back.
func TestFormerIsKept(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	v1, v2 := p.zip("lemmas", "version=1"), p.zip("lemmas", "version=2")
	formers := func() int {
		d, err := p.open()
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		all, err := d.Formers()
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	p.installs(v1)
	p.restarts()
	p.installs(v2)
	if err := p.apply(t.Context(), p.book.order()); err != nil {
		t.Fatal(err)
	}
	_ = p.refresh(t.Context())
	if formers() != 1 {
		t.Error("gone before the node was started")
	}
	candidate := searchpack.Candidate{PackageID: v2.PackageID, Digest: v2.Digest, Size: v2.Size, Plugin: true}
	p.ordered(searchpack.Order{Plugins: []searchpack.PluginOrder{v2}, Candidates: []searchpack.Candidate{candidate}})
	p.starts()
	if formers() != 1 {
		t.Error("gone while the rollout runs")
	}
	if p.installs(v2); formers() != 0 {
		t.Error("kept for ever")
	}
}

// A placed plugin that somebody has changed is said, staged anew, and placed anew at the next restart.
func TestChangedPluginIsPlacedAnew(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "")
	p.installs(o)
	p.restarts()
	jar := filepath.Join(p.home, "plugins", "lemmas", "lemmas.jar")
	if err := os.WriteFile(jar, []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.installs(o)
	if r := p.report(o.PackageID); !strings.Contains(r.Error, "is not as it was placed") || len(p.problems()) != 1 {
		t.Errorf("%+v, %v", r, p.problems())
	}
	if err := p.ready(p.book.order()); err != nil {
		t.Fatalf("not staged anew: %v", err)
	}
	p.restarts()
	if r := p.report(o.PackageID); r.Error != "" || r.Installed != o.Digest {
		t.Errorf("after the restart: %+v", r)
	}
}

// One package's plugin goes while another package brings one of the same name.
func TestAnotherPackageOfTheSameName(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	old := p.zip("lemmas", "version=1")
	p.installs(old)
	p.restarts()
	other := p.zip("lemmas", "version=2")
	other.PackageID = "F-other"
	for range 2 {
		p.installs(removedPlugin(old), other)
		p.restarts()
		if a, b := p.report(old.PackageID), p.report("F-other"); a.Installed != "" || b.Installed != other.Digest || p.lie() != "lemmas" {
			t.Fatalf("%+v, %+v, %q", a, b, p.lie())
		}
	}
}

// A swap waits for a look at the plugins by this process or another, and does not fail for it.
func TestSwapWaitsForTheLock(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "")
	p.installs(o)
	d, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.apply(context.Background(), p.book.order()) }()
	select {
	case err := <-done:
		t.Errorf("did not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	d.Close()
	if err := <-done; err != nil || p.lie() != "lemmas" {
		t.Errorf("%v, %q", err, p.lie())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err = p.open(); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := p.apply(ctx, p.book.order()); searchpack.ErrorCode(err) != searchpack.ErrConflict {
		t.Errorf("an agent that ends: %v", err)
	}
}

// Plugins of a node that runs are not touched, and those of another home are not ours.
func TestPluginsOfARunningNode(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "")
	p.installs(o)
	link := filepath.Join(t.TempDir(), "home")
	if err := os.Symlink(p.home, link); err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{p.home, link} {
		end := processOf(t, home)
		if err := p.apply(t.Context(), p.book.order()); err == nil || !strings.Contains(err.Error(), "the node runs") || p.lie() != "" {
			t.Errorf("%s: %v, %q", home, err, p.lie())
		}
		end()
	}
	defer processOf(t, p.home+"2")()
	if err := p.apply(t.Context(), p.book.order()); err != nil || p.lie() != "lemmas" {
		t.Errorf("%v, %q", err, p.lie())
	}
}

// processOf starts a process that looks like the OpenSearch of a home, and returns what ends it.
func processOf(t *testing.T, home string) func() {
	t.Helper()
	c := exec.Command("sh", "-c", "echo up; read x; true", "java", "-Xmx1g", "-Dopensearch.path.home="+home)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = in.Close()
		_ = c.Wait()
	}
}

// Without OpenSearch plugins are placed at once, and are as good as started.
func TestPluginsWithoutOpenSearch(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, func(c *PluginConfig) { c.NoNode = true })
	p.node = nil
	o := p.zip("lemmas", "opensearch.version=2.19.0")
	p.installs(o)
	if r := p.report(o.PackageID); r.Installed != o.Digest || !r.Started || r.Error != "" {
		t.Errorf("%+v, %v", r, p.problems())
	}
	if p.installs(removedPlugin(o)); p.lie() != "" {
		t.Errorf("removed: %q", p.lie())
	}
}

// What is wanted: candidates and what is to be installed, each zip once.
func TestWantedPlugins(t *testing.T) {
	t.Parallel()
	a, b := searchpack.DigestOf([]byte("a")), searchpack.DigestOf([]byte("b"))
	got := wantedPlugins(&searchpack.Order{
		Candidates: []searchpack.Candidate{{Digest: a, Size: 1, Plugin: true, Signature: "line"}, {Digest: b, Size: 2}},
		Plugins:    []searchpack.PluginOrder{{State: searchpack.PluginInstalled, Digest: a, Size: 1}, {State: searchpack.PluginRemoved}, {State: searchpack.PluginInstalled, Digest: b, Size: 2, Signature: "other"}},
	})
	if want := []wanted{{digest: a, size: 1, signature: "line", candidate: true}, {digest: b, size: 2, signature: "other"}}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if text := refusalText(nil); text == "" {
		t.Error("no reason")
	}
}

// A plugin that must be signed is taken with the signature that came with it, and with none that is of
// another zip or key; the same zip signed anew is looked at anew.
func TestSignedPlugin(t *testing.T) {
	t.Parallel()
	key, err := signature.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := signature.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "allow.yml")
	text := fmt.Sprintf("schema: 1\nkeys:\n- {name: release, key: %q}\nplugins:\n- name: lemmas\n  signed_by: [release]\n", key.Public())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlugins(t, func(c *PluginConfig) { c.AllowAll, c.Allow = false, file })
	o := p.zip("lemmas", "")
	sign := func(k signature.Private, d searchpack.Digest) string {
		line, err := signature.Sign(k, d)
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	for _, tt := range []struct {
		signed, want string
	}{
		{"", "no signature"},
		{"nonsense", "cannot be read"},
		{sign(stranger, o.Digest), "not theirs"},
		{sign(key, searchpack.DigestOf([]byte("another zip"))), "not theirs"},
		{sign(key, o.Digest), ""},
	} {
		p.ordered(searchpack.Order{Candidates: []searchpack.Candidate{{PackageID: o.PackageID, Digest: o.Digest, Size: o.Size, Plugin: true, Signature: tt.signed}}})
		c := searchpack.CandidateReport{Digest: o.Digest}
		if p.candidate(&c); c.Ready != (tt.want == "") || !strings.Contains(c.Refused, tt.want) {
			t.Errorf("signature %.20q: %+v", tt.signed, c)
		}
	}
}
