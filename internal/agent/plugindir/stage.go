//go:build unix

package plugindir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/inspect/archive"
	"github.com/searchpack/searchpack/internal/inspect/rule"
)

// maxUnpacked is what a plugin's files may have together, in bytes: what a server takes at most.
const maxUnpacked = 1 << 30

// Plugin is what is to be staged. Name and Folder are what the inspection of the zip gave
// (plugin.Facts).
//
// A license or configuration is for the plugin of that name and folder. A license is no zip but the bytes
// of one file, for the Path below config/<folder>.
type Plugin struct {
	Name     string
	Folder   string
	Part     searchpack.PluginPart
	Path     string
	Zip      searchpack.Digest
	Size     int64                      // of the zip, in bytes
	Manifest []searchpack.ManifestEntry // of all files in the zip
}

// staged is plugin.json of a staged plugin.
type staged struct {
	Schema int `json:"schema"`
	Placed
	Config []searchpack.ManifestEntry `json:"config,omitempty"`
}

const (
	stagedFile = "plugin.json"
	treePart   = "tree"
	binPart    = "bin"
	configPart = "config"
)

func stagedAt(d searchpack.Digest) place { return state(stagedName, string(d)) }

// Stage unpacks a plugin into the state folder, durably; plugins/ is not touched, so the node may run.
// The zip must have the digest, and its files must be those of the manifest: else nothing is left
// behind. Staging what is staged is fine. What was cut off is undone first, for which the node must be
// stopped.
func (d *Dir) Stage(ctx context.Context, p Plugin, zip io.ReaderAt) error {
	if _, err := searchpack.ParseDigest(string(p.Zip)); err != nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "the plugin %.100q: %w", p.Name, err)
	}
	if err := checkFolder(p.Folder); err != nil {
		return err
	}
	s := staged{Schema: schema, Placed: Placed{Name: p.Name, Folder: p.Folder, Part: p.Part, Zip: p.Zip, Size: p.Size}}
	if err := checkKey(s.Key()); err != nil {
		return err
	}
	var err error
	if p.Part == searchpack.PartPlugin {
		s.Tree, s.Bin, s.Config, err = parts(p.Manifest)
	} else {
		s.Tree, err = partFiles(p)
	}
	if err != nil {
		return err
	}
	id := s.ID()
	// A change that was cut off needs what is staged as it was left.
	if _, err := d.begin(ctx); err != nil {
		return err
	}
	if drift, err := d.stagedDrift(ctx, id); err == nil && len(drift) == 0 {
		return nil
	}
	at, tmp := stagedAt(id), stagedAt(id+".tmp")
	err = errors.Join(d.remove(at), d.remove(tmp))
	if err == nil {
		err = d.unpack(ctx, tmp, s, p, zip)
	}
	if err == nil {
		err = d.move(tmp, at)
	}
	if err != nil {
		err = explain(fmt.Sprintf("unpack the plugin %s beside plugins/", p.Name), err)
		return errors.Join(err, d.remove(tmp))
	}
	d.log.Info("staged a plugin", "plugin", p.Name, "part", p.Part, "digest", p.Zip.Short())
	return nil
}

// Unstage drops everything staged but those ids of keep.
func (d *Dir) Unstage(ctx context.Context, keep ...searchpack.Digest) error {
	if _, err := d.begin(ctx); err != nil {
		return err
	}
	names, err := d.names(state(stagedName), maxNames)
	if err != nil {
		return explain("the state folder "+d.state, err)
	}
	for _, name := range names {
		if !slices.Contains(keep, searchpack.Digest(name)) {
			err = errors.Join(err, d.remove(state(stagedName, name)))
		}
	}
	return explain("the state folder "+d.state, err)
}

// Staged lists the ids of what lies ready to be placed.
func (d *Dir) Staged() ([]searchpack.Digest, error) {
	names, err := d.names(state(stagedName), maxNames)
	if err != nil {
		return nil, explain("the state folder "+d.state, err)
	}
	var out []searchpack.Digest
	for _, name := range names {
		if _, err := searchpack.ParseDigest(name); err != nil {
			continue
		}
		if _, err := d.readStaged(searchpack.Digest(name)); err == nil {
			out = append(out, searchpack.Digest(name))
		}
	}
	return out, nil
}

