package sqlstore

import (
	"context"
	"math"

	"github.com/searchpack/searchpack"
)

const (
	credentialRest = "account, name, sealed, created_at"
	credentialRows = "SELECT access_key, " + credentialRest + " FROM credential"
	eventRest      = "at, account, region, actor, action, subject, detail"
)

// PutCredential inserts or replaces.
func (t *tx) PutCredential(ctx context.Context, c *searchpack.Credential) error {
	_, err := t.exec(ctx, upsert("credential", "access_key", credentialRest),
		c.AccessKey, c.Account, c.Name, sealed(c.Sealed), micros(c.CreatedAt))
	return err
}

func scanCredential(row scanner) (*searchpack.Credential, error) {
	var c searchpack.Credential
	err := row.Scan(&c.AccessKey, &c.Account, &c.Name, sealedText{&c.Sealed}, microTime{&c.CreatedAt})
	return &c, err
}

// Credential returns a credential.
func (t *tx) Credential(ctx context.Context, accessKey string) (*searchpack.Credential, error) {
	return one(ctx, t, "credential", accessKey, scanCredential, credentialRows+" WHERE access_key = $1", accessKey)
}

// Credentials returns all, by access key.
func (t *tx) Credentials(ctx context.Context) ([]*searchpack.Credential, error) {
	return list(ctx, t, scanCredential, credentialRows+" ORDER BY access_key")
}

// PutSecret inserts or replaces.
func (t *tx) PutSecret(ctx context.Context, name string, b []byte) error {
	_, err := t.exec(ctx, upsert("authority", "name", "sealed"), name, sealed(b))
	return err
}

// Secret returns a sealed document.
func (t *tx) Secret(ctx context.Context, name string) ([]byte, error) {
	return one(ctx, t, "secret", name, func(row scanner) (b []byte, err error) {
		err = row.Scan(sealedText{&b})
		return b, err
	}, "SELECT sealed FROM authority WHERE name = $1", name)
}

// AddEvent appends to the audit log and sets e.ID, which counts once the transaction has committed.
func (t *tx) AddEvent(ctx context.Context, e *searchpack.Event) error {
	return t.row(ctx, []any{&e.ID}, "INSERT INTO event (seq, "+eventRest+") VALUES ("+t.s.d.nextSeq("event")+", "+
		params(1, columns(eventRest))+") RETURNING seq",
		micros(e.At), e.Account, e.Region, e.Actor, e.Action, e.Subject, e.Detail)
}

// Events returns the newest limit (0 = all) with an id below before (0 = from the newest), newest
// first.
func (t *tx) Events(ctx context.Context, account, region string, before int64, limit int) ([]*searchpack.Event, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return list(ctx, t, func(row scanner) (*searchpack.Event, error) {
		var e searchpack.Event
		err := row.Scan(&e.ID, microTime{&e.At}, &e.Account, &e.Region, &e.Actor, &e.Action, &e.Subject, &e.Detail)
		return &e, err
	}, "SELECT seq, "+eventRest+" FROM event WHERE account = $1 AND region = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4",
		account, region, before, upper(limit))
}
