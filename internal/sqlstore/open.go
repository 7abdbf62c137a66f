package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

// Options of Open. The zero value is the default.
type Options struct {
	Logger *slog.Logger     // nil: silent
	Now    func() time.Time // the clock of Enqueue and Now on SQLite; nil: time.Now
	// NoListen: on PostgreSQL neither LISTEN nor NOTIFY; other servers' work is then found by
	// polling only. LISTEN does not work through a pooler in transaction mode.
	NoListen bool
}

// Store is a searchpack.Store on a SQL database.
type Store struct {
	d     dialect
	log   *slog.Logger
	now   func() time.Time
	write *sql.DB
	read  *sql.DB // the same as write on PostgreSQL
	// readStmts and writeStmts are nil on PostgreSQL, whose driver keeps statements by itself.
	readStmts, writeStmts *prepared
	wake                  chan struct{}
	notify                chan struct{} // nil: nobody else is to be told
	// queue holds one token: transactions that were refused again and again go one at a time.
	queue chan struct{}

	stop    context.CancelFunc // ends the goroutines
	running sync.WaitGroup
	closed  sync.Once
}

var _ searchpack.Store = (*Store)(nil)

// Open opens the database and migrates it forward. dsn is "sqlite:PATH" or
// "postgres://USER:PASSWORD@HOST:PORT/DATABASE" (or postgresql://). The errors are one line for
// people and never hold a password; ErrConflict: the database is newer than this program, and
// unchanged. Close the Store.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return openSQLite(ctx, path, opts)
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn, opts)
	}
	return nil, searchpack.Errorf(searchpack.ErrInvalid,
		"the database's address must begin with sqlite: or postgres://")
}

func newStore(d dialect, opts Options) *Store {
	s := &Store{
		d: d, log: opts.Logger, now: opts.Now,
		wake: make(chan struct{}, 1), queue: make(chan struct{}, 1), stop: func() {},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Close ends the goroutines and closes the handles. Closing again does nothing.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() {
		s.stop()
		s.running.Wait()
		if s.read != s.write {
			err = s.read.Close()
		}
		// The writer last: it folds the journal into the database when it is alone.
		err = errors.Join(err, s.write.Close())
	})
	return err
}

// Now returns the dialect's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	t, err := s.d.clock(ctx, s.read, s.now())
	return t.UTC().Truncate(time.Microsecond), s.explain(ctx, err)
}
