package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/searchpack/searchpack"
)

// placer makes the files under analyzers/ what the order says, and keeps them so. It alone changes
// final names. Each pass compares the disk with the order and does what is missing, so a pass that
// was cut off anywhere is finished by the next.
type placer struct {
	conf     *configDir
	state    *tree
	store    *localStore
	book     *book
	folders  *folders
	controls bool // there is an OpenSearch to probe
	log      *slog.Logger
	now      func() time.Time
	rehash   time.Duration

	mu   sync.Mutex
	last outcome
	// recent folds incidents that come again and again (something else writes the same file).
	recent map[string]time.Time
}

// outcome is what a pass found and did.
type outcome struct {
	generation int64
	files      []searchpack.FileReport
	missing    []searchpack.FileOrder // live files whose bytes are not on this node
	problems   []string
}

// foldFor is how long an incident that repeats itself counts as the same.
const foldFor = 10 * time.Minute

// errMissing: the bytes are not on this node yet.
var errMissing = errors.New("the bytes are not on this node yet")

// pass makes the node what its order says, as far as it can without the server.
func (p *placer) pass(ctx context.Context) outcome {
	o := p.book.order()
	out := outcome{generation: o.Generation}
	t, err := p.conf.open()
	if err != nil {
		out.problems = append(out.problems, problem("the configuration folder", err))
		p.unreachable(o, &out, err)
		return p.keep(out)
	}
	defer t.close()
	warn, err := p.conf.prepare(ctx, t, p.controls)
	if warn != "" {
		out.problems = append(out.problems, warn)
	}
	if err != nil {
		out.problems = append(out.problems, problem(searchpack.AnalyzersDir, err))
	}
	for _, f := range o.Files {
		r, err := p.file(ctx, t, f)
		switch {
		case errors.Is(err, errMissing):
			out.missing = append(out.missing, f)
		case err != nil:
			r.Error, r.Refused = explain(err), errors.Is(err, errRefused)
		}
		out.files = append(out.files, r)
	}
	p.unlisted(ctx, t, o, &out)
	out.problems = append(out.problems, refusals(out.files)...)
	if err := p.conf.clear(t, p.book.order); err != nil {
		out.problems = append(out.problems, problem("clearing left-overs", err))
	}
	return p.keep(out)
}

func (p *placer) keep(out outcome) outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = out
	return out
}

// outcome returns what the last pass found.
func (p *placer) outcome() outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// unreachable reports every file when the folder itself cannot be opened.
func (p *placer) unreachable(o *searchpack.Order, out *outcome, err error) {
	for _, f := range o.Files {
		out.files = append(out.files, searchpack.FileReport{PackageID: f.PackageID, State: f.State, Path: f.Path, Error: explain(err)})
	}
}

// file makes one package's file what the order says and reports what lies there then.
func (p *placer) file(ctx context.Context, t *tree, f searchpack.FileOrder) (searchpack.FileReport, error) {
	var err error
	switch f.State {
	case searchpack.FileLive:
		err = p.live(ctx, t, f)
	case searchpack.FileHidden:
		err = p.hide(ctx, t, f.PackageID)
	case searchpack.FileRemoved:
		err = p.remove(ctx, t, f.PackageID)
	case searchpack.FileAdopt:
		return p.seen(ctx, t, f)
	case searchpack.FileReleased:
		return searchpack.FileReport{PackageID: f.PackageID, State: f.State, Path: f.Path}, p.release(t, f)
	}
	r, lookErr := p.report(ctx, t, f.PackageID, f.Path, f.State)
	return r, errors.Join(err, lookErr)
}

// report says what lies there now, by digest.
func (p *placer) report(ctx context.Context, t *tree, id, adopted string, state searchpack.FileState) (searchpack.FileReport, error) {
	if adopted != "" {
		return p.reportAdopted(ctx, t, id, adopted, state)
	}
	live, err := p.look(ctx, t, searchpack.ReferencePath(id))
	if err != nil {
		return searchpack.FileReport{PackageID: id, State: state}, err
	}
	hidden, err := p.look(ctx, t, searchpack.HiddenPath(id))
	if err != nil {
		return searchpack.FileReport{PackageID: id, State: state}, err
	}
	r := searchpack.FileReport{PackageID: id, State: state}
	lies := live
	switch {
	case live.exists:
		r.State = searchpack.FileLive
	case hidden.exists:
		r.State, lies = searchpack.FileHidden, hidden
	}
	r.Digest, r.Size, r.Tree = lies.digest, lies.size, lies.folder
	if zip, ok := p.folders.holding(lies.digest); ok && lies.folder {
		r.Digest, r.Size = zip.Zip, zip.Size
	}
	return r, nil
}

