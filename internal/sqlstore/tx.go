package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/searchpack/searchpack"
)

const (
	// maxAttempts bounds how often a transaction is run that the database refuses because of
	// others. From queueAttempt on, one at a time of this process tries.
	maxAttempts  = 20
	queueAttempt = 3
	// retryStep and retryMax bound the wait between two attempts.
	retryStep = 2 * time.Millisecond
	retryMax  = 200 * time.Millisecond
)

// Update runs f in one serializable transaction, again if the database refuses it because of
// others. ErrUnavailable: it was refused too often.
func (s *Store) Update(ctx context.Context, f func(searchpack.Tx) error) error {
	return s.update(ctx, s.d.update, func(t *tx) error { return f(t) })
}

// View runs f in a read-only transaction. Its snapshot is that of its first read.
func (s *Store) View(ctx context.Context, f func(searchpack.Tx) error) error {
	return s.once(ctx, s.read, s.d.view, &tx{s: s, prepared: s.readStmts}, func(t *tx) error { return f(t) })
}

func (s *Store) update(ctx context.Context, opts *sql.TxOptions, f func(*tx) error) error {
	for attempt := 1; ; attempt++ {
		t := &tx{s: s, prepared: s.writeStmts}
		err := s.once(ctx, s.write, opts, t, f)
		if t.enqueued && (err == nil || t.committing) { // a failed COMMIT may have committed
			s.wakeAll()
		}
		if err == nil || ctx.Err() != nil || !(s.d.retryable(err) || s.d.retryable(t.failed)) {
			return err
		}
		if attempt == maxAttempts {
			return &searchpack.Error{Code: searchpack.ErrUnavailable, Err: err,
				Message: fmt.Sprintf("the database refused a transaction %d times because of others: try again later", attempt)}
		}
		if attempt == queueAttempt {
			select {
			case s.queue <- struct{}{}:
				defer func() { <-s.queue }()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// pause waits between two attempts, at random so that those who met do not meet again.
func pause(ctx context.Context, attempt int) error {
	limit := min(retryStep<<min(attempt, 10), retryMax)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) once(ctx context.Context, db *sql.DB, opts *sql.TxOptions, t *tx, f func(*tx) error) (err error) {
	defer func() { err = s.explain(ctx, err) }()
	sqltx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	defer func() {
		_ = sqltx.Rollback()
		if len(t.unprepared) > 0 && ctx.Err() == nil {
			t.prepared.learn(ctx, t.unprepared)
		}
	}()
	t.tx = sqltx
	if err := f(t); err != nil {
		return err
	}
	if t.failed != nil {
		return t.failed
	}
	t.committing = true
	return sqltx.Commit()
}

// explain gives the errors of the drivers that callers must tell apart words of our own.
func (s *Store) explain(ctx context.Context, err error) error {
	if searchpack.ErrorCode(err) != searchpack.ErrInternal {
		return err // none, or one that speaks for itself
	}
	if cause := ctx.Err(); cause != nil {
		if errors.Is(err, cause) {
			return err
		}
		return fmt.Errorf("%w: %w", cause, err)
	}
	if away := s.d.away(err); away != "" {
		return &searchpack.Error{Code: searchpack.ErrUnavailable, Message: away + ": try again later", Err: err}
	}
	return err
}

// tx is one transaction.
type tx struct {
	s  *Store
	tx *sql.Tx
	// prepared are the handle's statements, nil where the driver keeps them itself; unprepared are
	// texts that it lacked.
	prepared   *prepared
	unprepared []string
	// failed is the first statement that failed. After it nothing more runs and nothing commits:
	// PostgreSQL insists on that, and SQLite may have rolled back by itself (disk full, interrupt),
	// after which further statements would each commit alone.
	failed     error
	enqueued   bool
	committing bool
}

var _ searchpack.Tx = (*tx)(nil)

// exec runs a statement and returns how many rows it touched.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if t.failed != nil {
		return 0, t.failed
	}
	res, err := t.runner(ctx, query).exec(ctx, clean(args))
	if err != nil {
		t.failed = err
		return 0, err
	}
	return res.RowsAffected()
}

// row runs a query of one row. sql.ErrNoRows if there is none.
func (t *tx) row(ctx context.Context, dest []any, query string, args ...any) error {
	if t.failed != nil {
		return t.failed
	}
	err := t.runner(ctx, query).row(ctx, clean(args)).Scan(dest...)
	if err != nil && err != sql.ErrNoRows {
		t.failed = err
	}
	return err
}

// scanner is a row to be read.
type scanner interface{ Scan(dest ...any) error }

// list runs a query and reads its rows with scan.
func list[T any](ctx context.Context, t *tx, scan func(scanner) (T, error), query string, args ...any) (all []T, err error) {
	if t.failed != nil {
		return nil, t.failed
	}
	defer func() {
		if err != nil {
			t.failed = err
		}
	}()
	rows, err := t.runner(ctx, query).queryContext(ctx, clean(args))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// one runs a query of at most one row; without one it returns ErrNotFound naming kind and id.
func one[T any](ctx context.Context, t *tx, kind, id string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	all, err := list(ctx, t, scan, query, args...)
	if err == nil && len(all) == 0 {
		err = notFound(kind, id)
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// idsAtOnce is how many ids one query of byID asks for. Fewer are filled up with the last one to the
// next power of two, so that there are few texts to prepare.
const idsAtOnce = 128

// byID runs the query for the rows of the ids, in as many parts as it takes.
func byID[T any](ctx context.Context, t *tx, ids []string, scan func(scanner) (T, error), query string, id func(T) string) (map[string]T, error) {
	out := map[string]T{}
	for part := range slices.Chunk(ids, idsAtOnce) {
		var w where
		for part = slices.Clone(part); len(part)&(len(part)-1) != 0; {
			part = append(part, part[len(part)-1])
		}
		in(&w, "id", part)
		rows, err := list(ctx, t, scan, query+w.String(), w.args...)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			out[id(row)] = row
		}
	}
	return out, nil
}

// put runs an upsert of a row that hangs on a parent; ErrNotFound names the parent if it is gone.
func (t *tx) put(ctx context.Context, kind, parent, query string, args ...any) error {
	_, err := t.exec(ctx, query, args...)
	if err != nil && t.s.d.orphan(err) {
		t.failed = notFound(kind, parent)
		return t.failed
	}
	return err
}

// remove runs a DELETE by id; ErrNotFound if there was nothing.
func (t *tx) remove(ctx context.Context, kind, id, query string, args ...any) error {
	n, err := t.exec(ctx, query, args...)
	if err == nil && n == 0 {
		err = notFound(kind, id)
	}
	return err
}

func notFound(kind, id string) error {
	return searchpack.Errorf(searchpack.ErrNotFound, "%s %q does not exist", kind, id)
}

// clean makes texts storable: dictionaries and clients may send bytes that are not UTF-8, or NUL,
// which PostgreSQL refuses.
func clean(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}
