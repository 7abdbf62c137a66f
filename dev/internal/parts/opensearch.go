package parts

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/searchpack/searchpack/dev/internal/cluster"
	"github.com/searchpack/searchpack/dev/internal/distro"
	"github.com/searchpack/searchpack/dev/internal/refreshplugin"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// offer is one OpenSearch that domains may have.
type offer struct {
	engine string     // "OpenSearch_3.8"
	what   string     // version or path, as distro.Layout takes it
	jdk    distro.JDK // zero: distro chooses (an installation may bring its own)
}

// clusters makes clusters of the OpenSearch versions asked for.
type clusters struct {
	offers []offer
	log    func(string)
}

// openClusters finds out what can run here, and fetches or starts nothing yet.
func openClusters(ctx context.Context, o stack.Options, log func(string)) (stack.Clusters, error) {
	if o.FilesOnly() {
		return stack.FilesOnly{}, nil
	}
	jdks := distro.FindJDKs(ctx, nil)
	c := &clusters{log: log}
	if len(o.OpenSearch) == 0 {
		choice, err := distro.Choose(distro.Offered(), jdks)
		if err != nil {
			return nil, fmt.Errorf("%w; or use --opensearch none, which needs no Java", err)
		}
		log(choice.Reason)
		c.offers = []offer{{engineOf(choice.Version), choice.Version, choice.JDK}}
		return c, nil
	}
	for _, what := range o.OpenSearch {
		next, err := offerOf(what, jdks)
		if err != nil {
			return nil, err
		}
		for _, have := range c.offers {
			if have.engine == next.engine {
				return nil, fmt.Errorf("--opensearch %s and %s are both %s: name one of them", have.what, what, next.engine)
			}
		}
		c.offers = append(c.offers, next)
	}
	return c, nil
}

func offerOf(what string, jdks []distro.JDK) (offer, error) {
	if !distro.IsVersion(what) {
		inst, err := distro.FromHome(what)
		if err != nil {
			return offer{}, err
		}
		abs, err := filepath.Abs(what)
		return offer{engine: engineOf(inst.Version), what: abs}, err
	}
	jdk, err := distro.ChooseJDK(what, jdks)
	return offer{engineOf(what), what, jdk}, err
}

// engineOf turns "3.8.0" into "OpenSearch_3.8".
func engineOf(version string) string {
	p := strings.SplitN(version, ".", 3)
	if len(p) < 2 {
		return "OpenSearch_" + version
	}
	return "OpenSearch_" + p[0] + "." + p[1]
}

func (c *clusters) Engines() []string {
	var all []string
	for _, o := range c.offers {
		all = append(all, o.engine)
	}
	return all
}

// Open lays the homes out, with the refresh plugin where they need it, and opens the cluster.
func (c *clusters) Open(ctx context.Context, o stack.ClusterOptions) (stack.Cluster, error) {
	if o.Domain.FilesOnly {
		return stack.FilesOnly{}.Open(ctx, o)
	}
	var from *offer
	for i := range c.offers {
		if c.offers[i].engine == o.Domain.EngineVersion {
			from = &c.offers[i]
		}
	}
	if from == nil {
		return nil, fmt.Errorf("the domain is %s, offered now is %s: start searchpack-dev with --opensearch for it, too", o.Domain.EngineVersion, strings.Join(c.Engines(), ", "))
	}
	homes, err := c.layOut(ctx, *from, o)
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
	return opened{made}, nil
}

// layOut makes the homes one after the other: the first fills the cache for the rest.
func (c *clusters) layOut(ctx context.Context, from offer, o stack.ClusterOptions) ([]distro.Home, error) {
	c.log(fmt.Sprintf("domain %s: laying out %d nodes of OpenSearch %s", o.Domain.Name, o.Domain.Nodes, from.what))
	cache, err := distro.OpenCache(nil)
	if err != nil {
		return nil, err
	}
	homes := make([]distro.Home, o.Domain.Nodes)
	lay := func(ctx context.Context, i int) error {
		dest := filepath.Join(o.Dir, fmt.Sprintf("n%d", i+1), "opensearch")
		home, err := distro.Layout(ctx, from.what, dest, distro.Options{JDK: from.jdk, Log: c.log})
		if err != nil {
			return err
		}
		homes[i] = home
		return refreshplugin.Install(ctx, cache, home)
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

// opened is a cluster as package stack sees it.
type opened struct{ *cluster.Cluster }

func (o opened) Nodes() []stack.ClusterNode {
	var all []stack.ClusterNode
	for _, n := range o.Cluster.Nodes() {
		all = append(all, node{n})
	}
	return all
}

type node struct{ *cluster.Node }

func (n node) Info() stack.NodeInfo { return info(n.Node) }

func info(n *cluster.Node) stack.NodeInfo {
	return stack.NodeInfo{Name: n.Name(), HTTP: n.URL(), Home: n.Home().Dir, Config: n.Config(), Logs: n.Logs()}
}
