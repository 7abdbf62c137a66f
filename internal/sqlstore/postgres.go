package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/searchpack/searchpack"
)

const (
	// pgConns is how many connections one server keeps at most, one more for LISTEN not counted.
	pgConns = 10
	// pgConnectTimeout for one connection, unless the DSN says connect_timeout.
	pgConnectTimeout = 10 * time.Second
	// pgIdleInTransaction frees the rows that a frozen server holds, so that the others go on.
	pgIdleInTransaction = "SET idle_in_transaction_session_timeout = '60s'"
	// pgMigrationLock is the advisory lock that servers starting at once queue for.
	pgMigrationLock = 0x5ea7c49ac4
)

// SQLSTATEs.
const (
	pgSerializationFailure = "40001"
	pgDeadlock             = "40P01"
	pgForeignKey           = "23503"
	pgDiskFull             = "53100"
	pgTooManyConnections   = "53300"
	pgShutdownClass        = "57P0" // shut down, crashed, starting up
)

func postgresDialect() dialect {
	return dialect{
		update:     &sql.TxOptions{Isolation: sql.LevelSerializable},
		view:       &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		claim:      &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		skipLocked: " FOR UPDATE SKIP LOCKED",
		nextToken:  "SELECT nextval('work_token')",
		nextSeq:    func(string) string { return "nextval('row_seq')" },
		clock:      postgresClock,
		retryable: func(err error) bool {
			code := postgresCode(err)
			return code == pgSerializationFailure || code == pgDeadlock
		},
		away:   postgresAway,
		orphan: func(err error) bool { return postgresCode(err) == pgForeignKey },
	}
}

func postgresClock(ctx context.Context, q querier, _ time.Time) (time.Time, error) {
	var us int64
	// clock_timestamp moves on within a transaction, now() does not.
	err := q.QueryRowContext(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&us)
	return fromMicros(us), err
}

func postgresCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func postgresAway(err error) string {
	code := postgresCode(err)
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok && code == "" {
		return "the database does not answer"
	}
	switch {
	case code == pgDiskFull:
		return "the disk of the database is full"
	case code == pgTooManyConnections:
		return "the database has no connection left"
	case strings.HasPrefix(code, pgShutdownClass):
		return "the database is being stopped or started"
	}
	return ""
}

// openPostgres connects, migrates and starts what wakes and is woken by other servers.
func openPostgres(ctx context.Context, dsn string, opts Options) (*Store, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil || strings.Count(dsn, "@") > 1 {
		// The parser's own words may hold a piece of the password; so would the host's name, when
		// the password holds an @.
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "the database's address cannot be understood: write "+
			"postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=..., with special characters of the password percent-encoded")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = pgConnectTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "searchpack"
	}
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, pgIdleInTransaction)
		return err
	}))
	db.SetMaxOpenConns(pgConns)
	db.SetMaxIdleConns(pgConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s := newStore(postgresDialect(), opts)
	s.write, s.read = db, db
	if err := migratePostgres(ctx, db); err != nil {
		s.Close() //nolint:errcheck // the first error counts
		return nil, postgresFailed(cfg, err)
	}
	if !opts.NoListen {
		s.startWakes(cfg)
	}
	return s, nil
}

// migratePostgres migrates while it holds a lock, so that servers that start at once go one after
// the other. A transaction's lock and not a session's, because those do not work through a pooler
// such as pgbouncer; it goes with the connection, whatever happens.
func migratePostgres(ctx context.Context, db *sql.DB) error {
	lock, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer lock.Rollback()
	if _, err := lock.ExecContext(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return err
	}
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(pgMigrationLock)); err != nil {
		return err
	}
	return migrate(ctx, db, migrationsPostgres)
}

// postgresFailed says in one line, and without the password, which database could not be opened.
func postgresFailed(cfg *pgx.ConnConfig, err error) error {
	where := fmt.Sprintf("the database %q of user %q at %s port %d", cfg.Database, cfg.User, cfg.Host, cfg.Port)
	if searchpack.ErrorCode(err) != searchpack.ErrInternal {
		return searchpack.Errorf(searchpack.ErrorCode(err), "%s cannot be opened: %s", where, searchpack.ErrorMessage(err))
	}
	cause := oneLine(once(err.Error()))
	if cfg.Password != "" {
		cause = strings.ReplaceAll(cause, cfg.Password, "xxxxx")
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "%s cannot be opened: %s", where, cause)
}

// once leaves out lines that an earlier one ends with: pgx tries the same address with TLS and
// without, and says of both what went wrong.
func once(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.HasSuffix(k, line) }) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "; ")
}
