package enroll

import (
	"crypto/sha256"
	"crypto/x509"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/searchpack/searchpack"
)

// Identity is who an agent is: what its certificate says.
type Identity struct {
	AgentID string
	Domain  searchpack.DomainKey
}

// part is what account, region, domain and agent id are made of. None needs escaping in a URI.
var part = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (i Identity) uri() (*url.URL, error) {
	d := i.Domain
	for _, p := range []string{d.Account, d.Region, d.Name, i.AgentID} {
		if !part.MatchString(p) {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "%q cannot stand in an agent's certificate.", p)
		}
	}
	path := strings.Join([]string{"", d.Account, d.Region, d.Name, "agent", i.AgentID}, "/")
	return &url.URL{Scheme: "spiffe", Host: "searchpack", Path: path}, nil
}

// IdentityOf reads who a certificate is for. The certificate's signature is not checked here.
func IdentityOf(cert *x509.Certificate) (Identity, error) {
	bad := searchpack.Errorf(searchpack.ErrDenied, "The client certificate is not one of a Searchpack agent.")
	if len(cert.URIs) != 1 {
		return Identity{}, bad
	}
	u := cert.URIs[0]
	p := strings.Split(u.Path, "/")
	if u.Scheme != "spiffe" || u.Host != "searchpack" || len(p) != 6 || p[0] != "" || p[4] != "agent" {
		return Identity{}, bad
	}
	for _, s := range []string{p[1], p[2], p[3], p[5]} {
		if !part.MatchString(s) {
			return Identity{}, bad
		}
	}
	return Identity{AgentID: p[5], Domain: searchpack.DomainKey{Account: p[1], Region: p[2], Name: p[3]}}, nil
}

// RenewGrace is how long after its end a certificate may still be renewed, and nothing else: a node
// that was switched off over a holiday comes back by itself. Retired agents are refused all the same,
// because the server looks at every request.
const RenewGrace = 90 * 24 * time.Hour

// Verify checks a client's certificate against the authority and reads who it is. expired: its
// time is over, but it may be renewed. One whose time has not come is good: this authority signs none
// for later, so it was the server's clock that was ahead then or is behind now. Errors are
// *searchpack.Error with ErrDenied.
func (a *Authority) Verify(cert *x509.Certificate, now time.Time) (id Identity, expired bool, err error) {
	at := now
	switch {
	case now.After(cert.NotAfter):
		expired, at = true, cert.NotAfter
	case now.Before(cert.NotBefore):
		at = cert.NotBefore
	}
	if expired && now.Sub(cert.NotAfter) > RenewGrace {
		return Identity{}, true, searchpack.Errorf(searchpack.ErrDenied,
			"The agent's certificate ended on %s. Start the agent with a new join token.", cert.NotAfter.UTC().Format(time.DateOnly))
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots: a.Pool(), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Identity{}, false, &searchpack.Error{Code: searchpack.ErrDenied, Err: err,
			Message: "The agent's certificate is not signed by this server's authority. Start the agent with a join token of this server."}
	}
	id, err = IdentityOf(cert)
	return id, expired, err
}

// AgentID returns the id that an agent with the request's key has in the domain. It depends on the
// key and the domain alone, so that an agent that was killed before it saw the answer, and one that
// enrols again after its certificate ended, is the agent it was.
func AgentID(csrPEM []byte, domain searchpack.DomainKey) (string, error) {
	csr, err := parseRequest(csrPEM)
	if err != nil {
		return "", err
	}
	data := append([]byte(domain.String()+"\x00"), csr.RawSubjectPublicKeyInfo...)
	return uuid.NewHash(sha256.New(), uuid.NameSpaceURL, data, 8).String(), nil
}
