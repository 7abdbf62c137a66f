//go:build unix

package plugindir

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/searchpack/searchpack"
)

// ErrUncertain says that the disk failed so that a change was neither ended nor undone. The node must
// not start before Recover has.
var ErrUncertain = errors.New("whether the plugins are changed is not certain, Recover has to end it before the node starts")

// Apply makes plugins/ what the set says, all of it or nothing, while the node is stopped. Of a plugin
// that is there already only its record changes. An error means that nothing has changed, unless it
// says that Recover is needed (ErrUncertain).
//
// Configuration goes to config/<folder>: files that are there stay as they are, also when the set
// fails, as with OpenSearch's installer; what differs lies beside them as .new.
func (d *Dir) Apply(ctx context.Context, set Set) (Result, error) {
	r, err := d.begin(ctx)
	if err != nil {
		return Result{}, err
	}
	p, err := d.plan(ctx, r, set)
	if err != nil {
		return Result{}, err
	}
	err = d.carryOut(r, p)
	return p.result, err
}

// Restore puts the former plugins of the folders back, all or none, while the node is stopped. A
// folder that held none holds none then. ErrNotFound: nothing is kept for one of them.
func (d *Dir) Restore(ctx context.Context, folders ...string) error {
	r, err := d.begin(ctx)
	if err != nil {
		return err
	}
	p, err := d.planRestore(ctx, r, folders)
	if err != nil {
		return err
	}
	return d.carryOut(r, p)
}

// Forget drops the former plugins of the folders: what is placed is proven. Nothing is kept for a
// folder that it does not know, and that is fine. The node may run.
func (d *Dir) Forget(ctx context.Context, folders ...string) error {
	r, err := d.begin(ctx)
	if err != nil {
		return err
	}
	after := r.clone()
	for _, folder := range folders {
		delete(after.Former, folder)
	}
	if len(after.Former) == len(r.Former) {
		return nil
	}
	if err := d.save(after); err != nil { // first: what is half removed must not be put back
		return err
	}
	d.clear(after)
	for _, folder := range folders {
		if f := r.Former[folder]; f != nil && after.Placed[folder] == nil && f.Plugin != nil {
			d.pruneFolders(madeFolders(f.Plugin.Folder, f.Plugin)) // a power cut may have kept it from being done at once
		}
	}
	return nil
}

// Placed lists what Searchpack placed or adopted, by folder.
func (d *Dir) Placed() ([]Placed, error) {
	r, err := d.load()
	if err != nil {
		return nil, err
	}
	out := make([]Placed, 0, len(r.Placed))
	for _, folder := range slices.Sorted(maps.Keys(r.Placed)) {
		out = append(out, *r.Placed[folder])
	}
	return out, nil
}

// Formers says what Restore would put back, by Key.
func (d *Dir) Formers() (map[string]Former, error) {
	r, err := d.load()
	if err != nil {
		return nil, err
	}
	out := map[string]Former{}
	for folder, f := range r.Former {
		out[folder] = *f
	}
	return out, nil
}

// carryOut writes the journal, moves the folders, and ends with the new record.
func (d *Dir) carryOut(r *record, p *plan) error {
	if len(p.moves) == 0 && len(p.config) == 0 {
		if err := d.save(p.after); err != nil {
			return err
		}
		d.clear(p.after, p.drop...)
		return nil
	}
	if d.stopped != nil {
		if err := d.stopped(); err != nil {
			return fmt.Errorf("plugins are changed only while the node is stopped: %w", err)
		}
	}
	if err := d.copyParts(p); err != nil {
		return err // what was made lies aside, and goes the next time
	}
	begun, err := d.journal(r, p)
	if err != nil {
		return err
	}
	for _, s := range p.config {
		if err == nil {
			err = d.copyConfig(s, p)
		}
	}
	for _, m := range p.moves {
		if err == nil {
			err = d.moveOne(m)
		}
	}
	if err == nil {
		if err = d.saveAs(afterName, p.after); err != nil {
			// It may have been written, or may come back with a power cut. Nothing is taken back unless
			// the journal surely says so.
			if again := d.save(begun); again != nil {
				return errors.Join(fmt.Errorf("%w: %w", ErrUncertain, err), again)
			}
		}
	}
	if err != nil {
		if undoErr := d.undo(begun); undoErr != nil {
			return errors.Join(fmt.Errorf("%w: %w", ErrUncertain, err), undoErr)
		}
		return fmt.Errorf("nothing was changed: %w", err)
	}
	for _, m := range p.moves {
		d.log.Info("moved a plugin's folder", "at", m.At.String(), "in", m.In.Name, "out", m.Out.Name)
	}
	d.clear(p.after, p.drop...)
	d.pruneFolders(p.prune)
	return nil
}

