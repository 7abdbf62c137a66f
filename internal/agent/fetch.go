package agent

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// fetcher gets bytes: candidates into analyzers/.searchpack, and into the local store whatever is
// live, so that it can be mended without the server.
type fetcher struct {
	conf    *configDir
	folders *folders
	store   *localStore
	book    *book
	src     func() blobSource // nil while there is no server to ask
	rang    func()            // something has changed that the placer or a report should see

	busy sync.Map // digest -> *sync.Mutex: one download of a blob at a time

	mu    sync.Mutex
	state map[searchpack.Digest]*progress
	wants map[searchpack.Digest]string // live bytes that are not here, and why
}

// progress is how far a blob has come.
type progress struct {
	ready   bool
	fetched int64
	err     string
}

func newFetcher(k *folders, conf *configDir, store *localStore, b *book, src func() blobSource, rang func()) *fetcher {
	return &fetcher{folders: k, conf: conf, store: store, book: b, src: src, rang: rang, state: map[searchpack.Digest]*progress{}}
}

// candidates brings every ordered candidate to its place. It returns false if some are not there.
func (f *fetcher) candidates(ctx context.Context) bool {
	o := f.book.order()
	f.only(o)
	done := true
	for _, c := range o.Candidates {
		if c.Plugin || c.Later {
			continue // the pluginer's; the worker's
		}
		err := f.candidate(ctx, c)
		if ctx.Err() != nil {
			return false
		}
		f.note(c.Digest, err)
		done = done && err == nil
	}
	return done
}

// only forgets the progress of what is no longer ordered.
func (f *fetcher) only(o *searchpack.Order) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for d := range f.state {
		if !slices.ContainsFunc(o.Candidates, func(c searchpack.Candidate) bool { return c.Digest == d }) {
			delete(f.state, d)
		}
	}
}

func (f *fetcher) note(d searchpack.Digest, err error) {
	f.mu.Lock()
	p := f.at(d)
	was := *p
	p.ready = err == nil
	p.err = ""
	if err != nil {
		p.err = explain(err)
	}
	changed := p.ready != was.ready || p.err != was.err
	f.mu.Unlock()
	if changed {
		f.rang()
	}
}

// at returns the progress of a blob; f.mu is held.
func (f *fetcher) at(d searchpack.Digest) *progress {
	p := f.state[d]
	if p == nil {
		p = &progress{}
		f.state[d] = p
	}
	return p
}

// candidate makes one candidate ready: fetched, verified, and a verified copy of it in place.
func (f *fetcher) candidate(ctx context.Context, c searchpack.Candidate) error {
	t, err := f.conf.open()
	if err != nil {
		return err
	}
	defer t.close()
	name := searchpack.CandidatePath(c.Digest)
	have, err := f.conf.look(ctx, t, name, time.Time{})
	if err == nil && f.folders.is(have, c.Digest, c.Tree) {
		f.count(c.Digest, c.Size)
		return nil
	}
	if err := f.blob(ctx, c.Digest, c.Size, func(n int64) { f.count(c.Digest, n) }); err != nil {
		return err
	}
	if _, err := f.conf.prepare(ctx, t, false); err != nil {
		return err
	}
	file, _, _, err := f.conf.rights(t)
	if err != nil {
		return err
	}
	if c.Tree {
		id, err := f.conf.unpack(ctx, t, f.store, name+".tmp", c.Digest, c.Size)
		if err != nil {
			return err
		}
		f.folders.add(id)
		return f.show(ctx, t, name, c)
	}
	if err := t.create(name+".tmp", file, func(w io.Writer) error { return f.store.copyTo(ctx, w, c.Digest, c.Size) }); err != nil {
		_, dropErr := t.remove(name + ".tmp")
		return errors.Join(err, dropErr)
	}
	return f.show(ctx, t, name, c)
}

