package sqlstore

import (
	"context"
	"database/sql"
	"errors"
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
	}, "SELECT seq, "+eventRest+" FROM event WHERE account = $1 AND region = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4",
		account, region, before, upper(limit))
}

// DeleteEvents deletes up to limit events older than before, oldest first.
func (t *tx) DeleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := t.exec(ctx, "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE at < $1 ORDER BY at, seq LIMIT $2)",
		micros(before), upper(limit))
	return int(n), err
}

// BlobDoomed returns since when the blob is to be deleted, the zero time if it is not.
func (t *tx) BlobDoomed(ctx context.Context, d searchpack.Digest) (time.Time, error) {
	var since time.Time
	err := t.row(ctx, []any{microTime{&since}}, "SELECT since_at FROM doomed_blob WHERE digest = $1", string(d))
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return since, err
}

// DoomBlob marks the blob for deletion; the zero time takes the mark off.
func (t *tx) DoomBlob(ctx context.Context, d searchpack.Digest, since time.Time) error {
	if since.IsZero() {
		_, err := t.exec(ctx, "DELETE FROM doomed_blob WHERE digest = $1", string(d))
		return err
	}
	_, err := t.exec(ctx, upsert("doomed_blob", "digest", "since_at"), string(d), micros(since))
	return err
}
