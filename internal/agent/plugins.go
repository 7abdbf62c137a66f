package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/allow"
	"github.com/searchpack/searchpack/internal/agent/plugindir"
	"github.com/searchpack/searchpack/internal/agent/preflight"
	"github.com/searchpack/searchpack/internal/inspect/target"
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

// maxPlugin is the server's default limit for plugins: what an order may make the agent fetch.
const maxPlugin = 1 << 30

// pluginer brings plugins to the node: it checks and stages what is ordered, and swaps while the node
// is stopped. The folders are locked only while it works, so that `agent sync --once` can swap beside a
// running agent.
type pluginer struct {
	cfg   *PluginConfig // nil: this agent handles no plugins
	conf  string        // the node's configuration folder
	files bool          // see PluginConfig.NoNode
	fetch *fetcher
	store *localStore
	book  *book
	facts func() *searchpack.NodeFacts // nil while the node does not answer
	log   *slog.Logger
	rang  func()

	work sync.Mutex // one at a time; see plugindir.Dir

	mu     sync.Mutex
	status map[searchpack.Digest]*pluginStatus
	placed []plugindir.Placed
	drift  map[string]string // folder -> what is not as it was placed
	said   string            // what is wrong with the folders
}

// pluginStatus is how far a plugin has come on this node.
type pluginStatus struct {
	staged  bool
	refused string // why the node would not take it
	err     string
	facts   string // of the node for which it was checked
}

func newPluginer(cfg *PluginConfig, conf string, f *fetcher, b *book, log *slog.Logger, rang func()) *pluginer {
	return &pluginer{
		cfg: cfg, conf: conf, files: cfg != nil && cfg.NoNode, fetch: f, store: f.store, book: b, log: log, rang: rang,
		status: map[searchpack.Digest]*pluginStatus{}, drift: map[string]string{},
		facts: func() *searchpack.NodeFacts { return nil },
	}
}

// noPlugins is said by agents that were not told where the plugins are.
var noPlugins = "this agent was not told where the node's plugins are: give it --home, and an allow file with --allow-plugins"

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
	if p.files {
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

// wanted is a plugin that an order names.
type wanted struct {
	digest    searchpack.Digest
	size      int64
	signature string // that came with it
	candidate bool
}

func wantedPlugins(o *searchpack.Order) []wanted {
	var out []wanted
	for _, c := range o.Candidates {
		if c.Plugin {
			out = append(out, wanted{c.Digest, c.Size, c.Signature, true})
		}
	}
	for _, x := range o.Plugins {
		if x.State == searchpack.PluginInstalled && !slices.ContainsFunc(out, func(w wanted) bool { return w.digest == x.Digest }) {
			out = append(out, wanted{x.Digest, x.Size, x.Signature, false})
		}
	}
	return out
}

// pass checks and stages what is ordered, and looks whether what was placed is still as it was. done:
// nothing is to be tried again.
func (p *pluginer) pass(ctx context.Context) (done bool) {
	o := p.book.order()
	want := wantedPlugins(o)
	if p.cfg == nil {
		return true
	}
	if len(want) == 0 && len(o.Plugins) == 0 && !p.used() {
		return true
	}
	p.work.Lock()
	defer p.work.Unlock()
	if err := p.look(ctx, o); err != nil {
		p.say(explain(err))
		return false
	}
	done = true
	for _, w := range want {
		if p.lies(w.digest) {
			continue
		}
		if err := p.one(ctx, w); err != nil {
			done = false
		}
		if ctx.Err() != nil {
			return false
		}
	}
	p.say("")
	if p.files && p.ready(o) == nil {
		if err := p.applyBut(ctx, o, p.book.failed()); err != nil {
			p.say(err.Error())
			return false
		}
		done = p.look(ctx, o) == nil && done
	}
	p.rang()
	return done
}

// lies: the plugin is placed and as it was.
func (p *pluginer) lies(zip searchpack.Digest) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.placed, func(q plugindir.Placed) bool { return q.Zip == zip && p.drift[q.Folder] == "" })
}

// refresh reads what lies there now, after a swap.
func (p *pluginer) refresh(ctx context.Context) error {
	if p.cfg == nil {
		return nil
	}
	p.work.Lock()
	defer p.work.Unlock()
	return p.look(ctx, p.book.order())
}

// used: something was staged or placed here before.
func (p *pluginer) used() bool {
	_, err := os.Stat(p.folders().StateFolder())
	return err == nil
}

