// Package runner is the worker that reconciles domains: it loads what a domain wants and what its
// nodes report, lets rollout.Decide decide, and writes the decision. It holds no rules of its own
// and talks to nothing but the store.
package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/rollout"
)

// Runner handles work of kind WorkReconcile.
type Runner struct {
	store searchpack.Store
	texts Texts
	now   func() time.Time
	log   *slog.Logger
}

// New returns a runner. texts may be nil: then no text tells versions apart. now may be nil for the
// wall clock.
func New(store searchpack.Store, texts Texts, now func() time.Time, log *slog.Logger) *Runner {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Runner{store: store, texts: texts, now: now, log: log}
}

// Handle decides for the domain whose key w.Key is. The decision is taken twice: once on a
// snapshot, to see whether there is anything to write and when to look again, and once more inside
// the fenced transaction that writes it, so that no call that came between is overwritten.
func (r *Runner) Handle(ctx context.Context, w *searchpack.Work) (searchpack.WorkResult, func(searchpack.Tx) error, error) {
	key, err := searchpack.ParseDomainKey(w.Key)
	if err != nil {
		r.log.Error("work item without a domain", "key", w.Key)
		return searchpack.WorkResult{}, nil, nil
	}
	now := r.now().UTC().Truncate(time.Microsecond)
	world, err := r.snapshot(ctx, key, now)
	if err != nil || world == nil {
		return searchpack.WorkResult{}, nil, err
	}
	texts, noTexts := r.make(ctx, world)
	if noTexts != nil { // a rollout waits for them only at its end; whatever else is to be done goes on
		r.log.Warn("texts that tell versions apart cannot be made yet", "domain", key.String(), "error", noTexts)
	}
	follows, err := r.follow(ctx, nil, world)
	if err != nil {
		return searchpack.WorkResult{}, nil, err
	}
	news := texts.put(world) != nil || follows
	d := rollout.Decide(*world)
	res := searchpack.WorkResult{At: d.Next}
	if follows {
		res.At = now
	}
	if again := now.Add(textsAgain); noTexts != nil && (res.At.IsZero() || again.Before(res.At)) {
		res.At = again
	}
	if empty(d) && !news {
		return res, nil, nil
	}
	return res, func(tx searchpack.Tx) error { return r.write(ctx, tx, key, now, texts) }, nil
}

// snapshot is the domain's world now; nil if there is no such domain any more.
func (r *Runner) snapshot(ctx context.Context, key searchpack.DomainKey, now time.Time) (*rollout.World, error) {
	var world *rollout.World
	err := r.store.View(ctx, func(tx searchpack.Tx) error {
		w, err := load(ctx, tx, key, now)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			return nil
		}
		world = &w
		return err
	})
	return world, err
}

// write decides once more, on what the fenced transaction finds, and writes that.
func (r *Runner) write(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, now time.Time, texts made) error {
	world, err := load(ctx, tx, key, now)
	if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	queued, err := r.follow(ctx, tx, &world)
	if err != nil {
		return err
	}
	if queued {
		if world, err = load(ctx, tx, key, now); err != nil {
			return err
		}
	}
	if ro := texts.put(&world); ro != nil {
		if err := tx.PutRollout(ctx, ro); err != nil {
			return fmt.Errorf("rollout %s: %w", ro.ID, err)
		}
	}
	return apply(ctx, tx, key, now, rollout.Decide(world))
}

// empty reports whether the decision writes nothing.
func empty(d rollout.Decision) bool {
	return len(d.Orders) == 0 && len(d.Rollouts) == 0 && len(d.Permits) == 0 && len(d.Associations) == 0 && len(d.Dissociated) == 0 &&
		len(d.Proofs) == 0 && len(d.Unproven) == 0 && len(d.Bound) == 0 && len(d.Events) == 0 &&
		len(d.Previews) == 0 && len(d.Forgotten) == 0 && len(d.Incidents) == 0 && d.Watch == nil && d.Settings == nil
}

// apply writes a decision.
func apply(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, now time.Time, d rollout.Decision) error {
	for i := range d.Bound {
		if err := tx.PutAgent(ctx, &d.Bound[i]); err != nil {
			return fmt.Errorf("bind agent %s: %w", d.Bound[i].ID, err)
		}
	}
	for id, order := range d.Orders {
		if err := tx.PutOrder(ctx, id, &order); err != nil {
			return fmt.Errorf("order for agent %s: %w", id, err)
		}
	}
	for i := range d.Rollouts {
		if err := tx.PutRollout(ctx, &d.Rollouts[i]); err != nil {
			return fmt.Errorf("rollout %s: %w", d.Rollouts[i].ID, err)
		}
	}
	for i := range d.Permits {
		if err := tx.PutPermit(ctx, &d.Permits[i]); err != nil {
			return fmt.Errorf("permit %s: %w", d.Permits[i].ID, err)
		}
	}
	for i := range d.Associations {
		if err := tx.PutAssociation(ctx, &d.Associations[i]); err != nil {
			return fmt.Errorf("association of %s: %w", d.Associations[i].PackageID, err)
		}
	}
	for _, id := range d.Dissociated {
		if err := tx.DeleteAssociation(ctx, key, id); err != nil {
			return fmt.Errorf("dissociate %s: %w", id, err)
		}
	}
	if err := applyPreviews(ctx, tx, d); err != nil {
		return err
	}
	if err := applyWatch(ctx, tx, key, d); err != nil {
		return err
	}
	return applyProofs(ctx, tx, key, now, d)
}

// applyWatch writes what was found out about the cluster and its nodes.
func applyWatch(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, d rollout.Decision) error {
	for i := range d.Incidents {
		if err := tx.PutIncident(ctx, &d.Incidents[i]); err != nil {
			return fmt.Errorf("incident %s: %w", d.Incidents[i].ID, err)
		}
	}
	if d.Watch == nil && d.Settings == nil {
		return nil
	}
	row, err := tx.Domain(ctx, key)
	if err == nil {
		if d.Watch != nil {
			row.Watch = *d.Watch
		}
		if d.Settings != nil {
			row.Saved = d.Settings.Saved
		}
		err = tx.PutDomain(ctx, row)
	}
	if err != nil {
		return fmt.Errorf("domain: %w", err)
	}
	return nil
}

func applyPreviews(ctx context.Context, tx searchpack.Tx, d rollout.Decision) error {
	for i := range d.Previews {
		if err := tx.PutPreview(ctx, &d.Previews[i]); err != nil {
			return fmt.Errorf("preview %s: %w", d.Previews[i].ID, err)
		}
	}
	for _, id := range d.Forgotten {
		if err := tx.DeletePreview(ctx, id); err != nil {
			return fmt.Errorf("preview %s: %w", id, err)
		}
	}
	return nil
}

func applyProofs(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey, now time.Time, d rollout.Decision) error {
	for _, p := range d.Unproven {
		if err := tx.DeleteProof(ctx, p.AgentID, p.PackageID); err != nil {
			return fmt.Errorf("proof of %s: %w", p.PackageID, err)
		}
	}
	for i := range d.Proofs {
		d.Proofs[i].Domain = key
		if err := tx.PutProof(ctx, &d.Proofs[i]); err != nil {
			return fmt.Errorf("proof of %s: %w", d.Proofs[i].PackageID, err)
		}
	}
	for i := range d.Events {
		e := &d.Events[i]
		e.Account, e.Region = key.Account, key.Region
		if e.At.IsZero() {
			e.At = now
		}
		if e.Actor == "" {
			e.Actor = "searchpack"
		}
		if err := tx.AddEvent(ctx, e); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	return nil
}
