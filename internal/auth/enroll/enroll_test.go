package enroll_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

var (
	now    = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	domain = searchpack.DomainKey{Account: "000000000000", Region: "us-east-1", Name: "shop"}
)

func newAuthority(t *testing.T) *enroll.Authority {
	t.Helper()
	a, bundle, err := enroll.NewAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := enroll.LoadAuthority(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if a.KeyHash() != b.KeyHash() {
		t.Fatal("the loaded authority has another key")
	}
	return b
}

func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := enroll.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, csr
}

func parseCert(t *testing.T, b []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatal("no PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSignAgentIgnoresWhatTheRequestClaims(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	key, _ := newKey(t)
	evil, _ := url.Parse("spiffe://searchpack/111111111111/us-east-1/other/agent/boss")
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "boss"}, DNSNames: []string{enroll.ServerName}, URIs: []*url.URL{evil},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	certPEM, err := a.SignAgent(csr, "agent-1", domain, now)
	if err != nil {
		t.Fatal(err)
	}
	cert := parseCert(t, certPEM)
	id, expired, err := a.Verify(cert, now.Add(time.Hour))
	if err != nil || expired {
		t.Fatalf("Verify: %v, expired %v", err, expired)
	}
	if diff := cmp.Diff(enroll.Identity{AgentID: "agent-1", Domain: domain}, id); diff != "" {
		t.Error(diff)
	}
	if len(cert.DNSNames) != 0 || cert.IsCA || cert.Subject.CommonName == "boss" {
		t.Errorf("the request's own claims got into the certificate: %v %v", cert.DNSNames, cert.Subject)
	}
	if got := cert.NotAfter.Sub(now); got != enroll.AgentCertificateLife {
		t.Errorf("valid for %v", got)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	_, csr := newKey(t)
	certPEM, err := a.SignAgent(csr, "agent-1", domain, now)
	if err != nil {
		t.Fatal(err)
	}
	cert := parseCert(t, certPEM)
	server, err := a.ServerCertificate(now)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		a       *enroll.Authority
		cert    *x509.Certificate
		at      time.Time
		expired bool
		denied  bool
	}{
		{"fresh", a, cert, now, false, false},
		{"a clock behind", a, cert, now.Add(-30 * time.Minute), false, false},
		{"just over", a, cert, now.Add(25 * time.Hour), true, false},
		{"after the holiday", a, cert, now.Add(60 * 24 * time.Hour), true, false},
		{"long gone", a, cert, now.Add(100 * 24 * time.Hour), true, true},
		{"from before the clock was put back", a, cert, now.Add(-2 * time.Hour), false, false},
		{"from before it was put back far", a, cert, now.Add(-11 * 365 * 24 * time.Hour), false, false},
		{"another authority", other, cert, now, false, true},
		{"a server's certificate", a, server.Leaf, now, false, true},
	} {
		_, expired, err := tc.a.Verify(tc.cert, tc.at)
		if denied := searchpack.ErrorCode(err) == searchpack.ErrDenied; denied != tc.denied || (err == nil) == tc.denied {
			t.Errorf("%s: err = %v, want denied %v", tc.name, err, tc.denied)
		}
		if expired != tc.expired {
			t.Errorf("%s: expired = %v", tc.name, expired)
		}
	}
}

