// Package sigv4 verifies AWS Signature Version 4 of requests: who signed, and that nothing that was
// signed has changed. It canonicalises by itself and verifies only; signing is the SDKs' business,
// whose signers are the oracle of this package's tests.
//
// It takes a request and its whole body (already read, already limited) and a lookup of
// credentials, and gives a searchpack.Caller. It decides nothing about what the caller may do. No
// error says what the signature should have been, or any part of a secret.
package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/searchpack/searchpack"
)

// DefaultSkew is how far the client's clock may be off, as AWS's own messages show.
const DefaultSkew = 5 * time.Minute

// Credential is what an access key stands for.
type Credential struct {
	Account string // 12 digits
	User    string
	ARN     string
	Secret  string
	// SessionHash is the digest of the session token that a temporary key comes with; "" for a
	// lasting key, which comes with none.
	SessionHash searchpack.Digest
	ExpiresAt   time.Time // zero = never
	Policies    []string
	Operator    bool
}

// Lookup finds the credential of an access key. An unknown one, and one that is not in use, is an
// error with code searchpack.ErrNotFound; any other error means that nobody can tell now.
type Lookup func(ctx context.Context, accessKey string) (Credential, error)

// Options say which requests are for us. Times come in through Now.
type Options struct {
	Services []string      // of the credential scope; nil = es
	Regions  []string      // nil = any well-formed one
	Now      time.Time     // the moment of the request
	Skew     time.Duration // 0 = DefaultSkew
}

// dummy is the secret that unknown access keys are checked against, so that they cost the same
// time. Nothing verifies against it: the answer is a refusal whatever comes out.
const dummy = "no such access key: this text stands where its secret would stand"

// Verify checks the request's Authorization header over the request and its body. It returns an
// *Error, which is for the client, or another error if lookup could not answer.
//
// Behind a proxy the Host header and the path must arrive as the client sent them; they are signed.
func Verify(r *http.Request, body []byte, lookup Lookup, opts Options) (searchpack.Caller, error) {
	auth, err := parse(r)
	if err != nil {
		return searchpack.Caller{}, err
	}
	if err := auth.check(r, opts); err != nil {
		return searchpack.Caller{}, err
	}
	hash, err := payloadHash(r, body)
	if err != nil {
		return searchpack.Caller{}, err
	}
	requests, err := canonicalRequests(r, auth.signedHeaders, hash)
	if err != nil {
		return searchpack.Caller{}, err
	}
	cred, lookupErr := lookup(r.Context(), auth.accessKey)
	known := lookupErr == nil && cred.Secret != ""
	if !known {
		cred = Credential{Secret: dummy}
	}
	matches := auth.matches(requests, cred.Secret)
	switch {
	case lookupErr != nil && searchpack.ErrorCode(lookupErr) != searchpack.ErrNotFound:
		return searchpack.Caller{}, fmt.Errorf("looking up an access key: %w", lookupErr)
	case !known:
		return searchpack.Caller{}, errUnrecognized
	case !matches:
		return searchpack.Caller{}, errMismatch
	}
	if err := cred.checkSession(r, opts.Now); err != nil {
		return searchpack.Caller{}, err
	}
	return searchpack.Caller{
		Account: cred.Account, Region: auth.region, AccessKey: auth.accessKey, User: cred.User, ARN: cred.ARN,
		SourceIP: sourceIP(r), Secure: r.TLS != nil, Policies: cred.Policies, Operator: cred.Operator,
	}, nil
}

// checkSession wants the session token of a temporary key, and none of a lasting one. It comes
// after the signature: only who has the secret learns that a key has expired.
func (c *Credential) checkSession(r *http.Request, now time.Time) error {
	sent := r.Header.Values(tokenHeader)
	expired := !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt)
	switch {
	case c.SessionHash == "":
		if len(sent) > 0 || expired {
			return errUnrecognized
		}
		return nil
	case len(sent) != 1:
		return errUnrecognized
	case subtle.ConstantTimeCompare([]byte(searchpack.DigestOf([]byte(sent[0]))), []byte(c.SessionHash)) != 1:
		return errUnrecognized
	case expired:
		return errExpired
	}
	return nil
}

// payloadHash hashes the body itself. A hash the client sends is checked, never believed.
func payloadHash(r *http.Request, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	ours := hex.EncodeToString(sum[:])
	for _, sent := range r.Header.Values("X-Amz-Content-Sha256") {
		if sent == "UNSIGNED-PAYLOAD" {
			return "", invalid("UNSIGNED-PAYLOAD is not accepted: the signature must cover the body.")
		}
		if subtle.ConstantTimeCompare([]byte(sent), []byte(ours)) != 1 {
			return "", invalid("The 'x-amz-content-sha256' header does not match the SHA-256 of the body that arrived.")
		}
	}
	return ours, nil
}

// matches reports whether the signature is that of any of the canonical requests. All of them are
// computed each time, so that the time taken says nothing.
func (a *authorization) matches(requests []string, secret string) bool {
	key := mac([]byte("AWS4"+secret), a.day)
	for _, part := range []string{a.region, a.service, terminator} {
		key = mac(key, part)
	}
	found := 0
	for _, request := range requests {
		found |= subtle.ConstantTimeCompare(mac(key, stringToSign(a, request)), a.signature)
	}
	return found == 1
}

func stringToSign(a *authorization, canonicalRequest string) string {
	sum := sha256.Sum256([]byte(canonicalRequest))
	return algorithm + "\n" + a.date + "\n" + a.scope() + "\n" + hex.EncodeToString(sum[:])
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

// sourceIP is the address of the connection. Forwarding headers are anybody's to write.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
