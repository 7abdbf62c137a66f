package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/plugindir"
)

// PluginConfig says where a node has its plugins, and which it accepts. Orders change nothing of it.
type PluginConfig struct {
	Home    string // of OpenSearch: holds lib/, modules/, plugins/ and bin/
	Plugins string // "" = Home/plugins
	State   string // where plugins are staged; "" = beside plugins/
	// Allow is the node's allow file; "" or one that is not there = it accepts no plugin.
	Allow string
	// AllowAll: every plugin is accepted, whatever it may do (searchpack-dev's own nodes).
	AllowAll bool
	// NoNode: there is no OpenSearch, so that plugins/ may change at any time.
	NoNode bool
}

// pluginer brings plugins to the node: it checks and stages what is ordered, and swaps while the node
// is stopped. The folders are locked only while it works, so that `agent sync --once` can swap beside a
// running agent.
type pluginer struct {
	cfg   *PluginConfig // nil: this agent handles no plugins
	conf  string        // the node's configuration folder
	fetch *fetcher
	store *localStore
	book  *book
	facts func() *searchpack.NodeFacts // nil while the node does not answer
	log   *slog.Logger
	rang  func()

	work sync.Mutex // one at a time; see plugindir.Dir

	mu     sync.Mutex
	status map[searchpack.Digest]*pluginStatus // by id
	found  string                              // the OpenSearch in the node's home, as the last report has it
	placed []plugindir.Placed
	drift  map[string]string // key -> what is not as it was placed
	said   string            // what is wrong with the folders
}

// pluginStatus is how far a plugin has come on this node.
type pluginStatus struct {
	staged  bool
	fits    bool   // of a candidate: nothing lies in its way
	refused string // why the node would not take it
	err     string
	facts   string // of the node for which it was checked
}

func newPluginer(cfg *PluginConfig, conf string, f *fetcher, b *book, log *slog.Logger, rang func()) *pluginer {
	return &pluginer{
		cfg: cfg, conf: conf, fetch: f, store: f.store, book: b, log: log, rang: rang,
		status: map[searchpack.Digest]*pluginStatus{}, drift: map[string]string{},
		facts: func() *searchpack.NodeFacts { return nil },
	}
}

// noPlugins is said by agents that were not told where the plugins are.
const noPlugins = "this agent was not told where the node's plugins are: give it --home, and an allow file with --allow-plugins"

// open opens the folders.
func (p *pluginer) open() (*plugindir.Dir, error) {
	return plugindir.Open(p.folders())
}

func (p *pluginer) folders() plugindir.Config {
	return plugindir.Config{
		Home: p.cfg.Home, Plugins: p.cfg.Plugins, Conf: p.conf, State: p.cfg.State, Stopped: p.stopped, Logger: p.log,
	}
}

// stopped is asked just before the first folder is renamed.
func (p *pluginer) stopped() error {
	if p.cfg.NoNode {
		return nil
	}
	pid, err := nodeProcess(p.cfg.Home)
	if err != nil {
		return err
	}
	if pid != 0 {
		return searchpack.Errorf(searchpack.ErrConflict, "the node runs (process %d); its plugins change only while it is stopped", pid)
	}
	return nil
}

// wanted is a plugin that an order names, or what belongs to one.
type wanted struct {
	digest    searchpack.Digest
	size      int64
	signature string // that came with it
	candidate bool
	part      searchpack.PluginPart
	plugin    string // name of that to which a part belongs
	path      string // of a license
	packageID string
}

// id is what plugindir knows it by.
func (w wanted) id() searchpack.Digest { return plugindir.ID(w.part, w.plugin, w.path, w.digest) }

// stageID is that of a line of an order.
func stageID(x searchpack.PluginOrder) searchpack.Digest {
	return plugindir.ID(x.Part, x.Name, x.Path, x.Digest)
}

// placedFor finds what a line of an order is about, of two what it is to be; -1: nothing is placed.
func placedFor(placed []plugindir.Placed, x searchpack.PluginOrder) int {
	id := stageID(x)
	if at := slices.IndexFunc(placed, func(q plugindir.Placed) bool { return q.Name == x.Name && q.Part == x.Part && q.ID() == id }); at >= 0 {
		return at
	}
	return slices.IndexFunc(placed, func(q plugindir.Placed) bool { return q.Name == x.Name && q.Part == x.Part })
}

// renamed are the plugins that lie there of the package of a line, under other names: its other versions are
// called so. names: packages by name. One that the order has of another package is that one's.
func renamed(o *searchpack.Order, placed []plugindir.Placed, x searchpack.PluginOrder, names map[string]string) []plugindir.Placed {
	if x.Part != searchpack.PartPlugin {
		return nil
	}
	var out []plugindir.Placed
	for _, q := range placed {
		if q.Part == searchpack.PartPlugin && q.Name != x.Name && names[q.Name] == x.PackageID &&
			!slices.ContainsFunc(o.Plugins, func(other searchpack.PluginOrder) bool {
				return other.Name == q.Name && other.PackageID != x.PackageID && other.Part == q.Part
			}) {
			out = append(out, q)
		}
	}
	return out
}

func wantedPlugins(o *searchpack.Order) []wanted {
	var out []wanted
	for _, c := range o.Candidates {
		if c.Plugin {
			out = append(out, wanted{c.Digest, c.Size, c.Signature, true, c.Part, c.For, c.Path, c.PackageID})
		}
	}
	for _, x := range o.Plugins {
		w := wanted{x.Digest, x.Size, x.Signature, false, x.Part, x.Name, x.Path, x.PackageID}
		if x.State == searchpack.PluginInstalled && !slices.ContainsFunc(out, func(have wanted) bool { return have.id() == w.id() }) {
			out = append(out, w)
		}
	}
	return out
}

