package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/searchpack/searchpack"
)

// A start that fails says one line, and leaves folder and ports as they were.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for name, c := range map[string]struct {
		spoil   func(t *testing.T, c *Config)
		says    string
		config  bool // an error of configuration: exit status 2
		touches bool // it could only fail after making files
	}{
		"no folder named": {func(_ *testing.T, c *Config) { c.DataDir = "" }, "--data", true, false},
		"folder is a file": {func(t *testing.T, c *Config) {
			c.DataDir = filepath.Join(put(t, filepath.Join(t.TempDir(), "file"), ""), "data")
		}, "the data folder", false, false},
		"database is a folder": {func(t *testing.T, c *Config) {
			if err := os.Mkdir(filepath.Join(c.DataDir, "searchpack.db"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "searchpack.db", false, true},
		"API port in use":       {func(_ *testing.T, c *Config) { c.Listen = taken.Addr().String() }, "the API's listener", false, false},
		"agents' port in use":   {func(_ *testing.T, c *Config) { c.AgentListen = taken.Addr().String() }, "the agents' listener", false, false},
		"no port":               {func(_ *testing.T, c *Config) { c.Listen = "127.0.0.1" }, "HOST:PORT", true, false},
		"off loopback, no TLS":  {func(_ *testing.T, c *Config) { c.Listen = "0.0.0.0:0" }, "--tls-cert", true, false},
		"a name is no loopback": {func(_ *testing.T, c *Config) { c.Listen = "searchpack.example:0" }, "--tls-cert", true, false},
		"certificate only":      {func(_ *testing.T, c *Config) { c.TLSCert = "x" }, "go together", true, false},
		"no certificate there":  {func(_ *testing.T, c *Config) { c.TLSCert, c.TLSKey = "/none", "/none" }, "--tls-cert, --tls-key", true, false},
		"access key only":       {func(_ *testing.T, c *Config) { c.AdminAccessKey = "AK" }, "go together", true, false},
		"secret key only":       {func(_ *testing.T, c *Config) { c.AdminSecretKey = "hush-hush" }, "go together", true, false},
		"account":               {func(_ *testing.T, c *Config) { c.Account = "12345" }, "12 digits", true, false},
		"audit log of no time":  {func(_ *testing.T, c *Config) { c.KeepEvents = -1 }, "--keep-events", true, false},
		"no dictionary fits":    {func(_ *testing.T, c *Config) { c.MaxDictionary = 0 }, "--max-dictionary", true, false},
		"no plugin fits":        {func(_ *testing.T, c *Config) { c.MaxPlugin = 0 }, "--max-plugin", true, false},
		"no license fits":       {func(_ *testing.T, c *Config) { c.MaxLicense = -1 }, "--max-license", true, false},
		"source endpoint":       {func(_ *testing.T, c *Config) { c.SourceEndpoint = "s3.example" }, "no URL", true, false},
		"database of no kind":   {func(_ *testing.T, c *Config) { c.Database = "mysql://u:hush-hush@h/d" }, "postgres://", true, false},
		"database away": {func(_ *testing.T, c *Config) {
			c.Database = "postgres://u:hush-hush@" + "127.0.0.1:1/d?connect_timeout=1"
		}, "127.0.0.1", false, true},
		"key others may read": {func(t *testing.T, c *Config) {
			if err := os.Chmod(put(t, c.masterKeyFile(), strings.Repeat("k", 32)), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "chmod 600", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t.TempDir())
			good := cfg
			c.spoil(t, &cfg)
			before := tree(t, good.DataDir)
			s, err := New(t.Context(), cfg)
			if err == nil {
				_ = s.Close()
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("one line with %q wanted, got %q", c.says, err)
			}
			if strings.Contains(err.Error(), "hush-hush") {
				t.Errorf("the error tells a secret: %v", err)
			}
			if errors.Is(err, ErrConfig) != c.config {
				t.Errorf("a configuration error: %v, want %v: %v", !c.config, c.config, err)
			}
			if after := tree(t, good.DataDir); !c.touches && after != before {
				t.Errorf("the folder held %q, now %q", before, after)
			}
		})
	}
}

// After a failed start the same folder and the same ports serve.
func TestFailedStartLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(dir)
	cfg.AgentListen = free.Addr().String()
	free.Close()
	blocked := filepath.Join(dir, credentialsFile, "in the way") // the last step fails: all else is open by then
	if err := os.MkdirAll(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if s, err := New(t.Context(), cfg); err == nil {
			_ = s.Close()
			t.Fatal("it starts")
		}
	}
	if err := os.RemoveAll(filepath.Dir(blocked)); err != nil {
		t.Fatal(err)
	}
	works(t, cfg)
}

func TestCloseWithoutRun(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	works(t, cfg)
}

func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	works(t, cfg)
	path := filepath.Join(cfg.DataDir, "searchpack.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	_, err = New(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "use a newer searchpack") {
		t.Fatalf("got %v", err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the database is changed")
	}
}

// The wrong key, and none at all, are refused; the right one put back serves again.
func TestMasterKeyMustFit(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	works(t, cfg)
	key := cfg.masterKeyFile()
	right := read(t, key)

	put(t, key, strings.Repeat("k", 32))
	if _, err := New(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "does not fit this database") {
		t.Errorf("another key: %v", err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "there is no master key") {
		t.Errorf("no key: %v", err)
	}
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new key was made beside a database that another one sealed")
	}
	put(t, key, string(right))
	works(t, cfg)
}

func TestFirstKey(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := testConfig(t.TempDir())
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	works(t, cfg)
	access, secret := firstCredentials(t, cfg.DataDir)
	for _, name := range []string{credentialsFile, "master.key"} {
		info, err := os.Stat(filepath.Join(cfg.DataDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
	}
	if strings.Count(log.String(), credentialsFile) != 1 || strings.Contains(log.String(), secret) {
		t.Errorf("the file is to be named once, the secret never: %s", &log)
	}
	s := start(t, cfg)
	if again, _ := firstCredentials(t, cfg.DataDir); again != access {
		t.Error("the second start made another key")
	}
	if got, err := s.credential(t.Context(), access); err != nil || got.Secret != secret || got.Account != DefaultAccount {
		t.Errorf("the key is not the stored one: %v", err)
	}
}

// A start that was killed between file and row is carried on with the key in the file.
func TestFirstKeyAfterAKill(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	put(t, filepath.Join(cfg.DataDir, credentialsFile), "[default]\naws_access_key_id = KEPT\naws_secret_access_key = kept-secret\n")
	s := start(t, cfg)
	if got, err := s.credential(t.Context(), "KEPT"); err != nil || got.Secret != "kept-secret" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFirstKeyConfigured(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	cfg.AdminAccessKey, cfg.AdminSecretKey, cfg.Account = "GIVEN", "given-secret", "111122223333"
	s := start(t, cfg)
	if got, err := s.credential(t.Context(), "GIVEN"); err != nil || got.Secret != "given-secret" || got.Account != "111122223333" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, credentialsFile)); err == nil {
		t.Error("a key was made although one was given")
	}
	s.stop()
	cfg.AdminAccessKey = "OTHER" // only the first start counts
	s = start(t, cfg)
	if _, err := s.credential(t.Context(), "OTHER"); searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		t.Errorf("a second start took another key: %v", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t.TempDir())
	cert, pool := certificate(t)
	cfg.TLSCert, cfg.TLSKey = cert, cert
	s := start(t, cfg)
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer c.CloseIdleConnections()
	resp, err := c.Get("https://" + s.Addr() + "/searchpack/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
	c.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}}
	if resp, err := c.Get("https://" + s.Addr() + "/searchpack/v1/health"); err == nil {
		resp.Body.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// certificate writes a certificate for 127.0.0.1 with its key and returns the file.
func certificate(t *testing.T) (string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(text))
	return put(t, filepath.Join(t.TempDir(), "api.pem"), text), pool
}

// Run ends by itself, and with an error, when a listener breaks.
func TestRunEndsWhenAListenerBreaks(t *testing.T) {
	t.Parallel()
	s, err := New(t.Context(), testConfig(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.api.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Run(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("Run: %v, context: %v", err, ctx.Err())
	}
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tree lists what lies in a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, strings.TrimPrefix(path, dir))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}
