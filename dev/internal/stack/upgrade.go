package stack

import (
	"context"
	"fmt"
	"time"
)

// upgradeNode gives one node another engine, while the others serve.
func (l *localDomain) upgradeNode(ctx context.Context, a action, to string, say Say) error {
	nodes, _, _ := l.state()
	n, ok := l.node(a.node)
	if !ok {
		return fmt.Errorf("there is no node %s", a.node)
	}
	from := n.cluster.Info().Engine
	if err := l.prepare(ctx, nodes, to, say); err != nil {
		return err
	}
	if err := l.settle(ctx, say, 5); err != nil {
		return err
	}
	say(10, fmt.Sprintf("%s restarts with %s.", n.name(), to))
	if err := l.cluster.Hold(ctx); err != nil {
		return err
	}
	if err := l.restart(ctx, n); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return l.goBack(ctx, n, a, from, to, err)
	}
	began := time.Now().Truncate(time.Microsecond)
	if err := n.startAgent(ctx); err != nil {
		return left(err, a, to)
	}
	say(60, n.name()+" has joined; its agent reports.")
	if err := l.reported(ctx, n.name(), hearsSince(began)); err != nil {
		return left(err, a, to)
	}
	if err := l.cluster.Release(ctx); err != nil {
		return left(err, a, to)
	}
	if err := l.settle(ctx, say, 70); err != nil {
		return left(err, a, to)
	}
	return n.cluster.Settled()
}

// prepare lays the new program out beside every node that lacks it, so that what can go wrong with
// that does so before any node is stopped.
func (l *localDomain) prepare(ctx context.Context, nodes []*node, to string, say Say) error {
	for _, n := range nodes {
		if n.cluster.Info().Engine == to {
			continue
		}
		say(0, fmt.Sprintf("%s is laid out for %s.", to, n.name()))
		if err := n.cluster.Prepare(ctx, to); err != nil {
			return fmt.Errorf("laying out %s for %s: %w", to, n.name(), err)
		}
	}
	return nil
}

func (l *localDomain) settle(ctx context.Context, say Say, percent float64) error {
	settling, cancel := within(ctx, l.deps.patience.settle)
	defer cancel()
	return l.cluster.Settle(settling, func(_ float64, note string) { say(percent, note) })
}

// restart changes the program and waits until the node is one of its cluster.
func (l *localDomain) restart(ctx context.Context, n *node) error {
	if err := n.exchange(ctx); err != nil {
		return err
	}
	starting, cancel := within(ctx, l.deps.patience.join)
	defer cancel()
	if err := n.cluster.WaitReady(starting); err != nil {
		return err
	}
	return l.cluster.Joined(starting, n.name())
}

// goBack gives the node its former engine again. OpenSearch refuses to open data that a newer
// version has opened: then the node stays down with the new one, which its data belong to.
func (l *localDomain) goBack(ctx context.Context, n *node, a action, from, to string, cause error) error {
	name := n.name()
	if n.cluster.Info().Engine != to { // the program was not changed
		if err := n.startNode(ctx); err != nil {
			cause = fmt.Errorf("%s, and does not start again: %s", headline(cause), headline(err))
		}
		return l.afterFailure(ctx, n, left(fmt.Errorf("%s still is %s: %s", name, from, headline(cause)), a, to))
	}
	err := l.restart(ctx, n)
	if err == nil {
		return l.afterFailure(ctx, n, left(fmt.Errorf("%s did not start with %s and has %s again: %s", name, to, from, headline(cause)), a, to))
	}
	if ctx.Err() != nil {
		return err
	}
	failed := fmt.Errorf("%s does not start with %s: %s; and no longer with %s: %s. It is down with %s, which its data belong to now: mend the cause, type searchpack-dev node start %s/%s, and upgrade again",
		name, to, headline(cause), from, headline(err), to, l.row.Name, name)
	if err := n.shelve(ctx); err != nil {
		failed = fmt.Errorf("%w; %s", failed, headline(err))
	}
	return l.afterFailure(ctx, n, left(failed, a, to))
}

// afterFailure lets agent and replicas go on, and removes what was laid out.
func (l *localDomain) afterFailure(ctx context.Context, n *node, failed error) error {
	undos := []func() error{
		func() error { return n.startAgent(ctx) },
		func() error { return l.cluster.Release(ctx) },
	}
	nodes, _, _ := l.state()
	for _, other := range nodes {
		undos = append(undos, other.cluster.Settled)
	}
	for _, undo := range undos {
		if err := undo(); err != nil && ctx.Err() == nil {
			l.deps.log.Error("after an upgrade that failed", "domain", l.row.Name, "node", n.name(), "error", err)
		}
	}
	return failed
}

// left adds which nodes an upgrade that fails leaves upgraded.
func left(err error, a action, to string) error {
	if a.done == 0 {
		return err
	}
	return fmt.Errorf("%s (%d of %d nodes have %s and keep it; an upgrade to it goes on with the others)", headline(err), a.done, a.of, to)
}
