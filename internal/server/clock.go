package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/searchpack/searchpack"
)

const (
	// clockEvery is how often the database is asked for its time. Between, this machine's monotonic
	// clock counts, which nobody can set; it strays by a millisecond, or by a suspension of the machine.
	clockEvery = 10 * time.Second
	// clockRead bounds one question: a slow answer says little of what time it is now.
	clockRead = 2 * time.Second
)

// clock is the database's clock on this server. Several servers on one database have one time by it,
// whatever the clocks of their machines show and however they jump: when an agent was heard, and
// when work is due, is written by one and read by another.
type clock struct {
	read    func(ctx context.Context) (time.Time, error)
	elapsed func() time.Duration // monotonic
	log     *slog.Logger

	mu   sync.Mutex
	base time.Time // the database's when elapsed was 0
}

// openClock asks the store for its time.
func openClock(ctx context.Context, store searchpack.Store, log *slog.Logger) (*clock, error) {
	began := time.Now()
	c := &clock{read: store.Now, elapsed: func() time.Duration { return time.Since(began) }, log: log}
	return c, c.set(ctx)
}

// Now is the time by the database's clock.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(c.elapsed())
}

// set asks the database. It read its clock some time between question and answer.
func (c *clock) set(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clockRead)
	defer cancel()
	before := c.elapsed()
	at, err := c.read(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = at.Add(-(before + c.elapsed()) / 2)
	return nil
}

// keep asks again and again until ctx ends. While the database does not answer, time goes on.
func (c *clock) keep(ctx context.Context) error {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := c.set(ctx); err != nil && ctx.Err() == nil {
			c.log.Debug("the database does not tell its time", "error", err)
		}
	}
}
