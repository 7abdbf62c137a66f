package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func testDooms(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	since := time.UnixMicro(1_700_000_000_000_001).UTC()
	marks := []searchpack.Doom{{Digest: "aa", Since: since}, {Digest: "bb", Since: since, Condemned: since.Add(time.Hour)}, {Digest: "cc", Since: since}}
	update(t, s, func(tx searchpack.Tx) error {
		for _, m := range marks {
			if err := tx.PutDoom(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	dooms := func(after searchpack.Digest, limit int) []searchpack.Doom {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]searchpack.Doom, error) {
			return tx.Dooms(ctx, after, limit)
		})
	}
	doom := func(d searchpack.Digest) searchpack.Doom {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) (searchpack.Doom, error) { return tx.Doom(ctx, d) })
	}
	same(t, "Dooms", marks, dooms("", 0))
	same(t, "Dooms of a page", marks[1:2], dooms("aa", 1))
	same(t, "Doom", marks[1], doom("bb"))
	same(t, "Doom of another", searchpack.Doom{Digest: "b"}, doom("b"))
	marks[0].Condemned = since.Add(time.Minute)
	update(t, s, func(tx searchpack.Tx) error {
		return errors.Join(tx.PutDoom(ctx, marks[0]), tx.PutDoom(ctx, searchpack.Doom{Digest: "cc"}), tx.PutDoom(ctx, searchpack.Doom{Digest: "never"}))
	})
	same(t, "Dooms after changes", marks[:2], dooms("", 0))
}

// testRescue: a version takes the mark off its blob, unless somebody may be deleting it.
func testRescue(t *testing.T, s searchpack.Store) {
	ctx, since := t.Context(), time.UnixMicro(1_700_000_000_000_000).UTC()
	v := fullVersion("v", "F1")
	put := func(condemned time.Time) error {
		update(t, s, func(tx searchpack.Tx) error {
			return errors.Join(tx.PutPackage(ctx, fullPackage("F1")), tx.PutDoom(ctx, searchpack.Doom{Digest: v.Digest, Since: since, Condemned: condemned}))
		})
		return s.Update(ctx, func(tx searchpack.Tx) error { return tx.PutVersion(ctx, v) })
	}
	if err := put(since.Add(time.Hour)); searchpack.ErrorCode(err) != searchpack.ErrUnavailable {
		t.Errorf("a version names a blob that is being deleted: %v", err)
	}
	if all := read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Version, error) {
		return tx.Versions(ctx, "F1")
	}); len(all) > 0 {
		t.Errorf("it was written: %v", all)
	}
	if err := put(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if left := read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]searchpack.Doom, error) { return tx.Dooms(ctx, "", 0) }); len(left) > 0 {
		t.Errorf("the mark is still there: %v", left)
	}
}
