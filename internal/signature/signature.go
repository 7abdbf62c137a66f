// Package signature signs plugins and verifies what was signed: Ed25519 over the SHA-256 of the zip.
// It is pure; the keys come from files that the command line or the agent has read. A signature is one
// line of ASCII, so that it fits in a file beside the zip and in the metadata of an S3 object.
package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/searchpack/searchpack"
)

const (
	// MaxSize bounds what is read of a signature or a key, in bytes.
	MaxSize = 4 << 10

	// marker begins a signature, and says of which form it is.
	marker = "searchpack-ed25519-1"
	// publicMarker begins a public key.
	publicMarker = "ed25519:"
	// context keeps a signature of a plugin from being taken for one of anything else, and the reverse.
	context = "searchpack plugin 1"
)

// Public is a key that signatures are verified with.
type Public struct{ key ed25519.PublicKey }

// Private is a key that signs. It prints as its public half.
type Private struct{ key ed25519.PrivateKey }

// Generate makes a key from the random bytes.
func Generate(random io.Reader) (Private, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return Private{}, fmt.Errorf("make a key: %w", err)
	}
	return Private{ed25519.NewKeyFromSeed(seed)}, nil
}

// ParsePrivate reads a key in PEM (PKCS #8), as Encode and OpenSSL write it.
func ParsePrivate(text []byte) (Private, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil || len(bytes.TrimSpace(rest)) > 0:
		return Private{}, errors.New("it is no private key in PEM: make one with searchpack sign keygen")
	case block.Type != "PRIVATE KEY":
		return Private{}, fmt.Errorf("it is a %.40q in PEM, not a private key without a passphrase: make one with searchpack sign keygen", block.Type)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Private{}, errors.New("it is a damaged private key")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Private{}, errors.New("it is a key of another kind than Ed25519: make one with searchpack sign keygen")
	}
	return Private{key}, nil
}

// Encode writes the key in PEM.
func (p Private) Encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Public is the half that verifies.
func (p Private) Public() Public { return Public{p.key.Public().(ed25519.PublicKey)} }

// String never shows the secret half.
func (p Private) String() string { return p.Public().String() }

// GoString never shows the secret half.
func (p Private) GoString() string { return p.String() }

// ParsePublic reads "ed25519:" and 32 bytes in base64, as String writes it.
func ParsePublic(text string) (Public, error) {
	encoded, found := strings.CutPrefix(text, publicMarker)
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !found || err != nil || len(key) != ed25519.PublicKeySize {
		return Public{}, fmt.Errorf("%.100q is no public key: write what searchpack sign keygen has printed, %s and 44 characters", text, publicMarker)
	}
	return Public{key}, nil
}

// String writes the key as ParsePublic reads it.
func (p Public) String() string { return publicMarker + base64.StdEncoding.EncodeToString(p.key) }

// ID is what a signature calls its key: 16 hex digits.
func (p Public) ID() string {
	sum := sha256.Sum256(p.key)
	return hex.EncodeToString(sum[:8])
}

// Equal reports whether both are one key.
func (p Public) Equal(o Public) bool { return p.key.Equal(o.key) }

// message is what is signed. Digest is checked by its type's parser, so that no two digests give one
// message.
func message(d searchpack.Digest) []byte { return []byte("sha256 " + string(d)) }

var options = &ed25519.Options{Context: context}

// Sign signs the zip with the digest, and returns the line.
func Sign(key Private, zip searchpack.Digest) (string, error) {
	if _, err := searchpack.ParseDigest(string(zip)); err != nil {
		return "", err
	}
	sig, err := key.key.Sign(nil, message(zip), options)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return strings.Join([]string{marker, key.Public().ID(), base64.StdEncoding.EncodeToString(sig)}, " "), nil
}

// Signature is a line that was read. It proves nothing until it is verified.
type Signature struct {
	KeyID string
	bytes []byte
}

// Parse reads a line that Sign wrote. Blanks around it do not count.
func Parse(line string) (Signature, error) {
	fields := strings.Split(strings.TrimSpace(line), " ")
	if len(line) > MaxSize || len(fields) != 3 || fields[0] != marker {
		return Signature{}, fmt.Errorf("it is no signature of this form (%s, the id of a key, 88 characters): sign the plugin with searchpack sign", marker)
	}
	id, idErr := hex.DecodeString(fields[1])
	sig, err := base64.StdEncoding.Strict().DecodeString(fields[2])
	if idErr != nil || err != nil || len(id) != 8 || fields[1] != strings.ToLower(fields[1]) || len(sig) != ed25519.SignatureSize {
		return Signature{}, errors.New("it is a damaged signature: sign the plugin with searchpack sign")
	}
	return Signature{KeyID: fields[1], bytes: sig}, nil
}

// By reports whether the key has signed the zip with the digest.
func (s Signature) By(key Public, zip searchpack.Digest) bool {
	if _, err := searchpack.ParseDigest(string(zip)); err != nil || len(key.key) != ed25519.PublicKeySize {
		return false
	}
	return ed25519.VerifyWithOptions(key.key, message(zip), s.bytes, options) == nil
}
