package agentapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// Sight is what a server shows to anybody.
type Sight struct {
	Chain    []*x509.Certificate // what it presented, unchecked
	Date     time.Time           // its clock, to the second; zero: it does not say
	Protocol string              // "": it does not answer as a Searchpack server
}

// Look connects to the server and looks, without believing it and without showing or sending
// anything of the agent's own: so a wrong clock here can be told from a wrong server. It asks for an
// order as nobody, which is refused and changes nothing.
func Look(ctx context.Context, server string) (*Sight, error) {
	base, err := parseServer(server)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var s Sight
	h := httpClient(&tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: enroll.ServerName,
		InsecureSkipVerify: true, // nothing is sent and nothing believed; the caller checks the chain
		VerifyConnection: func(c tls.ConnectionState) error {
			s.Chain = c.PeerCertificates
			return nil
		},
	})
	defer h.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String()+PathOrder, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(ProtocolHeader, Protocol)
	res, err := h.Do(req) //nolint:bodyclose // discard closes it
	if err != nil {
		return nil, unavailable("The server "+base.Host+" cannot be reached", err)
	}
	defer discard(res.Body)
	s.Protocol = cut(res.Header.Get(ProtocolHeader))
	s.Date, _ = http.ParseTime(res.Header.Get("Date"))
	return &s, nil
}

// Trusted says whether the chain leads to the authority (PEM) at that time; nil: it does.
func (s *Sight) Trusted(authority []byte, at time.Time) error {
	ca, err := enroll.ParseCertificate(authority)
	if err != nil {
		return err
	}
	return enroll.VerifyPinned(append(s.Chain[:len(s.Chain):len(s.Chain)], ca), enroll.KeyHash(ca), at)
}

// TrustedBy says whether the chain leads to the authority that the token names at that time.
func (s *Sight) TrustedBy(token enroll.Token, at time.Time) error {
	return enroll.VerifyPinned(s.Chain, token.CAKeyHash, at)
}

// TryToken asks whether a join token would be taken from here now, without using it. ErrDenied: it
// would not.
func TryToken(ctx context.Context, server string, token enroll.Token, now func() time.Time) error {
	c, err := newcomer(server, token, now)
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.call(ctx, PathEnroll, EnrollRequest{Token: token.String(), Name: "doctor"}, &struct{}{})
	if searchpack.ErrorCode(err) == searchpack.ErrInvalid { // what is missed is the certificate request
		return nil
	}
	return err
}
