package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/searchpack/searchpack/dev/internal/child"
)

// fakeClusters run `sleep` where OpenSearch would run. What lies in the folders of clusters is kept
// in memory, so that a provisioner that comes after another finds it.
type fakeClusters struct {
	mu      sync.Mutex
	fail    error // of Cluster.Start
	laidOut map[string][]has
	faults  map[string]error         // by call: "Drain n3", "Start n2 OpenSearch_3.8"
	gates   map[string]chan struct{} // calls that wait until their channel is closed, or for ctx
	calls   []string                 // those that change something
	manager string
}

func newFakeClusters() *fakeClusters {
	return &fakeClusters{laidOut: map[string][]has{}, faults: map[string]error{}, gates: map[string]chan struct{}{}, manager: "n1"}
}

func (f *fakeClusters) Engines() []string { return []string{"OpenSearch_3.8", "OpenSearch_3.7"} }

func (f *fakeClusters) setFail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fakeClusters) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fail
}

// fault makes a call fail; nil: no longer.
func (f *fakeClusters) fault(call string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[call] = err
}

// gate makes a call wait until open is called.
func (f *fakeClusters) gate(call string) (open func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan struct{})
	f.gates[call] = c
	return sync.OnceFunc(func() { close(c) })
}

// called notes a call and says how it ends.
func (f *fakeClusters) called(ctx context.Context, format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	f.mu.Lock()
	f.calls = append(f.calls, call)
	err, gate := f.faults[call], f.gates[call]
	f.mu.Unlock()
	if gate == nil || err != nil {
		return err
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// noted returns the calls so far.
func (f *fakeClusters) noted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fakeClusters) Open(_ context.Context, o ClusterOptions) (Cluster, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &fakeCluster{f: f, o: o}
	if _, err := os.Stat(filepath.Join(o.Dir, "n1")); err != nil { // the folder was made anew
		f.laidOut[o.Dir] = nil
		for i := range o.Domain.Nodes {
			f.laidOut[o.Dir] = append(f.laidOut[o.Dir], has{fmt.Sprintf("n%d", i+1), o.Domain.EngineVersion})
		}
	}
	for _, h := range f.laidOut[o.Dir] {
		n := &fakeNode{c: c, name: h.name}
		if err := os.MkdirAll(filepath.Join(o.Dir, n.name), 0o755); err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, n)
	}
	return c, nil
}

type fakeCluster struct {
	f     *fakeClusters
	o     ClusterOptions
	nodes []ClusterNode
}

func (c *fakeCluster) Nodes() []ClusterNode { return slices.Clone(c.nodes) }

func (c *fakeCluster) Start(ctx context.Context) error {
	if err := c.f.failure(); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *fakeCluster) Add(ctx context.Context) (ClusterNode, error) {
	n := &fakeNode{c: c, name: fmt.Sprintf("n%d", len(c.nodes)+1), joins: true}
	if err := c.f.called(ctx, "Add %s", n.name); err != nil {
		return nil, err
	}
	c.f.mu.Lock()
	c.f.laidOut[c.o.Dir] = append(c.f.laidOut[c.o.Dir], has{n.name, c.f.laidOut[c.o.Dir][0].engine})
	c.f.mu.Unlock()
	c.nodes = append(c.nodes, n)
	return n, os.MkdirAll(filepath.Join(c.o.Dir, n.name), 0o755)
}

func (c *fakeCluster) Drop() error {
	last := c.nodes[len(c.nodes)-1]
	if last.Pid() != 0 {
		return errors.New("it runs")
	}
	if err := c.f.called(context.Background(), "Drop %s", last.Info().Name); err != nil {
		return err
	}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	all := c.f.laidOut[c.o.Dir]
	c.f.laidOut[c.o.Dir], c.nodes = all[:len(all)-1], slices.Clone(c.nodes[:len(c.nodes)-1])
	return nil
}

