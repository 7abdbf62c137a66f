package agentapi

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// usage takes who uses what from the speaker. The newest cluster state wins; a look that is
// answered is remembered even when a newer state is here already, because that answers it too.
func (s *Server) usage(w http.ResponseWriter, r *http.Request, a *searchpack.AgentState) error {
	if !mayTellAny(&a.Order) {
		return errNotAsked // before the body is read
	}
	b, err := readBody(w, r, maxUsage)
	if err != nil {
		return err
	}
	// One agent takes at most one of the places, so that two broken clusters do not stop the others.
	leave, ok := s.parsing.enter(a.ID, 1)
	if !ok {
		return tooMany(1)
	}
	defer leave()
	var adopted map[string]string
	err = s.cfg.Store.View(r.Context(), func(tx searchpack.Tx) (err error) {
		adopted, err = adoptedFiles(r.Context(), tx, a.Domain)
		return err
	})
	if err != nil {
		return err
	}
	var u searchpack.Usage
	err = s.usageParsers.within(r, func() (err error) {
		u, err = s.readUsage(a, b, adopted)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.keepUsage(r.Context(), a, u, adopted); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct{}{})
	return nil
}

// adoptedFiles are the paths of a domain's adopted files, by package id; nil if there are none.
func adoptedFiles(ctx context.Context, tx searchpack.Tx, k searchpack.DomainKey) (map[string]string, error) {
	rows, err := tx.Associations(ctx, k)
	var out map[string]string
	for _, a := range rows {
		if a.Path == "" {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[a.PackageID] = a.Path
	}
	return out, err
}

// readUsage takes a usage report apart.
func (s *Server) readUsage(a *searchpack.AgentState, b []byte, adopted map[string]string) (u searchpack.Usage, err error) {
	var in searchpack.UsageReport
	if err := decodeJSON(b, &in); err != nil {
		return u, err
	}
	if in.Schema != 1 {
		return u, searchpack.Errorf(searchpack.ErrInvalid, "The usage report has schema %d; this server reads schema 1. Upgrade the server.", in.Schema)
	}
	if !mayTell(&a.Order, &in) {
		return u, errNotAsked
	}
	if u, err = s.cfg.Usage(in, adopted, s.now()); err != nil {
		return u, &searchpack.Error{Code: searchpack.ErrInvalid, Message: "The cluster state cannot be read: " + err.Error(), Err: err}
	}
	return u, nil
}

var errNotAsked = searchpack.Errorf(searchpack.ErrConflict, "This agent is not asked for the usage of its domain any more.")

// mayTellAny reports whether the order asks for any usage report.
func mayTellAny(o *searchpack.Order) bool {
	return o.Speaker || slices.ContainsFunc(o.Duties, func(d searchpack.Duty) bool { return d.Kind == searchpack.DutyLook })
}

// mayTell reports whether the order asks for this: by a look that is still wanted (a repeated
// answer to an older one must not hide that the newer one is open), or of the speaker.
func mayTell(o *searchpack.Order, in *searchpack.UsageReport) bool {
	if in.DutyID == "" {
		return o.Speaker
	}
	return slices.ContainsFunc(o.Duties, func(d searchpack.Duty) bool {
		return d.ID == in.DutyID && d.Kind == searchpack.DutyLook
	})
}

// keepUsage stores the usage. ErrUnavailable: it was read with other adopted files than there are now,
// so uses of a file would be missing from it; the agent sends it again.
func (s *Server) keepUsage(ctx context.Context, a *searchpack.AgentState, u searchpack.Usage, adopted map[string]string) error {
	return s.cfg.Store.Update(ctx, func(tx searchpack.Tx) error {
		now, err := adoptedFiles(ctx, tx, a.Domain)
		if err != nil {
			return err
		}
		if !maps.Equal(now, adopted) {
			return searchpack.Errorf(searchpack.ErrUnavailable, "Files of the domain were adopted or released meanwhile. Send the usage again.")
		}
		old, err := tx.Usage(ctx, a.Domain)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			old, err = nil, nil
		}
		if err != nil {
			return err
		}
		next, changed := merge(old, u)
		if err := tx.PutUsage(ctx, a.Domain, &next); err != nil {
			return err
		}
		if !changed {
			return nil
		}
		return tx.Enqueue(ctx, searchpack.WorkReconcile, a.Domain.String(), time.Time{})
	})
}

// merge returns what is to be stored, and whether Decide should look. States of another cluster
// cannot be compared: the domain's cluster was made anew, or Decide freezes it.
func merge(old *searchpack.Usage, in searchpack.Usage) (searchpack.Usage, bool) {
	if old == nil {
		return in, true
	}
	next := in
	if old.ClusterUUID == in.ClusterUUID && (old.Term > in.Term || old.Term == in.Term && old.Version > in.Version) {
		next = *old
		next.DutyID = in.DutyID
	}
	if next.DutyID == "" {
		next.DutyID = old.DutyID
	}
	changed := next.DutyID != old.DutyID || next.Truncated != old.Truncated ||
		next.ClusterUUID != old.ClusterUUID || !sameUses(next.Uses, old.Uses)
	return next, changed
}

// sameUses compares as stored, where an empty list and none are the same.
func sameUses(a, b []searchpack.Use) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return len(a) == len(b) && (len(a) == 0 || errX == nil && errY == nil && bytes.Equal(x, y))
}