// show gives a verified candidate its name, unless the order has dropped it meanwhile.
func (f *fetcher) show(ctx context.Context, t *tree, name string, c searchpack.Candidate) error {
	f.conf.mu.Lock()
	defer f.conf.mu.Unlock()
	if !slices.ContainsFunc(f.book.order().Candidates, func(o searchpack.Candidate) bool { return o.Digest == c.Digest }) {
		_, err := t.remove(name + ".tmp")
		return err
	}
	if info, err := t.root.Lstat(name); err == nil && (c.Tree || info.IsDir()) { // a damaged one: nothing renames over folders
		if _, err := t.remove(name); err != nil {
			return err
		}
	}
	t.step("rename " + name)
	if err := t.root.Rename(name+".tmp", name); err != nil {
		return err
	}
	t.step("renamed " + name)
	if err := t.sync(searchpack.CandidateDir); err != nil {
		return err
	}
	// Read back what lies there now: what is called ready is what OpenSearch will read.
	have, err := f.conf.look(ctx, t, name, time.Time{})
	if err == nil && !f.folders.is(have, c.Digest, c.Tree) {
		err = errDigest
	}
	if err == nil {
		f.rang()
	}
	return err
}

func (f *fetcher) count(d searchpack.Digest, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at(d).fetched = n
}

// live gets the bytes of every live file into the local store. It returns false if some are not
// there.
func (f *fetcher) live(ctx context.Context, o *searchpack.Order) (done bool, err error) {
	wants := map[searchpack.Digest]string{}
	defer func() {
		f.mu.Lock()
		f.wants = wants
		f.mu.Unlock()
	}()
	done = true
	for _, x := range o.Files {
		if x.State != searchpack.FileLive || f.store.has(x.Digest, x.Size) {
			continue
		}
		if one := f.blob(ctx, x.Digest, x.Size, func(int64) {}); one != nil {
			done, err = false, errors.Join(err, one)
			wants[x.Digest] = explain(one)
		} else {
			f.rang()
		}
	}
	return done, err
}

// why says why a live file's bytes are not here; "" if they are, or are on their way.
func (f *fetcher) why(d searchpack.Digest) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wants[d]
}

// errNoServer: there is nobody to fetch from.
var errNoServer = errors.New("the bytes are not on this node, and the server cannot be asked")

// blob gets one blob into the local store.
func (f *fetcher) blob(ctx context.Context, d searchpack.Digest, size int64, tell func(int64)) error {
	m, _ := f.busy.LoadOrStore(d, &sync.Mutex{})
	m.(*sync.Mutex).Lock()
	defer m.(*sync.Mutex).Unlock()
	if f.store.has(d, size) {
		tell(size)
		return nil
	}
	src := f.src()
	if src == nil {
		return errNoServer
	}
	return f.store.fetch(ctx, src, d, size, tell)
}

// tidy removes from the local store what neither the order nor the journal needs.
func (f *fetcher) tidy() error {
	need := map[searchpack.Digest]bool{}
	o := f.book.order()
	if o.Generation == 0 {
		return nil // nothing is known: the state was lost, and these bytes may be all there is
	}
	for _, x := range o.Files {
		need[x.Digest] = true
	}
	for _, c := range o.Candidates {
		need[c.Digest] = true
	}
	for _, x := range slices.Concat(o.Plugins, o.Alternatives) {
		need[x.Digest] = true
	}
	for _, e := range f.book.entries() {
		need[e.Digest], need[e.Former] = true, true
	}
	return f.store.keepOnly(need)
}

// reports says how far the ordered candidates have come.
func (f *fetcher) reports(o *searchpack.Order) []searchpack.CandidateReport {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []searchpack.CandidateReport
	for _, c := range o.Candidates {
		if c.Later {
			continue
		}
		r := searchpack.CandidateReport{Digest: c.Digest}
		if p := f.state[c.Digest]; p != nil {
			r.Ready, r.Fetched, r.Error = p.ready, p.fetched, p.err
		}
		out = append(out, r)
	}
	return out
}
