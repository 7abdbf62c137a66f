package sqlstore

import (
	"context"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	domainKeys = "account, region, name"
	domainRest = "id, engine_version, options, nodes, files_only, policy, created_at, deleted_at, stamps, tags, watch, saved"
)

// PutDomain inserts or replaces.
func (t *tx) PutDomain(ctx context.Context, d *searchpack.Domain) error {
	var docs [5]string
	if err := jsonTexts(docs[:], &d.Policy, d.Stamps, d.Tags, &d.Watch, d.Saved); err != nil {
		return err
	}
	_, err := t.exec(ctx, upsert("domain", domainKeys, domainRest),
		d.Account, d.Region, d.Name, d.ID, d.EngineVersion, d.Options, d.Nodes, flag(d.FilesOnly), docs[0],
		micros(d.CreatedAt), micros(d.DeletedAt), docs[1], docs[2], docs[3], docs[4])
	return err
}

func scanDomain(row scanner) (*searchpack.Domain, error) {
	var d searchpack.Domain
	err := row.Scan(append(domainColumns(&d.DomainKey), &d.ID, &d.EngineVersion, &d.Options, &d.Nodes,
		flagOf{&d.FilesOnly}, jsonDoc{&d.Policy}, microTime{&d.CreatedAt}, microTime{&d.DeletedAt},
		jsonDoc{&d.Stamps}, jsonDoc{&d.Tags}, jsonDoc{&d.Watch}, jsonDoc{&d.Saved})...)
	return &d, err
}

// Domain returns a domain.
func (t *tx) Domain(ctx context.Context, k searchpack.DomainKey) (*searchpack.Domain, error) {
	return one(ctx, t, "domain", k.String(), scanDomain, "SELECT "+domainKeys+", "+domainRest+
		" FROM domain WHERE account = $1 AND region = $2 AND name = $3", k.Account, k.Region, k.Name)
}

// Domains returns those of an account and region by name, with both "" all.
func (t *tx) Domains(ctx context.Context, account, region string) ([]*searchpack.Domain, error) {
	var w where
	if account != "" || region != "" {
		w.add("account = %s", account)
		w.add("region = %s", region)
	}
	return list(ctx, t, scanDomain, "SELECT "+domainKeys+", "+domainRest+" FROM domain"+w.String()+
		" ORDER BY name, account, region", w.args...)
}

// DeleteDomain deletes the domain; what hangs on it goes by foreign key.
func (t *tx) DeleteDomain(ctx context.Context, k searchpack.DomainKey) error {
	return t.remove(ctx, "domain", k.String(), "DELETE FROM domain WHERE account = $1 AND region = $2 AND name = $3",
		k.Account, k.Region, k.Name)
}

// usageDoc is how usage is stored.
type usageDoc struct {
	Schema int               `json:"schema"` // 1
	Usage  *searchpack.Usage `json:"usage"`
}

// PutUsage inserts or replaces; ErrNotFound if the domain is gone.
func (t *tx) PutUsage(ctx context.Context, k searchpack.DomainKey, u *searchpack.Usage) error {
	stored := *u
	stored.At = u.At.UTC().Truncate(time.Microsecond)
	doc, err := jsonText(&usageDoc{Schema: 1, Usage: &stored})
	if err != nil {
		return err
	}
	return t.put(ctx, "domain", k.String(), upsert("usage", "account, region, domain", "doc"), k.Account, k.Region, k.Name, doc)
}

// Usage returns the latest; ErrNotFound before the first.
func (t *tx) Usage(ctx context.Context, k searchpack.DomainKey) (*searchpack.Usage, error) {
	doc, err := one(ctx, t, "usage of domain", k.String(), func(row scanner) (d usageDoc, err error) {
		err = row.Scan(jsonDoc{&d})
		return d, err
	}, "SELECT doc FROM usage"+ofDomain, k.Account, k.Region, k.Name)
	return doc.Usage, err
}
