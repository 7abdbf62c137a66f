package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/inspecttest"
)

// metadataNode is a node with metadata and settings of its cluster.
type metadataNode struct {
	OpenSearch
	indices       string
	truncated     bool
	err           error
	node, cluster []string
}

func (n *metadataNode) Metadata(context.Context) (raw json.RawMessage, term, version int64, truncated bool, err error) {
	if n.err != nil || n.truncated {
		return nil, 3, 8, n.truncated, n.err
	}
	return json.RawMessage(`{"metadata":{"indices":{` + n.indices + `}}}`), 3, 8, false, nil
}

func (n *metadataNode) SettingKeys(context.Context) (node, cluster []string, err error) {
	return n.node, n.cluster, n.err
}

// jar writes one below the home, of classes as inspecttest.Class takes them.
func (p *plugins) jar(path string, classes ...string) {
	p.t.Helper()
	var files []inspecttest.File
	for _, line := range classes {
		name, _, _ := strings.Cut(line, " ")
		files = append(files, inspecttest.File{Name: name + ".class", Data: []byte("class " + line)})
	}
	b, err := inspecttest.Zip(files)
	if err != nil {
		p.t.Fatal(err)
	}
	write(p.t, filepath.Join(p.home, path), string(b))
}

const analysisAPI = " implements org/opensearch/plugins/AnalysisPlugin"

// needed asks, and says what came of it in one line.
func (p *plugins) needed(node OpenSearch, cluster bool, going ...string) string {
	p.t.Helper()
	r, err := p.needs(p.t.Context(), node, &searchpack.NeedsTask{Plugin: "lemmas", Going: append(going, "lemmas"), Cluster: cluster})
	if err != nil {
		return "error: " + err.Error()
	}
	var out []string
	if r.Absent {
		out = append(out, "absent")
	}
	if r.Truncated {
		out = append(out, "truncated")
	}
	for _, x := range r.Needs {
		out = append(out, fmt.Sprintf("%s: %s %s", x.User, x.Kind, x.Name))
	}
	for _, x := range r.Doubts {
		out = append(out, fmt.Sprintf("%s: %s %s? %s", x.User, x.Kind, x.Name, x.Other))
	}
	return strings.Join(out, "; ")
}

