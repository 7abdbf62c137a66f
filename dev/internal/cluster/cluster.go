// Package cluster runs real OpenSearch clusters on loopback, each node a child process with a home
// of its own (package distro).
//
// What a cluster must remember, its ports, lies in a state file, so that a node has the same
// address after every start. Processes are started and ended by package child: none outlives this
// program, and what a kill -9 of it leaves is ended by the next run. A node that dies stays down
// until it is started. Nodes refuse to run as root; under root they run as a numeric user without
// an account, who owns what a node writes and nothing else.
//
// The package knows nothing of packages, agents or AWS: what is to happen before a node starts is
// handed in.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/distro"
)

// Options of a cluster.
type Options struct {
	// Name is the cluster.name: small letters, digits and minus.
	Name string
	// Dir holds the state file; made if absent. One process at a time: the caller has a lock.
	Dir string
	// Homes of n1, n2, ... in this order.
	Homes []distro.Home
	// Keeper starts the processes. Nil: one of the cluster's own, whose records lie in Dir.
	Keeper *child.Keeper
	// Settings are further lines of opensearch.yml. They win over those written here.
	Settings map[string]string
	// BeforeStart, if set, runs before each start of a node, while its process is down. An error
	// keeps the node down.
	BeforeStart func(ctx context.Context, n *Node) error
}

// Cluster is a set of nodes. All methods may be called at any time by several goroutines.
type Cluster struct {
	name     string
	dir      string
	keeper   *child.Keeper
	ownsIt   bool
	user     runAs
	settings map[string]string
	before   func(ctx context.Context, n *Node) error
	http     *http.Transport
	calm     time.Duration // calmFor

	lifecycle sync.Mutex // held while the whole cluster starts or stops, and while a node comes or goes

	mu    sync.Mutex
	nodes []*Node
	state state
}

const maxNodes = 9 // of one cluster on one machine

var nameShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Create makes a cluster, or opens the one whose state lies in Dir. No node is started.
func Create(o Options) (*Cluster, error) {
	if !nameShape.MatchString(o.Name) {
		return nil, fmt.Errorf("%q is no name for a cluster: small letters, digits and minus", o.Name)
	}
	if len(o.Homes) == 0 || len(o.Homes) > maxNodes {
		return nil, fmt.Errorf("a cluster has 1 to %d nodes, not %d", maxNodes, len(o.Homes))
	}
	c := &Cluster{name: o.Name, keeper: o.Keeper, user: currentRunAs(), settings: o.Settings, before: o.BeforeStart,
		http: &http.Transport{DisableKeepAlives: true}, calm: calmFor} // nodes come and go
	var err error
	if c.dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	for _, h := range o.Homes {
		if _, err := os.Stat(h.Dir); err != nil {
			return nil, err
		}
		if err := c.user.checkReach(h.Dir, h.JDK.Home); err != nil {
			return nil, err
		}
	}
	if err := c.openState(o.Homes); err != nil {
		return nil, err
	}
	if c.keeper == nil {
		if c.keeper, err = child.Open(filepath.Join(c.dir, processDir)); err != nil {
			return nil, err
		}
		c.ownsIt = true
	}
	for i, h := range o.Homes {
		c.nodes = append(c.nodes, &Node{cluster: c, index: i, name: nodeName(i), home: h})
	}
	return c, nil
}

func nodeName(i int) string { return fmt.Sprintf("n%d", i+1) }

// Name is the cluster.name.
func (c *Cluster) Name() string { return c.name }

// Nodes returns n1, n2, ...
func (c *Cluster) Nodes() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.nodes)
}

// Node returns the node of that name, nil if there is none.
func (c *Cluster) Node(name string) *Node {
	for _, n := range c.Nodes() {
		if n.name == name {
			return n
		}
	}
	return nil
}

// startAttempts bounds how often a port that somebody else takes at the wrong moment is replaced.
const startAttempts = 3

// Start starts all nodes that are down and returns when each answers and all have met. When it
// fails, the nodes that it started are down again.
func (c *Cluster) Start(ctx context.Context) error {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	var err error
	for range startAttempts {
		if err = c.movePorts(ctx); err != nil {
			return err
		}
		err = c.startOnce(ctx)
		if !errors.Is(err, errPortTaken) || c.anyRunning() {
			return err
		}
	}
	return err
}

func (c *Cluster) startOnce(ctx context.Context) error {
	var down []*Node
	for _, n := range c.Nodes() {
		if !n.Running() {
			down = append(down, n)
		}
	}
	group, starting := errgroup.WithContext(ctx)
	for _, n := range down {
		group.Go(func() error {
			if err := n.Start(starting); err != nil {
				return err
			}
			return n.WaitReady(starting)
		})
	}
	err := group.Wait()
	if err == nil {
		err = c.WaitHealth(ctx, "")
	}
	if err != nil {
		stopAll(context.WithoutCancel(ctx), down)
	}
	return err
}

func (c *Cluster) anyRunning() bool {
	for _, n := range c.Nodes() {
		if n.Running() {
			return true
		}
	}
	return false
}

// Stop ends all nodes and returns when they are gone, by force once ctx has ended. It waits for a
// Start that is under way: end that one's context first.
func (c *Cluster) Stop(ctx context.Context) {
	c.lifecycle.Lock()
	defer c.lifecycle.Unlock()
	stopAll(ctx, c.Nodes())
}

func stopAll(ctx context.Context, nodes []*Node) {
	var group sync.WaitGroup
	for _, n := range nodes {
		group.Go(func() { n.Stop(ctx) })
	}
	group.Wait()
}

// Close stops the cluster and releases what Create took.
func (c *Cluster) Close() {
	c.Stop(context.Background())
	if c.ownsIt {
		c.keeper.Close()
	}
}

// processDir holds the records of running processes, for clusters without a keeper from outside.
const processDir = "processes"

// KillLeftovers ends the nodes that a killed run of this program left running for the cluster with
// its state in dir, and returns their names. A process is known by id, start time and boot: one
// that merely has the same id is left alone. Call it before Create, under the caller's lock.
func KillLeftovers(ctx context.Context, dir string) ([]string, error) {
	records := filepath.Join(dir, processDir)
	if _, err := os.Stat(records); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	keeper, err := child.Open(records)
	if err != nil {
		return nil, err
	}
	defer keeper.Close()
	ended, err := keeper.EndLeftOver(ctx, stopGrace)
	var names []string
	for _, r := range ended {
		names = append(names, r.Name)
	}
	return names, err
}
