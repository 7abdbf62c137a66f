package runner

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// follow queues a rollout for each package that follows the latest version and is to get one, and
// reports whether there is any. tx nil: only looks. A package that cannot be associated now (what it
// needs is missing) is left for a later time, and one that its owner does not share any more stays as it is.
func (r *Runner) follow(ctx context.Context, tx searchpack.Tx, w *rollout.World) (bool, error) {
	if !w.Domain.DeletedAt.IsZero() {
		return false, nil
	}
	found := false
	for _, ask := range rollout.Follow(w.Call("")) {
		p := w.Packages[ask.PackageID]
		if !p.VisibleTo(w.Domain.Account) || !rollout.Suits(*w, ask.PackageID) {
			continue
		}
		ch, err := rollout.Associate(w.Call(uuid.NewString()), ask)
		if err != nil {
			r.log.Debug("a package cannot follow its latest version now", "package", ask.PackageID, "domain", w.Domain.String(), "error", err)
			continue
		}
		found = true
		if tx == nil {
			continue
		}
		if err := PutChange(ctx, tx, ch); err != nil {
			return found, fmt.Errorf("follow the latest version of %s: %w", ask.PackageID, err)
		}
	}
	return found, nil
}

// PutChange writes what the rules decided of a call. Whoever calls asks for a reconcile.
func PutChange(ctx context.Context, tx searchpack.Tx, ch rollout.Change) error {
	for i := range ch.Associations {
		if err := tx.PutAssociation(ctx, &ch.Associations[i]); err != nil {
			return err
		}
	}
	for i := range ch.Replaced {
		if err := tx.PutRollout(ctx, &ch.Replaced[i]); err != nil {
			return err
		}
	}
	return tx.PutRollout(ctx, &ch.Rollout)
}