// readStaged says what is staged; fs.ErrNotExist: nothing of that id.
func (d *Dir) readStaged(zip searchpack.Digest) (*staged, error) {
	b, err := d.read(stagedAt(zip).join(stagedFile), maxRecord)
	if err != nil {
		return nil, err
	}
	var s staged
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if err := in.Decode(&s); err != nil || s.Schema != schema || s.ID() != zip || checkKey(s.Key()) != nil || s.check() != nil || (&Placed{Tree: s.Config}).check() != nil {
		return nil, fmt.Errorf("%s cannot be read: a newer Searchpack wrote it, or it is damaged", stagedAt(zip).join(stagedFile))
	}
	return &s, nil
}

// stagedDrift says what is not as it was staged; an error if nothing is.
func (d *Dir) stagedDrift(ctx context.Context, zip searchpack.Digest) ([]Drift, error) {
	s, err := d.readStaged(zip)
	if err != nil {
		return nil, err
	}
	var all []Drift
	for _, part := range s.stagedParts() {
		if len(part.files) == 0 {
			continue
		}
		drift, err := d.compare(ctx, stagedAt(zip).join(part.name), part.files, part.mode)
		if err != nil {
			return nil, err
		}
		all = append(all, drift...)
	}
	return all, nil
}

type stagedPart struct {
	name  string
	files []searchpack.ManifestEntry
	mode  func(string) fs.FileMode
}

func (s *staged) stagedParts() []stagedPart {
	none := func(string) fs.FileMode { return 0 } // those in config/ are for their owner's group
	return []stagedPart{{treePart, s.Tree, treeMode}, {binPart, s.Bin, binMode}, {configPart, s.Config, none}}
}

// unpack verifies the zip and writes its files.
func (d *Dir) unpack(ctx context.Context, tmp place, s staged, p Plugin, zip io.ReaderAt) error {
	digest, err := digestOf(ctx, io.NewSectionReader(zip, 0, p.Size))
	if err != nil {
		return err
	}
	if digest != p.Zip {
		return searchpack.Errorf(searchpack.ErrInvalid, "the zip of the plugin %s has the digest %s, and should have %s", p.Name, digest.Short(), p.Zip.Short())
	}
	if p.Part == searchpack.PartLicense {
		return d.unpackLicense(ctx, tmp, s, p, zip)
	}
	var faults rule.Tally
	a, err := archive.Open(zip, p.Size, archive.Limits{Unpacked: maxUnpacked}, &faults)
	if err != nil {
		return err
	}
	if a == nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "the zip of the plugin %s is not taken: %s", p.Name, faults.Findings()[0].Message)
	}
	u, err := d.unpacker(ctx, tmp, p.Manifest)
	if err != nil {
		return err
	}
	u.flat = p.Part != searchpack.PartPlugin
	if err := a.Walk(u.file); err != nil {
		return err
	}
	if len(u.left) > 0 {
		return searchpack.Errorf(searchpack.ErrInvalid, "the zip of the plugin %s lacks %d files of its manifest", p.Name, len(u.left))
	}
	return d.endStaging(tmp, s, u)
}

// unpackLicense writes the one file of a license, whose digest is proven.
func (d *Dir) unpackLicense(ctx context.Context, tmp place, s staged, p Plugin, file io.ReaderAt) error {
	u, err := d.unpacker(ctx, tmp, s.Tree)
	if err != nil {
		return err
	}
	u.flat = true
	if err := u.file(archive.Entry{Path: p.Path, Size: p.Size}, io.NewSectionReader(file, 0, p.Size)); err != nil {
		return err
	}
	return d.endStaging(tmp, s, u)
}

// endStaging writes what was unpacked, and makes it durable but for its name.
func (d *Dir) endStaging(tmp place, s staged, u *unpacker) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = d.create(tmp.join(stagedFile), rights{mode: 0o600, uid: -1, gid: -1}, func(w io.Writer) error { _, err := w.Write(b); return err })
	for _, dir := range slices.Backward(u.made) {
		if err == nil {
			err = d.syncDir(dir)
		}
	}
	return err
}

