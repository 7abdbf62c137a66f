//go:build unix

package plugindir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
)

// Set is what plugins/ is to become: everything in it at once, or nothing.
type Set struct {
	Place  []searchpack.Digest // ids of what is staged
	Remove []string            // keys
	// Replaced are keys of former names of what is placed: they go, too, but where that lies under the same.
	Replaced []string
}

// Result says what was done. The names are keys: of plugins their folders.
type Result struct {
	Placed    []string
	Adopted   []string // lay there already, as they would have been placed
	Unchanged []string // were placed already
	Removed   []string
	// NewConfig are the files of config/ that were left as they were because they differ from the
	// plugin's, which lie beside them as .new: "config/lemmas/lemmas.yml.new".
	NewConfig []string
}

// plan is what is to be done for a Set, and the record when it is done.
type plan struct {
	after  *record
	moves  []move
	config []*staged // plugins whose configuration is to be copied
	parts  []partChange
	copies []partCopy
	given  map[place]bool // files in config/ that the moves give, and not the copying of the configuration
	drop   []place        // in the state folder, when it is done
	prune  []place        // folders in config/, if they are empty when it is done
	result Result
}

func newPlan(r *record) *plan { return &plan{after: r.clone(), given: map[place]bool{}} }

// plan decides, changing nothing. What Searchpack did not place is refused by name.
func (d *Dir) plan(ctx context.Context, r *record, set Set) (*plan, error) {
	p := newPlan(r)
	touched := map[string]bool{}
	once := func(key string) error {
		if touched[key] {
			return searchpack.Errorf(searchpack.ErrInvalid, "two plugins for plugins/%s at once", key)
		}
		touched[key] = true
		return nil
	}
	var parts []*staged // after the plugins, whose own configuration lies there before
	remove := set.Remove
	for _, zip := range set.Place {
		s, err := d.ready(ctx, zip)
		if err != nil {
			return nil, err
		}
		if err := once(s.Key()); err != nil {
			return nil, err
		}
		if s.Part != searchpack.PartPlugin {
			parts = append(parts, s)
		} else if err := d.planPlace(ctx, r, p, s); err != nil {
			return nil, err
		} else {
			remove = append(slices.Clone(remove), r.elsewhere(s, remove)...)
		}
	}
	for _, key := range set.Replaced {
		if !touched[key] && !slices.Contains(remove, key) {
			remove = append(slices.Clone(remove), key)
		}
	}
	for _, key := range remove {
		if err := errors.Join(checkKey(key), once(key)); err != nil {
			return nil, err
		}
		if err := d.planRemove(ctx, r, p, key); err != nil {
			return nil, err
		}
	}
	for _, s := range parts {
		if err := d.planPart(ctx, r, p, s); err != nil {
			return nil, err
		}
	}
	if err := d.swapFiles(ctx, r, p); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(p.moves, func(m move) bool { return m.At.In == inBin }) {
		if err := d.sameMount(inBin); err != nil {
			return nil, searchpack.Errorf(searchpack.ErrConflict, "a plugin has scripts for bin/, and the state folder %s cannot give them: %w", d.state, err)
		}
	}
	return p, nil
}

// ready reads a staged plugin and verifies its bytes once more: the last look before they are code of
// the node.
func (d *Dir) ready(ctx context.Context, zip searchpack.Digest) (*staged, error) {
	if _, err := searchpack.ParseDigest(string(zip)); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "a plugin to place: %w", err)
	}
	s, err := d.readStaged(zip)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "the plugin with the digest %s is not staged on this node", zip.Short())
	}
	if err != nil {
		return nil, explain("the staged plugin "+zip.Short(), err)
	}
	drift, err := d.stagedDrift(ctx, zip)
	if err != nil {
		return nil, explain("the staged plugin "+s.Name, err)
	}
	if len(drift) > 0 {
		return nil, searchpack.Errorf(searchpack.ErrConflict, "the staged plugin %s is damaged: %s; stage it anew", s.Name, drift[0])
	}
	return s, nil
}

// elsewhere are the folders that the plugin has beside its own, of versions with another custom.foldername,
// but for those listed: a node does not start with a plugin that lies there twice.
func (r *record) elsewhere(s *staged, but []string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(r.Placed)) {
		if x := r.Placed[key]; x.Part == searchpack.PartPlugin && x.Name == s.Name && key != s.Folder && !slices.Contains(but, key) {
			out = append(out, key)
		}
	}
	return out
}

func (d *Dir) planPlace(ctx context.Context, r *record, p *plan, s *staged) error {
	at, bin := place{inPlugins, s.Folder}, place{inBin, s.Folder}
	was := r.Placed[s.Folder]
	there, err := d.exists(at)
	if err != nil {
		return explain(at.String(), err)
	}
	if there {
		drift, err := d.drift(ctx, &s.Placed)
		switch same := len(drift) == 0; {
		case err != nil:
			return err
		case same && was != nil && was.Zip == s.Zip:
			p.result.Unchanged = append(p.result.Unchanged, s.Folder)
			p.drop = append(p.drop, stagedAt(s.Zip))
			return nil
		case same && was == nil:
			adopted := s.Placed
			adopted.Adopted = true
			p.after.Placed[s.Folder] = &adopted
			p.result.Adopted = append(p.result.Adopted, s.Folder)
			p.drop = append(p.drop, stagedAt(s.Zip))
			return nil
		}
	}
	if err := d.mine(ctx, was, s.Folder, there, len(s.Bin) > 0); err != nil {
		return err
	}
	placed := s.Placed
	placed.At = d.now().UTC()
	p.after.Placed[s.Folder] = &placed
	former, err := d.moveOut(r, p, s.Folder, there, was)
	if err != nil {
		return err
	}
	p.in(at, stagedAt(s.Zip).join(treePart))
	if len(s.Bin) > 0 {
		p.in(bin, stagedAt(s.Zip).join(binPart))
	}
	if len(s.Config) > 0 {
		p.config = append(p.config, s)
	}
	if former != nil {
		p.after.Former[s.Folder] = former
	}
	p.drop = append(p.drop, stagedAt(s.Zip))
	p.result.Placed = append(p.result.Placed, s.Folder)
	return nil
}