func (p *placer) look(ctx context.Context, t *tree, name string) (found, error) {
	return p.conf.look(ctx, t, name, time.Now().Add(-p.rehash)) // the real clock: see configDir.hash
}

// live puts the ordered bytes under the final name.
func (p *placer) live(ctx context.Context, t *tree, f searchpack.FileOrder) error {
	if f.Path != "" {
		return p.liveAdopted(ctx, t, f)
	}
	name := searchpack.ReferencePath(f.PackageID)
	was, known := p.entryAt(f.PackageID, "")
	want := placed{State: searchpack.FileLive, Digest: f.Digest, Size: f.Size, Former: was.Former, Folder: was.Folder}
	if was.Digest != f.Digest {
		want.Former = cmp.Or(was.Digest, was.Former)
	}
	have, err := p.there(ctx, t, f, &want, known && was.State == searchpack.FileLive)
	if err != nil {
		return err
	}
	if p.folders.is(have, f.Digest, f.Tree) {
		return p.settled(t, f, want)
	}
	if err := foreignFolder(name, have, was); err != nil {
		return err
	}
	begun := known && was.State == searchpack.FileLive && was.Digest == f.Digest && !was.Pending
	if begun || (!known && have.exists) {
		if err := p.incident(ctx, t, f, name, have, known); err != nil {
			return err
		}
	}
	src, err := p.source(ctx, t, f)
	if err != nil {
		return err
	}
	want.Pending = true
	// What is mended stands in the journal already; mending must go on while the state folder's disk
	// is full.
	if !begun {
		if err := p.book.journal(f.PackageID, want); err != nil {
			return err
		}
	}
	if err := p.rename(ctx, t, f, src); err != nil {
		return err
	}
	p.log.Info("placed", "package", f.PackageID, "version", f.Version, "digest", f.Digest.Short(), "former", have.digest.Short())
	return p.settled(t, f, want)
}

// foreignFolder is the error for a folder that the journal knows nothing of. Unlike a file it is not kept
// elsewhere, so it makes way for nothing.
func foreignFolder(name string, have found, was placed) error {
	if have.folder && was.Folder.Zip == "" {
		return fmt.Errorf("%s is a folder, which Searchpack did not make: move it away", name)
	}
	return nil
}

// there looks at what lies under the final name, its rights mended if it is the agent's own, and notes
// in want what the folder must hold.
func (p *placer) there(ctx context.Context, t *tree, f searchpack.FileOrder, want *placed, own bool) (found, error) {
	name := searchpack.ReferencePath(f.PackageID)
	mended := false
	if own {
		var err error
		if mended, err = p.conf.mendRights(t, name); err != nil {
			p.log.Debug("the rights of a placed file cannot be mended", "file", name, "error", err)
		}
	}
	if f.Tree {
		id, err := p.folderOf(ctx, f)
		if err != nil {
			return found{}, err
		}
		want.Folder = id
	}
	have, err := p.look(ctx, t, name)
	if mended && err == nil && p.folders.is(have, f.Digest, f.Tree) {
		p.note(p.found(searchpack.IncidentRights, f, f.Digest), true)
	}
	return have, err
}

// found is an incident of now.
func (p *placer) found(kind searchpack.IncidentKind, f searchpack.FileOrder, what searchpack.Digest) searchpack.Incident {
	return searchpack.Incident{ID: uuid.NewString(), Kind: kind, PackageID: f.PackageID, Found: what, Wanted: f.Digest, At: p.now()}
}

// folderOf says what the ordered zip unpacks to: as it was unpacked before, else by reading it once.
func (p *placer) folderOf(ctx context.Context, f searchpack.FileOrder) (folderID, error) {
	if id, ok := p.folders.of(f.Digest); ok {
		return id, nil
	}
	id, err := p.store.folderID(ctx, f.Digest, f.Size)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errDigest) {
		return id, errMissing
	}
	if err == nil {
		p.folders.add(id)
	}
	return id, err
}

// settled ends a placing in the journal and removes what it made superfluous.
func (p *placer) settled(t *tree, f searchpack.FileOrder, want placed) error {
	id := f.PackageID
	want.Pending = false
	if !f.Tree {
		want.Folder = folderID{}
	}
	if was, ok := p.book.entry(id); !ok || was != want {
		// Perhaps it was renamed just before a crash: it must not be called done before it is durable.
		if err := t.sync(searchpack.AnalyzersDir); err != nil {
			return err
		}
		if err := p.book.journal(id, want); err != nil {
			return err
		}
	}
	if _, err := t.remove(searchpack.HiddenPath(id)); err != nil {
		return err
	}
	return p.book.heal(id, p.now())
}

