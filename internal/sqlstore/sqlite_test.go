package sqlstore

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/searchpack/searchpack"
)

// childEnv makes the test binary write to the database it names until it is killed.
const childEnv = "SQLSTORE_CHILD"

// writeUntilKilled adds secrets "0", "1", ... and says each one's number once it is committed.
func writeUntilKilled(path string) {
	ctx := context.Background()
	s, err := Open(ctx, "sqlite:"+path, Options{})
	for i := 0; err == nil; i++ {
		err = s.Update(ctx, func(tx searchpack.Tx) error {
			if err := tx.PutSecret(ctx, fmt.Sprint(i), make([]byte, 5000)); err != nil {
				return err
			}
			return tx.Enqueue(ctx, searchpack.WorkSweep, fmt.Sprint(i), s.now())
		})
		fmt.Println(i)
	}
	fmt.Println(err)
	os.Exit(1)
}

// What was acknowledged is there after kill -9, each transaction as a whole.
func TestSQLiteSurvivesKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	for _, commits := range []int{0, 1, 300} { // the last one is killed near a checkpoint
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childEnv+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		last, lines := -1, bufio.NewScanner(out)
		for last < commits && lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
				t.Fatalf("the child said %q", lines.Text())
			}
		}
		child.Process.Kill() //nolint:errcheck // it writes until then
		child.Wait()         //nolint:errcheck // killed
		s := open(t, "sqlite:"+path, Options{})
		var ok string
		if err := s.read.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
			t.Fatalf("integrity: %s %v", ok, err)
		}
		var secrets, work, highest int
		row := s.read.QueryRow("SELECT (SELECT count(*) FROM authority), (SELECT count(*) FROM work), " +
			"(SELECT max(CAST(name AS INTEGER)) FROM authority)")
		if err := row.Scan(&secrets, &work, &highest); err != nil {
			t.Fatal(err)
		}
		if highest < last || secrets != work || secrets != highest+1 {
			t.Errorf("acknowledged up to %d; there are %d secrets up to %d, %d items", last, secrets, highest, work)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSQLiteRefusesNewerDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	makeNewer(t, "sqlite:"+path)
	before := readFile(t, path)
	_, err := Open(t.Context(), "sqlite:"+path, Options{})
	wantOpenError(t, err, searchpack.ErrConflict, path, "the database is at schema 999, this program knows 9: use a newer searchpack")
	if !bytes.Equal(before, readFile(t, path)) {
		t.Error("the file has changed")
	}
}

// makeNewer makes a database of a later program.
func makeNewer(t *testing.T, dsn string) {
	t.Helper()
	s := open(t, dsn, Options{NoListen: true})
	if _, err := s.write.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, $1)", true); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantOpenError fails unless err is one line with the code and all words, without a password.
