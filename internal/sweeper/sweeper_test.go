package sweeper

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

var away = searchpack.Errorf(searchpack.ErrUnavailable, "the blob store is away")

// TestUnusedBlobsGo: a blob that no version names is marked, waits a day, and goes; all others stay.
func TestUnusedBlobsGo(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	unused, used, rescued := w.write("unused"), w.write("used"), w.write("rescued")
	if err := w.names("F1", used); err != nil {
		t.Fatal(err)
	}
	w.mustRun(SweepBlobs)
	if marks := w.marks(); len(marks) > 0 {
		t.Errorf("young blobs were marked: %v", marks)
	}
	w.clock.add(young + time.Second)
	w.mustRun(SweepBlobs)
	if marks := w.marks(); len(marks) != 2 {
		t.Fatalf("marks: %v", marks)
	}
	if err := w.names("F2", rescued); err != nil {
		t.Fatal(err)
	}
	w.clock.add(doomedFor - 10*time.Minute)
	if next := w.mustRun(SweepBlobs); next != 10*time.Minute || !w.blobs.has("unused") {
		t.Errorf("before the day is over: again in %v, there: %v", next, w.blobs.has("unused"))
	}
	w.clock.add(10 * time.Minute)
	if next := w.mustRun(SweepBlobs); next != every {
		t.Errorf("again in %v", next)
	}
	if w.blobs.has("unused") || !w.blobs.has("used") || !w.blobs.has("rescued") {
		t.Errorf("there: unused %v, used %v, rescued %v", w.blobs.has("unused"), w.blobs.has("used"), w.blobs.has("rescued"))
	}
	if marks := w.marks(); len(marks) > 0 {
		t.Errorf("marks: %v", marks)
	}
	w.write("unused")
	if err := w.names("F3", unused); err != nil {
		t.Errorf("the same bytes again: %v", err)
	}
}

