package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// placed is what the agent did with a package's file, written before it is done. An agent that is
// killed in between finds Pending set and does it again.
type placed struct {
	State   searchpack.FileState `json:"state"`
	Digest  searchpack.Digest    `json:"digest,omitempty"` // when live
	Size    int64                `json:"size,omitempty"`
	Former  searchpack.Digest    `json:"former,omitempty"` // what was live before; kept for the way back
	Pending bool                 `json:"pending,omitempty"`
	// Path of an adopted file; "" = where packages' files lie. Rights that the file had when it was
	// adopted or last replaced: it keeps them.
	Path   string     `json:"path,omitempty"`
	Rights fileRights `json:"rights,omitzero"`
	// Folder is what the agent put there last, if that was a folder; also while it is hidden.
	Folder folderID `json:"folder,omitzero"`
}

// record is state.json.
type record struct {
	Schema    int                   `json:"schema"` // 1, schemaPaths or schemaParts
	Epoch     int64                 `json:"epoch"`
	Order     searchpack.Order      `json:"order"`
	Placed    map[string]placed     `json:"placed"` // by package id
	Incidents []searchpack.Incident `json:"incidents,omitempty"`
	Restart   *restart              `json:"restart,omitempty"`
	// Started is the OpenSearch that came up after plugins/ became what it is, by a restart of ours,
	// whatever the clock says.
	Started string `json:"started,omitempty"`
	// Failed are the zips with which the node did not start, and why: they are not placed again while an
	// order names them.
	Failed map[searchpack.Digest]string `json:"failed,omitempty"`
	// Names are, of the plugins that were ordered or lie there, the packages that they belong to: a package
	// whose next version has another name leaves no second folder.
	Names map[string]string `json:"names,omitempty"`
}

// schemaPaths is the schema of a record with adopted files: an agent that knows of none must not read
// it, because it would take them for files under analyzers/.
const schemaPaths = 2

// schemaParts is the schema of one whose order names parts of plugins, which such an agent would take for
// the plugins themselves.
const schemaParts = 3

// maxKept bounds the incidents that wait for the server; the oldest healed ones go first.
const maxKept = 100

// book is the agent's memory: the last order, the journal of placed files, incidents that the
// server does not have. Every change is on disk before the call returns. It is safe for concurrent
// use.
type book struct {
	tree *tree
	mu   sync.Mutex
	rec  record
	// inHand is held while the cluster's settings are changed by the order that is kept: a report that
	// shows a later order says that no such change can still come.
	inHand sync.Mutex
}

// openBook reads state.json. A damaged one (a disk's fault: it is written whole or not at all) is
// put aside and the order is asked for again; damaged is then its new name.
func openBook(t *tree, now time.Time) (b *book, damaged string, err error) {
	b = &book{tree: t}
	b.rec, err = readRecord(t)
	var bad *json.SyntaxError
	if errors.As(err, &bad) {
		damaged = fmt.Sprintf("%s.damaged-%d", stateName, now.Unix())
		if err := t.root.Rename(stateName, damaged); err != nil {
			return nil, "", fmt.Errorf("put the damaged %s aside: %w", stateName, err)
		}
		b.rec, err = readRecord(t)
	}
	return b, damaged, err
}

func readRecord(t *tree) (record, error) {
	rec := record{Schema: 1, Placed: map[string]placed{}}
	raw, err := t.read(stateName, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return rec, nil
	}
	if err != nil {
		return rec, fmt.Errorf("the agent's state: %w", err)
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, fmt.Errorf("%s: %w", stateName, err)
	}
	if rec.Schema < 1 || rec.Schema > schemaParts {
		return rec, fmt.Errorf("%s has schema %d, this agent reads 1 to 3: it was written by a newer agent; upgrade this one", stateName, rec.Schema)
	}
	if rec.Placed == nil {
		rec.Placed = map[string]placed{}
	}
	return rec, nil
}

// change applies f to a copy and keeps it only when it is on disk.
func (b *book) change(f func(*record)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.rec
	next.Placed = maps.Clone(b.rec.Placed)
	next.Failed = maps.Clone(b.rec.Failed)
	next.Names = maps.Clone(b.rec.Names)
	next.Incidents = slices.Clone(b.rec.Incidents)
	f(&next)
	next.Schema = next.schema()
	raw, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encode the agent's state: %w", err)
	}
	if err := b.tree.writeBytes(stateName, raw); err != nil {
		return err
	}
	b.rec = next
	return nil
}

// schema is the lowest that tells all that is in the record.
func (r *record) schema() int {
	if r.Order.Schema == searchpack.OrderSchemaParts {
		return schemaParts
	}
	if r.Order.Schema == searchpack.OrderSchemaPaths {
		return schemaPaths
	}
	for _, p := range r.Placed {
		if p.Path != "" {
			return schemaPaths
		}
	}
	return 1
}