func wantOpenError(t *testing.T, err error, code searchpack.Code, words ...string) {
	t.Helper()
	if searchpack.ErrorCode(err) != code {
		t.Fatalf("error %v has code %q, want %q", err, searchpack.ErrorCode(err), code)
	}
	if strings.ContainsAny(err.Error(), "\n\t") {
		t.Errorf("%q is more than one line", err)
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("%q holds the password", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestSQLiteCannotOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	noDatabase := filepath.Join(dir, "text")
	if err := os.WriteFile(noDatabase, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, words string
		code              searchpack.Code
	}{
		{"no folder", filepath.Join(dir, "none", "store.db"), "no such file or directory", searchpack.ErrUnavailable},
		{"the folder is a file", filepath.Join(noDatabase, "store.db"), "not a directory", searchpack.ErrUnavailable},
		{"the file is a folder", dir, "is a directory", searchpack.ErrUnavailable},
		{"no SQLite file", noDatabase, "it is not a SQLite file", searchpack.ErrUnavailable},
		{"no path", "", "names no file", searchpack.ErrInvalid},
		{"in memory", ":memory:", "names no file", searchpack.ErrInvalid},
	}
	for _, test := range tests {
		_, err := Open(t.Context(), "sqlite:"+test.path, Options{})
		wantOpenError(t, err, test.code, test.words)
	}
	if os.Getuid() != 0 { // root may write anywhere
		closed := filepath.Join(dir, "closed")
		if err := os.Mkdir(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), "sqlite:"+filepath.Join(closed, "store.db"), Options{})
		wantOpenError(t, err, searchpack.ErrUnavailable, closed, "permission denied")
	}
	_, err := Open(t.Context(), "mysql://u:geheim@h/d", Options{})
	wantOpenError(t, err, searchpack.ErrInvalid, "sqlite:", "postgres://")
}

func TestSQLiteFileNamesAndModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a?b#c %20&_txlock=x'.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, "sqlite:"+path, Options{})
	putSecret(t, s, "n")
	found := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		info, err := d.Info()
		if err == nil && (info.Mode().Perm() != 0o600 || !strings.HasPrefix(p, path)) {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		return err
	})
	if err != nil || found < 2 {
		t.Errorf("%d files (%v), want the database and its journal", found, err)
	}
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{})
	for _, test := range []struct {
		db           *sql.DB
		pragma, want string
	}{
		{s.write, "journal_mode", "wal"}, {s.write, "synchronous", "2"}, {s.write, "foreign_keys", "1"},
		{s.write, "busy_timeout", "10000"}, {s.write, "query_only", "0"},
		{s.read, "journal_mode", "wal"}, {s.read, "busy_timeout", "10000"}, {s.read, "query_only", "1"},
	} {
		var got string
		if err := test.db.QueryRow("PRAGMA " + test.pragma).Scan(&got); err != nil || got != test.want {
			t.Errorf("%s is %q (%v), want %q", test.pragma, got, err, test.want)
		}
	}
}

func putSecret(t *testing.T, s searchpack.Store, name string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx searchpack.Tx) error { return tx.PutSecret(t.Context(), name, []byte{1}) })
	if err != nil {
		t.Fatal(err)
	}
}

// SQLite rolls back by itself when the disk is full. A function that does not care must not
// commit what it writes after that.
func TestSQLiteFullDisk(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{})
	limit := func(pages string) {
		t.Helper()
		if _, err := s.write.Exec("PRAGMA max_page_count = " + pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // means: no page more than there are
	err := s.Update(ctx, func(tx searchpack.Tx) error {
		if err := tx.PutSecret(ctx, "before", []byte{1}); err != nil {
			return err
		}
		if err := tx.PutSecret(ctx, "big", make([]byte, 1<<20)); err == nil {
			t.Error("the disk is not full")
		}
		tx.PutSecret(ctx, "after", []byte{1}) //nolint:errcheck // the point
		return nil
	})
	if searchpack.ErrorCode(err) != searchpack.ErrUnavailable || !strings.Contains(searchpack.ErrorMessage(err), "full") {
		t.Errorf("Update returned %v", err)
	}
	limit("1000000")
	putSecret(t, s, "later")
	var names string
	if err := s.read.QueryRow("SELECT group_concat(name) FROM authority").Scan(&names); err != nil || names != "later" {
		t.Errorf("there are %q (%v), want later only", names, err)
	}
}

// Two processes on one file, a mistake or a shell beside the server: both work, none is refused.
func TestSQLiteTwoStores(t *testing.T) {
	t.Parallel()
	const stores, rounds = 3, 15
	path := filepath.Join(t.TempDir(), "store.db")
	add := func(s *Store) error {
		return s.Update(t.Context(), func(tx searchpack.Tx) error {
			b, err := tx.Secret(t.Context(), "n")
			if err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
				return err
			}
			return tx.PutSecret(t.Context(), "n", append(b, 1))
		})
	}
	var all sync.WaitGroup
	for range stores {
		all.Go(func() {
			s, err := Open(t.Context(), "sqlite:"+path, Options{}) // a new file, at the same moment
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for range rounds {
				if err := add(s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	var n int
	s := open(t, "sqlite:"+path, Options{})
	err := s.View(t.Context(), func(tx searchpack.Tx) error {
		b, err := tx.Secret(t.Context(), "n")
		n = len(b)
		return err
	})
	if err != nil || n != stores*rounds {
		t.Errorf("%d of %d increments are there (%v)", n, stores*rounds, err)
	}
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.View(t.Context(), func(searchpack.Tx) error { return nil }); err == nil {
		t.Error("a closed store still reads")
	}
}