// pass checks and stages what is ordered, and looks whether what was placed is still as it was. done:
// nothing is to be tried again.
func (p *pluginer) pass(ctx context.Context) (done bool) {
	o := p.book.order()
	if p.cfg == nil || len(wantedPlugins(o)) == 0 && len(o.Plugins) == 0 && !p.used() {
		return true
	}
	p.work.Lock()
	defer p.work.Unlock()
	o, err := p.fitted(o)
	if err != nil {
		p.say(explain(err))
		return false
	}
	want := wantedPlugins(o)
	if err := p.look(ctx, o); err != nil {
		p.say(explain(err))
		return false
	}
	done = true
	for _, w := range want {
		if err := p.one(ctx, w); err != nil {
			done = false
		}
		if ctx.Err() != nil {
			return false
		}
	}
	if err := p.try(ctx, o, want); err != nil {
		done = false
	}
	p.say("")
	if p.cfg.NoNode && p.ready(o) == nil {
		if err := p.applyBut(ctx, o, p.book.failed(), p.book.names()); err != nil {
			p.say(err.Error())
			return false
		}
		done = p.look(ctx, o) == nil && done
	}
	p.rang()
	return done
}

// lies: the plugin is placed and as it was. p.mu is held.
func (p *pluginer) lies(id searchpack.Digest) bool {
	return slices.ContainsFunc(p.placed, func(q plugindir.Placed) bool { return q.ID() == id && p.drift[q.Key()] == "" })
}

// refresh reads what lies there now, after a swap.
func (p *pluginer) refresh(ctx context.Context) error {
	if p.cfg == nil {
		return nil
	}
	p.work.Lock()
	defer p.work.Unlock()
	o, err := p.fitted(p.book.order())
	if err != nil {
		return err
	}
	return p.look(ctx, o)
}

// used: something was staged or placed here before.
func (p *pluginer) used() bool {
	_, err := os.Stat(p.folders().StateFolder())
	return err == nil
}

// look reads what was placed, and whether it is as it was. What nothing needs any more goes.
func (p *pluginer) look(ctx context.Context, o *searchpack.Order) error {
	d, err := p.open()
	if err != nil {
		return err
	}
	defer d.Close()
	placed, err := d.Placed()
	if err != nil {
		return err
	}
	drift := map[string]string{}
	for _, x := range placed {
		found, err := d.Verify(ctx, x.Key())
		if err != nil {
			return err
		}
		if len(found) > 0 {
			where := "plugins/" + x.Folder
			if x.Part != searchpack.PartPlugin {
				where = x.Part.Called(x.Name)
			}
			drift[x.Key()] = fmt.Sprintf("%s is not as it was placed: %s", where, found[0])
		}
	}
	var keep, named []searchpack.Digest
	for _, w := range wantedPlugins(o) {
		keep, named = append(keep, w.id()), append(named, w.digest)
	}
	for _, x := range o.Alternatives {
		keep = append(keep, x.Digest)
	}
	if err := d.Unstage(ctx, keep...); err != nil {
		return err
	}
	staged, err := d.Staged()
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.placed, p.drift = placed, drift
	for id, s := range p.status {
		if !slices.Contains(keep, id) {
			delete(p.status, id)
		}
		s.staged = slices.Contains(staged, id) // what was placed is staged no more
	}
	p.mu.Unlock()
	if err := p.book.forgive(named); err != nil {
		return err
	}
	formers, err := d.Formers()
	if err != nil {
		return err
	}
	lies := func(name string) bool {
		called := func(q plugindir.Placed) bool { return q.Name == name }
		for _, f := range formers { // which may come back
			if f.Plugin != nil && called(*f.Plugin) {
				return true
			}
		}
		return slices.ContainsFunc(placed, called)
	}
	if err := p.book.keepNames(lies); err != nil {
		return err
	}
	return p.forgetFormers(ctx, d, o, placed)
}

// forgetFormers drops former plugins once the node runs with what is ordered and no rollout may want
// them back.
func (p *pluginer) forgetFormers(ctx context.Context, d *plugindir.Dir, o *searchpack.Order, placed []plugindir.Placed) error {
	if o.Restart != nil || p.book.restart() != nil || slices.ContainsFunc(o.Candidates, func(c searchpack.Candidate) bool { return c.Plugin }) {
		return nil
	}
	for _, x := range o.Plugins {
		at := placedFor(placed, x)
		if x.State == searchpack.PluginInstalled && (at < 0 || placed[at].ID() != stageID(x) || !p.started(placed[at])) {
			return nil
		}
	}
	formers, err := d.Formers()
	if err != nil || len(formers) == 0 {
		return err
	}
	return d.Forget(ctx, slices.Collect(maps.Keys(formers))...)
}

// started reports whether the node that answers was started since the plugin was placed.
func (p *pluginer) started(x plugindir.Placed) bool {
	f := p.facts()
	return p.cfg.NoNode || f != nil && (f.StartedAt.After(x.At) || f.EphemeralID != "" && f.EphemeralID == p.book.started())
}

func (p *pluginer) say(text string) {
	p.mu.Lock()
	changed := p.said != text
	p.said = text
	p.mu.Unlock()
	if changed && text != "" {
		p.log.Warn("a person must mend this", "problem", text)
	}
}
