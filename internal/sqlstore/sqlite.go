package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/searchpack/searchpack"
)

const (
	// sqliteBusy is how long a statement waits for another process (a backup, a shell) to let go.
	sqliteBusy = 10 * time.Second
	// sqliteReaders is how many transactions may read at once. Each holds up to 2 MB of pages.
	sqliteReaders = 4
	// sqliteMigrateAttempts bounds how often a migration is tried that others interfere with.
	sqliteMigrateAttempts = 8
)

func sqliteDialect() dialect {
	return dialect{
		update:    nil, // _txlock=immediate: the lock is taken at BEGIN, so nothing fails half-way
		view:      &sql.TxOptions{ReadOnly: true},
		claim:     nil,
		nextToken: "UPDATE counter SET value = value + 1 WHERE name = 'work_token' RETURNING value",
		// There is one writer, so max + 1 is nobody else's.
		nextSeq: func(table string) string {
			return "(SELECT coalesce(max(seq), 0) + 1 FROM " + table + ")"
		},
		clock: func(_ context.Context, _ querier, process time.Time) (time.Time, error) {
			return process, nil
		},
		retryable: func(error) bool { return false }, // writers queue for the one handle
		away:      sqliteAway,
		orphan: func(err error) bool {
			return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
		},
	}
}

// sqliteCode returns the extended result code in err, 0 if there is none.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

func sqliteAway(err error) string {
	switch sqlitePrimary(err) {
	case sqlite3.SQLITE_BUSY:
		return "another program keeps the database locked"
	case sqlite3.SQLITE_FULL:
		return "the disk of the database is full"
	case sqlite3.SQLITE_IOERR:
		return "the disk of the database fails"
	}
	return ""
}

func sqlitePrimary(err error) int { return sqliteCode(err) & 0xff }

// openSQLite opens the writer and the readers of the file and migrates it.
func openSQLite(ctx context.Context, path string, opts Options) (*Store, error) {
	if path == "" || path == ":memory:" {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "sqlite: names no file; write sqlite:PATH")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, sqliteFailed(path, err)
	}
	// Made here and not by SQLite, whose files would follow the umask. Its journal files take the
	// mode of this one.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, sqliteFailed(path, err)
	}
	if err := errors.Join(file.Chmod(0o600), file.Close()); err != nil {
		return nil, sqliteFailed(path, err)
	}
	s := newStore(sqliteDialect(), opts)
	s.write = sqliteHandle(path, 1, url.Values{
		"_txlock": {"immediate"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"1"},
	})
	s.read = sqliteHandle(path, sqliteReaders, url.Values{"_query_only": {"1"}})
	s.readStmts, s.writeStmts = newPrepared(s.read), newPrepared(s.write)
	if err := migrateSQLite(ctx, s.write); err != nil {
		s.Close() //nolint:errcheck // the first error counts
		return nil, sqliteFailed(path, err)
	}
	return s, nil
}

// migrateSQLite migrates. There is no lock across statements, so another process that starts at the
// same moment may come in between; then what it did is found done.
func migrateSQLite(ctx context.Context, db *sql.DB) error {
	for attempt := 1; ; attempt++ {
		err := migrate(ctx, db, migrationsSQLite)
		switch sqlitePrimary(err) {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR: // the last: "table exists"
		default:
			return err
		}
		if attempt == sqliteMigrateAttempts {
			return err
		}
		if err := pause(ctx, maxAttempts); err != nil {
			return err
		}
	}
}

func sqliteHandle(path string, conns int, query url.Values) *sql.DB {
	query.Set("_busy_timeout", fmt.Sprint(sqliteBusy.Milliseconds()))
	query.Set("_dqs", "0") // "x" is never a string
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		panic(err) // only for a malformed query, which is made above
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// sqliteFailed says in one line which database could not be opened, and what to do.
func sqliteFailed(path string, err error) error {
	if searchpack.ErrorCode(err) != searchpack.ErrInternal {
		return searchpack.Errorf(searchpack.ErrorCode(err), "the database %s cannot be opened: %s", path, searchpack.ErrorMessage(err))
	}
	cause, todo := oneLine(err.Error()), ""
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err.Error()
	}
	switch sqlitePrimary(err) {
	case sqlite3.SQLITE_NOTADB:
		cause, todo = "it is not a SQLite file", ": name another file"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		cause, todo = "it is not writable", ": the file and its folder must be writable for this user"
	case sqlite3.SQLITE_BUSY:
		cause, todo = "another program keeps it locked", ": end that program"
	case sqlite3.SQLITE_FULL:
		cause, todo = "the disk is full", ": make room"
	case sqlite3.SQLITE_CORRUPT:
		cause, todo = "it is damaged", ": restore it from a backup"
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "the database %s cannot be opened: %s%s", path, cause, todo)
}