// journal writes down what is going to be done, and how it may end.
func (d *Dir) journal(r *record, p *plan) (*record, error) {
	begun := r.clone()
	begun.Change = &change{Moves: p.moves}
	for _, s := range p.config {
		begun.Change.Config = append(begun.Change.Config, s.Folder)
	}
	err := d.makeRoom(p.moves)
	if err == nil {
		err = d.prepare(afterName, p.after)
	}
	if err == nil {
		err = d.prepare(beforeName, r)
	}
	if err == nil {
		err = d.save(begun)
	}
	return begun, err
}

// clear is tidy where nothing depends on it.
func (d *Dir) clear(r *record, drop ...place) {
	if err := d.tidy(r, drop...); err != nil {
		d.log.Warn("what is no longer needed beside plugins/ could not be removed; the next time will", "error", err)
	}
}

// makeRoom makes the folders that the moves go to.
func (d *Dir) makeRoom(moves []move) error {
	for _, m := range moves {
		if (m.Out == place{}) || m.Out.dir() == state(trashName) || m.Out.In == inConfig {
			continue
		}
		if err := d.mkdir(m.Out.dir(), ours); err != nil {
			return explain("make room for the former plugin", err)
		}
		if err := d.syncDir(m.Out.dir().dir()); err != nil {
			return explain("make room for the former plugin", err)
		}
	}
	return nil
}

// moveOne frees a name, then fills it. Each step is durable before the next, so that after a power
// cut it can be told from what lies where how far it came.
func (d *Dir) moveOne(m move) error {
	if (m.Out != place{}) {
		if err := d.move(m.At, m.Out); err != nil {
			return explain("move "+m.At.String()+" away", err)
		}
	}
	if (m.In != place{}) {
		if err := d.move(m.In, m.At); err != nil {
			return explain("put "+m.At.String()+" in place", err)
		}
	}
	return nil
}

// begin reads the record, and undoes what was not finished.
func (d *Dir) begin(ctx context.Context) (*record, error) {
	if _, err := d.Recover(ctx); err != nil {
		return nil, err
	}
	return d.load()
}

// tidy removes what nothing needs any more: the trash, former plugins that the record does not know,
// staged plugins that were placed, and drop.
func (d *Dir) tidy(r *record, drop ...place) error {
	var errs []error
	each := func(dir string, needed func(name string) bool) {
		names, err := d.names(state(dir), maxNames)
		errs = append(errs, err)
		for _, name := range names {
			if !needed(name) {
				errs = append(errs, d.remove(state(dir, name)))
			}
		}
	}
	for _, at := range append(drop, state(afterName), state(beforeName), state(recordName+".tmp")) {
		errs = append(errs, d.remove(at))
	}
	each(trashName, func(string) bool { return false })
	each(formerName, func(name string) bool { return r.Former[name] != nil })
	each(stagedName, func(name string) bool {
		_, err := searchpack.ParseDigest(name)
		there, _ := d.exists(state(stagedName, name, treePart))
		return err == nil && there
	})
	errs = append(errs, d.tidyKept(r))
	if err := errors.Join(errs...); err != nil {
		return explain("clear the state folder "+d.state, err)
	}
	return nil
}

// copyConfig gives config/<folder> what it does not have.
func (d *Dir) copyConfig(s *staged, p *plan) error {
	uid, gid, err := d.owner(inConfig)
	if err != nil {
		return explain("the configuration folder", err)
	}
	c := &configCopy{d: d, from: stagedAt(s.Zip).join(configPart), to: place{inConfig, s.Folder}, uid: uid, gid: gid}
	for _, e := range s.Config {
		if p.given[c.to.join(e.Path)] {
			continue
		}
		beside, err := c.file(e)
		if err != nil {
			return explain("the configuration of the plugin "+s.Name, err)
		}
		if beside != "" {
			p.result.NewConfig = append(p.result.NewConfig, beside)
		}
	}
	return nil
}
