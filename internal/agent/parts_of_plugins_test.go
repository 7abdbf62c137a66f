package agent

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
	"github.com/searchpack/searchpack/internal/signature"
)

// configuration puts the configuration of a plugin into the local store: "path=text".
func (p *plugins) configuration(name string, files ...string) searchpack.PluginOrder {
	p.t.Helper()
	raw, err := inspecttest.Zip(inspecttest.Texts(files...))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.stored("C-"+strings.ReplaceAll(name, ".", "-"), searchpack.PartConfig, name, "", raw)
}

func (p *plugins) license(name, path, text string) searchpack.PluginOrder {
	p.t.Helper()
	return p.stored("L-"+name, searchpack.PartLicense, name, path, []byte(text))
}

func (p *plugins) stored(id string, part searchpack.PluginPart, name, path string, raw []byte) searchpack.PluginOrder {
	p.t.Helper()
	d := searchpack.DigestOf(raw)
	if err := p.store.tree.writeBytes(blobName(d), raw); err != nil {
		p.t.Fatal(err)
	}
	return searchpack.PluginOrder{
		PackageID: id, State: searchpack.PluginInstalled, Part: part, Name: name, Path: path, VersionID: id + "1", Version: 1, Digest: d, Size: int64(len(raw)),
	}
}

func candidateOf(o searchpack.PluginOrder) searchpack.Candidate {
	c := searchpack.Candidate{PackageID: o.PackageID, Digest: o.Digest, Size: o.Size, Plugin: true, Part: o.Part, Path: o.Path, Signature: o.Signature}
	if o.Part != searchpack.PartPlugin {
		c.For = o.Name
	}
	return c
}

// takes has an order with parts taken in, and makes a pass.
func (p *plugins) takes(o searchpack.Order) {
	p.t.Helper()
	o.Schema, o.Generation = searchpack.OrderSchemaParts, p.book.order().Generation+1
	if err := checkOrder(&o); err != nil {
		p.t.Fatal(err)
	}
	if err := p.book.takeIn(&o); err != nil {
		p.t.Fatal(err)
	}
	p.pass(p.t.Context())
}

// conf reads a file of the configuration folder; "-" = there is none.
func (p *plugins) confFile(name string) string {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.conf, filepath.FromSlash(name)))
	if errors.Is(err, os.ErrNotExist) {
		return "-"
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

// allOf is what lies under plugins/, and two files of the configuration folder.
func (p *plugins) allOf(one, two string) string {
	p.t.Helper()
	return strings.Join([]string{p.lie(), p.confFile(one), p.confFile(two)}, " ")
}

func partGone(o searchpack.PluginOrder) searchpack.PluginOrder {
	return searchpack.PluginOrder{PackageID: o.PackageID, State: searchpack.PluginRemoved, Part: o.Part, Name: o.Name}
}

// A plugin, its configuration and its license come at one start, and go at one.
func TestPartsComeAtOneStart(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	plug, conf, license := p.zip("lemmas", ""), p.configuration("lemmas", "words.txt=w1"), p.license("lemmas", "lic/l.json", "{}")
	all := []searchpack.PluginOrder{conf, license, plug}
	p.takes(searchpack.Order{Candidates: []searchpack.Candidate{candidateOf(conf), candidateOf(license), candidateOf(plug)}})
	for _, o := range all {
		c := searchpack.CandidateReport{Digest: o.Digest}
		if p.candidate(&c); !c.Ready || c.Refused+c.Error != "" {
			t.Errorf("%s: %+v", o.PackageID, c)
		}
	}
	p.takes(searchpack.Order{Plugins: all})
	if err := p.ready(p.book.order()); err != nil || p.confFile("lemmas/words.txt") != "-" {
		t.Fatalf("before the start: %v, %q", err, p.confFile("lemmas/words.txt"))
	}
	complete := func(when string) {
		t.Helper()
		if err := p.missing(t.Context(), p.book.order(), nil); err != nil { // what a start by anybody asks
			t.Errorf("%s: %v", when, err)
		}
	}
	complete("staged")
	p.restarts()
	complete("placed")
	for _, o := range all {
		if r := p.report(o.PackageID); r.Installed != o.Digest || !r.Started || r.Error != "" || r.Part != o.Part {
			t.Errorf("%+v", r)
		}
	}
	if got := p.allOf("lemmas/words.txt", "lemmas/lic/l.json"); got != "lemmas w1 {}" {
		t.Error(got)
	}
	// The license's path is another with the next plugin.
	license.Path = "l.json"
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{conf, license, plug}})
	if err := p.ready(p.book.order()); err != nil {
		t.Fatal(err)
	}
	p.restarts()
	complete("the license has moved")
	if got := p.allOf("lemmas/lic/l.json", "lemmas/l.json"); got != "lemmas - {}" {
		t.Errorf("the license has not moved: %s", got)
	}
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{partGone(conf), partGone(license), partGone(plug)}})
	p.restarts()
	for _, o := range all {
		if r := p.report(o.PackageID); r.Installed != "" || r.Error != "" {
			t.Errorf("removed: %+v", r)
		}
	}
	if got := p.allOf("lemmas/words.txt", "lemmas/l.json"); got != " - -" {
		t.Errorf("left: %s", got)
	}
}