// newEpoch begins a run of the agent. Epochs grow even when the state folder was lost.
func (b *book) newEpoch(now time.Time) (int64, error) {
	err := b.change(func(r *record) { r.Epoch = max(r.Epoch+1, now.UnixMicro()) })
	return b.rec.Epoch, err
}

// order returns the last order taken in. It is not to be changed.
func (b *book) order() *searchpack.Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.rec.Order
	return &o
}

// takeIn keeps an order. It waits for what the former one has in hand and that must not come after it.
func (b *book) takeIn(o *searchpack.Order) error {
	b.inHand.Lock()
	defer b.inHand.Unlock()
	return b.change(func(r *record) {
		r.Names = r.names() // of the former order
		r.Order = *o
		r.Names = r.names()
	})
}

// names are the packages of the plugins by name, with those of the order.
func (r *record) names() map[string]string {
	out := maps.Clone(r.Names)
	for _, x := range r.Order.Plugins {
		if x.State == searchpack.PluginInstalled && x.Part == searchpack.PartPlugin {
			if out == nil {
				out = map[string]string{}
			}
			out[x.Name] = x.PackageID
		}
	}
	return out
}

func (b *book) names() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rec.names()
}

// keepNames forgets the names of plugins that neither lie there nor are ordered.
func (b *book) keepNames(lies func(name string) bool) error {
	ordered := b.order().Plugins
	gone := func(name, _ string) bool {
		return !lies(name) && !slices.ContainsFunc(ordered, func(x searchpack.PluginOrder) bool { return x.Name == name })
	}
	names := b.names()
	before := len(names)
	if maps.DeleteFunc(names, gone); len(names) == before {
		return nil
	}
	return b.change(func(r *record) { maps.DeleteFunc(r.Names, gone) })
}

// entry returns what the journal says of a package's file.
func (b *book) entry(packageID string) (placed, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.rec.Placed[packageID]
	return p, ok
}

// placed reports whether the package's file is one that Searchpack put there, or has adopted.
func (b *book) placed(packageID string) bool {
	e, known := b.entry(packageID)
	return known && e.State == searchpack.FileLive && !e.Pending
}

// ours reports whether what lies at a path is a package's file that Searchpack put there, or adopted.
func (b *book) ours(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, e := range b.rec.Placed {
		if searchpack.FilePath(id, e.Path) == name {
			return e.State == searchpack.FileLive && !e.Pending
		}
	}
	return false
}

// adopted is the path of the package's file if the order, else the journal, has it adopted; "" if not.
func (b *book) adopted(packageID string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.rec.Order.Files {
		if f.PackageID == packageID {
			return f.Path
		}
	}
	return b.rec.Placed[packageID].Path
}

// entries returns the whole journal.
func (b *book) entries() map[string]placed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.rec.Placed)
}

func (b *book) journal(packageID string, p placed) error {
	return b.change(func(r *record) { r.Placed[packageID] = p })
}

func (b *book) forget(packageID string) error {
	return b.change(func(r *record) { delete(r.Placed, packageID) })
}

// incidents returns those that the server does not have, newest last.
func (b *book) incidents() []searchpack.Incident {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.rec.Incidents)
}

func (b *book) addIncident(i searchpack.Incident) error {
	return b.change(func(r *record) {
		r.Incidents = append(r.Incidents, i)
		if len(r.Incidents) > maxKept {
			at := max(0, slices.IndexFunc(r.Incidents, func(i searchpack.Incident) bool { return i.Healed }))
			r.Incidents = slices.Delete(r.Incidents, at, at+1)
		}
	})
}

// heal marks the package's open incidents. It writes only if there are any.
func (b *book) heal(packageID string, now time.Time) error {
	open := func(i searchpack.Incident) bool { return i.PackageID == packageID && !i.Healed }
	if !slices.ContainsFunc(b.incidents(), open) {
		return nil
	}
	return b.change(func(r *record) {
		for n, i := range r.Incidents {
			if open(i) {
				r.Incidents[n].Healed, r.Incidents[n].HealedAt = true, later(now, i.At)
			}
		}
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// acknowledge drops incidents that the server has as they are now; an open one stays, because its
// healing is still to be told.
func (b *book) acknowledge(sent []searchpack.Incident, known []string) error {
	var done []string
	for _, i := range sent {
		if i.Healed && slices.Contains(known, i.ID) {
			done = append(done, i.ID)
		}
	}
	if len(done) == 0 {
		return nil
	}
	return b.change(func(r *record) {
		r.Incidents = slices.DeleteFunc(r.Incidents, func(i searchpack.Incident) bool { return slices.Contains(done, i.ID) })
	})
}
