//go:build unix

package plugindir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// The names in the state folder.
const (
	recordName = "record.json"
	stagedName = "staged" // <digest of the zip>/tree, bin, config and plugin.json
	formerName = "former" // <folder>/plugin and bin, until Forget
	trashName  = "trash"  // what nobody needs, until it is removed
)

const (
	schema = 1
	// maxRecord bounds the record, in bytes: some 150 for each file of each plugin.
	maxRecord = 64 << 20
	// maxNames bounds what is listed of one folder: a node has some dozens of plugins.
	maxNames = 10_000
)

// Placed is a plugin that Searchpack placed, or found as it would have placed it.
type Placed struct {
	Name   string `json:"name"`   // as its descriptor says
	Folder string `json:"folder"` // below plugins/, bin/ and config/
	// Part: it is a license or configuration of the plugin, and Tree lies in config/<folder>.
	Part searchpack.PluginPart `json:"part,omitempty"`
	Zip  searchpack.Digest     `json:"zip"`
	Size int64                 `json:"size"` // of the zip, in bytes
	// At is when it was placed, by the node's clock: an OpenSearch that was started before does not have
	// it loaded.
	At time.Time `json:"at,omitzero"`
	// Adopted: somebody else put it there.
	Adopted bool `json:"adopted,omitempty"`
	// Tree is what lies in plugins/<folder>, Bin in bin/<folder>; paths below that.
	Tree []searchpack.ManifestEntry `json:"tree"`
	Bin  []searchpack.ManifestEntry `json:"bin,omitempty"`
	// Base are the files that were in a part's places before and are not ours: path -> number in keptName.
	// Made are the folders that were made for it, below config/<folder>.
	Base map[string]string `json:"base,omitempty"`
	Made []string          `json:"made,omitempty"`
}

// Former is what a folder was before it was changed. It is kept until Forget.
type Former struct {
	// Plugin is what Searchpack had placed; nil = there was none.
	Plugin *Placed `json:"plugin,omitempty"`
	// Tree and Bin say which folders are kept.
	Tree bool `json:"tree,omitempty"`
	Bin  bool `json:"bin,omitempty"`
	// Files of a license or configuration that are kept: path -> number in keptName.
	Files map[string]string `json:"files,omitempty"`
}

// record is what a Dir remembers, and its journal: one file, replaced as a whole.
type record struct {
	Schema int                `json:"schema"`
	Placed map[string]*Placed `json:"placed"` // by Key
	Former map[string]*Former `json:"former"` // by Key
	// Kept and Number are the last name that was given to a file in keptName.
	Kept   string `json:"kept,omitempty"`
	Number int64  `json:"number,omitempty"`
	// Change is under way: it stands there before the first folder is renamed, and goes away with the
	// write that makes its effects known. nil = none.
	Change *change `json:"change,omitempty"`
}

// change is what was begun.
type change struct {
	Moves []move `json:"moves"`
	// Config are the plugins whose folders in config/ may hold a file that was not finished.
	Config []string `json:"config,omitempty"`
}

// move puts a folder from the state folder under a final name, and what lay there into the state
// folder, in this order: Out, then In.
type move struct {
	At  place `json:"at"`
	In  place `json:"in,omitzero"`  // zero = nothing takes the name
	Out place `json:"out,omitzero"` // zero = nothing had the name
}

func (r *record) clone() *record {
	c := *r
	c.Placed, c.Former = maps.Clone(r.Placed), maps.Clone(r.Former)
	return &c
}

// load reads the record. There is none before the first change.
func (d *Dir) load() (*record, error) {
	b, err := d.read(state(recordName), maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return d.fresh()
	}
	if err != nil {
		return nil, explain("the record in the state folder "+d.state, err)
	}
	var r record
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if err := in.Decode(&r); err != nil || r.Schema != schema || in.More() {
		return nil, searchpack.Errorf(searchpack.ErrConflict,
			"%s/%s cannot be read (schema %d): a newer Searchpack wrote it, or it is damaged; nothing is changed. To begin anew, make sure that plugins/ is as it should be and move the state folder away", d.state, recordName, r.Schema)
	}
	if err := r.check(); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrConflict, "%s/%s is damaged: %w; make sure that plugins/ is as it should be and move the state folder away", d.state, recordName, err)
	}
	if r.Placed == nil {
		r.Placed = map[string]*Placed{}
	}
	if r.Former == nil {
		r.Former = map[string]*Former{}
	}
	return &r, nil
}

