package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func testPreviews(t *testing.T, s searchpack.Store) {
	ctx := t.Context()
	putDomains(t, s, "d", "other")
	full := &searchpack.Preview{
		ID: "z", Domain: key("d"), PackageID: "F1", VersionID: "v2", Index: "shop", Analyzer: "srch", Partial: true,
		Body: `{"tokenizer":"` + searchpack.PathMark + `"}`, Text: "naïve „laptop“", CreatedAt: t0, ExpiresAt: at(searchpack.PreviewLife),
		Node: "n1", LiveID: "v1", Answer: &searchpack.PreviewReport{
			Before:  &searchpack.Tokens{Tokens: []searchpack.Token{{Text: "laptop", Position: 1}}},
			After:   &searchpack.Tokens{Tokens: []searchpack.Token{{Text: "notebook", Position: 1, Length: 2, Type: "SYNONYM"}}, More: 3},
			Refused: "because",
		},
	}
	later := &searchpack.Preview{ID: "a", Domain: key("d"), CreatedAt: at(time.Second), ExpiresAt: at(time.Minute)}
	update(t, s, func(tx searchpack.Tx) error {
		for _, p := range []*searchpack.Preview{later, full, {ID: "o", Domain: key("other"), CreatedAt: t0, ExpiresAt: t0}} {
			if err := tx.PutPreview(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	all := func() []*searchpack.Preview {
		return read(t, s, func(ctx context.Context, tx searchpack.Tx) ([]*searchpack.Preview, error) {
			return tx.Previews(ctx, key("d"))
		})
	}
	same(t, "oldest first", []*searchpack.Preview{full, later}, all())
	later.Answer, later.Node = &searchpack.PreviewReport{Refused: "no"}, "n2"
	update(t, s, func(tx searchpack.Tx) error { return tx.PutPreview(ctx, later) })
	same(t, "answered", later, read(t, s, func(ctx context.Context, tx searchpack.Tx) (*searchpack.Preview, error) {
		return tx.Preview(ctx, "a")
	}))
	update(t, s, func(tx searchpack.Tx) error { return tx.DeletePreview(ctx, "z") })
	same(t, "deleted", []*searchpack.Preview{later}, all())
}
