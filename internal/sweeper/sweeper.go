// Package sweeper clears away what nobody needs any more: blobs that no version names, old events,
// and what interrupted writes left behind. It is a worker over the `work` table: a row per sweep,
// due again after each run, so that of several servers one does it, and no server leads.
//
// # Why no version ever loses its blob
//
// Rows change in transactions and blobs do not, any process may die between any two instructions,
// and an import may find the bytes that it copies stored already. So a blob goes in steps, each of
// which bears repeating:
//
//  1. Mark: no version names the blob. (One transaction: not named, so marked, with the time.)
//  2. Wait a day. A version that names the blob meanwhile takes the mark off in its own
//     transaction (PutVersion).
//  3. Condemn: the mark is a day old, and still no version names the blob. (One transaction.) From
//     here on PutVersion refuses the digest, and the import is tried again later.
//  4. Delete.
//  5. Release: the mark goes, if it is still the one of step 3. (One transaction.) Imports may name
//     the digest again.
//
// An import writes the blob, names it in the version's row, then looks whether the blob is there,
// and only then lets the version become AVAILABLE; if it is not there, it copies again. Steps 3 and
// 5 and the naming exclude each other, because the database makes them follow one another:
//
//   - Naming before 3: then 3 finds the version, or finds no mark, and nothing is deleted.
//   - Naming between 3 and 5: is refused.
//   - Naming after 5: the deletion has come to its end before, so what the import sees when it looks
//     afterwards stays so; nothing can be condemned while a version names it.
//
// The deletion itself knows no transaction, so its end has to be sure before 5. A sweep that got no
// answer, or died, does not come to 5: the mark stays condemned. After settleTime another sweep
// condemns it anew, which voids the first one's release (it compares the time), deletes again and
// releases. By then the first one's request is over: condemning and deleting have deleteTime
// together, and a request is sent once. What this rests on is that a process that was stopped finds
// its time-out expired when it goes on, and that no network keeps a request for settleTime less
// deleteTime.
//
// Nodes may need the blob of a version that is gone while their last order names it: such blobs
// stay. Orders are made from versions, so none that comes later can name a blob whose mark is a day
// old.
package sweeper

import (
	"context"
	"log/slog"
	"time"

	"github.com/searchpack/searchpack"
)

// The sweeps: keys of WorkSweep.
const (
	SweepBlobs   = "blobs"
	SweepEvents  = "events"
	SweepPartial = "partial"
)

const (
	every = time.Hour
	// againIn is when a sweep that failed is tried again: what it waits for is mended by people.
	againIn = 5 * time.Minute
	// partialAge is how long an interrupted write is left alone: far longer than any write.
	partialAge = 24 * time.Hour
)

// Blobs is a blob store that can be swept.
type Blobs interface {
	searchpack.BlobStore
	// ClearPartial removes what interrupted writes begun before the given time left behind, and says
	// how much.
	ClearPartial(ctx context.Context, before time.Time) (int, error)
}

// Forgetter deletes old events, a bounded number per call, and says how many; 0: none is left.
type Forgetter interface {
	ForgetEvents(ctx context.Context, before time.Time) (int, error)
}

// Options of New. The zero value keeps events for ever.
type Options struct {
	Events     Forgetter     // nil: events are kept
	KeepEvents time.Duration // how long; 0 = for ever
	Logger     *slog.Logger  // nil = none
}

// Sweeper handles work of kind WorkSweep. Its clock is the store's.
type Sweeper struct {
	store searchpack.Store
	blobs Blobs
	opts  Options
	log   *slog.Logger
	// timeout is context.WithTimeout.
	timeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// New makes a Sweeper.
func New(store searchpack.Store, blobs Blobs, opts Options) *Sweeper {
	s := &Sweeper{store: store, blobs: blobs, opts: opts, log: opts.Logger, timeout: context.WithTimeout}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Arm sees to it that every sweep has its row. Servers do it when they start; a row that is there
// becomes due at once.
func (s *Sweeper) Arm(ctx context.Context) error {
	return s.store.Update(ctx, func(tx searchpack.Tx) error {
		for _, key := range []string{SweepBlobs, SweepEvents, SweepPartial} {
			if err := tx.Enqueue(ctx, searchpack.WorkSweep, key, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Handle does the sweep whose name is w.Key. It is a work.Handler. The row of a sweep that this
// program does not know ends.
func (s *Sweeper) Handle(ctx context.Context, w *searchpack.Work) (searchpack.WorkResult, func(searchpack.Tx) error, error) {
	sweep := map[string]func(context.Context, time.Time) (time.Duration, error){
		SweepBlobs: s.sweepBlobs, SweepEvents: s.forgetEvents, SweepPartial: s.clearPartial,
	}[w.Key]
	if sweep == nil {
		s.log.Warn("unknown sweep", "sweep", w.Key)
		return searchpack.WorkResult{}, nil, nil
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return searchpack.WorkResult{}, nil, err
	}
	next, err := sweep(ctx, now)
	switch {
	case err == nil:
		return searchpack.WorkResult{At: now.Add(next)}, nil, nil
	case context.Cause(ctx) != nil || searchpack.ErrorCode(err) != searchpack.ErrUnavailable:
		return searchpack.WorkResult{}, nil, err
	}
	s.log.Warn("sweep not done", "sweep", w.Key, "again_in", againIn, "error", err)
	return searchpack.WorkResult{At: now.Add(againIn), Error: searchpack.ErrorMessage(err)}, nil, nil
}

// forgetEvents deletes events that are too old.
func (s *Sweeper) forgetEvents(ctx context.Context, now time.Time) (time.Duration, error) {
	if s.opts.Events == nil || s.opts.KeepEvents == 0 {
		return every, nil
	}
	total := 0
	for {
		n, err := s.opts.Events.ForgetEvents(ctx, now.Add(-s.opts.KeepEvents))
		if total += n; err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
	}
	s.swept(total, "forgot old events", "events", total)
	return every, nil
}

// clearPartial removes what interrupted writes left in the blob store.
func (s *Sweeper) clearPartial(ctx context.Context, now time.Time) (time.Duration, error) {
	n, err := s.blobs.ClearPartial(ctx, now.Add(-partialAge))
	s.swept(n, "cleared what interrupted writes left", "writes", n)
	return every, err
}

// swept logs what was done, if anything was.
func (s *Sweeper) swept(n int, text string, args ...any) {
	if n > 0 {
		s.log.Info(text, args...)
	}
}
