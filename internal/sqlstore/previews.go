package sqlstore

import (
	"context"

	"github.com/searchpack/searchpack"
)

const (
	previewRest = "account, region, domain, created_at, doc"
	previewRows = "SELECT doc FROM preview"
)

// previewDoc is how a preview is stored.
type previewDoc struct {
	Schema  int                `json:"schema"` // 1
	Preview searchpack.Preview `json:"preview"`
}

// PutPreview inserts or replaces; ErrNotFound if the domain is gone.
func (t *tx) PutPreview(ctx context.Context, p *searchpack.Preview) error {
	doc, err := jsonText(&previewDoc{Schema: 1, Preview: *p})
	if err != nil {
		return err
	}
	k := p.Domain
	return t.put(ctx, "domain", k.String(), upsert("preview", "id", previewRest),
		p.ID, k.Account, k.Region, k.Name, micros(p.CreatedAt), doc)
}

func scanPreview(row scanner) (*searchpack.Preview, error) {
	var d previewDoc
	err := row.Scan(jsonDoc{&d})
	return &d.Preview, err
}

// Preview returns a preview.
func (t *tx) Preview(ctx context.Context, id string) (*searchpack.Preview, error) {
	return one(ctx, t, "preview", id, scanPreview, previewRows+" WHERE id = $1", id)
}

// Previews of a domain, oldest first.
func (t *tx) Previews(ctx context.Context, k searchpack.DomainKey) ([]*searchpack.Preview, error) {
	return list(ctx, t, scanPreview, previewRows+ofDomain+" ORDER BY created_at, id", k.Account, k.Region, k.Name)
}

// DeletePreview deletes a preview.
func (t *tx) DeletePreview(ctx context.Context, id string) error {
	return t.remove(ctx, "preview", id, "DELETE FROM preview WHERE id = $1", id)
}
