package agentapi

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/auth/enroll"
)

// blob serves the bytes that the agent's own order names, and no others.
func (s *Server) blob(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
	d, err := searchpack.ParseDigest(r.PathValue("digest"))
	if err != nil {
		return searchpack.Errorf(searchpack.ErrInvalid, "A blob is named by 64 lower-case hex digits.")
	}
	if !ordered(&a.Order, d) {
		return searchpack.Errorf(searchpack.ErrNotFound, "The order of this agent does not name the blob %s.", d.Short())
	}
	b, err := s.cfg.Blobs.Open(r.Context(), d)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		// The order names it, so it is lost, not unknown: somebody must hear of it.
		s.cfg.Logger.Error("a blob that an order names is missing", "digest", d, "agent", a.ID)
		return searchpack.Errorf(searchpack.ErrUnavailable, "The blob %s is missing on the server.", d.Short())
	}
	if err != nil {
		return err
	}
	defer b.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("ETag", strconv.Quote(string(d)))
	http.ServeContent(&patientWriter{ResponseWriter: w, ctl: http.NewResponseController(w)}, r, "", time.Time{}, b)
	return nil
}

// patientWriter gives each piece of a long answer its own time: a slow node may take hours for a
// big blob, a dead one is given up after answerTime.
type patientWriter struct {
	http.ResponseWriter
	ctl *http.ResponseController
}

// Write implements io.Writer.
func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.ctl.SetWriteDeadline(time.Now().Add(answerTime)) // not every writer has one
	return p.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func ordered(o *searchpack.Order, d searchpack.Digest) bool {
	return slices.ContainsFunc(o.Files, func(f searchpack.FileOrder) bool { return f.Digest == d }) ||
		slices.ContainsFunc(slices.Concat(o.Plugins, o.Alternatives), func(p searchpack.PluginOrder) bool { return p.Digest == d }) ||
		slices.ContainsFunc(o.Candidates, func(c searchpack.Candidate) bool { return c.Digest == d })
}

func enrolledAs(a *searchpack.AgentState) enroll.Identity {
	return enroll.Identity{AgentID: a.ID, Domain: a.Domain}
}
