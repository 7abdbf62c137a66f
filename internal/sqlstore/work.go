package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/searchpack/searchpack"
)

// errNothingDue ends a claim's transaction without a commit.
var errNothingDue = errors.New("nothing is due")

// Enqueue asks for work. An item that somebody works at stays leased; its Finish sees that asked
// has grown.
func (t *tx) Enqueue(ctx context.Context, kind searchpack.WorkKind, key string, due time.Time) error {
	if due.IsZero() {
		var err error
		if due, err = t.s.d.clock(ctx, t.tx, t.s.now()); err != nil {
			t.failed = err
			return err
		}
	}
	t.enqueued = true
	_, err := t.exec(ctx, "INSERT INTO work (kind, key, due_at, asked, lease_owner, lease_until, token, attempt, error) "+
		"VALUES ($1, $2, $3, 1, '', 0, 0, 0, '') ON CONFLICT (kind, key) DO UPDATE SET asked = work.asked + 1, "+
		"due_at = CASE WHEN excluded.due_at < work.due_at THEN excluded.due_at ELSE work.due_at END",
		string(kind), key, micros(due))
	return err
}

// Claim takes the lease of the item that is due longest; no kinds means any kind.
func (s *Store) Claim(ctx context.Context, now time.Time, ttl time.Duration, owner string, kinds ...searchpack.WorkKind) (*searchpack.Work, error) {
	var w *searchpack.Work
	err := s.update(ctx, s.d.claim, func(t *tx) (err error) {
		w, err = t.claim(ctx, now, ttl, owner, kinds)
		return err
	})
	if errors.Is(err, errNothingDue) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (t *tx) claim(ctx context.Context, now time.Time, ttl time.Duration, owner string, kinds []searchpack.WorkKind) (*searchpack.Work, error) {
	now, err := t.s.d.clock(ctx, t.tx, now)
	if err != nil {
		return nil, err
	}
	var due where
	due.add("due_at <= %s", micros(now))
	due.add("lease_until <= %s", micros(now))
	in(&due, "kind", kinds)
	w := &searchpack.Work{Owner: owner}
	err = t.row(ctx, []any{&w.Kind, &w.Key},
		"SELECT kind, key FROM work"+due.String()+" ORDER BY due_at, kind, key LIMIT 1"+t.s.d.skipLocked, due.args...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNothingDue
	}
	if err != nil {
		return nil, err
	}
	if err := t.row(ctx, []any{&w.Token}, t.s.d.nextToken); err != nil {
		return nil, err
	}
	err = t.row(ctx, []any{&w.Asked, &w.Attempt},
		"UPDATE work SET lease_owner = $3, lease_until = $4, token = $5, attempt = attempt + 1 "+
			"WHERE kind = $1 AND key = $2 RETURNING asked, attempt",
		string(w.Kind), w.Key, owner, micros(now.Add(ttl)), w.Token)
	return w, err
}

// Renew extends the lease to ttl from now. ErrConflict: it is lost.
func (s *Store) Renew(ctx context.Context, now time.Time, ttl time.Duration, w *searchpack.Work) error {
	return s.update(ctx, s.d.claim, func(t *tx) error {
		now, err := t.s.d.clock(ctx, t.tx, now)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, "UPDATE work SET lease_until = $4 WHERE kind = $1 AND key = $2 AND token = $3",
			string(w.Kind), w.Key, w.Token, micros(now.Add(ttl)))
		return held(w, n, err)
	})
}

// Finish writes f's effects and ends the lease, both or neither. Work that f itself enqueues for
// the same item counts as asked meanwhile.
func (s *Store) Finish(ctx context.Context, now time.Time, w *searchpack.Work, res searchpack.WorkResult, f func(searchpack.Tx) error) error {
	return s.update(ctx, s.d.update, func(t *tx) error {
		var n int64
		err := t.row(ctx, []any{&n}, "SELECT count(*) FROM work WHERE kind = $1 AND key = $2 AND token = $3",
			string(w.Kind), w.Key, w.Token)
		if err := held(w, n, err); err != nil {
			return err
		}
		if f != nil {
			if err := f(t); err != nil {
				return err
			}
		}
		return t.release(ctx, now, w, res)
	})
}

// release ends the lease: the row goes, or becomes due again.
func (t *tx) release(ctx context.Context, now time.Time, w *searchpack.Work, res searchpack.WorkResult) error {
	if res.At.IsZero() {
		n, err := t.exec(ctx, "DELETE FROM work WHERE kind = $1 AND key = $2 AND token = $3 AND asked = $4",
			string(w.Kind), w.Key, w.Token, w.Asked)
		if err != nil || n == 1 {
			return err
		}
	}
	now, err := t.s.d.clock(ctx, t.tx, now)
	if err != nil {
		return err
	}
	t.enqueued = true // whoever waits for the next due time must look again
	// Token 0 fits nobody: a worker that finishes a second time is as late as any other.
	n, err := t.exec(ctx, "UPDATE work SET due_at = CASE WHEN asked = $4 THEN CAST($5 AS BIGINT) ELSE $6 END, "+
		"lease_owner = '', lease_until = 0, token = 0, attempt = CASE WHEN $7 = '' THEN 0 ELSE attempt END, error = $7 "+
		"WHERE kind = $1 AND key = $2 AND token = $3",
		string(w.Kind), w.Key, w.Token, w.Asked, micros(res.At), micros(now), res.Error)
	return held(w, n, err)
}

// held turns "no row has this token" into ErrConflict.
func held(w *searchpack.Work, rows int64, err error) error {
	if err == nil && rows == 0 {
		err = searchpack.Errorf(searchpack.ErrConflict,
			"the lease of work %s/%s is lost: it ran out and the work was given to another worker", w.Kind, w.Key)
	}
	return err
}

// NextDue returns when the next item of the kinds (none: any) can be claimed.
func (s *Store) NextDue(ctx context.Context, kinds ...searchpack.WorkKind) (time.Time, bool, error) {
	var of where
	in(&of, "kind", kinds)
	var us sql.NullInt64
	err := s.read.QueryRowContext(ctx,
		"SELECT min(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) FROM work"+of.String(), of.args...).Scan(&us)
	if err != nil || !us.Valid {
		return time.Time{}, false, s.explain(ctx, err)
	}
	return fromMicros(us.Int64), true, nil
}
