package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/signature"
)

// runSign runs a command line of sign and returns what it prints.
func runSign(t *testing.T, output string, args ...string) (string, error) {
	t.Helper()
	var commands struct{ Commands }
	parser, err := kong.New(&commands, kong.Name("searchpack"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := parser.Parse(append([]string{"sign"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = k.Run(&Context{Context: t.Context(), Globals: &Globals{Output: output}, Out: &out})
	return out.String(), err
}

func TestSign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	zip, key := filepath.Join(dir, "lemmas.zip"), filepath.Join(dir, "release.key")
	if err := os.WriteFile(zip, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runSign(t, "json", "keygen", key)
	var made struct {
		PublicKey string `json:"public_key"`
	}
	if jsonErr := json.Unmarshal([]byte(out), &made); err != nil || jsonErr != nil {
		t.Fatal(out, err, jsonErr)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, err := runSign(t, "table", "keygen", key); err == nil || !strings.Contains(err.Error(), "a key is not replaced") {
		t.Error(err)
	}
	out, err = runSign(t, "table", zip, "--key", key) // the word zip left out
	if err != nil || !strings.Contains(out, `--metadata searchpack-signature="$(cat `+zip+`.sig)"`) {
		t.Error(out, err)
	}
	checkSigned(t, zip, made.PublicKey)
	out, err = runSign(t, "json", "verify", zip, "--public-key", made.PublicKey)
	if err != nil || !strings.Contains(out, string(searchpack.DigestOf([]byte("zip")))) {
		t.Error(out, err)
	}
	checkKeyFile(t, zip, key, made.PublicKey)
	other := filepath.Join(dir, "other.sig")
	out, err = runSign(t, "json", "zip", zip, "--key", key, "--out", other)
	if err != nil || !strings.Contains(out, `"written": "`+other+`"`) || strings.Contains(out, "PRIVATE") {
		t.Error(out, err)
	}
	if err := os.WriteFile(zip, []byte("Zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", zip, "--public-key", made.PublicKey}, {"verify", zip, "--public-key", made.PublicKey, "--signature", other}} {
		if _, err := runSign(t, "table", args...); err == nil || errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "is not signed by the key") {
			t.Error(err)
		}
	}
}

// checkKeyFile verifies with the file that keygen has written.
func checkKeyFile(t *testing.T, zip, key, publicKey string) {
	t.Helper()
	out, err := runSign(t, "json", "verify", zip, "--key", key)
	if err != nil || !strings.Contains(out, publicKey) || strings.Contains(out, "PRIVATE") {
		t.Error(out, err)
	}
	foreign := filepath.Join(filepath.Dir(key), "foreign.key")
	if _, err := runSign(t, "table", "keygen", foreign); err != nil {
		t.Fatal(err)
	}
	if _, err := runSign(t, "table", "verify", zip, "--key", foreign); err == nil || errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "is not signed by the key") {
		t.Error(err)
	}
}

func checkSigned(t *testing.T, zip, publicKey string) {
	t.Helper()
	line, err := os.ReadFile(zip + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	public, err := signature.ParsePublic(publicKey)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := signature.Parse(string(line)); err != nil || !s.By(public, searchpack.DigestOf([]byte("zip"))) {
		t.Errorf("%s %v", line, err)
	}
}

func TestSignUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "k")
	if _, err := runSign(t, "table", "keygen", key); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "big.zip")
	if err := errors.Join(os.WriteFile(big, nil, 0o600), os.Truncate(big, maxPlugin+1), os.WriteFile(filepath.Join(dir, "x"), []byte("secret"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for words, args := range map[string][]string{
		"no such file":            {filepath.Join(dir, "nothing.zip"), "--key", key},
		"no such file or":         {big, "--key", filepath.Join(dir, "nothing")},
		"is no private key":       {big, "--key", filepath.Join(dir, "x")},
		"neither a key nor":       {big, "--key", big},
		"is not a file":           {dir, "--key", key},
		"that a plugin may":       {big, "--key", key},
		"is no public key":        {"verify", big, "--public-key", "x"},
		"x: it is no private key": {"verify", big, "--key", filepath.Join(dir, "x")},
		"no such file or direc":   {"verify", big, "--public-key", "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
	} {
		out, err := runSign(t, "table", args...)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %s %v; want %s", args, out, err, words)
		}
	}
}
