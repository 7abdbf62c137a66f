package catalog

import (
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func TestSBOM(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.imported(b.pkg("lemmas"))
	_, err := b.SBOM(t.Context(), b.who, p.ID, 0)
	if searchpack.ErrorCode(err) != searchpack.ErrNotFound || !strings.Contains(err.Error(), "plugins have one") {
		t.Errorf("none: %v", err)
	}
	b.update(func(tx searchpack.Tx) error { return tx.PutSBOM(t.Context(), p.ImportID, []byte(`{"a":1}`)) })
	for _, number := range []int{0, 1} {
		if doc, err := b.SBOM(t.Context(), b.who, p.ID, number); err != nil || string(doc) != `{"a":1}` {
			t.Errorf("v%d: %s, %v", number, doc, err)
		}
	}
	_, err = b.SBOM(t.Context(), b.who, p.ID, 9)
	if searchpack.ErrorCode(err) != searchpack.ErrNotFound || !strings.Contains(err.Error(), "no version v9") {
		t.Errorf("no such version: %v", err)
	}
}
