package agent

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/allow"
	"github.com/searchpack/searchpack/internal/agent/plugindir"
	"github.com/searchpack/searchpack/internal/agent/preflight"
	"github.com/searchpack/searchpack/internal/inspect"
)

// maxPlugin is the server's default limit for plugins: what an order may make the agent fetch.
const maxPlugin = 1 << 30

// one brings one plugin as far as it goes without a restart. What is refused is not tried again while
// the node is the same.
func (p *pluginer) one(ctx context.Context, w wanted) error {
	now := p.nodeText() + " " + w.signature
	p.mu.Lock()
	if p.lies(w.id()) {
		p.mu.Unlock()
		return nil
	}
	s := p.status[w.id()]
	if s == nil || s.facts != now && (s.refused != "" || w.candidate) {
		s = &pluginStatus{facts: now}
		p.status[w.id()] = s
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

// try sees whether something lies in the way of the candidates, once all of them are staged: their files may be
// each other's. A node that was stopped for them is too late to find that out.
func (p *pluginer) try(ctx context.Context, o *searchpack.Order, want []wanted) error {
	names := p.book.names()
	p.mu.Lock()
	var set plugindir.Set
	var all []*pluginStatus
	for _, w := range want {
		s := p.status[w.id()]
		switch {
		case !w.candidate || p.lies(w.id()):
			continue
		case s == nil || !s.staged || s.refused != "":
			p.mu.Unlock()
			return nil // not all are here
		case slices.Contains(set.Place, w.id()): // the same bytes of two packages
			continue
		}
		set.Place, all = append(set.Place, w.id()), append(all, s)
		for _, q := range renamed(o, p.placed, searchpack.PluginOrder{PackageID: w.packageID, Part: w.part}, names) {
			set.Replaced = append(set.Replaced, q.Key())
		}
	}
	p.mu.Unlock()
	if !slices.ContainsFunc(all, func(s *pluginStatus) bool { return !s.fits }) {
		return nil
	}
	d, err := p.open()
	if err == nil {
		err = d.Try(ctx, set)
		d.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range all {
		s.fits, s.err = err == nil, ""
		switch {
		case d != nil && (searchpack.ErrorCode(err) == searchpack.ErrConflict || searchpack.ErrorCode(err) == searchpack.ErrInvalid): // d nil: another process works there
			s.refused = searchpack.ErrorMessage(err)
		case err != nil:
			s.err = explain(err)
		}
	}
	return err
}

// nodeText says what a check depends on.
func (p *pluginer) nodeText() string {
	f := p.facts()
	if f == nil {
		return ""
	}
	return fmt.Sprint(f.EphemeralID, f.Version, f.Java, " ", p.installed())
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
	if w.part != searchpack.PartPlugin {
		return p.stagePart(ctx, w, f, offline)
	}
	node, err := p.collect(ctx, offline)
	if err != nil {
		return "", err
	}
	c, refusals, err := preflight.Inspect(f, w.size, node)
	if err != nil {
		return "", err
	}
	if len(refusals) == 0 && c != nil && !p.cfg.NoNode {
		refusals = preflight.Fits(node, c.Bundle)
	}
	if len(refusals) == 0 && c != nil && w.candidate && !p.cfg.NoNode {
		if refusals, err = p.beside(ctx, w, c.Bundle, node); err != nil {
			return "", err
		}
	}
	if len(refusals) > 0 || c == nil {
		return refusalText(refusals), nil
	}
	if why := p.allowed(allow.Plugin{Name: c.Facts.Name, Zip: w.digest, Signature: w.signature, Permissions: c.Permissions, Opaque: c.Opaque}); why != "" {
		return why, nil
	}
	d, err := p.openFor(ctx, offline)
	if err != nil {
		return "", err
	}
	defer d.Close()
	return "", d.Stage(ctx, plugindir.Plugin{Name: c.Facts.Name, Folder: c.Facts.Folder, Zip: w.digest, Size: w.size, Manifest: c.Manifest}, f)
}

// stagePart holds a license or configuration against what the node allows its plugin, and unpacks it beside
// plugins/. What it says is the plugin's business.
func (p *pluginer) stagePart(ctx context.Context, w wanted, f *os.File, offline bool) (refused string, err error) {
	if why := p.allowed(allow.Plugin{Name: w.plugin, Zip: w.digest, Signature: w.signature}); why != "" {
		return w.part.Called(w.plugin) + ": " + why, nil
	}
	var manifest []searchpack.ManifestEntry
	if w.part == searchpack.PartConfig {
		res, err := inspect.Config(f, w.size, maxPlugin)
		if err != nil {
			return "", err
		}
		if res.Failed() {
			return w.part.Called(w.plugin) + " cannot be read: " + res.Findings[0].Message, nil
		}
		manifest = res.Manifest
	}
	d, err := p.openFor(ctx, offline)
	if err != nil {
		return "", err
	}
	defer d.Close()
	err = d.Stage(ctx, plugindir.Plugin{
		Name: w.plugin, Folder: w.plugin, Part: w.part, Path: w.path, Zip: w.digest, Size: w.size, Manifest: manifest,
	}, f)
	if searchpack.ErrorCode(err) == searchpack.ErrInvalid { // the same tomorrow
		return w.part.Called(w.plugin) + ": " + searchpack.ErrorMessage(err), nil
	}
	return "", err
}

// beside says why the node would not start with the plugin beside those that it has, but for those that go
// when it comes. The classes of modules are read if it extends some.
func (p *pluginer) beside(ctx context.Context, w wanted, b preflight.Bundle, node preflight.Node) ([]preflight.Refusal, error) {
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
	p.mu.Lock()
	defer p.mu.Unlock()
	change := preflight.Change{Place: []preflight.Bundle{b}}
	for _, q := range renamed(p.book.order(), p.placed, searchpack.PluginOrder{PackageID: w.packageID, Name: b.Name}, p.book.names()) {
		change.Remove = append(change.Remove, q.Folder)
	}
	for _, q := range p.placed {
		if q.Part == searchpack.PartPlugin && q.Name == b.Name && q.Folder != b.Folder {
			change.Remove = append(change.Remove, q.Folder)
		}
	}
	return preflight.Check(node, change), nil
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
	if p.cfg.NoNode {
		return preflight.Node{}, nil
	}
	f := p.facts()
	if offline {
		return preflight.CollectFrom(ctx, p.cfg.Home, p.folders().PluginFolder(), 0, extended...)
	}
	if f == nil {
		return preflight.Node{}, searchpack.Errorf(searchpack.ErrUnavailable, "the node does not answer, so that it is not known which plugins it would take")
	}
	// Of the version that lies there, not of what runs: that is what it starts with.
	return preflight.CollectFrom(ctx, p.cfg.Home, p.folders().PluginFolder(), f.Java, extended...)
}

// allowed says why the node's allow file does not take the plugin; "" if it does.
func (p *pluginer) allowed(asked allow.Plugin) string {
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
	d := file.Decide(asked)
	switch {
	case d.Allowed:
		return ""
	case p.cfg.Allow == "":
		return d.Reason + " (it has no allow file: the agent's option allow-plugins)"
	}
	return d.Reason + " (" + p.cfg.Allow + ")"
}

// stageOffline stages what is ordered for the next start and not here yet, or changed. The node does not
// run, so that it is held against what lies in its home.
func (p *pluginer) stageOffline(ctx context.Context, o *searchpack.Order, canFetch bool, changed map[searchpack.Digest]string) error {
	for _, w := range wantedPlugins(&searchpack.Order{Plugins: o.Plugins}) { // a rollout under way has them as candidates, too
		if !canFetch && !p.store.has(w.digest, w.size) {
			continue
		}
		d, err := p.openSoon(ctx)
		if err != nil {
			return err
		}
		placed, err := d.Placed()
		d.Close()
		if err != nil {
			return err
		}
		lies := slices.ContainsFunc(placed, func(q plugindir.Placed) bool { return q.ID() == w.id() })
		if _, put := changed[w.id()]; lies && !put {
			continue
		}
		if refused, err := p.stage(ctx, w, true); err != nil || refused != "" {
			p.log.Error("a plugin cannot be given to the node", "digest", w.digest.Short(), "refused", refused, "error", err)
		}
	}
	return nil
}
