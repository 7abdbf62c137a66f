//go:build unix

package plugindir

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"

	"github.com/searchpack/searchpack"
)

// Try says why Apply would refuse the set, as far as that can be told before, and changes nothing: the node may
// run. ErrConflict: something lies in the way, which somebody has to move.
func (d *Dir) Try(ctx context.Context, set Set) error {
	r, err := d.begin(ctx)
	if err != nil {
		return err
	}
	p, err := d.plan(ctx, r, set)
	if err != nil {
		return err
	}
	for _, s := range p.config {
		for _, e := range s.Config {
			if err := d.wayTo(place{inConfig, s.Folder}.join(e.Path)); err != nil {
				return err
			}
		}
	}
	if len(p.parts) > 0 {
		if err := d.wayTo(kept("x")); err != nil {
			return err
		}
	}
	for _, m := range p.moves {
		if m.At.In == inConfig && (m.In != place{}) {
			if err := d.wayTo(m.At); err != nil {
				return err
			}
		}
	}
	return nil
}

// wayTo sees that what a file in config/ is to lie in are folders, if they are there.
func (d *Dir) wayTo(at place) error {
	for dir := path.Dir(at.Name); dir != "."; dir = path.Dir(dir) {
		in := place{inConfig, dir}
		switch info, err := d.lstat(in); {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR): // a folder above is none
		case err != nil:
			return explain(in.String(), err)
		case !info.IsDir():
			return searchpack.Errorf(searchpack.ErrConflict, "%s is no folder: move it away", in)
		}
	}
	return nil
}
