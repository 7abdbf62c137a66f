package sqlstore

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/pgtest"
)

func TestPostgresManyServersStartAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			s, err := Open(t.Context(), dsn, Options{NoListen: true})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := open(t, dsn, Options{NoListen: true})
	putSecret(t, s, "n")
	var idle string
	if err := s.read.QueryRow("SHOW idle_in_transaction_session_timeout").Scan(&idle); err != nil || idle != "1min" {
		t.Errorf("a frozen server keeps its rows for %q (%v), want a minute", idle, err)
	}
}

func TestPostgresRefusesNewerDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	makeNewer(t, dsn)
	_, err := Open(t.Context(), dsn, Options{})
	wantOpenError(t, err, searchpack.ErrConflict, "the database is at schema 999, this program knows 9: use a newer searchpack")
}

func TestPostgresErrorsHoldNoPassword(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0") // a port where nobody answers
	if err != nil {
		t.Fatal(err)
	}
	addr := closed.Addr().String()
	closed.Close()
	for _, test := range []struct {
		dsn   string
		code  searchpack.Code
		words []string
	}{
		{"postgres://u:geheim@" + addr + "/d", searchpack.ErrUnavailable, []string{addr[strings.Index(addr, ":")+1:], `user "u"`, `"d"`, "refused"}},
		{"postgresql://" + addr + "/d?user=u&password=geheim", searchpack.ErrUnavailable, []string{"refused"}},
		{"postgres://u:geheim@" + addr + "," + addr + "/d", searchpack.ErrUnavailable, []string{"refused"}},
		{"postgres://u:geheim@" + addr + "/d?sslmode=perhaps", searchpack.ErrInvalid, nil},
		{"postgres://u:geheim@" + addr + ":port/d", searchpack.ErrInvalid, []string{"percent-encoded"}},
		{"postgres://u:geheim%@" + addr + "/d", searchpack.ErrInvalid, []string{"percent-encoded"}},
		// What was not percent-encoded may end up in the host or the port.
		{"postgres://u:x#geheim@" + addr + "/d", "", nil},
		{"postgres://u:x/geheim@" + addr + "/d", "", nil},
		{"postgres://u:x?geheim@" + addr + "/d", "", nil},
		{"postgres://u:x:geheim@" + addr + "/d", "", nil},
		{"postgres://u:x@geheim@" + addr + "/d", searchpack.ErrInvalid, []string{"percent-encoded"}},
		{"postgres://u:x@gehe/im@" + addr + "/d", searchpack.ErrInvalid, []string{"percent-encoded"}},
	} {
		_, err := Open(t.Context(), test.dsn, Options{})
		if test.code == "" {
			test.code = searchpack.ErrorCode(err)
		}
		wantOpenError(t, err, test.code, test.words...)
	}
}

// A server that is away is said to be so once, however often the driver tried its address.
func TestPostgresErrorsDoNotRepeat(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := closed.Addr().String()
	closed.Close()
	_, err = Open(t.Context(), "postgres://u@"+addr+"/d", Options{})
	wantOpenError(t, err, searchpack.ErrUnavailable, "refused")
	if n := strings.Count(err.Error(), "refused"); n != 1 {
		t.Errorf("said %d times: %v", n, err)
	}
	if got := once("both failed:\n\ta: refused\n\tb: away\n\ta: refused\n"); got != "both failed:; a: refused; b: away" {
		t.Errorf("%q", got)
	}
}