// Removing a configuration leaves the plugin of the same name alone.
func TestConfigurationGoesAlone(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	plug, conf := p.zip("lemmas", ""), p.configuration("lemmas", "words.txt=w1")
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, conf}})
	p.restarts()
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, partGone(conf)}})
	p.restarts()
	if r := p.report(plug.PackageID); r.Installed != plug.Digest || p.lie() != "lemmas" || p.confFile("lemmas/words.txt") != "-" {
		t.Errorf("%+v, %q, %q", r, p.lie(), p.confFile("lemmas/words.txt"))
	}
}

// The node gets all of what it had back when it does not start, and none of what failed comes again alone.
func TestPartsAreRestored(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	plug, conf := p.zip("lemmas", "version=1"), p.configuration("lemmas", "words.txt=w1")
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, conf}})
	p.restarts()
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, conf}}) // proven: what was before is forgotten
	plug2, conf2 := p.zip("lemmas", "version=2"), p.configuration("lemmas", "words.txt=w2")
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug2, conf2}, Restart: &searchpack.RestartOffer{ID: "r"}})
	if err := p.apply(t.Context(), p.book.order()); err != nil || p.confFile("lemmas/words.txt") != "w2" {
		t.Fatal(err, p.confFile("lemmas/words.txt"))
	}
	if err := p.restore(t.Context(), "boom"); err != nil {
		t.Fatal(err)
	}
	p.restarts() // the order still names both
	for _, o := range []searchpack.PluginOrder{plug2, conf2} {
		if r := p.report(o.PackageID); r.Failed != o.Digest || r.Installed == o.Digest {
			t.Errorf("%+v", r)
		}
	}
	if p.confFile("lemmas/words.txt") != "w1" {
		t.Errorf("the configuration is %q", p.confFile("lemmas/words.txt"))
	}
}

// A license that goes elsewhere with its plugin comes back with it, and may go with the next one.
func TestMovedLicenseIsRestored(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	plug, license := p.zip("lemmas", "version=1"), p.license("lemmas", "old.json", "{}")
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, license}})
	p.restarts()
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, license}})
	moved := license
	moved.Path = "new.json"
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{p.zip("lemmas", "version=2"), moved}, Restart: &searchpack.RestartOffer{ID: "r"}})
	if err := p.apply(t.Context(), p.book.order()); err != nil || p.confFile("lemmas/new.json") != "{}" {
		t.Fatal(err, p.confFile("lemmas/new.json"))
	}
	if err := p.restore(t.Context(), "boom"); err != nil {
		t.Fatal(err)
	}
	p.restarts() // the order still names both
	if p.confFile("lemmas/old.json") != "{}" || p.confFile("lemmas/new.json") != "-" {
		t.Error("the license is not where the former plugin has it")
	}
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, license}})
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{p.zip("lemmas", "version=3"), moved}})
	p.restarts()
	if r := p.report(license.PackageID); p.confFile("lemmas/old.json") != "-" || p.confFile("lemmas/new.json") != "{}" || r.Failed != "" {
		t.Errorf("with the next plugin: %+v", r)
	}
}

