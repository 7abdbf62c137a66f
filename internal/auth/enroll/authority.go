// Package enroll is how an agent and the server come to trust each other: a certificate authority
// of the installation's own, join tokens that carry the hash of its key, and the identity that a
// signed certificate proves.
//
// It keeps nothing: the authority's keys come from the caller, who stores them sealed, and so do
// the hashes of token secrets. It opens no connection and reads no clock.
package enroll

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"github.com/searchpack/searchpack"
)

// ServerName is the name in the server's certificate. It is the same for every installation,
// because an agent trusts one authority only: any address, forwarded or not, works.
const ServerName = "server.searchpack.internal"

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	// ServerCertificateLife is short, because a new one costs nothing: it is made by the server itself.
	ServerCertificateLife = 7 * 24 * time.Hour
	// AgentCertificateLife is how long an agent may go without renewing.
	AgentCertificateLife = 24 * time.Hour
	// backdate allows for clocks of nodes that are behind the server's.
	backdate = time.Hour
)

// Authority signs the certificates of one installation. It is safe for concurrent use.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority that is valid for ten years and returns it with the PEM bundle
// (certificate and private key) that LoadAuthority reads. The bundle is a secret.
func NewAuthority(now time.Time) (*Authority, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the authority's key: %w", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: "Searchpack agents' authority"},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the authority's key: %w", err)
	}
	bundle := append(encodeCertificate(der), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	a, err := LoadAuthority(bundle)
	return a, bundle, err
}

// LoadAuthority reads the bundle that NewAuthority made.
func LoadAuthority(bundle []byte) (*Authority, error) {
	certBlock, rest := pem.Decode(bundle)
	if certBlock == nil || certBlock.Type != "CERTIFICATE" {
		return nil, errors.New("the authority's bundle holds no certificate")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the authority's certificate: %w", err)
	}
	keyBlock, _ := pem.Decode(rest)
	if keyBlock == nil {
		return nil, errors.New("the authority's bundle holds no private key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the authority's key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the authority's key does not belong to its certificate")
	}
	return &Authority{cert: cert, key: key}, nil
}

// CertificatePEM returns the authority's certificate, which is no secret.
func (a *Authority) CertificatePEM() []byte { return encodeCertificate(a.cert.Raw) }

// Pool returns a pool with the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// KeyHash returns the hash of the authority's public key, as join tokens carry it.
func (a *Authority) KeyHash() string { return KeyHash(a.cert) }

// KeyHash returns the SHA-256 of a certificate's public key in unpadded base64url.
func KeyHash(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ServerCertificate makes a new key and certificate for the agents' listener, with the authority's
// certificate in the chain so that an enrolling agent can compare its hash.
func (a *Authority) ServerCertificate(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the server's key: %w", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: ServerName},
		DNSNames:     []string{ServerName},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(ServerCertificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the server's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the server's certificate back: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// SignAgent signs a certificate for the public key of csrPEM. Whatever else the request holds is
// ignored: who the agent is comes from the caller. Errors are *searchpack.Error with ErrInvalid
// when the request is bad.
func (a *Authority) SignAgent(csrPEM []byte, agentID string, domain searchpack.DomainKey, now time.Time) ([]byte, error) {
	csr, err := parseRequest(csrPEM)
	if err != nil {
		return nil, err
	}
	id := Identity{AgentID: agentID, Domain: domain}
	uri, err := id.uri()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: "agent " + agentID},
		URIs:         []*url.URL{uri},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(AgentCertificateLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, csr.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the agent's certificate: %w", err)
	}
	return encodeCertificate(der), nil
}

// maxRequest bounds a certificate signing request; one for P-256 has some 400 bytes.
const maxRequest = 8 << 10

// parseRequest reads a signing request and checks that its sender has the private key. Only P-256
// keys are taken: it is what the agent makes, and it bounds the cost of checking.
func parseRequest(csrPEM []byte) (*x509.CertificateRequest, error) {
	if len(csrPEM) > maxRequest {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The certificate request has more than %d bytes.", maxRequest)
	}
	block, _ := pem.Decode(csrPEM)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The certificate request is not PEM.")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The certificate request cannot be read.")
	}
	key, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The certificate request is not for an ECDSA P-256 key.")
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The certificate request is not signed by its own key.")
	}
	return csr, nil
}

// NewRequest makes the signing request of an agent's key.
func NewRequest(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// VerifyPinned checks, for an agent that has only a token, that the certificates a server showed
// lead to the authority whose key hash is in the token.
func VerifyPinned(chain []*x509.Certificate, keyHash string, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("the server showed no certificate")
	}
	pool, found := x509.NewCertPool(), false
	for _, c := range chain[1:] {
		if c.IsCA && KeyHash(c) == keyHash {
			pool.AddCert(c)
			found = true
		}
	}
	if !found {
		return errors.New("the server is not the one that the token is for: its authority has another key" +
			" (a wrong address, or a proxy that ends TLS: the agents' listener needs TCP pass-through)")
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		DNSName: ServerName, Roots: pool, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}

func newSerial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // never fails (crypto/rand)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

func encodeCertificate(der []byte) []byte {
	return bytes.Clone(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// ParseCertificate reads one certificate in PEM.
func ParseCertificate(b []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}
