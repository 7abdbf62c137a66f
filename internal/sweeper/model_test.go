package sweeper

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/importer"
)

// games is how many are played. A version that may name what is being deleted, an import that does
// not look again and a release before the deletion each show within the first few; what takes too
// long to meet by chance has tests of its own (TestUnfinishedDeletion, TestLateRelease,
// TestDeletionIsBounded).
const games = 60

// TestNoVersionLosesItsBlob lets importers and sweeps of several servers, the real ones, meet in
// random orders, with kills between any two of their steps, requests that arrive after their sender
// has died, time-outs, lost leases, deleted packages and objects that change. After each step every
// AVAILABLE version has its blob; in the end every import has ended and nothing is left over.
func TestNoVersionLosesItsBlob(t *testing.T) {
	t.Parallel()
	total := map[string]int{}
	for seed := range uint64(games) {
		play(t, seed, total)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%v", total)
	for _, what := range []string{"step", "kill", "import", "sweep", "late delete", "timeout", "refused", "deleted", "available"} {
		if total[what] == 0 {
			t.Errorf("no game had a %s: it shows nothing", what)
		}
	}
}

// game is a world whose actors move one at a time, when the game says so.
type game struct {
	*world
	rng      *rand.Rand
	actors   []*actor
	flying   []*flight  // deletions that were sent and have no answer yet
	timeouts []*timeout // of deletions
	packages int
	total    map[string]int
}

// actor is a goroutine of a server. Before each step it waits.
type actor struct {
	parked chan struct{}
	resume chan bool // false: die
	ended  chan struct{}
	// stopped is how often it is passed over, as a process that the system has stopped.
	stopped int
}

type flight struct {
	digest searchpack.Digest
	until  time.Time // the network keeps nothing longer
	landed bool
}

type timeout struct {
	at     time.Time
	cancel context.CancelCauseFunc
}

func play(t *testing.T, seed uint64, total map[string]int) {
	dir, err := os.MkdirTemp("", "sweeper")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, dir, Options{})
	defer func() {
		_ = w.Close()
		_ = os.RemoveAll(dir)
	}()
	g := &game{world: w, rng: rand.New(rand.NewPCG(seed, 1)), total: total}
	for _, text := range texts { // blobs whose day is over, so that games begin in the middle
		d := g.write(text)
		g.update(func(ctx context.Context, tx searchpack.Tx) error {
			return tx.PutDoom(ctx, searchpack.Doom{Digest: d, Since: begin.Add(-doomedFor)})
		})
	}
	for range 100 {
		g.move()
		g.check()
	}
	for len(g.actors) > 0 {
		g.kill(g.actors[0])
	}
	g.land(func() bool { return g.rng.IntN(2) == 0 })
	g.check()
	g.settle()
}

// move makes one random move.
func (g *game) move() {
	switch n := g.rng.IntN(100); {
	case len(g.flying) > 0 && len(g.actors) > 0 && n < 25: // here it matters most
		a := g.actors[g.rng.IntN(len(g.actors))]
		if n < 8 {
			g.kill(a)
		} else {
			a.stopped = 10 + g.rng.IntN(60)
		}
		if n%2 == 0 {
			g.advance([]time.Duration{time.Minute, settleTime + time.Second}[g.rng.IntN(2)])
			g.spawn("sweep", g.sweepOnce)
		}
	case n < 8:
		g.ask()
	case n < 20:
		g.spawn("import", g.importOne)
	case n < 28:
		g.spawn("sweep", g.sweepOnce)
	case n < 33:
		g.deletePackage()
	case n < 42:
		g.advance([]time.Duration{time.Second, time.Minute, settleTime + time.Second, doomedFor, doomedFor + young}[g.rng.IntN(5)])
	case len(g.actors) == 0:
	case n < 46:
		g.total["kill"]++
		g.kill(g.actors[g.rng.IntN(len(g.actors))])
	default:
		a := g.actors[g.rng.IntN(len(g.actors))]
		if a.stopped--; a.stopped >= 0 {
			break
		}
		for range 1 + g.rng.IntN(8) { // some in a row, so that somebody gets somewhere
			if g.total["step"]++; !g.step(a) {
				break
			}
		}
	}
	g.land(func() bool { return g.rng.IntN(10) == 0 })
}

func (g *game) spawn(what string, run func(a *actor)) {
	if len(g.actors) == 6 {
		return
	}
	g.total[what]++
	a := &actor{parked: make(chan struct{}), resume: make(chan bool), ended: make(chan struct{})}
	g.actors = append(g.actors, a)
	go func() {
		defer close(a.ended)
		alive(func() {
			a.wait()
			run(a)
		})
	}()
	<-a.parked
}

