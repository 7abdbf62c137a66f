package sqlstore

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// wakeChannel is where servers tell each other of new work. The payload names the sender.
	wakeChannel = "searchpack_work"
	// notifyTimeout bounds one NOTIFY; it is only a hint.
	notifyTimeout = 5 * time.Second
	// listenCheck is how long a silent connection is believed to be alive.
	listenCheck = time.Minute
	// listenRetryMin and listenRetryMax bound the wait before a lost connection is made anew.
	listenRetryMin = 100 * time.Millisecond
	listenRetryMax = 30 * time.Second
)

// Wake returns the channel that gets a value after commits that enqueued work.
func (s *Store) Wake() <-chan struct{} { return s.wake }

// wakeAll wakes this process now, and the others soon.
func (s *Store) wakeAll() {
	signal(s.wake)
	if s.notify != nil {
		signal(s.notify)
	}
}

// signal puts a value into a channel of one, unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// startWakes starts what tells other servers of work and hears of theirs. Polling finds the work
// without it, only later.
func (s *Store) startWakes(cfg *pgx.ConnConfig) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.notify = make(chan struct{}, 1)
	self := strconv.FormatUint(rand.Uint64(), 36)
	s.running.Go(func() { s.sendWakes(ctx, self) })
	s.running.Go(func() { s.hearWakes(ctx, cfg, self) })
}

// sendWakes sends one NOTIFY for all commits since the last. It is not part of the transactions
// that enqueue, because PostgreSQL commits those with a NOTIFY one at a time.
func (s *Store) sendWakes(ctx context.Context, self string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.notify:
		}
		sendCtx, cancel := context.WithTimeout(ctx, notifyTimeout)
		_, err := s.write.ExecContext(sendCtx, "SELECT pg_notify($1, $2)", wakeChannel, self)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.Debug("other servers were not told of new work; they find it by polling", "error", err)
		}
	}
}

// hearWakes listens on a connection of its own and makes it anew when it is lost.
func (s *Store) hearWakes(ctx context.Context, cfg *pgx.ConnConfig, self string) {
	cfg = cfg.Copy()
	cfg.RuntimeParams["application_name"] += " listener"
	wait := listenRetryMin
	for ctx.Err() == nil {
		began := time.Now()
		err := s.listen(ctx, cfg, self)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > listenCheck {
			wait = listenRetryMin
		}
		s.log.Warn("the listening connection to the database is lost; work of other servers is found by polling meanwhile",
			"error", oneLine(err.Error()), "retry_in", wait)
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, listenRetryMax)
	}
}

// listen feeds Wake until the connection breaks.
func (s *Store) listen(ctx context.Context, cfg *pgx.ConnConfig, self string) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTimeout)
		defer cancel()
		conn.Close(closeCtx) //nolint:errcheck // it is given up anyway
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+wakeChannel); err != nil {
		return err
	}
	signal(s.wake) // for what was enqueued while nobody listened
	for {
		waitCtx, cancel := context.WithTimeout(ctx, listenCheck)
		n, err := conn.WaitForNotification(waitCtx)
		quiet := waitCtx.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			if n.Payload != self {
				signal(s.wake)
			}
		case quiet: // a dead peer says nothing either
			pingCtx, cancel := context.WithTimeout(ctx, notifyTimeout)
			err := conn.Ping(pingCtx)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
}
