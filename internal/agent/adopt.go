package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// Adopted files lie where somebody else put them, under names that the node's own configuration allows
// (Config.Adopt). Until an order has one live the agent only looks at it; from then on it is the agent's
// to keep, with the rights that it has; when it is released it stays as it is.

// errRefused: the node does not let the file be adopted. A person must change that.
var errRefused = errors.New("refused")

// notAllowed is an errRefused that does not say so in its text.
type notAllowed struct{ text string }

func (n notAllowed) Error() string { return n.text }
func (notAllowed) Is(e error) bool { return e == errRefused }

func refusef(format string, args ...any) error { return notAllowed{fmt.Sprintf(format, args...)} }

// fileRights are the rights of a file as the journal keeps them.
type fileRights struct {
	Mode uint32 `json:"mode,omitempty"` // 0 = not known
	UID  int    `json:"uid,omitempty"`
	GID  int    `json:"gid,omitempty"`
}

// mayAdopt refuses a path that the agent was not told to let be adopted, that is OpenSearch's own by its
// name, or that leads through a link: what a link leads to may be called otherwise.
func (c *configDir) mayAdopt(t *tree, name string) error {
	if err := searchpack.CheckFilePath(name); err != nil {
		return refusef("%s", searchpack.ErrorMessage(err))
	}
	if !slices.ContainsFunc(c.adopt, func(a string) bool { return name == a || strings.HasPrefix(name, a+"/") }) {
		hint := "--adopt " + name
		if dir := path.Dir(name); dir != "." && searchpack.CheckAdoptable(dir) == nil {
			hint += ", or --adopt " + dir + " for all in that folder"
		}
		return refusef("this agent was not told that %s may be adopted: start it with %s", name, hint)
	}
	for _, at := range searchpack.PathsTo(name) {
		info, err := t.root.Lstat(at)
		if err != nil {
			return ignoreMissing(err)
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			return refusef("%s is a link: files are adopted only where they lie themselves", at)
		case at == name && !info.Mode().IsRegular():
			return refusef("%s is no regular file: only such are adopted", at)
		case at != name && !info.IsDir():
			return refusef("%s is no folder, so %s cannot lie in it", at, name)
		}
	}
	return nil
}

// lookAt is look for a path that an order names, which may be an adopted file's.
func (c *configDir) lookAt(ctx context.Context, t *tree, packageID, name string, since time.Time) (found, error) {
	if own := searchpack.ReferencePath(packageID); name == "" || name == own {
		return c.look(ctx, t, own, since)
	}
	if path.Dir(name) != searchpack.CandidateDir && !isPackageFile(name) {
		if err := c.mayAdopt(t, name); err != nil {
			return found{}, err
		}
	}
	return c.look(ctx, t, name, since)
}

// isPackageFile: the path is where a package's file lies that was not adopted.
func isPackageFile(name string) bool {
	dir, id := path.Split(name)
	return dir == searchpack.AnalyzersDir+"/" && packagePattern.MatchString(id)
}

// seen reports what lies at the path of a file that is to be adopted. It changes nothing.
func (p *placer) seen(ctx context.Context, t *tree, f searchpack.FileOrder) (searchpack.FileReport, error) {
	r := searchpack.FileReport{PackageID: f.PackageID, State: f.State, Path: f.Path}
	if err := p.conf.mayAdopt(t, f.Path); err != nil {
		return r, err
	}
	have, err := p.look(ctx, t, f.Path)
	r.Digest, r.Size = have.digest, have.size
	return r, err
}

// reportAdopted says what lies at the path of an adopted file now.
func (p *placer) reportAdopted(ctx context.Context, t *tree, id, at string, state searchpack.FileState) (searchpack.FileReport, error) {
	r := searchpack.FileReport{PackageID: id, State: state, Path: at}
	if err := p.conf.mayAdopt(t, at); err != nil {
		return r, err
	}
	have, err := p.look(ctx, t, at)
	if have.exists {
		r.State = searchpack.FileLive
	}
	r.Digest, r.Size = have.digest, have.size
	return r, err
}

// entryAt is what the journal says of a package's file at a path; nothing of one that lies elsewhere.
func (p *placer) entryAt(id, adopted string) (placed, bool) {
	e, known := p.book.entry(id)
	if !known || e.Path != adopted {
		return placed{}, false
	}
	return e, true
}

// liveAdopted puts the ordered bytes at the path of an adopted file, if they do not lie there.
func (p *placer) liveAdopted(ctx context.Context, t *tree, f searchpack.FileOrder) error {
	if err := p.conf.mayAdopt(t, f.Path); err != nil {
		return err
	}
	was, known := p.entryAt(f.PackageID, f.Path)
	want := placed{State: searchpack.FileLive, Path: f.Path, Digest: f.Digest, Size: f.Size, Former: was.Former, Rights: was.Rights}
	if was.Digest != f.Digest {
		want.Former = cmp.Or(was.Digest, was.Former)
	}
	have, err := p.look(ctx, t, f.Path)
	if err != nil {
		return err
	}
	if err := p.keepRights(t, f.Path, have, &want); err != nil {
		return err
	}
	if have.regular && have.digest == f.Digest {
		return p.settledAdopted(t, f.PackageID, want)
	}
	mends := known && was.Digest == f.Digest && !was.Pending
	if mends || !known && have.exists {
		if err := p.incident(ctx, t, f, f.Path, have, known); err != nil {
			return err
		}
	}
	if err := p.fill(ctx, t, f, want.Rights); err != nil {
		return err
	}
	want.Pending = true
	if !mends { // mending must go on while the state folder's disk is full
		if err := p.book.journal(f.PackageID, want); err != nil {
			return err
		}
	}
	if err := p.replace(ctx, t, f); err != nil {
		return err
	}
	p.log.Info("placed", "package", f.PackageID, "file", f.Path, "version", f.Version, "digest", f.Digest.Short(), "former", have.digest.Short())
	return p.settledAdopted(t, f.PackageID, want)
}