// wait lets the game decide when the actor goes on, and whether.
func (a *actor) wait() {
	a.parked <- struct{}{}
	if !<-a.resume {
		panic(dead{}) // nothing more is done by this one
	}
}

type dead struct{}

// alive runs an actor's life, which may end anywhere.
func alive(run func()) {
	defer func() {
		if p := recover(); p != nil && p != (dead{}) {
			panic(p)
		}
	}()
	run()
}

func (g *game) step(a *actor) bool {
	a.resume <- true
	select {
	case <-a.parked:
		return true
	case <-a.ended:
		g.forget(a)
		return false
	}
}

func (g *game) kill(a *actor) {
	a.resume <- false
	<-a.ended
	g.forget(a)
}

func (g *game) forget(a *actor) {
	for i, other := range g.actors {
		if other == a {
			g.actors = append(g.actors[:i], g.actors[i+1:]...)
			return
		}
	}
}

// advance moves the clock; time-outs fire, and what was in flight lands or is lost.
func (g *game) advance(d time.Duration) {
	g.clock.add(d)
	now := g.clock.Now()
	for _, t := range g.timeouts {
		if !now.Before(t.at) {
			t.cancel(context.DeadlineExceeded)
		}
	}
	for _, f := range g.flying {
		if !f.landed && now.After(f.until) {
			f.landed = true
			if g.rng.IntN(2) == 0 {
				g.total["late delete"]++
				g.blobs.drop(f.digest)
			}
		}
	}
	g.check()
}

// land lets deletions that are in flight arrive.
func (g *game) land(now func() bool) {
	var still []*flight
	for _, f := range g.flying {
		if !f.landed && now() {
			g.total["late delete"]++
			f.landed = true
			g.blobs.drop(f.digest)
		}
		if !f.landed {
			still = append(still, f)
		}
	}
	g.flying = still
}

func (m *memory) drop(d searchpack.Digest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, d)
}

// ask makes a package and asks for its import.
func (g *game) ask() {
	if len(g.versions()) > 3 {
		return
	}
	g.packages++
	id := fmt.Sprint("F", g.packages)
	now := g.clock.Now()
	g.update(func(ctx context.Context, tx searchpack.Tx) error {
		p := &searchpack.Package{ID: id, Account: "000000000000", Region: "us-east-1", Name: id, Type: searchpack.TypeDictionary,
			Status: searchpack.PackageCopying, ImportID: "v-" + id, CreatedAt: now}
		if err := tx.PutPackage(ctx, p); err != nil {
			return err
		}
		err := tx.PutVersion(ctx, &searchpack.Version{ID: "v-" + id, PackageID: id, Status: searchpack.PackageCopying, CreatedAt: now,
			Source: searchpack.Source{Bucket: "b", Key: "k"}})
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, searchpack.WorkImport, "v-"+id, now)
	})
}

func (g *game) deletePackage() {
	g.update(func(ctx context.Context, tx searchpack.Tx) error {
		all, err := tx.Packages(ctx, searchpack.PackageQuery{Account: "000000000000", Region: "us-east-1"})
		if err != nil || len(all) == 0 {
			return err
		}
		return tx.DeletePackage(ctx, all[g.rng.IntN(len(all))].ID)
	})
}

// importOne claims and does an import, as a server's loop does.
func (g *game) importOne(a *actor) {
	g.work(&gatedStore{g.world, a}, &gatedBlobs{g.blobs, a, g})
}

func (g *game) work(store searchpack.Store, blobs searchpack.BlobStore) {
	ctx := context.Background()
	w, err := store.Claim(ctx, g.clock.Now(), time.Minute, "a", searchpack.WorkImport)
	if err != nil || w == nil {
		return
	}
	i := importer.New(store, blobs, objects{g.rng}, importer.Options{Now: g.clock.Now})
	res, effects, err := i.Handle(ctx, w)
	if err != nil {
		if strings.Contains(err.Error(), "just being deleted") {
			g.total["refused"]++
		}
		res, effects = searchpack.WorkResult{At: g.clock.Now(), Error: err.Error()}, nil
	}
	if err := store.Finish(ctx, g.clock.Now(), w, res, effects); err != nil && searchpack.ErrorCode(err) != searchpack.ErrConflict {
		g.Error(err)
	}
}

func (g *game) sweepOnce(a *actor) {
	s := New(&gatedStore{g.world, a}, &gatedBlobs{g.blobs, a, g}, Options{})
	s.timeout = func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		g.timeouts = append(g.timeouts, &timeout{g.clock.Now().Add(d), cancel})
		return ctx, func() { cancel(nil) }
	}
	if _, _, err := s.Handle(context.Background(), &searchpack.Work{Key: SweepBlobs}); err != nil {
		g.total["timeout"]++
	}
}

