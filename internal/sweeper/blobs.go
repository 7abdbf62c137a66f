package sweeper

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	// doomedFor is how long a blob stays that no version names. It also bounds how long a copy of the
	// database may be older than the copy of the blobs that goes with it.
	doomedFor = 24 * time.Hour
	// young blobs are left alone: an import that is under way has not named them yet.
	young = time.Hour
	// deleteTime bounds condemning and deleting one blob together.
	deleteTime = 30 * time.Second
	// settleTime is after how long a deletion that somebody began has come to its end in any case.
	settleTime = 10 * time.Minute
	// maxFailures ends a sweep: one blob that cannot be deleted does not keep the others, but a store
	// that is away is not asked for all of them.
	maxFailures = 3
	// batch is how many blobs or marks are looked at in one transaction.
	batch = 200
)

// sweepBlobs deletes what was marked long enough ago, then marks what no version names.
func (s *Sweeper) sweepBlobs(ctx context.Context, now time.Time) (time.Duration, error) {
	next, err := s.deleteMarked(ctx, now)
	if err != nil {
		return 0, err
	}
	return next, s.markUnused(ctx, now)
}

// deleteMarked deletes the blobs whose time has come, and says when to look again.
func (s *Sweeper) deleteMarked(ctx context.Context, now time.Time) (time.Duration, error) {
	next, deleted := every, 0
	var failures []error
	var ordered map[searchpack.Digest]bool
	for after := searchpack.Digest(""); ; {
		marks, err := s.marks(ctx, after)
		if err != nil || len(marks) == 0 {
			s.swept(deleted, "deleted blobs that no version named", "blobs", deleted)
			return next, cmp.Or(err, errors.Join(failures...))
		}
		after = marks[len(marks)-1].Digest
		for _, m := range marks {
			wait := due(m).Sub(now)
			if wait > 0 {
				next = min(next, max(wait, time.Minute))
				continue
			}
			if ordered == nil {
				if ordered, err = s.ordered(ctx); err != nil {
					return 0, err
				}
			}
			if ordered[m.Digest] {
				continue
			}
			gone, err := s.delete(ctx, m)
			if gone {
				deleted++
			}
			if err != nil {
				if context.Cause(ctx) != nil || searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
					return 0, err
				}
				if failures = append(failures, err); len(failures) == maxFailures {
					return 0, err
				}
			}
		}
	}
}

// due is when something is to be done about the mark.
func due(m searchpack.Doom) time.Time {
	if !m.Condemned.IsZero() {
		return m.Condemned.Add(settleTime)
	}
	return m.Since.Add(doomedFor)
}

func (s *Sweeper) marks(ctx context.Context, after searchpack.Digest) (marks []searchpack.Doom, err error) {
	err = s.store.View(ctx, func(tx searchpack.Tx) error {
		marks, err = tx.Dooms(ctx, after, batch)
		return err
	})
	return marks, err
}

// ordered returns the digests that the orders of agents in service name.
func (s *Sweeper) ordered(ctx context.Context) (map[searchpack.Digest]bool, error) {
	named := map[searchpack.Digest]bool{}
	err := s.store.View(ctx, func(tx searchpack.Tx) error {
		domains, err := tx.Domains(ctx, "", "")
		if err != nil {
			return err
		}
		for _, d := range domains {
			agents, err := tx.Agents(ctx, d.DomainKey)
			if err != nil {
				return err
			}
			for _, a := range agents {
				if a.RetiredAt.IsZero() {
					name(named, &a.Order)
				}
			}
		}
		return nil
	})
	return named, err
}

func name(named map[searchpack.Digest]bool, o *searchpack.Order) {
	for _, f := range o.Files {
		named[f.Digest] = true
	}
	for _, c := range o.Candidates {
		named[c.Digest] = true
	}
	// Alternatives too: a node whose package manager brings another OpenSearch chooses among them.
	for _, p := range slices.Concat(o.Plugins, o.Alternatives) {
		named[p.Digest] = true
	}
}

