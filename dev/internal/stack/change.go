package stack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/searchpack/searchpack"
)

// patience is how long parts of a change may take before it has failed.
type patience struct {
	drain  time.Duration // shards leave a node
	join   time.Duration // a started node is one of its cluster
	report time.Duration // an agent has its files in place, or has heard its node
	settle time.Duration // shards are back after a restart
}

// A development cluster holds little; whatever takes longer than this takes for ever.
var defaultPatience = patience{drain: 10 * time.Minute, join: startPatience, report: 2 * time.Minute, settle: 10 * time.Minute}

// within bounds ctx. The cause says how long was waited.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("not done within %s", d))
}

// serve makes the nodes what the rows say, one action after the other, until ctx ends.
func (l *localDomain) serve(ctx context.Context) {
	pause := l.deps.retry
	for ctx.Err() == nil {
		again, err := l.step(ctx)
		if err != nil && ctx.Err() == nil {
			l.deps.log.Error("a domain is not what its row says", "domain", l.row.Name, "error", err, "again in", pause)
		}
		switch {
		case err != nil:
			waitFor(ctx, pause, nil)
			pause = min(2*pause, lastRetry)
		case !again:
			waitFor(ctx, 0, l.wake)
			pause = l.deps.retry
		}
	}
}

// waitFor waits for the first of: ctx, the time (0: for ever), the channel.
func waitFor(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	var after <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-ctx.Done():
	case <-after:
	case <-wake:
	}
}

// step does the next thing, and reports whether there may be another. An error is of what no change
// of the domain stands for; a change that fails is ended here.
func (l *localDomain) step(ctx context.Context) (again bool, err error) {
	s, err := l.situation(ctx)
	if err != nil || s == nil {
		return false, err
	}
	a := next(*s)
	if a.verb == toRest {
		return false, l.cluster.Release(ctx) // of an upgrade whose end a kill -9 kept from being tidy
	}
	err = l.carryOut(ctx, a, s.change)
	if err == nil || ctx.Err() != nil {
		return true, nil // whoever comes after a stop goes on with it
	}
	if s.change == nil {
		return false, err
	}
	l.deps.log.Error("the change of a domain failed", "domain", l.row.Name, "change", s.change.ID, "error", err)
	err = l.deps.catalog.EndChange(ctx, l.row.DomainKey, s.change.ID, headline(err))
	l.deps.changed()
	return true, err
}

// headline is the first line of an error: those of nodes go on with their logs.
func headline(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// situation reads the rows; nil: the domain is gone.
func (l *localDomain) situation(ctx context.Context) (*situation, error) {
	var s *situation
	err := l.deps.store.View(ctx, func(tx searchpack.Tx) error {
		s = nil
		d, err := tx.Domain(ctx, l.row.DomainKey)
		if searchpack.ErrorCode(err) == searchpack.ErrNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if !d.CreatedAt.Equal(l.row.CreatedAt) || !d.DeletedAt.IsZero() {
			return nil
		}
		newest, err := tx.Changes(ctx, l.row.DomainKey, 1)
		s = &situation{nodes: d.Nodes}
		if len(newest) == 1 && newest[0].Status.Open() {
			s.change = newest[0]
		}
		return err
	})
	if err != nil || s == nil {
		return nil, err
	}
	nodes, _, _ := l.state()
	for _, n := range nodes {
		s.have = append(s.have, has{n.name(), n.cluster.Info().Engine})
	}
	if s.change != nil && s.change.Kind == searchpack.ChangeUpgrade {
		// Without a manager the cluster itself is in trouble, which shows when it is asked for more.
		if s.manager, err = l.cluster.Manager(ctx); err != nil {
			l.deps.log.Warn("the elected cluster manager is not known", "domain", l.row.Name, "error", err)
		}
	}
	return s, nil
}

// carryOut does one action. ch is the change that it is for; nil: none, as when a node comes back
// whose removal failed.
func (l *localDomain) carryOut(ctx context.Context, a action, ch *searchpack.DomainChange) error {
	say := l.teller(ctx, a, ch)
	switch a.verb {
	case toCheck:
		if why, err := l.cluster.Unfit(ctx); err != nil || why != "" {
			return orText(err, "the domain cannot be upgraded now: "+why)
		}
		return l.deps.catalog.MoveChange(ctx, l.row.DomainKey, ch.ID, searchpack.UpgradeSnapshot, 100, "Local clusters take no snapshot.")
	case toSnapshot:
		return l.deps.catalog.MoveChange(ctx, l.row.DomainKey, ch.ID, searchpack.UpgradeUpgrade, 0, "The new version is being laid out.")
	case toAdd:
		return l.grow(ctx, say)
	case toRemove:
		return l.shrink(ctx, a.node, say)
	case toUpgrade:
		return l.upgradeNode(ctx, a, ch.ToVersion, say)
	}
	if err := l.cluster.Release(ctx); err != nil {
		return err
	}
	err := l.deps.catalog.EndChange(ctx, l.row.DomainKey, ch.ID, "")
	l.deps.changed()
	return err
}

// orText is the error, or else an error with the text.
func orText(err error, text string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s", text)
}

// teller tells the change how far its action is. What is not told is only not shown.
func (l *localDomain) teller(ctx context.Context, a action, ch *searchpack.DomainChange) Say {
	last := ""
	return func(percent float64, note string) {
		if ch == nil || note == last {
			return
		}
		last = note
		overall := (100*float64(a.done) + percent) / float64(max(a.of, 1))
		if err := l.deps.catalog.MoveChange(ctx, l.row.DomainKey, ch.ID, ch.Step, overall, note); err != nil && ctx.Err() == nil {
			l.deps.log.Warn("the progress of a change cannot be written", "domain", l.row.Name, "error", err)
		}
	}
}

// reported waits until the agent of a node is as ok wants it; ok says what is missing.
func (l *localDomain) reported(ctx context.Context, node string, ok func(a *searchpack.AgentState, serving []*searchpack.Association) string) error {
	ctx, cancel := within(ctx, l.deps.patience.report)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := "the agent of " + node + " has not joined"
		err := l.deps.store.View(ctx, func(tx searchpack.Tx) error {
			agents, err := tx.Agents(ctx, l.row.DomainKey)
			if err != nil {
				return err
			}
			serving, err := tx.Associations(ctx, l.row.DomainKey)
			if a := inService(agents, node); a != nil {
				missing = ok(a, serving)
			}
			return err
		})
		if err == nil && missing == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return orText(err, fmt.Sprintf("%s (%v)", missing, context.Cause(ctx)))
		}
	}
}
