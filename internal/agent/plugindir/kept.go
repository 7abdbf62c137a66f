//go:build unix

package plugindir

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
)

// keptName is the folder in config/ for files that come, that were there before, or that are to come back.
const keptName = ".searchpack-plugins"

func kept(name string) place { return place{inConfig, keptName + "/" + name} }

// number is a name in keptName that nothing has had before. It begins with what is this record's alone:
// what lies there of a record that was lost may be somebody's own files, and stays.
func (p *plan) number() string {
	if p.after.Kept == "" {
		p.after.Kept = rand.Text()
	}
	p.after.Number++
	return p.after.Kept + "-" + strconv.FormatInt(p.after.Number, 10)
}

// oneMount: files of config/<folder> can be moved to and from keptName.
func (d *Dir) oneMount(folder string) error {
	to, err := d.open(place{inConfig, folder})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explain("config/"+folder, err)
	}
	defer to.Close()
	from, err := d.open(place{inConfig, "."})
	if err != nil {
		return explain("the configuration folder", err)
	}
	defer from.Close()
	if err := CanMove(from, to); err != nil {
		return searchpack.Errorf(searchpack.ErrConflict, "files cannot be moved in one step between the configuration folder and config/%s, which is mounted by itself: mount the folder that it lies in: %w", folder, err)
	}
	return nil
}

// lacking are the folders that are not there yet, or that were made for the former files of parts that change.
func (d *Dir) lacking(folder string, all []*partChange, next *Placed) []string {
	need := map[string]bool{}
	for _, e := range next.Tree {
		for dir := path.Dir(e.Path); ; dir = path.Dir(dir) {
			if need[dir] = true; dir == "." {
				break
			}
		}
	}
	var out []string
	for _, dir := range slices.Sorted(maps.Keys(need)) {
		there, err := d.exists(place{inConfig, folder}.join(dir))
		if err == nil && !there || slices.ContainsFunc(all, func(c *partChange) bool { return c.was != nil && slices.Contains(c.was.Made, dir) }) {
			out = append(out, dir)
		}
	}
	return out
}

// madeFolders are those that were made for a part, the inner ones first.
func madeFolders(folder string, p *Placed) []place {
	if p == nil {
		return nil
	}
	var out []place
	for _, dir := range slices.Backward(slices.Sorted(slices.Values(p.Made))) {
		out = append(out, place{inConfig, folder}.join(dir))
	}
	return out
}

// pruneFolders removes those that are empty. One that is not, or cannot be removed, harms nobody.
func (d *Dir) pruneFolders(all []place) {
	for _, at := range all {
		if there, err := d.exists(at); err == nil && there {
			_ = d.rmdir(at) // mostly: it is not empty
		}
	}
}

// partCopy is a file that comes, copied to where it can be moved from.
type partCopy struct {
	from  place
	to    string // number
	entry searchpack.ManifestEntry
}

// copyParts has all files lie beside config/<folder> that are to come, durably, with their rights.
func (d *Dir) copyParts(p *plan) error {
	if !slices.ContainsFunc(p.moves, func(m move) bool { return m.At.In == inConfig }) {
		return nil
	}
	uid, gid, err := d.owner(inConfig)
	if err != nil {
		return explain("the configuration folder", err)
	}
	c := &configCopy{d: d, uid: uid, gid: gid}
	if err := c.folders(keptName); err != nil {
		return explain("config/"+keptName, err)
	}
	for _, x := range p.copies {
		if err := d.copyPart(x, rights{configMode, uid, gid}); err != nil {
			return explain("make "+x.from.Name+" ready", err)
		}
	}
	for _, m := range p.moves {
		if m.At.In == inConfig && (m.In != place{}) {
			if err := c.folders(m.At.dir().Name); err != nil {
				return explain(m.At.dir().String(), err)
			}
		}
	}
	return explain("config/"+keptName, d.syncDir(place{inConfig, keptName}))
}

func (d *Dir) copyPart(x partCopy, own rights) error {
	to := kept(x.to)
	in, _, err := d.openFile(x.from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := d.remove(to); err != nil { // left by a change that was cut off
		return err
	}
	var digest searchpack.Digest
	err = d.create(to, own, func(w io.Writer) (err error) {
		digest, err = digestOf(context.Background(), io.TeeReader(in, w))
		return err
	})
	if err == nil && digest != x.entry.Digest {
		err = fmt.Errorf("%s was changed meanwhile: stage it anew", x.from)
	}
	return err
}

// tidyKept removes what no part needs any more from keptName, and that when it is empty.
func (d *Dir) tidyKept(r *record) error {
	at := place{inConfig, keptName}
	if there, err := d.exists(at); err != nil || !there {
		return err
	}
	needed := map[string]bool{}
	for _, p := range r.Placed {
		for _, number := range p.Base {
			needed[number] = true
		}
	}
	for _, f := range r.Former {
		for _, number := range f.Files {
			needed[number] = true
		}
	}
	names, err := d.names(at, maxKept)
	for _, name := range names {
		if !needed[name] && r.Kept != "" && strings.HasPrefix(name, r.Kept+"-") {
			err = errors.Join(err, d.remove(kept(name)))
		}
	}
	if len(needed) == 0 {
		d.pruneFolders([]place{at})
	}
	return err
}

// maxKept bounds what is listed of keptName: the files of some configurations, each in two versions.
const maxKept = 1_000_000
