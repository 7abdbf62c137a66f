package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/searchpack/searchpack"
)

// grow adds the next node: first its agent, which brings the files of every package that serves,
// then the node itself, so that a shard that moves there finds what its analyzers read.
func (l *localDomain) grow(ctx context.Context, say Say) error {
	say(0, "A node is being laid out.")
	nodes, _, _ := l.state()
	// What a node of this name left belongs to an agent that was retired.
	if err := os.RemoveAll(filepath.Join(l.dir, fmt.Sprintf("n%d", len(nodes)+1))); err != nil {
		return err
	}
	c, err := l.cluster.Add(ctx)
	if err != nil {
		return err
	}
	n := l.newNode(c)
	l.setNodes(append(slices.Clone(nodes), n))
	if err := l.join(ctx, n, say); err != nil {
		if ctx.Err() != nil {
			return err
		}
		// It never was one of the cluster, so nothing needs to be moved off it.
		if undo := l.takeAway(ctx, n); undo != nil {
			l.deps.log.Error("a node that did not join cannot be taken away", "domain", l.row.Name, "node", n.name(), "error", undo)
		}
		return err
	}
	say(90, n.name()+" has joined; its agent reports.")
	return l.reported(ctx, n.name(), hears)
}

// join starts the agent and then the node.
func (l *localDomain) join(ctx context.Context, n *node, say Say) error {
	if err := n.startAgent(ctx); err != nil {
		return err
	}
	say(20, "The agent of "+n.name()+" brings the files of the packages.")
	if err := l.reported(ctx, n.name(), inPlace); err != nil {
		return err
	}
	say(40, n.name()+" is starting.")
	if err := n.startNode(ctx); err != nil {
		return err
	}
	joining, cancel := within(ctx, l.deps.patience.join)
	defer cancel()
	return l.cluster.Joined(joining, n.name())
}

// inPlace says which file of a package that serves the node lacks.
func inPlace(a *searchpack.AgentState, associations []*searchpack.Association) string {
	if a.Report == nil {
		return "the agent of " + a.Name + " has not reported"
	}
	for _, as := range associations {
		if as.ServingID == "" {
			continue
		}
		i := slices.IndexFunc(a.Order.Files, func(f searchpack.FileOrder) bool { return f.PackageID == as.PackageID })
		if i < 0 {
			return "the agent of " + a.Name + " was not told of package " + as.PackageID
		}
		want := a.Order.Files[i]
		if want.State == searchpack.FileLive && !slices.ContainsFunc(a.Report.Files, func(f searchpack.FileReport) bool {
			return f.PackageID == want.PackageID && f.State == want.State && f.Digest == want.Digest
		}) {
			return a.Name + " does not have the file of package " + as.PackageID
		}
	}
	return ""
}

// hears: the agent has heard its node.
func hears(a *searchpack.AgentState, _ []*searchpack.Association) string {
	if a.Report == nil || a.Report.Node == nil {
		return "the agent of " + a.Name + " has not heard its node"
	}
	return ""
}

// hearsSince: it has done so in this life of the node.
func hearsSince(since time.Time) func(*searchpack.AgentState, []*searchpack.Association) string {
	return func(a *searchpack.AgentState, as []*searchpack.Association) string {
		if a.ReportedAt.Before(since) {
			return "the agent of " + a.Name + " has not reported since the restart"
		}
		return hears(a, as)
	}
}

// shrink removes the last node, after everything that the domain would miss has moved off it. When
// it cannot, the node stays.
func (l *localDomain) shrink(ctx context.Context, name string, say Say) error {
	n, ok := l.node(name)
	if !ok {
		return nil
	}
	say(0, "Shards are moved off "+name+".")
	err := l.drain(ctx, name, say)
	if err == nil {
		say(90, name+" is stopping.")
		err = l.takeAway(ctx, n)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	l.putBack(ctx, n)
	return err
}

func (l *localDomain) drain(ctx context.Context, name string, say Say) error {
	draining, cancel := within(ctx, l.deps.patience.drain)
	defer cancel()
	// The last tenth is for the stop.
	if err := l.cluster.Drain(draining, name, func(percent float64, note string) { say(percent*0.9, note) }); err != nil {
		return err
	}
	return l.cluster.Leave(draining, name)
}

// takeAway stops agent and node, retires the agent and forgets both.
func (l *localDomain) takeAway(ctx context.Context, n *node) error {
	name := n.name()
	n.stopAgent(ctx)
	n.stopNode(ctx)
	leaving, cancel := within(ctx, l.deps.patience.join)
	defer cancel()
	if err := l.cluster.Left(leaving, name); err != nil {
		return err
	}
	who := searchpack.Caller{Account: l.row.Account, Region: l.row.Region, ARN: "searchpack"}
	if _, err := l.deps.catalog.RetireNode(ctx, who, l.row.Name, name); err != nil && searchpack.ErrorCode(err) != searchpack.ErrNotFound {
		return err
	}
	if err := l.cluster.Stay(ctx, name); err != nil {
		return err
	}
	n.end(ctx)
	if err := l.cluster.Drop(); err != nil {
		return err
	}
	nodes, _, _ := l.state()
	l.setNodes(slices.DeleteFunc(slices.Clone(nodes), func(other *node) bool { return other == n }))
	return os.RemoveAll(n.dir)
}

// putBack undoes what was begun of a removal, as far as it can be.
func (l *localDomain) putBack(ctx context.Context, n *node) {
	for _, undo := range []func() error{
		func() error { return l.cluster.Stay(ctx, n.name()) },
		func() error { return n.startNode(ctx) },
		func() error { return n.startAgent(ctx) },
	} {
		if err := undo(); err != nil && ctx.Err() == nil {
			l.deps.log.Error("a node whose removal failed is not as before", "domain", l.row.Name, "node", n.name(), "error", err)
		}
	}
}