// TestMany: more blobs than are looked at in one go.
func TestMany(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	for i := range 2*batch + 3 {
		d := w.write(fmt.Sprint(i))
		if i%10 == 0 {
			if err := w.names(fmt.Sprint("F", i), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.clock.add(young + time.Second)
	w.mustRun(SweepBlobs)
	w.clock.add(doomedFor)
	w.mustRun(SweepBlobs)
	for i := range 2*batch + 3 {
		if want := i%10 == 0; w.blobs.has(fmt.Sprint(i)) != want {
			t.Fatalf("blob %d is there: %v, want %v", i, !want, want)
		}
	}
}

// TestOrderedBlobsStay: what an agent in service was last told to have stays until it is told
// otherwise; a retired one needs nothing.
func TestOrderedBlobsStay(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	live, candidate, retired := w.write("live"), w.write("candidate"), w.write("retired")
	plugin, alternative := w.write("plugin"), w.write("alternative")
	key := searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: "shop"}
	w.update(func(ctx context.Context, tx searchpack.Tx) error {
		return errors.Join(
			tx.PutDomain(ctx, &searchpack.Domain{DomainKey: key}),
			tx.PutAgent(ctx, &searchpack.Agent{ID: "a", Domain: key, Name: "n1"}),
			tx.PutAgent(ctx, &searchpack.Agent{ID: "b", Domain: key, Name: "n2", RetiredAt: begin}),
			tx.PutOrder(ctx, "a", &searchpack.Order{Generation: 1, Files: []searchpack.FileOrder{{Digest: live}}, Candidates: []searchpack.Candidate{{Digest: candidate}},
				Plugins: []searchpack.PluginOrder{{Digest: plugin}}, Alternatives: []searchpack.PluginOrder{{Digest: alternative}}}),
			tx.PutOrder(ctx, "b", &searchpack.Order{Generation: 1, Files: []searchpack.FileOrder{{Digest: retired}}}),
		)
	})
	for range 3 {
		w.clock.add(doomedFor + young)
		w.mustRun(SweepBlobs)
	}
	if !w.blobs.has("live") || !w.blobs.has("candidate") || w.blobs.has("retired") {
		t.Errorf("there: live %v, candidate %v, retired %v", w.blobs.has("live"), w.blobs.has("candidate"), w.blobs.has("retired"))
	}
	if !w.blobs.has("plugin") || !w.blobs.has("alternative") {
		t.Errorf("there: plugin %v, alternative %v", w.blobs.has("plugin"), w.blobs.has("alternative"))
	}
	if err := w.names("F1", live); err != nil {
		t.Errorf("a blob that stays cannot be named: %v", err)
	}
	w.update(func(ctx context.Context, tx searchpack.Tx) error {
		return tx.PutOrder(ctx, "a", &searchpack.Order{Generation: 2})
	})
	w.mustRun(SweepBlobs)
	if w.blobs.has("plugin") || w.blobs.has("alternative") {
		t.Error("no longer ordered plugins are kept")
	}
	if !w.blobs.has("live") || w.blobs.has("candidate") {
		t.Errorf("no longer ordered: live, which a version names, %v, candidate %v", w.blobs.has("live"), w.blobs.has("candidate"))
	}
}

// TestUnfinishedDeletion: a sweep that died between condemning and releasing is taken up by another
// once it cannot be at work any more; until then no version may name the blob.
func TestUnfinishedDeletion(t *testing.T) {
	t.Parallel()
	for _, there := range []bool{true, false} {
		w := openWorld(t, Options{})
		d := searchpack.DigestOf([]byte("blob"))
		if there {
			w.write("blob")
		}
		w.clock.add(doomedFor)
		dead := searchpack.Doom{Digest: d, Since: begin, Condemned: w.clock.Now()}
		w.update(func(ctx context.Context, tx searchpack.Tx) error { return tx.PutDoom(ctx, dead) })
		w.clock.add(time.Minute)
		if next := w.mustRun(SweepBlobs); next != settleTime-time.Minute || w.blobs.has("blob") != there {
			t.Errorf("again in %v", next)
		}
		if err := w.names("F1", d); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
			t.Errorf("a version names it: %v", err)
		}
		w.clock.add(settleTime)
		w.mustRun(SweepBlobs)
		if marks := w.marks(); len(marks) > 0 || w.blobs.has("blob") {
			t.Errorf("left: %v, blob %v", marks, w.blobs.has("blob"))
		}
	}
}

// TestLateRelease: a sweep that others took for dead does not release what they condemned.
func TestLateRelease(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	m := searchpack.Doom{Digest: w.write("blob"), Since: begin}
	w.update(func(ctx context.Context, tx searchpack.Tx) error { return tx.PutDoom(ctx, m) })
	w.clock.add(doomedFor)
	late, ok, err := w.sweep.condemn(t.Context(), m)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, ok, err := w.sweep.condemn(t.Context(), m); ok || err != nil {
		t.Errorf("two sweeps condemned one blob: %v, %v", ok, err)
	}
	if _, ok, err := w.sweep.condemn(t.Context(), late); ok || err != nil {
		t.Errorf("condemned anew at the same moment: %v, %v", ok, err)
	}
	w.clock.add(settleTime)
	if _, ok, err := w.sweep.condemn(t.Context(), late); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := w.sweep.release(t.Context(), late); err != nil {
		t.Error(err)
	}
	if len(w.marks()) != 1 {
		t.Error("the late one released it")
	}
}

// TestDeletionIsBounded: a deletion ends long before another sweep would take it up.
func TestDeletionIsBounded(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	d := w.write("blob")
	w.update(func(ctx context.Context, tx searchpack.Tx) error {
		return tx.PutDoom(ctx, searchpack.Doom{Digest: d, Since: begin})
	})
	w.clock.add(doomedFor)
	w.mustRun(SweepBlobs)
	if w.blobs.has("blob") || w.blobs.bound <= 0 || w.blobs.bound > deleteTime || deleteTime*10 > settleTime {
		t.Errorf("it had %v, and another sweep waits %v", w.blobs.bound, settleTime)
	}
}

// TestBlobsAway: a store that does not answer is asked again later, and a blob that it does not
// delete stays condemned.
func TestBlobsAway(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	deletes := 0
	w.blobs.fail = func(op string) error {
		if op == "delete" {
			deletes++
			return away
		}
		return nil
	}
	for i := range 10 {
		w.write(fmt.Sprint(i))
	}
	w.clock.add(young + time.Second)
	w.mustRun(SweepBlobs)
	w.clock.add(doomedFor)
	res, err := w.run(SweepBlobs)
	if err != nil || res.Error == "" || res.At.Sub(w.clock.Now()) != againIn || deletes != maxFailures {
		t.Errorf("%+v, %v after %d tries", res, err, deletes)
	}
	w.blobs.fail = nil
	w.mustRun(SweepBlobs)
	if marks := w.marks(); len(marks) != maxFailures {
		t.Errorf("the others did not go: %v", marks)
	}
	w.clock.add(settleTime)
	w.mustRun(SweepBlobs)
	if marks := w.marks(); len(marks) > 0 || len(w.blobs.blobs) > 0 {
		t.Errorf("left: %v, %d blobs", marks, len(w.blobs.blobs))
	}
	w.blobs.fail = func(string) error { return errors.New("an error of no kind") }
	if _, err := w.run(SweepBlobs); err == nil {
		t.Error("an unknown error is lost")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.sweep.Handle(ctx, &searchpack.Work{Key: SweepPartial}); err == nil {
		t.Error("told to stop, and all is well")
	}
}

// forget has so many events older than what was asked for.
type forget struct {
	left   int
	before time.Time
	err    error
}

func (f *forget) ForgetEvents(_ context.Context, before time.Time) (int, error) {
	f.before = before
	n := min(f.left, 100)
	f.left -= n
	return n, f.err
}

func TestEvents(t *testing.T) {
	t.Parallel()
	f := &forget{left: 250}
	w := openWorld(t, Options{Events: f, KeepEvents: 90 * 24 * time.Hour})
	if next := w.mustRun(SweepEvents); next != every || f.left != 0 || !f.before.Equal(begin.Add(-90*24*time.Hour)) {
		t.Errorf("again in %v, %d left, before %v", next, f.left, f.before)
	}
	f.err = errors.New("no")
	if _, err := w.run(SweepEvents); !errors.Is(err, f.err) {
		t.Error(err)
	}
	f.left = 10
	for _, o := range []Options{{Events: f}, {KeepEvents: time.Hour}} {
		if next := openWorld(t, o).mustRun(SweepEvents); next != every || f.left != 10 {
			t.Errorf("events that are kept: again in %v, %d left", next, f.left)
		}
	}
}

func TestPartial(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	if next := w.mustRun(SweepPartial); next != every || len(w.blobs.partial) != 1 || !w.blobs.partial[0].Equal(begin.Add(-partialAge)) {
		t.Errorf("again in %v, cleared before %v", next, w.blobs.partial)
	}
	w.blobs.fail = func(string) error { return away }
	if res, err := w.run(SweepPartial); err != nil || res.At.Sub(begin) != againIn {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestRows: servers that start arm each sweep once, every sweep comes again by itself, and one that
// nobody knows ends.
func TestRows(t *testing.T) {
	t.Parallel()
	w := openWorld(t, Options{})
	ctx := t.Context()
	for range 3 {
		if err := w.sweep.Arm(ctx); err != nil {
			t.Fatal(err)
		}
	}
	w.update(func(ctx context.Context, tx searchpack.Tx) error {
		return tx.Enqueue(ctx, searchpack.WorkSweep, "the floor", time.Time{})
	})
	ran := map[string]int{}
	for end := begin.Add(5*every + time.Minute); ; {
		due, some, err := w.NextDue(ctx, searchpack.WorkSweep)
		if err != nil || !some {
			t.Fatal(some, err)
		}
		if due.After(end) {
			break
		}
		w.clock.add(max(0, due.Sub(w.clock.Now())))
		item, err := w.Claim(ctx, w.clock.Now(), time.Minute, "test", searchpack.WorkSweep)
		if err != nil || item == nil {
			t.Fatal(item, err)
		}
		res, effects, err := w.sweep.Handle(ctx, item)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Finish(ctx, w.clock.Now(), item, res, effects); err != nil {
			t.Fatal(err)
		}
		ran[item.Key]++
	}
	for key, want := range map[string]int{SweepBlobs: 6, SweepEvents: 6, SweepPartial: 6, "the floor": 1} {
		if ran[key] != want {
			t.Errorf("%s ran %d times, want %d", key, ran[key], want)
		}
	}
}