// No privilege to create tables: said, nothing half done.
func TestPostgresWithoutRights(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	conn := connect(t, dsn)
	run(t, conn, "CREATE ROLE reader LOGIN")
	_, err := Open(t.Context(), strings.Replace(dsn, "searchpack:not-checked", "reader:geheim", 1), Options{})
	wantOpenError(t, err, searchpack.ErrUnavailable, `user "reader"`, "permission denied")
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// Lists are in byte order whatever the database's locale is.
func TestPostgresOrderInOtherLocale(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	conn := connect(t, dsn)
	_, err := conn.Exec(t.Context(), "CREATE DATABASE in_english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'")
	if err != nil {
		t.Skip("this PostgreSQL has no ICU: ", err)
	}
	t.Cleanup(func() { conn.Exec(context.Background(), "DROP DATABASE in_english WITH (FORCE)") }) //nolint:errcheck // throw-away
	path, query, _ := strings.Cut(dsn, "?")
	s := open(t, path[:strings.LastIndex(path, "/")]+"/in_english?"+query, Options{NoListen: true})
	var got []string
	err = s.Update(t.Context(), func(tx searchpack.Tx) error {
		for _, id := range []string{"b", "A", "C", "a"} {
			if err := tx.PutPackage(t.Context(), &searchpack.Package{ID: id}); err != nil {
				return err
			}
		}
		all, err := tx.Packages(t.Context(), searchpack.PackageQuery{AfterID: "A"})
		for _, p := range all {
			got = append(got, p.ID)
		}
		return err
	})
	if err != nil || !slices.Equal(got, []string{"C", "a", "b"}) {
		t.Errorf("after A come %v (%v), want C a b", got, err)
	}
}

// awaitWake fails if the store is not woken within a while.
func awaitWake(t *testing.T, s *Store) {
	t.Helper()
	select {
	case <-s.Wake():
	case <-time.After(20 * time.Second):
		t.Fatal("not woken")
	}
}

func TestPostgresWakesOtherServers(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t)
	hearing, asking := open(t, dsn, Options{}), open(t, dsn, Options{})
	deaf := open(t, dsn, Options{NoListen: true})
	awaitWake(t, hearing) // it listens from now on
	enqueue := func() {
		t.Helper()
		err := asking.Update(t.Context(), func(tx searchpack.Tx) error {
			return tx.Enqueue(t.Context(), searchpack.WorkSweep, "k", time.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	enqueue()
	awaitWake(t, hearing)
	select {
	case <-deaf.Wake():
		t.Error("a store with NoListen heard of another's work")
	default:
	}
	// The connection is lost: it comes back, and nothing that was asked meanwhile is missed.
	conn := connect(t, dsn)
	run(t, conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%listener'")
	awaitWake(t, hearing)
	drain := func() {
		for len(hearing.wake) > 0 {
			<-hearing.wake
		}
	}
	drain()
	enqueue()
	awaitWake(t, hearing)
}

// A listener that cannot come back does not keep Close waiting.
func TestPostgresCloseWhileListenerRetries(t *testing.T) {
	t.Parallel()
	cfg, err := pgx.ParseConfig("postgres://u@127.0.0.1:1/d")
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan struct{}, 100)
	s := newStore(postgresDialect(), Options{Logger: slog.New(slog.NewTextHandler(signalWriter(lost), nil))})
	s.write = stdlib.OpenDB(*cfg)
	s.read = s.write
	s.startWakes(cfg)
	<-lost
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Close hangs")
	}
}

// signalWriter gets a value for every line logged.
type signalWriter chan struct{}

func (w signalWriter) Write(b []byte) (int, error) {
	w <- struct{}{}
	return len(b), nil
}

// Transactions that meet all the time are run again, and one that never gets through says so.
func TestPostgresGivesUp(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := pgtest.Start(t)
	s := open(t, dsn, Options{NoListen: true})
	putSecret(t, s, "n")
	conn := connect(t, dsn)
	runs := 0
	err := s.Update(ctx, func(tx searchpack.Tx) error {
		runs++
		if _, err := tx.Secret(ctx, "n"); err != nil {
			return err
		}
		run(t, conn, "UPDATE authority SET sealed = '' WHERE name = 'n'") // somebody is always first
		tx.PutSecret(ctx, "n", []byte{2})                                 //nolint:errcheck // f may lose it
		return nil
	})
	if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || runs != maxAttempts {
		t.Errorf("after %d runs: %v", runs, err)
	}
	if strings.Contains(searchpack.ErrorMessage(err), "SQLSTATE") {
		t.Errorf("the message shows the driver's words: %q", searchpack.ErrorMessage(err))
	}
}