// texts are what the imported objects hold: few, so that imports meet what others have stored.
var texts = []string{"a, b\n", "c, d\n"}

// objects is the customer's S3: one of the texts, whatever is asked for.
type objects struct{ rng *rand.Rand }

func (o objects) Open(context.Context, string, searchpack.Source) (*searchpack.Object, error) {
	text := texts[o.rng.IntN(len(texts))]
	return &searchpack.Object{ReadCloser: io.NopCloser(strings.NewReader(text)), Size: int64(len(text))}, nil
}

// gatedStore waits before each transaction, and after those that write.
type gatedStore struct {
	*world
	a *actor
}

func (s *gatedStore) Update(ctx context.Context, f func(searchpack.Tx) error) error {
	s.a.wait()
	err := s.world.Update(ctx, f)
	s.a.wait()
	return err
}

func (s *gatedStore) View(ctx context.Context, f func(searchpack.Tx) error) error {
	s.a.wait()
	return s.world.View(ctx, f)
}

func (s *gatedStore) Now(ctx context.Context) (time.Time, error) {
	s.a.wait()
	return s.world.Now(ctx)
}

func (s *gatedStore) Finish(ctx context.Context, now time.Time, w *searchpack.Work, res searchpack.WorkResult, f func(searchpack.Tx) error) error {
	s.a.wait()
	return s.world.Finish(ctx, now, w, res, f)
}

// gatedBlobs is S3 over a network: what is there is not written again, and a deletion happens
// anywhere between its request and its answer, or after the sender is dead.
type gatedBlobs struct {
	*memory
	a *actor
	g *game
}

func (b *gatedBlobs) Write(ctx context.Context, r io.Reader, limit int64) (searchpack.Digest, int64, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	b.a.wait()
	if b.has(string(content)) {
		return searchpack.DigestOf(content), int64(len(content)), nil
	}
	b.a.wait()
	return b.memory.Write(ctx, strings.NewReader(string(content)), limit)
}

func (b *gatedBlobs) Open(ctx context.Context, d searchpack.Digest) (searchpack.Blob, error) {
	b.a.wait()
	return b.memory.Open(ctx, d)
}

func (b *gatedBlobs) Delete(ctx context.Context, d searchpack.Digest) error {
	b.a.wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	f := &flight{digest: d, until: b.g.clock.Now().Add(settleTime - deleteTime)}
	b.g.flying = append(b.g.flying, f)
	b.a.wait()
	if err := context.Cause(ctx); err != nil {
		return searchpack.Errorf(searchpack.ErrUnavailable, "no answer in time")
	}
	if !f.landed {
		f.landed = true
		b.drop(d)
	}
	b.g.total["deleted"]++
	return nil
}

// check holds the rows against the blobs.
func (g *game) check() {
	for _, v := range g.versions() {
		if v.Status != searchpack.PackageAvailable {
			continue
		}
		g.total["available"]++
		if b, err := g.blobs.Open(context.Background(), v.Digest); err != nil {
			g.Fatalf("%s is AVAILABLE and its blob is gone; marks %+v", v.ID, g.marks())
		} else {
			_ = b.Close()
		}
	}
}

func (g *game) versions() (all []*searchpack.Version) {
	err := g.View(context.Background(), func(tx searchpack.Tx) error {
		packages, err := tx.Packages(context.Background(), searchpack.PackageQuery{Account: "000000000000", Region: "us-east-1"})
		for _, p := range packages {
			some, more := tx.Versions(context.Background(), p.ID)
			if all = append(all, some...); more != nil {
				return more
			}
		}
		return err
	})
	if err != nil {
		g.Fatal(err)
	}
	return all
}

// settle lets what is alive work without disturbance: every import ends well, and what no version
// names goes.
func (g *game) settle() {
	for range 4 { // a stale mark keeps an import waiting until a sweep has taken it up
		g.advance(settleTime + time.Minute)
		g.mustRun(SweepBlobs)
		for range g.packages {
			g.work(g.world, g.blobs)
		}
	}
	named := map[searchpack.Digest]bool{}
	for _, v := range g.versions() {
		if named[v.Digest] = true; v.Status != searchpack.PackageAvailable {
			g.Fatalf("the import of %s has not ended: %s", v.ID, v.Status)
		}
	}
	for range 3 {
		g.advance(doomedFor + young)
		g.mustRun(SweepBlobs)
	}
	for d := range g.blobs.blobs {
		if !named[d] {
			g.Errorf("the blob %s is left over", d.Short())
		}
	}
	if marks := g.marks(); len(marks) > 0 {
		g.Errorf("marks are left over: %v", marks)
	}
}
