package agent

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/regular"
	"github.com/searchpack/searchpack/internal/agent/supply"
	"github.com/searchpack/searchpack/internal/inspect/plugin"
	"github.com/searchpack/searchpack/internal/usage/needs"
)

// configFile is where a node's settings stand, in its configuration folder.
const configFile = "opensearch.yml"

// needs says who needs a plugin that lies on this node. What is read is newer than the call: the names
// in use, and the jars.
func (p *pluginer) needs(ctx context.Context, node OpenSearch, q *searchpack.NeedsTask) (*searchpack.NeedsReport, error) {
	if p.cfg == nil {
		return nil, searchpack.Errorf(searchpack.ErrUnsupported, "%s", noPlugins)
	}
	folder, going, err := p.goingFolders(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case folder == "":
		return &searchpack.NeedsReport{Absent: true}, nil
	case p.cfg.NoNode:
		return &searchpack.NeedsReport{}, nil // there is no OpenSearch that could need anything
	}
	var head searchpack.NeedsReport
	used := needs.NewNames()
	if q.Cluster {
		used, err = clusterNames(ctx, node, &head)
	} else {
		err = p.configNames(ctx, node, used)
	}
	if err != nil || head.Truncated {
		return &head, err
	}
	home := supply.Home{Dir: p.cfg.Home, Plugins: cmp.Or(p.cfg.Plugins, filepath.Join(p.cfg.Home, "plugins"))}
	own, err := home.Plugin(ctx, folder)
	if err != nil {
		return nil, err
	}
	candidates := used.Candidates(own)
	core, others, err := home.Rest(ctx, going, candidates)
	if err != nil {
		return nil, err
	}
	out := needs.Judge(candidates, core, others)
	if !q.Cluster {
		extending, err := p.extending(ctx, q.Plugin, going)
		if err != nil {
			return nil, err
		}
		out.Needs = append(extending, out.Needs...)[:min(len(extending)+len(out.Needs), searchpack.MaxNeeds)]
	}
	out.Term, out.Version, out.Truncated = head.Term, head.Version, used.Truncated
	return &out, nil
}

// goingFolders are those of the plugins that go, and that of the one asked about; "" if Searchpack has not
// placed it.
func (p *pluginer) goingFolders(ctx context.Context, q *searchpack.NeedsTask) (folder string, going []string, err error) {
	p.work.Lock()
	defer p.work.Unlock()
	d, err := p.openSoon(ctx)
	if err != nil {
		return "", nil, err
	}
	defer d.Close()
	placed, err := d.Placed()
	if err != nil {
		return "", nil, err
	}
	for _, x := range placed {
		if x.Part != searchpack.PartPlugin {
			continue // no class of it is loaded, and it may be in a folder of another name
		}
		if x.Name == q.Plugin {
			folder = x.Folder
		}
		if x.Name == q.Plugin || slices.Contains(q.Going, x.Name) {
			going = append(going, x.Folder)
		}
	}
	return folder, going, nil
}

// extending are the plugins that keep the node from starting once the one that they extend is gone.
func (p *pluginer) extending(ctx context.Context, name string, going []string) ([]searchpack.Need, error) {
	node, err := p.collect(ctx, false)
	if err != nil {
		return nil, err
	}
	var out []searchpack.Need
	for _, b := range node.Bundles {
		extends := slices.ContainsFunc(b.Extends, func(e plugin.Extended) bool { return e.Name == name && !e.Optional })
		if extends && !b.Module && !slices.Contains(going, b.Folder) {
			out = append(out, searchpack.Need{User: "plugin " + cutText(b.Name, maxPluginName), Kind: "extended plugin", Name: name})
		}
	}
	return out, nil
}

// maxPluginName bounds the name of a plugin that somebody else put there, in bytes.
const maxPluginName = 200

// clusterNames reads what the cluster uses now.
func clusterNames(ctx context.Context, node OpenSearch, head *searchpack.NeedsReport) (*needs.Names, error) {
	raw, term, version, truncated, err := node.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	head.Term, head.Version, head.Truncated = term, version, truncated
	if truncated {
		return nil, nil
	}
	return needs.Read(bytes.NewReader(raw))
}

// configNames reads the settings that keep a node without the plugin from starting: those of its file, and
// those that it was started with otherwise. The cluster's own do not, and are only told.
func (p *pluginer) configNames(ctx context.Context, node OpenSearch, used *needs.Names) error {
	file, err := readConfigFile(filepath.Join(p.conf, configFile))
	if err != nil {
		return err
	}
	own, cluster, err := node.SettingKeys(ctx)
	if err != nil {
		return err
	}
	for _, key := range file {
		used.Add(needs.NodeSetting, key, configFile)
	}
	for _, key := range own {
		if !slices.Contains(file, key) {
			used.Add(needs.NodeSetting, key, "the node's command line or environment")
		}
	}
	for _, key := range cluster {
		used.Add(needs.ClusterSetting, key, "the cluster's settings")
	}
	return nil
}

func readConfigFile(name string) ([]string, error) {
	f, err := regular.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", configFile, explain(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, needs.MaxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %s", configFile, explain(err))
	}
	keys, err := needs.ConfigKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", configFile, err)
	}
	return keys, nil
}

// needsPause is the shortest time between two findings of who needs the plugins, unasked: they are for
// people to look at, and cost the cluster an answer with much of its metadata.
const needsPause = time.Minute

// needsTeller finds out now and then, on the speaker, who needs the plugins that the node is to have.
type needsTeller struct {
	ask  func(context.Context, OpenSearch, *searchpack.NeedsTask) (*searchpack.NeedsReport, error)
	node OpenSearch
	book *book
	now  func() time.Time
	rang func()

	next          time.Time
	term, version int64 // of the cluster state that was seen

	mu    sync.Mutex
	found map[string]*searchpack.NeedsReport // by the plugin's name
}

// turn looks, if it is time and the cluster or the plugins have changed.
func (t *needsTeller) turn(ctx context.Context) error {
	names := spokenPlugins(t.book.order())
	t.keepOnly(names)
	if len(names) == 0 || t.now().Before(t.next) {
		return nil
	}
	began := t.now()
	_, term, version, err := t.node.StateVersion(ctx)
	if err != nil {
		return err
	}
	same := t.term == term && t.version == version
	for _, name := range names {
		if t.of(name) != nil && same {
			continue
		}
		r, err := t.ask(ctx, t.node, &searchpack.NeedsTask{Plugin: name, Going: []string{name}, Cluster: true})
		if err != nil {
			return err
		}
		r.Term, r.Version = 0, 0 // a newer state that says the same is no news
		t.mu.Lock()
		t.found[name] = r
		t.mu.Unlock()
	}
	t.term, t.version = term, version
	// A cluster whose metadata takes long to read is asked less often.
	t.next = t.now().Add(max(needsPause, 10*t.now().Sub(began)))
	t.rang()
	return nil
}

// spokenPlugins are the plugins for which this agent speaks.
func spokenPlugins(o *searchpack.Order) []string {
	var out []string
	for _, x := range o.Plugins {
		if o.Speaker && x.State == searchpack.PluginInstalled && x.Part == searchpack.PartPlugin {
			out = append(out, x.Name)
		}
	}
	return out
}

func (t *needsTeller) keepOnly(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.found == nil {
		t.found = map[string]*searchpack.NeedsReport{}
	}
	maps.DeleteFunc(t.found, func(name string, _ *searchpack.NeedsReport) bool { return !slices.Contains(names, name) })
}

// of is what was found out about a plugin; nil = nothing yet.
func (t *needsTeller) of(name string) *searchpack.NeedsReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.found[name]
}
