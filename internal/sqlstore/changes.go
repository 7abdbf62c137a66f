package sqlstore

import (
	"context"

	"github.com/searchpack/searchpack"
)

const (
	changeRest = "account, region, domain, started_at, ended_at, doc"
	changeRows = "SELECT doc FROM domain_change" + ofDomain
)

// keptChanges is how many ended changes of a domain stay: what an upgrade history is asked for.
const keptChanges = 100

// changeDoc is how a change is stored.
type changeDoc struct {
	Schema int                     `json:"schema"` // 1
	Change searchpack.DomainChange `json:"change"`
}

// PutChange inserts or replaces; ErrNotFound if the domain is gone. Of the ended changes of the
// domain the newest stay.
func (t *tx) PutChange(ctx context.Context, c *searchpack.DomainChange) error {
	doc, err := jsonText(&changeDoc{Schema: 1, Change: *c})
	if err != nil {
		return err
	}
	k := c.Domain
	err = t.put(ctx, "domain", k.String(), t.s.d.upsertSeq("domain_change", "id", changeRest),
		c.ID, k.Account, k.Region, k.Name, micros(c.StartedAt), micros(c.EndedAt), doc)
	if err != nil || c.EndedAt.IsZero() {
		return err
	}
	_, err = t.exec(ctx, "DELETE FROM domain_change WHERE id IN (SELECT id FROM domain_change"+ofDomain+
		" AND ended_at > 0 ORDER BY started_at DESC, seq DESC"+atMost(0)+" OFFSET $4)",
		k.Account, k.Region, k.Name, keptChanges)
	return err
}

// Changes of a domain, the newest limit, newest first.
func (t *tx) Changes(ctx context.Context, k searchpack.DomainKey, limit int) ([]*searchpack.DomainChange, error) {
	return list(ctx, t, func(row scanner) (*searchpack.DomainChange, error) {
		var d changeDoc
		err := row.Scan(jsonDoc{&d})
		return &d.Change, err
	}, changeRows+" ORDER BY started_at DESC, seq DESC"+atMost(limit), k.Account, k.Region, k.Name)
}
