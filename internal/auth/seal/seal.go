// Package seal encrypts the secrets that Searchpack must keep (secret access keys, the CA's key)
// with one master key, so that a copy of the database alone opens nothing.
//
// The master key lies in a file that only its owner may read (--master-key-file) and never leaves
// this package. What is sealed goes to the database; losing the key file means issuing every
// secret anew. This package knows nothing about what it seals.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
)

// keySize is AES-256's.
const keySize = 32

// version1 is AES-256-GCM: version byte, 12 bytes of random nonce, ciphertext, 16 bytes of tag.
// Random nonces are safe for 2^32 seals under one key; Searchpack seals a handful per credential.
const version1 = 1

// ErrOpen is the answer to anything that cannot be opened. It does not say why, because a forger
// could learn from it.
var ErrOpen = errors.New("sealed data cannot be opened: it was sealed with another master key or for another purpose, or it is damaged")

// Key is a master key. Printing it shows nothing of it. It may be used by several goroutines.
type Key struct {
	aead cipher.AEAD
}

// newKey makes a Key of exactly keySize bytes.
func newKey(raw []byte) (*Key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Key{aead: aead}, nil
}

// random makes keySize bytes for a new key. crypto/rand never fails: it ends the program instead.
func random() []byte {
	raw := make([]byte, keySize)
	rand.Read(raw)
	return raw
}

// Seal encrypts plain. Context says what it is and whose, for example
// "credential/AKIAEXAMPLE/secret"; Open needs the same, so that one sealed value cannot be put in
// another's place.
func (k *Key) Seal(plain []byte, context string) []byte {
	out := make([]byte, 1, 1+len(plain)+k.aead.Overhead())
	out[0] = version1
	return k.aead.Seal(out, nil, plain, additional(version1, context))
}

// Open decrypts what Seal made with the same key and context. Any other input is ErrOpen.
func (k *Key) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) < 1+k.aead.Overhead() {
		return nil, ErrOpen
	}
	if sealed[0] != version1 {
		return nil, fmt.Errorf("%w (format %d; this program knows %d)", ErrOpen, sealed[0], version1)
	}
	plain, err := k.aead.Open(nil, nil, sealed[1:], additional(version1, context))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// additional authenticates the version byte beside the context, so that a later format cannot be
// passed off as this one.
func additional(version byte, context string) []byte {
	return append([]byte{version}, context...)
}

// String hides the key.
func (k *Key) String() string { return "master key (hidden)" }

// GoString hides the key from %#v.
func (k *Key) GoString() string { return k.String() }

// LogValue hides the key from slog.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
