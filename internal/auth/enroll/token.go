package enroll

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/searchpack/searchpack"
)

// tokenPrefix names the form, so that a later one can be told apart and scanners find leaked ones.
const tokenPrefix = "spt1"

// Token is a join token as its owner holds it.
type Token struct {
	ID        string // 16 hex digits; names the row
	Secret    string // 256 bits in base64url; never stored
	CAKeyHash string // whom the agent may talk to
}

// NewToken makes a token for the authority with that key hash.
func NewToken(caKeyHash string) Token {
	id, secret := make([]byte, 8), make([]byte, 32)
	rand.Read(id) // never fails (crypto/rand)
	rand.Read(secret)
	return Token{
		ID:        hex.EncodeToString(id),
		Secret:    base64.RawURLEncoding.EncodeToString(secret),
		CAKeyHash: caKeyHash,
	}
}

// String returns the token as it is printed once: spt1.<id>.<secret>.<key hash>, safe in URLs.
func (t Token) String() string {
	return strings.Join([]string{tokenPrefix, t.ID, t.Secret, t.CAKeyHash}, ".")
}

// SecretHash is what the server keeps of the secret.
func (t Token) SecretHash() searchpack.Digest { return searchpack.DigestOf([]byte(t.Secret)) }

// Matches reports, in constant time, whether the token's secret is the one that was hashed.
func (t Token) Matches(hash searchpack.Digest) bool {
	return subtle.ConstantTimeCompare([]byte(t.SecretHash()), []byte(hash)) == 1
}

// ParseToken reads what String wrote; white space around it is ignored. The error never holds the
// token.
func ParseToken(s string) (Token, error) {
	p := strings.Split(strings.TrimSpace(s), ".")
	if len(p) != 4 || p[0] != tokenPrefix {
		return Token{}, searchpack.Errorf(searchpack.ErrInvalid,
			"This is no join token: one looks like %s.<id>.<secret>.<key hash>. Make one with `searchpack token create`.", tokenPrefix)
	}
	t := Token{ID: p[1], Secret: p[2], CAKeyHash: p[3]}
	if b, err := hex.DecodeString(t.ID); err != nil || len(b) != 8 || t.ID != strings.ToLower(t.ID) {
		return Token{}, searchpack.Errorf(searchpack.ErrInvalid, "The id in the join token is damaged.")
	}
	for _, v := range []string{t.Secret, t.CAKeyHash} {
		if b, err := base64.RawURLEncoding.Strict().DecodeString(v); err != nil || len(b) != sha256.Size {
			return Token{}, searchpack.Errorf(searchpack.ErrInvalid, "The join token is damaged or cut off. Copy it whole.")
		}
	}
	return t, nil
}