// fresh is the record of a state folder without one. It was written before anything was kept there.
func (d *Dir) fresh() (*record, error) {
	kept, err := d.names(state(formerName), maxNames)
	if err != nil {
		return nil, explain("the state folder "+d.state, err)
	}
	if len(kept) > 0 {
		return nil, searchpack.Errorf(searchpack.ErrConflict,
			"%s holds former plugins (%q) and no %s, which says what they are: put that back, or make sure that plugins/ is as it should be and move the state folder away", d.state, kept, recordName)
	}
	return &record{Schema: schema, Placed: map[string]*Placed{}, Former: map[string]*Former{}}, nil
}

// check refuses names that would lead elsewhere.
func (r *record) check() error {
	for _, folder := range slices.Concat(slices.Collect(maps.Keys(r.Placed)), slices.Collect(maps.Keys(r.Former))) {
		if err := checkKey(folder); err != nil {
			return err
		}
	}
	for folder, p := range r.Placed {
		if p == nil || p.Key() != folder {
			return fmt.Errorf("what is placed in %q is of another folder", folder)
		}
		if err := p.check(); err != nil {
			return err
		}
	}
	for folder, f := range r.Former {
		if f == nil {
			return fmt.Errorf("what was in %q is not said", folder)
		}
		if f.Plugin != nil && f.Plugin.Key() != folder {
			return fmt.Errorf("what was in %q is of another folder", folder)
		}
		if err := errors.Join(f.Plugin.check(), checkNumbers(f.Files)); err != nil {
			return err
		}
	}
	if r.Change == nil {
		return nil
	}
	for _, m := range r.Change.Moves {
		if !m.known() {
			return fmt.Errorf("a move from %s over %s to %s", m.In, m.At, m.Out)
		}
	}
	for _, folder := range r.Change.Config {
		if err := checkFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// check refuses paths that lead out of the plugin's folders, and names that are no numbers of files kept.
func (p *Placed) check() error {
	if p == nil {
		return nil
	}
	for _, e := range slices.Concat(p.Tree, p.Bin) {
		if !fs.ValidPath(e.Path) || e.Path == "." {
			return fmt.Errorf("the plugin %.100q has the file %.200q", p.Name, e.Path)
		}
	}
	for _, dir := range p.Made {
		if !fs.ValidPath(dir) {
			return fmt.Errorf("for the plugin %.100q the folder %.200q was made", p.Name, dir)
		}
	}
	return checkNumbers(p.Base)
}

func checkNumbers(kept map[string]string) error {
	for name, number := range kept {
		if !fs.ValidPath(name) || !fs.ValidPath(number) || number == "." || strings.Contains(number, "/") {
			return fmt.Errorf("the file %.200q is kept as %.200q", name, number)
		}
	}
	return nil
}

// known: the move is one that is planned here.
func (m move) known() bool {
	at, aside := checkFolder(m.At.Name) == nil && (m.At.In == inPlugins || m.At.In == inBin), place{inState, ""}
	if m.At.In == inConfig {
		folder, _, below := strings.Cut(m.At.Name, "/")
		at, aside = below && checkFolder(folder) == nil && fs.ValidPath(m.At.Name), place{inConfig, keptName + "/"}
	}
	for _, p := range []place{m.In, m.Out} {
		at = at && (p == place{} || p.In == aside.In && fs.ValidPath(p.Name) && strings.HasPrefix(p.Name, aside.Name))
	}
	return at
}

// save replaces the record, durably.
func (d *Dir) save(r *record) error {
	err := d.prepare(recordName+".tmp", r)
	if err == nil {
		err = d.replace(state(recordName+".tmp"), state(recordName))
	}
	return explain("the record in the state folder "+d.state, err)
}

// The records with which a change ends, one way or the other. They are written before it begins, so
// that a disk that has become full meanwhile keeps no change from being ended.
const (
	afterName  = "record-after.json"
	beforeName = "record-before.json"
)

// prepare writes what may become the record, durable but for its name.
func (d *Dir) prepare(name string, r *record) error {
	b, err := json.Marshal(r)
	if err == nil && len(b) > maxRecord {
		err = fmt.Errorf("it would have %d bytes", len(b))
	}
	if err == nil {
		err = d.remove(state(name))
	}
	if err == nil {
		err = d.create(state(name), rights{mode: 0o600, uid: -1, gid: -1}, func(w io.Writer) error { _, err := w.Write(b); return err })
	}
	return explain("the record in the state folder "+d.state, err)
}

// saveAs is save with what was prepared under the name, if that is it.
func (d *Dir) saveAs(name string, r *record) error {
	have, err := d.read(state(name), maxRecord)
	if err == nil {
		var want []byte
		if want, err = json.Marshal(r); err == nil && bytes.Equal(have, want) {
			return explain("the record in the state folder "+d.state, d.replace(state(name), state(recordName)))
		}
	}
	return d.save(r)
}