// one brings one plugin as far as it goes without a restart. What is refused is not tried again while
// the node is the same.
func (p *pluginer) one(ctx context.Context, w wanted) error {
	now := p.nodeText() + " " + w.signature
	p.mu.Lock()
	s := p.status[w.digest]
	if s == nil || s.facts != now && (s.refused != "" || w.candidate) {
		s = &pluginStatus{facts: now}
		p.status[w.digest] = s
	}
	p.mu.Unlock()
	if s.staged || s.refused != "" {
		return nil
	}
	refused, err := p.stage(ctx, w, false)
	p.mu.Lock()
	s.refused, s.err, s.staged = refused, "", err == nil && refused == ""
	if err != nil {
		s.err = explain(err)
	}
	p.mu.Unlock()
	return err
}

// nodeText says what a check depends on.
func (p *pluginer) nodeText() string {
	f := p.facts()
	if f == nil {
		return ""
	}
	return fmt.Sprint(f.EphemeralID, f.Version, f.Java)
}

// stage fetches a plugin, holds it against the node and what the node allows, and unpacks it beside
// plugins/.
func (p *pluginer) stage(ctx context.Context, w wanted, offline bool) (refused string, err error) {
	if w.size > maxPlugin {
		return fmt.Sprintf("the plugin has %d bytes; this agent takes %d", w.size, maxPlugin), nil
	}
	if err := p.fetch.blob(ctx, w.digest, w.size, func(n int64) { p.fetch.count(w.digest, n) }); err != nil {
		return "", err
	}
	f, err := p.store.tree.root.Open(blobName(w.digest))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	node, err := p.collect(ctx, offline)
	if err != nil {
		return "", err
	}
	c, refusals, err := preflight.Inspect(f, w.size, node)
	if err != nil {
		return "", err
	}
	if len(refusals) == 0 && c != nil && w.candidate && !p.files {
		if refusals, err = p.beside(ctx, c.Bundle, node); err != nil {
			return "", err
		}
	}
	if len(refusals) > 0 || c == nil {
		return refusalText(refusals), nil
	}
	if why := p.allowed(c, w); why != "" {
		return why, nil
	}
	d, err := p.open()
	if err != nil {
		return "", err
	}
	defer d.Close()
	return "", d.Stage(ctx, plugindir.Plugin{Name: c.Facts.Name, Folder: c.Facts.Folder, Zip: w.digest, Size: w.size, Manifest: c.Manifest}, f)
}

// beside says why the node would not start with the plugin beside those that it has. The classes of
// modules are read if it extends some.
func (p *pluginer) beside(ctx context.Context, b preflight.Bundle, node preflight.Node) ([]preflight.Refusal, error) {
	var extended []string
	for _, e := range b.Extends {
		extended = append(extended, e.Name)
	}
	if len(extended) > 0 {
		var err error
		if node, err = p.collect(ctx, false, extended...); err != nil {
			return nil, err
		}
	}
	return preflight.Check(node, preflight.Change{Place: []preflight.Bundle{b}}), nil
}

// refusalText joins reasons for people.
func refusalText(all []preflight.Refusal) string {
	if len(all) == 0 {
		return "the zip cannot be read as a plugin"
	}
	var texts []string
	for _, r := range all[:min(len(all), 3)] {
		texts = append(texts, r.String())
	}
	if more := len(all) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}

// collect looks at the node's folders, where there is a node. offline: it does not run. extended: see
// preflight.Collect.
func (p *pluginer) collect(ctx context.Context, offline bool, extended ...string) (preflight.Node, error) {
	if p.files {
		return preflight.Node{}, nil
	}
	f := p.facts()
	if offline {
		return preflight.Collect(ctx, p.cfg.Home, 0, extended...)
	}
	if f == nil {
		return preflight.Node{}, searchpack.Errorf(searchpack.ErrUnavailable, "the node does not answer, so that it is not known which plugins it would take")
	}
	node, err := preflight.Collect(ctx, p.cfg.Home, f.Java, extended...)
	if err != nil {
		return node, err
	}
	v, err := target.Parse(f.Version)
	if err != nil {
		return node, err
	}
	node.Version = v // what runs, not what lies there: a package manager may have been here
	return node, nil
}

