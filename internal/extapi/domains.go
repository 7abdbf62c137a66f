package extapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

func (e *edge) nodes(c call) (any, error) {
	v, err := e.Catalog.Nodes(c.Context(), c.who, c.PathValue("domain"))
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (e *edge) retire(c call) (any, error) {
	a, err := e.Catalog.RetireNode(c.Context(), c.who, c.PathValue("domain"), c.PathValue("node"))
	if err != nil {
		return nil, err
	}
	return map[string]any{"agent_id": a.ID, "name": a.Name, "retired_at": a.RetiredAt}, nil
}

func (e *edge) proofs(c call) (any, error) {
	ps, err := e.Catalog.Proofs(c.Context(), c.who, c.PathValue("domain"), c.query.Get("package_id"))
	if err != nil {
		return nil, err
	}
	if ps == nil {
		ps = []*searchpack.Proof{}
	}
	return map[string]any{"domain": c.PathValue("domain"), "proofs": ps}, nil
}

// rolloutJSON is one rollout.
type rolloutJSON struct {
	ID        string                  `json:"id"`
	State     searchpack.RolloutState `json:"state"`
	Phase     searchpack.Phase        `json:"phase,omitempty"`
	Steps     []stepJSON              `json:"steps"`
	Restart   *restartJSON            `json:"restart,omitempty"` // the node that is being restarted
	Waiting   string                  `json:"waiting,omitempty"`
	Reason    string                  `json:"reason,omitempty"`
	PausedBy  string                  `json:"paused_by,omitempty"`
	AbortedBy string                  `json:"aborted_by,omitempty"`
	CreatedAt time.Time               `json:"created_at"`
	StartedAt *time.Time              `json:"started_at,omitempty"`
	EndedAt   *time.Time              `json:"ended_at,omitempty"`
}

type restartJSON struct {
	AgentID string                  `json:"agent_id"`
	Stage   searchpack.RestartStage `json:"stage"`
}

func restartOf(r *searchpack.Restart) *restartJSON {
	if r == nil {
		return nil
	}
	return &restartJSON{r.AgentID, r.Stage}
}

type stepJSON struct {
	PackageID string            `json:"package_id"`
	Action    searchpack.Action `json:"action"`
	Version   string            `json:"version,omitempty"`
	Former    string            `json:"former,omitempty"`
}

// versionDeleted stands for a version whose package was deleted after the rollout: its number went
// with it.
const versionDeleted = "deleted"

// maxRollouts is how many rollouts one answer holds.
const maxRollouts = 100

func (e *edge) rollouts(c call) (any, error) {
	limit, err := c.number("limit", 1, maxRollouts, 20)
	if err != nil {
		return nil, err
	}
	rs, versions, err := e.Catalog.Rollouts(c.Context(), c.who, c.PathValue("domain"), int(limit))
	if err != nil {
		return nil, err
	}
	out := make([]rolloutJSON, len(rs))
	for i, r := range rs {
		out[i] = rolloutJSON{
			ID: r.ID, State: r.State, Phase: r.Phase, Steps: stepsOf(r, versions), Restart: restartOf(r.Restart), Waiting: r.Waiting, Reason: r.Reason, PausedBy: r.Paused, AbortedBy: r.Abort,
			CreatedAt: r.CreatedAt, StartedAt: instant(r.StartedAt), EndedAt: instant(r.EndedAt),
		}
	}
	return map[string]any{"domain": c.PathValue("domain"), "rollouts": out}, nil
}

// stepsOf a rollout, with the numbers of their versions.
func stepsOf(r *searchpack.Rollout, versions map[string]*searchpack.Version) []stepJSON {
	name := func(id string) string {
		if id == "" {
			return ""
		}
		if v := versions[id]; v != nil {
			return VersionName(v.Number)
		}
		return versionDeleted
	}
	steps := make([]stepJSON, len(r.Steps))
	for i, s := range r.Steps {
		steps[i] = stepJSON{PackageID: s.PackageID, Action: s.Action, Version: name(s.VersionID), Former: name(s.FormerID)}
	}
	return steps
}

// useJSON is a Use without the probes' bodies, which are of no use to a reader.
type useJSON struct {
	searchpack.Use
	Chains int `json:"chains"` // how many ways of asking a node about the file
	// Witnesses without the bodies.
	Witnesses []searchpack.WitnessPoint `json:"witnesses,omitempty"`
}

func (e *edge) usage(c call) (any, error) {
	u, err := e.Catalog.Usage(c.Context(), c.who, c.PathValue("domain"), c.query.Get("package_id"))
	if err != nil {
		return nil, err
	}
	if u == nil {
		return map[string]any{"domain": c.PathValue("domain"), "known": false, "uses": []useJSON{}}, nil
	}
	uses := make([]useJSON, len(u.Uses))
	for i, use := range u.Uses {
		uses[i] = useJSON{Use: use, Chains: len(use.Chains)}
		for _, p := range use.Witnesses {
			p.Body = ""
			uses[i].Witnesses = append(uses[i].Witnesses, p)
		}
	}
	answer := map[string]any{
		"domain": c.PathValue("domain"), "known": true, "truncated": u.Truncated, "cluster_uuid": u.ClusterUUID,
		"state_version": u.Version, "at": u.At, "uses": uses,
	}
	if u.Needs != nil {
		answer["needs"] = u.Needs
	}
	return answer, nil
}

// tokenJSON is a join token; Token, the secret text, only in the answer that makes it.
type tokenJSON struct {
	ID        string    `json:"id"`
	Domain    string    `json:"domain"`
	Token     string    `json:"token,omitempty"`
	Uses      int       `json:"uses"` // left; -1 = no limit
	CIDR      string    `json:"cidr,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func tokenOf(t *searchpack.JoinToken, text string) tokenJSON {
	return tokenJSON{ID: t.ID, Domain: t.Domain.Name, Token: text, Uses: t.Uses, CIDR: t.CIDR, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
}

func (e *edge) tokens(c call) (any, error) {
	ts, err := e.Catalog.JoinTokens(c.Context(), c.who, c.PathValue("domain"))
	if err != nil {
		return nil, err
	}
	out := make([]tokenJSON, len(ts))
	for i, t := range ts {
		out[i] = tokenOf(t, "")
	}
	return map[string]any{"domain": c.PathValue("domain"), "tokens": out}, nil
}

// tokenRequest is the body that makes a token; every member may be left out.
type tokenRequest struct {
	Uses            int    `json:"uses"`
	ValidForSeconds int64  `json:"valid_for_seconds"`
	CIDR            string `json:"cidr"`
}

// maxLife is more than any token may live.
const maxLife = 100 * 365 * 24 * time.Hour

// decode reads a body strictly: an unknown member may be a wish that would not be fulfilled.
func decode(body []byte, in any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(in); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

func (e *edge) createToken(c call) (any, error) {
	var in tokenRequest
	if err := decode(c.body, &in); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body is no JSON object of uses, valid_for_seconds and cidr.")
	}
	// The catalog has the rule; this keeps the product below from wrapping around.
	if in.ValidForSeconds < 0 || in.ValidForSeconds > int64(maxLife/time.Second) {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "valid_for_seconds is out of range.")
	}
	id, text, hash, err := e.NewToken()
	if err != nil {
		return nil, err
	}
	t, err := e.Catalog.CreateJoinToken(c.Context(), c.who, catalog.JoinTokenInput{
		Domain: c.PathValue("domain"), Uses: in.Uses, ValidFor: time.Duration(in.ValidForSeconds) * time.Second,
		CIDR: in.CIDR, ID: id, SecretHash: hash,
	})
	if err != nil {
		return nil, err
	}
	return tokenOf(t, text), nil
}

func (e *edge) deleteToken(c call) (any, error) {
	if err := e.Catalog.DeleteJoinToken(c.Context(), c.who, c.PathValue("domain"), c.PathValue("token")); err != nil {
		return nil, err
	}
	return map[string]any{"id": c.PathValue("token"), "deleted": true}, nil
}
