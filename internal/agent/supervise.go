package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/searchpack/searchpack"
)

// Supervised is a node that is this agent's own child: it starts with the agent, and ends with it.
// Adapter: internal/nodecontrol.
type Supervised interface {
	NodeControl
	// Clear waits until nothing is left of a node that an earlier agent has started here. ErrConflict: it
	// still runs when ctx ends.
	Clear(ctx context.Context) error
	// Started reports whether this process has started the node before.
	Started() bool
	// Ends has a value when the node has ended by itself. Ended says how, until it is started again or
	// told to stop: status is its exit status, or 128 and the signal's number.
	Ends() <-chan struct{}
	Ended() (status int, how string, ended bool)
	// Close stops the node for good, by force when ctx ends before it has stopped: then that is the error.
	Close(ctx context.Context) error
}

// NodeEnded is the error of an agent whose node has ended by itself. Whoever has started the agent
// decides what comes next.
type NodeEnded struct {
	Status int // of the node; 128 and the signal's number if one ended it
	How    string
}

// Error implements error.
func (e *NodeEnded) Error() string {
	return "OpenSearch, which this agent supervises, has ended by itself: " + e.How
}

const (
	// lastReport bounds what is told to the server when the node has ended: whoever starts it anew waits.
	lastReport = 2 * time.Second
	// endLook is how often it is looked whether a node that has ended is anybody's concern.
	endLook = time.Second
	// maxLost is how often a start with new plugins may end together with the agent, so that nobody has
	// seen why. Once is a machine that goes down, or an agent that is killed. Twice is a node that takes
	// its whole container with it, by the memory that it needs.
	maxLost = 2
)

// supervise is Run for a node that is this agent's child.
func (r *run) supervise(ctx context.Context) (err error) {
	node := r.cfg.Supervised
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.StopTimeout)
		defer cancel()
		if node.Started() {
			err = errors.Join(err, node.Close(stop))
		}
	}()
	if err := r.startFirst(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var ended *NodeEnded
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if ended = r.untilEnded(work); ended != nil {
			r.log.Error("OpenSearch has ended by itself; so does this agent", "how", ended.How)
			cancel()
		}
	}()
	if r.link.enrolUntil(work) {
		r.begin()
		r.loops(work)
	}
	cancel()
	<-watched
	if ended == nil || ctx.Err() != nil { // told to end: whoever did so may have told both
		return nil
	}
	r.tellEnd(ended)
	return ended
}

// startFirst does what SyncOnce does and starts the node. In the middle of a restart by a permit the
// restarter does, which knows what becomes of a start that fails.
func (r *run) startFirst(ctx context.Context) error {
	if err := r.alone(ctx); err != nil {
		return err
	}
	asked, err := r.hear(ctx)
	if err != nil {
		return err
	}
	if err := r.syncFiles(ctx, asked); err != nil {
		return err
	}
	if j := r.book.restart(); j != nil && j.Stage != restartBack {
		return nil
	}
	if err := r.syncPlugins(ctx, asked); err != nil {
		return err
	}
	r.noteSync()
	r.log.Info("starting OpenSearch")
	return r.cfg.Supervised.Start(ctx)
}

// alone makes sure that no other OpenSearch of this home runs: not one that an agent has left, and not
// one that somebody else has started.
func (r *run) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.StopTimeout)
	defer cancel()
	if err := r.cfg.Supervised.Clear(ctx); err != nil || r.cfg.Plugins == nil {
		return err
	}
	for {
		pid, err := nodeProcess(r.cfg.Plugins.Home)
		if err != nil || pid == 0 {
			return err
		}
		if !pause(ctx, 200*time.Millisecond) { // it may be ending
			return searchpack.Errorf(searchpack.ErrConflict,
				"OpenSearch of %s runs already (process %d), and this agent has not started it: stop it, and whatever starts it", r.cfg.Plugins.Home, pid)
		}
	}
}

// ready is asked before the node is started for a permit: its files are looked after all the time, so
// that at most the last one is waited for.
func (r *run) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncOther)
	defer cancel()
	for {
		err := inPlace(ctx, r.link.state.tree, r.placer.conf, 0)
		if err == nil || !pause(ctx, 100*time.Millisecond) {
			return err
		}
		r.place.ring()
	}
}

// untilEnded waits until the node has ended by itself, in no restart by a permit. nil: ctx ended.
func (r *run) untilEnded(ctx context.Context) *NodeEnded {
	tick := time.NewTicker(endLook)
	defer tick.Stop()
	for {
		status, how, ended := r.cfg.Supervised.Ended()
		j := r.book.restart()
		switch {
		case !ended:
		case j == nil || j.Stage == restartBack:
			return &NodeEnded{Status: status, How: how}
		default:
			r.restart.ring() // a start that has failed
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.cfg.Supervised.Ends():
		case <-tick.C:
		}
	}
}

// tellEnd tells the server that the node has ended, if it can be told.
func (r *run) tellEnd(ended *NodeEnded) {
	if r.reporter == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastReport)
	defer cancel()
	r.facts.set(nil, ended)
	if err := r.reporter.send(ctx); err != nil {
		r.log.Info("the server could not be told that OpenSearch has ended", "error", err)
	}
}

// lost: this process goes on with a restart by a permit, and the node that an earlier one has started has
// ended with it.
func (r *restarter) lost(j *restart) bool {
	child, ok := r.control.(Supervised)
	return ok && !child.Started() && j.NotStarted == ""
}

// startLost starts the node again that has ended with an earlier process of the agent. Nobody has seen
// why, so that the plugins are not blamed for it the first time.
func (r *restarter) startLost(ctx context.Context, j *restart) error {
	switch {
	case j.Stage == restartRestored:
		return r.startNode(ctx)
	case j.Restoring != "":
		return r.giveBack(ctx, j)
	}
	if j.Lost++; j.Lost >= maxLost {
		return r.restore(ctx, j, fmt.Sprintf("it ended %d times together with its agent before it had joined its cluster", j.Lost))
	}
	r.log.Info("the node has ended together with the agent before it had joined its cluster; it is started again")
	return r.start(ctx, j)
}