// allowed says why the node's allow file does not take the plugin; "" if it does.
func (p *pluginer) allowed(c *preflight.Candidate, w wanted) string {
	if p.cfg.AllowAll {
		return ""
	}
	file := &allow.File{}
	if p.cfg.Allow != "" {
		var err error
		if file, err = allow.Read(p.cfg.Allow); err != nil {
			return err.Error()
		}
	}
	d := file.Decide(allow.Plugin{Name: c.Facts.Name, Zip: w.digest, Signature: w.signature, Permissions: c.Permissions, Opaque: c.Opaque})
	if d.Allowed {
		return ""
	}
	return d.Reason
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
		found, err := d.Verify(ctx, x.Folder)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			drift[x.Folder] = fmt.Sprintf("plugins/%s is not as it was placed: %s", x.Folder, found[0])
		}
	}
	want := wantedPlugins(o)
	var keep []searchpack.Digest
	for _, w := range want {
		keep = append(keep, w.digest)
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
	for digest, s := range p.status {
		if !slices.Contains(keep, digest) {
			delete(p.status, digest)
		}
		s.staged = slices.Contains(staged, digest) // what was placed is staged no more
	}
	p.mu.Unlock()
	if err := p.book.forgive(keep); err != nil {
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
		at := slices.IndexFunc(placed, func(q plugindir.Placed) bool { return q.Name == x.Name })
		if x.State == searchpack.PluginInstalled && (at < 0 || placed[at].Zip != x.Digest || !p.started(placed[at])) {
			return nil
		}
	}
	formers, err := d.Formers()
	if err != nil || len(formers) == 0 {
		return err
	}
	var folders []string
	for folder := range formers {
		folders = append(folders, folder)
	}
	return d.Forget(ctx, folders...)
}

// started reports whether the node that answers was started since the plugin was placed.
func (p *pluginer) started(x plugindir.Placed) bool {
	f := p.facts()
	return p.files || f != nil && (f.StartedAt.After(x.At) || f.EphemeralID != "" && f.EphemeralID == p.book.started())
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

// problems are what a person must mend.
func (p *pluginer) problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	if p.said != "" {
		out = append(out, "the node's plugins: "+p.said)
	}
	for _, text := range p.drift {
		out = append(out, text+"; the node is to be given it anew by a restart")
	}
	slices.Sort(out)
	return out
}

// candidate says how far a plugin that may come has come.
func (p *pluginer) candidate(r *searchpack.CandidateReport) {
	if p.cfg == nil {
		r.Refused = noPlugins
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.status[r.Digest]; s != nil {
		r.Ready, r.Refused = s.staged, s.refused
		if s.err != "" {
			r.Error = s.err
		}
	}
	if slices.ContainsFunc(p.placed, func(q plugindir.Placed) bool { return q.Zip == r.Digest && p.drift[q.Folder] == "" }) {
		r.Ready = true
	}
}

// reports says what the node has of every plugin that is ordered, or that Searchpack placed for an
// order before.
func (p *pluginer) reports(o *searchpack.Order) []searchpack.PluginReport {
	failed := p.book.failed()
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []searchpack.PluginReport
	for _, x := range o.Plugins {
		r := searchpack.PluginReport{PackageID: x.PackageID, Name: x.Name}
		if p.cfg == nil {
			r.Error = noPlugins
			out = append(out, r)
			continue
		}
		at := slices.IndexFunc(p.placed, func(q plugindir.Placed) bool { return q.Name == x.Name })
		if at >= 0 && !taken(o, x) {
			r.Installed, r.Started, r.Error = p.placed[at].Zip, p.started(p.placed[at]), p.drift[p.placed[at].Folder]
		}
		if s := p.status[x.Digest]; s != nil && x.State == searchpack.PluginInstalled {
			if s.staged {
				r.Staged = x.Digest
			}
			if r.Installed != x.Digest && r.Error == "" {
				r.Error = s.refused + s.err
			}
		}
		if why, bad := failed[x.Digest]; bad {
			r.Failed, r.FailedWhy = x.Digest, why
		}
		out = append(out, r)
	}
	return out
}

// ready says why the node cannot be given what is ordered: nil = all of it lies here.
func (p *pluginer) ready(o *searchpack.Order) error {
	if p.cfg == nil {
		return errors.New(noPlugins)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range o.Plugins {
		if x.State != searchpack.PluginInstalled {
			continue
		}
		if slices.ContainsFunc(p.placed, func(q plugindir.Placed) bool { return q.Zip == x.Digest && p.drift[q.Folder] == "" }) {
			continue
		}
		switch s := p.status[x.Digest]; {
		case s == nil:
			return fmt.Errorf("%s v%d is not here yet", x.Name, x.Version)
		case s.refused != "":
			return errors.New(s.refused)
		case !s.staged:
			return fmt.Errorf("%s v%d is not here yet: %s", x.Name, x.Version, s.err)
		}
	}
	return nil
}
