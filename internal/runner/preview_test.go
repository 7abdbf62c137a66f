package runner

import (
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

func (b *bench) previews() []*searchpack.Preview {
	b.t.Helper()
	var all []*searchpack.Preview
	err := b.store.View(b.t.Context(), func(tx searchpack.Tx) (err error) {
		all, err = tx.Previews(b.t.Context(), key)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// What a node answered is written, and what is over goes, at the time that the work asked for.
func TestPreviewsAreAnsweredAndForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.untilActive(1)
	ends := b.now.Add(searchpack.PreviewLife)
	b.update(func(tx searchpack.Tx) error {
		return tx.PutPreview(t.Context(), &searchpack.Preview{
			ID: "p", Domain: key, PackageID: "F1", VersionID: "v", Body: "{}", Text: "x", CreatedAt: b.now, ExpiresAt: ends,
		})
	})
	if res := b.reconcile(func() {}); !res.At.Equal(ends) {
		t.Errorf("again at %s, want %s", res.At, ends)
	}
	if p := b.previews(); len(p) != 1 || p[0].Answer != nil {
		t.Fatalf("before the answer %+v", p)
	}
	b.answer(&searchpack.PreviewReport{Refused: "because"})
	b.reconcile(func() {})
	if p := b.previews(); len(p) != 1 || p[0].Answer == nil || p[0].Answer.Refused != "because" || p[0].Node != "n1" {
		t.Fatalf("after the answer %+v", p)
	}
	b.now = ends
	b.reconcile(func() {})
	if p := b.previews(); len(p) > 0 {
		t.Errorf("at its end %+v", p[0])
	}
}

// A caller who has been told takes the preview away while the worker decides about it.
func TestPreviewGoesMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.untilActive(1)
	b.update(func(tx searchpack.Tx) error {
		return tx.PutPreview(t.Context(), &searchpack.Preview{ID: "p", Domain: key, CreatedAt: b.now, ExpiresAt: b.now})
	})
	b.reconcile(func() {
		b.update(func(tx searchpack.Tx) error { return tx.DeletePreview(t.Context(), "p") })
	})
	if p := b.previews(); len(p) > 0 {
		t.Errorf("it is back: %+v", p[0])
	}
}

// answer has node n1, which was asked, report.
func (b *bench) answer(r *searchpack.PreviewReport) {
	b.t.Helper()
	b.update(func(tx searchpack.Tx) error {
		ctx := b.t.Context()
		a, err := tx.Agent(ctx, "n1")
		if err != nil {
			return err
		}
		o := a.Order
		o.Duties = append(o.Duties, searchpack.Duty{ID: "preview/p/x", Kind: searchpack.DutyPreview, Preview: &searchpack.PreviewTask{PackageID: "F1"}})
		rep := *a.Report
		rep.Seq, rep.Duties = rep.Seq+int64(time.Hour), []searchpack.DutyResult{{ID: "preview/p/x", Done: true, Preview: r}}
		if err := tx.PutOrder(ctx, "n1", &o); err != nil {
			return err
		}
		return tx.PutReport(ctx, "n1", &rep, b.now)
	})
}
