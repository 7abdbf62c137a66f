//go:build unix

package plugindir

import (
	"context"
	"fmt"
	"slices"

	"github.com/searchpack/searchpack"
)

// Recovery says what Recover found.
type Recovery struct {
	// Undone are the folders whose change was not finished, and that are as they were before it:
	// "plugins/lemmas", "bin/lemmas".
	Undone []string
}

// Recover ends what a crash left, and is to be called before a node starts. A change that was not
// finished is undone as a whole; one that was finished stays. It may be cut off and called again. An
// error names what is in the way; if a change is under way, plugins/ may then be a mixture, and the
// node should not start.
func (d *Dir) Recover(ctx context.Context) (Recovery, error) {
	if err := ctx.Err(); err != nil {
		return Recovery{}, err
	}
	r, err := d.load()
	if err != nil {
		return Recovery{}, err
	}
	var out Recovery
	if r.Change != nil {
		if d.stopped != nil {
			if err := d.stopped(); err != nil {
				return out, fmt.Errorf("a change of plugins that was cut off is undone only while the node is stopped: %w", err)
			}
		}
		for _, m := range r.Change.Moves {
			out.Undone = append(out.Undone, m.At.String())
		}
		if err := d.undo(r); err != nil {
			return out, err
		}
		d.log.Warn("a change of plugins had been cut off; it is undone", "folders", out.Undone)
	}
	r.Change = nil
	// What was read may be a record that was written and is not durable yet: what it does not know
	// any more must not go before it.
	if err := d.syncDir(state(".")); err != nil {
		return out, explain("the state folder "+d.state, err)
	}
	d.clear(r)
	return out, nil
}

// undo takes back a change that is in the record, and then out of the record.
func (d *Dir) undo(begun *record) error {
	for _, m := range slices.Backward(begun.Change.Moves) {
		if err := d.undoOne(m); err != nil {
			return err
		}
	}
	for _, folder := range begun.Change.Config {
		// A hidden file that is left there harms nobody; what it took to make it may be what failed.
		if err := d.remove(place{inConfig, folder + "/" + halfName}); err != nil {
			d.log.Warn("a file that was not finished could not be removed", "file", "config/"+folder+"/"+halfName, "error", err)
		}
	}
	after := begun.clone()
	after.Change = nil
	return d.saveAs(beforeName, after)
}

func (d *Dir) undoOne(m move) error {
	s, err := d.seen(m)
	if err != nil {
		return explain(m.At.String(), err)
	}
	steps, err := undoSteps(m, s)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := d.move(step.from, step.to); err != nil {
			return explain("put "+m.At.String()+" back as it was", err)
		}
	}
	return nil
}

// seen says what lies under the three names of a move.
type seen struct{ at, in, out bool }

func (d *Dir) seen(m move) (seen, error) {
	var s seen
	for _, look := range []struct {
		p  place
		to *bool
	}{{m.At, &s.at}, {m.In, &s.in}, {m.Out, &s.out}} {
		if (look.p == place{}) {
			continue
		}
		there, err := d.exists(look.p)
		if err != nil {
			return s, err
		}
		*look.to = there
	}
	return s, nil
}

type step struct{ from, to place }

// undoSteps tells from what lies where how far a move came, and what takes it back. Each step of a
// move was durable before the next began, so there are no other states than these, unless somebody
// else was there.
func undoSteps(m move, s seen) ([]step, error) {
	enters, leaves := m.In != place{}, m.Out != place{}
	back, again := step{m.Out, m.At}, step{m.At, m.In}
	switch {
	case leaves && s.out && !s.at: // out
		return []step{back}, nil
	case leaves && s.out && enters && !s.in: // out and in
		return []step{again, back}, nil
	case leaves && !s.out && s.at: // not begun
		return nil, nil
	case !leaves && s.at && !s.in: // in
		return []step{again}, nil
	case !leaves && !s.at: // not begun
		return nil, nil
	case !leaves: // not begun, and somebody else came
		return nil, nil
	case !s.out && m.At.In == inConfig: // not begun: it was yet to come from the plugin, or its owner took it
		return nil, nil
	case s.out:
		return nil, searchpack.Errorf(searchpack.ErrConflict,
			"somebody put something at %s while a change of plugins had been cut off: move it away; what was there before lies in the state folder as %s", m.At, m.Out.Name)
	}
	return nil, searchpack.Errorf(searchpack.ErrConflict,
		"%s is gone, and it is not in the state folder as %s either: install that plugin anew, then remove %q from the state folder's %s", m.At, m.Out.Name, "change", recordName)
}
