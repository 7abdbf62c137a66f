package catalog

import (
	"context"
	"time"

	"github.com/searchpack/searchpack"
)

// inProgress is AWS's text for a domain that is busy; Terraform waits and tries again on it.
const inProgress = "A change/update is in progress. Please wait for it to complete before requesting another change."

// DomainChanges returns the changes of a domain that are kept, of one kind if kind is not "", newest
// first. ErrNotFound.
func (c *Catalog) DomainChanges(ctx context.Context, who searchpack.Caller, domain string, kind searchpack.ChangeKind) ([]*searchpack.DomainChange, error) {
	changes := []*searchpack.DomainChange{}
	err := c.inDomain(ctx, who, domain, func(tx searchpack.Tx, key searchpack.DomainKey) error {
		all, err := tx.Changes(ctx, key, 0)
		for _, ch := range all {
			if kind == "" || ch.Kind == kind {
				changes = append(changes, ch)
			}
		}
		return err
	})
	return changes, err
}

// MoveChange says how far the change of a domain is: for whoever owns the cluster and carries the
// change out. step is an upgrade's, "" of any other change; progress is that of the step, in
// percent; note says in one sentence what is being done or waited for. Repeating it changes
// nothing. That the change or the domain is unknown, or the change has ended, is no error: a domain
// may be deleted at any time.
func (c *Catalog) MoveChange(ctx context.Context, key searchpack.DomainKey, id string, step searchpack.UpgradeStep, progress float64, note string) error {
	return c.store.Update(ctx, func(tx searchpack.Tx) error {
		ch, err := openChange(ctx, tx, key)
		if err != nil || ch == nil || ch.ID != id {
			return err
		}
		if ch.Kind != searchpack.ChangeUpgrade || step == "" {
			step = ch.Step
		}
		progress := min(max(progress, 0), 100)
		if ch.Status == searchpack.ChangeProcessing && ch.Step == step && ch.Progress == progress && ch.Note == note {
			return nil
		}
		ch.Status, ch.Step, ch.Progress, ch.Note, ch.UpdatedAt = searchpack.ChangeProcessing, step, progress, note, c.clock()
		return tx.PutChange(ctx, ch)
	})
}

// EndChange ends the change of a domain: with failure "" it is done, and an upgrade then sets the
// domain's engine version; else failure says in one sentence why it came to nothing, and what the
// change had set is set back: Domain.Nodes and the options are as before, the engine version never
// changed. Repeating it, an unknown change and an unknown domain are no errors, as with MoveChange.
func (c *Catalog) EndChange(ctx context.Context, key searchpack.DomainKey, id, failure string) error {
	reverted := false
	err := c.store.Update(ctx, func(tx searchpack.Tx) error {
		reverted = false
		ch, err := openChange(ctx, tx, key)
		if err != nil || ch == nil || ch.ID != id {
			return err
		}
		d, err := tx.Domain(ctx, key)
		if err != nil {
			return err
		}
		now := c.clock()
		endChange(ch, now, failure)
		switch {
		case failure == "" && ch.Kind == searchpack.ChangeUpgrade:
			d.EngineVersion = ch.ToVersion
			touch(d, "EngineVersion", now)
		case failure != "" && ch.Kind == searchpack.ChangeConfig:
			if err := revert(d, ch, now); err != nil {
				return err
			}
			reverted = true
		}
		if err := tx.PutDomain(ctx, d); err != nil {
			return err
		}
		return tx.PutChange(ctx, ch)
	})
	if err == nil && reverted {
		c.changed()
	}
	return err
}

// endChange writes the end into the change.
func endChange(ch *searchpack.DomainChange, now time.Time, failure string) {
	ch.Status, ch.Error, ch.Note = searchpack.ChangeCompleted, failure, ""
	if failure != "" {
		ch.Status = searchpack.ChangeFailed
	} else {
		ch.Progress = 100
	}
	ch.UpdatedAt, ch.EndedAt = now, now
}

// newestChange returns the newest change of a domain, nil if there never was one.
func newestChange(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey) (*searchpack.DomainChange, error) {
	changes, err := tx.Changes(ctx, key, 1)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	return changes[0], nil
}

// openChange returns the open change of a domain, nil if there is none. None begins while one is
// open, so an open one is the newest.
func openChange(ctx context.Context, tx searchpack.Tx, key searchpack.DomainKey) (*searchpack.DomainChange, error) {
	ch, err := newestChange(ctx, tx, key)
	if ch != nil && !ch.Status.Open() {
		ch = nil
	}
	return ch, err
}

// local reports whether whoever runs this catalog makes and changes the domain's cluster. A domain
// that came to be by a join token has the cluster of whoever enrols its nodes, here as elsewhere.
func (c *Catalog) local(d *searchpack.Domain) bool { return c.limits.LocalClusters && d.Nodes > 0 }

// idle returns the domain's view, or AWS's error if the domain is being made or changed. In a
// cluster that somebody else runs nothing is ever being made here.
func (c *Catalog) idle(ctx context.Context, tx searchpack.Tx, d *searchpack.Domain) (*DomainView, error) {
	v, err := c.view(ctx, tx, d)
	if err == nil && v.Processing && (c.local(d) || v.Changing()) {
		return v, searchpack.Errorf(searchpack.ErrInvalid, inProgress)
	}
	return v, err
}

// newChange begins a change of a domain at now.
func newChange(key searchpack.DomainKey, kind searchpack.ChangeKind, now time.Time) *searchpack.DomainChange {
	return &searchpack.DomainChange{
		ID: newID(), Domain: key, Kind: kind, Status: searchpack.ChangePending, StartedAt: now, UpdatedAt: now,
	}
}

// touch stamps an option as changed.
func touch(d *searchpack.Domain, option string, now time.Time) {
	if d.Stamps == nil {
		d.Stamps = map[string]searchpack.OptionStamp{}
	}
	s := Stamp(d, option)
	s.UpdatedAt = now
	s.Version++
	d.Stamps[option] = s
}

// Stamp says when an option of the domain was set and changed; one that was never changed is as old
// as the domain, in version 1.
func Stamp(d *searchpack.Domain, option string) searchpack.OptionStamp {
	if s, ok := d.Stamps[option]; ok {
		return s
	}
	return searchpack.OptionStamp{CreatedAt: d.CreatedAt, UpdatedAt: d.CreatedAt, Version: 1}
}