// A file of a configuration that somebody has changed is said, and put back at a start.
func TestChangedConfigurationIsPutBackAtAStart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"alone", "beside"} {
		p := newPlugins(t, nil)
		conf := p.configuration("lemmas", "words.txt=w1")
		p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{conf}})
		p.restarts()
		write(t, filepath.Join(p.conf, "lemmas", "words.txt"), "changed")
		p.pass(t.Context())
		if r := p.report(conf.PackageID); !strings.Contains(r.Error, "the configuration of lemmas is not as it was placed: config/lemmas/words.txt has other bytes") {
			t.Errorf("%s: %+v", name, r)
		}
		if err := startsOf(p)[name](); err != nil || p.confFile("lemmas/words.txt") != "w1" {
			t.Errorf("%s: %v, %q", name, err, p.confFile("lemmas/words.txt"))
		}
	}
}

// The node's allow file has the word on what belongs to a plugin, too: by the plugin's name.
func TestPartsAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	allowFile := filepath.Join(dir, "allow.yml")
	for name, c := range map[string]struct {
		allow string
		part  func(*plugins) searchpack.PluginOrder
		want  string
	}{
		"not named":   {"plugins: [{name: other}]", func(p *plugins) searchpack.PluginOrder { return p.configuration("lemmas", "a=1") }, "the configuration of lemmas: the node's allow file does not name the plugin lemmas"},
		"not signed":  {"keys: [{name: k, key: \"KEY\"}]\nplugins: [{name: lemmas, signed_by: [k]}]", func(p *plugins) searchpack.PluginOrder { return p.license("lemmas", "l.json", "{}") }, "only signed by k"},
		"another zip": {"plugins: [{name: lemmas, sha256: [" + strings.Repeat("a", 64) + "]}]", func(p *plugins) searchpack.PluginOrder { return p.configuration("lemmas", "a=1") }, "not the zip with the SHA-256"},
		"no zip": {"plugins: [{name: lemmas}]", func(p *plugins) searchpack.PluginOrder {
			return p.stored("C", searchpack.PartConfig, "lemmas", "", []byte("no zip"))
		}, "cannot be read"},
		"a file of its": {"plugins: [{name: lemmas}]", func(p *plugins) searchpack.PluginOrder { return p.configuration("lemmas", ".searchpack-half=1") }, "one of Searchpack's own"},
		"no plugin's":   {"plugins: [{name: '*'}]", func(p *plugins) searchpack.PluginOrder { return p.configuration("jvm.options.d", "x.options=-Dx") }, "belongs to no plugin"},
	} {
		public := signedKey(t)
		write(t, allowFile, "schema: 1\n"+strings.ReplaceAll(c.allow, "KEY", public)+"\n")
		p := newPlugins(t, func(c *PluginConfig) { c.AllowAll, c.Allow = false, allowFile })
		o := c.part(p)
		p.takes(searchpack.Order{Candidates: []searchpack.Candidate{candidateOf(o)}})
		r := searchpack.CandidateReport{Digest: o.Digest}
		if p.candidate(&r); r.Ready || !strings.Contains(r.Refused, c.want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	write(t, allowFile, "schema: 1\nplugins: [{name: lemmas}]\n")
	p := newPlugins(t, func(c *PluginConfig) { c.AllowAll, c.Allow = false, allowFile })
	o := p.configuration("lemmas", "a=1")
	other := candidateOf(o)
	other.PackageID, other.For = "C2", "other" // the same bytes for a plugin that is not allowed
	p.takes(searchpack.Order{Candidates: []searchpack.Candidate{candidateOf(o)}})
	r := searchpack.CandidateReport{Digest: o.Digest}
	if p.candidate(&r); !r.Ready {
		t.Errorf("allowed: %+v", r)
	}
	p.takes(searchpack.Order{Candidates: []searchpack.Candidate{candidateOf(o), other}})
	r = searchpack.CandidateReport{Digest: o.Digest}
	if p.candidate(&r); r.Ready || r.Refused == "" {
		t.Errorf("for two plugins, one of which is not allowed: %+v", r)
	}
}

// Nodes without OpenSearch have no start to wait for.
func TestPartsWithoutANode(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, func(c *PluginConfig) { c.NoNode = true })
	plug, conf := p.zip("lemmas", ""), p.configuration("lemmas", "words.txt=w1")
	p.takes(searchpack.Order{Plugins: []searchpack.PluginOrder{plug, conf}})
	if r := p.report(conf.PackageID); r.Installed != conf.Digest || !r.Started || p.confFile("lemmas/words.txt") != "w1" {
		t.Errorf("%+v, %q", r, p.confFile("lemmas/words.txt"))
	}
}

