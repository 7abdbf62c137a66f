package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// A text is prepared once it was met, by the handle that met it, and then used.
func TestStatementsArePreparedAfterTheirFirstTransaction(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{})
	query := "SELECT sealed FROM authority WHERE name = $1"
	look := func() (known bool) {
		err := s.View(t.Context(), func(stx searchpack.Tx) error {
			known = stx.(*tx).runner(t.Context(), query).stmt != nil
			_, err := stx.Secret(t.Context(), "none")
			return err
		})
		if searchpack.ErrorCode(err) != searchpack.ErrNotFound {
			t.Fatal(err)
		}
		return known
	}
	if look() {
		t.Error("prepared before anybody asked")
	}
	if !look() {
		t.Error("not prepared after the first transaction")
	}
	if s.writeStmts.get(query) != nil {
		t.Error("prepared for the other handle, too")
	}
}

// Lists come in many lengths: what does not fit is run by its text.
func TestStatementsAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{})
	for n := range maxPrepared + 20 {
		ids := make([]string, n+1)
		for i := range ids {
			ids[i] = fmt.Sprint("F", i)
		}
		err := s.View(t.Context(), func(tx searchpack.Tx) error {
			_, err := tx.Packages(t.Context(), searchpack.PackageQuery{IDs: ids})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.readStmts.stmts); n != maxPrepared {
		t.Errorf("%d statements are kept, want %d", n, maxPrepared)
	}
}

// All connections at once meet new texts, with as many transactions open as there are connections:
// nobody waits for a connection that is waiting for him.
func TestPreparingWaitsForNobody(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 * sqliteReaders {
		wg.Go(func() {
			query := fmt.Sprintf("SELECT value + %d FROM counter WHERE name = $1", i%5)
			err := s.View(ctx, func(stx searchpack.Tx) error {
				var n int
				return stx.(*tx).row(ctx, []any{&n}, query, "work_token")
			})
			if err != nil {
				t.Error(err)
			}
			if err := s.Update(ctx, func(tx searchpack.Tx) error { return tx.PutSecret(ctx, fmt.Sprint("s", i), nil) }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
