package runner

import (
	"context"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// textsAgain is how long to wait before texts that could not be made are tried again.
const textsAgain = 5 * time.Second

// Texts returns texts that two versions of a dictionary may turn into different terms; former is nil
// if there was none. An error: try again later.
type Texts func(ctx context.Context, former, version *searchpack.Version) ([]string, error)

// made are the texts of the running rollout's steps, by package.
type made struct {
	rolloutID string
	texts     map[string][]string
}

// missing reports whether the running rollout has steps whose texts are to be made.
func missing(w *rollout.World) *searchpack.Rollout {
	for i := range w.Rollouts {
		r := &w.Rollouts[i]
		if r.State == searchpack.RolloutRunning && slices.ContainsFunc(r.Steps, lacksTexts) {
			return r
		}
	}
	return nil
}

func lacksTexts(s searchpack.RolloutStep) bool {
	return s.Action == searchpack.ActionAssociate && !s.TextsMade
}

// make makes the texts that the world lacks. It reads blobs, so no transaction is open.
func (r *Runner) make(ctx context.Context, w *rollout.World) (made, error) {
	ro := missing(w)
	if ro == nil {
		return made{}, nil
	}
	out := made{rolloutID: ro.ID, texts: map[string][]string{}}
	for _, s := range ro.Steps {
		v, ok := w.Versions[s.VersionID]
		if !lacksTexts(s) || !ok {
			continue
		}
		var former *searchpack.Version
		if f, ok := w.Versions[s.FormerID]; ok {
			former = &f
		}
		var texts []string
		if r.texts != nil && w.Packages[s.PackageID].Type == searchpack.TypeDictionary {
			var err error
			if texts, err = r.texts(ctx, former, &v); err != nil {
				return out, err
			}
		}
		out.texts[s.PackageID] = texts
	}
	return out, nil
}

// put writes the texts into the world's rollout, and returns it if that changed it.
func (m made) put(w *rollout.World) *searchpack.Rollout {
	ro := missing(w)
	if ro == nil || ro.ID != m.rolloutID {
		return nil
	}
	ro.Steps = slices.Clone(ro.Steps)
	changed := false
	for i := range ro.Steps {
		s := &ro.Steps[i]
		if texts, ok := m.texts[s.PackageID]; ok && lacksTexts(*s) {
			s.Texts, s.TextsMade, changed = texts, true, true
		}
	}
	if !changed {
		return nil
	}
	return ro
}
