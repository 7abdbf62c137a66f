package sqlstore

import (
	"context"
	"math"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	credentialRest = "account, name, sealed, created_at, policies, operator, inactive, session_hash, expires_at"
	credentialRows = "SELECT access_key, " + credentialRest + " FROM credential"
	eventRest      = "at, account, region, actor, action, subject, detail, result, access_key, source_ip, request_id"
)

// PutCredential inserts or replaces.
func (t *tx) PutCredential(ctx context.Context, c *searchpack.Credential) error {
	var docs [1]string
	if err := jsonTexts(docs[:], c.Policies); err != nil {
		return err
	}
	_, err := t.exec(ctx, upsert("credential", "access_key", credentialRest),
		c.AccessKey, c.Account, c.Name, sealed(c.Sealed), micros(c.CreatedAt), docs[0], flag(c.Operator), flag(c.Inactive),
		string(c.SessionHash), micros(c.ExpiresAt))
	return err
}

func scanCredential(row scanner) (*searchpack.Credential, error) {
	var c searchpack.Credential
	err := row.Scan(&c.AccessKey, &c.Account, &c.Name, sealedText{&c.Sealed}, microTime{&c.CreatedAt},
		jsonDoc{&c.Policies}, flagOf{&c.Operator}, flagOf{&c.Inactive}, &c.SessionHash, microTime{&c.ExpiresAt})
	return &c, err
}

// Credential returns a credential.
func (t *tx) Credential(ctx context.Context, accessKey string) (*searchpack.Credential, error) {
	return one(ctx, t, "credential", accessKey, scanCredential, credentialRows+" WHERE access_key = $1", accessKey)
}

// Credentials returns all, by account, name, access key.
func (t *tx) Credentials(ctx context.Context) ([]*searchpack.Credential, error) {
	return list(ctx, t, scanCredential, credentialRows+" ORDER BY account, name, access_key")
}

// DeleteCredential deletes a credential.
func (t *tx) DeleteCredential(ctx context.Context, accessKey string) error {
	return t.remove(ctx, "credential", accessKey, "DELETE FROM credential WHERE access_key = $1", accessKey)
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
		micros(e.At), e.Account, e.Region, e.Actor, e.Action, e.Subject, e.Detail, e.Result, e.AccessKey, e.SourceIP, e.RequestID)
}

// Events returns the newest limit (0 = all) with an id below before (0 = from the newest), newest
// first.
func (t *tx) Events(ctx context.Context, account, region string, before int64, limit int) ([]*searchpack.Event, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return list(ctx, t, func(row scanner) (*searchpack.Event, error) {
		var e searchpack.Event
		err := row.Scan(&e.ID, microTime{&e.At}, &e.Account, &e.Region, &e.Actor, &e.Action, &e.Subject, &e.Detail,
			&e.Result, &e.AccessKey, &e.SourceIP, &e.RequestID)
		return &e, err
	}, "SELECT seq, "+eventRest+" FROM event WHERE account = $1 AND region = $2 AND seq < $3 ORDER BY seq DESC"+atMost(limit),
		account, region, before)
}

// DeleteEvents deletes up to limit events older than before, oldest first.
func (t *tx) DeleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := t.exec(ctx, "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE at < $1 ORDER BY at, seq"+atMost(limit)+")",
		micros(before))
	return int(n), err
}

const doomRow = "digest, since_at, condemned_at"

func scanDoom(row scanner) (m searchpack.Doom, err error) {
	err = row.Scan(&m.Digest, microTime{&m.Since}, microTime{&m.Condemned})
	return m, err
}

// Doom returns the mark of the blob, with a zero Since if there is none.
func (t *tx) Doom(ctx context.Context, d searchpack.Digest) (searchpack.Doom, error) {
	all, err := list(ctx, t, scanDoom, "SELECT "+doomRow+" FROM doomed_blob WHERE digest = $1", string(d))
	if err != nil || len(all) == 0 {
		return searchpack.Doom{Digest: d}, err
	}
	return all[0], nil
}

// PutDoom keeps the mark; one with a zero Since takes it off.
func (t *tx) PutDoom(ctx context.Context, m searchpack.Doom) error {
	if m.Since.IsZero() {
		_, err := t.exec(ctx, "DELETE FROM doomed_blob WHERE digest = $1", string(m.Digest))
		return err
	}
	_, err := t.exec(ctx, upsert("doomed_blob", "digest", "since_at, condemned_at"), string(m.Digest), micros(m.Since), micros(m.Condemned))
	return err
}

// Dooms returns the marks of digests greater than after, by digest, up to limit.
func (t *tx) Dooms(ctx context.Context, after searchpack.Digest, limit int) ([]searchpack.Doom, error) {
	return list(ctx, t, scanDoom, "SELECT "+doomRow+" FROM doomed_blob WHERE digest > $1 ORDER BY digest"+atMost(limit), string(after))
}

// rescue takes the mark off a blob that a version is about to name, or refuses while the blob may be
// vanishing.
func (t *tx) rescue(ctx context.Context, d searchpack.Digest) error {
	if _, err := t.exec(ctx, "DELETE FROM doomed_blob WHERE digest = $1 AND condemned_at = 0", string(d)); err != nil {
		return err
	}
	m, err := t.Doom(ctx, d)
	if err != nil || m.Since.IsZero() {
		return err
	}
	return searchpack.Errorf(searchpack.ErrUnavailable, "the blob %s is just being deleted, because nothing named it any more: try again in a moment", d.Short())
}
