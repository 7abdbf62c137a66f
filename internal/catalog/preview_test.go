package catalog

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// previewable is a domain whose index shop uses a package, v1 of which serves while v2 is there.
func previewable(t *testing.T, wait time.Duration) (*bench, *searchpack.Package) {
	t.Helper()
	b, p := inState(t, searchpack.Active, 1, 1, "")
	b.previewWait = wait
	b.update(func(tx searchpack.Tx) error {
		return tx.PutUsage(t.Context(), b.who.Key("products"), &searchpack.Usage{Uses: []searchpack.Use{{
			PackageID: p.ID, UserKind: searchpack.UserIndex, Name: "shop", Component: "filter.syn", Analyzers: []string{"srch"},
			Witnesses: []searchpack.WitnessPoint{{Analyzer: "srch", Body: `{"filter":"` + searchpack.PathMark + `"}`}},
		}}})
	})
	b.work()
	return b, p
}

func (b *bench) previews() []*searchpack.Preview {
	b.t.Helper()
	var all []*searchpack.Preview
	err := b.store.View(b.t.Context(), func(tx searchpack.Tx) (err error) {
		all, err = tx.Previews(b.t.Context(), b.who.Key("products"))
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// answers gives the first preview that comes an answer, as the runner does for a node.
func (b *bench) answers(live string, r *searchpack.PreviewReport) (asked chan *searchpack.Preview) {
	asked = make(chan *searchpack.Preview, 1)
	go func() {
		defer close(asked)
		for b.t.Context().Err() == nil {
			err := b.store.Update(b.t.Context(), func(tx searchpack.Tx) error {
				all, err := tx.Previews(b.t.Context(), b.who.Key("products"))
				if err != nil || len(all) == 0 {
					return err
				}
				p := *all[0]
				p.Node, p.LiveID, p.Answer = "n1", live, r
				if err := tx.PutPreview(b.t.Context(), &p); err != nil {
					return err
				}
				select {
				case asked <- all[0]:
				default: // the transaction is run again
				}
				return nil
			})
			if err != nil || len(asked) > 0 {
				return
			}
		}
	}()
	return asked
}

func TestPreview(t *testing.T) {
	t.Parallel()
	b, p := previewable(t, time.Minute)
	live := b.association(p).ServingID
	answer := &searchpack.PreviewReport{After: &searchpack.Tokens{Tokens: []searchpack.Token{{Text: "notebook"}}}}
	asked := b.answers(live, answer)
	v, err := b.Preview(t.Context(), b.who, "products", PreviewInput{PackageID: p.ID, Index: "shop", Text: "laptop"})
	if err != nil {
		t.Fatal(err)
	}
	row := <-asked
	if row.VersionID != p.AvailableID || row.Analyzer != "srch" || row.Text != "laptop" || !row.ExpiresAt.Equal(b.now.Add(searchpack.PreviewLife)) || row.Answer != nil {
		t.Errorf("asked %+v", row)
	}
	if v.Version.Number != 2 || v.Live == nil || v.Live.Number != 1 || v.Node != "n1" || v.Answer.After.Tokens[0].Text != "notebook" {
		t.Errorf("%+v", v)
	}
	if left := b.previews(); len(left) > 0 {
		t.Errorf("text and tokens are kept: %+v", left[0])
	}
	if got := b.work(); len(got) != 1 {
		t.Errorf("work %v, want one reconcile", got)
	}
	if e := b.newest(1)[0]; e.Action != "PreviewPackage" || e.Subject != p.ID+" products" || e.Detail != "v2 index shop analyzer srch" {
		t.Errorf("audited %+v", e)
	}
}

// Whatever becomes of it, nothing is kept; only what was shown is audited.
func TestPreviewWithoutAnswer(t *testing.T) {
	t.Parallel()
	b, p := previewable(t, time.Millisecond)
	in := PreviewInput{PackageID: p.ID, Index: "shop", Text: "laptop", Number: 1}
	before := b.newest(1)[0].ID
	_, err := b.Preview(t.Context(), b.who, "products", in)
	wantCode(t, err, searchpack.ErrUnavailable)
	if !strings.Contains(err.Error(), "No node of domain products has answered within 1ms: no node of the domain can be asked now") {
		t.Error(err)
	}
	b.previewWait = time.Minute
	asked := b.answers("", &searchpack.PreviewReport{Refused: "OpenSearch answers /_analyze with 400: bad rule."})
	_, err = b.Preview(t.Context(), b.who, "products", in)
	wantCode(t, err, searchpack.ErrConflict)
	if <-asked; !strings.HasSuffix(err.Error(), "Node n1 gives no tokens of index shop, analyzer srch: OpenSearch answers /_analyze with 400: bad rule.") {
		t.Error(err)
	}
	gone, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = b.Preview(gone, b.who, "products", in); err == nil {
		t.Error("a caller who left is answered")
	}
	if left := b.previews(); len(left) > 0 {
		t.Errorf("%d previews are kept", len(left))
	}
	if after := b.newest(1)[0]; after.ID != before {
		t.Errorf("audited %+v", after)
	}
}

func TestPreviewRefusals(t *testing.T) {
	t.Parallel()
	b, p := previewable(t, time.Millisecond)
	for name, c := range map[string]struct {
		who    searchpack.Caller
		domain string
		edit   func(in *PreviewInput)
		want   searchpack.Code
	}{
		"no text":         {edit: func(in *PreviewInput) { in.Text = "" }, want: searchpack.ErrInvalid},
		"a long text":     {edit: func(in *PreviewInput) { in.Text = strings.Repeat("x", searchpack.MaxPreviewText+1) }, want: searchpack.ErrInvalid},
		"no UTF-8":        {edit: func(in *PreviewInput) { in.Text = "\xff" }, want: searchpack.ErrInvalid},
		"no index":        {edit: func(in *PreviewInput) { in.Index = "" }, want: searchpack.ErrInvalid},
		"another index":   {edit: func(in *PreviewInput) { in.Index = "x" }, want: searchpack.ErrInvalid},
		"no version":      {edit: func(in *PreviewInput) { in.Number = 9 }, want: searchpack.ErrNotFound},
		"no package":      {edit: func(in *PreviewInput) { in.PackageID = "F000000001" }, want: searchpack.ErrNotFound},
		"no domain":       {domain: "nix", want: searchpack.ErrNotFound},
		"another account": {who: stranger, want: searchpack.ErrNotFound},
	} {
		in := PreviewInput{PackageID: p.ID, Index: "shop", Text: "laptop"}
		if c.edit != nil {
			c.edit(&in)
		}
		if c.domain == "" {
			c.domain = "products"
		}
		if c.who.Account == "" {
			c.who = b.who
		}
		_, err := b.Preview(t.Context(), c.who, c.domain, in)
		if searchpack.ErrorCode(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := b.Preview(t.Context(), b.who, "products", PreviewInput{PackageID: b.pkg("copying").ID, Index: "shop", Text: "x"})
	wantCode(t, err, searchpack.ErrInvalid)
}

// A plugin makes nothing of a text: that is said, whatever nodes the domain has.
func TestPreviewOfAPlugin(t *testing.T) {
	t.Parallel()
	b, p := previewable(t, time.Second)
	b.asPlugin(p, nil, searchpack.PluginProperties{}, searchpack.PluginProperties{})
	for _, filesOnly := range []bool{false, true} {
		b.update(func(tx searchpack.Tx) error {
			d, err := tx.Domain(t.Context(), b.who.Key("products"))
			if err != nil {
				return err
			}
			d.FilesOnly = filesOnly
			return tx.PutDomain(t.Context(), d)
		})
		_, err := b.Preview(t.Context(), b.who, "products", PreviewInput{PackageID: p.ID, Index: "shop", Text: "tv"})
		wantCode(t, err, searchpack.ErrUnsupported)
		if !strings.Contains(searchpack.ErrorMessage(err), "is a ZIP-PLUGIN: only dictionaries") {
			t.Errorf("files only %v: %v", filesOnly, err)
		}
	}
	if left := b.previews(); len(left) > 0 {
		t.Errorf("left %+v", left)
	}
}
