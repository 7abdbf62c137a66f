package agentapi

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// nodeName is what an agent may call itself.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// errToken is one text for every token that is not good, so that nothing can be learnt by trying.
var errToken = searchpack.Errorf(searchpack.ErrDenied,
	"The join token is not known here, used up, ended or not for this address. Make a new one with `searchpack token create`.")

func (s *Server) enroll(w http.ResponseWriter, r *http.Request) error {
	var in EnrollRequest
	if err := readJSON(w, r, maxEnroll, &in); err != nil {
		return err
	}
	if !nodeName.MatchString(in.Name) {
		return searchpack.Errorf(searchpack.ErrInvalid, "A node's name has 1 to 100 letters, digits, dots, hyphens and underscores.")
	}
	token, err := enroll.ParseToken(in.Token)
	if err != nil {
		return err
	}
	now := s.now()
	// Anybody may call this, so a bad token must not cost a writing transaction.
	err = s.cfg.Store.View(r.Context(), func(tx searchpack.Tx) error {
		t, err := checkToken(r.Context(), tx, token, r.RemoteAddr, now)
		if err == nil && in.CSR == "" && t.Uses == 0 {
			err = errToken
		}
		return err
	})
	if err != nil {
		return err
	}
	if in.CSR == "" { // agent doctor tries its token
		return searchpack.Errorf(searchpack.ErrInvalid, "The join token is good. To enrol, send a certificate request with it.")
	}
	var agent *searchpack.Agent
	err = s.cfg.Store.Update(r.Context(), func(tx searchpack.Tx) error {
		agent, err = s.admit(r.Context(), tx, token, in, r.RemoteAddr, now)
		return err
	})
	if err != nil {
		return err
	}
	cert, err := s.cfg.Authority.SignAgent([]byte(in.CSR), agent.ID, agent.Domain, now)
	if err != nil {
		return err
	}
	s.cfg.Logger.Info("agent enrolled", "agent", agent.ID, "name", agent.Name, "domain", agent.Domain.String(), "remote", r.RemoteAddr)
	writeJSON(w, http.StatusOK, EnrollAnswer{
		AgentID: agent.ID, Name: agent.Name, Domain: agent.Domain,
		Certificate: string(cert), Authority: string(s.cfg.Authority.CertificatePEM()),
	})
	return nil
}

// checkToken returns the token's row if it is good for this address and time. How many uses are left
// is not looked at.
func checkToken(ctx context.Context, tx searchpack.Tx, token enroll.Token, remote string, now time.Time) (*searchpack.JoinToken, error) {
	t, err := tx.JoinToken(ctx, token.ID)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return nil, errToken
	}
	if err != nil {
		return nil, err
	}
	if !token.Matches(t.SecretHash) || (!t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt)) || !inCIDR(t.CIDR, remote) {
		return nil, errToken
	}
	return t, nil
}

// admit checks the token and makes the agent, or finds the one that has the request's key already:
// that takes no use of the token, so an agent that was killed before it saw the answer asks again.
func (s *Server) admit(ctx context.Context, tx searchpack.Tx, token enroll.Token, in EnrollRequest, remote string, now time.Time) (*searchpack.Agent, error) {
	t, err := checkToken(ctx, tx, token, remote, now)
	if err != nil {
		return nil, err
	}
	if d, err := tx.Domain(ctx, t.Domain); err != nil {
		return nil, gone(err, "The domain that the join token is for was deleted.")
	} else if !d.DeletedAt.IsZero() {
		return nil, &wireError{http.StatusGone, codeRetired, "The domain that the join token is for was deleted."}
	}
	id, err := enroll.AgentID([]byte(in.CSR), t.Domain)
	if err != nil {
		return nil, err
	}
	known, err := tx.Agent(ctx, id)
	if err == nil {
		if !known.RetiredAt.IsZero() {
			return nil, retired(known.Name)
		}
		return &known.Agent, nil
	}
	if searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		return nil, err
	}
	if t.Uses == 0 {
		return nil, errToken
	}
	if t.Uses > 0 {
		t.Uses--
		if err := tx.PutJoinToken(ctx, t); err != nil {
			return nil, err
		}
	}
	a := &searchpack.Agent{ID: id, Domain: t.Domain, Name: in.Name, EnrolledAt: now}
	if err := tx.PutAgent(ctx, a); err != nil {
		return nil, err
	}
	err = tx.AddEvent(ctx, &searchpack.Event{
		At: now, Account: t.Domain.Account, Region: t.Domain.Region, Actor: "agent " + id,
		Action: "agent enrolled", Subject: t.Domain.Name, Detail: "node " + in.Name + ", join token " + t.ID,
	})
	if err != nil {
		return nil, err
	}
	return a, tx.Enqueue(ctx, searchpack.WorkReconcile, t.Domain.String(), time.Time{})
}

// inCIDR reports whether the peer's address is in the range; an empty range is everywhere. A range
// that cannot be read matches nothing.
func inCIDR(cidr, remote string) bool {
	if cidr == "" {
		return true
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && prefix.Contains(addr.Unmap().WithZone(""))
}

func (s *Server) renew(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
	var in RenewRequest
	if err := readJSON(w, r, maxEnroll, &in); err != nil {
		return err
	}
	// The key must stay: an agent is who it is by its key, and only the key's holder got here.
	id, err := enroll.AgentID([]byte(in.CSR), a.Domain)
	if err != nil {
		return err
	}
	if id != a.ID {
		return searchpack.Errorf(searchpack.ErrDenied, "The certificate request is for another key than the agent's.")
	}
	cert, err := s.cfg.Authority.SignAgent([]byte(in.CSR), a.ID, a.Domain, s.now())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, RenewAnswer{Certificate: string(cert), Authority: string(s.cfg.Authority.CertificatePEM())})
	return nil
}
