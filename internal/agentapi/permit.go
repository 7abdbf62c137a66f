package agentapi

import (
	"context"
	"net/http"

	"github.com/searchpack/searchpack"
)

// Permits answers agents that ask whether their node may stop, and that tell that it is back
// (internal/runner fills it). ErrConflict: not now, and why.
type Permits interface {
	Begin(ctx context.Context, a searchpack.Agent, ask searchpack.PermitAsk) (searchpack.PermitGrant, error)
	End(ctx context.Context, a searchpack.Agent, end searchpack.PermitEnd) error
}

// Bounds of what a permit's calls bring: the health of a cluster that is very unwell.
const (
	maxPermit = 2 << 20
	maxAlone  = 10_000
	maxVoting = 1_000
)

func (s *Server) beginPermit(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
	var ask searchpack.PermitAsk
	if err := readPermit(w, r, &ask); err != nil {
		return err
	}
	if h := &ask.Health; ask.OfferID == "" || ask.Attempt.Epoch <= 0 || ask.Attempt.Seq <= 0 || len(h.Unassigned) > searchpack.MaxUnassigned ||
		len(h.Alone) > maxAlone || len(h.Voting) > maxVoting || len(h.Present) > maxMembers {
		return searchpack.Errorf(searchpack.ErrInvalid, "The call for a permit cannot be read.")
	}
	grant, err := s.cfg.Permits.Begin(r.Context(), a.Agent, ask)
	if err != nil {
		return gonePermit(err)
	}
	writeJSON(w, http.StatusOK, grant)
	return nil
}

func (s *Server) endPermit(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
	var end searchpack.PermitEnd
	if err := readPermit(w, r, &end); err != nil {
		return err
	}
	if end.PermitID == "" || len(end.Failed) > searchpack.MaxPermitFailed {
		return searchpack.Errorf(searchpack.ErrInvalid, "The end of a permit cannot be read.")
	}
	if err := s.cfg.Permits.End(r.Context(), a.Agent, end); err != nil {
		return gonePermit(err)
	}
	writeJSON(w, http.StatusOK, struct{}{})
	return nil
}

func readPermit(w http.ResponseWriter, r *http.Request, into any) error {
	b, err := readBody(w, r, maxPermit)
	if err != nil {
		return err
	}
	if n := elements(b); n > maxElements {
		return searchpack.Errorf(searchpack.ErrInvalid, "The call has %d elements; the limit is %d.", n, maxElements)
	}
	return decodeJSON(b, into)
}

// gonePermit keeps a missing domain apart from a missing permit, which has an answer of its own.
func gonePermit(err error) error {
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return searchpack.Errorf(searchpack.ErrNotFound, "%s", searchpack.ErrorMessage(err))
	}
	return err
}

// BeginPermit asks for the permit that the order offers. ErrConflict: the node must not stop.
func (c *Client) BeginPermit(ctx context.Context, ask searchpack.PermitAsk) (searchpack.PermitGrant, error) {
	var out searchpack.PermitGrant
	err := c.call(ctx, PathPermitBegin, ask, &out)
	return out, err
}

// EndPermit tells that the node is back. ErrNotFound: the server knows no such permit any more.
func (c *Client) EndPermit(ctx context.Context, end searchpack.PermitEnd) error {
	return c.call(ctx, PathPermitEnd, end, &struct{}{})
}