// unpacker writes files of a zip that are in a manifest.
type unpacker struct {
	d      *Dir
	ctx    context.Context
	at     place
	left   map[string]searchpack.ManifestEntry // not written yet
	rights map[string]rights                   // of the folders of parts, by part
	made   []place                             // folders, the outer ones first
	has    map[place]bool
	flat   bool // bin/ and config/ are folders like others
}

func (d *Dir) unpacker(ctx context.Context, at place, manifest []searchpack.ManifestEntry) (*unpacker, error) {
	u := &unpacker{d: d, ctx: ctx, at: at, left: map[string]searchpack.ManifestEntry{}, rights: map[string]rights{}, has: map[place]bool{}}
	for _, e := range manifest {
		u.left[e.Path] = e
	}
	for part, in := range map[string]area{treePart: inPlugins, binPart: inBin, configPart: inConfig} {
		uid, gid, err := d.owner(in)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		u.rights[part] = rights{uid: uid, gid: gid}
	}
	return u, u.folder(at, ours)
}

// owner is whose plugins are: that of the plugins that are there, if all belong to one, else that of
// the folder. OpenSearch's installer leaves them to whoever runs it.
func (d *Dir) owner(a area) (uid, gid int, err error) {
	info, err := d.lstat(place{a, "."})
	if err != nil {
		return -1, -1, err
	}
	uid, gid = ownerOf(info)
	if a != inPlugins {
		return uid, gid, nil
	}
	names, err := d.names(place{a, "."}, maxNames)
	if err != nil {
		return -1, -1, err
	}
	seen := map[[2]int]bool{}
	for _, name := range names {
		if info, err := d.lstat(place{a, name}); err == nil && info.IsDir() {
			u, g := ownerOf(info)
			seen[[2]int{u, g}] = true
		}
	}
	if len(seen) == 1 {
		for o := range seen {
			uid, gid = o[0], o[1]
		}
	}
	return uid, gid, nil
}

// folder makes a folder once.
func (u *unpacker) folder(at place, r rights) error {
	if u.has[at] {
		return nil
	}
	u.has[at] = true
	u.made = append(u.made, at)
	return u.d.mkdir(at, r)
}

// file writes one file of the zip, if it is as the manifest says.
func (u *unpacker) file(e archive.Entry, r io.Reader) error {
	want, known := u.left[e.Path]
	if !known || want.Size != e.Size {
		return searchpack.Errorf(searchpack.ErrInvalid, "the file %s of the zip is not in the manifest, or has another size there", rule.Shown([]byte(e.Path)))
	}
	delete(u.left, e.Path)
	part, name, mode := treePart, e.Path, treeMode(e.Path)
	if u.flat {
		part = treePart
	} else if rest, ok := strings.CutPrefix(e.Path, "bin/"); ok {
		part, name, mode = binPart, rest, scriptMode
	} else if rest, ok := strings.CutPrefix(e.Path, "config/"); ok {
		part, name, mode = configPart, rest, configMode
	}
	own := u.rights[part]
	at, dir := u.at.join(part), rights{dirMode, own.uid, own.gid}
	if err := u.folder(at, dir); err != nil {
		return err
	}
	elements := strings.Split(path.Dir(name), "/")
	for i := range elements {
		if elements[0] == "." {
			break
		}
		if err := u.folder(at.join(path.Join(elements[:i+1]...)), dir); err != nil {
			return err
		}
	}
	var digest searchpack.Digest
	err := u.d.create(at.join(name), rights{mode, own.uid, own.gid}, func(w io.Writer) (err error) {
		digest, err = digestOf(u.ctx, io.TeeReader(r, w))
		return err
	})
	if err == nil && digest != want.Digest {
		err = searchpack.Errorf(searchpack.ErrInvalid, "the file %s of the zip has other bytes than the manifest says", rule.Shown([]byte(e.Path)))
	}
	return err
}