// installedLemmas is a node with the plugin lemmas, which supplies the filters lemma and also, and a setting.
func installedLemmas(t *testing.T) *plugins {
	t.Helper()
	p := newPlugins(t, nil)
	p.installs(p.zip("lemmas", ""))
	p.restarts()
	p.jar("plugins/lemmas/lemmas.jar", "org/example/P"+analysisAPI, "org/example/Names extends org/opensearch/Names says lemma, lowercase, stop, also, lemmas.mode, cluster.name, lemmas.limit")
	p.jar("lib/opensearch-3.8.0.jar", "org/opensearch/plugins/Plugin", "org/opensearch/index/analysis/A says lowercase", "org/opensearch/cluster/C says cluster.name", "org/yaml/Y says lemma")
	p.jar("modules/analysis-common/a.jar", "org/opensearch/analysis/common/A"+analysisAPI+" says stop")
	p.jar("plugins/beside/b.jar", "org/beside/B"+analysisAPI+" says also")
	return p
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	p := installedLemmas(t)
	index := func(name, filters string) string {
		return fmt.Sprintf(`%q:{"state":"open","settings":{"index.analysis.analyzer.a.filter":[%s]}}`, name, filters)
	}
	for name, c := range map[string]struct {
		node  metadataNode
		going []string
		want  string
	}{
		"nobody":           {metadataNode{indices: index("shop", `"lowercase","stop"`)}, nil, ""},
		"an index":         {metadataNode{indices: index("shop", `"lowercase","lemma"`)}, nil, "index shop: token filter lemma"},
		"another plugin's": {metadataNode{indices: index("shop", `"also"`)}, nil, "index shop: token filter also? beside"},
		"too large":        {metadataNode{truncated: true}, nil, "truncated"},
		"no answer":        {metadataNode{err: errors.New("busy")}, nil, "error: busy"},
		"nonsense":         {metadataNode{indices: `"a":7`}, nil, "error: the cluster's metadata cannot be read: index a: json: cannot unmarshal number into Go value of type needs.template"},
	} {
		if got := p.needed(&c.node, true, c.going...); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	r, err := p.needs(t.Context(), &metadataNode{}, &searchpack.NeedsTask{Plugin: "lemmas", Cluster: true})
	if err != nil || r.Term != 3 || r.Version != 8 {
		t.Errorf("%+v, %v: which cluster state was read?", r, err)
	}
	if r, err := p.needs(t.Context(), &metadataNode{}, &searchpack.NeedsTask{Plugin: "beside", Cluster: true}); err != nil || !r.Absent {
		t.Errorf("what Searchpack did not bring: %+v, %v", r, err)
	}
}

// A configuration of the plugin, which lies in a folder of the plugin's name, is not taken for the plugin.
func TestNeedsOfAPluginWithAConfiguration(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	plug, conf := p.zip("lemmas", "custom.foldername=other\n"), p.configuration("lemmas", "words.txt=w")
	p.takes(searchpack.Order{Speaker: true, Plugins: []searchpack.PluginOrder{plug, conf}})
	p.restarts()
	if folder, going, err := p.goingFolders(t.Context(), &searchpack.NeedsTask{Plugin: "lemmas"}); err != nil || folder != "other" || !slices.Equal(going, []string{"other"}) {
		t.Errorf("%q, %v, %v", folder, going, err)
	}
	if got := spokenPlugins(p.book.order()); !slices.Equal(got, []string{"lemmas"}) {
		t.Errorf("asked about %v", got)
	}
}

// A plugin that goes in the same step supplies nothing afterwards.
func TestNeedsOfPluginsThatGoTogether(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	p.installs(p.zip("lemmas", ""), p.zip("second", ""))
	p.restarts()
	for _, name := range []string{"lemmas", "second"} {
		p.jar("plugins/"+name+"/"+name+".jar", "org/"+name+"/P"+analysisAPI+" says lemma")
	}
	node := &metadataNode{indices: `"shop":{"settings":{"index.analysis.filter.f.type":"lemma"}}`}
	if got, want := p.needed(node, true), "index shop: token filter lemma? second"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := p.needed(node, true, "second"), "index shop: token filter lemma"; got != want {
		t.Errorf("together: got %s, want %s", got, want)
	}
}

func TestNeedsOfConfiguration(t *testing.T) {
	t.Parallel()
	p := installedLemmas(t)
	yml := filepath.Join(p.home, "config", "opensearch.yml")
	node := &metadataNode{node: []string{"cluster.name", "lemmas.mode", "node.name"}, cluster: []string{"lemmas.limit"}}
	for text, want := range map[string]string{
		"cluster.name: c\n":       "the node's command line or environment: node setting lemmas.mode; the cluster's settings: cluster setting lemmas.limit? ",
		"lemmas:\n  mode: fast\n": "opensearch.yml: node setting lemmas.mode; the cluster's settings: cluster setting lemmas.limit? ",
		"lemmas: [":               "error: opensearch.yml cannot be read",
	} {
		write(t, yml, text)
		if got := p.needed(node, false); got != want && !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	write(t, yml, "")
	if got := p.needed(&metadataNode{node: []string{"cluster.name"}}, false); got != "" {
		t.Errorf("nothing of the plugin's: %s", got)
	}
	if err := os.Remove(yml); err != nil {
		t.Fatal(err)
	}
	if got := p.needed(node, false); !strings.HasPrefix(got, "error: opensearch.yml") {
		t.Errorf("without the file: %s", got)
	}
}

// A plugin that stays and extends one that goes would keep the node from starting.
func TestNeedsOfExtendingPlugins(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	p.installs(p.zip("lemmas", ""), p.zip("second", "extended.plugins=lemmas"), p.zip("third", "extended.plugins=lemmas;optional=true"))
	p.restarts()
	node := &metadataNode{}
	if got, want := p.needed(node, false), "plugin second: extended plugin lemmas"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := p.needed(node, false, "second"); got != "" {
		t.Errorf("together: %s", got)
	}
	p.node = nil
	if got := p.needed(node, false); !strings.HasPrefix(got, "error: the node does not answer") {
		t.Errorf("nobody answers: %s", got)
	}
}

// Jars that no Java can read have nothing to say, and neither have strays.
func TestNeedsAndDamagedJars(t *testing.T) {
	t.Parallel()
	p := installedLemmas(t)
	write(t, filepath.Join(p.home, "plugins", "beside", "c.jar"), "no jar")
	write(t, filepath.Join(p.home, "plugins", "README"), "a stray")
	node := &metadataNode{indices: `"shop":{"settings":{"index.analysis.filter.f.type":"lemma"}}`}
	if got, want := p.needed(node, true), "index shop: token filter lemma"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := p.needs(ctx, node, &searchpack.NeedsTask{Plugin: "lemmas", Cluster: true}); err == nil {
		t.Errorf("after its end: %+v", r)
	}
}

func TestNeedsWhereThereIsNothingToAsk(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, func(c *PluginConfig) { c.NoNode = true })
	p.installs(p.zip("lemmas", ""))
	if got := p.needed(&filesOnly{}, true); got != "" {
		t.Errorf("files-only: %s", got)
	}
	p.cfg = nil
	if got := p.needed(&metadataNode{}, true); got != "error: "+noPlugins {
		t.Errorf("without plugins: %s", got)
	}
}

// TestNeedsDuty: the worker answers the duty, and an order with another is refused.
func TestNeedsDuty(t *testing.T) {
	t.Parallel()
	w := &worker{needs: func(_ context.Context, _ OpenSearch, q *searchpack.NeedsTask) (*searchpack.NeedsReport, error) {
		return &searchpack.NeedsReport{Version: int64(len(q.Plugin))}, nil
	}}
	duty := searchpack.Duty{ID: "n", Kind: searchpack.DutyNeeds, Needs: &searchpack.NeedsTask{Plugin: "lemmas"}}
	if r, err := w.do(t.Context(), duty); err != nil || r.Needs == nil || r.Needs.Version != 6 {
		t.Errorf("%+v, %v", r, err)
	}
	for name, q := range map[string]*searchpack.NeedsTask{
		"none": nil, "no name": {}, "a path": {Plugin: "../x"}, "a path beside": {Plugin: "x", Going: []string{"a/b"}},
		"many": {Plugin: "x", Going: slices.Repeat([]string{"y"}, maxFiles+1)},
	} {
		if err := checkOrder(&searchpack.Order{Schema: 1, Duties: []searchpack.Duty{{ID: "n", Kind: searchpack.DutyNeeds, Needs: q}}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := checkOrder(&searchpack.Order{Schema: 1, Duties: []searchpack.Duty{duty}}); err != nil {
		t.Error(err)
	}
}

// versionNode has a cluster state of some version.
type versionNode struct {
	metadataNode
	version int64
	err     error
}

func (n *versionNode) StateVersion(context.Context) (uuid string, term, version int64, err error) {
	return "U", 3, n.version, n.err
}

// TestNeedsTeller: the speaker finds out who needs its plugins now and then, when the cluster has changed.
func TestNeedsTeller(t *testing.T) {
	t.Parallel()
	p := newPlugins(t, nil)
	o := p.zip("lemmas", "")
	clock, node, asked := time.Unix(1000, 0), &versionNode{version: 7}, 0
	tell := &needsTeller{
		node: node, book: p.book, now: func() time.Time { return clock }, rang: func() {},
		ask: func(_ context.Context, _ OpenSearch, q *searchpack.NeedsTask) (*searchpack.NeedsReport, error) {
			if asked++; !q.Cluster || q.Plugin != "lemmas" {
				t.Errorf("asked %+v", q)
			}
			clock = clock.Add(time.Second)
			return &searchpack.NeedsReport{Term: 3, Version: 7, MoreNeeds: asked}, nil
		},
	}
	turn := func(what string, wanted int) {
		t.Helper()
		if err := tell.turn(t.Context()); err != nil || asked != wanted {
			t.Errorf("%s: asked %d times, want %d; %v", what, asked, wanted, err)
		}
	}
	p.installs(o)
	turn("not the speaker", 0)
	p.ordered(searchpack.Order{Speaker: true, Plugins: []searchpack.PluginOrder{o}})
	turn("first", 1)
	if r := tell.of("lemmas"); r == nil || r.MoreNeeds != 1 || r.Version != 0 {
		t.Errorf("%+v", r)
	}
	node.version++
	turn("too soon", 1)
	clock = clock.Add(needsPause)
	turn("changed", 2)
	clock = clock.Add(needsPause)
	turn("not changed", 2)
	node.err = errors.New("busy")
	clock = clock.Add(needsPause)
	if err := tell.turn(t.Context()); err == nil || tell.of("lemmas") == nil {
		t.Errorf("%v; what is known is kept", err)
	}
	p.installs(o)
	turn("not the speaker any more", 2)
	if tell.of("lemmas") != nil {
		t.Error("who does not speak says nothing")
	}
}