// rename gives the verified bytes at src their final name and makes it durable.
func (p *placer) rename(ctx context.Context, t *tree, f searchpack.FileOrder, src string) error {
	p.conf.mu.Lock()
	defer p.conf.mu.Unlock()
	// Verified once more, under the lock that every change of names takes: this is the last look
	// before OpenSearch reads it. Costs one stat when nothing has touched the file.
	ready, err := p.look(ctx, t, src)
	if err != nil {
		return err
	}
	if !p.folders.is(ready, f.Digest, f.Tree) {
		return errMissing
	}
	name := searchpack.ReferencePath(f.PackageID)
	t.step("place " + name)
	aside, err := t.swap(src, name)
	if err != nil {
		return err
	}
	t.step("placed " + name)
	if aside {
		p.log.Warn("this file system cannot exchange folders: for a moment there was none", "package", f.PackageID, "file", name)
	}
	p.conf.forget(src)
	p.conf.moved(t, ready, name)
	return t.sync(searchpack.CandidateDir) // analyzers/ itself: settled
}

// source finds the ordered bytes on this node and returns a name on the same file system that may
// be renamed away: the hidden file, a second name for the candidate, or a copy from the local store.
func (p *placer) source(ctx context.Context, t *tree, f searchpack.FileOrder) (string, error) {
	hidden := searchpack.HiddenPath(f.PackageID)
	if h, err := p.look(ctx, t, hidden); err == nil && p.folders.is(h, f.Digest, f.Tree) {
		return hidden, nil
	}
	candidate, link := searchpack.CandidatePath(f.Digest), newName(f.PackageID)
	if f.Tree {
		return link, p.newFolder(ctx, t, f, candidate, link)
	}
	if c, err := p.look(ctx, t, candidate); err == nil && c.digest == f.Digest {
		if _, err := t.remove(link); err != nil {
			return "", err
		}
		t.step("link " + link)
		if t.root.Link(candidate, link) == nil {
			p.conf.moved(t, c, link)
			p.conf.moved(t, c, candidate)
			return link, nil
		} // a file system without hard links: copy
	} else if err == nil && c.exists && c.digest != f.Digest {
		// Damaged, perhaps through the live file, whose inode it may share.
		if _, err := t.remove(candidate); err != nil {
			return "", err
		}
	}
	file, _, _, err := p.conf.rights(t)
	if err != nil {
		return "", err
	}
	err = t.write(link, file, func(w io.Writer) error { return p.store.copyTo(ctx, w, f.Digest, f.Size) })
	if errors.Is(err, fs.ErrNotExist) && !p.store.has(f.Digest, f.Size) || errors.Is(err, errDigest) {
		return "", errMissing
	}
	return link, err
}

// newFolder makes the ordered folder at dst: of the candidate, else of the local store's zip.
func (p *placer) newFolder(ctx context.Context, t *tree, f searchpack.FileOrder, candidate, dst string) error {
	c, err := p.look(ctx, t, candidate)
	switch {
	case err == nil && p.folders.is(c, f.Digest, true):
		if p.conf.clone(t, candidate, dst) == nil {
			return nil
		}
	case err == nil && c.exists:
		// Damaged, perhaps through the live folder, with whose files it may share the bytes.
		if _, err := t.remove(candidate); err != nil {
			return err
		}
	}
	_, err = p.conf.unpack(ctx, t, p.store, dst, f.Digest, f.Size)
	if errors.Is(err, fs.ErrNotExist) && !p.store.has(f.Digest, f.Size) || errors.Is(err, errDigest) {
		return errMissing
	}
	return err
}

// incident notes that a file is not what it was left as, or, for one that is not in the journal,
// that somebody else's file has to make way; its bytes are kept in the state folder.
func (p *placer) incident(ctx context.Context, t *tree, f searchpack.FileOrder, name string, have found, known bool) error {
	if !known && have.regular {
		if err := keepForeign(ctx, p.state, t, f.PackageID, name, have); err != nil {
			return fmt.Errorf("keep the file that lies at %s: %w", name, err)
		}
	}
	i := p.found(searchpack.IncidentChanged, f, have.digest)
	if !have.exists {
		i.Kind = searchpack.IncidentMissing
	}
	if p.note(i, false) {
		p.log.Warn("a placed file is not as it was left; mending it", "package", i.PackageID, "kind", i.Kind, "found", i.Found.Short(), "wanted", i.Wanted.Short(), "foreign", !known)
	}
	return nil
}

