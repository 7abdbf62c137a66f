package sqlstore

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/pgtest"
	"github.com/searchpack/searchpack/internal/sqlstore/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		writeUntilKilled(path)
	}
	goleak.VerifyTestMain(pgtest.Main(m))
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) searchpack.Store {
		return open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{})
	})
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	storetest.Run(t, func(t *testing.T) searchpack.Store {
		return open(t, schema(t, dsn), Options{NoListen: true})
	})
}

// schema makes an empty schema of the test's own in a database, which is much cheaper than a
// database, and returns the DSN that uses it.
func schema(t *testing.T, dsn string) string {
	t.Helper()
	name := fmt.Sprintf("s%d", schemas.Add(1))
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	return dsn + "&search_path=" + name
}

var schemas atomic.Int64

// open opens a store that is closed with the test.
func open(t testing.TB, dsn string, opts Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
