//go:build unix

package plugindir

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// planPart plans to place a license or configuration.
func (d *Dir) planPart(ctx context.Context, r *record, p *plan, s *staged) error {
	key, was := s.Key(), r.Placed[s.Key()]
	p.drop = append(p.drop, stagedAt(s.ID()))
	if was != nil && was.ID() == s.ID() {
		drift, err := d.partDrift(ctx, was)
		if err != nil {
			return explain("config/"+key, err)
		}
		if len(drift) == 0 {
			p.result.Unchanged = append(p.result.Unchanged, key)
			return nil
		}
	}
	next := s.Placed
	next.At = d.now().UTC()
	for _, e := range next.Tree {
		if other := r.owner(s.Folder, e.Path, key); other != "" {
			return searchpack.Errorf(searchpack.ErrConflict, "config/%s/%s is the file of another package of this plugin (%s): take it out of one of them", s.Folder, e.Path, other)
		}
	}
	p.result.Placed = append(p.result.Placed, key)
	return d.swapFiles(r, p, key, was, &next, func(e searchpack.ManifestEntry) string {
		c := partCopy{from: stagedAt(s.ID()).join(treePart).join(e.Path), to: p.number(), entry: e}
		p.copies = append(p.copies, c)
		return c.to
	})
}

// owner is which other part of the plugin has placed the file; "" = none.
func (r *record) owner(folder, name, but string) string {
	for _, part := range []searchpack.PluginPart{searchpack.PartConfig, searchpack.PartLicense} {
		key := Key(part, folder)
		if x := r.Placed[key]; x != nil && key != but && x.has(name) {
			return string(part)
		}
	}
	return ""
}

func (p *Placed) has(name string) bool {
	return p != nil && slices.ContainsFunc(p.Tree, func(e searchpack.ManifestEntry) bool { return e.Path == name })
}

// swapFiles plans that the files of next take the place of those of was; either may be nil. source gives
// the number of a file of next, "" = there is none. What is there and is not ours is put aside, and comes
// back when its place is free.
func (d *Dir) swapFiles(r *record, p *plan, key string, was, next *Placed, source func(searchpack.ManifestEntry) string) error {
	folder, _, _ := strings.Cut(key, "/")
	if err := d.oneMount(folder); err != nil {
		return err
	}
	former := &Former{Plugin: was.bare(), Files: map[string]string{}}
	base := map[string]string{}
	for _, e := range both(was, next) {
		at := place{inConfig, folder}.join(e.Path)
		there, err := d.fileAt(at, p.brings(folder, e.Path))
		if err != nil {
			return err
		}
		m, mine := move{At: at}, was.has(e.Path)
		if there {
			number := p.number()
			m.Out = kept(number)
			if mine {
				former.Files[e.Path] = number
			} else {
				base[e.Path] = number
			}
		}
		in := ""
		switch before := was.before(e.Path); {
		case next.has(e.Path):
			in = source(e)
			if mine && before != "" {
				base[e.Path] = before
			}
		case mine:
			in = before
		}
		if in != "" {
			m.In = kept(in)
		}
		if (m.In != place{}) || (m.Out != place{}) {
			p.moves = append(p.moves, m)
		}
	}
	delete(p.after.Placed, key)
	if next != nil {
		next.Base = base
		next.Made = d.lacking(folder, was, next)
		p.after.Placed[key] = next
	}
	if r.Former[key] == nil {
		p.after.Former[key] = former
	}
	p.prune = append(p.prune, madeFolders(folder, was)...)
	return nil
}

// bare is what a former part was, without what was put aside for it: its place may have been freed.
func (p *Placed) bare() *Placed {
	if p == nil {
		return nil
	}
	c := *p
	c.Base = nil
	return &c
}

func (p *Placed) before(name string) string {
	if p == nil {
		return ""
	}
	return p.Base[name]
}

// both are the files of two, each path once; where both have it, that of next.
func both(was, next *Placed) []searchpack.ManifestEntry {
	all := map[string]searchpack.ManifestEntry{}
	for _, p := range []*Placed{was, next} {
		if p == nil {
			continue
		}
		for _, e := range p.Tree {
			all[e.Path] = e
		}
	}
	var out []searchpack.ManifestEntry
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[name])
	}
	return out
}

// brings: a plugin of the same set has that file of its own, which is there before the moves.
func (p *plan) brings(folder, name string) bool {
	return slices.ContainsFunc(p.config, func(s *staged) bool {
		return s.Folder == folder && slices.ContainsFunc(s.Config, func(e searchpack.ManifestEntry) bool { return e.Path == name })
	})
}

// fileAt reports whether anything but a folder has the name, or will have it.
func (d *Dir) fileAt(at place, soon bool) (bool, error) {
	info, err := d.lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return soon, nil
	case err != nil:
		return false, explain(at.String(), err)
	case info.IsDir():
		return false, searchpack.Errorf(searchpack.ErrConflict, "%s is a folder and was not placed by Searchpack, so it is not touched: move it away", at)
	}
	return true, nil
}

// planPartBack plans to put a former license or configuration back.
func (d *Dir) planPartBack(r *record, p *plan, key string) error {
	f := r.Former[key]
	next := f.Plugin.bare()
	if err := d.swapFiles(r, p, key, r.Placed[key], next, func(e searchpack.ManifestEntry) string { return f.Files[e.Path] }); err != nil {
		return err
	}
	delete(p.after.Former, key)
	if next == nil {
		return nil
	}
	next.Made = union(next.Made, f.Plugin.Made)
	return nil
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}
