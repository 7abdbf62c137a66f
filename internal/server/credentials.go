package server

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/sigv4"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/extapi"
)

// Access keys have AWS's length, and say what they are as AWS's do: lasting or temporary.
const (
	lastingPrefix   = "SPKA"
	temporaryPrefix = "SPKT"
)

// newAccessKey returns an access key of 20 characters, 80 random bits of it.
func newAccessKey(prefix string) string {
	raw := make([]byte, 10)
	rand.Read(raw) // never fails (crypto/rand)
	return prefix + base32.StdEncoding.EncodeToString(raw)
}

// newSecret returns 240 random bits in 40 characters, as many as AWS's secrets have.
func newSecret() string {
	raw := make([]byte, 30)
	rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// newKey makes a key, its secret sealed, and a session token if it is temporary.
func (s *Server) newKey(temporary bool) extapi.Key {
	k := extapi.Key{Secret: newSecret(), SealedKey: catalog.SealedKey{AccessKey: newAccessKey(lastingPrefix)}}
	if temporary {
		k.AccessKey = newAccessKey(temporaryPrefix)
		k.SessionToken = newSecret() + newSecret()
		k.SessionHash = searchpack.DigestOf([]byte(k.SessionToken))
	}
	k.Sealed = s.key.Seal([]byte(k.Secret), k.AccessKey)
	return k
}

// authenticate verifies a request's signature against the stored credentials.
func (s *Server) authenticate(r *http.Request, body []byte) (searchpack.Caller, error) {
	return sigv4.Verify(r, body, s.credential, sigv4.Options{Now: s.cfg.Now()})
}

// credential looks up what an access key stands for. One that is switched off is unknown.
func (s *Server) credential(ctx context.Context, accessKey string) (sigv4.Credential, error) {
	var c *searchpack.Credential
	err := s.store.View(ctx, func(tx searchpack.Tx) (err error) {
		c, err = tx.Credential(ctx, accessKey)
		return err
	})
	switch {
	case err != nil:
		return sigv4.Credential{}, err
	case c.Inactive:
		return sigv4.Credential{}, searchpack.Errorf(searchpack.ErrNotFound, "The access key %s is inactive.", accessKey)
	}
	secret, err := s.key.Open(c.Sealed, c.AccessKey)
	if err != nil {
		return sigv4.Credential{}, fmt.Errorf("the sealed secret of %s does not open: %w", c.AccessKey, err)
	}
	return sigv4.Credential{
		Account: c.Account, User: c.Name, ARN: c.ARN(), Secret: string(secret), Policies: c.Policies,
		Operator: c.Operator, SessionHash: c.SessionHash, ExpiresAt: c.ExpiresAt,
	}, nil
}

// noteTime bounds how long a refused call is held up by its event.
const noteTime = 10 * time.Second

// noteRefused adds the event of a mutating call that failed. The call's own transaction is gone, so
// it has one of its own; the caller's going away does not stop it.
func (s *Server) noteRefused(ctx context.Context, e searchpack.Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if e.At.IsZero() {
		e.At = s.now()
	}
	if err := s.store.Update(ctx, func(tx searchpack.Tx) error {
		added := e
		return tx.AddEvent(ctx, &added)
	}); err != nil {
		s.log.Error("a failed call is not in the audit log", "action", e.Action, "actor", e.Actor, "result", e.Result,
			"request_id", e.RequestID, "error", err)
	}
}
