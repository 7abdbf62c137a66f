//go:build unix

package plugindir

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

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
	p.result.Placed = append(p.result.Placed, key)
	p.parts = append(p.parts, partChange{key: key, was: was, next: &next, source: func(e searchpack.ManifestEntry) string {
		return p.copy(stagedAt(s.ID()).join(treePart), e)
	}})
	return nil
}

// copy plans that a staged file lies where it can be moved from, and returns its number.
func (p *plan) copy(from place, e searchpack.ManifestEntry) string {
	c := partCopy{from: from.join(e.Path), to: p.number(), entry: e}
	p.copies = append(p.copies, c)
	return c.to
}

// partChange is what becomes of a license or configuration: next takes the place of was, of which either may
// be nil.
type partChange struct {
	key       string
	was, next *Placed
	// source gives the number of a file of next; "" = there is none.
	source func(searchpack.ManifestEntry) string

	files, base map[string]string // see Former.Files of what was, and Placed.Base of what comes
}

func (c *partChange) folder() string {
	folder, _, _ := strings.Cut(c.key, "/")
	return folder
}

// owner is which part of the plugin, none of those that change, has placed the file; "" = none.
func (p *plan) owner(r *record, folder, name string) string {
	for _, part := range []searchpack.PluginPart{searchpack.PartConfig, searchpack.PartLicense} {
		key := Key(part, folder)
		changes := slices.ContainsFunc(p.parts, func(c partChange) bool { return c.key == key })
		if !changes && r.Placed[key].has(name) {
			return string(part)
		}
	}
	return ""
}

func (p *Placed) has(name string) bool {
	return p != nil && slices.ContainsFunc(p.Tree, func(e searchpack.ManifestEntry) bool { return e.Path == name })
}

// swapFiles plans the moves of all parts that change, when it is known what they are: a file may go from one
// to another. What is there and is not ours is put aside, and comes back when its place is free.
func (d *Dir) swapFiles(ctx context.Context, r *record, p *plan) error {
	byFolder := map[string][]*partChange{}
	for i := range p.parts {
		c := &p.parts[i]
		c.files, c.base = map[string]string{}, map[string]string{}
		byFolder[c.folder()] = append(byFolder[c.folder()], c)
	}
	for _, folder := range slices.Sorted(maps.Keys(byFolder)) {
		all := byFolder[folder]
		if err := d.oneMount(folder); err != nil {
			return err
		}
		files, err := p.filesOf(r, folder, all)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := d.swapFile(ctx, p, place{inConfig, folder}.join(name), name, files[name]); err != nil {
				return err
			}
		}
		for _, c := range all {
			delete(p.after.Placed, c.key)
			if c.next != nil {
				c.next.Base = c.base
				c.next.Made = union(c.next.Made, d.lacking(folder, all, c.next))
				p.after.Placed[c.key] = c.next
			}
			if r.Former[c.key] == nil {
				p.after.Former[c.key] = &Former{Plugin: c.was.bare(), Files: c.files}
			}
			p.prune = append(p.prune, madeFolders(folder, c.was)...)
		}
	}
	return nil
}

// partFile is a file of parts that change: whose it is, and whose it will be. Either may be nil.
type partFile struct {
	from, to *partChange
	entry    searchpack.ManifestEntry // of to, if there is one
}

// filesOf are all files of parts that change, by path. None is of two.
func (p *plan) filesOf(r *record, folder string, all []*partChange) (map[string]partFile, error) {
	files := map[string]partFile{}
	for _, c := range all {
		for _, e := range c.was.files() {
			files[e.Path] = partFile{from: c}
		}
	}
	for _, c := range all {
		for _, e := range c.next.files() {
			f := files[e.Path]
			if f.to != nil {
				return nil, searchpack.Errorf(searchpack.ErrConflict, "config/%s/%s is a file of the license and of the configuration: take it out of one of them", folder, e.Path)
			}
			if other := p.owner(r, folder, e.Path); other != "" {
				return nil, searchpack.Errorf(searchpack.ErrConflict, "config/%s/%s is the file of another package of this plugin (%s): take it out of one of them", folder, e.Path, other)
			}
			f.to, f.entry = c, e
			files[e.Path] = f
		}
	}
	return files, nil
}

// swapFile plans the moves of one file.
func (d *Dir) swapFile(ctx context.Context, p *plan, at place, name string, f partFile) error {
	before := ""
	if f.from != nil {
		before = f.from.was.before(name)
	}
	brought, entry := p.brings(at)
	free := brought != nil && f.to == nil // for the plugin's own
	own := free && before == ""
	if free && !own { // it comes back, and the plugin's lies beside it if it is another
		digest, err := d.digest(ctx, kept(before))
		p.given[at] = err == nil && digest == entry.Digest
	}
	there, err := d.fileAt(at, brought != nil && !own && !p.given[at])
	if err != nil {
		return err
	}
	m := move{At: at}
	if there {
		number := p.number()
		m.Out = kept(number)
		if f.from != nil {
			f.from.files[name] = number
		} else {
			f.to.base[name] = number
		}
	}
	in := before
	switch {
	case f.to != nil:
		in = f.to.source(f.entry)
		if before != "" {
			f.to.base[name] = before
		}
	case own:
		in = p.copy(stagedAt(brought.Zip).join(configPart), entry)
		p.given[at] = true
	}
	if in != "" {
		m.In = kept(in)
	}
	if (m.In != place{}) || (m.Out != place{}) {
		p.moves = append(p.moves, m)
	}
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

func (p *Placed) files() []searchpack.ManifestEntry {
	if p == nil {
		return nil
	}
	return p.Tree
}

// brings: a plugin of the same set has that file of its own, which is there before the moves unless they give it.
func (p *plan) brings(at place) (*staged, searchpack.ManifestEntry) {
	folder, name, _ := strings.Cut(at.Name, "/")
	for _, s := range p.config {
		if s.Folder != folder {
			continue
		}
		if i := slices.IndexFunc(s.Config, func(e searchpack.ManifestEntry) bool { return e.Path == name }); i >= 0 {
			return s, s.Config[i]
		}
	}
	return nil, searchpack.ManifestEntry{}
}

// fileAt reports whether anything but a folder has the name, or will have it.
func (d *Dir) fileAt(at place, soon bool) (bool, error) {
	info, err := d.lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR): // what is no folder is said by who makes them
		return soon, nil
	case err != nil:
		return false, explain(at.String(), err)
	case info.IsDir():
		return false, searchpack.Errorf(searchpack.ErrConflict, "%s is a folder and was not placed by Searchpack, so it is not touched: move it away", at)
	}
	return true, nil
}

// planPartBack plans to put a former license or configuration back.
func (p *plan) planPartBack(r *record, key string) {
	f := r.Former[key]
	next := f.Plugin.bare()
	p.parts = append(p.parts, partChange{key: key, was: r.Placed[key], next: next, source: func(e searchpack.ManifestEntry) string { return f.Files[e.Path] }})
	delete(p.after.Former, key)
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}
