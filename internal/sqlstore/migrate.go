package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/searchpack/searchpack"
)

// The migrations. NNNNN_name.sql runs on both databases; where one text does not do there are two
// files with the same number, .sqlite.sql and .postgres.sql. They only go forward, and a released
// one never changes.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrationSet says how one database is migrated.
type migrationSet struct {
	dialect goose.Dialect
	without string // ending of the other database's files
}

var (
	migrationsSQLite   = migrationSet{goose.DialectSQLite3, ".postgres.sql"}
	migrationsPostgres = migrationSet{goose.DialectPostgres, ".sqlite.sql"}
)

// migrate brings the database to the schema of this program. A newer one is refused unchanged.
func migrate(ctx context.Context, db *sql.DB, set migrationSet) error {
	provider, err := newProvider(db, set)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	known := sources[len(sources)-1].Version
	at, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if at > known {
		return searchpack.Errorf(searchpack.ErrConflict,
			"the database is at schema %d, this program knows %d: use a newer searchpack", at, known)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database to schema %d: %w", known, err)
	}
	return nil
}

func newProvider(db *sql.DB, set migrationSet) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "*"+set.without)
	if err != nil {
		return nil, err
	}
	for i := range names {
		names[i] = path.Base(names[i])
	}
	return goose.NewProvider(set.dialect, db, files, goose.WithExcludeNames(names), goose.WithDisableGlobalRegistry(true))
}

// oneLine folds all white space of an error's text, so that it stays one line of a log.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
