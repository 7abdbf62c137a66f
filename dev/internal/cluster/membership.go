package cluster

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// member is a row of _cat/nodes.
type member struct{ Name, Version string }

func (c *Cluster) members(ctx context.Context, not string) ([]member, error) {
	var all []member
	return all, c.call(ctx, not, http.MethodGet, "/_cat/nodes?format=json&h=name,version", nil, &all)
}

// Leave makes the elections go on without the node, which still runs: it is taken out of the voting
// configuration, and the manager hands over if it is the node.
func (c *Cluster) Leave(ctx context.Context, node string) error {
	return c.call(ctx, node, http.MethodPost, "/_cluster/voting_config_exclusions?timeout=30s&node_names="+node, nil, nil)
}

// Left waits until the others no longer count the node, whose process is gone, and forgets that it
// was taken out of the voting configuration.
func (c *Cluster) Left(ctx context.Context, node string) error {
	err := every(ctx, askEvery, func() (string, error) {
		all, err := c.members(ctx, node)
		if err == nil && slices.ContainsFunc(all, func(m member) bool { return m.Name == node }) {
			return "the other nodes still count " + node, nil
		}
		return "", err
	})
	if err != nil {
		return err
	}
	return c.readmit(ctx)
}

// Stay takes Leave and Drain back.
func (c *Cluster) Stay(ctx context.Context, node string) error {
	if err := c.readmit(ctx); err != nil {
		return err
	}
	return c.Undrain(ctx, node)
}

func (c *Cluster) readmit(ctx context.Context) error {
	return c.call(ctx, "", http.MethodDelete, "/_cluster/voting_config_exclusions?wait_for_removal=false", nil, nil)
}

// Joined waits until the node, in its own view, is in one cluster with every node that runs, and
// has the version that its home has.
func (c *Cluster) Joined(ctx context.Context, node string) error {
	n := c.Node(node)
	if n == nil {
		return fmt.Errorf("%s has no node %s", c.name, node)
	}
	return every(ctx, askEvery, func() (string, error) {
		running := 0
		for _, other := range c.Nodes() {
			if other.Running() {
				running++
			}
		}
		if !n.Running() {
			return "", n.startFailure("ended while it joined the cluster")
		}
		var all []member
		if err := n.ask(ctx, "/_cat/nodes?format=json&h=name,version", &all); err != nil {
			return node + " does not know its cluster yet: " + err.Error(), nil
		}
		want := n.Home().Version
		for _, m := range all {
			if m.Name == node && !strings.HasPrefix(m.Version, want) { // 3.8.0-SNAPSHOT is 3.8.0
				return "", fmt.Errorf("%s says that it is OpenSearch %s, its home is %s", node, m.Version, want)
			}
		}
		if len(all) < running {
			return fmt.Sprintf("%s sees %d of %d nodes", node, len(all), running), nil
		}
		return "", nil
	})
}

// Manager returns the name of the elected cluster manager.
func (c *Cluster) Manager(ctx context.Context) (string, error) {
	var rows []struct{ Node string }
	if err := c.call(ctx, "", http.MethodGet, "/_cat/cluster_manager?format=json&h=node", nil, &rows); err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("%s has %d elected cluster managers", c.name, len(rows))
	}
	return rows[0].Node, nil
}
