//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// RequireEnv set to "1" makes tests fail instead of skip where PostgreSQL is not installed.
const RequireEnv = "SEARCHPACK_REQUIRE_POSTGRES"

// errNotInstalled: there is no PostgreSQL to start.
var errNotInstalled = errors.New("PostgreSQL is not installed (looked with pg_config, on PATH and in " +
	"/usr/lib/postgresql): install it, on Debian with apt-get install postgresql")

// The one server of this process: a test binary has nobody to pass it around.
var (
	mu      sync.Mutex
	running *server
	failed  error // why there is none; it is not tried again
	serial  atomic.Int64
)

// Start returns the DSN of a new, empty database. It skips the test where PostgreSQL is not
// installed, unless RequireEnv is set.
func Start(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if errors.Is(err, errNotInstalled) && os.Getenv(RequireEnv) != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", serial.Add(1))
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Log(err)
		}
	})
	return s.dsn(name)
}

func shared() (*server, error) {
	mu.Lock()
	defer mu.Unlock()
	if running == nil && failed == nil {
		running, failed = startServer()
	}
	return running, failed
}

// Main wraps a test binary's m so that the server is stopped and its folder removed after the
// tests: goleak.VerifyTestMain(pgtest.Main(m)) or os.Exit(pgtest.Main(m).Run()).
func Main(m interface{ Run() int }) Runner { return Runner{m} }

// Runner is what Main returns.
type Runner struct{ m interface{ Run() int } }

// Run runs the tests, then stops the server if one was started.
func (r Runner) Run() int {
	code := r.m.Run()
	mu.Lock()
	defer mu.Unlock()
	if running != nil {
		if err := running.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
		}
		running = nil
	}
	return code
}

// dsn of a database. It names a user and a password, so that tests see what users have; the
// server does not look at the password.
func (s *server) dsn(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, "not-checked"), Path: "/" + database,
		RawQuery: url.Values{"host": {s.dir}, "port": {socketPort}}.Encode(),
	}
	return u.String()
}

// exec runs a statement in the server's own database.
func (s *server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // one statement only
	_, err = conn.Exec(ctx, statement)
	return err
}