func TestCheckParts(t *testing.T) {
	t.Parallel()
	d := searchpack.DigestOf([]byte("x"))
	with := func(edit func(*searchpack.Order)) *searchpack.Order {
		o := &searchpack.Order{
			Schema: searchpack.OrderSchemaParts,
			Candidates: []searchpack.Candidate{
				{PackageID: "pkg-1", Digest: d, Size: 5, Plugin: true, Part: searchpack.PartConfig, For: "lemmas"},
				{PackageID: "pkg-2", Digest: d, Size: 5, Plugin: true, Part: searchpack.PartLicense, For: "lemmas", Path: "a/l.json"},
			},
			Plugins: []searchpack.PluginOrder{
				{PackageID: "pkg-1", State: searchpack.PluginInstalled, Part: searchpack.PartConfig, Name: "lemmas", Digest: d, Size: 5},
				{PackageID: "pkg-2", State: searchpack.PluginInstalled, Part: searchpack.PartLicense, Name: "lemmas", Path: "a/l.json", Digest: d, Size: 5},
				{PackageID: "pkg-3", State: searchpack.PluginRemoved, Part: searchpack.PartLicense, Name: "lemmas"},
			},
		}
		edit(o)
		return o
	}
	if err := checkOrder(with(func(*searchpack.Order) {})); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*searchpack.Order){
		"schema":               func(o *searchpack.Order) { o.Schema = searchpack.OrderSchemaPaths },
		"another part":         func(o *searchpack.Order) { o.Plugins[0].Part = "scripts" },
		"another part to come": func(o *searchpack.Order) { o.Candidates[0].Part = "scripts" },
		"path out":             func(o *searchpack.Order) { o.Plugins[1].Path = "../opensearch.yml" },
		"path out to come":     func(o *searchpack.Order) { o.Candidates[1].Path = "a/../../opensearch.yml" },
		"absolute path":        func(o *searchpack.Order) { o.Plugins[1].Path = "/etc/passwd" },
		"no path":              func(o *searchpack.Order) { o.Plugins[1].Path = "" },
		"folder as path":       func(o *searchpack.Order) { o.Plugins[1].Path = "." },
		"path of a config":     func(o *searchpack.Order) { o.Plugins[0].Path = "a" },
		"path of a plugin":     func(o *searchpack.Order) { o.Plugins[0].Part, o.Plugins[0].Path = "", "a" },
		"path of what goes":    func(o *searchpack.Order) { o.Plugins[2].Path = "a" },
		"for a path":           func(o *searchpack.Order) { o.Candidates[0].For = "../x" },
		"for nobody":           func(o *searchpack.Order) { o.Candidates[0].For = "" },
	} {
		if err := checkOrder(with(edit)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// An agent that knows no parts must not read the state of one that does.
func TestSchemaOfAStateWithParts(t *testing.T) {
	t.Parallel()
	for schema, want := range map[int]int{1: 1, searchpack.OrderSchemaPaths: schemaPaths, searchpack.OrderSchemaParts: schemaParts} {
		r := record{Order: searchpack.Order{Schema: schema}}
		if got := r.schema(); got != want {
			t.Errorf("order %d: %d", schema, got)
		}
	}
}

// signedKey is a public key as an allow file has it, whose owner has signed nothing.
func signedKey(t *testing.T) string {
	t.Helper()
	key, err := signature.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public().String()
}