// note keeps an incident, unless it repeats one of a moment ago or one that is not mended yet.
func (p *placer) note(i searchpack.Incident, healed bool) bool {
	key := strings.Join([]string{i.PackageID, string(i.Kind), string(i.Found), string(i.Wanted)}, " ")
	p.mu.Lock()
	again := i.At.Sub(p.recent[key]).Abs() < foldFor
	p.recent[key] = i.At
	p.mu.Unlock()
	if again || p.open(i) {
		return false
	}
	if i.Healed = healed; healed {
		i.HealedAt = i.At
	}
	if err := p.book.addIncident(i); err != nil {
		p.log.Warn("the incident cannot be kept", "error", err) // mending goes first
	}
	return true
}

// open reports whether the incident is noted and not mended.
func (p *placer) open(i searchpack.Incident) bool {
	return slices.ContainsFunc(p.book.incidents(), func(o searchpack.Incident) bool {
		return !o.Healed && o.PackageID == i.PackageID && o.Kind == i.Kind && o.Found == i.Found && o.Wanted == i.Wanted
	})
}

// hide renames a live file away, whatever its bytes.
func (p *placer) hide(ctx context.Context, t *tree, id string) error {
	name := searchpack.ReferencePath(id)
	have, err := p.look(ctx, t, name)
	if err != nil {
		return err
	}
	was, known := p.entryAt(id, "")
	if err := foreignFolder(name, have, was); err != nil {
		return err
	}
	want := placed{State: searchpack.FileHidden, Former: cmp.Or(was.Digest, was.Former), Folder: was.Folder}
	if have.exists {
		if !known && have.regular {
			if err := keepForeign(ctx, p.state, t, id, name, have); err != nil {
				return fmt.Errorf("keep the file that lies at %s: %w", name, err)
			}
		}
		want.Pending = true
		if err := p.book.journal(id, want); err != nil {
			return err
		}
		err := p.renameAway(t, name, searchpack.HiddenPath(id), have)
		if err != nil {
			return err
		}
		p.conf.moved(t, have, searchpack.HiddenPath(id))
		p.log.Info("hidden", "package", id)
	}
	want.Pending = false
	if was, ok := p.book.entry(id); ok && was == want {
		return nil
	}
	if err := errors.Join(t.sync(searchpack.AnalyzersDir), t.sync(searchpack.CandidateDir)); err != nil {
		return err
	}
	return p.book.journal(id, want)
}

// renameAway hides a live file or folder. What was hidden before makes way.
func (p *placer) renameAway(t *tree, name, hidden string, have found) error {
	p.conf.mu.Lock()
	defer p.conf.mu.Unlock()
	if info, err := t.root.Lstat(hidden); err == nil && (have.folder || info.IsDir()) {
		if _, err := t.remove(hidden); err != nil {
			return err
		}
	}
	t.step("hide " + name)
	err := t.root.Rename(name, hidden)
	t.step("hidden " + name)
	return err
}

// remove deletes the hidden and the live file. A live file that is not in the journal is somebody
// else's and stays.
func (p *placer) remove(ctx context.Context, t *tree, id string) error {
	name := searchpack.ReferencePath(id)
	was, known := p.entryAt(id, "")
	have, err := p.look(ctx, t, name)
	if err != nil {
		return err
	}
	if have.exists && !known {
		return fmt.Errorf("%s was not placed by Searchpack, so it is not removed: remove it by hand", name)
	}
	if err := foreignFolder(name, have, was); err != nil {
		return err
	}
	for _, n := range []string{name, searchpack.HiddenPath(id)} {
		p.conf.mu.Lock()
		was, err := t.remove(n)
		p.conf.mu.Unlock()
		if err == nil && was {
			err = t.sync(path.Dir(n))
			p.log.Info("removed", "package", id, "file", n)
		}
		if err != nil {
			return err
		}
	}
	if known {
		return p.book.forget(id)
	}
	return nil
}

// unlisted reports files that the order does not name: they are left as they are. Those that are
// gone altogether are forgotten.
func (p *placer) unlisted(ctx context.Context, t *tree, o *searchpack.Order, out *outcome) {
	listed := map[string]bool{}
	for _, f := range o.Files {
		listed[f.PackageID] = true
	}
	for id, e := range p.book.entries() {
		if listed[id] {
			continue
		}
		r, err := p.report(ctx, t, id, e.Path, e.State)
		if err == nil && r.Digest == "" && r.Size == 0 && !p.exists(t, id, e.Path) {
			err = p.book.forget(id)
			if err == nil {
				continue
			}
		}
		if err != nil {
			r.Error = explain(err)
		}
		out.files = append(out.files, r)
	}
	slices.SortFunc(out.files, func(a, b searchpack.FileReport) int { return strings.Compare(a.PackageID, b.PackageID) })
}

func (p *placer) exists(t *tree, id, adopted string) bool {
	for _, n := range []string{searchpack.FilePath(id, adopted), searchpack.HiddenPath(id)} {
		if _, err := t.root.Lstat(n); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}