func (d *Dir) planRemove(ctx context.Context, r *record, p *plan, folder string) error {
	was := r.Placed[folder]
	if strings.Contains(folder, "/") {
		if was == nil {
			return nil // as it should be
		}
		p.result.Removed = append(p.result.Removed, folder)
		p.parts = append(p.parts, partChange{key: folder, was: was})
		return nil
	}
	there, err := d.exists(place{inPlugins, folder})
	if err != nil {
		return explain("plugins/"+folder, err)
	}
	if was == nil && !there {
		return nil // as it should be
	}
	if err := d.mine(ctx, was, folder, there, false); err != nil {
		return err
	}
	delete(p.after.Placed, folder)
	former, err := d.moveOut(r, p, folder, there, was)
	if err != nil {
		return err
	}
	if former != nil {
		p.after.Former[folder] = former
	}
	p.result.Removed = append(p.result.Removed, folder)
	return nil
}

// mine refuses to touch what Searchpack did not place. A placed plugin in which files were changed is
// still ours; one with another descriptor is another plugin.
func (d *Dir) mine(ctx context.Context, was *Placed, folder string, there, bin bool) error {
	if there {
		ours := was != nil
		var err error
		if ours {
			ours, err = d.sameDescriptor(ctx, was)
		}
		if err != nil {
			return explain("plugins/"+folder, err)
		}
		if !ours {
			return searchpack.Errorf(searchpack.ErrConflict,
				"plugins/%s was not placed by Searchpack, and is another plugin or version than the one ordered, so it is not touched: remove it by hand (bin/opensearch-plugin remove, while the node is stopped)", folder)
		}
	}
	if !bin || was != nil && len(was.Bin) > 0 {
		return nil
	}
	switch there, err := d.exists(place{inBin, folder}); {
	case err != nil:
		return explain("bin/"+folder, err)
	case there:
		return searchpack.Errorf(searchpack.ErrConflict, "bin/%s was not placed by Searchpack, so it is not touched: move it away", folder)
	}
	return nil
}

// moveOut plans what becomes of what lies under the final names. The former plugin is what was there
// when the last proof was: one that came after it and is replaced unproven is dropped.
func (d *Dir) moveOut(r *record, p *plan, folder string, there bool, was *Placed) (*Former, error) {
	bin := false
	if was != nil && len(was.Bin) > 0 {
		var err error
		if bin, err = d.exists(place{inBin, folder}); err != nil {
			return nil, explain("bin/"+folder, err)
		}
	}
	keep := r.Former[folder] == nil
	out := func(part string) place {
		if keep {
			return state(formerName, folder, part)
		}
		return state(trashName, fmt.Sprint(len(p.moves)))
	}
	if there {
		p.moves = append(p.moves, move{At: place{inPlugins, folder}, Out: out(pluginPart)})
	}
	if bin {
		p.moves = append(p.moves, move{At: place{inBin, folder}, Out: out(binPart)})
	}
	if !keep {
		return nil, nil
	}
	return &Former{Plugin: was, Tree: there, Bin: bin}, nil
}

const pluginPart = "plugin" // of a former plugin; its scripts are binPart

// in plans that something takes a final name, in the move that frees it if there is one.
func (p *plan) in(at, from place) {
	for i := range p.moves {
		if p.moves[i].At == at {
			p.moves[i].In = from
			return
		}
	}
	p.moves = append(p.moves, move{At: at, In: from})
}

// planRestore plans to put back what Former says.
func (d *Dir) planRestore(ctx context.Context, r *record, folders []string) (*plan, error) {
	p := newPlan(r)
	for _, folder := range folders {
		f, was := r.Former[folder], r.Placed[folder]
		if f == nil {
			return nil, searchpack.Errorf(searchpack.ErrNotFound, "no former plugin is kept for the folder %.100q", folder)
		}
		if strings.Contains(folder, "/") {
			p.planPartBack(r, folder)
			continue
		}
		there, err := d.exists(place{inPlugins, folder})
		if err != nil {
			return nil, explain("plugins/"+folder, err)
		}
		if err := d.mine(ctx, was, folder, there, f.Bin); err != nil {
			return nil, err
		}
		if _, err := d.moveOut(r, p, folder, there, was); err != nil { // to the trash: Former is kept
			return nil, err
		}
		if f.Tree {
			p.in(place{inPlugins, folder}, state(formerName, folder, pluginPart))
		}
		if f.Bin {
			p.in(place{inBin, folder}, state(formerName, folder, binPart))
		}
		delete(p.after.Former, folder)
		delete(p.after.Placed, folder)
		if f.Plugin != nil {
			p.after.Placed[folder] = f.Plugin
		}
		p.drop = append(p.drop, state(formerName, folder))
	}
	return p, d.swapFiles(ctx, r, p)
}