// delete condemns, deletes and releases the blob of the mark, unless it was rescued. What fails
// leaves the mark condemned for a later sweep.
func (s *Sweeper) delete(ctx context.Context, m searchpack.Doom) (bool, error) {
	bound, cancel := s.timeout(ctx, deleteTime) // from before the time that the mark will say
	defer cancel()
	condemned, ok, err := s.condemn(bound, m)
	if err != nil || !ok {
		return false, err
	}
	if err := s.blobs.Delete(bound, m.Digest); err != nil {
		if context.Cause(ctx) == nil && context.Cause(bound) != nil {
			err = &searchpack.Error{Code: searchpack.ErrUnavailable, Message: "deleting a blob took too long", Err: err}
		}
		return false, err
	}
	return true, s.release(ctx, condemned)
}

// condemn returns the mark as it then stands; false: the blob is wanted, or another sweep has it.
func (s *Sweeper) condemn(ctx context.Context, seen searchpack.Doom) (m searchpack.Doom, ok bool, err error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return m, false, err
	}
	now = now.UTC().Truncate(time.Microsecond) // as it will be read back
	err = s.store.Update(ctx, func(tx searchpack.Tx) error {
		ok = false
		if m, err = tx.Doom(ctx, seen.Digest); err != nil {
			return err
		}
		used, err := tx.DigestInUse(ctx, seen.Digest)
		switch {
		case err != nil || !same(m, seen):
			return err
		case used: // PutVersion takes marks off, so this one is of no use to anybody
			return tx.PutDoom(ctx, searchpack.Doom{Digest: m.Digest})
		}
		if ok = now.After(m.Condemned); !ok { // the database's clock was set back
			return nil
		}
		m.Condemned = now
		return tx.PutDoom(ctx, m)
	})
	return m, ok, err
}

func same(a, b searchpack.Doom) bool {
	return a.Digest == b.Digest && a.Since.Equal(b.Since) && a.Condemned.Equal(b.Condemned)
}

// release takes the mark off, unless another sweep has condemned the blob anew.
func (s *Sweeper) release(ctx context.Context, condemned searchpack.Doom) error {
	return s.store.Update(ctx, func(tx searchpack.Tx) error {
		m, err := tx.Doom(ctx, condemned.Digest)
		if err != nil || !same(m, condemned) {
			return err
		}
		return tx.PutDoom(ctx, searchpack.Doom{Digest: m.Digest})
	})
}

// markUnused marks the blobs that no version names.
func (s *Sweeper) markUnused(ctx context.Context, now time.Time) error {
	var some []searchpack.Digest
	err := s.blobs.List(ctx, func(info searchpack.BlobInfo) error {
		if info.StoredUnix > now.Add(-young).Unix() {
			return nil
		}
		if some = append(some, info.Digest); len(some) < batch {
			return nil
		}
		err := s.markOf(ctx, some, now)
		some = some[:0]
		return err
	})
	if err != nil {
		return err
	}
	return s.markOf(ctx, some, now)
}

// markOf marks those of the blobs that no version names and that have no mark. It first looks
// without writing: mostly there are none.
func (s *Sweeper) markOf(ctx context.Context, blobs []searchpack.Digest, now time.Time) error {
	var unused []searchpack.Digest
	look := func(tx searchpack.Tx, from []searchpack.Digest) (found []searchpack.Digest, err error) {
		for _, d := range from {
			used, err := tx.DigestInUse(ctx, d)
			if err != nil {
				return nil, err
			}
			if m, err := tx.Doom(ctx, d); err != nil {
				return nil, err
			} else if !used && m.Since.IsZero() {
				found = append(found, d)
			}
		}
		return found, nil
	}
	err := s.store.View(ctx, func(tx searchpack.Tx) (err error) {
		unused, err = look(tx, blobs)
		return err
	})
	if err != nil || len(unused) == 0 {
		return err
	}
	return s.store.Update(ctx, func(tx searchpack.Tx) error {
		found, err := look(tx, unused)
		for _, d := range found {
			err = errors.Join(err, tx.PutDoom(ctx, searchpack.Doom{Digest: d, Since: now}))
		}
		return err
	})
}
