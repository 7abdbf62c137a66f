package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The patience with children.
const (
	// startPatience is how long a node may take until it answers: three JVMs that start together on
	// two busy cores take a minute.
	startPatience = 5 * time.Minute
	agentGrace    = 10 * time.Second // after SIGTERM
)

// node is one node of a local domain with its agent. Its processes run or are down; a killed one
// stays down until it is started by name.
type node struct {
	cluster ClusterNode
	agents  Agents
	dir     string                                    // of the node, in the domain's
	domain  string                                    // its name
	process string                                    // prefix of its processes' names
	server  string                                    // URL of the agents' listener
	token   func(ctx context.Context) (string, error) // a new join token
	changed func()                                    // something runs now, or has ended

	mu    sync.Mutex // held through each start and stop
	ended bool       // nothing starts any more

	agentMu sync.Mutex // guards agent, for readers that must not wait for a start
	agent   Process
}

var errStopping = errors.New("the node is being taken down")

func (n *node) name() string { return n.cluster.Info().Name }

// entry describes the node but for its id.
func (n *node) entry() NodeEntry {
	i := n.cluster.Info()
	return NodeEntry{
		Name: i.Name, EngineVersion: i.Engine, HTTP: i.HTTP, Home: i.Home, Config: i.Config, Logs: i.Logs,
		PID: n.cluster.Pid(), AgentPID: n.agentPID(), AgentState: agentState(n.dir),
	}
}

func agentState(dir string) string { return filepath.Join(dir, "agent") }

func (n *node) agentProcess() Process {
	n.agentMu.Lock()
	defer n.agentMu.Unlock()
	return n.agent
}

func (n *node) agentPID() int {
	if p := n.agentProcess(); p != nil && p.Running() {
		return p.PID()
	}
	return 0
}

// agentSpec is what an agent of the node in dir is started with.
func agentSpec(i NodeInfo, dir, process, server, domain string) AgentSpec {
	return AgentSpec{
		Process: process + "." + i.Name + ".agent", Node: i.Name, Server: server,
		TokenFile: filepath.Join(dir, "join-token"), HTTP: i.HTTP, Home: i.Home, Config: i.Config, Logs: i.Logs,
		Data: filepath.Dir(filepath.Dir(filepath.Dir(dir))), Target: domain + "/" + i.Name, // DATA/domains/demo/n1
		State: agentState(dir), Log: filepath.Join(dir, "agent.log"),
	}
}

// startNode starts OpenSearch (what is ordered is brought into place before) and returns when the
// node answers. A node that runs is left alone.
func (n *node) startNode(ctx context.Context) error {
	if err := n.launch(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return n.cluster.WaitReady(ctx)
}

func (n *node) launch(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return errStopping
	}
	if err := n.cluster.Start(ctx); err != nil {
		return err
	}
	n.watch(n.cluster.Done())
	return nil
}

// watch makes the end of a process known.
func (n *node) watch(done <-chan struct{}) {
	n.changed()
	if done == nil {
		return
	}
	go func() {
		<-done
		n.changed()
	}()
}

// stopNode stops OpenSearch.
func (n *node) stopNode(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cluster.Stop(ctx)
}

// startAgent starts the agent, with a new join token in case it has not enrolled yet.
func (n *node) startAgent(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return errStopping
	}
	if n.agentPID() != 0 {
		return nil
	}
	spec := agentSpec(n.cluster.Info(), n.dir, n.process, n.server, n.domain)
	if err := writeToken(ctx, spec, n.token); err != nil {
		return err
	}
	p, err := n.agents.Run(ctx, spec)
	if err != nil {
		return fmt.Errorf("starting the agent of %s: %w", spec.Node, err)
	}
	n.agentMu.Lock()
	n.agent = p
	n.agentMu.Unlock()
	n.watch(p.Done())
	return nil
}

// writeToken makes a join token and puts it where the agent looks for it.
func writeToken(ctx context.Context, a AgentSpec, token func(context.Context) (string, error)) error {
	text, err := token(ctx)
	if err != nil {
		return fmt.Errorf("making a join token for %s: %w", a.Node, err)
	}
	if err := os.MkdirAll(filepath.Dir(a.TokenFile), 0o711); err != nil {
		return err
	}
	return replaceFile(a.TokenFile, []byte(text+"\n"))
}

// exchange stops the agent and OpenSearch, gives the node the program that was prepared, and starts
// it; nobody else starts or stops anything meanwhile. The agent stays down: the folder that it
// looked after has moved.
func (n *node) exchange(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return errStopping
	}
	n.endAgent(ctx)
	n.cluster.Stop(ctx)
	if err := n.cluster.Switch(); err != nil {
		return err
	}
	if err := n.cluster.Start(ctx); err != nil {
		return err
	}
	n.watch(n.cluster.Done())
	return nil
}

// shelve stops OpenSearch and changes its program without a start.
func (n *node) shelve(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cluster.Stop(ctx)
	return n.cluster.Switch()
}

// stopAgent stops the agent.
func (n *node) stopAgent(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.endAgent(ctx)
}

func (n *node) endAgent(ctx context.Context) {
	if p := n.agentProcess(); p != nil {
		p.Stop(ctx, agentGrace)
	}
}

// end stops both for good.
func (n *node) end(ctx context.Context) {
	n.mu.Lock()
	n.ended = true
	n.mu.Unlock()
	n.stopAgent(ctx)
	n.stopNode(ctx)
}