// keepRights notes the rights that the file has; of one that is gone they stay those noted before, else
// they are those of OpenSearch's own configuration.
func (p *placer) keepRights(t *tree, name string, have found, want *placed) error {
	if have.regular {
		info, err := t.root.Lstat(name)
		if err != nil {
			return err
		}
		uid, gid := ownerOf(info)
		want.Rights = fileRights{uint32(info.Mode().Perm()), uid, gid}
		return nil
	}
	if want.Rights.Mode != 0 {
		return nil
	}
	own, _, _, err := p.conf.rights(t)
	want.Rights = fileRights{uint32(own.mode), own.uid, own.gid}
	return err
}

// newBeside is where the new bytes of an adopted file lie before they take its name: in the same folder, which
// may be a file system of its own.
func newBeside(name, packageID string) string {
	return path.Join(path.Dir(name), ".searchpack-"+packageID+".new")
}

// fill writes the ordered bytes beside the file, from the local store. A node that is new may lack the
// folder, too.
func (p *placer) fill(ctx context.Context, t *tree, f searchpack.FileOrder, r fileRights) error {
	if !p.store.has(f.Digest, f.Size) {
		return errMissing
	}
	if err := p.makeFolders(t, path.Dir(f.Path)); err != nil {
		return err
	}
	err := t.create(newBeside(f.Path, f.PackageID), rights{mode: fs.FileMode(r.Mode), uid: r.UID, gid: r.GID}, func(w io.Writer) error {
		return p.store.copyTo(ctx, w, f.Digest, f.Size)
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, errDigest) {
		err = errMissing
	}
	return errors.Join(err, p.tidyBeside(t, f.Path, f.PackageID))
}

// makeFolders makes a folder and those that it lies in, as far as they are not there.
func (p *placer) makeFolders(t *tree, name string) error {
	if name == "." {
		return nil
	}
	if err := p.makeFolders(t, path.Dir(name)); err != nil {
		return err
	}
	_, dir, _, err := p.conf.rights(t)
	if err != nil {
		return err
	}
	return makeDir(t, name, dir)
}

// replace gives the verified bytes beside the file its name.
func (p *placer) replace(ctx context.Context, t *tree, f searchpack.FileOrder) error {
	p.conf.mu.Lock()
	defer p.conf.mu.Unlock()
	src := newBeside(f.Path, f.PackageID)
	ready, err := p.look(ctx, t, src)
	if err != nil {
		return err
	}
	if !ready.regular || ready.digest != f.Digest {
		return errMissing
	}
	// Once more, because it may have become a link since.
	if err := p.conf.mayAdopt(t, f.Path); err != nil {
		return err
	}
	t.step("place " + f.Path)
	if err := t.root.Rename(src, f.Path); err != nil {
		return errors.Join(err, p.tidyBeside(t, f.Path, f.PackageID))
	}
	t.step("placed " + f.Path)
	p.conf.forget(src)
	p.conf.moved(t, ready, f.Path)
	return nil
}

// tidyBeside removes what a placing left that was cut off.
func (p *placer) tidyBeside(t *tree, name, packageID string) error {
	src := newBeside(name, packageID)
	p.conf.forget(src)
	_, err := t.remove(src)
	return err
}

// settledAdopted ends a placing, or an adoption, in the journal.
func (p *placer) settledAdopted(t *tree, id string, want placed) error {
	want.Pending = false
	if err := p.tidyBeside(t, want.Path, id); err != nil {
		return err
	}
	if was, ok := p.book.entry(id); !ok || was != want {
		if err := t.sync(path.Dir(want.Path)); err != nil {
			return err
		}
		if err := p.book.journal(id, want); err != nil {
			return err
		}
		if !ok || was.Path != want.Path {
			p.log.Info("adopted", "package", id, "file", want.Path, "digest", want.Digest.Short())
		}
	}
	return p.book.heal(id, p.now())
}

// release forgets an adopted file, which stays as it is.
func (p *placer) release(t *tree, f searchpack.FileOrder) error {
	if p.conf.mayAdopt(t, f.Path) == nil {
		if err := p.tidyBeside(t, f.Path, f.PackageID); err != nil {
			return err
		}
	}
	if _, known := p.entryAt(f.PackageID, f.Path); !known {
		return nil
	}
	if err := p.book.forget(f.PackageID); err != nil {
		return err
	}
	p.log.Info("released", "package", f.PackageID, "file", f.Path)
	return nil
}

// refusals are the problems that a person must mend before files can be adopted or kept.
func refusals(files []searchpack.FileReport) []string {
	var out []string
	for _, f := range files {
		if f.Refused {
			out = append(out, f.Error)
		}
	}
	return out
}