func TestServerCertificateIsPinned(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	chain := func(c *tls.Certificate) (out []*x509.Certificate) {
		for _, der := range c.Certificate {
			x, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, x)
		}
		return out
	}
	own, err := a.ServerCertificate(now)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := other.ServerCertificate(now)
	if err != nil {
		t.Fatal(err)
	}
	good := chain(own)
	if err := enroll.VerifyPinned(good, a.KeyHash(), now); err != nil {
		t.Errorf("own server: %v", err)
	}
	for name, tc := range map[string]struct {
		chain []*x509.Certificate
		at    time.Time
	}{
		"other authority":                  {chain(theirs), now},
		"other leaf, our CA shown beside":  {[]*x509.Certificate{chain(theirs)[0], good[1]}, now},
		"the CA itself as leaf":            {[]*x509.Certificate{good[1], good[1]}, now},
		"leaf without the CA":              {good[:1], now},
		"nothing":                          {nil, now},
		"expired":                          {good, now.Add(enroll.ServerCertificateLife + time.Hour)},
		"our CA first, other leaf and CA ": {append([]*x509.Certificate{good[1]}, chain(theirs)...), now},
	} {
		if err := enroll.VerifyPinned(tc.chain, a.KeyHash(), tc.at); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAgentIDDependsOnKeyAndDomainOnly(t *testing.T) {
	t.Parallel()
	key, csr := newKey(t)
	again, err := enroll.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	_, other := newKey(t)
	id := func(csr []byte, d searchpack.DomainKey) string {
		got, err := enroll.AgentID(csr, d)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if id(csr, domain) != id(again, domain) {
		t.Error("the same key gave two ids")
	}
	if id(csr, domain) == id(other, domain) {
		t.Error("two keys gave one id")
	}
	elsewhere := domain
	elsewhere.Name = "other"
	if id(csr, domain) == id(csr, elsewhere) {
		t.Error("two domains gave one id")
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	tok := enroll.NewToken(a.KeyHash())
	got, err := enroll.ParseToken(" " + tok.String() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tok, got); diff != "" {
		t.Error(diff)
	}
	if url.PathEscape(tok.String()) != tok.String() {
		t.Error("the token needs escaping in a URL")
	}
	if !got.Matches(tok.SecretHash()) || got.Matches("") || enroll.NewToken(a.KeyHash()).Matches(tok.SecretHash()) {
		t.Error("Matches")
	}
	s := tok.String()
	for _, bad := range []string{"", "x", s[:len(s)-1], s + ".x", "spt2" + s[4:], strings.Replace(s, tok.ID, "../../etc", 1), s[:len(s)-1] + "!"} {
		_, err := enroll.ParseToken(bad)
		if searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("%q: %v", bad, err)
		}
		if err != nil && strings.Contains(err.Error(), tok.Secret) {
			t.Errorf("%q: the error shows the secret", bad)
		}
	}
}

func TestIdentityRoundTrip(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	_, csr := newKey(t)
	name := rapid.StringMatching(`[A-Za-z0-9_/.%-]{0,70}`)
	rapid.Check(t, func(t *rapid.T) {
		want := enroll.Identity{AgentID: name.Draw(t, "id"), Domain: searchpack.DomainKey{
			Account: "000000000000", Region: name.Draw(t, "region"), Name: name.Draw(t, "name")}}
		certPEM, err := a.SignAgent(csr, want.AgentID, want.Domain, now)
		if err != nil {
			return // refused: nothing to mix up
		}
		block, _ := pem.Decode(certPEM)
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		got, err := enroll.IdentityOf(cert)
		if err != nil || got != want {
			t.Fatalf("signed for %v, reads as %v (%v)", want, got, err)
		}
	})
}

func FuzzAgentID(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	csr, err := enroll.NewRequest(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(csr)
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := enroll.AgentID(b, domain)
		if (err == nil) == (id == "") {
			t.Errorf("id %q, err %v", id, err)
		}
		if err != nil && searchpack.ErrorCode(err) != searchpack.ErrInvalid {
			t.Errorf("err %v", err)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add(enroll.NewToken(strings.Repeat("A", 43)).String())
	f.Add("spt1...")
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := enroll.ParseToken(s)
		if err == nil && tok.String() != strings.TrimSpace(s) {
			t.Errorf("%q reads as %q", s, tok)
		}
	})
}

func TestLoadAuthorityRefuses(t *testing.T) {
	t.Parallel()
	_, one, err := enroll.NewAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	_, two, err := enroll.NewAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	_, keyOfTwo, _ := strings.Cut(string(two), "-----END CERTIFICATE-----\n")
	certOfOne, _, _ := strings.Cut(string(one), "-----BEGIN PRIVATE KEY-----")
	for name, bundle := range map[string]string{
		"nothing": "", "no key": certOfOne, "key of another": certOfOne + keyOfTwo, "key first": keyOfTwo + certOfOne,
	} {
		if _, err := enroll.LoadAuthority([]byte(bundle)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
