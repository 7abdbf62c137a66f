package extapi

import (
	"strconv"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
	"github.com/searchpack/searchpack/internal/rollout"
)

// chooseRequest is the body of ChooseVersion.
type chooseRequest struct {
	// Version is "v3", or "former": the one that served before the one that serves.
	Version string `json:"version"`
	// Track is "pinned", "latest", or "calls": as AWS, a new version when AssociatePackage is called.
	Track string `json:"track"`
}

const former = "former"

// tracks by their names on the wire.
var tracks = map[string]searchpack.Track{
	"pinned": searchpack.TrackPinned, "latest": searchpack.TrackLatest, "calls": searchpack.TrackCalls,
}

func trackName(t searchpack.Track) string {
	if t == searchpack.TrackCalls {
		return "calls"
	}
	return string(t)
}

// versionNumber reads "v3" and "3".
func versionNumber(s string) (int, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(s, "v"), 10, 31)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return int(n), err
}

func (in chooseRequest) input(packageID string) (catalog.ChooseInput, error) {
	out := catalog.ChooseInput{PackageID: packageID, Former: in.Version == former}
	if in.Version != "" && !out.Former {
		var err error
		if out.Number, err = versionNumber(in.Version); err != nil {
			return out, searchpack.Errorf(searchpack.ErrInvalid, "version is no version: write it as v3, or former.")
		}
	}
	if in.Track != "" {
		t, known := tracks[in.Track]
		if !known {
			return out, searchpack.Errorf(searchpack.ErrInvalid, "track is none of pinned, latest, calls.")
		}
		out.Track = &t
	}
	return out, nil
}

func (e *edge) choose(c call) (any, error) {
	var body chooseRequest
	if err := decode(c.body, &body); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body is no JSON object of version and track.")
	}
	in, err := body.input(c.PathValue("package"))
	if err != nil {
		return nil, err
	}
	v, err := e.Catalog.ChooseVersion(c.Context(), c.who, c.PathValue("domain"), in)
	if err != nil {
		return nil, err
	}
	return associationOf(v), nil
}

// adoptRequest is the body of AdoptPackage.
type adoptRequest struct {
	// Path of the file, relative to the nodes' configuration folder.
	Path string `json:"path"`
	// Version whose bytes lie there, "v3"; absent: the newest.
	Version string `json:"version"`
}

func (e *edge) adopt(c call) (any, error) {
	var body adoptRequest
	if err := decode(c.body, &body); err != nil {
		return nil, searchpack.Errorf(searchpack.ErrInvalid, "The request body is no JSON object of path and version.")
	}
	in := catalog.AdoptInput{PackageID: c.PathValue("package"), Path: body.Path}
	if body.Version != "" {
		var err error
		if in.Number, err = versionNumber(body.Version); err != nil {
			return nil, searchpack.Errorf(searchpack.ErrInvalid, "version is no version: write it as v3.")
		}
	}
	v, err := e.Catalog.AdoptPackage(c.Context(), c.who, c.PathValue("domain"), in)
	if err != nil {
		return nil, err
	}
	return associationOf(v), nil
}

// control returns the handler of one order to a rollout.
func (e *edge) control(o rollout.Command) func(call) (any, error) {
	return func(c call) (any, error) {
		r, err := e.Catalog.ControlRollout(c.Context(), c.who, c.PathValue("domain"), c.PathValue("rollout"), o)
		if err != nil {
			return nil, err
		}
		return map[string]any{"id": r.ID, "state": r.State, "paused_by": r.Paused, "aborted_by": r.Abort}, nil
	}
}
