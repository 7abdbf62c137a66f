package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/signature"
)

// SignCmd signs plugins. It asks no server.
type SignCmd struct {
	Zip    SignZipCmd    `cmd:"" default:"withargs" help:"Sign the zip of a plugin (the word zip may be left out)."`
	Keygen SignKeygenCmd `cmd:"" help:"Make a key that signs, and print its public half."`
	Verify SignVerifyCmd `cmd:"" help:"Verify the signature of a zip."`
}

// SignZipCmd signs a zip.
type SignZipCmd struct {
	File string `arg:"" help:"The zip."`
	Key  string `required:"" env:"-" placeholder:"FILE" help:"The private key, as searchpack sign keygen has written it."`
	Out  string `env:"-" placeholder:"FILE" help:"Where the signature goes; else the zip's name and .sig."`
}

// Help stands below the flags.
func (*SignZipCmd) Help() string {
	return "Examples:\n" +
		"  searchpack sign keygen release.key\n" +
		"  searchpack sign lemmas.zip --key release.key\n" +
		"  searchpack sign zip lemmas.zip --key release.key --out lemmas.sig\n" +
		"  aws s3 cp lemmas.zip s3://plugins/lemmas.zip --metadata searchpack-signature=\"$(cat lemmas.zip.sig)\""
}

// signed is what signing and verifying print.
type signed struct {
	Schema    int               `json:"schema"`
	File      string            `json:"file"`
	SHA256    searchpack.Digest `json:"sha256"`
	KeyID     string            `json:"key_id"`
	PublicKey string            `json:"public_key"`
	Signature string            `json:"signature,omitempty"`
	Written   string            `json:"written,omitempty"` // the file that holds it
}

// Run signs the zip.
func (s *SignZipCmd) Run(c *Context) error {
	key, err := privateKey(s.Key)
	if err != nil {
		return err
	}
	digest, err := c.zipDigest(s.File)
	if err != nil {
		return err
	}
	line, err := signature.Sign(key, digest)
	if err != nil {
		return err
	}
	out := s.Out
	if out == "" {
		out = s.File + ".sig"
	}
	if err := os.WriteFile(out, []byte(line+"\n"), 0o644); err != nil {
		return err
	}
	public := key.Public()
	return c.print(signed{1, s.File, digest, public.ID(), public.String(), line, out}, func(p *page) {
		p.line("signed %s (SHA-256 %s) with the key %s", s.File, digest, public.ID())
		p.line("the signature is in %s; upload it with the zip:", out)
		p.line("  --metadata %s=\"$(cat %s)\"", searchpack.MetadataSignature, out)
	})
}

// SignKeygenCmd makes a key.
type SignKeygenCmd struct {
	File string `arg:"" help:"Where the private key goes. A file that is there is not replaced."`
}

// Help stands below the flags.
func (*SignKeygenCmd) Help() string {
	return "Examples:\n  searchpack sign keygen release.key\n  searchpack sign keygen release.key --output json | jq -r .public_key\n" +
		"Whoever has the file can sign: keep it where plugins are released, not on nodes. The public key goes into each node's allow file."
}

// Run makes the key.
func (s *SignKeygenCmd) Run(c *Context) error {
	key, err := signature.Generate(rand.Reader)
	if err != nil {
		return err
	}
	text, err := key.Encode()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and a key is not replaced: move it away, or name another file", s.File)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	public := key.Public()
	document := struct {
		Schema    int    `json:"schema"`
		File      string `json:"file"`
		KeyID     string `json:"key_id"`
		PublicKey string `json:"public_key"`
	}{1, s.File, public.ID(), public.String()}
	return c.print(document, func(p *page) {
		p.line("the private key is in %s; for the allow files of nodes:", s.File)
		p.line("keys:")
		p.line("- {name: NAME, key: %q}", public)
	})
}

// SignVerifyCmd verifies a signature.
type SignVerifyCmd struct {
	File      string `arg:"" help:"The zip."`
	PublicKey string `env:"-" xor:"key" required:"" placeholder:"KEY" help:"The public key: ed25519: and 44 characters."`
	Key       string `env:"-" xor:"key" required:"" placeholder:"FILE" help:"The file that searchpack sign keygen has written: its public half is taken."`
	Signature string `env:"-" placeholder:"FILE" help:"The signature; else the zip's name and .sig."`
}

// Help stands below the flags.
func (*SignVerifyCmd) Help() string {
	return "Examples:\n  searchpack sign verify lemmas.zip --public-key ed25519:…\n  searchpack sign verify lemmas.zip --key release.key"
}

// Run says whether the key has signed the zip; exit status 1 if not.
func (s *SignVerifyCmd) Run(c *Context) error {
	public, err := s.public()
	if err != nil {
		return err
	}
	name := s.Signature
	if name == "" {
		name = s.File + ".sig"
	}
	text, err := readSmall(name)
	if err != nil {
		return usage{err}
	}
	sig, err := signature.Parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	digest, err := c.zipDigest(s.File)
	if err != nil {
		return err
	}
	if !sig.By(public, digest) {
		return fmt.Errorf("%s (SHA-256 %s) is not signed by the key %s: the signature names the key %s, or is of other bytes", s.File, digest, public.ID(), sig.KeyID)
	}
	return c.print(signed{1, s.File, digest, public.ID(), public.String(), "", ""}, func(p *page) {
		p.line("%s (SHA-256 %s) is signed by the key %s", s.File, digest, public.ID())
	})
}

// public is the key, however it was given.
func (s *SignVerifyCmd) public() (signature.Public, error) {
	if s.Key == "" {
		public, err := signature.ParsePublic(s.PublicKey)
		if err != nil {
			return public, usagef("--public-key: %w", err)
		}
		return public, nil
	}
	key, err := privateKey(s.Key)
	if err != nil {
		return signature.Public{}, err
	}
	return key.Public(), nil
}

// privateKey reads what --key names.
func privateKey(name string) (signature.Private, error) {
	text, err := readSmall(name)
	if err != nil {
		return signature.Private{}, usage{err}
	}
	key, err := signature.ParsePrivate(text)
	if err != nil {
		return signature.Private{}, usagef("--key %s: %w", name, err)
	}
	return key, nil
}

// zipDigest reads a file that may be a plugin.
func (c *Context) zipDigest(name string) (searchpack.Digest, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", usage{err}
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", usagef("%s is not a file", name)
	case info.Size() > maxPlugin:
		return "", usagef("%s has more than the %d bytes that a plugin may have", name, int64(maxPlugin))
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, &stoppable{ctx: c, from: f}); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return searchpack.Digest(hex.EncodeToString(sum.Sum(nil))), nil
}

// readSmall reads a key or a signature.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, signature.MaxSize+1))
	if err == nil && len(b) > signature.MaxSize {
		err = fmt.Errorf("%s has more than %d bytes, so it is neither a key nor a signature", name, signature.MaxSize)
	}
	return b, err
}
