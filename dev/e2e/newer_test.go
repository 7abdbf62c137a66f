package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite" // the driver of the stack's own database
)

// TestNewerDatabase: data of a newer searchpack is refused in one line and stays as it is.
func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	u := start(t, filepath.Join(t.TempDir(), "data"))
	if code := u.signal(syscall.SIGTERM); code != 0 {
		t.Fatalf("status %d: %s", code, u.stderr.String())
	}
	file := filepath.Join(u.data, "server", "searchpack.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{program, "up", "--port", "0", "--opensearch", "none", "--data", u.data},
		{client, "server", "--data", filepath.Dir(file), "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0"},
	} {
		code, out := execute(t, args[0], args[1:]...)
		if code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "the database is at schema 999") {
			t.Errorf("%v: status %d\n%s", args[1:], code, out)
		}
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the database was changed (%v)", err)
	}
	gone(t, u.data, nil)
	nothingBelow(t, u.data)
}
