package signature

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/searchpack/searchpack"
)

func key(t *testing.T, seed byte) Private {
	t.Helper()
	k, err := Generate(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSign(t *testing.T) {
	t.Parallel()
	zip, other := searchpack.DigestOf([]byte("zip")), searchpack.DigestOf([]byte("other"))
	k := key(t, 1)
	line, err := Sign(k, zip)
	if err != nil {
		t.Fatal(err)
	}
	// The form is kept: signatures are stored for years.
	const want = "searchpack-ed25519-1 34750f98bd59fcfc "
	if !strings.HasPrefix(line, want) || len(line) != len(want)+88 {
		t.Errorf("%s", line)
	}
	s, err := Parse(" " + line + "\n")
	if err != nil || s.KeyID != k.Public().ID() {
		t.Fatal(s, err)
	}
	if !s.By(k.Public(), zip) || s.By(k.Public(), other) || s.By(key(t, 2).Public(), zip) || s.By(Public{}, zip) || s.By(k.Public(), "") {
		t.Error("verified otherwise than signed")
	}
	if _, err := Sign(k, "x"); err == nil {
		t.Error("no digest is signed")
	}
	// A signature of the same bytes for something else is none.
	plain := Signature{bytes: ed25519.Sign(k.key, message(zip))}
	if plain.By(k.Public(), zip) {
		t.Error("a signature without the context is taken")
	}
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	zip, k := searchpack.DigestOf([]byte("zip")), key(t, 1)
	line, err := Sign(k, zip)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(line) {
		bad := line[:i] + "A" + line[i+1:]
		if s, err := Parse(bad); bad != line && err == nil && s.KeyID == k.Public().ID() && s.By(k.Public(), zip) {
			t.Errorf("%s is taken for %s", bad, line)
		}
	}
	for _, bad := range []string{"", "x", line + " more", strings.Replace(line, marker, "searchpack-ed25519-2", 1), strings.Replace(line, "34750f", "34750F", 1),
		strings.Replace(line, " ", "  ", 1), line[:len(line)-4], strings.Repeat("x", MaxSize+1)} {
		if _, err := Parse(bad); err == nil || !strings.Contains(err.Error(), "searchpack sign") {
			t.Errorf("%.200q: %v", bad, err)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	k := key(t, 1)
	text, err := k.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePrivate(append([]byte("# a comment\n"), text...))
	if err != nil || !again.Public().Equal(k.Public()) {
		t.Error(err)
	}
	public, err := ParsePublic(k.Public().String())
	if err != nil || !public.Equal(k.Public()) || public.Equal(key(t, 2).Public()) {
		t.Error(err)
	}
	for _, shown := range []string{fmt.Sprint(k), fmt.Sprintf("%v", k), fmt.Sprintf("%#v", k)} {
		if shown != k.Public().String() {
			t.Errorf("a key prints as %s", shown)
		}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"nothing": "", "text": "secret", "two": string(text) + string(text), "another kind": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"damaged": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:9]})), "locked": string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})),
	} {
		if _, err := ParsePrivate([]byte(bad)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "ed25519:", "ed25519:AAAA", strings.TrimPrefix(public.String(), "ed25519:"), public.String() + "A", string(text)} {
		if _, err := ParsePublic(bad); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
	if _, err := Generate(strings.NewReader("short")); err == nil {
		t.Error("a key of five bytes")
	}
}
