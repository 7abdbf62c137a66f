package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/searchpack/searchpack"

	"github.com/searchpack/searchpack/dev/internal/child"
	"github.com/searchpack/searchpack/dev/internal/parts"
	"github.com/searchpack/searchpack/dev/internal/proxy"
	"github.com/searchpack/searchpack/dev/internal/stack"
)

// fleetNode is one OpenSearch node, the agent beside it and the agent's network.
type fleetNode struct {
	stack.ClusterNode
	name, dir string
	fleet     *fleet
	agent     *child.Process
	server    *proxy.Proxy // the servers, as the agent sees them
	cable     proxy.Gate
}

// startNodes lays out and starts the nodes with their agents: the agents first, so that the check
// before the start of a node finds them.
func (f *fleet) startNodes(version string) {
	t := f.t
	made := parts.New(program)
	clusters, err := made.Clusters(t.Context(), stack.Options{OpenSearch: []string{version}}, func(text string) { t.Log(text) })
	must(t, err)
	dir := filepath.Join(f.u.data, "domains", "demo")
	cluster, err := clusters.Open(t.Context(), stack.ClusterOptions{
		Domain: searchpack.Domain{DomainKey: fleetDomain, EngineVersion: clusters.Engines()[0], Nodes: 3},
		Dir:    dir, Process: "demo", Keeper: f.keeper,
		BeforeStart: func(ctx context.Context, i stack.NodeInfo) error { return f.sync(ctx, i) },
	})
	must(t, err)
	code, token := cli(t, f.u, "token", "create", "--domain", fleetDomain.Name, "--uses=-1")
	if code != 0 {
		t.Fatal(token)
	}
	must(t, os.WriteFile(f.path("join-token"), []byte(token), 0o600))
	for _, made := range cluster.Nodes() {
		n := &fleetNode{ClusterNode: made, name: made.Info().Name, dir: filepath.Join(dir, made.Info().Name), fleet: f}
		n.server = f.listen(&n.cable)
		for _, s := range f.servers {
			agents, err := os.ReadFile(filepath.Join(s.dir(), "agents"))
			must(t, err)
			n.server.Set(s.name, proxy.TCP(string(agents), &s.toAgents))
		}
		f.nodes = append(f.nodes, n)
		must(t, n.startAgent())
		t.Cleanup(func() { n.agent.Stop(context.Background(), 10*time.Second) })
		t.Cleanup(func() { n.Stop(context.Background()) })
	}
	for _, n := range f.nodes { // else the check before the start of a node may take the state folder first
		eventually(t, func() string {
			if text, err := os.ReadFile(n.log()); err != nil || !strings.Contains(string(text), "msg=enrolled") {
				return fmt.Sprintf("the agent of %s does not enrol: %s, %v", n.name, text, err)
			}
			return ""
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), jvmPatience)
	defer cancel()
	must(t, cluster.Start(ctx))
	f.publish(f.u.document().Endpoint)
}

// agentArgs are what `agent run` and `agent sync` share.
func (f *fleet) agentArgs(command string, i stack.NodeInfo) []string {
	var server string
	for _, n := range f.nodes {
		if n.name == i.Name {
			server = n.server.Address()
		}
	}
	return []string{"agent", command, "--server", "https://" + server, "--token-file", f.path("join-token"), "--name", i.Name,
		"--config", i.Config, "--state", filepath.Join(f.u.data, "domains", "demo", i.Name, "agent"),
		"--home", i.Home, "--allow-plugins", f.plugins.allow}
}

func (n *fleetNode) log() string { return filepath.Join(n.dir, "agent.log") }

func (n *fleetNode) startAgent() (err error) {
	i := n.Info()
	args := append(n.fleet.agentArgs("run", i), "--opensearch", i.HTTP)
	args = append(args, n.fleet.plugins.args(i)...)
	n.agent, err = n.fleet.run("demo."+n.name+".agent", n.log(), nil, client, args...)
	return err
}

func (n *fleetNode) killAgent() {
	kill(n.agent.PID())
	<-n.agent.Done()
}

// killNode kills OpenSearch alone; startNode starts it as a unit file does: files first.
func (n *fleetNode) killNode() {
	kill(n.Pid())
	<-n.Done()
}

func (n *fleetNode) startNode() error {
	ctx, cancel := context.WithTimeout(n.fleet.t.Context(), jvmPatience)
	defer cancel()
	return errors.Join(n.Start(ctx), n.WaitReady(ctx))
}

// sync is `agent sync --once` before a node starts.
func (f *fleet) sync(ctx context.Context, i stack.NodeInfo) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, client, append(f.agentArgs("sync", i), "--once")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("agent sync --once: %w: %s", err, tail(out))
	}
	return nil
}
