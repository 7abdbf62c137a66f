package agent

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/agent/plugindir"
)

// apply makes plugins/ what is ordered, all of it or nothing. With what the node did not start before is
// left out. The node is stopped, or there is none.
func (p *pluginer) apply(ctx context.Context, o *searchpack.Order) error {
	if p.cfg == nil {
		return nil
	}
	p.work.Lock()
	defer p.work.Unlock()
	o, err := p.fitted(o)
	if err == nil {
		err = p.unfit(o)
	}
	if err != nil {
		return err
	}
	return p.applyBut(ctx, o, p.book.failed(), p.book.names())
}

// lockPatience is how long a swap waits for another process that works with the plugins: it stages or
// verifies, and the node is down meanwhile.
const lockPatience = time.Minute

// openSoon opens the folders, after another process if need be.
func (p *pluginer) openSoon(ctx context.Context) (*plugindir.Dir, error) {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for {
		d, err := p.open()
		if searchpack.ErrorCode(err) != searchpack.ErrConflict || !pause(ctx, 100*time.Millisecond) {
			return d, err
		}
	}
}

// openFor opens the folders: for a node that is down after another process if need be.
func (p *pluginer) openFor(ctx context.Context, offline bool) (*plugindir.Dir, error) {
	if offline {
		return p.openSoon(ctx)
	}
	return p.open()
}

