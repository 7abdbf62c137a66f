package cluster

import (
	"fmt"
	"os"

	"github.com/searchpack/searchpack/dev/internal/distro"
)

// Add gives the cluster a node more, the next of n1, n2, ..., which lives in home and is down. When
// it is started it joins the others.
func (c *Cluster) Add(home distro.Home) (*Node, error) {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	s := c.stateNow()
	if len(s.Nodes) >= maxNodes {
		return nil, fmt.Errorf("a cluster has 1 to %d nodes", maxNodes)
	}
	if _, err := os.Stat(home.Dir); err != nil {
		return nil, err
	}
	if err := c.user.checkReach(home.Dir, home.JDK.Home); err != nil {
		return nil, err
	}
	taken := map[int]bool{}
	for _, n := range s.Nodes {
		taken[n.HTTPPort], taken[n.TransportPort] = true, true
	}
	ports, err := freePorts(2, taken)
	if err != nil {
		return nil, err
	}
	i := len(s.Nodes)
	s.Nodes = append(s.Nodes, nodeState{Name: nodeName(i), HTTPPort: ports[0], TransportPort: ports[1], Joins: true})
	if err := c.setState(s); err != nil {
		return nil, err
	}
	n := &Node{cluster: c, index: i, name: nodeName(i), home: home}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = append(c.nodes, n)
	return n, nil
}

// Drop forgets the last node, which is down. Its home stays. A cluster keeps one node.
func (c *Cluster) Drop() error {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	nodes, s := c.Nodes(), c.stateNow()
	last := nodes[len(nodes)-1]
	switch {
	case len(nodes) == 1:
		return fmt.Errorf("%s is the only node of %s", last.name, c.name)
	case last.Running():
		return fmt.Errorf("%s of %s runs: stop it first", last.name, c.name)
	}
	s.Nodes = s.Nodes[:len(s.Nodes)-1]
	if err := c.setState(s); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = nodes[:len(nodes)-1]
	return nil
}

// Joins reports whether the node came to a cluster that was there.
func (n *Node) Joins() bool { return n.ports().Joins }
