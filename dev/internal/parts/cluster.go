package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/searchpack/searchpack/dev/internal/cluster"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/refreshplugin"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// Open lays the homes out, with the refresh plugin where they need it, and opens the cluster.
func (c *clusters) Open(ctx context.Context, o stack.ClusterOptions) (stack.Cluster, error) {
	if o.Domain.FilesOnly {
		return stack.FilesOnly{}.Open(ctx, o)
	}
	n, err := cluster.Recorded(o.Dir)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		n = o.Domain.Nodes
	}
	homes, err := c.layOut(ctx, n, o)
	if err != nil {
		return nil, err
	}
	made, err := cluster.Create(cluster.Options{
		Name: o.Process, Dir: o.Dir, Homes: homes, Keeper: o.Keeper,
		BeforeStart: func(ctx context.Context, n *cluster.Node) error { return o.BeforeStart(ctx, info(n)) },
	})
	if err != nil {
		return nil, err
	}
	return &opened{Cluster: made, clusters: c, dir: o.Dir}, nil
}

func homeOf(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("n%d", i+1), "opensearch")
}

// layOut makes the homes one after the other: the first fills the cache for the rest.
func (c *clusters) layOut(ctx context.Context, nodes int, o stack.ClusterOptions) ([]distro.Home, error) {
	c.log(fmt.Sprintf("domain %s: laying out %d nodes of %s", o.Domain.Name, nodes, o.Domain.EngineVersion))
	homes := make([]distro.Home, nodes)
	lay := func(ctx context.Context, i int) (err error) {
		homes[i], err = c.reopen(ctx, homeOf(o.Dir, i), o.Domain.EngineVersion)
		return err
	}
	if err := lay(ctx, 0); err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := 1; i < len(homes); i++ {
		g.Go(func() error { return lay(ctx, i) })
	}
	return homes, g.Wait()
}

// reopen makes a home that may have been in the middle of an upgrade whole. It keeps the engine
// that it has; a new one gets engine.
func (c *clusters) reopen(ctx context.Context, dest, engine string) (distro.Home, error) {
	if err := errors.Join(distro.Mend(dest), distro.DropBeside(dest)); err != nil {
		return distro.Home{}, err
	}
	version, _, err := distro.Resident(dest)
	switch {
	case err == nil:
		engine = engineOf(version)
	case !errors.Is(err, os.ErrNotExist):
		return distro.Home{}, err
	}
	return c.home(ctx, dest, engine, distro.Layout)
}

// home lays out a home of the engine by distro.Layout or distro.LayoutBeside.
func (c *clusters) home(ctx context.Context, dest, engine string, lay func(context.Context, string, string, distro.Options) (distro.Home, error)) (distro.Home, error) {
	from, err := c.offered(engine)
	if err != nil {
		return distro.Home{}, err
	}
	cache, err := distro.OpenCache(nil)
	if err != nil {
		return distro.Home{}, err
	}
	home, err := lay(ctx, from.what, dest, distro.Options{JDK: from.jdk, Log: c.log})
	if err != nil {
		return distro.Home{}, err
	}
	return home, refreshplugin.Install(ctx, cache, home)
}

// opened is a cluster as package stack sees it.
type opened struct {
	*cluster.Cluster
	clusters *clusters
	dir      string
}

func (o *opened) Nodes() []stack.ClusterNode {
	var all []stack.ClusterNode
	for _, n := range o.Cluster.Nodes() {
		all = append(all, &node{Node: n, clusters: o.clusters})
	}
	return all
}

// Add lays out a node with the newest engine that another has: it can take copies of all.
func (o *opened) Add(ctx context.Context) (stack.ClusterNode, error) {
	nodes := o.Cluster.Nodes()
	newest := nodes[0].Home()
	for _, n := range nodes {
		if newer(n.Home(), newest) {
			newest = n.Home()
		}
	}
	home, err := o.clusters.reopen(ctx, homeOf(o.dir, len(nodes)), engineOf(newest.Version))
	if err != nil {
		return nil, err
	}
	n, err := o.Cluster.Add(home)
	if err != nil {
		return nil, err
	}
	return &node{Node: n, clusters: o.clusters}, nil
}

func newer(a, b distro.Home) bool {
	var major, minor int
	_, err := fmt.Sscanf(b.Version, "%d.%d.", &major, &minor)
	return err == nil && a.AtLeast(major, minor+1)
}

func (o *opened) Unfit(ctx context.Context) (string, error) { return o.Red(ctx) }
func (o *opened) Hold(ctx context.Context) error            { return o.HoldReplicas(ctx) }
func (o *opened) Release(ctx context.Context) error         { return o.ReleaseReplicas(ctx) }

func (o *opened) Settle(ctx context.Context, say stack.Say) error {
	return o.Cluster.Settle(ctx, func(note string) { say(0, note) })
}

// node is one of its nodes.
type node struct {
	*cluster.Node
	clusters *clusters
	beside   distro.Home // what Switch gives it; its Dir is the node's own
}

func (n *node) Info() stack.NodeInfo { return info(n.Node) }

func info(n *cluster.Node) stack.NodeInfo {
	home := n.Home()
	return stack.NodeInfo{
		Name: n.Name(), HTTP: n.URL(), Home: home.Dir, Config: n.Config(), Logs: n.Logs(),
		Engine: engineOf(home.Version), Joins: n.Joins(),
	}
}

// Prepare lays the other engine out beside the home.
func (n *node) Prepare(ctx context.Context, engine string) error {
	beside, err := n.clusters.home(ctx, n.Home().Dir, engine, distro.LayoutBeside)
	if err != nil {
		return err
	}
	beside.Dir = n.Home().Dir
	n.beside = beside
	return nil
}

// Switch swaps the homes.
func (n *node) Switch() error {
	was := n.Home()
	if err := n.Rehome(n.beside, func() error { return distro.Swap(was.Dir) }); err != nil {
		return err
	}
	n.beside = was
	return nil
}

// Settled removes the home that is not in use.
func (n *node) Settled() error { return distro.DropBeside(n.Home().Dir) }