// applyBut leaves out what is bad. names: packages by the names of their plugins.
func (p *pluginer) applyBut(ctx context.Context, o *searchpack.Order, bad map[searchpack.Digest]string, names map[string]string) error {
	d, err := p.openSoon(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.Recover(ctx); err != nil {
		return err
	}
	placed, err := d.Placed()
	if err != nil {
		return err
	}
	set := p.set(o, placed, bad, names)
	if len(set.Place)+len(set.Remove)+len(set.Replaced) == 0 {
		return nil
	}
	result, err := d.Apply(ctx, set)
	if err != nil {
		return err
	}
	p.log.Info("plugins changed", "placed", result.Placed, "adopted", result.Adopted, "removed", result.Removed)
	for _, name := range result.NewConfig {
		p.log.Warn("a configuration file of yours stays; the plugin's own lies beside it", "file", name)
	}
	return nil
}

// set is what has to change.
func (p *pluginer) set(o *searchpack.Order, placed []plugindir.Placed, failed map[searchpack.Digest]string, names map[string]string) plugindir.Set {
	p.mu.Lock()
	defer p.mu.Unlock()
	var s plugindir.Set
	for _, x := range o.Plugins {
		at, bad := placedFor(placed, x), isBad(o, x, failed)
		if x.State == searchpack.PluginRemoved || !bad {
			for _, q := range renamed(o, placed, x, names) { // no node has two folders of one package
				s.Replaced = append(s.Replaced, q.Key())
			}
		}
		switch {
		case x.State == searchpack.PluginRemoved && at >= 0 && !taken(o, x):
			s.Remove = append(s.Remove, placed[at].Key())
		case x.State == searchpack.PluginInstalled && !bad && (at < 0 || placed[at].ID() != stageID(x) || p.drift[placed[at].Key()] != ""):
			s.Place = append(s.Place, stageID(x))
		}
	}
	return s
}

// isBad: the node did not start with it, or with the plugin that it belongs to.
func isBad(o *searchpack.Order, x searchpack.PluginOrder, failed map[searchpack.Digest]string) bool {
	_, bad := failed[x.Digest]
	return bad || x.Part != searchpack.PartPlugin && slices.ContainsFunc(o.Plugins, func(host searchpack.PluginOrder) bool {
		_, bad := failed[host.Digest]
		return bad && host.Part == searchpack.PartPlugin && host.Name == x.Name
	})
}

// taken: another package brings a plugin of this name, so that what lies there is that one's.
func taken(o *searchpack.Order, removed searchpack.PluginOrder) bool {
	return removed.State == searchpack.PluginRemoved && slices.ContainsFunc(o.Plugins, func(x searchpack.PluginOrder) bool {
		return x.State == searchpack.PluginInstalled && x.Name == removed.Name && x.Part == removed.Part
	})
}

// restore puts back what was there before the last apply.
func (p *pluginer) restore(ctx context.Context, why string) error {
	p.work.Lock()
	defer p.work.Unlock()
	d, err := p.openSoon(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.Recover(ctx); err != nil {
		return err
	}
	formers, err := d.Formers()
	if err != nil {
		return err
	}
	placed, err := d.Placed()
	if err != nil {
		return err
	}
	keys, bad := slices.Sorted(maps.Keys(formers)), map[searchpack.Digest]string{}
	if len(keys) == 0 {
		return nil
	}
	for _, q := range placed {
		f, changed := formers[q.Key()]
		moved := f.Plugin != nil && q.Part != searchpack.PartPlugin && q.Zip == f.Plugin.Zip // a license that went elsewhere with its plugin
		if changed && !moved {
			bad[q.Zip] = why
		}
	}
	if err := p.book.condemn(bad); err != nil { // before: whoever starts the node next must not place it again
		return err
	}
	err = d.Restore(ctx, keys...)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return nil // an earlier attempt has done it
	}
	return err
}

// syncPlugins is the part of a start of the node that changes plugins/: nothing runs. What is not here
// is fetched, if the server can be asked. An error means that the node must not start blindly.
func (r *run) syncPlugins(ctx context.Context, asked error) error {
	o := r.book.order()
	if r.pluginer.cfg == nil || len(o.Plugins) == 0 && !r.pluginer.used() {
		return nil
	}
	if err := r.pluginer.stopped(); err != nil {
		r.log.Info("the plugins stay as they are", "reason", err)
		return nil
	}
	if r.book.restart().restored() {
		r.log.Info("the plugins stay as they are: the node did not start with others")
		return nil
	}
	chosen, err := r.pluginer.choose(o)
	if err != nil {
		return err
	}
	failed := r.book.failed()
	var changed map[searchpack.Digest]string
	o, err = r.pluginer.orNext(ctx, o, chosen, failed, func(o *searchpack.Order) error {
		changed = r.pluginer.changed(ctx, o)
		if err := r.pluginer.stageOffline(ctx, o, asked == nil, changed); err != nil {
			return err
		}
		return r.pluginer.missing(ctx, o, failed)
	})
	if err != nil {
		return err
	}
	return errors.Join(r.pluginer.apply(ctx, o), r.pluginer.mend(ctx, changed))
}

// changed are the ids of the ordered plugins that lie there, and not as they were placed; with each what is
// missing as a whole, "" = nothing is. What cannot be read is not known to be changed.
func (p *pluginer) changed(ctx context.Context, o *searchpack.Order) map[searchpack.Digest]string {
	d, err := p.openSoon(ctx)
	if err != nil {
		return nil // applyBut says so
	}
	defer d.Close()
	placed, err := d.Placed()
	if err != nil {
		return nil
	}
	out := map[searchpack.Digest]string{}
	for _, x := range placed {
		if !slices.ContainsFunc(o.Plugins, func(q searchpack.PluginOrder) bool {
			return q.State == searchpack.PluginInstalled && stageID(q) == x.ID()
		}) {
			continue
		}
		switch found, err := d.Verify(ctx, x.Key()); {
		case err != nil:
			p.log.Warn("a plugin cannot be looked at", "plugin", x.Name, "error", err)
		case slices.Contains(found, plugindir.Drift{Path: "plugins/" + x.Folder, What: plugindir.DriftMissing}):
			out[x.ID()] = "plugins/" + x.Folder
		case len(found) > 0:
			out[x.ID()] = ""
		}
	}
	return out
}

// mend puts back changed plugins that are staged. One that cannot be put back stays as it is, and the node
// starts with that: somebody may have put another plugin there. Without one it does not start.
func (p *pluginer) mend(ctx context.Context, changed map[searchpack.Digest]string) error {
	if len(changed) == 0 {
		return nil
	}
	d, err := p.openSoon(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, zip := range slices.Sorted(maps.Keys(changed)) {
		result, err := d.Apply(ctx, plugindir.Set{Place: []searchpack.Digest{zip}})
		switch {
		case ctx.Err() != nil || errors.Is(err, plugindir.ErrUncertain):
			return err
		case err != nil && changed[zip] != "":
			return searchpack.Errorf(searchpack.ErrNotFound, "%s is missing and cannot be put back, and the node must not start without it: %w. "+
				"If the server could not be asked, start the node again when it can", changed[zip], err)
		case err != nil:
			p.log.Error("a plugin that somebody has changed cannot be put back", "digest", zip.Short(), "error", err)
		default:
			p.log.Info("a plugin that somebody has changed is put back", "placed", result.Placed)
		}
	}
	return nil
}

// failed are the zips with which the node did not start.
func (b *book) failed() map[searchpack.Digest]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.rec.Failed)
}

func (b *book) condemn(bad map[searchpack.Digest]string) error {
	return b.change(func(r *record) {
		if r.Failed == nil {
			r.Failed = map[searchpack.Digest]string{}
		}
		maps.Copy(r.Failed, bad)
	})
}

// forgive forgets those that no order names any more: they may be tried again.
func (b *book) forgive(named []searchpack.Digest) error {
	gone := func(d searchpack.Digest, _ string) bool { return !slices.Contains(named, d) }
	failed := b.failed()
	before := len(failed)
	if maps.DeleteFunc(failed, gone); len(failed) == before {
		return nil
	}
	return b.change(func(r *record) { maps.DeleteFunc(r.Failed, gone) })
}