func (c *fakeCluster) Drain(ctx context.Context, node string, say Say) error {
	say(50, "one shard is left on "+node)
	return c.f.called(ctx, "Drain %s", node)
}

func (c *fakeCluster) Leave(ctx context.Context, node string) error {
	return c.f.called(ctx, "Leave %s", node)
}

func (c *fakeCluster) Left(ctx context.Context, node string) error {
	return c.f.called(ctx, "Left %s", node)
}

func (c *fakeCluster) Stay(ctx context.Context, node string) error {
	return c.f.called(ctx, "Stay %s", node)
}

func (c *fakeCluster) Unfit(context.Context) (string, error) {
	if err := c.f.called(context.Background(), "Unfit"); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

func (c *fakeCluster) Manager(context.Context) (string, error) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	return c.f.manager, nil
}

func (c *fakeCluster) Hold(ctx context.Context) error          { return c.f.called(ctx, "Hold") }
func (c *fakeCluster) Release(context.Context) error           { return nil }
func (c *fakeCluster) Settle(ctx context.Context, _ Say) error { return c.f.called(ctx, "Settle") }

func (c *fakeCluster) Joined(ctx context.Context, node string) error {
	return c.f.called(ctx, "Joined %s", node)
}

type fakeNode struct {
	c      *fakeCluster
	name   string
	joins  bool
	beside string
	mu     sync.Mutex
	p      *child.Process
}

func (n *fakeNode) process() *child.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.p
}

func (n *fakeNode) engine() string {
	n.c.f.mu.Lock()
	defer n.c.f.mu.Unlock()
	for _, h := range n.c.f.laidOut[n.c.o.Dir] {
		if h.name == n.name {
			return h.engine
		}
	}
	return ""
}

func (n *fakeNode) Info() NodeInfo {
	dir := filepath.Join(n.c.o.Dir, n.name)
	return NodeInfo{Name: n.name, HTTP: "http://127.0.0.1:1920" + n.name[1:], Home: dir, Config: filepath.Join(dir, "config"), Logs: dir, Engine: n.engine(), Joins: n.joins}
}

func (n *fakeNode) Start(ctx context.Context) error {
	if n.Pid() != 0 {
		return nil
	}
	if err := n.c.f.called(ctx, "Start %s %s", n.name, n.engine()); err != nil {
		return err
	}
	if err := n.c.o.BeforeStart(ctx, n.Info()); err != nil {
		return err
	}
	p, err := n.c.o.Keeper.Start(n.c.o.Process+"."+n.name+".opensearch", exec.Command("sleep", "300"))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.p = p
	return err
}

func (n *fakeNode) WaitReady(context.Context) error {
	if n.Pid() == 0 {
		return errors.New("down")
	}
	return nil
}

func (n *fakeNode) Stop(ctx context.Context) { n.process().Stop(ctx, time.Minute) }

func (n *fakeNode) Pid() int {
	if p := n.process(); p != nil && p.Running() {
		return p.PID()
	}
	return 0
}

func (n *fakeNode) Done() <-chan struct{} {
	if p := n.process(); p != nil {
		return p.Done()
	}
	return nil
}

func (n *fakeNode) Prepare(ctx context.Context, engine string) error {
	n.beside = engine
	return n.c.f.called(ctx, "Prepare %s", n.name)
}

func (n *fakeNode) Switch() error {
	if n.Pid() != 0 {
		return errors.New("it runs")
	}
	if err := n.c.f.called(context.Background(), "Switch %s", n.name); err != nil {
		return err
	}
	was := n.engine()
	n.c.f.mu.Lock()
	defer n.c.f.mu.Unlock()
	for i, h := range n.c.f.laidOut[n.c.o.Dir] {
		if h.name == n.name {
			n.c.f.laidOut[n.c.o.Dir][i].engine = n.beside
		}
	}
	n.beside = was
	return nil
}

func (n *fakeNode) Settled() error { return nil }
